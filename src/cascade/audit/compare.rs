//! Compares the declarations with the schema of the database.
//!
//! Pure. For each registered key it checks what a delete relies on: the tables and columns, the
//! constraint and its action, an index that finds children, unique referenced columns, and whether
//! a key can be NULL. Then it searches other constraints onto the registered tables. A missing
//! table or column counts as created by its fix, so that one audit also finds what would be missing
//! after that fix.

use crate::cascade::audit::depth::too_deep;
use crate::cascade::audit::fix::{PlannedFix, Sql, constrained, script};
use crate::cascade::audit::made::{made, made_column, made_keys};
use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::finding::{Finding, Fix, Severity};
use crate::cascade::data::finding_kind::FindingKind;
use crate::cascade::data::key::Key;
use crate::cascade::data::name::key_label;
use crate::cascade::declare::schema::{ForeignKey, KeyId, Schema, Table, TableId};
use crate::cascade::live::data::{IndexDefect, Live, LiveIndex, LiveKey, LiveTable, QualifiedName, TableKind};
use crate::cascade::live::places::Places;

/// What was found in the rows of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowsFound {
    pub(crate) key: KeyId,
    /// The number of orphans, if they were counted, and the primary keys of the first of them.
    pub(crate) orphans: Option<(u64, Vec<Key>)>,
    /// The number of rows in the deepest chain of this key, if it references its own table and the
    /// depth matters.
    pub(crate) levels: Option<u64>,
}

/// Values that are stored in another form than the declared type has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredOtherwise {
    pub(crate) table: TableId,
    pub(crate) column: usize,
    pub(crate) rows: u64,
}

/// A finding before its fix is written.
pub(super) struct Draft {
    pub(super) kind: FindingKind,
    pub(super) severity: Severity,
    /// The registered table that its fix changes.
    pub(super) changes: Option<TableId>,
    pub(super) table: String,
    pub(super) foreign_key: Option<String>,
    pub(super) declared: String,
    pub(super) found: String,
    pub(super) why: String,
    pub(super) fix: PlannedFix,
}

/// Returns all differences.
pub(crate) fn compare(schema: &Schema, live: &Live, rows: &[RowsFound], stored: &[StoredOtherwise]) -> Vec<Finding> {
    let mut with_made = live.clone();
    let mut drafts = Vec::new();
    check_enforcement(schema, live, &mut drafts);
    for table in 0..schema.tables.len() {
        check_table(schema, &mut with_made, table, &mut drafts);
    }
    let comparison = Comparison {
        schema,
        live: &with_made,
        too_deep: too_deep(schema, live.dialect),
        rows,
        sql: Sql::new(schema, &with_made),
        places: Places::of(schema, &with_made),
    };
    for table in 0..schema.tables.len() {
        comparison.check_keepers(table, &mut drafts);
        comparison.check_types(table, &mut drafts);
    }
    drafts.extend(stored.iter().map(|found| comparison.stored_otherwise(found)));
    // First, because a unique index that a fix creates also finds rows.
    for key in 0..schema.keys.len() {
        comparison.check_referenced(key, &mut drafts);
    }
    for key in 0..schema.keys.len() {
        comparison.check_key(key, &mut drafts);
    }
    comparison.check_undeclared(&mut drafts);
    comparison.check_records(&mut drafts);
    finished(&with_made, schema, drafts)
}

fn check_enforcement(schema: &Schema, live: &Live, drafts: &mut Vec<Draft>) {
    if live.enforces {
        return;
    }
    let setting = match live.dialect {
        Dialect::Sqlite => "PRAGMA foreign_keys is OFF",
        Dialect::Postgres => "session_replication_role is replica",
        Dialect::MySql => "foreign_key_checks is 0",
    };
    drafts.push(Draft {
        kind: FindingKind::EnforcementOff,
        severity: Severity::Error,
        changes: None,
        table: String::new(),
        foreign_key: None,
        declared: "enforced foreign keys".to_owned(),
        found: setting.to_owned(),
        why: "rows written on this connection can reference rows that do not exist".to_owned(),
        fix: Sql::new(schema, live).enforcement(),
    });
}

