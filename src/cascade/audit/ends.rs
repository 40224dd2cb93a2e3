//! Compares the types and collations of key columns with the declared ones, and the two ends of
//! each key with each other.
//!
//! Pure. Only differences that change a result count: which values are equal, which values are
//! possible, and whether a constraint is possible between the two ends. The length of a text
//! changes nothing, and neither does INT beside BIGINT if no constraint is wanted.

use sea_orm::sea_query::ColumnType;

use crate::cascade::audit::compare::{Comparison, Draft, StoredOtherwise};
use crate::cascade::audit::fix::{PlannedFix, not_all_is_told};
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::finding::Severity;
use crate::cascade::data::finding_kind::FindingKind;
use crate::cascade::data::key::KeyKind;
use crate::cascade::declare::declaration::Column;
use crate::cascade::declare::schema::{ForeignKey, KeyId, Schema, Table, TableId};
use crate::cascade::live::data::{Live, LiveColumn, LiveTable, TableKind};
use crate::cascade::live::types::{Affinity, Collation, LiveType, Sort, declared};

/// The columns at the two ends of a key.
struct Ends<'a> {
    child: &'a LiveColumn,
    child_type: &'a LiveType,
    parent: &'a LiveColumn,
    parent_type: &'a LiveType,
}

/// How the two ends of a key differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    /// They are compared correctly, but InnoDB allows no constraint between them: integers of
    /// different sizes, or a text with a length and one without.
    Width,
    Type,
    Collation,
}

/// Whether the database can compare the two ends of a key without an error and without converting
/// one of them.
pub(super) fn can_be_compared(schema: &Schema, live: &Live, key: KeyId) -> bool {
    let ForeignKey { child, child_columns, parent, parent_columns, .. } = &schema.keys[key];
    let ty = |table: &Table, column: usize| {
        let found = live.find(&table.name)?.column(live, &table.columns[column].name.to_string())?;
        found.ty.clone()
    };
    let (child, parent) = (&schema.tables[*child], &schema.tables[*parent]);
    let refuses = |(&from, &to): (&usize, &usize)| {
        let Some((one, other)) = ty(child, from).zip(ty(parent, to)) else { return false };
        difference(live.dialect, &child.columns[from].ty, false, &one, &other).is_some()
    };
    live.dialect == Dialect::Sqlite || !child_columns.iter().zip(parent_columns).any(refuses)
}

