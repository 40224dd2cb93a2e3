//! `cargo run --example explain`: the rules of a graph as a tree, as sentences, and the SQL of a
//! delete. With the word `mermaid` or `dot` it prints the picture alone: `cargo run --example
//! explain dot | dot -Tsvg`.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(unreachable_pub, reason = "entities are declared as SeaORM wants them")]

use sea_orm::DbBackend;
use sea_orm_cascade::Graph;

mod user {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub mentor: Option<i64>,
        #[sea_orm(self_ref, relation_enum = "Mentor", from = "mentor", to = "id", on_delete = "SetNull")]
        pub mentored_by: HasOne<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod doc {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "docs")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub author: i64,
        pub reviewer: Option<i64>,
        #[sea_orm(default_value = 1)]
        pub editor: i64,
        #[sea_orm(belongs_to, relation_enum = "Author", from = "author", to = "id", on_delete = "Cascade")]
        pub written_by: BelongsTo<super::user::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Reviewer", from = "reviewer", to = "id", on_delete = "SetNull")]
        pub reviewed_by: BelongsTo<Option<super::user::Entity>>,
        #[sea_orm(belongs_to, relation_enum = "Editor", from = "editor", to = "id", on_delete = "SetDefault")]
        pub edited_by: BelongsTo<super::user::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod page {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pages")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub doc: i64,
        pub printer: i64,
        #[sea_orm(belongs_to, from = "doc", to = "id", on_delete = "Cascade")]
        pub part_of: BelongsTo<super::doc::Entity>,
        #[sea_orm(belongs_to, from = "printer", to = "id", on_delete = "NoAction")]
        pub printed_by: BelongsTo<super::user::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod loan {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "loans")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub doc: i64,
        #[sea_orm(belongs_to, from = "doc", to = "id", on_delete = "Restrict")]
        pub lent: BelongsTo<super::doc::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let graph = Graph::builder().entity(user::Entity).entity(doc::Entity).entity(page::Entity).entity(loan::Entity);
    let graph = graph.build()?;
    match std::env::args().nth(1).as_deref() {
        Some("mermaid") => print!("{}", graph.to_mermaid()),
        Some("dot") => print!("{}", graph.to_dot()),
        _ => {
            println!("{graph}\n");
            for rule in graph.rules() {
                println!("{rule}");
            }
            println!("\n{}", graph.delete_keys(doc::Entity, [1]).explain(DbBackend::Postgres)?);
        }
    }
    Ok(())
}
