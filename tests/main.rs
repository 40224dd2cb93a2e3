//! All tests, in one program: each runs on a fresh database, on SQLite and on every server whose
//! URL is set (`POSTGRES_URL`, `MARIADB_URL`, `MYSQL_URL`). The run ends by saying which databases
//! it covered.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic, the report is printed, and entities are declared as SeaORM wants them"
)]

mod architecture;
mod audit;
mod cluster;
mod declarations;
mod explain;
mod faults;
mod migration;
mod oracle;
mod scenarios;
mod service;
mod support;
mod trust;
mod undo;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};

use support::{Kind, Server, Test};

fn main() -> ExitCode {
    if let Ok(url) = std::env::var("CASCADE_VICTIM") {
        runtime().block_on(faults::victim(&url));
        return ExitCode::SUCCESS;
    }
    if let Ok(urls) = std::env::var("CLUSTER_URLS") {
        runtime().block_on(cluster::run(&urls));
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let servers = Server::all();
    let mut trials = Vec::new();
    for server in &servers {
        trials.push(answers(server.clone()));
        let tests = tests().into_iter().filter(|test| impossible(server.kind, test.name).is_none());
        trials.extend(tests.map(|test| trial(server.clone(), test)));
    }
    if arguments.list {
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    let start = Instant::now();
    let is_all = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.ignored;
    println!("on {}", servers.iter().map(|server| server.kind.name()).collect::<Vec<_>>().join(", "));
    let conclusion = libtest_mimic::run(&arguments, trials);
    let examples = is_all.then(examples_of_the_docs);
    let have_failed = examples == Some(false);
    if have_failed {
        println!("FAILED: examples of the documentation, see above");
    }
    report(&servers, start.elapsed());
    if have_failed { ExitCode::FAILURE } else { conclusion.exit_code() }
}

/// Runs the examples of the documentation here, so that the report comes after them: Cargo would
/// run them last. They are built with the features that this program is built with.
fn examples_of_the_docs() -> bool {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--doc", "--package", env!("CARGO_PKG_NAME")]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            println!("cargo cannot be run: {error}");
            false
        }
    }
}