impl Comparison<'_> {
    /// Checks the types of a table's key columns: its primary key, the columns that keys reference,
    /// and its own foreign keys.
    pub(super) fn check_types(&self, id: TableId, drafts: &mut Vec<Draft>) {
        let table = &self.schema.tables[id];
        let Some(live) = self.live.find(&table.name).filter(|live| live.kind != TableKind::View) else { return };
        let keys = self.schema.keys.iter().filter(|key| key.child == id);
        let mut columns: Vec<usize> = table.identity.clone();
        columns.extend(keys.flat_map(|key| key.child_columns.iter().copied()));
        let mut told = Vec::new();
        for column in columns {
            if !told.contains(&column) {
                told.push(column);
                drafts.extend(self.other_type(id, &table.columns[column], live));
            }
        }
    }

    fn other_type(&self, id: TableId, column: &Column, live: &LiveTable) -> Option<Draft> {
        let (dialect, name, table) = (self.live.dialect, column.name.to_string(), &self.schema.tables[id]);
        let declared_type = declared(dialect, &column.ty)?;
        let found = live.column(self.live, &name)?.ty.as_ref()?;
        let why = unfit(dialect, column, &Sort::of(dialect, &declared_type), &found.sort)?;
        let found_type = found.name.clone();
        let shown = if found_type.is_empty() { "no type" } else { found_type.as_str() };
        Some(Draft {
            changes: Some(id),
            severity: Severity::Warning,
            table: table.label.clone(),
            foreign_key: None,
            declared: format!("{}.{name} is {declared_type}", table.label),
            found: format!("{}.{name} is {shown}", table.label),
            why: why.to_owned(),
            fix: PlannedFix::ByHand(format!(
                "give the column the type {declared_type}, with all columns that reference it, or declare the entity's column \
                 as it is: what becomes of the values that are there, no statement can know"
            )),
            kind: FindingKind::TypeDiffers { column: name, declared_type, found_type },
        })
    }

    /// Returns the finding for rows that store such a column in another form than its type has.
    pub(super) fn stored_otherwise(&self, found: &StoredOtherwise) -> Draft {
        let table = &self.schema.tables[found.table];
        let (label, Column { name, ty, .. }) = (&table.label, &table.columns[found.column]);
        let form = match KeyKind::of(self.live.dialect, ty) {
            Some(KeyKind::Text) => "text",
            Some(KeyKind::Bytes) => "bytes",
            Some(KeyKind::Integer | KeyKind::Unsigned | KeyKind::Decimal) | None => "an integer",
        };
        let rows = found.rows;
        let verb = if rows == 1 { "row has" } else { "rows have" };
        Draft {
            changes: Some(found.table),
            severity: Severity::Error,
            table: label.clone(),
            foreign_key: None,
            declared: format!("{label}.{name} has {form}"),
            found: format!("{rows} {verb} something else in it"),
            why: format!(
                "it is never equal to {form}: such a row is not found by its key, or another is found for it, and no row \
                 that references it is found through it"
            ),
            fix: PlannedFix::ByHand(format!(
                "look at the rows with `typeof({name}) <> '{}'`, and write what they mean in the declared form, together \
                 with what references them",
                if form == "bytes" { "blob" } else { form.trim_start_matches("an ") }
            )),
            kind: FindingKind::StoredOtherwise { column: name.to_string(), rows },
        }
    }

    pub(super) fn check_ends(&self, id: KeyId, child: &LiveTable, parent: &LiveTable, drafts: &mut Vec<Draft>) {
        let key = &self.schema.keys[id];
        for (from, to) in self.pairs(key) {
            let Some(ends) = self.ends(child, parent, &from, &to) else { continue };
            let Some(difference) = self.difference(key, &from, &ends) else { continue };
            drafts.push(self.ends_differ(id, [&from, &to], &ends, difference));
        }
    }

    /// Returns the names of the columns at the two ends of a key.
    fn pairs(&self, key: &ForeignKey) -> Vec<(String, String)> {
        let (child, parent) = (&self.schema.tables[key.child], &self.schema.tables[key.parent]);
        child.names(&key.child_columns).into_iter().zip(parent.names(&key.parent_columns)).collect()
    }

    fn ends<'a>(&self, child: &'a LiveTable, parent: &'a LiveTable, from: &str, to: &str) -> Option<Ends<'a>> {
        let (child, parent) = (child.column(self.live, from)?, parent.column(self.live, to)?);
        Some(Ends { child, child_type: child.ty.as_ref()?, parent, parent_type: parent.ty.as_ref()? })
    }

    fn difference(&self, key: &ForeignKey, from: &str, ends: &Ends<'_>) -> Option<Difference> {
        let columns = &self.schema.tables[key.child].columns;
        let declared = columns.iter().find(|column| column.name.to_string() == from)?;
        let is_constrained = key.constraint.is_some();
        difference(self.live.dialect, &declared.ty, is_constrained, ends.child_type, ends.parent_type)
    }

    fn ends_differ(&self, id: KeyId, [from, to]: [&str; 2], ends: &Ends<'_>, difference: Difference) -> Draft {
        let key = &self.schema.keys[id];
        let (child, parent) = (&self.schema.tables[key.child].label, self.parent(key));
        let is_shown = difference == Difference::Collation;
        let [column_type, parent_type] = [ends.child_type, ends.parent_type].map(|ty| shown(ty, is_shown));
        let (dialect, severity) = match difference {
            Difference::Width => (self.live.dialect, Severity::Warning),
            Difference::Type | Difference::Collation => (self.live.dialect, Severity::Error),
        };
        Draft {
            found: format!("{child}.{from} is {column_type}, {parent}.{to} is {parent_type}"),
            why: why(dialect, difference).to_owned(),
            fix: self.joined(id, ends, difference),
            ..self.draft(
                id,
                FindingKind::EndsDiffer {
                    column: from.to_owned(),
                    column_type,
                    parent: parent.to_owned(),
                    parent_column: to.to_owned(),
                    parent_type,
                },
                severity,
            )
        }
    }

    /// Returns the fix that gives both ends one type. On MySQL and MariaDB the child gets the type
    /// of the parent, unless the parent has the narrower type and can be changed.
    fn joined(&self, id: KeyId, ends: &Ends<'_>, difference: Difference) -> PlannedFix {
        let key = &self.schema.keys[id];
        let (child, parent) = (&self.schema.tables[key.child], &self.schema.tables[key.parent]);
        if self.live.dialect != Dialect::MySql {
            let reason = match (self.live.dialect, difference) {
                (_, Difference::Collation) => {
                    "decide which collation is meant, and make both columns with it: other values are equal then, also in \
                     the indexes of the column that changes"
                }
                (Dialect::Postgres, _) => {
                    "decide which type is meant, and give it to both columns with ALTER TABLE .. ALTER COLUMN .. TYPE .. \
                     USING: it converts every row, and stops at a value that has no counterpart, and at views, policies \
                     and triggers that name the column"
                }
                _ => {
                    "decide which type is meant, and make both columns with it: values that are there in the other form \
                     have to be converted"
                }
            };
            return PlannedFix::ByHand(reason.to_owned());
        }
        let is_wider = is_narrower(&ends.parent_type.sort, &ends.child_type.sort);
        let child_to = match (&ends.child_type.sort, &ends.parent_type.sort) {
            // Its own length is kept.
            _ if ends.parent_type.is_endless() => {
                return PlannedFix::ByHand(format!(
                    "give {}.{} a type with a length, such as VARCHAR: nothing can reference a TEXT or BLOB",
                    parent.label, ends.parent.name
                ));
            }
            (Sort::Text, Sort::Text) if !ends.child_type.is_endless() => {
                LiveType { name: ends.child_type.name.clone(), ..ends.parent_type.clone() }
            }
            (Sort::Text, Sort::Text) | (Sort::Integer { .. }, Sort::Integer { .. }) => ends.parent_type.clone(),
            _ => {
                return PlannedFix::ByHand(
                    "decide which type is meant, and give it to both columns with MODIFY COLUMN: what becomes of the values \
                     that are there, no statement can know"
                        .to_owned(),
                );
            }
        };
        let widened = ends.child_type;
        if is_wider
            && self.holders(parent, ends.parent).is_empty()
            && self.others_agree(id, (key.parent, &ends.parent.name), widened)
            && let Some(statement) = self.sql.modified(parent, ends.parent, widened, ends.parent.nullable)
        {
            return PlannedFix::Statements(vec![statement]);
        }
        if !self.others_agree(id, (key.child, &ends.child.name), &child_to) {
            return PlannedFix::ByHand(format!(
                "decide which type is meant, and give it with MODIFY COLUMN to {}.{}, to {}.{} and to the columns at the \
                 other ends of their other keys",
                child.label, ends.child.name, parent.label, ends.parent.name
            ));
        }
        let holders = self.holders(child, ends.child);
        if !holders.is_empty() {
            return PlannedFix::ByHand(format!(
                "give {}.{} the type {} with MODIFY COLUMN, once its other constraints are dropped: {}",
                child.label,
                ends.child.name,
                shown(&child_to, true),
                holders.join(", ")
            ));
        }
        match self.sql.modified(child, ends.child, &child_to, ends.child.nullable) {
            // Without the first statement, MySQL and MariaDB would cut a value that does not fit,
            // without an error.
            Some(statement) => PlannedFix::Statements(vec![
                "SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_ALL_TABLES')".to_owned(),
                statement,
            ]),
            None => PlannedFix::ByHand(not_all_is_told(&ends.child.name)),
        }
    }

    /// Whether the other registered keys of a column have this type at their other end.
    fn others_agree(&self, id: KeyId, (table, column): (TableId, &str), ty: &LiveType) -> bool {
        let is_of = |of: TableId, name: &str| of == table && self.live.same_column(name, column);
        let is_alike = |of: TableId, name: &str| {
            let live = self.live.find(&self.schema.tables[of].name).and_then(|live| live.column(self.live, name));
            let other = live.and_then(|column| column.ty.as_ref());
            other.is_none_or(|other| other.sort == ty.sort && other.collation == ty.collation)
        };
        let others = self.schema.keys.iter().enumerate().filter(|(other, _)| *other != id);
        let mut pairs = others.flat_map(|(_, key)| self.pairs(key).into_iter().map(move |pair| (key, pair)));
        pairs.all(|(key, (from, to))| {
            (!is_of(key.child, &from) || is_alike(key.parent, &to))
                && (!is_of(key.parent, &to) || is_alike(key.child, &from))
        })
    }

    /// Returns the constraints, from the column or onto it, that prevent a change of its type.
    fn holders(&self, table: &Table, column: &LiveColumn) -> Vec<String> {
        let place = self.live.place(&table.name);
        let has = |columns: &[String]| columns.iter().any(|other| self.live.same_column(other, &column.name));
        let holds = self.live.keys.iter().filter(|key| {
            (self.live.same_place(&key.child, &place) && has(&key.child_columns))
                || (self.live.same_place(&key.parent, &place) && has(&key.parent_columns))
        });
        holds.map(|key| format!("{} of {}", key.name, key.child.table)).collect()
    }

    /// PostgreSQL 18 and later: whether the ends have two collations of which one is not
    /// deterministic.
    fn wants_one_collation(&self, ends: &Ends<'_>) -> bool {
        let version = self.live.server.trim_start_matches("PostgreSQL ").split(['.', ' ']).next();
        let is_new = version.and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major >= 18);
        let is_loose = |ty: &LiveType| ty.collation.as_ref().is_some_and(|collation| collation.is_loose);
        is_new && (is_loose(ends.child_type) || is_loose(ends.parent_type))
    }

    /// Returns why no constraint is possible between the two ends, unless the fix of another
    /// finding makes it possible first.
    pub(super) fn unjoinable(&self, id: KeyId, child: &LiveTable, parent: &LiveTable) -> Option<String> {
        let key = &self.schema.keys[id];
        let has_blockers = |(from, to): &(String, String)| {
            let Some(ends) = self.ends(child, parent, from, to) else { return false };
            match (self.live.dialect, self.difference(key, from, &ends)) {
                (_, None) | (Dialect::Sqlite, _) | (Dialect::Postgres, Some(Difference::Width)) => false,
                (Dialect::Postgres, Some(Difference::Collation)) => self.wants_one_collation(&ends),
                (Dialect::Postgres, Some(Difference::Type)) => true,
                (Dialect::MySql, Some(difference)) => {
                    matches!(self.joined(id, &ends, difference), PlannedFix::ByHand(_))
                }
            }
        };
        let pairs = self.pairs(key);
        let is_endless = |(from, to): &&(String, String)| {
            let ends = self.ends(child, parent, from, to);
            ends.is_some_and(|ends| ends.child_type.is_endless() && ends.parent_type.is_endless())
        };
        if let Some((from, to)) = pairs.iter().find(is_endless).filter(|_| self.live.dialect == Dialect::MySql) {
            let (child, parent) = (&self.schema.tables[key.child].label, self.parent(key));
            return Some(format!(
                "first give {child}.{from} and {parent}.{to} a type with a length: no constraint can join a TEXT or BLOB"
            ));
        }
        let (from, to) = pairs.iter().find(|pair| has_blockers(pair))?;
        let (child, parent) = (&self.schema.tables[key.child].label, self.parent(key));
        Some(format!("first give {child}.{from} and {parent}.{to} one type: no constraint can join them as they are"))
    }
}