/// Checks whether a table and its columns exist. Missing ones are added to `live`.
fn check_table(schema: &Schema, live: &mut Live, id: TableId, drafts: &mut Vec<Draft>) {
    let table = &schema.tables[id];
    let draft = |kind, declared, found: &str, why: &str, fix| Draft {
        kind,
        severity: Severity::Error,
        changes: Some(id),
        table: table.label.clone(),
        foreign_key: None,
        declared,
        found: found.to_owned(),
        why: why.to_owned(),
        fix,
    };
    let Some(found) = live.find(&table.name).map(|found| found.place.clone()) else {
        let why = "every delete that reads it fails; if a program of yours creates it, run that instead";
        let fix = Sql::new(schema, live).table(table);
        drafts.push(draft(FindingKind::TableMissing, format!("table {}", table.label), "no such table", why, fix));
        let Some(made) = made(live, table) else { return };
        if live.dialect == Dialect::Sqlite {
            live.keys.extend(made_keys(schema, live, id));
        }
        live.tables.push(made);
        return;
    };
    let Some(at) = live.tables.iter().position(|table| table.place == found) else { return };
    for column in &table.columns {
        let name = column.name.to_string();
        if live.tables[at].column(live, &name).is_some() {
            continue;
        }
        let fix = Sql::new(schema, live).column(table, &name);
        let (kind, why) = (FindingKind::ColumnMissing { column: name.clone() }, "every read of the entity fails");
        drafts.push(draft(kind, format!("column {}.{name}", table.label), "no such column", why, fix));
        let made = made_column(live, name, Some(column), live.tables[at].collation.as_ref());
        live.tables[at].columns.push(made);
    }
}

pub(super) struct Comparison<'a> {
    pub(super) schema: &'a Schema,
    pub(super) live: &'a Live,
    /// The keys at which the chain of the database's own cascades is too long, with its length.
    too_deep: Vec<(KeyId, u64)>,
    rows: &'a [RowsFound],
    pub(super) sql: Sql<'a>,
    places: Places<'a>,
}

