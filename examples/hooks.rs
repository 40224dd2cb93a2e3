//! `cargo run --example hooks`: photos go with their album, and their files after the commit. A
//! protected photo keeps all.

#![allow(
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "an example shows what it does; entities are declared as SeaORM wants them"
)]

use std::path::PathBuf;

use sea_orm::{ActiveValue::Set, ConnectOptions, ConnectionTrait as _, Database, EntityTrait as _};
use sea_orm_cascade::Graph;

mod album {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "albums")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub photos: HasMany<super::photo::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod photo {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "photos")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub album_id: i32,
        pub is_protected: bool,
        #[sea_orm(belongs_to, from = "album_id", to = "id", on_delete = "Cascade")]
        pub album: BelongsTo<super::album::Entity>,
    }

    #[async_trait::async_trait]
    impl ActiveModelBehavior for ActiveModel {
        /// In the transaction: an error refuses the whole delete.
        async fn before_delete<C: ConnectionTrait>(self, _: &C) -> Result<Self, DbErr> {
            if *self.is_protected.as_ref() {
                return Err(DbErr::Custom(format!("photo {} is protected", self.id.as_ref())));
            }
            Ok(self)
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    db.get_schema_builder().register(album::Entity).register(photo::Entity).sync(&db).await?;
    let graph = Graph::builder().entity(album::Entity).entity_with_hooks(photo::Entity).build()?;

    let files = tempfile::tempdir()?;
    let file = |id: i64| -> PathBuf { files.path().join(format!("{id}.jpg")) };
    album::Entity::insert(album::ActiveModel { id: Set(1) }).exec(&db).await?;
    for id in 1..=3 {
        let photo = photo::ActiveModel { id: Set(id), album_id: Set(1), is_protected: Set(id == 2) };
        photo::Entity::insert(photo).exec(&db).await?;
        std::fs::write(file(id.into()), "pixels")?;
    }

    let deletion = graph.delete_keys(album::Entity, [1]).keys_of(photo::Entity);
    let refused = deletion.execute(&db).await.expect_err("one is protected");
    println!("{refused}: {}", std::error::Error::source(&refused).expect("what the hook said"));

    db.execute_unprepared("UPDATE photos SET is_protected = 0").await?;
    let outcome = deletion.execute(&db).await?;
    println!("{outcome}");
    // Committed: now, and not in a hook, files may go, which nothing brings back.
    for id in outcome.keys(photo::Entity)? {
        std::fs::remove_file(file(id.into()))?;
        println!("removed {id}.jpg");
    }
    assert_eq!(std::fs::read_dir(files.path())?.count(), 0);
    Ok(())
}