/// The type as statements write it.
fn shown(ty: &LiveType, with_collation: bool) -> String {
    let name = if ty.name.is_empty() { "without a type" } else { &ty.name };
    match ty.collation.as_ref().filter(|_| with_collation) {
        Some(Collation { name: collation, charset, .. }) if !charset.is_empty() => {
            format!("{name} CHARACTER SET {charset} COLLATE {collation}")
        }
        Some(Collation { name: collation, .. }) => format!("{name} COLLATE {collation}"),
        None => name.to_owned(),
    }
}

fn why(dialect: Dialect, difference: Difference) -> &'static str {
    match (difference, dialect) {
        (Difference::Width, _) => {
            "InnoDB makes no constraint between integers of different size or sign, nor of a text without a length"
        }
        (Difference::Collation, Dialect::Sqlite) => {
            "what is equal depends on which side is asked: the database takes the collation of the parent, a comparison \
             that of the child, so that a delete can take or change rows of another parent, or leave some behind"
        }
        (Difference::Collation, Dialect::Postgres) => {
            "comparing them fails where both collations are stated, and finds other rows where one of them takes \
             different texts for equal"
        }
        (Difference::Collation, Dialect::MySql) => {
            "InnoDB makes no constraint between them, and comparing them fails or finds other rows than each finds by \
             itself"
        }
        (Difference::Type, Dialect::Sqlite) => {
            "a value is stored in another form at each end, so that a delete can miss rows that refer, or find others"
        }
        (Difference::Type, Dialect::Postgres | Dialect::MySql) => {
            "the database converts the values of one end to compare them, or refuses to: a delete fails, or finds other \
             rows than those that refer"
        }
    }
}

