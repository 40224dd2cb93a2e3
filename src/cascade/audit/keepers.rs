//! What can keep a row that is to go, or change others with it: triggers, rules, row security, a
//! storage engine without transactions, views, computed columns, and other servers that write.
//!
//! Pure. None of it is wrong in itself: a person has to know it, and sets it aside with
//! `Audit::accept`.

use crate::cascade::audit::compare::{Comparison, Draft};
use crate::cascade::audit::fix::PlannedFix;
use crate::cascade::audit::live::{Keepers, LiveKey, LiveTable, LiveTrigger, TableKind};
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::finding::{FindingKind, Severity};
use crate::cascade::declare::schema::{KeyId, Table, TableId};

/// Storage engines whose tables InnoDB takes over as they are.
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

    /// Whether a delete may change rows of the table: by SET NULL or SET DEFAULT, or to open a
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
            why:
                "nothing that is done to its rows can be undone: a delete that fails later leaves them deleted, and a \
                  constraint of it is not checked"
                    .to_owned(),
            fix: if is_taken_over && live.kind == TableKind::Plain {
                PlannedFix::Statements(vec![self.sql.engine(table)])
            } else {
                PlannedFix::ByHand(format!(
                    "move the rows into a table of InnoDB: what ALTER TABLE would have to know of one of {engine}{} the \
                     catalogs do not say",
                    if live.kind == TableKind::Plain { "" } else { " in partitions" }
                ))
            },
            ..Self::about(id, table, FindingKind::NoTransactions { engine: engine.to_owned() }, Severity::Error)
        }
    }

    fn view(id: TableId, table: &Table) -> Draft {
        Draft {
            found: format!("{} is a view, or a table of another server", table.label),
            why: "rows cannot be locked or deleted through every view, and what deleting one does to the tables beneath is \
                  not counted"
                .to_owned(),
            fix: PlannedFix::ByHand(
                "register the entity of the table beneath instead; or set the finding aside with `Audit::accept`, if \
                 deleting a row of the view deletes just that row"
                    .to_owned(),
            ),
            ..Self::about(id, table, FindingKind::RegisteredView, Severity::Warning)
        }
    }

    fn row_security(id: TableId, table: &Table, policies: &[String]) -> Draft {
        let found = match policies {
            [] => "row security without a policy, which lets no row through".to_owned(),
            some => format!("row security for this connection, by {}", some.join(", ")),
        };
        Draft {
            found,
            why: format!(
                "rows of {} that a policy hides are neither found nor counted, while the database's own constraints \
                 delete and change them all the same; and what a policy for UPDATE hides cannot be locked",
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
            why: format!("a delete of {} does what the rule says, which may be nothing, or more", table.label),
            fix: PlannedFix::ByHand(
                "say it with a trigger or a view of its own and drop the rule; or set the finding aside with \
                 `Audit::accept`, if it does something beside the delete and not instead of it"
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
            why: "what they do is not known here: rows that they change or delete are in no preview and no outcome, and \
                  where they keep a row that is to go, the delete fails with an error"
                .to_owned(),
            fix: PlannedFix::ByHand(
                "read them; set the finding aside with `Audit::accept`, if they keep no row, and what they change need not \
                 be counted"
                    .to_owned(),
            ),
            ..Self::about(id, table, kind, Severity::Warning)
        }
    }

    /// A computed column takes no value: MySQL and MariaDB pass over it, the others refuse the
    /// statement.
    pub(super) fn check_generated(&self, id: KeyId, live: &LiveTable, drafts: &mut Vec<Draft>) {
        let key = &self.schema.keys[id];
        let table = &self.schema.tables[key.child];
        if !key.action.changes_key() {
            return;
        }
        for name in table.names(&key.child_columns) {
            if !live.column(self.live, &name).is_some_and(|column| column.is_generated) {
                continue;
            }
            drafts.push(Draft {
                found: format!("{}.{name} is computed from other columns", table.label),
                why: match self.live.dialect {
                    Dialect::MySql => format!(
                        "the database passes over {} of it: rows would go on referencing to a row that is gone",
                        key.action
                    ),
                    Dialect::Sqlite | Dialect::Postgres => {
                        format!("a delete of {} fails where it sets {name}", self.parent(key))
                    }
                },
                fix: PlannedFix::ByHand(format!(
                    "make {name} a column of its own, or declare NO ACTION, RESTRICT or CASCADE: {} cannot be done to what \
                     is computed",
                    key.action
                )),
                ..self.draft(id, FindingKind::GeneratedColumn { column: name }, Severity::Error)
            });
        }
    }

    /// Where several servers write, what one has locked the others do not know before it commits; a
    /// constraint is checked on each of them.
    pub(super) fn check_writers(&self, id: KeyId, live_keys: &[&LiveKey], drafts: &mut Vec<Draft>) {
        let Some(cluster) = self.live.several_writers.as_deref().filter(|_| live_keys.is_empty()) else { return };
        let key = &self.schema.keys[id];
        drafts.push(Draft {
            found: format!("no constraint, and {cluster}"),
            why: format!(
                "another server can add a row of {} to a row of {} that is being deleted: no lock holds there",
                self.schema.tables[key.child].label,
                self.parent(key)
            ),
            fix: PlannedFix::ByHand(
                "give the key a constraint, or send all that writes these tables to one server and set the finding aside \
                 with `Audit::accept`"
                    .to_owned(),
            ),
            ..self.draft(id, FindingKind::SeveralWriters, Severity::Warning)
        });
    }

    /// Whether a key without SET NULL or SET DEFAULT can be a column that is computed: MySQL
    /// refuses some.
    fn takes_computed(&self) -> bool {
        self.live.dialect != Dialect::MySql || self.live.server.contains("MariaDB")
    }

    /// Why no constraint can be made for a key, or made anew, as things are: what no statement for
    /// it alone would change.
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
        let generated =
            names.iter().find(|name| child.column(self.live, name).is_some_and(|column| column.is_generated));
        match generated {
            Some(name) if key.action.changes_key() || !self.takes_computed() => {
                return Some(format!("first make {}.{name} a column that is not computed from others", ends[0].label));
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
    use crate::cascade::audit::live::Live;
    use crate::cascade::declare::graph::Graph;

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

    /// No test has a cluster.
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
