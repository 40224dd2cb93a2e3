//! Keys that were fetched from the database: those of the roots, those of tables in a cycle, and
//! samples for people.
//!
//! Pure. They are stored by column, so that a million integer keys take 16 MB and become one array
//! without a copy.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::ops::Range;
use std::sync::Arc;

use sea_orm::sea_query::ColumnType;
use sea_orm::{DbErr, QueryResult, Value};
use serde::{Deserialize, Serialize};

use crate::cascade::data::dialect::Dialect;

/// How the values of a key column are sent and read. A few kinds are enough for all types, because
/// the database casts and compares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Integer,
    /// `BIGINT UNSIGNED` of MySQL and MariaDB, which does not fit an `i64`.
    Unsigned,
    Text,
    Bytes,
    /// `DECIMAL` of MySQL and MariaDB, as its digits. They are written into the statement, because
    /// these databases compare a bound text with a DECIMAL as floating point numbers, and a cast
    /// needs a length and would cut longer values.
    Decimal,
}

impl KeyKind {
    /// Returns any value of this kind.
    pub(crate) fn made_up(self) -> Value {
        match self {
            Self::Integer | Self::Unsigned => Value::from(1),
            Self::Text => Value::from(""),
            Self::Bytes => Value::from(Vec::<u8>::new()),
            Self::Decimal => Value::from("1"),
        }
    }

    /// Returns how that database stores a column of that type; `None` if it cannot compare it
    /// reliably (R12).
    pub(crate) fn of(dialect: Dialect, ty: &ColumnType) -> Option<Self> {
        use ColumnType as T;
        if let (T::Custom(name), Dialect::Sqlite | Dialect::MySql) = (ty, dialect) {
            return Some(Self::of_named(dialect, &name.to_string().to_lowercase()));
        }
        match (ty, dialect) {
            (T::BigUnsigned, Dialect::MySql) => Some(Self::Unsigned),
            (
                T::TinyInteger
                | T::SmallInteger
                | T::Integer
                | T::BigInteger
                | T::TinyUnsigned
                | T::SmallUnsigned
                | T::Unsigned
                | T::BigUnsigned,
                _,
            )
            | (T::Boolean, Dialect::Sqlite | Dialect::MySql)
            // SQLite has no decimals: it stores whole numbers as integers, and others as floating
            // point numbers, which are refused when they are read.
            | (T::Decimal(_), Dialect::Sqlite)
            | (T::Year, Dialect::MySql) => Some(Self::Integer),
            (
                T::Year | T::Float | T::Double | T::Json | T::JsonBinary | T::Array(_) | T::Vector(_) | T::Interval(..),
                _,
            )
            | (T::Money(_) | T::Bit(_) | T::VarBit(_), Dialect::Sqlite | Dialect::MySql) => None,
            (T::Decimal(_), Dialect::MySql) => Some(Self::Decimal),
            // PostgreSQL converts every other type from and to text.
            (_, Dialect::Postgres) => Some(Self::Text),
            (T::Uuid | T::Binary(_) | T::VarBinary(_) | T::Blob, _) => Some(Self::Bytes),
            _ => Some(Self::Text),
        }
    }

    /// Returns how a column is stored whose type is declared only by its name, as SQLite and MySQL
    /// write it.
    fn of_named(dialect: Dialect, name: &str) -> Self {
        let first = name.split([' ', '(']).next().unwrap_or_default();
        let is_integer = match dialect {
            Dialect::Sqlite => name.contains("int"),
            _ => ["tinyint", "smallint", "mediumint", "int", "integer", "bigint"].contains(&first),
        };
        match first {
            "bigint" if is_integer && name.contains("unsigned") && dialect == Dialect::MySql => Self::Unsigned,
            _ if is_integer => Self::Integer,
            "decimal" | "numeric" | "dec" if dialect == Dialect::MySql => Self::Decimal,
            "decimal" | "numeric" => Self::Integer,
            "binary" | "varbinary" | "blob" | "tinyblob" | "mediumblob" | "longblob" => Self::Bytes,
            _ => Self::Text,
        }
    }
}