/// Returns how two ends differ, if that matters for values of this kind.
fn difference(
    dialect: Dialect,
    declared: &ColumnType,
    is_constrained: bool,
    child: &LiveType,
    parent: &LiveType,
) -> Option<Difference> {
    let (kind, is_uuid) = (KeyKind::of(dialect, declared)?, matches!(declared, ColumnType::Uuid));
    match (&child.sort, &parent.sort) {
        (Sort::Integer { .. }, Sort::Integer { .. }) => {
            let is_refused = dialect == Dialect::MySql && is_constrained && child.sort != parent.sort;
            is_refused.then_some(Difference::Width)
        }
        // 1.0 equals 1.00, and bytes are compared at any length.
        (Sort::Decimal(_), Sort::Decimal(_)) if dialect == Dialect::Postgres => None,
        // The bytes of a UUID fill a column of 16.
        (Sort::Bytes(one), Sort::Bytes(other)) if is_uuid && (one.is_none() || other.is_none()) => None,
        // Every column stores bytes as they are.
        (Sort::Affinity(_), Sort::Affinity(_)) if kind == KeyKind::Bytes => None,
        (one, other) if one != other => Some(Difference::Type),
        _ if dialect == Dialect::Sqlite && kind != KeyKind::Text => None,
        _ => {
            let ends = child.collation.as_ref().zip(parent.collation.as_ref());
            let collations = ends.filter(|(one, other)| collations_differ(dialect, one, other));
            let is_refused = dialect == Dialect::MySql && is_constrained && child.is_endless() != parent.is_endless();
            collations.map(|_| Difference::Collation).or(is_refused.then_some(Difference::Width))
        }
    }
}

