//! What can keep a doomed row or change other rows: triggers, rules, row security, storage engines
//! without transactions, views, generated columns, and other servers that write.
//!
//! Pure. None of these is wrong in itself. A person must know it, and accepts it with
//! `Audit::accept`.

use crate::cascade::audit::compare::{Comparison, Draft};
use crate::cascade::audit::fix::PlannedFix;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::finding::Severity;
use crate::cascade::data::finding_kind::FindingKind;
use crate::cascade::declare::schema::{KeyId, Table, TableId};
use crate::cascade::live::data::{Keepers, LiveColumn, LiveKey, LiveTable, LiveTrigger, TableKind};

/// Storage engines whose tables InnoDB can take over unchanged.
const TAKEN_OVER: [&str; 5] = ["MyISAM", "Aria", "MEMORY", "ARCHIVE", "CSV"];

impl Comparison<'_> {
    pub(super) fn check_keepers(&self, id: TableId, drafts: &mut Vec<Draft>) {
        let table = &self.schema.tables[id];
        let Some(live) = self.live.find(&table.name) else { return };
        let Keepers { triggers, rules, policies, engine } = &live.keepers;
        drafts.extend(engine.as_deref().map(|engine| self.engine(id, live, engine)));
        drafts.extend((live.kind == TableKind::View).then(|| Self::view(id, table)));
        drafts.extend(policies.as_deref().map(|policies| Self::row_security(id, table, policies)));
        drafts.extend((!rules.is_empty()).then(|| Self::rules(id, table, rules)));
        let is_run = |trigger: &&LiveTrigger| trigger.on_delete || self.is_changed(id);
        let triggers: Vec<&LiveTrigger> = triggers.iter().filter(is_run).collect();
        drafts.extend((!triggers.is_empty()).then(|| Self::triggers(id, table, &triggers)));
    }

    /// Whether a delete may change rows of the table: by SET NULL or SET DEFAULT, or to break a
    /// ring.
    fn is_changed(&self, table: TableId) -> bool {
        let mut keys = self.schema.keys.iter().filter(|key| key.child == table);
        keys.any(|key| key.action.changes_key() || !key.cycle_break_columns(self.schema).is_empty())
    }

    fn about(id: TableId, table: &Table, kind: FindingKind, severity: Severity) -> Draft {
        Draft {
            kind,
            severity,
            changes: Some(id),
            table: table.label.clone(),
            foreign_key: None,
            declared: format!("table {}", table.label),
            found: String::new(),
            why: String::new(),
            fix: PlannedFix::ByHand(String::new()),
        }
    }

    fn engine(&self, id: TableId, live: &LiveTable, engine: &str) -> Draft {
        let table = &self.schema.tables[id];
        let is_taken_over = TAKEN_OVER.iter().any(|known| known.eq_ignore_ascii_case(engine));
        Draft {
            found: format!("storage engine {engine}"),
            why: "a failed delete could not be rolled back there, and its constraints are not \
                 checked"
                .to_owned(),
            fix: if is_taken_over && live.kind == TableKind::Plain {
                PlannedFix::Statements(vec![self.sql.engine(table)])
            } else {
                PlannedFix::ByHand(format!(
                    "move the rows into a table of InnoDB by hand: the catalogs do not say what ALTER TABLE needs for a \
                     table of {engine}{}",
                    if live.kind == TableKind::Plain { "" } else { " in partitions" }
                ))
            },
            ..Self::about(id, table, FindingKind::NoTransactions { engine: engine.to_owned() }, Severity::Error)
        }
    }

    fn view(id: TableId, table: &Table) -> Draft {
        Draft {
            found: format!("{} is a view or a foreign table", table.label),
            why: "not every view can lock or delete rows, and changes to the tables below it are not counted"
                .to_owned(),
            fix: PlannedFix::ByHand(
                "register the entity of the table below it; or accept the finding with `Audit::accept`, if \
                 deleting a row of the view deletes exactly that row"
                    .to_owned(),
            ),
            ..Self::about(id, table, FindingKind::RegisteredView, Severity::Warning)
        }
    }

    fn row_security(id: TableId, table: &Table, policies: &[String]) -> Draft {
        let found = match policies {
            [] => "row security without a policy, so no row is visible".to_owned(),
            some => format!("row security for this connection, by {}", some.join(", ")),
        };
        Draft {
            found,
            why: format!(
                "rows of {} that a policy hides are neither found nor counted, but the database's own constraints \
                 still delete and change them; rows that a policy for UPDATE hides cannot be locked",
                table.label
            ),
            fix: PlannedFix::ByHand(
                "let a role with BYPASSRLS, or the owner of the table, make deletes; or set the finding aside with \
                 `Audit::accept`, if the policies for SELECT, UPDATE and DELETE let the same rows through, and no row below \
                 one of these is hidden"
                    .to_owned(),
            ),
            ..Self::about(id, table, FindingKind::RowSecurity { policies: policies.to_vec() }, Severity::Error)
        }
    }

    fn rules(id: TableId, table: &Table, rules: &[String]) -> Draft {
        Draft {
            found: format!("rules for DELETE or UPDATE: {}", rules.join(", ")),
            why: format!("the rule replaces or extends a delete of {}", table.label),
            fix: PlannedFix::ByHand(
                "replace the rule by a trigger or a view; or accept the finding with \
                 `Audit::accept`, if the rule runs in addition to the delete and not instead of it"
                    .to_owned(),
            ),
            ..Self::about(id, table, FindingKind::Rules { rules: rules.to_vec() }, Severity::Error)
        }
    }

    fn triggers(id: TableId, table: &Table, triggers: &[&LiveTrigger]) -> Draft {
        let named = triggers.iter().map(|trigger| format!("{} ({})", trigger.name, trigger.event));
        let kind = FindingKind::Triggers { triggers: triggers.iter().map(|trigger| trigger.name.clone()).collect() };
        Draft {
            found: format!("triggers {}", named.collect::<Vec<_>>().join(", ")),
            why: "the crate does not know what they do: no preview and no outcome counts the rows that they change or \
                  delete, and if they keep a doomed row, the delete fails with an error"
                .to_owned(),
            fix: PlannedFix::ByHand(
                "read them; accept the finding with `Audit::accept`, if they keep no row and their changes need not \
                 be counted"
                    .to_owned(),
            ),
            ..Self::about(id, table, kind, Severity::Warning)
        }
    }

    /// A generated column cannot be set: MySQL and MariaDB ignore the value, the others refuse the
    /// statement.
    pub(super) fn check_generated(&self, id: KeyId, live: &LiveTable, drafts: &mut Vec<Draft>) {
        let key = &self.schema.keys[id];
        let table = &self.schema.tables[key.child];
        if !key.action.changes_key() {
            return;
        }
        for name in table.names(&key.child_columns) {
            if !live.column(self.live, &name).is_some_and(LiveColumn::is_generated) {
                continue;
            }
            drafts.push(Draft {
                found: format!("{}.{name} is a generated column", table.label),
                why: match self.live.dialect {
                    Dialect::MySql => {
                        format!("the database ignores {} on it: rows would still reference a deleted row", key.action)
                    }
                    Dialect::Sqlite | Dialect::Postgres => {
                        format!("a delete of {} fails where it sets {name}", self.parent(key))
                    }
                },
                fix: PlannedFix::ByHand(format!(
                    "make {name} an ordinary column, or declare NO ACTION, RESTRICT or CASCADE: {} cannot change a \
                     generated column",
                    key.action
                )),
                ..self.draft(id, FindingKind::GeneratedColumn { column: name }, Severity::Error)
            });
        }
    }

    /// If several servers accept writes, one does not know the locks of another before the commit.
    /// A constraint is checked on each of them.
    pub(super) fn check_writers(&self, id: KeyId, live_keys: &[&LiveKey], drafts: &mut Vec<Draft>) {
        let Some(cluster) = self.live.several_writers.as_deref().filter(|_| live_keys.is_empty()) else { return };
        let key = &self.schema.keys[id];
        drafts.push(Draft {
            found: format!("no constraint, and {cluster}"),
            why: format!(
                "another server can add a row of {} that references a row of {} during its delete: locks do not reach other servers",
                self.schema.tables[key.child].label,
                self.parent(key)
            ),
            fix: PlannedFix::ByHand(
                "add a constraint, or send all writes of these tables to one server and accept the finding \
                 with `Audit::accept`"
                    .to_owned(),
            ),
            ..self.draft(id, FindingKind::SeveralWriters, Severity::Warning)
        });
    }

    /// Whether a key without SET NULL or SET DEFAULT can be a generated column: MySQL refuses some.
    fn takes_computed(&self) -> bool {
        self.live.dialect != Dialect::MySql || self.live.server.contains("MariaDB")
    }

    /// Returns why no constraint can be created or replaced for a key in this schema, if no
    /// statement for it alone would change that.
    pub(super) fn in_the_way(&self, id: KeyId) -> Option<String> {
        let key = &self.schema.keys[id];
        let ends = [key.child, key.parent].map(|table| &self.schema.tables[table]);
        let [Some(child), Some(parent)] = ends.map(|table| self.live.find(&table.name)) else { return None };
        if self.live.dialect == Dialect::MySql {
            for (table, live) in ends.into_iter().zip([child, parent]) {
                let label = &table.label;
                if live.kind == TableKind::Partitioned {
                    return Some(format!(
                        "{label} is in partitions, and a table in partitions has no foreign keys there: take the \
                         partitions away, or declare the key with `skip_fk`"
                    ));
                }
                let engine = live.keepers.engine.as_deref();
                let is_taken_over = |engine: &&str| TAKEN_OVER.iter().any(|known| known.eq_ignore_ascii_case(engine));
                if engine.is_some_and(|engine| !is_taken_over(&engine)) {
                    return Some(format!("first move the rows of {label} into a table of InnoDB"));
                }
            }
        }
        let names = ends[0].names(&key.child_columns);
        if self.sql.is_too_long(ends[0], &names) {
            return Some(format!(
                "first make {} shorter: it is too long for the index that a constraint wants",
                key.label
            ));
        }
        let generated = names.iter().find(|name| child.column(self.live, name).is_some_and(LiveColumn::is_generated));
        match generated {
            Some(name) if key.action.changes_key() || !self.takes_computed() => {
                return Some(format!("first make {}.{name} an ordinary column", ends[0].label));
            }
            _ => {}
        }
        self.unjoinable(id, child, parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cascade::audit::compare::compare;
    use crate::cascade::declare::graph::Graph;
    use crate::cascade::live::data::Live;

    mod node {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "nodes")]
        pub(super) struct Model {
            #[sea_orm(primary_key)]
            pub(super) id: i64,
            pub(super) up: Option<i64>,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub(super) enum Relation {
            #[sea_orm(belongs_to = "Entity", from = "Column::Up", to = "Column::Id", on_delete = "SetNull")]
            Up,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    /// A unit test, because the tests run on no cluster.
    #[test]
    fn several_servers_write() {
        let graph = Graph::builder().entity(node::Entity).build().unwrap();
        let live = |several_writers: Option<&str>| Live {
            dialect: Dialect::MySql,
            server: "11.8-MariaDB".to_owned(),
            current_schema: "shop".to_owned(),
            folds_tables: false,
            enforces: true,
            collation: None,
            several_writers: several_writers.map(ToOwned::to_owned),
            tables: Vec::new(),
            keys: Vec::new(),
        };
        let found = |live: &Live| {
            let findings = compare(graph.schema(), live, &[], &[]);
            findings.into_iter().find(|finding| finding.kind == FindingKind::SeveralWriters)
        };
        assert_eq!(found(&live(None)), None);
        let finding = found(&live(Some("a Galera cluster of 3 servers"))).unwrap();
        assert_eq!(finding.foreign_key.as_deref(), Some("nodes.up"));
        assert_eq!(finding.found, "no constraint, and a Galera cluster of 3 servers");
    }
}
