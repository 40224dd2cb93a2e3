//! A random schema with its rows, as plain data, and how proptest makes one.
//!
//! Every table has the same nine columns: `id` and `part` (a primary key together in some tables,
//! else `id` alone), `u` (unique, and not the primary key), and six for foreign keys, `f0` to `f3`
//! of integers and `g0`, `g1` of texts.

use proptest::prelude::*;
use sea_orm_cascade::Action;

use crate::support::Kind;

/// Positions of columns.
pub(crate) const ID: usize = 0;
pub(crate) const PART: usize = 1;
pub(crate) const U: usize = 2;
pub(crate) const COLUMNS: [&str; 9] = ["id", "part", "u", "f0", "f1", "f2", "f3", "g0", "g1"];
const INTEGERS: [usize; 4] = [3, 4, 5, 6];
pub(crate) const TEXTS: [usize; 2] = [7, 8];

pub(crate) const TABLES_MAX: usize = 6;

/// A number; in a text column it stands for the text `k<number>`.
pub(crate) type Value = Option<i64>;
pub(crate) type Row = [Value; 9];

#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    pub(crate) keys: Vec<Key>,
    /// The rows of each table.
    pub(crate) rows: Vec<Vec<Row>>,
    pub(crate) root: usize,
    /// Rows of the root table.
    pub(crate) roots: Vec<usize>,
    /// Keys that no constraint is made for.
    pub(crate) unconstrained: Vec<usize>,
    /// Tables whose `u` is not unique.
    pub(crate) repeating: Vec<usize>,
    pub(crate) numbers: Numbers,
    pub(crate) texts: Texts,
    /// A row that a trigger keeps from being deleted.
    pub(crate) kept: Option<(usize, usize)>,
}

/// The type of the columns with numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Numbers {
    #[default]
    BigInt,
    Int,
    Unsigned,
    Decimal,
}

/// The type of the columns with texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Texts {
    #[default]
    Varchar,
    Char,
    /// One for which small and capital letters are the same, by its name; those who refer write
    /// capital ones.
    Blind(&'static str),
    Uuid,
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) child: usize,
    pub(crate) columns: Vec<usize>,
    pub(crate) parent: usize,
    pub(crate) to: Vec<usize>,
    pub(crate) action: Action,
    pub(crate) nullable: bool,
    /// The defaults of its columns, for SET DEFAULT.
    pub(crate) defaults: Vec<Value>,
}

/// Which tables have a primary key of two columns.
pub(crate) fn is_composite(table: usize) -> bool {
    matches!(table, 2 | 5)
}

pub(crate) fn primary_key(table: usize) -> &'static [usize] {
    if is_composite(table) { &[ID, PART] } else { &[ID] }
}

/// Which columns hold texts.
pub(crate) fn is_text(table: usize, column: usize) -> bool {
    TEXTS.contains(&column) || (column == ID && table == 3) || (column == U && table == 4)
}

impl Shape {
    /// Whether a table is below itself by way of another.
    pub(crate) fn has_cycle_of_tables(&self) -> bool {
        let mut below = [[false; TABLES_MAX]; TABLES_MAX];
        self.keys.iter().filter(|key| key.child != key.parent).for_each(|key| below[key.parent][key.child] = true);
        for way in 0..TABLES_MAX {
            for from in 0..TABLES_MAX {
                for to in 0..TABLES_MAX {
                    below[from][to] |= below[from][way] && below[way][to];
                }
            }
        }
        (0..TABLES_MAX).any(|table| below[table][table])
    }

    pub(crate) fn tables(&self) -> usize {
        self.rows.len()
    }

    /// `t1.f0`, or `t1.(f0, f1)`.
    pub(crate) fn label(key: &Key) -> String {
        let columns: Vec<&str> = key.columns.iter().map(|&column| COLUMNS[column]).collect();
        match columns.as_slice() {
            [one] => format!("t{}.{one}", key.child),
            several => format!("t{}.({})", key.child, several.join(", ")),
        }
    }

