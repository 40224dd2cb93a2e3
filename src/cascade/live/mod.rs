//! The schema that a database really has, as plain data, and the queries that read it.
//!
//! An audit compares it with the declarations. A delete that can be undone reads it too, because
//! what it records are the columns of the tables and not those of the entities.
//!
//! - [`data`]: tables, columns, indexes and foreign keys, and how names are compared. Pure.
//! - [`catalog`]: the queries, for each database. I/O.
//! - [`places`]: which table and which foreign key of the graph a live one is. Pure.
//! - [`types`]: which values a column can have, and which are equal. Pure.
//! - [`record`]: what a record table lacks. Pure.
//! - [`rebuild`]: SQLite's CREATE TABLE texts. Pure.

pub(crate) mod catalog;
pub(crate) mod data;
pub(crate) mod places;
pub(crate) mod rebuild;
pub(crate) mod record;
pub(crate) mod types;