fn collations_differ(dialect: Dialect, one: &Collation, other: &Collation) -> bool {
    let is_same = one.name.eq_ignore_ascii_case(&other.name);
    match dialect {
        Dialect::Sqlite => !is_same,
        Dialect::MySql => !is_same || !one.charset.eq_ignore_ascii_case(&other.charset),
        // The default collation yields to the other one. A deterministic collation does not change
        // which texts are equal.
        Dialect::Postgres if one.gives_way || other.gives_way => one.is_loose != other.is_loose,
        Dialect::Postgres => one.name != other.name,
    }
}

/// Whether every integer of one type is a value of the other, wider type.
fn is_narrower(one: &Sort, other: &Sort) -> bool {
    one != other && is_within(one, other)
}

/// Whether every value of one type is a value of the other.
fn is_within(one: &Sort, other: &Sort) -> bool {
    match (one, other) {
        (Sort::Integer { bits, is_unsigned }, Sort::Integer { bits: others, is_unsigned: false }) => {
            bits + u32::from(*is_unsigned) <= *others
        }
        (Sort::Integer { bits, is_unsigned: true }, Sort::Integer { bits: others, is_unsigned: true }) => {
            bits <= others
        }
        (Sort::Decimal(_), Sort::Decimal(None)) => true,
        (Sort::Decimal(Some((digits, behind))), Sort::Decimal(Some((others, others_behind)))) => {
            behind <= others_behind && digits.saturating_sub(*behind) <= others.saturating_sub(*others_behind)
        }
        _ => false,
    }
}