/// The values of one key column; `None` for NULL.
#[derive(Debug, Clone)]
pub(crate) enum KeyColumn {
    Integer(Vec<Option<i64>>),
    Unsigned(Vec<Option<u64>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    /// Digits, with a sign and a point.
    Decimal(Vec<Option<String>>),
}

impl KeyColumn {
    fn new(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Integer => Self::Integer(Vec::new()),
            KeyKind::Unsigned => Self::Unsigned(Vec::new()),
            KeyKind::Text => Self::Text(Vec::new()),
            KeyKind::Bytes => Self::Bytes(Vec::new()),
            KeyKind::Decimal => Self::Decimal(Vec::new()),
        }
    }

    fn read(&mut self, row: &QueryResult, at: usize) -> Result<(), DbErr> {
        match self {
            Self::Integer(values) => values.push(row.try_get_by_index(at)?),
            Self::Unsigned(values) => values.push(row.try_get_by_index(at)?),
            Self::Text(values) | Self::Decimal(values) => values.push(row.try_get_by_index(at)?),
            // SQLite's driver also reads a text as bytes.
            Self::Bytes(_) if is_text_in_sqlite(row, at) => return Err(DbErr::Type("a text".to_owned())),
            Self::Bytes(values) => values.push(row.try_get_by_index(at)?),
        }
        Ok(())
    }

    fn only(&self, rows: &[usize]) -> Self {
        fn picked<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| values[row].clone()).collect()
        }
        match self {
            Self::Integer(values) => Self::Integer(picked(values, rows)),
            Self::Unsigned(values) => Self::Unsigned(picked(values, rows)),
            Self::Text(values) => Self::Text(picked(values, rows)),
            Self::Bytes(values) => Self::Bytes(picked(values, rows)),
            Self::Decimal(values) => Self::Decimal(picked(values, rows)),
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Integer(values) => values[row].is_none(),
            Self::Unsigned(values) => values[row].is_none(),
            Self::Text(values) | Self::Decimal(values) => values[row].is_none(),
            Self::Bytes(values) => values[row].is_none(),
        }
    }

    pub(super) fn hash_at(&self, row: usize, hasher: &mut impl Hasher) {
        match self {
            Self::Integer(values) => values[row].hash(hasher),
            Self::Unsigned(values) => values[row].hash(hasher),
            Self::Text(values) | Self::Decimal(values) => values[row].hash(hasher),
            Self::Bytes(values) => values[row].hash(hasher),
        }
    }

    /// Whether two values that were read from the same column are equal.
    pub(super) fn eq_at(&self, row: usize, other: &Self, other_row: usize) -> bool {
        match (self, other) {
            (Self::Integer(values), Self::Integer(others)) => values[row] == others[other_row],
            (Self::Unsigned(values), Self::Unsigned(others)) => values[row] == others[other_row],
            (Self::Text(values), Self::Text(others)) | (Self::Decimal(values), Self::Decimal(others)) => {
                values[row] == others[other_row]
            }
            (Self::Bytes(values), Self::Bytes(others)) => values[row] == others[other_row],
            (Self::Integer(_) | Self::Unsigned(_) | Self::Text(_) | Self::Bytes(_) | Self::Decimal(_), _) => false,
        }
    }

    /// Copies a value from a column of the same kind.
    fn push_from(&mut self, other: &Self, row: usize) {
        match (self, other) {
            (Self::Integer(values), Self::Integer(others)) => values.push(others[row]),
            (Self::Unsigned(values), Self::Unsigned(others)) => values.push(others[row]),
            (Self::Text(values), Self::Text(others)) | (Self::Decimal(values), Self::Decimal(others)) => {
                values.push(others[row].clone());
            }
            (Self::Bytes(values), Self::Bytes(others)) => values.push(others[row].clone()),
            // Both are of one column (`Keys::add`).
            (Self::Integer(_) | Self::Unsigned(_) | Self::Text(_) | Self::Bytes(_) | Self::Decimal(_), _) => {}
        }
    }

    /// Returns one value, to bind it.
    pub(crate) fn value(&self, row: usize) -> Value {
        match self {
            Self::Integer(values) => Value::BigInt(values[row]),
            Self::Unsigned(values) => Value::BigUnsigned(values[row]),
            Self::Text(values) | Self::Decimal(values) => Value::String(values[row].clone()),
            Self::Bytes(values) => Value::Bytes(values[row].clone()),
        }
    }

    /// Adds a value from a caller; `false` if it is of another kind.
    fn push(&mut self, value: &Value) -> bool {
        match (self, value) {
            (Self::Integer(values), value) => match integer(value) {
                Some(Ok(integer)) => values.push(Some(integer)),
                _ => return false,
            },
            (Self::Unsigned(values), value) => match integer(value) {
                Some(Ok(integer)) => match u64::try_from(integer) {
                    Ok(integer) => values.push(Some(integer)),
                    Err(_) => return false,
                },
                Some(Err(integer)) => values.push(Some(integer)),
                None => return false,
            },
            (Self::Text(values), Value::String(Some(text))) => values.push(Some(text.clone())),
            (Self::Text(values), Value::Char(Some(char))) => values.push(Some(char.to_string())),
            (Self::Bytes(values), Value::Bytes(Some(bytes))) => values.push(Some(bytes.clone())),
            (Self::Text(_) | Self::Bytes(_) | Self::Decimal(_), _) => return false,
        }
        true
    }
}

