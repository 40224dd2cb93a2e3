//! A schema such as an application has: 60 tables and 110 foreign keys, 31 of them to the first
//! table. It has trees, junctions, two keys to one parent, and tables that reference each other.
//!
//! The tests use it too.

use sea_orm::sea_query::{Alias, ForeignKeyAction, IntoIden as _, TableRef};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Identity, RelationDef, RelationType};
use sea_orm_cascade::{Graph, GraphBuilder};

/// A foreign key of [`TABLES`].
#[derive(Debug)]
pub struct Key {
    pub column: &'static str,
    pub is_nullable: bool,
    pub parent: &'static str,
    pub action: ForeignKeyAction,
}

/// Every table has an `id`, a `name`, and the columns of its keys.
macro_rules! tables {
    ($($table:ident $name:literal { $($column:ident: $ty:ty => $parent:ident $action:ident),* })*) => {
        /// The tables with their foreign keys.
        pub const TABLES: &[(&str, &[Key])] = &[$(($name, &[$(Key {
            column: stringify!($column),
            is_nullable: size_of::<$ty>() > size_of::<i64>(),
            parent: stringify!($parent),
            action: ForeignKeyAction::$action,
        }),*])),*];

        /// Registers every table.
        pub fn builder() -> GraphBuilder {
            Graph::builder()$(.entity($table::Entity))*
        }

        $(pub mod $table {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $name)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: i64,
                pub name: String,
                $(pub $column: $ty,)*
            }

            /// A position among the keys of the table.
            #[derive(Copy, Clone, Debug)]
            pub struct Relation(usize);

            impl sea_orm::Iterable for Relation {
                type Iterator = std::iter::Map<std::ops::Range<usize>, fn(usize) -> Self>;

                fn iter() -> Self::Iterator {
                    (0..super::keys_of($name).len()).map(Self)
                }
            }

            impl RelationTrait for Relation {
                fn def(&self) -> RelationDef {
                    super::belongs_to($name, &super::keys_of($name)[self.0])
                }
            }

            impl ActiveModelBehavior for ActiveModel {}
        })*
    };
}