    /// The key that has the column.
    pub(crate) fn key_of(&self, table: usize, column: usize) -> Option<&Key> {
        self.keys.iter().find(|key| key.child == table && key.columns.contains(&column))
    }
}

/// What a key is made of: child, parent, whether to `u`, action, nullable, which row its default
/// names.
type RawKey = (usize, usize, bool, Action, bool, u8);
/// Which row of the parent a row refers to by each of its table's keys.
type RawRow = [u8; 6];

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => Just(Action::Cascade),
        2 => Just(Action::SetNull),
        1 => Just(Action::SetDefault),
        2 => Just(Action::NoAction),
        1 => Just(Action::Restrict),
    ]
}

/// The same with key columns of any type that the database has, and now and then with a row that a
/// trigger keeps.
pub(crate) fn typed_shapes(kind: Kind) -> impl Strategy<Value = Shape> {
    let blind = match kind {
        Kind::Sqlite => "TEXT COLLATE NOCASE",
        Kind::Postgres => "citext",
        Kind::MariaDb | Kind::MySql => "VARCHAR(20) COLLATE utf8mb4_general_ci",
    };
    let numbers = prop_oneof![
        4 => Just(Numbers::BigInt),
        1 => Just(Numbers::Int),
        1 => Just(Numbers::Unsigned),
        2 => Just(Numbers::Decimal),
    ];
    let texts = prop_oneof![
        2 => Just(Texts::Varchar),
        1 => Just(Texts::Char),
        2 => Just(Texts::Blind(blind)),
        2 => Just(Texts::Uuid),
    ];
    let can_keep = matches!(kind, Kind::Sqlite | Kind::Postgres);
    let kept = (prop::bool::weighted(0.15), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    (shapes(), numbers, texts, kept).prop_map(move |(mut shape, numbers, texts, (is_kept, table, row))| {
        // SQLite's are floating point numbers, as SeaORM makes them, and are refused.
        let can_be = kind != Kind::Sqlite || numbers != Numbers::Decimal;
        (shape.numbers, shape.texts) = (if can_be { numbers } else { Numbers::Int }, texts);
        for key in shape.keys.iter_mut().filter(|key| key.action == Action::SetDefault) {
            // Bytes are no default there.
            if texts == Texts::Uuid && is_text(key.child, key.columns[0]) && key.nullable {
                key.defaults = vec![None; key.columns.len()];
            }
        }
        // SQLite does not see that a row which is added refers to itself in capital letters.
        let is_to_itself = |key: &Key| key.child == key.parent && is_text(key.child, key.columns[0]);
        if kind == Kind::Sqlite && matches!(texts, Texts::Blind(_)) && shape.keys.iter().any(is_to_itself) {
            shape.texts = Texts::Varchar;
        }
        let has_bytes =
            |key: &Key| key.action == Action::SetDefault && is_text(key.child, key.columns[0]) && !key.nullable;
        if texts == Texts::Uuid && shape.keys.iter().any(has_bytes) {
            shape.texts = Texts::Varchar;
        }
        let table = table.index(shape.rows.len());
        if is_kept && can_keep && !shape.rows[table].is_empty() {
            shape.kept = Some((table, row.index(shape.rows[table].len())));
        }
        shape
    })
}

pub(crate) fn shapes() -> impl Strategy<Value = Shape> {
    let key = (0..TABLES_MAX, 0..TABLES_MAX, prop::bool::weighted(0.2), action(), any::<bool>(), any::<u8>());
    let keys = prop::collection::vec(key, 0..=10);
    let rows = prop::collection::vec(prop::collection::vec(any::<RawRow>(), 0..=7), 1..=TABLES_MAX);
    (keys, rows, 0..TABLES_MAX, prop::collection::vec(any::<bool>(), 8))
        .prop_map(|(keys, rows, root, roots)| shape(&keys, &rows, root, &roots))
}

fn shape(raw_keys: &[RawKey], raw_rows: &[Vec<RawRow>], root: usize, roots: &[bool]) -> Shape {
    let tables = raw_rows.len();
    let mut keys: Vec<Key> = Vec::new();
    for &(child, parent, to_unique, action, nullable, default) in raw_keys {
        let (child, parent) = (child % tables, parent % tables);
        let to = if to_unique { &[U] } else { primary_key(parent) };
        let columns = if is_text(parent, to[0]) { &TEXTS[..] } else { &INTEGERS[..] };
        let used = |column: &usize| keys.iter().any(|key| key.child == child && key.columns.contains(column));
        let free: Vec<usize> = columns.iter().copied().filter(|column| !used(column)).take(to.len()).collect();
        if free.len() < to.len() {
            continue;
        }
        let mut defaults = vec![None; to.len()];
        let nullable = nullable || action == Action::SetNull;
        // A third of the nullable keys have none.
        if action == Action::SetDefault && (!nullable || default % 3 != 0) {
            defaults = values(parent, to, usize::from(default / 3) % 9);
        }
        keys.push(Key { child, columns: free, parent, to: to.to_vec(), action, nullable, defaults });
    }
    let mut rows = vec![Vec::new(); tables];
    for (table, raw) in raw_rows.iter().enumerate() {
        rows[table] = (0..raw.len()).map(|row| own_values(table, row, raw[row][5])).collect();
    }
    drop_without_parents(&keys, &mut rows);
    for (at, key) in keys.iter().enumerate() {
        // All of them, or none (`drop_without_parents`).
        let raw = raw_rows[key.child].iter().take(rows[key.child].len()).enumerate();
        raw.for_each(|(row, raw)| refer(key, &mut rows, row, raw[at % 5]));
    }
    let root = root % tables;
    let roots = (0..rows[root].len()).filter(|&row| roots[row]).collect();
    Shape { keys, rows, root, roots, ..Shape::default() }
}

/// The values by which the n-th row of a table is referred to.
fn values(table: usize, columns: &[usize], row: usize) -> Vec<Value> {
    let number = i64::try_from(row).unwrap_or_default();
    let value = |&column: &usize| match column {
        ID if is_composite(table) => Some(number / 3 + 1),
        PART => Some(number % 3 + 1),
        U => Some(number + 11),
        _ => Some(number + 1),
    };
    columns.iter().map(value).collect()
}

fn own_values(table: usize, row: usize, raw: u8) -> Row {
    let mut own = [None; 9];
    for column in [ID, PART, U] {
        own[column] = values(table, &[column], row)[0];
    }
    if raw.is_multiple_of(8) {
        // Nobody can refer to it by that.
        own[U] = None;
    }
    own
}

/// A row whose NOT NULL key could refer to nothing cannot be.
fn drop_without_parents(keys: &[Key], rows: &mut [Vec<Row>]) {
    loop {
        let orphaned = |key: &&Key| {
            let can_be_referred_to = |row: &Row| key.to.iter().all(|&column| row[column].is_some());
            !key.nullable && !rows[key.child].is_empty() && !rows[key.parent].iter().any(can_be_referred_to)
        };
        let Some(key) = keys.iter().find(orphaned) else { return };
        rows[key.child].clear();
    }
}

fn refer(key: &Key, rows: &mut [Vec<Row>], row: usize, raw: u8) {
    let can_be_referred_to = |row: &&Row| key.to.iter().all(|&column| row[column].is_some());
    let parents: Vec<Row> = rows[key.parent].iter().filter(can_be_referred_to).copied().collect();
    let is_null = key.nullable && (raw.is_multiple_of(4) || parents.is_empty());
    let mut values = vec![None; key.columns.len()];
    if !parents.is_empty() {
        let parent = parents[usize::from(raw / 4) % parents.len()];
        values = key.to.iter().map(|&column| parent[column]).collect();
    }
    if is_null {
        // Of two columns one may be left: that is no reference either.
        let half = usize::from(raw / 64) % 3;
        for (at, value) in values.iter_mut().enumerate() {
            if at != half || key.columns.len() == 1 {
                *value = None;
            }
        }
    }
    for (&column, value) in key.columns.iter().zip(values) {
        rows[key.child][row][column] = value;
    }
}