/// Whether SQLite stores this value as a text.
#[cfg(feature = "sqlite")]
fn is_text_in_sqlite(row: &QueryResult, at: usize) -> bool {
    use sea_orm::sqlx::{Row as _, TypeInfo as _, ValueRef as _};

    let value = row.try_as_sqlite_row().and_then(|row| row.try_get_raw(at).ok());
    value.is_some_and(|value| !value.is_null() && value.type_info().name() == "TEXT")
}

#[cfg(not(feature = "sqlite"))]
fn is_text_in_sqlite(_: &QueryResult, _: usize) -> bool {
    false
}

/// Returns a value with SQLite's name for its storage class, if this is a row of SQLite.
#[cfg(feature = "sqlite")]
fn stored(row: &QueryResult, at: usize) -> Option<String> {
    use sea_orm::sqlx::{Row as _, TypeInfo as _, ValueRef as _};

    let class = row.try_as_sqlite_row()?.try_get_raw(at).ok()?.type_info().name().to_owned();
    let value = match class.as_str() {
        "INTEGER" => row.try_get_by_index::<i64>(at).ok()?.to_string(),
        "REAL" => format!("{:?}", row.try_get_by_index::<f64>(at).ok()?),
        "TEXT" => format!("'{}'", row.try_get_by_index::<String>(at).ok()?),
        _ => format!("x'{}'", hex(&row.try_get_by_index::<Vec<u8>>(at).ok()?)),
    };
    Some(format!("{value} ({class})"))
}

#[cfg(not(feature = "sqlite"))]
fn stored(_: &QueryResult, _: usize) -> Option<String> {
    None
}

/// Whether a row can have this value: only MySQL and MariaDB store integers above `i64`, and the
/// other drivers cannot bind them.
pub(crate) fn storable(dialect: Dialect, value: &Value) -> bool {
    dialect == Dialect::MySql || !matches!(integer(value), Some(Err(_)))
}

/// Returns an integer of any width; `Err` if it fits only a `u64`.
fn integer(value: &Value) -> Option<Result<i64, u64>> {
    let signed = match *value {
        Value::Bool(value) => i64::from(value?),
        Value::TinyInt(value) => i64::from(value?),
        Value::SmallInt(value) => i64::from(value?),
        Value::Int(value) => i64::from(value?),
        Value::BigInt(value) => value?,
        Value::TinyUnsigned(value) => i64::from(value?),
        Value::SmallUnsigned(value) => i64::from(value?),
        Value::Unsigned(value) => i64::from(value?),
        Value::BigUnsigned(value) => {
            let value = value?;
            return Some(i64::try_from(value).map_err(|_| value));
        }
        _ => return None,
    };
    Some(Ok(signed))
}

/// Known rows of one table: their primary key and every other column that a registered key refers
/// to.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// Positions in the table's columns, one for each of `values`.
    pub(crate) columns: Vec<usize>,
    pub(crate) values: Vec<KeyColumn>,
    len: usize,
    /// For errors: the table, and the columns by name.
    table: Arc<str>,
    names: Arc<[String]>,
}

/// A key value that is stored as another kind of value than its column's type, which SQLite allows.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) table: String,
    pub(crate) column: String,
    /// As in `1.5 (REAL)`.
    pub(crate) value: String,
    /// The known key values of its row, then the value.
    pub(crate) row: String,
}