fn tests() -> Vec<Test> {
    [
        architecture::all(),
        audit::kinds::all(),
        audit::drift::all(),
        audit::repair::all(),
        audit::size::all(),
        audit::trust::all(),
        declarations::all(),
        explain::all(),
        scenarios::actions::all(),
        scenarios::cycles::all(),
        scenarios::failure::all(),
        scenarios::hooks::all(),
        scenarios::many::all(),
        scenarios::no_action::all(),
        scenarios::paths::all(),
        scenarios::roots::all(),
        scenarios::shapes::all(),
        scenarios::size::all(),
        scenarios::wide::all(),
        service::all(),
        faults::all(),
        migration::all(),
        oracle::all(),
        trust::errors::all(),
        trust::isolation::all(),
        trust::kept::all(),
        trust::values::all(),
        undo::cases::all(),
        undo::oracle::all(),
        undo::types::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Why a test cannot be made on a database. The report names each of these.
fn impossible(kind: Kind, test: &str) -> Option<&'static str> {
    let test = test.rsplit("::").next().unwrap_or(test);
    match (test, kind) {
        ("a_named_schema", Kind::Sqlite | Kind::MariaDb | Kind::MySql) => Some("it has no schemas within a database"),
        (
            "a_connection_cut_in_the_middle_changes_nothing" | "batches_go_on_after_their_connections_were_cut",
            Kind::Sqlite,
        ) => Some("it has no server"),
        ("a_statement_time_out_in_batches", Kind::Sqlite) => Some("it has no time-out of statements"),
        ("a_statement_time_out_in_batches", Kind::MySql) => Some("its time-out is for SELECT alone"),
        ("a_disk_that_is_full", Kind::Postgres | Kind::MariaDb | Kind::MySql) => {
            Some("only SQLite can be told how big its file may be")
        }
        ("a_root_that_changes_meanwhile_is_left", Kind::Sqlite) => Some("it has one writer at a time"),
        (
            "a_constraint_that_is_not_validated" | "a_constraint_that_is_switched_off",
            Kind::Sqlite | Kind::MariaDb | Kind::MySql,
        ) => Some("its constraints are always checked"),
        ("a_parent_that_comes_after_the_snapshot", Kind::Sqlite) => Some("a writer waits for its readers there"),
        ("an_attached_database", Kind::Postgres | Kind::MariaDb | Kind::MySql) => {
            Some("only SQLite attaches databases")
        }
        ("a_domain_that_is_not_null", Kind::Sqlite | Kind::MariaDb | Kind::MySql) => Some("it has no domains"),
        ("a_script_that_is_run_late", Kind::Postgres | Kind::MariaDb | Kind::MySql) => Some("it alters its tables"),
        ("what_is_broken_elsewhere", Kind::Postgres | Kind::MariaDb | Kind::MySql) => {
            Some("it lets no view break, or does not mind")
        }
        ("a_table_of_another_database", Kind::Sqlite | Kind::Postgres) => {
            Some("its foreign keys stay within a database")
        }
        ("a_partitioned_table", Kind::Sqlite) => Some("it has no partitions"),
        ("a_partitioned_table", Kind::MariaDb | Kind::MySql) => Some("its partitioned tables have no foreign keys"),
        ("an_index_that_is_invalid_or_off", Kind::Sqlite) => Some("its indexes are always used"),
        (
            "a1_a_trigger_in_another_case"
            | "a1_a_trigger_that_came_since"
            | "a1_a_temporary_trigger"
            | "a4_values_in_another_form",
            Kind::Postgres | Kind::MariaDb | Kind::MySql,
        ) => Some("only SQLite makes a table anew, and stores any value in any column"),
        (
            "a2_ends_that_no_constraint_joins"
            | "a2_a_key_that_is_too_long"
            | "a2_a_column_that_others_hold"
            | "a3_partitions_have_no_keys"
            | "a3_engines_without_transactions"
            | "a7_defaults_survive",
            Kind::Sqlite | Kind::Postgres,
        ) => Some("these are limits of InnoDB"),
        (
            "a5_row_security"
            | "a5_rules"
            | "a5_triggers_of_parts"
            | "a6_a_constraint_onto_a_part"
            | "a6_a_constraint_of_a_part",
            Kind::Sqlite | Kind::MariaDb | Kind::MySql,
        ) => Some("rules, row security and keys of a part of a table are PostgreSQL's"),
        ("a_text_default_of_a_uuid_key", Kind::MariaDb | Kind::MySql) => {
            Some("it refuses such a default with the table")
        }
        _ => trust::impossible(kind, test),
    }
}

/// A URL that is set and does not answer is a failure.
fn answers(server: Server) -> Trial {
    Trial::test(format!("{}::answers", server.kind.name()), move || {
        runtime().block_on(server.version()).map(|_| ()).map_err(Failed::from)
    })
}

fn trial(server: Server, test: Test) -> Trial {
    let name = test.name.split_once("::").map_or(test.name, |(_, rest)| rest);
    Trial::test(format!("{}::{name}", server.kind.name()), move || {
        let runtime = runtime();
        runtime.block_on(async {
            let db = server.fresh().await;
            let url = db.url.clone();
            let result = tokio::spawn((test.run)(db)).await;
            server.discard(&url).await;
            result.map_err(|error| match error.try_into_panic() {
                Ok(panic) => Failed::from(message(&*panic)),
                Err(error) => Failed::from(error),
            })
        })
    })
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn report(servers: &[Server], duration: Duration) {
    for server in servers {
        for test in tests() {
            if let Some(reason) = impossible(server.kind, test.name) {
                println!("{} without {}: {reason}", server.kind.name(), test.name);
            }
        }
    }
    println!("\ndatabases, in {} s:", duration.as_secs());
    for kind in Kind::ALL {
        let server = servers.iter().find(|server| server.kind == kind);
        match server.map(|server| runtime().block_on(server.version())) {
            Some(Ok(version)) => println!("  {}: ran on {version}", kind.name()),
            Some(Err(error)) => println!("  {}: DOES NOT ANSWER: {error}", kind.name()),
            None => println!("  {}: NOT RUN, {} is not set", kind.name(), kind.variable().unwrap_or_default()),
        }
    }
}
