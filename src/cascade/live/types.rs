//! The types of columns, as far as they decide which values are equal and which are possible.
//!
//! Pure. One parser for each database reads both the type in the catalogs and the type that SeaORM
//! would create, so that a table made by SeaORM never differs.

use sea_orm::sea_query::{
    Alias, ColumnDef, ColumnType, MysqlQueryBuilder, PostgresQueryBuilder, SqliteQueryBuilder, Table as TableStatement,
};

use crate::cascade::data::dialect::Dialect;

/// The type of a column in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveType {
    /// As the database writes it, without its collation.
    pub(crate) name: String,
    pub(crate) sort: Sort,
    /// `None` where it has none, or it is not known.
    pub(crate) collation: Option<Collation>,
}

/// How texts are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Collation {
    pub(crate) name: String,
    /// MySQL and MariaDB; empty otherwise.
    pub(crate) charset: String,
    /// PostgreSQL: whether it is the default collation, which yields to another.
    pub(crate) gives_way: bool,
    /// PostgreSQL: whether texts with different bytes can be equal.
    pub(crate) is_loose: bool,
}

/// A type without the parts that do not change equality, such as the length of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sort {
    Integer {
        bits: u32,
        is_unsigned: bool,
    },
    /// The number of digits, and of digits after the point; `None` for any number.
    Decimal(Option<(u32, u32)>),
    Text,
    /// PostgreSQL's `char(n)`, which ignores trailing blanks.
    PaddedText,
    /// MySQL and MariaDB: an enum with these words.
    Enum(String),
    /// The stated length, if values are padded to it.
    Bytes(Option<u32>),
    /// SQLite.
    Affinity(Affinity),
    /// Any other, by its name.
    Other(String),
}

/// How SQLite converts a value that is stored in a column or compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    /// INTEGER and NUMERIC.
    Number,
    Real,
    Text,
    None,
}

impl LiveType {
    /// Reads a type by its name in the catalogs.
    pub(crate) fn new(dialect: Dialect, name: String, collation: Option<Collation>) -> Self {
        Self { sort: Sort::of(dialect, &name), name, collation }
    }

    /// MySQL and MariaDB: whether it has no length, so that only a prefix of a value can be
    /// indexed.
    pub(crate) fn is_endless(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        matches!(self.sort, Sort::Text | Sort::Bytes(_)) && (name.ends_with("text") || name.ends_with("blob"))
    }

    /// MySQL and MariaDB: the largest size in bytes of a text or bytes with a length; other types
    /// are short.
    pub(crate) fn bytes_max(&self) -> u32 {
        let length = self.length().unwrap_or_default();
        let charset = self.collation.as_ref().map_or("", |collation| collation.charset.as_str());
        match (&self.sort, charset) {
            (Sort::Text, "utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030") => length.saturating_mul(4),
            (Sort::Text, "utf8" | "utf8mb3" | "ujis" | "eucjpms") => length.saturating_mul(3),
            (Sort::Text, "ucs2" | "sjis" | "cp932" | "big5" | "gbk" | "gb2312" | "euckr") => length.saturating_mul(2),
            (Sort::Text | Sort::Bytes(_), _) => length,
            _ => 8,
        }
    }

    /// Returns its stated length.
    pub(crate) fn length(&self) -> Option<u32> {
        Words::of(&self.name).numbers().first().copied()
    }
}

impl Collation {
    /// MySQL and MariaDB: returns a collation with the character set that its name begins with.
    pub(crate) fn with_charset(name: String) -> Self {
        let charset = name.split('_').next().unwrap_or_default().to_owned();
        Self::named(name, charset)
    }

    /// Returns a collation of a database without more details.
    pub(crate) fn named(name: String, charset: String) -> Self {
        Self { name, charset, gives_way: false, is_loose: false }
    }
}

impl Sort {
    /// Reads a collation from a type's name.
    pub(crate) fn of(dialect: Dialect, name: &str) -> Self {
        let words = Words::of(name);
        match dialect {
            Dialect::Sqlite => Self::Affinity(affinity(name)),
            Dialect::Postgres => postgres(&words),
            Dialect::MySql => mysql(&words),
        }
    }
}

/// Returns the type that SeaORM would create for a declared type, if the database has it.
pub(crate) fn declared(dialect: Dialect, ty: &ColumnType) -> Option<String> {
    if !has(dialect, ty) {
        return None;
    }
    let (table, column) = (Alias::new("t"), Alias::new("c"));
    let mut alter = TableStatement::alter();
    alter.table(table).add_column(ColumnDef::new_with_type(column, ty.clone()));
    let statement = match dialect {
        Dialect::Sqlite => alter.to_string(SqliteQueryBuilder),
        Dialect::Postgres => alter.to_string(PostgresQueryBuilder),
        Dialect::MySql => alter.to_string(MysqlQueryBuilder),
    };
    let (_, definition) = statement.split_once(" ADD COLUMN ")?;
    Some(definition.split_once(' ')?.1.trim().to_owned())
}

