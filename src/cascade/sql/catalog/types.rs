//! Which types of the database are read, bound and compared exactly as the declared ones.
//!
//! Pure.

use sea_orm::QueryResult;
use sea_orm::sea_query::ColumnType;

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::KeyKind;

/// Returns the name of the n-th NULL column.
pub(super) fn sample(n: usize) -> String {
    format!("__cascade_type_{n}")
}

/// Returns the type of a result column, with MySQL's name.
#[cfg(feature = "mysql")]
pub(super) fn mysql_type(row: &QueryResult, name: &str) -> Option<String> {
    use sea_orm::sqlx::{Column as _, Row as _, TypeInfo as _};

    let column = row.try_as_mysql_row()?.try_column(name).ok()?;
    Some(column.type_info().name().to_lowercase())
}

#[cfg(not(feature = "mysql"))]
pub(super) fn mysql_type(_: &QueryResult, _: &str) -> Option<String> {
    None
}

/// Returns the types of MySQL and MariaDB, with the driver's names, whose values are read, bound
/// and compared exactly as those of the declared type. Types that are not numbers are compared as
/// text.
pub(super) fn mysql_types(ty: &ColumnType) -> &'static [&'static str] {
    match KeyKind::of(Dialect::MySql, ty) {
        Some(KeyKind::Integer) => &[
            "boolean",
            "tinyint",
            "tinyint unsigned",
            "smallint",
            "smallint unsigned",
            "mediumint",
            "mediumint unsigned",
            "int",
            "int unsigned",
            "bigint",
            "year",
            "bit",
        ],
        Some(KeyKind::Unsigned) => &[
            "boolean",
            "tinyint unsigned",
            "smallint unsigned",
            "mediumint unsigned",
            "int unsigned",
            "bigint unsigned",
        ],
        Some(KeyKind::Decimal) => &[
            "decimal",
            "boolean",
            "tinyint",
            "tinyint unsigned",
            "smallint",
            "smallint unsigned",
            "mediumint",
            "mediumint unsigned",
            "int",
            "int unsigned",
            "bigint",
            "bigint unsigned",
        ],
        // MariaDB's UUID type looks like a text to the driver.
        Some(KeyKind::Bytes) if *ty == ColumnType::Uuid => &["binary", "varbinary", "char"],
        Some(KeyKind::Bytes) => &["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"],
        Some(KeyKind::Text) | None => &[
            "char",
            "varchar",
            "tinytext",
            "text",
            "mediumtext",
            "longtext",
            "enum",
            "set",
            "date",
            "datetime",
            "timestamp",
            "time",
            "binary",
            "varbinary",
            "tinyblob",
            "blob",
            "mediumblob",
            "longblob",
        ],
    }
}

/// Whether a column of that type is compared exactly with values of the declared type. If it is not
/// read, integers of any size and sign are.
pub(super) fn mysql_compares(ty: &ColumnType, found: &str, is_read: bool) -> bool {
    let is_integer = matches!(KeyKind::of(Dialect::MySql, ty), Some(KeyKind::Integer | KeyKind::Unsigned));
    let is_wider = !is_read && is_integer && found.contains("int");
    is_wider || mysql_types(ty).contains(&found)
}

/// Returns the types of PostgreSQL, with the names of `pg_type`, whose values are read, bound and
/// compared exactly as those of the declared type.
pub(super) fn postgres_types(ty: &ColumnType) -> Vec<String> {
    let types: &[&str] = match ty {
        ColumnType::Enum { name, .. } => return vec![name.to_string()],
        ColumnType::Custom(name) => return vec![postgres_name(&name.to_string())],
        ColumnType::Char(_) => &["bpchar"],
        ColumnType::String(_) | ColumnType::Text => &["text", "varchar", "bpchar", "name"],
        ColumnType::Decimal(_) => &["numeric", "int2", "int4", "int8"],
        ColumnType::Money(_) => &["money"],
        ColumnType::DateTime | ColumnType::Timestamp => &["timestamp"],
        ColumnType::TimestampWithTimeZone => &["timestamptz"],
        ColumnType::Time => &["time"],
        ColumnType::Date => &["date"],
        ColumnType::Boolean => &["bool"],
        ColumnType::Uuid => &["uuid"],
        ColumnType::Bit(_) => &["bit"],
        ColumnType::VarBit(_) => &["varbit"],
        ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => &["bytea"],
        ColumnType::Cidr => &["cidr"],
        ColumnType::Inet => &["inet"],
        ColumnType::MacAddr => &["macaddr"],
        ColumnType::LTree => &["ltree"],
        _ => &["int2", "int4", "int8"],
    };
    types.iter().map(|&ty| ty.to_owned()).collect()
}

/// Returns the OID of a built-in type of PostgreSQL, which is the same in every database.
pub(super) fn postgres_oid(ty: &str) -> Option<u32> {
    let own = [
        ("bool", 16),
        ("bytea", 17),
        ("name", 19),
        ("int8", 20),
        ("int2", 21),
        ("int4", 23),
        ("text", 25),
        ("cidr", 650),
        ("money", 790),
        ("macaddr", 829),
        ("inet", 869),
        ("bpchar", 1042),
        ("varchar", 1043),
        ("date", 1082),
        ("time", 1083),
        ("timestamp", 1114),
        ("timestamptz", 1184),
        ("bit", 1560),
        ("varbit", 1562),
        ("numeric", 1700),
        ("uuid", 2950),
    ];
    own.iter().find(|(name, _)| *name == ty).map(|(_, oid)| *oid)
}

/// PostgreSQL: a type that is declared only by its name, without length and collation. Quoted names
/// stay as they are.
pub(crate) fn without_length(declared: &str) -> String {
    let declared = declared.trim();
    if declared.starts_with('"') {
        return declared.to_owned();
    }
    let at = declared.to_lowercase().find(" collate ");
    let bare = at.map_or(declared, |at| &declared[..at]);
    match (bare.find('('), bare.find(')')) {
        (Some(begin), Some(end)) if begin < end => format!("{}{}", bare[..begin].trim_end(), &bare[end + 1..]),
        _ => bare.to_owned(),
    }
}

/// Returns the name in `pg_type` of a type that is declared only by its name.
pub(super) fn postgres_name(declared: &str) -> String {
    let name = without_length(declared);
    let name = name.rsplit('.').next().unwrap_or_default();
    if let Some(quoted) = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        return quoted.replace("\"\"", "\"");
    }
    let name = name.to_lowercase();
    let own = match name.as_str() {
        "character varying" => "varchar",
        "character" | "char" => "bpchar",
        "integer" | "int" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "boolean" => "bool",
        "decimal" => "numeric",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        "time with time zone" => "timetz",
        "time without time zone" => "time",
        "bit varying" => "varbit",
        other => other,
    };
    own.to_owned()
}
