//! A tree and a ring that hang under the root of a case, so that each case is seen beside tables in
//! cycles too.

use std::cell::RefCell;

use sea_orm::sea_query::{Alias, IntoIden as _, TableName, TableRef};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, RelationDef, Statement};

use sea_orm_cascade::Outcome;

use super::tables::Table;

thread_local! {
    static ROOT: RefCell<String> = RefCell::default();
}

/// The table under which they hang from now on, on this thread.
pub(crate) fn hang_under(root: &str) {
    ROOT.replace(root.to_owned());
}

pub(crate) fn tables() -> [Table; 2] {
    [Table::of(twig::Entity), Table::of(ring::Entity)]
}

/// Gives each root a tree of three rows, and two rows that refer to each other.
pub(crate) async fn fill(db: &DatabaseConnection, root: &str) {
    let quote = if db.get_database_backend() == DbBackend::MySql { '`' } else { '"' };
    let from = format!("FROM {quote}{root}{quote}");
    for rows in [
        "twigs (id, up, holder) SELECT id * 10, NULL, id",
        "twigs (id, up, holder) SELECT id * 10 + 1, id * 10, NULL",
        "twigs (id, up, holder) SELECT id * 10 + 2, id * 10 + 1, NULL",
        "rings (id, next, holder) SELECT id * 10, NULL, NULL",
        "rings (id, next, holder) SELECT id * 10 + 1, id * 10, id",
    ] {
        let sql = format!("INSERT INTO {rows} {from}");
        db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let close = "UPDATE rings SET next = id + 1 WHERE next IS NULL";
    db.execute_unprepared(close).await.expect(close);
}

/// The text of the outcome but for these tables.
pub(crate) fn without(outcome: &Outcome) -> String {
    let own = ["twigs", "rings"];
    let deleted = outcome.deletions().filter(|(table, rows)| *rows > 0 && !own.contains(table));
    let deleted: Vec<_> = deleted.map(|(table, rows)| format!("{table} {rows}")).collect();
    let updated = outcome.updates().filter(|(.., rows)| *rows > 0);
    let updated: Vec<_> = updated.map(|(key, action, rows)| format!("{key} {rows} ({action})")).collect();
    let mut text = match deleted.as_slice() {
        [] => "nothing deleted".to_owned(),
        deleted => format!("deleted {}", deleted.join(", ")),
    };
    if !updated.is_empty() {
        text = format!("{text}; changed {}", updated.join(", "));
    }
    text
}

/// Only the roots that are left have theirs.
pub(crate) async fn check(db: &DatabaseConnection, root: &str, variant: &str) {
    let backend = db.get_database_backend();
    let quote = if backend == DbBackend::MySql { '`' } else { '"' };
    let mut counts = Vec::new();
    for (table, each) in [("twigs", 3), ("rings", 2)] {
        let sql = format!(
            "SELECT (SELECT count(*) FROM {table}) AS there, (SELECT count(*) FROM {quote}{root}{quote}) AS roots"
        );
        let row = db.query_one_raw(Statement::from_string(backend, sql)).await.expect("the counts").expect("one row");
        let (there, roots): (i64, i64) =
            (row.try_get("", "there").expect("a count"), row.try_get("", "roots").expect("a count"));
        counts.push((table, there, each * roots));
    }
    assert!(counts.iter().all(|(_, there, expected)| there == expected), "{variant}: {counts:?}");
}

/// A `belongs_to` to the table that was named.
fn holder(relation: RelationDef) -> RelationDef {
    let root = ROOT.with_borrow(|root| Alias::new(root.as_str()).into_iden());
    RelationDef { to_tbl: TableRef::Table(TableName(None, root), None), ..relation }
}

macro_rules! around {
    ($module:ident $table:literal $key:ident $column:ident) => {
        mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm::sea_query::ForeignKeyAction::Cascade;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: i64,
                pub $key: Option<i64>,
                pub holder: Option<i64>,
            }

            #[derive(Copy, Clone, Debug, EnumIter)]
            pub enum Relation {
                Own,
                Holder,
            }

            impl RelationTrait for Relation {
                fn def(&self) -> RelationDef {
                    let to_own = |from| Entity::belongs_to(Entity).from(from).to(Column::Id).on_delete(Cascade).into();
                    match self {
                        Self::Own => to_own(Column::$column),
                        Self::Holder => super::holder(to_own(Column::Holder)),
                    }
                }
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}
around!(twig "twigs" up Up);
around!(ring "rings" next Next);