/// Whether the database has the type. sea-query panics if it does not.
pub(crate) fn has(dialect: Dialect, ty: &ColumnType) -> bool {
    use ColumnType as T;
    match dialect {
        Dialect::Postgres => !matches!(ty, T::Year),
        Dialect::MySql => !matches!(ty, T::Array(_) | T::Vector(_) | T::Cidr | T::Inet | T::MacAddr | T::LTree),
        Dialect::Sqlite => !matches!(
            ty,
            T::Array(_)
                | T::Vector(_)
                | T::Cidr
                | T::Inet
                | T::MacAddr
                | T::LTree
                | T::Interval(..)
                | T::Year
                | T::Bit(_)
                | T::VarBit(_)
        ),
    }
}

/// A type's name in its parts: `character varying(80)`, `bigint(20) unsigned`.
struct Words {
    /// In lower case, without schema, quotes and parentheses.
    name: String,
    /// The text in the parentheses.
    inside: String,
    is_unsigned: bool,
}

impl Words {
    fn of(name: &str) -> Self {
        let (before, rest) = name.split_once('(').unwrap_or((name, ""));
        let (inside, after) = rest.rsplit_once(')').unwrap_or((rest, ""));
        let after = after.trim().to_lowercase();
        let full = format!("{} {after}", before.trim().to_lowercase());
        let is_modifier = |word: &&str| matches!(*word, "unsigned" | "signed" | "zerofill");
        let words: Vec<&str> = full.split_whitespace().filter(|word| !is_modifier(word)).collect();
        // Words that a custom type may have after its name.
        let is_end = |pair: &[&str]| {
            matches!(pair, ["collate" | "charset" | "not" | "null" | "default" | "check" | "comment", ..])
                || matches!(pair, ["character", "set", ..])
        };
        let end = (1..words.len()).find(|&at| is_end(&words[at..])).unwrap_or(words.len());
        let joined = words[..end].join(" ");
        let unqualified = joined.rsplit('.').next().unwrap_or_default().replace('"', "");
        Self {
            name: unqualified,
            inside: inside.trim().to_owned(),
            is_unsigned: full.split_whitespace().any(|word| matches!(word, "unsigned" | "zerofill")),
        }
    }

    fn numbers(&self) -> Vec<u32> {
        self.inside.split(',').filter_map(|number| number.trim().parse().ok()).collect()
    }

    fn decimal(&self, unstated: Option<(u32, u32)>) -> Sort {
        Sort::Decimal(match self.numbers().as_slice() {
            [digits, behind, ..] => Some((*digits, *behind)),
            [digits] => Some((*digits, 0)),
            [] => unstated,
        })
    }

    /// Reads a type by its name and all its details.
    fn other(&self, name: &str) -> Sort {
        let inside = if self.inside.is_empty() { String::new() } else { format!("({})", self.inside) };
        Sort::Other(format!("{name}{inside}"))
    }

    fn integer(&self, bits: u32) -> Sort {
        Sort::Integer { bits, is_unsigned: self.is_unsigned }
    }
}

fn postgres(words: &Words) -> Sort {
    match words.name.as_str() {
        "smallint" | "int2" | "smallserial" => words.integer(16),
        "integer" | "int" | "int4" | "serial" => words.integer(32),
        "bigint" | "int8" | "bigserial" => words.integer(64),
        "numeric" | "decimal" => words.decimal(None),
        "text" | "character varying" | "varchar" => Sort::Text,
        "character" | "char" | "bpchar" => Sort::PaddedText,
        "bytea" => Sort::Bytes(None),
        "bool" => Sort::Other("boolean".to_owned()),
        // The number of fractional digits of a second does not change when two values are equal.
        "timestamp" | "timestamp without time zone" => Sort::Other("timestamp without time zone".to_owned()),
        "timestamptz" | "timestamp with time zone" => Sort::Other("timestamp with time zone".to_owned()),
        "time" | "time without time zone" => Sort::Other("time without time zone".to_owned()),
        "timetz" | "time with time zone" => Sort::Other("time with time zone".to_owned()),
        "bit" if words.inside.is_empty() => Sort::Other("bit(1)".to_owned()),
        "varbit" | "bit varying" => Sort::Other("bit varying".to_owned()),
        "money" => Sort::Other("money".to_owned()),
        name => words.other(name),
    }
}