/// Why keys could not be read.
#[derive(Debug)]
pub(crate) enum Unread {
    Misfit(Misfit),
    Driver(DbErr),
}

impl Keys {
    /// Returns an empty set for these columns of a table.
    pub(crate) fn new(table: &str, columns: &[usize], names: Vec<String>, kinds: &[KeyKind]) -> Self {
        let values = kinds.iter().map(|&kind| KeyColumn::new(kind)).collect();
        Self { columns: columns.to_vec(), values, len: 0, table: table.into(), names: names.into() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds the rows of a result that begins with these columns.
    pub(crate) fn read(&mut self, rows: &[QueryResult]) -> Result<(), Unread> {
        self.read_at(rows, 0)
    }

    /// Adds the rows of a result in which these columns begin at a position.
    pub(crate) fn read_at(&mut self, rows: &[QueryResult], first: usize) -> Result<(), Unread> {
        for row in rows {
            for at in 0..self.values.len() {
                let read = self.values[at].read(row, first + at);
                read.map_err(|source| self.unread(row, first, at, source))?;
            }
            self.len += 1;
        }
        Ok(())
    }

    fn unread(&self, row: &QueryResult, first: usize, at: usize, source: DbErr) -> Unread {
        let Some(value) = stored(row, first + at) else { return Unread::Driver(source) };
        let Key(before) = self.sample_of(self.len, at);
        let parts = before.iter().map(ToString::to_string).chain([value.clone()]);
        Unread::Misfit(Misfit {
            table: self.table.to_string(),
            column: self.names[at].clone(),
            row: parts.collect::<Vec<_>>().join(", "),
            value,
        })
    }

    pub(crate) fn kinds(&self) -> impl Iterator<Item = KeyKind> {
        self.values.iter().map(|column| match column {
            KeyColumn::Integer(_) => KeyKind::Integer,
            KeyColumn::Unsigned(_) => KeyKind::Unsigned,
            KeyColumn::Text(_) => KeyKind::Text,
            KeyColumn::Bytes(_) => KeyKind::Bytes,
            KeyColumn::Decimal(_) => KeyKind::Decimal,
        })
    }

    /// Whether a row from a caller has values of these kinds.
    pub(crate) fn takes(&self, row: &[Value]) -> bool {
        row.len() == self.values.len() && self.kinds().zip(row).all(|(kind, value)| KeyColumn::new(kind).push(value))
    }

    /// Adds a row from a caller; `false`, and nothing is added, if its values are of other kinds.
    pub(crate) fn push(&mut self, row: &[Value]) -> bool {
        let fits = self.takes(row);
        if fits {
            for (column, value) in self.values.iter_mut().zip(row) {
                column.push(value);
            }
            self.len += 1;
        }
        fits
    }

    /// Copies a row from another set with the same columns.
    pub(crate) fn add(&mut self, other: &Self, row: usize) {
        for (values, others) in self.values.iter_mut().zip(&other.values) {
            values.push_from(others, row);
        }
        self.len += 1;
    }

    /// Keeps each row once. Needed where the same rows may have been read twice.
    pub(crate) fn distinct(self) -> Self {
        let mut seen = HashSet::new();
        let rows: Vec<usize> = (0..self.len).filter(|&row| seen.insert(self.sample(row))).collect();
        self.only(&rows)
    }

    /// Keeps the rows that are also in the other set.
    pub(crate) fn also_in(self, others: &Self) -> Self {
        let others: HashSet<Key> = (0..others.len).map(|row| others.sample(row)).collect();
        let rows: Vec<usize> = (0..self.len).filter(|&row| others.contains(&self.sample(row))).collect();
        self.only(&rows)
    }

    /// Keeps the rows that are not in the other set.
    pub(crate) fn not_in(self, others: &Self) -> Self {
        let others: HashSet<Key> = (0..others.len).map(|row| others.sample(row)).collect();
        let rows: Vec<usize> = (0..self.len).filter(|&row| !others.contains(&self.sample(row))).collect();
        self.only(&rows)
    }

    /// Sorts the rows, so that their order does not depend on the caller.
    pub(crate) fn sorted(self) -> Self {
        let mut rows: Vec<usize> = (0..self.len).collect();
        rows.sort_by_cached_key(|&row| self.sample(row));
        let values = self.values.iter().map(|column| column.only(&rows)).collect();
        Self { values, ..self }
    }

    fn only(self, rows: &[usize]) -> Self {
        if rows.len() == self.len { self } else { self.copied(rows) }
    }

    /// Copies these rows.
    pub(crate) fn copied(&self, rows: &[usize]) -> Self {
        let values = self.values.iter().map(|column| column.only(rows)).collect();
        let (table, names) = (self.table.clone(), self.names.clone());
        Self { columns: self.columns.clone(), values, len: rows.len(), table, names }
    }

    /// Returns a hash of the first rows that does not depend on their order. It is text, because
    /// JSON readers round large numbers.
    pub(crate) fn fingerprint(&self, columns: &[usize], rows: usize) -> String {
        let values = self.of(columns);
        let row = |row: usize| {
            let mut hasher = DefaultHasher::new();
            for column in &values {
                column.value(row).hash(&mut hasher);
            }
            hasher.finish()
        };
        format!("{:016x}", (0..rows.min(self.len)).map(row).fold(0, u64::wrapping_add))
    }

    /// Returns the values of these columns of the table, all of which were fetched.
    pub(crate) fn of(&self, columns: &[usize]) -> Vec<&KeyColumn> {
        let known = |column: &usize| self.columns.iter().position(|known| known == column);
        columns.iter().filter_map(known).map(|at| &self.values[at]).collect()
    }

    /// Returns the rows in which none of these columns is NULL: nothing references a NULL (R9).
    pub(crate) fn rows_with(&self, columns: &[usize]) -> Vec<usize> {
        self.rows_within(columns, 0..self.len)
    }

    /// Returns those of them that are in a range.
    pub(crate) fn rows_within(&self, columns: &[usize], rows: Range<usize>) -> Vec<usize> {
        let values = self.of(columns);
        rows.filter(|&row| values.iter().all(|column| !column.is_null(row))).collect()
    }

    /// Returns one row for people to read.
    pub(crate) fn sample(&self, row: usize) -> Key {
        self.sample_of(row, self.values.len())
    }

    /// Returns the first columns of it.
    pub(crate) fn sample_of(&self, row: usize, columns: usize) -> Key {
        let part = |column: &KeyColumn| match column {
            KeyColumn::Integer(values) => values[row].map(KeyPart::Integer),
            KeyColumn::Unsigned(values) => values[row].map(KeyPart::Unsigned),
            KeyColumn::Text(values) | KeyColumn::Decimal(values) => values[row].clone().map(KeyPart::Text),
            KeyColumn::Bytes(values) => values[row].clone().map(KeyPart::Bytes),
        };
        Key(self.values.iter().take(columns).filter_map(part).collect())
    }
}

/// Returns the private name of the n-th key column in a result.
pub(crate) fn alias(n: usize) -> String {
    format!("__cascade_k{n}")
}

/// A primary key for people to read: `7`, `'north'`, or `(7, 'north')` for a composite key.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(Vec<KeyPart>);

/// One column of a [`Key`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum KeyPart {
    /// An integer, or a boolean where the database stores it as an integer.
    Integer(i64),
    /// An integer above the range of `i64`.
    Unsigned(u64),
    /// Text, and types that are read as text: enums, dates and, on PostgreSQL, UUIDs.
    Text(String),
    /// Bytes, and UUIDs where the database stores them as bytes.
    Bytes(Vec<u8>),
}

impl Key {
    /// Returns the values, in the order of the primary key's columns.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{ErrorKind, KeyPart, entity::store, service};
    ///
    /// let deletion = service::graph().build()?.delete_keys(store::Entity, [99]).must_exist();
    /// let error = deletion.execute(&db).await.unwrap_err();
    /// let ErrorKind::NotFound { keys, .. } = error.kind() else { panic!("{error}") };
    /// assert_eq!(keys[0].parts(), [KeyPart::Integer(99)]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn parts(&self) -> &[KeyPart] {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.fmt(f);
        }
        f.write_str("(")?;
        for (n, part) in self.0.iter().enumerate() {
            let before = if n == 0 { "" } else { ", " };
            write!(f, "{before}{part}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for KeyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Text(value) => write!(f, "'{value}'"),
            Self::Bytes(value) => write!(f, "x'{}'", hex(value)),
        }
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
