//! The errors of the service, by kind. Pure.

use std::error::Error as StdError;
use std::fmt;

use sea_orm::{DbErr, SqlErr};

use super::page::Page;
use crate::cascade::{self, CanLose};
use crate::entity::NAME_CHARS_MAX;

/// The error of every function of the service.
///
/// After an error nothing has changed. A transaction of yours can continue, unless
/// [`Error::is_transaction_lost`] says that the database has ended it.
pub struct Error(Box<ErrorKind>);

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name of a store or item is not valid.
    InvalidName(InvalidName),
    /// Another store has that name.
    NameTaken {
        /// The name, trimmed.
        name: String,
    },
    /// No store has that id.
    StoreNotFound {
        /// The id asked for.
        id: i64,
    },
    /// No item has that id.
    ItemNotFound {
        /// The id asked for.
        id: i64,
    },
    /// The page is not valid.
    InvalidPage(InvalidPage),
    /// A delete or preview did not happen: blocked, too many rows, changed since the preview, or
    /// one of the engine's other kinds.
    Delete(cascade::Error),
    /// An undo did not happen: something is in its way, the receipt was undone, or one of the
    /// engine's other kinds.
    Undo(cascade::Error),
    /// The database refused, did not answer or is not enabled. [`Error::is_transient`] says whether
    /// a retry can help.
    Database(cascade::Error),
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidName {
    /// It is empty or has only blanks.
    Empty,
    /// It has more than [`NAME_CHARS_MAX`] characters.
    TooLong {
        /// The number of characters, after trimming.
        chars: usize,
    },
    /// It has the character U+0000, which PostgreSQL does not store.
    ContainsNul,
}

/// What is wrong with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPage {
    /// The limit is 0 or above [`Page::LIMIT_MAX`].
    Limit {
        /// The limit asked for.
        limit: u64,
    },
    /// The cursor does not belong to this list.
    Cursor,
    /// The prefix has the character U+0000, which no name contains.
    PrefixContainsNul,
}