fn mysql(words: &Words) -> Sort {
    match words.name.as_str() {
        "tinyint" | "bool" | "boolean" => words.integer(8),
        "smallint" => words.integer(16),
        "mediumint" => words.integer(24),
        "int" | "integer" => words.integer(32),
        "bigint" => words.integer(64),
        "decimal" | "numeric" => words.decimal(Some((10, 0))),
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => Sort::Text,
        "enum" => Sort::Enum(words.inside.replace("', '", "','")),
        "binary" => Sort::Bytes(Some(words.numbers().first().copied().unwrap_or(1))),
        "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Sort::Bytes(None),
        "year" => Sort::Other("year".to_owned()),
        "bit" if words.inside.is_empty() => Sort::Other("bit(1)".to_owned()),
        name => words.other(name),
    }
}

/// By the rules of SQLite's manual ("Determination Of Column Affinity"), in their order.
fn affinity(name: &str) -> Affinity {
    let name = name.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["INT"]) {
        Affinity::Number
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if has(&["BLOB"]) || name.trim().is_empty() || name.trim() == "ANY" {
        Affinity::None
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Number
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::StringLen;

    use super::*;

    #[track_caller]
    fn assert_same(dialect: Dialect, ty: &ColumnType, live: &str) {
        let declared = declared(dialect, ty).unwrap();
        assert_eq!(Sort::of(dialect, &declared), Sort::of(dialect, live), "{declared} and {live}");
    }

    /// The type that SeaORM creates equals the type that the catalogs report.
    #[test]
    fn what_seaorm_makes() {
        use ColumnType as T;
        for (ty, live) in [
            (T::TinyInteger, "smallint"),
            (T::Integer, "integer"),
            (T::BigUnsigned, "bigint"),
            (T::String(StringLen::N(80)), "character varying(80)"),
            (T::String(StringLen::None), "text"),
            (T::Char(None), "character(1)"),
            (T::Decimal(Some((10, 2))), "numeric(10,2)"),
            (T::Decimal(None), "numeric"),
            (T::Boolean, "boolean"),
            (T::DateTime, "timestamp without time zone"),
            (T::Timestamp, "timestamp(3) without time zone"),
            (T::TimestampWithTimeZone, "timestamp with time zone"),
            (T::Time, "time without time zone"),
            (T::Date, "date"),
            (T::Uuid, "uuid"),
            (T::Binary(16), "bytea"),
            (T::Bit(None), "bit(1)"),
            (T::Enum { name: "Mood".into(), variants: Vec::new() }, "other.\"Mood\""),
            (T::Custom("citext".into()), "citext"),
            (T::Custom("VARCHAR(9) COLLATE \"C\"".into()), "text"),
        ] {
            assert_same(Dialect::Postgres, &ty, live);
        }
        for (ty, live) in [
            (T::TinyInteger, "tinyint(4)"),
            (T::Boolean, "tinyint(1)"),
            (T::Unsigned, "int(10) unsigned"),
            (T::BigInteger, "bigint"),
            (T::String(StringLen::None), "varchar(80)"),
            (T::Text, "longtext"),
            (T::Uuid, "binary(16)"),
            (T::Decimal(None), "decimal(10,0)"),
            (T::Year, "year(4)"),
            (T::DateTime, "datetime"),
            (T::Custom("varchar(9) CHARACTER SET ascii COLLATE ascii_bin".into()), "char(9)"),
            (T::Custom("BIGINT UNSIGNED NOT NULL".into()), "bigint(20) unsigned"),
            (T::Enum { name: "m".into(), variants: vec!["a".into(), "b".into()] }, "enum('a','b')"),
        ] {
            assert_same(Dialect::MySql, &ty, live);
        }
        for (ty, live) in [
            (T::BigInteger, "INT"),
            (T::String(StringLen::N(80)), "text"),
            (T::Boolean, "INTEGER"),
            (T::Uuid, "TEXT"),
            (T::Blob, ""),
        ] {
            assert_same(Dialect::Sqlite, &ty, live);
        }
    }

    #[test]
    fn what_is_not_the_same() {
        for (dialect, one, other) in [
            (Dialect::Postgres, "integer", "numeric"),
            (Dialect::Postgres, "text", "character(3)"),
            (Dialect::Postgres, "text", "citext"),
            (Dialect::Postgres, "uuid", "text"),
            (Dialect::Postgres, "numeric(10,2)", "numeric(20,5)"),
            (Dialect::MySql, "int(11)", "bigint(20)"),
            (Dialect::MySql, "int(11)", "int(10) unsigned"),
            (Dialect::MySql, "uuid", "binary(16)"),
            (Dialect::MySql, "datetime", "datetime(6)"),
            (Dialect::MySql, "enum('a','b')", "enum('b','a')"),
            (Dialect::Sqlite, "STRING", "TEXT"),
            (Dialect::Sqlite, "", "INTEGER"),
        ] {
            assert_ne!(Sort::of(dialect, one), Sort::of(dialect, other), "{one} and {other}");
        }
    }
}
