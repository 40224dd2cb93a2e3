//! Columns and values, as each database compares them.
//!
//! Pure.

use sea_orm::sea_query::{
    Alias, ArrayType, ColumnType, DynIden, Expr, ExprTrait as _, Func, PostgresQueryBuilder, Query, SelectStatement,
    TableBuilder as _, TableName, TableRef, Value,
};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::{KeyColumn, KeyKind, alias, hex};
use crate::cascade::declare::declaration::Column;
use crate::cascade::declare::schema::{Table, TableId};
use crate::cascade::sql::catalog::without_length;
use crate::cascade::sql::{BOUND_LIST_MAX, LIST, PAGE, PARENTS, Sql};

impl Sql<'_> {
    // ---- Columns and values

    pub(super) fn table_ref(&self, table: TableId) -> TableRef {
        TableRef::Table(self.table(table).name.clone(), None)
    }

    pub(super) fn column(&self, table: TableId, column: usize) -> Expr {
        let table = self.table(table);
        Expr::col((table_iden(table), table.columns[column].name.clone()))
    }

    pub(super) fn columns(&self, table: TableId, columns: &[usize]) -> Vec<Expr> {
        columns.iter().map(|&column| self.column(table, column)).collect()
    }

    /// Returns a column that orders pages. MySQL and MariaDB sort an enum by its position and
    /// compare it as text.
    pub(super) fn ordered(&self, table: TableId, column: usize) -> Expr {
        let ty = &self.table(table).columns[column].ty;
        let column = self.column(table, column);
        if is_ordered_as_text(ty) { self.readable(column, ty) } else { column }
    }

    /// Selects key columns of `from` in the form that [`Keys::read`] reads.
    pub(super) fn key_columns(
        &self,
        select: &mut SelectStatement,
        table: TableId,
        columns: &[usize],
        from: impl sea_orm::sea_query::IntoIden,
    ) {
        let from = from.into_iden();
        for &column in columns {
            let Column { name, ty, .. } = &self.table(table).columns[column];
            select.expr_as(self.readable(Expr::col((from.clone(), name.clone())), ty), Alias::new(alias(column)));
        }
    }

    /// Returns a key column, converted to the type in which its kind is read.
    pub(super) fn readable(&self, column: Expr, ty: &ColumnType) -> Expr {
        let kind = KeyKind::of(self.dialect, ty);
        let ty = match (kind, self.dialect) {
            // MariaDB has a type for UUIDs, which it would return as text.
            (Some(KeyKind::Bytes), Dialect::MySql) if *ty == ColumnType::Uuid => "BINARY(16)",
            // In SQLite each value has its own type, and a cast would make two values equal.
            (Some(KeyKind::Bytes) | None, _) | (_, Dialect::Sqlite) => return column,
            (Some(KeyKind::Integer), Dialect::Postgres) => "bigint",
            (Some(KeyKind::Integer), Dialect::MySql) => "SIGNED",
            (Some(KeyKind::Unsigned), _) => "UNSIGNED",
            (Some(KeyKind::Text | KeyKind::Decimal), Dialect::MySql) => "CHAR",
            (Some(KeyKind::Text | KeyKind::Decimal), Dialect::Postgres) => "text",
        };
        column.cast_as(Alias::new(ty))
    }

    /// Returns one fetched value for a column of that type.
    pub(super) fn bound(&self, values: &KeyColumn, row: usize, ty: &ColumnType) -> Expr {
        match (self.dialect, values) {
            (Dialect::Postgres, KeyColumn::Integer(integers)) => {
                Expr::value(values.value(row)).cast_as(Alias::new(integer_type(ty, &[integers[row]])))
            }
            (Dialect::Postgres, _) => typed(Expr::value(values.value(row)), ty, ""),
            (Dialect::Sqlite | Dialect::MySql, _) => literal_or_bound(values, row),
        }
    }

    /// Returns the declared default.
    pub(super) fn default(&self, column: &Column) -> Expr {
        let default = column.default.clone().unwrap_or_else(|| Expr::cust("NULL"));
        if self.dialect == Dialect::Postgres { typed(default, &column.ty, "") } else { default }
    }
}

/// Whether pages of rows with such a key are ordered by its text.
pub(super) fn is_ordered_as_text(ty: &ColumnType) -> bool {
    matches!(ty, ColumnType::Enum { .. })
}

