//! S37: hooks of rows that go, and the keys of them.

use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::ActiveValue::Set;
use sea_orm::rbac::{RbacContext, RbacUserId};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, TransactionTrait as _,
};
use sea_orm_cascade::{ErrorKind, Graph};

use crate::support::{Case, TestDb};
use crate::{entity, tables, tests};

tests![
    hooks_see_each_row_once_children_first,
    a_veto_changes_nothing,
    a_veto_of_after_delete_changes_nothing,
    a_veto_in_batches_leaves_the_batches_before,
    hooks_of_many_rows_run_in_chunks,
    hooks_in_a_tree_and_a_ring,
    hooks_write_in_the_same_transaction,
    hooks_under_restricted_users,
    after_a_hook_a_transient_failure_is_returned,
    the_outcome_carries_keys,
    keys_of_an_unregistered_entity_are_refused,
];

/// Each hook notes its row down in the table `seen` too, and refuses the row that the table
/// `refuse` names.
macro_rules! with_hooks {
    ($module:ident $table:literal { $($fields:tt)* } [$($relations:tt)*]) => {
        mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: i64,
                $($fields)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {
                $($relations)*
            }

            #[async_trait::async_trait]
            impl ActiveModelBehavior for ActiveModel {
                async fn before_delete<C: ConnectionTrait>(self, db: &C) -> Result<Self, DbErr> {
                    super::note(db, &format!("before {} {}", $table, self.id.as_ref())).await?;
                    Ok(self)
                }

                async fn after_delete<C: ConnectionTrait>(self, db: &C) -> Result<Self, DbErr> {
                    super::note(db, &format!("after {} {}", $table, self.id.as_ref())).await?;
                    Ok(self)
                }
            }
        }
    };
}

with_hooks!(a "a" {} []);
with_hooks!(b "b" { pub a: i64, pub text: String, } [
    #[sea_orm(belongs_to = "super::a::Entity", from = "Column::A", to = "super::a::Column::Id", on_delete = "Cascade")]
    A,
]);
with_hooks!(node "nodes" { pub up: Option<i64>, } [
    #[sea_orm(belongs_to = "Entity", from = "Column::Up", to = "Column::Id", on_delete = "Cascade")]
    Up,
]);
with_hooks!(wife "wives" { pub husband: i64, } [
    #[sea_orm(belongs_to = "super::husband::Entity", from = "Column::Husband", to = "super::husband::Column::Id", on_delete = "Cascade")]
    Husband,
]);
entity!(husband "husbands" { pub wife: i64, } [
    Wife = "super::wife::Entity", "Column::Wife", "super::wife::Column::Id", "Cascade"
]);
entity!(c "c" { pub b: i64, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "Cascade"]);
entity!(seen "seen" { pub what: String, } []);

/// The row of `seen` that names what is refused.
const REFUSED: i64 = -1;