/// Returns why the type of the database cannot replace the declared type, if it cannot.
fn unfit(dialect: Dialect, column: &Column, declared: &Sort, live: &Sort) -> Option<&'static str> {
    const RANGE: &str = "it can have values that the declared type cannot: those rows cannot be read as the entity, and \
         where such a value is cut to the declared type, another row is found";
    const OTHER: &str = "values are sent as the declared type, which the database compares with this one in another way, or \
         not at all: a delete fails, or finds other rows than it is asked for, or none";
    match (declared, live) {
        // A column that allows negative numbers is no problem: no key is negative for that reason.
        (Sort::Integer { bits, is_unsigned: true }, Sort::Integer { bits: live, is_unsigned: false })
            if dialect == Dialect::MySql && live <= bits && *bits < 64 =>
        {
            None
        }
        (Sort::Integer { .. }, Sort::Integer { .. }) | (Sort::Decimal(_), Sort::Decimal(_)) => {
            (!is_within(live, declared)).then_some(RANGE)
        }
        // MariaDB's UUID type, which is compared with bytes.
        (Sort::Bytes(_), Sort::Other(name)) if column.ty == ColumnType::Uuid && name == "uuid" => None,
        // An enum is a text.
        (Sort::Enum(_) | Sort::Text, Sort::Enum(_) | Sort::Text) => None,
        // If both have a length, the shorter value would be padded.
        (Sort::Bytes(one), Sort::Bytes(other)) => (one.is_some() && other.is_some() && one != other).then_some(OTHER),
        (Sort::Affinity(declared), Sort::Affinity(live)) => {
            let kind = KeyKind::of(dialect, &column.ty)?;
            let converts = match kind {
                KeyKind::Integer | KeyKind::Unsigned => matches!(live, Affinity::Text | Affinity::Real),
                // SQLite does not store a date as a number, whatever the column's type is called.
                KeyKind::Text => {
                    is_plain_text(column)
                        && *declared == Affinity::Text
                        && matches!(live, Affinity::Number | Affinity::Real)
                }
                KeyKind::Bytes | KeyKind::Decimal => false,
            };
            converts.then_some(
                "values that look like numbers become such, and others texts: '007' is found as 7, or not at all",
            )
        }
        (Sort::Other(one), Sort::Other(other)) if dialect == Dialect::MySql => {
            (moment(one) != moment(other)).then_some(OTHER)
        }
        (one, other) => (one != other).then_some(OTHER),
    }
}

/// MySQL and MariaDB: returns a type without its fractional digits, and one common type for all
/// types with a day and a time.
fn moment(name: &str) -> &str {
    match name.split('(').next().unwrap_or_default() {
        "timestamp" => "datetime",
        plain @ ("datetime" | "time") => plain,
        _ => name,
    }
}