impl Error {
    /// Returns the kind, with its data.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// use sea_orm_cascade::service::ErrorKind;
    ///
    /// let error = service::store::get(&db, 99).await.unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::StoreNotFound { id: 99, .. }));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Returns the kind, with its data, by value.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// use sea_orm_cascade::service::{ErrorKind, InvalidName};
    ///
    /// let error = service::store::create(&db, " ").await.unwrap_err();
    /// assert!(matches!(error.into_kind(), ErrorKind::InvalidName(InvalidName::Empty)));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// Returns whether a name is not valid.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let error = service::store::create(&db, " ").await.unwrap_err();
    /// assert!(error.is_invalid_name());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_invalid_name(&self) -> bool {
        matches!(self.kind(), ErrorKind::InvalidName(_))
    }

    /// Returns whether another store has the name.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let ikea = service::store::create(&db, "IKEA").await?;
    /// assert!(service::store::create(&db, "IKEA").await.unwrap_err().is_name_taken());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_name_taken(&self) -> bool {
        matches!(self.kind(), ErrorKind::NameTaken { .. })
    }

    /// Returns whether no store or item has the id.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let error = service::store::get(&db, 99).await.unwrap_err();
    /// assert!(error.is_not_found());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::StoreNotFound { .. } | ErrorKind::ItemNotFound { .. })
    }

    /// Returns whether other rows block the delete. [`Error::delete_error`] has them.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let error = service::store::get(&db, 99).await.unwrap_err();
    /// assert!(!error.is_blocked());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.delete_error().is_some_and(cascade::Error::is_blocked)
    }

    /// Returns whether [`Deletion::at_most`](crate::Deletion::at_most) refused the delete.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let refused = service::store::delete_with(&db, &graph, ikea.id, |deletion| deletion.at_most(2)).await;
    /// assert!(refused.unwrap_err().is_too_many_rows());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_too_many_rows(&self) -> bool {
        self.delete_error().is_some_and(cascade::Error::is_too_many_rows)
    }

    /// Returns whether [`Deletion::expecting`](crate::Deletion::expecting) refused the delete, because
    /// it would no longer do what the preview showed.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let preview = service::store::preview_delete(&db, &graph, ikea.id).await?;
    /// service::item::create(&db, ikea.id, "Lamp").await?;
    /// let refused = service::store::delete_with(&db, &graph, ikea.id, |deletion| deletion.expecting(&preview)).await;
    /// assert!(refused.unwrap_err().is_changed());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.delete_error().is_some_and(cascade::Error::is_changed)
    }

    /// Returns whether the same call may succeed if you call it again, in a new transaction.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let error = service::store::get(&db, 99).await.unwrap_err();
    /// assert!(!error.is_transient());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::Delete(error) | ErrorKind::Undo(error) | ErrorKind::Database(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Returns whether the user of the connection lacks a permission; see
    /// [`cascade::Error::is_forbidden`].
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let error = service::store::get(&db, 99).await.unwrap_err();
    /// assert!(!error.is_forbidden());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        match self.kind() {
            ErrorKind::Delete(error) | ErrorKind::Undo(error) | ErrorKind::Database(error) => error.is_forbidden(),
            _ => false,
        }
    }

    /// Returns whether the database has rolled back the whole transaction, yours too. Begin a new
    /// one then. See [`cascade::Error::is_transaction_lost`].
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let error = service::store::get(&db, 99).await.unwrap_err();
    /// assert!(!error.is_transaction_lost());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_transaction_lost(&self) -> bool {
        match self.kind() {
            ErrorKind::Delete(error) | ErrorKind::Undo(error) | ErrorKind::Database(error) => {
                error.is_transaction_lost()
            }
            _ => false,
        }
    }

    /// Returns the engine's error, with its blockers and numbers, if a delete or preview was refused.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::service;
    ///
    /// let error = service::store::get(&db, 99).await.unwrap_err();
    /// assert!(error.delete_error().is_none());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn delete_error(&self) -> Option<&cascade::Error> {
        match self.kind() {
            ErrorKind::Delete(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the engine's error, if an undo did not happen.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{Receipt, service};
    ///
    /// let graph = service::graph().with_undo().build()?;
    /// let error = service::undo(&db, &graph, Receipt::new(12)).await.unwrap_err();
    /// assert!(error.undo_error().is_some());
    /// assert_eq!(error.to_string(), "there is no receipt 12 in this database");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn undo_error(&self) -> Option<&cascade::Error> {
        match self.kind() {
            ErrorKind::Undo(error) => Some(error),
            _ => None,
        }
    }

    /// Maps the error of an insert or update of that name in that store.
    pub(super) fn of_write(source: DbErr, name: Option<&str>, store_id: Option<i64>) -> Self {
        // A sequence that is behind the rows gives an id that exists; that says nothing of the name.
        let unique = matches!(source.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
            && !cascade::is_primary_key(&source, "id");
        let kind = match (name, store_id) {
            (Some(name), None) if unique => ErrorKind::NameTaken { name: name.to_owned() },
            (_, Some(id)) if cascade::is_foreign_key(&source) => ErrorKind::StoreNotFound { id },
            _ => return source.into(),
        };
        kind.into()
    }
}

impl CanLose for Error {
    fn with_transaction_lost(self) -> Self {
        match self.into_kind() {
            ErrorKind::Delete(error) => ErrorKind::Delete(error.with_transaction_lost()).into(),
            ErrorKind::Undo(error) => ErrorKind::Undo(error.with_transaction_lost()).into(),
            ErrorKind::Database(error) => ErrorKind::Database(error.with_transaction_lost()).into(),
            kind => kind.into(),
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<DbErr> for Error {
    fn from(source: DbErr) -> Self {
        ErrorKind::Database(source.into()).into()
    }
}

impl From<cascade::Error> for Error {
    fn from(error: cascade::Error) -> Self {
        let kind = match error.kind() {
            cascade::ErrorKind::Database(_)
            | cascade::ErrorKind::BackendDisabled { .. }
            | cascade::ErrorKind::UnknownBackend => ErrorKind::Database(error),
            _ => ErrorKind::Delete(error),
        };
        kind.into()
    }
}

impl Error {
    /// An error of an undo.
    pub(super) fn in_undo(error: cascade::Error) -> Self {
        match Self::from(error).into_kind() {
            ErrorKind::Delete(error) => ErrorKind::Undo(error).into(),
            kind => kind.into(),
        }
    }
}

/// Lets a function that returns `DbErr` use `?`. It gives the database's own error if there is one,
/// `RecordNotFound` for an unknown store or item, and otherwise the message.
impl From<Error> for DbErr {
    fn from(error: Error) -> Self {
        match error.into_kind() {
            ErrorKind::Delete(error) | ErrorKind::Undo(error) | ErrorKind::Database(error) => error.into(),
            kind @ (ErrorKind::StoreNotFound { .. } | ErrorKind::ItemNotFound { .. }) => {
                Self::RecordNotFound(kind.to_string())
            }
            kind => Self::Custom(kind.to_string()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            // Shown as this error's own text.
            ErrorKind::Delete(error) | ErrorKind::Undo(error) | ErrorKind::Database(error) => error.source(),
            _ => None,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName(reason) => reason.fmt(f),
            Self::NameTaken { name } => write!(f, "there is a store named {name:?} already; choose another name"),
            Self::StoreNotFound { id } => write!(f, "there is no store with id {id}"),
            Self::ItemNotFound { id } => write!(f, "there is no item with id {id}"),
            Self::InvalidPage(reason) => reason.fmt(f),
            Self::Delete(error) | Self::Undo(error) | Self::Database(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty; give it at least one character that is not blank"),
            Self::TooLong { chars } => {
                write!(f, "the name has {chars} characters; shorten it to {NAME_CHARS_MAX}")
            }
            Self::ContainsNul => f.write_str("the name has the character U+0000; remove it"),
        }
    }
}

impl fmt::Display for InvalidPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { limit } => {
                write!(f, "a page of {limit} rows cannot be given; ask for 1 to {}", Page::LIMIT_MAX)
            }
            Self::Cursor => f.write_str("the cursor is not one of this list; start again at the first page"),
            Self::PrefixContainsNul => f.write_str("the prefix has the character U+0000; remove it"),
        }
    }
}
