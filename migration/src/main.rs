//! `sea-orm-cascade-migration up | down | fresh | refresh | status`, on the database in
//! `DATABASE_URL` or `-u`.

#[tokio::main]
async fn main() {
    sea_orm_migration::cli::run_cli(sea_orm_cascade_migration::Migrator).await;
}