impl Comparison<'_> {
    fn check_key(&self, id: KeyId, drafts: &mut Vec<Draft>) {
        let key = &self.schema.keys[id];
        let (child, parent) = (&self.schema.tables[key.child], &self.schema.tables[key.parent]);
        let (Some(live_child), Some(live_parent)) = (self.live.find(&child.name), self.live.find(&parent.name)) else {
            return;
        };
        if live_child.kind == TableKind::View || live_parent.kind == TableKind::View {
            self.check_orphans(id, drafts);
            return;
        }
        let live_keys: Vec<&LiveKey> = self.live.keys.iter().filter(|live| self.answers(key, live)).collect();
        self.check_nullability(id, live_child, drafts);
        self.check_ends(id, live_child, live_parent, drafts);
        self.check_generated(id, live_child, drafts);
        self.check_writers(id, &live_keys, drafts);
        self.check_index(id, live_child, drafts);
        self.check_orphans(id, drafts);
        self.check_constraints(id, &live_keys, drafts);
        self.check_depth(id, &live_keys, drafts);
    }

    pub(super) fn draft(&self, id: KeyId, kind: FindingKind, severity: Severity) -> Draft {
        let key = &self.schema.keys[id];
        let (child, parent) = (&self.schema.tables[key.child].label, &self.schema.tables[key.parent].label);
        Draft {
            kind,
            severity,
            changes: Some(key.child),
            table: child.clone(),
            foreign_key: Some(key.label.clone()),
            declared: format!("{} references {parent}, ON DELETE {}", key.label, key.action),
            found: String::new(),
            why: String::new(),
            fix: PlannedFix::ByHand(String::new()),
        }
    }

    fn at(&self, place: &QualifiedName) -> Option<&Table> {
        Some(&self.schema.tables[self.places.at(place)?])
    }

    fn answers(&self, key: &ForeignKey, live: &LiveKey) -> bool {
        self.places.answers(key, live)
    }

    fn check_nullability(&self, id: KeyId, live: &LiveTable, drafts: &mut Vec<Draft>) {
        let key = &self.schema.keys[id];
        let table = &self.schema.tables[key.child];
        for &at in &key.child_columns {
            let column = &table.columns[at];
            let name = column.name.to_string();
            let Some(found) = live.column(self.live, &name).filter(|found| found.nullable != column.nullable) else {
                continue;
            };
            let kind = FindingKind::NullabilityDiffers { column: name.clone(), declared_nullable: column.nullable };
            let is_told = |draft: &Draft| draft.table == table.label && draft.kind == kind;
            if drafts.iter().any(is_told) {
                // Two keys share the column.
                continue;
            }
            let sets_null = key.action == Action::SetNull;
            let (severity, why) = match column.nullable {
                true if sets_null => {
                    (Severity::Error, format!("a delete of {} fails where it sets {name} to NULL", self.parent(key)))
                }
                true => (Severity::Warning, format!("a row of {} without a reference cannot be inserted", table.label)),
                false => (
                    Severity::Warning,
                    format!(
                        "no delete finds a row with NULL, and reading it as {} fails; remove such rows first",
                        table.label
                    ),
                ),
            };
            let words =
                |nullable| format!("{}.{name} {}", table.label, if nullable { "can be NULL" } else { "is NOT NULL" });
            drafts.push(Draft {
                declared: words(column.nullable),
                found: words(found.nullable),
                why,
                fix: self.sql.nullability(table, found, column.nullable),
                ..self.draft(id, kind, severity)
            });
        }
    }

    pub(super) fn parent(&self, key: &ForeignKey) -> &str {
        &self.schema.tables[key.parent].label
    }

    /// R9: a key may reference any unique columns. A constraint needs a unique index over exactly
    /// these columns. If the constraint exists, the database has found its index; only SQLite does
    /// not check that before it checks a row.
    fn check_referenced(&self, id: KeyId, drafts: &mut Vec<Draft>) {
        let key = &self.schema.keys[id];
        let parent = &self.schema.tables[key.parent];
        let Some(live) = self.live.find(&parent.name).filter(|live| live.kind != TableKind::View) else { return };
        let columns = parent.names(&key.parent_columns);
        let tells_apart = live.indexes.iter().any(|index| index.tells_apart(self.live, &columns));
        let can_be_referenced = live.indexes.iter().any(|index| index.can_be_referenced(self.live, &columns));
        let is_constrained = self.live.keys.iter().any(|live| self.answers(key, live));
        let is_wanted = key.constraint.is_some() && (self.live.dialect == Dialect::Sqlite || !is_constrained);
        if tells_apart && (can_be_referenced || !is_wanted) {
            return;
        }
        let kind = FindingKind::ReferencedKeyNotUnique { parent: parent.label.clone(), columns: columns.clone() };
        if drafts.iter().any(|draft| draft.kind == kind) {
            return;
        }
        let named = columns.join(", ");
        drafts.push(Draft {
            changes: Some(key.parent),
            declared: format!("{} references one row of {} by {named}", key.label, parent.label),
            found: format!("no unique index over {}.({named})", parent.label),
            why: self.why_unique(self.parent(key), &named, tells_apart, is_constrained),
            fix: self.sql.unique_index(parent, &columns),
            ..self.draft(id, kind, Severity::Error)
        });
    }

    fn why_unique(&self, parent: &str, named: &str, tells_apart: bool, is_constrained: bool) -> String {
        if self.live.dialect == Dialect::Sqlite && is_constrained {
            // SQLite answers "foreign key mismatch" to every statement that must check the
            // constraint.
            return format!(
                "every delete of {parent} fails, because the constraint needs a unique index over exactly {named}"
            );
        }
        if tells_apart {
            return format!("a constraint onto {parent}.({named}) needs a unique index over exactly these columns");
        }
        format!(
            "several rows of {parent} may have the same {named}, and deleting one of them deletes the children of all; if \
             this relation is no foreign key, leave it out with `GraphBuilder::without` and make no index; if it is one, \
             make the values unique first"
        )
    }

    fn check_index(&self, id: KeyId, live: &LiveTable, drafts: &mut Vec<Draft>) {
        let key = &self.schema.keys[id];
        let table = &self.schema.tables[key.child];
        let columns = table.names(&key.child_columns);
        let is_made = |draft: &Draft| {
            let FindingKind::ReferencedKeyNotUnique { parent, columns: made } = &draft.kind else { return false };
            *parent == table.label && self.live.same_columns(made, &columns)
        };
        if live.indexes.iter().any(|index| index.finds(self.live, &columns)) || drafts.iter().any(is_made) {
            return;
        }
        let is_told = |draft: &Draft| {
            let FindingKind::IndexMissing { columns: told, .. } = &draft.kind else { return false };
            draft.table == table.label && self.live.same_columns(told, &columns)
        };
        if drafts.iter().any(is_told) {
            return;
        }
        let unusable: Vec<&LiveIndex> =
            live.indexes.iter().filter(|index| index.leads_with(self.live, &columns)).collect();
        let names: Vec<String> = unusable.iter().map(|index| index.name.clone()).collect();
        let useless = unusable.iter().map(|index| {
            let because = match index.defect {
                Some(IndexDefect::Partial) => "is partial",
                Some(IndexDefect::Invalid) => "is invalid",
                Some(IndexDefect::Ignored) => "is switched off",
                Some(IndexDefect::Kind) | None => "cannot look up these values",
            };
            format!("index {} {because}", index.name)
        });
        let found = match unusable.as_slice() {
            [] => "no index begins with it".to_owned(),
            _ => useless.collect::<Vec<_>>().join(", "),
        };
        drafts.push(Draft {
            declared: format!("{} references {}", key.label, self.parent(key)),
            found,
            why: format!(
                "each delete of {} reads all of {} to find the rows that reference it",
                self.parent(key),
                table.label
            ),
            fix: self.sql.index(table, &columns, &unusable),
            ..self.draft(id, FindingKind::IndexMissing { columns, unusable: names }, Severity::Warning)
        });
    }

    fn check_orphans(&self, id: KeyId, drafts: &mut Vec<Draft>) {
        let Some((orphans @ 1.., sample_keys)) =
            self.rows.iter().find(|rows| rows.key == id).and_then(|rows| rows.orphans.as_ref())
        else {
            return;
        };
        let key = &self.schema.keys[id];
        let keys: Vec<String> = sample_keys.iter().map(ToString::to_string).collect();
        let more = if (sample_keys.len() as u64) < *orphans { ", .." } else { "" };
        let kind = FindingKind::Orphans { rows: *orphans, sample_keys: sample_keys.clone() };
        drafts.push(Draft {
            found: format!(
                "{orphans} row{} of {} reference no row, keys {}{more}",
                if *orphans == 1 { "" } else { "s" },
                self.schema.tables[key.child].label,
                keys.join(", ")
            ),
            why: format!("no delete finds them, and a join with {} loses them", self.parent(key)),
            fix: self.sql.orphans(key),
            ..self.draft(id, kind, Severity::Error)
        });
    }

    fn check_constraints(&self, id: KeyId, live_keys: &[&LiveKey], drafts: &mut Vec<Draft>) {
        let key = &self.schema.keys[id];
        if live_keys.is_empty() {
            if let Some(constraint) = &key.constraint {
                drafts.push(Draft {
                    found: "no such constraint".to_owned(),
                    why: format!(
                        "other programs can create rows of {} that reference a row that does not exist",
                        self.schema.tables[key.child].label
                    ),
                    fix: match self.in_the_way(id) {
                        Some(reason) => PlannedFix::ByHand(reason),
                        None => self.sql.add_constraint(key, constraint),
                    },
                    ..self.draft(id, FindingKind::ConstraintMissing, Severity::Warning)
                });
            }
            return;
        }
        let right = live_keys.iter().find(|live| self.is_alike(id, live));
        for &live in live_keys {
            let draft = |kind, severity| self.draft(id, kind, severity);
            let constraint = live.name.clone();
            if !self.is_alike(id, live) {
                let fix = match (right, self.in_the_way(id)) {
                    (Some(_), _) => self.sql.drop_constraint(key, live),
                    (None, Some(reason)) => PlannedFix::ByHand(reason),
                    (None, None) => self.sql.replace_constraint(key, live, key.action),
                };
                drafts.push(Draft { fix, ..self.action_differs(id, live) });
            } else if !live.is_enforced {
                drafts.push(Draft {
                    found: format!("constraint {constraint} is switched off"),
                    why: "the constraint is not enforced".to_owned(),
                    fix: self.sql.replace_constraint(key, live, key.action),
                    ..draft(FindingKind::ConstraintOff { constraint }, Severity::Error)
                });
            } else if !live.is_validated {
                drafts.push(Draft {
                    found: format!("constraint {constraint} is NOT VALID"),
                    why: "rows that are older than the constraint may be orphans".to_owned(),
                    fix: self.sql.validate(key, live),
                    ..draft(FindingKind::ConstraintNotValidated { constraint }, Severity::Warning)
                });
            }
        }
    }

    fn action_differs(&self, id: KeyId, live: &LiveKey) -> Draft {
        let key = &self.schema.keys[id];
        let (child, parent) = (&self.schema.tables[key.child].label, self.parent(key));
        let does = |action: Action| match action {
            Action::Cascade => format!("deletes its rows of {child}"),
            Action::SetNull => format!("sets {} to NULL", key.label),
            Action::SetDefault => format!("sets {} to its default", key.label),
            Action::NoAction => "refuses that if rows still reference it at the end".to_owned(),
            Action::Restrict => "refuses that at once while rows reference it".to_owned(),
        };
        let takes = matches!(live.on_delete, Action::Cascade | Action::SetNull | Action::SetDefault);
        let kind = FindingKind::ActionDiffers {
            declared_action: key.action,
            found_action: live.on_delete,
            constraint: live.name.clone(),
        };
        Draft {
            found: format!(
                "ON DELETE {}{}{}",
                live.on_delete,
                if live.sets_some { " of some columns" } else { "" },
                if live.name.is_empty() { String::new() } else { format!(" (constraint {})", live.name) }
            ),
            why: format!(
                "if a row of {parent} is deleted without this crate, the database {}, but the rule {}",
                does(live.on_delete),
                does(key.action)
            ),
            ..self.draft(id, kind, if takes { Severity::Error } else { Severity::Warning })
        }
    }

    /// Whether a constraint does what is declared. InnoDB treats NO ACTION and RESTRICT alike.
    /// Where the database's own cascade is too deep, a constraint that refuses is right
    /// (`check_depth`).
    fn is_alike(&self, id: KeyId, live: &LiveKey) -> bool {
        let (dialect, found) = (self.live.dialect, live.on_delete);
        let declared = constrained(dialect, self.schema.keys[id].action);
        let refuses = |action| match dialect {
            Dialect::MySql => matches!(action, Action::NoAction | Action::Restrict),
            Dialect::Sqlite | Dialect::Postgres => action == Action::NoAction,
        };
        let both_refuse = refuses(found) && (refuses(declared) || self.depth(id).is_some());
        (declared == found && !live.sets_some) || both_refuse
    }

    /// Returns the number of levels of a key, if the database's own cascade comes to its limit
    /// there. The constraint may then refuse instead.
    fn depth(&self, id: KeyId) -> Option<u64> {
        let levels_max = self.live.dialect.cascade_levels_max()?;
        let by_tables = self.too_deep.iter().find(|(key, _)| *key == id).map(|(_, levels)| *levels);
        let by_rows = || self.rows.iter().find(|rows| rows.key == id)?.levels.filter(|&levels| levels > levels_max / 2);
        by_tables.or_else(by_rows).filter(|_| self.schema.keys[id].action == Action::Cascade)
    }

    fn check_depth(&self, id: KeyId, live_keys: &[&LiveKey], drafts: &mut Vec<Draft>) {
        let (Some(levels), Some(levels_max)) = (self.depth(id), self.live.dialect.cascade_levels_max()) else { return };
        let key = &self.schema.keys[id];
        let Some(live) = live_keys.iter().find(|live| live.on_delete == Action::Cascade) else { return };
        drafts.push(Draft {
            found: match levels.checked_sub(levels_max) {
                None | Some(0) => format!("{levels} levels; the database's own cascade ends at {levels_max}"),
                Some(_) => format!("more than the {levels_max} levels of the database's own cascade"),
            },
            why: format!(
                "deleting a row of {} without this crate fails beyond that depth; declare NO ACTION in the database and let \
                 this crate do the cascade",
                self.parent(key)
            ),
            fix: self.sql.replace_constraint(key, live, Action::NoAction),
            ..self.draft(id, FindingKind::CascadeTooDeep { levels, levels_max }, Severity::Warning)
        });
    }

    /// Finds constraints onto registered tables that the graph does not know.
    fn check_undeclared(&self, drafts: &mut Vec<Draft>) {
        for live in &self.live.keys {
            let whole = || live.parent_is_of.iter().find_map(|whole| self.at(whole));
            let Some(parent) = self.at(&live.parent).or_else(whole) else { continue };
            let left = &self.schema.left_to_database;
            let is_left = left.iter().any(|name| self.live.same_place(&self.live.place(name), &live.child));
            if is_left || self.schema.keys.iter().any(|key| self.answers(key, live)) {
                continue;
            }
            let of_whole = |&key: &KeyId| self.places.answers_in_part(&self.schema.keys[key], live);
            match (0..self.schema.keys.len()).find(of_whole) {
                Some(key) if self.is_alike(key, live) => {}
                Some(key) => {
                    let fix = PlannedFix::ByHand(format!(
                        "make constraint {} of {}, a part of the table, ON DELETE {}",
                        live.name,
                        live.child.table,
                        constrained(self.live.dialect, self.schema.keys[key].action)
                    ));
                    drafts.push(Draft { fix, ..self.action_differs(key, live) });
                }
                None => drafts.push(self.undeclared(live, parent)),
            }
        }
    }

    fn undeclared(&self, live: &LiveKey, parent: &Table) -> Draft {
        let registered = self.at(&live.child);
        let table = match registered {
            Some(table) => table.label.clone(),
            None if live.child.schema == self.live.current_schema => live.child.table.clone(),
            None => format!("{}.{}", live.child.schema, live.child.table),
        };
        let verb = match live.on_delete {
            Action::Cascade => Some("deletes"),
            Action::SetNull | Action::SetDefault => Some("changes"),
            Action::NoAction | Action::Restrict => None,
        };
        let of = &parent.label;
        let part = match self.at(&live.parent) {
            Some(_) => String::new(),
            None => format!(" (its part {})", live.parent.table),
        };
        let why = match verb {
            Some(verb) => {
                format!("a delete of {of} {verb} rows of {table} that no preview shows and no outcome counts")
            }
            None => format!("a delete of {of} fails where rows of {table} reference it, and no preview shows them"),
        };
        let foreign_key = key_label(&table, &live.child_columns);
        let fix = match registered {
            // A key references a whole table.
            _ if !part.is_empty() => format!(
                "let the constraint reference {of} itself and declare it, drop it, name its table with \
                 `leave_to_database`, or accept the finding with `Audit::accept`"
            ),
            Some(_) => {
                format!("declare a belongs_to from {foreign_key} to {of}, with its `on_delete`")
            }
            None => format!(
                "register the entity of {table} with `GraphBuilder::entity`, name it with `leave_to_database`, or accept \
                 the finding with `Audit::accept`"
            ),
        };
        Draft {
            kind: FindingKind::UndeclaredReference {
                constraint: live.name.clone(),
                parent: parent.label.clone(),
                action: live.on_delete,
            },
            severity: if verb.is_some() { Severity::Error } else { Severity::Warning },
            changes: None,
            foreign_key: Some(foreign_key),
            table,
            declared: "nothing".to_owned(),
            found: format!("a constraint onto {of}{part}, ON DELETE {}", live.on_delete),
            why,
            fix: PlannedFix::Declaration(fix),
        }
    }
}

/// Returns the findings with their fixes. On SQLite one script has all fixes of a table.
fn finished(live: &Live, schema: &Schema, drafts: Vec<Draft>) -> Vec<Finding> {
    let anew = |table: Option<TableId>| {
        let fixes: Vec<&PlannedFix> =
            drafts.iter().filter(|draft| draft.changes == table).map(|draft| &draft.fix).collect();
        let definition = live.find(&schema.tables[table?].name)?.definition.as_ref()?;
        fixes.iter().any(|fix| matches!(fix, PlannedFix::Rebuild(_))).then(|| script(definition, &fixes))?
    };
    let fixes: Vec<Fix> = drafts.iter().map(|draft| draft.fix.fix(|| anew(draft.changes))).collect();
    let finding = |(draft, fix): (Draft, Fix)| {
        let Draft { kind, severity, changes: _, table, foreign_key, declared, found, why, fix: _ } = draft;
        Finding { kind, severity, table, foreign_key, declared, found, why, fix }
    };
    drafts.into_iter().zip(fixes).map(finding).collect()
}