fn is_plain_text(column: &Column) -> bool {
    use ColumnType as T;
    matches!(column.ty, T::Char(_) | T::String(_) | T::Text | T::Enum { .. } | T::Custom(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_ends(dialect: Dialect, declared: &ColumnType, child: &str, parent: &str, expected: Option<Difference>) {
        let [one, other] = [child, parent].map(|text| {
            let (name, collation) = text.split_once(" COLLATE ").unzip();
            let collation = collation.map(|name: &str| Collation::named(name.to_owned(), String::new()));
            LiveType::new(dialect, name.unwrap_or(text).to_owned(), collation)
        });
        assert_eq!(difference(dialect, declared, true, &one, &other), expected, "{child} to {parent}");
        assert_eq!(difference(dialect, declared, true, &other, &one), expected, "{parent} to {child}");
    }

    #[test]
    fn what_matters_at_the_ends() {
        use Dialect::{MySql, Postgres, Sqlite};
        use Difference::{Collation, Type, Width};
        let [integer, text, bytes] = [ColumnType::BigInteger, ColumnType::Text, ColumnType::Blob];
        for (dialect, declared, child, parent, expected) in [
            (Sqlite, &integer, "BIGINT", "integer", None),
            (Sqlite, &integer, "NUMERIC", "boolean", None),
            (Sqlite, &integer, "TEXT", "integer", Some(Type)),
            (Sqlite, &text, "varchar(9)", "TEXT", None),
            (Sqlite, &text, "TEXT COLLATE BINARY", "TEXT COLLATE NOCASE", Some(Collation)),
            (Sqlite, &text, "TEXT COLLATE nocase", "TEXT COLLATE NOCASE", None),
            (Sqlite, &integer, "INT COLLATE BINARY", "INT COLLATE NOCASE", None),
            (Sqlite, &bytes, "uuid_text", "BLOB", None),
            (Postgres, &integer, "integer", "bigint", None),
            (Postgres, &integer, "integer", "numeric", Some(Type)),
            (Postgres, &text, "text", "character varying(80)", None),
            (Postgres, &text, "text", "character(3)", Some(Type)),
            (Postgres, &text, "text", "citext", Some(Type)),
            (Postgres, &text, "uuid", "character varying(36)", Some(Type)),
            (Postgres, &text, "numeric(10,2)", "numeric", None),
            (Postgres, &text, "text COLLATE a", "text COLLATE b", Some(Collation)),
            (MySql, &integer, "int(11)", "int", None),
            (MySql, &integer, "int(11)", "bigint(20)", Some(Width)),
            (MySql, &integer, "int(11)", "int(10) unsigned", Some(Width)),
            (MySql, &text, "varchar(20)", "char(30)", None),
            (MySql, &text, "varchar(20) COLLATE a_ci", "varchar(20) COLLATE a_bin", Some(Collation)),
            (MySql, &text, "varchar(20)", "enum('a')", Some(Type)),
            (MySql, &bytes, "binary(16)", "uuid", Some(Type)),
            (MySql, &bytes, "varbinary(16)", "varbinary(20)", None),
            (MySql, &bytes, "varbinary(16)", "binary(16)", Some(Type)),
            (MySql, &ColumnType::Uuid, "varbinary(16)", "binary(16)", None),
            (MySql, &ColumnType::Uuid, "binary(20)", "binary(16)", Some(Type)),
            (MySql, &text, "text COLLATE a_ci", "varchar(20) COLLATE a_ci", Some(Width)),
        ] {
            assert_ends(dialect, declared, child, parent, expected);
        }
        let [one, other] = ["int", "bigint"].map(|name| LiveType::new(MySql, name.to_owned(), None));
        assert_eq!(difference(MySql, &integer, false, &one, &other), None, "no constraint is scope");
    }

    #[test]
    fn the_collation_of_a_database_gives_way() {
        let collation = |name: &str, gives_way, is_loose| Collation {
            name: name.to_owned(),
            charset: String::new(),
            gives_way,
            is_loose,
        };
        let (own, c, loose) =
            (collation("default", true, false), collation("C", false, false), collation("ci", false, true));
        assert!(!collations_differ(Dialect::Postgres, &own, &c));
        assert!(!collations_differ(Dialect::Postgres, &own, &own));
        assert!(collations_differ(Dialect::Postgres, &own, &loose));
        assert!(collations_differ(Dialect::Postgres, &c, &loose));
        assert!(!collations_differ(Dialect::Postgres, &loose, &loose));
    }

    #[test]
    fn integers_within_others() {
        let of = |bits, is_unsigned| Sort::Integer { bits, is_unsigned };
        assert!(is_narrower(&of(32, false), &of(64, false)));
        assert!(is_narrower(&of(32, true), &of(64, false)));
        assert!(!is_narrower(&of(64, true), &of(64, false)));
        assert!(!is_narrower(&of(32, false), &of(64, true)));
        assert!(!is_narrower(&of(32, false), &of(32, false)));
    }
}