tables! {
    accounts "accounts" {}
    users "users" { account_id: i64 => accounts Cascade }
    user_settings "user_settings" { user_id: i64 => users Cascade }
    sessions "sessions" { user_id: i64 => users Cascade }
    api_keys "api_keys" { account_id: i64 => accounts Cascade, user_id: Option<i64> => users SetNull }
    teams "teams" {
        account_id: i64 => accounts Cascade,
        lead_id: Option<i64> => users SetNull,
        up_id: Option<i64> => teams Cascade
    }
    team_members "team_members" { team_id: i64 => teams Cascade, user_id: i64 => users Cascade }
    roles "roles" { account_id: i64 => accounts Cascade }
    role_users "role_users" { role_id: i64 => roles Cascade, user_id: i64 => users Cascade }
    invitations "invitations" { account_id: i64 => accounts Cascade, role_id: i64 => roles Cascade }
    projects "projects" {
        account_id: i64 => accounts Cascade,
        owner_id: Option<i64> => users SetNull,
        template_id: Option<i64> => projects SetNull
    }
    project_members "project_members" { project_id: i64 => projects Cascade, user_id: i64 => users Cascade }
    folders "folders" {
        account_id: i64 => accounts Cascade,
        project_id: i64 => projects Cascade,
        up_id: Option<i64> => folders Cascade
    }
    documents "documents" {
        account_id: i64 => accounts Cascade,
        folder_id: i64 => folders Cascade,
        author_id: Option<i64> => users SetNull,
        current_version_id: Option<i64> => document_versions SetNull
    }
    document_versions "document_versions" { document_id: i64 => documents Cascade }
    comments "comments" {
        account_id: i64 => accounts Cascade,
        document_id: i64 => documents Cascade,
        author_id: i64 => users Cascade,
        reply_to_id: Option<i64> => comments Cascade
    }
    reactions "reactions" { comment_id: i64 => comments Cascade, user_id: i64 => users Cascade }
    attachments "attachments" { comment_id: i64 => comments Cascade }
    tags "tags" { account_id: i64 => accounts Cascade }
    document_tags "document_tags" { document_id: i64 => documents Cascade, tag_id: i64 => tags Cascade }
    project_tags "project_tags" { project_id: i64 => projects Cascade, tag_id: i64 => tags Cascade }
    milestones "milestones" { account_id: i64 => accounts Cascade, project_id: i64 => projects Cascade }
    tasks "tasks" {
        account_id: i64 => accounts Cascade,
        project_id: i64 => projects Cascade,
        assignee_id: Option<i64> => users SetNull,
        reporter_id: Option<i64> => users SetNull,
        up_id: Option<i64> => tasks Cascade,
        milestone_id: Option<i64> => milestones SetNull
    }
    task_links "task_links" { from_id: i64 => tasks Cascade, to_id: i64 => tasks Cascade }
    task_watchers "task_watchers" { task_id: i64 => tasks Cascade, user_id: i64 => users Cascade }
    sprints "sprints" { account_id: i64 => accounts Cascade, project_id: i64 => projects Cascade }
    sprint_tasks "sprint_tasks" { sprint_id: i64 => sprints Cascade, task_id: i64 => tasks Cascade }
    time_entries "time_entries" {
        account_id: i64 => accounts Cascade,
        task_id: i64 => tasks Cascade,
        user_id: i64 => users Cascade
    }
    customers "customers" { account_id: i64 => accounts Cascade }
    addresses "addresses" { customer_id: i64 => customers Cascade }
    categories "categories" { account_id: i64 => accounts Cascade, up_id: Option<i64> => categories Cascade }
    products "products" {
        account_id: i64 => accounts Cascade,
        category_id: Option<i64> => categories SetNull
    }
    product_prices "product_prices" { product_id: i64 => products Cascade }
    warehouses "warehouses" { account_id: i64 => accounts Cascade }
    stock "stock" { warehouse_id: i64 => warehouses Cascade, product_id: i64 => products Cascade }
    orders "orders" {
        account_id: i64 => accounts Cascade,
        customer_id: i64 => customers Cascade,
        billing_address_id: Option<i64> => addresses SetNull,
        shipping_address_id: Option<i64> => addresses SetNull
    }
    order_lines "order_lines" { order_id: i64 => orders Cascade, product_id: i64 => products Cascade }
    payments "payments" { account_id: i64 => accounts Cascade, order_id: i64 => orders Cascade }
    refunds "refunds" { payment_id: i64 => payments Cascade }
    shipments "shipments" { order_id: i64 => orders Cascade }
    shipment_lines "shipment_lines" {
        shipment_id: i64 => shipments Cascade,
        order_line_id: i64 => order_lines Cascade
    }
    invoices "invoices" { account_id: i64 => accounts Cascade, order_id: i64 => orders Restrict }
    invoice_lines "invoice_lines" {
        invoice_id: i64 => invoices Cascade,
        product_id: i64 => products NoAction
    }
    coupons "coupons" { account_id: i64 => accounts Cascade }
    order_coupons "order_coupons" { order_id: i64 => orders Cascade, coupon_id: i64 => coupons Cascade }
    suppliers "suppliers" { account_id: i64 => accounts Cascade }
    purchases "purchases" { account_id: i64 => accounts Cascade, supplier_id: i64 => suppliers Restrict }
    purchase_lines "purchase_lines" {
        purchase_id: i64 => purchases Cascade,
        product_id: i64 => products NoAction
    }
    carts "carts" { customer_id: i64 => customers Cascade }
    cart_lines "cart_lines" { cart_id: i64 => carts Cascade, product_id: i64 => products Cascade }
    reviews "reviews" { product_id: i64 => products Cascade, customer_id: i64 => customers Cascade }
    webhooks "webhooks" { account_id: i64 => accounts Cascade }
    webhook_events "webhook_events" { webhook_id: i64 => webhooks Cascade }
    audit_entries "audit_entries" {
        account_id: i64 => accounts Cascade,
        user_id: Option<i64> => users SetNull
    }
    notifications "notifications" { account_id: i64 => accounts Cascade, user_id: i64 => users Cascade }
    imports "imports" { account_id: i64 => accounts Cascade }
    reports "reports" { account_id: i64 => accounts Cascade }
    dashboards "dashboards" { account_id: i64 => accounts Cascade, owner_id: Option<i64> => users SetNull }
    widgets "widgets" { dashboard_id: i64 => dashboards Cascade }
    integrations "integrations" { account_id: i64 => accounts Cascade }
}

