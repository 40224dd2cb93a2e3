//! The databases that the engine speaks to.
//!
//! Pure. SeaORM's own list is open; this one is closed, so that a match on it is complete.

use sea_orm::DbBackend;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
    /// MySQL and MariaDB.
    MySql,
}

impl Dialect {
    pub(crate) const fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
            Self::MySql => DbBackend::MySql,
        }
    }

    /// A name as its statements write it.
    pub(crate) fn quoted(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::MySql => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// How many levels of rows its own cascade goes through, the deleted row's included; `None` if
    /// there is no end.
    pub(crate) const fn cascade_levels_max(self) -> Option<u64> {
        match self {
            Self::Sqlite => Some(1_000),
            Self::Postgres => None,
            Self::MySql => Some(15),
        }
    }

    /// Its name, for people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL/MariaDB",
        }
    }
}
