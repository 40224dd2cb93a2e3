//! The engine: carries out the declared rule of every foreign key, for any `SeaORM` entities.
mod declaration;
mod deletion;
mod dialect;
mod error;
mod graph;
mod key;
mod outcome;
mod plan;
mod preview;
mod run;
mod session;
mod shield;
mod sql;

pub use deletion::Deletion;
pub use error::{Error, ErrorKind, Fault};
pub use graph::{Action, Graph, GraphBuilder};
pub use key::{Key, KeyPart};
pub use outcome::Outcome;
pub use preview::{Blocker, Line, Preview};
pub use session::Connection;

pub(crate) use error::driver::is_foreign_key;
pub(crate) use session::Write;