/// Whether two values of that type are equal only if they are read as the same value.
pub(super) fn is_exact(dialect: Dialect, ty: &ColumnType) -> bool {
    let kind = KeyKind::of(dialect, ty);
    matches!(kind, Some(KeyKind::Integer | KeyKind::Unsigned | KeyKind::Bytes)) || matches!(ty, ColumnType::Uuid)
}

pub(crate) fn table_iden(table: &Table) -> DynIden {
    let TableName(_, name) = &table.name;
    name.clone()
}

/// Returns one expression, or a row of several.
pub(super) fn row(mut columns: Vec<Expr>) -> Expr {
    match columns.len() {
        1 => columns.remove(0),
        _ => Expr::tuple(columns),
    }
}

/// PostgreSQL: one bound array whose elements have exactly the column's type. With `int4[]` against
/// a `bigint` column PostgreSQL did not hash: 15 s instead of 90 ms.
pub(super) fn array(values: &KeyColumn, ty: &ColumnType, rows: &[usize]) -> Expr {
    let of = |ty: ArrayType, element: &dyn Fn(usize) -> Value| {
        let elements = rows.iter().map(|&row| element(row)).collect();
        Expr::value(Value::Array(ty, Some(Box::new(elements))))
    };
    match values {
        KeyColumn::Integer(values) => {
            let picked: Vec<Option<i64>> = rows.iter().map(|&row| values[row]).collect();
            let name = integer_type(ty, &picked);
            let array = match name {
                "smallint" => {
                    let narrow = |row: usize| values[row].and_then(|value| i16::try_from(value).ok());
                    of(ArrayType::SmallInt, &|row| Value::SmallInt(narrow(row)))
                }
                "integer" => {
                    let narrow = |row: usize| values[row].and_then(|value| i32::try_from(value).ok());
                    of(ArrayType::Int, &|row| Value::Int(narrow(row)))
                }
                _ => of(ArrayType::BigInt, &|row| Value::BigInt(values[row])),
            };
            array.cast_as(Alias::new(format!("{name}[]")))
        }
        KeyColumn::Text(values) => typed(of(ArrayType::String, &|row| Value::String(values[row].clone())), ty, "[]"),
        // No PostgreSQL column is of these kinds (`KeyKind::of`).
        KeyColumn::Unsigned(_) | KeyColumn::Bytes(_) | KeyColumn::Decimal(_) => Expr::cust("NULL"),
    }
}

/// PostgreSQL: the declared integer type, or a wider one if a value needs it, because the column in
/// the database is wider.
fn integer_type(ty: &ColumnType, values: &[Option<i64>]) -> &'static str {
    let all = |fits: fn(i64) -> bool| values.iter().flatten().all(|&value| fits(value));
    match ty {
        ColumnType::TinyInteger | ColumnType::TinyUnsigned | ColumnType::SmallInteger
            if all(|value| i16::try_from(value).is_ok()) =>
        {
            "smallint"
        }
        ColumnType::Integer | ColumnType::SmallUnsigned if all(|value| i32::try_from(value).is_ok()) => "integer",
        _ => "bigint",
    }
}

/// PostgreSQL: a value, or with the suffix `[]` an array, cast to the column's type without a
/// length. A cast to a shorter type would cut the value silently, and could match another row
/// (`char` is `char(1)`, and `bit` is `bit(1)` unless quoted). The index is used, also in a generic
/// plan.
///
/// PostgreSQL does not convert text to other types implicitly. The cast also keeps our statement
/// texts different from a program's own: sqlx prepares by text, and the same text bound with
/// another width fails on that connection.
pub(super) fn typed(value: Expr, ty: &ColumnType, suffix: &str) -> Expr {
    let mut name = String::new();
    match ty {
        ColumnType::Enum { name, .. } => return value.as_enum(Alias::new(format!("{name}{suffix}"))),
        ColumnType::String(_) | ColumnType::Text => name.push_str("text"),
        ColumnType::Char(_) => name.push_str("bpchar"),
        ColumnType::Decimal(_) => name.push_str("numeric"),
        ColumnType::DateTime | ColumnType::Timestamp => name.push_str("timestamp"),
        ColumnType::TimestampWithTimeZone => name.push_str("timestamptz"),
        ColumnType::Time => name.push_str("time"),
        ColumnType::Bit(_) => name.push_str("\"bit\""),
        ColumnType::VarBit(_) => name.push_str("varbit"),
        ColumnType::Custom(custom) => match without_length(&custom.to_string()) {
            char if ["char", "character"].contains(&&*char.to_lowercase()) => name.push_str("bpchar"),
            bit if bit.eq_ignore_ascii_case("bit") => name.push_str("\"bit\""),
            bare => name.push_str(&bare),
        },
        _ => PostgresQueryBuilder.prepare_column_type(ty, &mut name),
    }
    value.cast_as(Alias::new(name + suffix))
}

