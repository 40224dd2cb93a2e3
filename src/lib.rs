pub mod cascade;
pub mod entity;
pub mod service;
#[cfg(feature = "migration")]
pub use sea_orm_cascade_migration as migration;