/// Notes a hook down, unless it is to be refused.
async fn note<C: sea_orm::ConnectionTrait>(db: &C, what: &str) -> Result<(), sea_orm::DbErr> {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    if seen::Entity::find_by_id(REFUSED).one(db).await?.is_some_and(|refused| refused.what == what) {
        return Err(sea_orm::DbErr::Custom(format!("{what} stays")));
    }
    let row = seen::ActiveModel { id: Set(NEXT.fetch_add(1, Ordering::Relaxed)), what: Set(what.to_owned()) };
    seen::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

async fn what_was_seen(db: &TestDb) -> String {
    let rows = seen::Entity::find().filter(seen::Column::Id.ne(REFUSED)).order_by_asc(seen::Column::Id);
    let rows: Vec<_> = rows.all(&db.conn).await.unwrap().into_iter().map(|row| row.what).collect();
    rows.join(", ")
}

fn case() -> Case {
    Case::new(tables![a, b, c, seen])
        .rows("a", "(1), (2)")
        .rows("b", "(1, 1, 'x'), (2, 1, 'y'), (3, 2, 'z')")
        .rows("c", "(1, 1), (2, 3)")
}

fn graph() -> Graph {
    Graph::builder()
        .entity_with_hooks(a::Entity)
        .entity(b::Entity)
        .entity_with_hooks(b::Entity)
        .entity(c::Entity)
        .build()
        .unwrap()
}

const AFTER: &str = "before b 1, before b 2, after b 1, after b 2, before a 1, after a 1";

async fn hooks_see_each_row_once_children_first(db: TestDb) {
    for constrained in [true, false] {
        case().create(&db, constrained, false).await;
        let outcome = graph().delete_keys(a::Entity, [1]).execute(&db.conn).await.unwrap();
        assert_eq!(outcome.to_string(), "deleted a 1, b 2, c 1");
        assert_eq!(what_was_seen(&db).await, AFTER);
        case().drop(&db).await;

        case().create(&db, constrained, false).await;
        let outcome = graph().delete_keys(a::Entity, [1]).batches_of(2).execute(&db.conn).await.unwrap();
        assert_eq!(outcome.to_string(), "deleted a 1, b 2, c 1");
        assert_eq!(what_was_seen(&db).await, AFTER);
        case().drop(&db).await;
    }
}

async fn refuse(db: &TestDb, what: &str) {
    db.sql(&format!("INSERT INTO seen VALUES ({REFUSED}, '{what}')")).await;
}

async fn a_veto_changes_nothing(db: TestDb) {
    case().create(&db, true, false).await;
    refuse(&db, "before a 1").await;
    let before = case().state(&db.conn).await;
    let error = graph().delete_keys(a::Entity, [1]).execute(&db.conn).await.unwrap_err();
    let ErrorKind::Vetoed { table, source, .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!((table.as_str(), source.to_string().as_str()), ("a", "Custom Error: before a 1 stays"));
    assert_eq!(error.to_string(), "a hook of a refused the delete");
    assert!(error.is_vetoed() && !error.is_transient());
    assert_eq!(case().state(&db.conn).await, before);

    let transaction = db.conn.begin().await.unwrap();
    graph().delete_keys(a::Entity, [1]).execute(&transaction).await.unwrap_err();
    transaction.execute_unprepared("DELETE FROM seen").await.unwrap();
    graph().delete_keys(a::Entity, [1]).execute(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(what_was_seen(&db).await, AFTER);
}

async fn a_veto_of_after_delete_changes_nothing(db: TestDb) {
    case().create(&db, true, false).await;
    refuse(&db, "after b 2").await;
    let before = case().state(&db.conn).await;
    assert!(graph().delete_keys(a::Entity, [1]).execute(&db.conn).await.unwrap_err().is_vetoed());
    assert_eq!(case().state(&db.conn).await, before);
}

async fn a_veto_in_batches_leaves_the_batches_before(db: TestDb) {
    case().create(&db, true, false).await;
    refuse(&db, "before b 2").await;
    let batches = graph().delete_keys(a::Entity, [1]).batches_of(1);
    let error = batches.execute(&db.conn).await.unwrap_err();
    assert!(error.is_vetoed() && !error.is_stopped());
    assert_eq!(error.done_so_far().unwrap().to_string(), "deleted b 1, c 1");
    assert_eq!(
        error.to_string(),
        "the delete failed after 2 committed batches (deleted b 1, c 1); call again to continue"
    );
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "a hook of b refused the delete");
    assert_eq!(what_was_seen(&db).await, "before b 1, after b 1");
    db.sql("DELETE FROM seen").await;
    assert_eq!(batches.execute(&db.conn).await.unwrap().to_string(), "deleted a 1, b 1");
}

async fn hooks_of_many_rows_run_in_chunks(db: TestDb) {
    case().create(&db, true, false).await;
    let values: Vec<String> = (100..5_200).map(|id| format!("({id}, 2, 'many')")).collect();
    db.sql(&format!("INSERT INTO b VALUES {}", values.join(", "))).await;
    let outcome = graph().delete_keys(a::Entity, [2]).execute(&db.conn).await;
    assert_eq!(outcome.unwrap().to_string(), "deleted a 1, b 5101, c 1");
    let seen = what_was_seen(&db).await;
    let seen: Vec<&str> = seen.split(", ").collect();
    assert_eq!(seen.len(), 2 * 5_102);
    assert!(seen[..5_000].iter().all(|what| what.starts_with("before b")));
    assert!(seen[5_000..10_000].iter().all(|what| what.starts_with("after b")));
    assert_eq!(seen[10_000], "before b 5099");
    assert_eq!(seen[10_203], "after a 2");
}

async fn hooks_in_a_tree_and_a_ring(db: TestDb) {
    let case = Case::new(tables![node, seen]).rows("nodes", "(1, NULL), (2, 1), (3, 2), (4, 1)");
    let graph = Graph::builder().entity_with_hooks(node::Entity).build().unwrap();
    let expected = "before nodes 3, before nodes 4, after nodes 3, after nodes 4, before nodes 2, after nodes 2, \
                    before nodes 1, after nodes 1";
    case.create(&db, true, false).await;
    graph.delete_keys(node::Entity, [1]).execute(&db.conn).await.unwrap();
    assert_eq!(what_was_seen(&db).await, expected);
    case.drop(&db).await;
    case.create(&db, true, false).await;
    graph.delete_keys(node::Entity, [1]).batches_of(3).execute(&db.conn).await.unwrap();
    assert_eq!(what_was_seen(&db).await, expected);
    case.drop(&db).await;

    let case = Case::new(tables![husband, wife, seen]).rows("husbands", "(1, 10)").rows("wives", "(10, 1)");
    case.create(&db, !db.kind().speaks_mysql(), false).await;
    let graph = Graph::builder().entity(husband::Entity).entity_with_hooks(wife::Entity).build().unwrap();
    let deletion = graph.delete_keys(husband::Entity, [1]).keys_of(wife::Entity);
    let outcome = deletion.execute(&db.conn).await.unwrap();
    assert_eq!(outcome.key_values(wife::Entity)[0].to_string(), "10");
    assert_eq!(what_was_seen(&db).await, "before wives 10, after wives 10");
}

// What a hook wrote goes with a delete that fails.
async fn hooks_write_in_the_same_transaction(db: TestDb) {
    case().create(&db, true, false).await;
    refuse(&db, "after a 1").await;
    graph().delete_keys(a::Entity, [1]).execute(&db.conn).await.unwrap_err();
    assert_eq!(what_was_seen(&db).await, "");
}

async fn hooks_under_restricted_users(db: TestDb) {
    case().create(&db, true, false).await;
    let params = sea_orm::rbac::schema::RbacCreateTablesParams::default();
    sea_orm::rbac::schema::create_tables(&db.conn, params).await.unwrap();
    let mut rights = RbacContext::load(&db.conn).await.unwrap();
    rights.add_tables(&db.conn, &["a", "b", "c", "seen", "*"]).await.unwrap();
    rights.add_crud_permissions(&db.conn).await.unwrap();
    rights.add_roles(&db.conn, &["all", "without_seen"]).await.unwrap();
    rights.assign_user_role(&db.conn, &[(1, "all"), (2, "without_seen")]).await.unwrap();
    for role in ["all", "without_seen"] {
        rights.add_role_permissions(&db.conn, role, &["select"], &["a", "b", "c", "seen"]).await.unwrap();
        rights.add_role_permissions(&db.conn, role, &["delete"], &["a", "b", "c"]).await.unwrap();
    }
    rights.add_role_permissions(&db.conn, "all", &["insert"], &["seen"]).await.unwrap();
    db.conn.load_rbac().await.unwrap();

    let deletion = graph().delete_keys(a::Entity, [1]);
    let before = case().state(&db.conn).await;
    // The hook itself may not write.
    let error = deletion.execute(&db.conn.restricted_for(RbacUserId(2)).unwrap()).await.unwrap_err();
    assert!(error.is_vetoed(), "{error:?}");
    assert_eq!(case().state(&db.conn).await, before);
    deletion.execute(&db.conn.restricted_for(RbacUserId(1)).unwrap()).await.unwrap();
    assert_eq!(what_was_seen(&db).await, AFTER);
}

// A reference from outside looks like a row that was inserted meanwhile.
async fn after_a_hook_a_transient_failure_is_returned(db: TestDb) {
    case().create(&db, true, false).await;
    db.sql("CREATE TABLE foreigner (a BIGINT, FOREIGN KEY (a) REFERENCES a (id))").await;
    db.sql("INSERT INTO foreigner VALUES (1)").await;
    let tried = |events: Vec<String>| events.iter().filter(|event| *event == "cascade.retry").count();
    for (deletion, expected) in [
        (graph().delete_keys(a::Entity, [1]).retries(2), 0),
        (graph().delete_keys(a::Entity, [1]).retries(2).retry_with_hooks(), 2),
    ] {
        let (events, result) = crate::support::traced(deletion.execute(&db.conn)).await;
        assert!(result.unwrap_err().is_transient());
        assert_eq!(tried(events), expected);
    }
    assert_eq!(what_was_seen(&db).await, "");
}

async fn the_outcome_carries_keys(db: TestDb) {
    let case = Case::new(tables![a, b, c]).rows("a", "(1), (2)").rows("b", "(1, 1, 'x'), (2, 1, 'y'), (3, 2, 'z')");
    let case = case.rows("c", "(1, 1), (2, 3)");
    let graph = Graph::builder().entity(a::Entity).entity(b::Entity).entity(c::Entity).build().unwrap();
    for rows_max in [None, Some(1), Some(100)] {
        case.create(&db, true, false).await;
        let deletion = graph.delete_keys(a::Entity, [1]).keys_of(b::Entity).keys_of(c::Entity);
        let preview = deletion.preview(&db.conn).await.unwrap();
        let deletion = deletion.expecting(&preview);
        let outcome = match rows_max {
            None => deletion.execute(&db.conn).await.unwrap(),
            Some(rows_max) => deletion.batches_of(rows_max).execute(&db.conn).await.unwrap(),
        };
        let keys = |keys: &[sea_orm_cascade::Key]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(keys(outcome.key_values(b::Entity)), ["1", "2"]);
        assert_eq!(keys(outcome.key_values(c::Entity)), ["1"]);
        assert!(outcome.key_values(a::Entity).is_empty());
        assert_eq!(
            serde_json::to_string(&outcome).unwrap(),
            r#"{"deleted":[{"table":"a","rows":1},{"table":"b","rows":2,"keys":[[1],[2]]},{"table":"c","rows":1,"keys":[[1]]}],"updated":[]}"#
        );
        assert_eq!(
            serde_json::from_str::<sea_orm_cascade::Outcome>(&serde_json::to_string(&outcome).unwrap()).unwrap(),
            outcome
        );
        case.drop(&db).await;
    }
}

async fn keys_of_an_unregistered_entity_are_refused(db: TestDb) {
    let graph = Graph::builder().entity(a::Entity).build().unwrap();
    let error = graph.delete_keys(a::Entity, [1]).keys_of(seen::Entity).execute(&db.conn).await.unwrap_err();
    assert_eq!(error.to_string(), "table seen is not in the graph; register its entity with `GraphBuilder::entity`");
}