/// Returns a value. Only PostgreSQL casts it. Decimals are written into the text
/// ([`KeyKind::Decimal`]).
fn literal_or_bound(values: &KeyColumn, row: usize) -> Expr {
    match values {
        KeyColumn::Decimal(values) => Expr::cust(decimal(values[row].as_ref())),
        KeyColumn::Integer(_) | KeyColumn::Unsigned(_) | KeyColumn::Text(_) | KeyColumn::Bytes(_) => {
            Expr::value(values.value(row))
        }
    }
}

/// Returns the digits of a decimal, as the database wrote them, as a literal.
pub(super) fn decimal(value: Option<&String>) -> String {
    let is_digits = |text: &&String| text.chars().all(|char| char.is_ascii_digit() || ['-', '.'].contains(&char));
    value.filter(is_digits).map_or_else(|| "NULL".to_owned(), Clone::clone)
}

/// SQLite: one bound JSON array of values or of rows. Bytes are hexadecimal digits in it.
pub(super) fn json_rows(values: &[&KeyColumn], rows: &[usize]) -> SelectStatement {
    let json = |column: &KeyColumn, row: usize| match column {
        KeyColumn::Integer(values) => sea_orm::JsonValue::from(values[row]),
        KeyColumn::Unsigned(values) => values[row].into(),
        KeyColumn::Text(values) => values[row].clone().into(),
        KeyColumn::Bytes(values) => values[row].as_deref().map(hex).into(),
        // No SQLite column is of this kind (`KeyKind::of`).
        KeyColumn::Decimal(_) => sea_orm::JsonValue::Null,
    };
    let elements: sea_orm::JsonValue = match values {
        [one] => rows.iter().map(|&row| json(one, row)).collect(),
        several => rows
            .iter()
            .map(|&row| several.iter().map(|column| json(column, row)).collect::<sea_orm::JsonValue>())
            .collect(),
    };
    let mut select = Query::select();
    let each = Func::cust(Alias::new("json_each")).arg(elements.to_string());
    select.from_function(each, Alias::new("__cascade_keys"));
    for (n, column) in values.iter().enumerate() {
        let value = match values {
            [_] => "value".to_owned(),
            _ => format!("json_extract(value, '$[{n}]')"),
        };
        select.expr(match column {
            KeyColumn::Bytes(_) => Expr::cust(format!("unhex({value})")),
            _ => Expr::cust(value),
        });
    }
    select
}

/// MySQL and MariaDB: a list. A short list is bound; it has one of few lengths and is filled up
/// with the last key, so that few statements are prepared. In a long list, which is written into
/// the text, text and bytes are hexadecimal literals.
pub(super) fn list(values: &[&KeyColumn], rows: &[usize]) -> Vec<Expr> {
    if rows.len() * values.len() <= BOUND_LIST_MAX {
        let last = rows.last().into_iter().cycle();
        let len = match rows.len() {
            len @ 0..=1 => len,
            2..=16 => 16,
            17..=PARENTS => PARENTS,
            len if len <= LIST => LIST,
            len => PAGE.max(len),
        };
        let filled = rows.iter().chain(last).take(len);
        return filled.map(|&at| row(values.iter().map(|column| literal_or_bound(column, at)).collect())).collect();
    }
    let literal = |column: &KeyColumn, row: usize| {
        Expr::cust(
            match column {
                KeyColumn::Integer(values) => values[row].map(|value| value.to_string()),
                KeyColumn::Unsigned(values) => values[row].map(|value| value.to_string()),
                KeyColumn::Text(values) => {
                    values[row].as_ref().map(|text| format!("_utf8mb4 X'{}'", hex(text.as_bytes())))
                }
                KeyColumn::Bytes(values) => values[row].as_ref().map(|bytes| format!("X'{}'", hex(bytes))),
                KeyColumn::Decimal(values) => Some(decimal(values[row].as_ref())),
            }
            .unwrap_or_else(|| "NULL".to_owned()),
        )
    };
    rows.iter().map(|&at| row(values.iter().map(|column| literal(column, at)).collect())).collect()
}