fn keys_of(table: &str) -> &'static [Key] {
    TABLES.iter().find(|(name, _)| *name == table).map_or(&[], |(_, keys)| keys)
}

fn belongs_to(table: &'static str, key: &Key) -> RelationDef {
    let named = |name: &'static str| TableRef::from(Alias::new(name).into_iden());
    RelationDef {
        rel_type: RelationType::HasOne,
        from_tbl: named(table),
        to_tbl: named(key.parent),
        from_col: Identity::Unary(Alias::new(key.column).into_iden()),
        to_col: Identity::Unary(Alias::new("id").into_iden()),
        is_owner: false,
        skip_fk: false,
        on_delete: Some(key.action),
        on_update: None,
        on_condition: None,
        fk_name: Some(format!("fk_{table}_{}", key.column)),
        condition_type: sea_orm::sea_query::ConditionType::All,
    }
}

/// Makes the tables with their constraints and indexes.
pub async fn make(db: &DatabaseConnection) {
    let backend = db.get_database_backend();
    let (mut creates, mut after) = (Vec::new(), Vec::new());
    for (table, keys) in TABLES {
        let mut lines = vec!["id BIGINT NOT NULL PRIMARY KEY".to_owned(), "name VARCHAR(80) NOT NULL".to_owned()];
        for Key { column, is_nullable, .. } in *keys {
            lines.push(format!("{column} BIGINT{}", if *is_nullable { "" } else { " NOT NULL" }));
        }
        for Key { column, parent, action, .. } in *keys {
            let action = match action {
                ForeignKeyAction::Cascade => "CASCADE",
                ForeignKeyAction::SetNull => "SET NULL",
                ForeignKeyAction::Restrict => "RESTRICT",
                _ => "NO ACTION",
            };
            let key = format!(
                "CONSTRAINT fk_{table}_{column} FOREIGN KEY ({column}) REFERENCES {parent} (id) ON DELETE {action}"
            );
            match backend {
                DbBackend::Sqlite => lines.push(key),
                _ => after.push(format!("ALTER TABLE {table} ADD {key}")),
            }
            if backend != DbBackend::MySql {
                after.push(format!("CREATE INDEX ix_{table}_{column} ON {table} ({column})"));
            }
        }
        creates.push(format!("CREATE TABLE {table} ({})", lines.join(", ")));
    }
    for sql in creates.iter().chain(&after) {
        db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// Drops the tables that exist.
pub async fn drop(db: &DatabaseConnection) {
    match db.get_database_backend() {
        DbBackend::Postgres => {
            for (table, _) in TABLES {
                db.execute_unprepared(&format!("DROP TABLE IF EXISTS {table} CASCADE")).await.expect("a dropped table");
            }
        }
        backend => {
            let (off, on) = match backend {
                DbBackend::MySql => ("SET foreign_key_checks = 0", "SET foreign_key_checks = 1"),
                _ => ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
            };
            let drops: Vec<String> = TABLES.iter().map(|(table, _)| format!("DROP TABLE IF EXISTS {table}")).collect();
            db.execute_unprepared(&format!("{off};{};{on}", drops.join(";"))).await.expect("dropped tables");
        }
    }
}
