//! `cargo run --example category_tree`: a category goes with everything below it, however deep, and
//! with its products.

#![allow(
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "an example shows what it does; entities are declared as SeaORM wants them"
)]

use sea_orm::{ActiveValue::Set, ConnectOptions, Database, EntityTrait as _, PaginatorTrait as _};
use sea_orm_cascade::Graph;

mod category {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "categories")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub name: String,
        pub parent_id: Option<i32>,
        /// "See also": another category, whose end leaves this one standing.
        pub related_id: Option<i32>,
        #[sea_orm(self_ref, relation_enum = "Parent", from = "parent_id", to = "id", on_delete = "Cascade")]
        pub parent: HasOne<Entity>,
        #[sea_orm(self_ref, relation_enum = "Related", from = "related_id", to = "id", on_delete = "SetNull")]
        pub related: HasOne<Entity>,
        #[sea_orm(has_many)]
        pub products: HasMany<super::product::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod product {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "products")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub category_id: i32,
        #[sea_orm(belongs_to, from = "category_id", to = "id", on_delete = "Cascade")]
        pub category: BelongsTo<super::category::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    db.get_schema_builder().register(category::Entity).register(product::Entity).sync(&db).await?;
    let graph = Graph::builder().entity(category::Entity).entity(product::Entity).build()?;

    for (id, name, parent_id, related_id) in [
        (1, "Furniture", None, None),
        (2, "Chairs", Some(1), None),
        (3, "Armchairs", Some(2), None),
        (4, "Garden", None, Some(2)), // see also: chairs
        (5, "Loungers", Some(4), Some(3)),
    ] {
        let category = category::ActiveModel {
            id: Set(id),
            name: Set(name.to_owned()),
            parent_id: Set(parent_id),
            related_id: Set(related_id),
        };
        category::Entity::insert(category).exec(&db).await?;
        let product = product::ActiveModel { category_id: Set(id), ..Default::default() };
        product::Entity::insert(product).exec(&db).await?;
    }

    let deletion = graph.delete_keys(category::Entity, [2]);
    let preview = deletion.preview(&db).await?;
    println!("{preview}\n");
    let outcome = deletion.expecting(&preview).execute(&db).await?;
    println!("{outcome}\n");
    assert_eq!(outcome.to_string(), "deleted categories 2, products 2; changed categories.related_id 2 (SET NULL)");

    // Deeper than SQLite's own cascade goes, which ends at 1,000 levels.
    let deep = (10..5_010).map(|id| category::ActiveModel {
        id: Set(id),
        name: Set(format!("level {id}")),
        parent_id: Set(Some(if id == 10 { 1 } else { id - 1 })),
        related_id: Set(None),
    });
    category::Entity::insert_many(deep).exec(&db).await?;
    println!("{}", graph.delete_keys(category::Entity, [1]).execute(&db).await?);
    assert_eq!(category::Entity::find().count(&db).await?, 2);
    Ok(())
}
