//! One account with about a hundred rows in 15 of 60 tables, and the ways to delete it.

pub mod schema;

use std::time::{Duration, Instant};

use sea_orm::entity::prelude::*;
use sea_orm::{ConnectOptions, Database, DbBackend};
use sea_orm_cascade::Graph;

use schema::accounts;

use super::Subject;

/// Accounts that stay, each with its rows.
const BYSTANDERS: i64 = 300;

/// What is deleted at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roots {
    /// One account with about a hundred rows in 15 tables.
    Full,
    /// One account that nothing references.
    Alone,
    /// 50 accounts with about a hundred rows each.
    Fifty,
}

impl Roots {
    pub const ALL: [Self; 3] = [Self::Full, Self::Alone, Self::Fifty];

    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "one account with 102 rows in 15 tables",
            Self::Alone => "one account that nothing references",
            Self::Fifty => "50 accounts with 102 rows each",
        }
    }

    fn number(self) -> i64 {
        if self == Self::Fifty { 50 } else { 1 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The constraints' ON DELETE.
    Native,
    /// This crate.
    Ours,
    /// This crate's preview, which deletes nothing.
    Preview,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Native, Self::Ours, Self::Preview];

    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "own cascade",
            Self::Ours => "sea-orm-cascade",
            Self::Preview => "preview",
        }
    }
}

/// The tables, and where the next account comes.
pub struct Wide<'a> {
    subject: &'a Subject,
    graph: Graph,
    next: i64,
}

impl<'a> Wide<'a> {
    pub async fn make(subject: &'a Subject) -> Self {
        schema::drop(&subject.db).await;
        schema::make(&subject.db).await;
        let graph = schema::builder().build().expect("the graph");
        let mut wide = Self { subject, graph, next: 1 };
        wide.fill(Roots::Full, BYSTANDERS).await;
        match subject.db.get_database_backend() {
            DbBackend::MySql => {
                let names: Vec<&str> = schema::TABLES.iter().map(|(table, _)| *table).collect();
                subject.sql(&format!("ANALYZE TABLE {}", names.join(", "))).await;
            }
            _ => subject.sql("ANALYZE").await,
        }
        wide
    }

    pub async fn drop(self) {
        schema::drop(&self.subject.db).await;
    }

    /// Makes accounts, and returns their ids.
    async fn fill(&mut self, roots: Roots, number: i64) -> std::ops::Range<i64> {
        let accounts = self.next..self.next + number;
        self.next = accounts.end;
        let mut statements = Vec::new();
        for account in accounts.clone() {
            statements.push(insert(account, "accounts", "", 1, |_| String::new()));
            if roots != Roots::Alone {
                statements.extend(rows(account));
            }
        }
        self.subject.sql(&statements.join(";")).await;
        accounts
    }

    /// Makes accounts, deletes or previews them, and tells how long that took. With `is_fresh` it
    /// is the first thing that the connection does.
    /// `None`: the database refuses, as MySQL does for a cascade over more than 30 tables.
    pub async fn run(&mut self, way: Way, roots: Roots, is_fresh: bool) -> Option<Duration> {
        let accounts = self.fill(roots, roots.number()).await;
        if self.subject.db.get_database_backend() == DbBackend::Sqlite {
            self.subject.sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        let connected = if is_fresh {
            let mut options = ConnectOptions::new(&self.subject.url);
            options.sqlx_logging(false).max_connections(1);
            Some(Database::connect(options).await.expect("the database answers"))
        } else {
            None
        };
        let db = connected.as_ref().unwrap_or(&self.subject.db);
        let deletion = self.graph.delete_keys(accounts::Entity, accounts.clone());
        let mut is_done = true;
        let start = Instant::now();
        match way {
            Way::Native => {
                let wanted = accounts::Entity::delete_many().filter(accounts::Column::Id.is_in(accounts.clone()));
                is_done = wanted.exec(db).await.is_ok();
            }
            Way::Ours => {
                deletion.execute(db).await.expect("ours");
            }
            Way::Preview => {
                deletion.preview(db).await.expect("a preview");
            }
        }
        let time = start.elapsed();
        if way == Way::Preview || !is_done {
            deletion.execute(&self.subject.db).await.expect("a deleted account");
        }
        is_done.then_some(time)
    }
}

/// The rows of an account: those of each table, and what the documents show.
fn rows(account: i64) -> Vec<String> {
    let id = |n: i64| account * 1_000 + n;
    let up = |n: i64| if n < 2 { "NULL".to_owned() } else { id(n / 2).to_string() };
    let of = |n: i64, number: i64| id(n % number);
    vec![
        insert(account, "users", "account_id", 8, |_| format!("{account}")),
        insert(account, "teams", "account_id, lead_id, up_id", 2, |n| {
            format!("{account}, {}, {}", of(n, 8), if n == 0 { "NULL".to_owned() } else { id(0).to_string() })
        }),
        insert(account, "team_members", "team_id, user_id", 8, |n| format!("{}, {}", of(n, 2), of(n, 8))),
        insert(account, "projects", "account_id, owner_id, template_id", 3, |n| {
            format!("{account}, {}, NULL", of(n, 8))
        }),
        insert(account, "folders", "account_id, project_id, up_id", 6, |n| {
            format!("{account}, {}, {}", of(n, 3), up(n))
        }),
        insert(account, "documents", "account_id, folder_id, author_id", 8, |n| {
            format!("{account}, {}, {}", of(n, 6), of(n, 8))
        }),
        insert(account, "document_versions", "document_id", 10, |n| format!("{}", of(n, 8))),
        format!("UPDATE documents SET current_version_id = id WHERE account_id = {account}"),
        insert(account, "comments", "account_id, document_id, author_id, reply_to_id", 12, |n| {
            format!("{account}, {}, {}, {}", of(n, 8), of(n, 8), up(n))
        }),
        insert(account, "tasks", "account_id, project_id, assignee_id, reporter_id, up_id", 12, |n| {
            format!("{account}, {}, {}, {}, {}", of(n, 3), of(n, 8), of(n + 1, 8), up(n))
        }),
        insert(account, "task_watchers", "task_id, user_id", 8, |n| format!("{}, {}", of(n, 12), of(n, 8))),
        insert(account, "customers", "account_id", 5, |_| format!("{account}")),
        insert(account, "products", "account_id", 3, |_| format!("{account}")),
        insert(account, "orders", "account_id, customer_id", 6, |n| format!("{account}, {}", of(n, 5))),
        insert(account, "order_lines", "order_id, product_id", 10, |n| format!("{}, {}", of(n, 6), of(n, 3))),
    ]
}

/// An INSERT of so many rows into a table.
fn insert(account: i64, table: &str, columns: &str, number: i64, values: impl Fn(i64) -> String) -> String {
    let row = |n: i64| match (table, values(n)) {
        ("accounts", _) => format!("({account}, 'account {account}')"),
        (_, values) => format!("({}, '{table} {n}', {values})", account * 1_000 + n),
    };
    let rows: Vec<String> = (0..number).map(row).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(", {columns}") };
    format!("INSERT INTO {table} (id, name{columns}) VALUES {}", rows.join(", "))
}
