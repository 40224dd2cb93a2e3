//! The layers and the promises of the types, checked.

use std::fs;
use std::path::{Path, PathBuf};

use sea_orm_cascade::{cascade, service};

use crate::support::TestDb;
use crate::tests;

tests![the_engine_knows_nothing_of_stores, pure_files_do_not_await, types_can_be_shared, futures_can_be_sent];

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let (mut files, mut folders) = (Vec::new(), vec![folder]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.clone(), fs::read_to_string(path).expect("text")));
            }
        }
    }
    assert!(!files.is_empty());
    files
}

/// Without comments and the examples in them.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect()
}

async fn the_engine_knows_nothing_of_stores(_: TestDb) {
    for (path, text) in sources("cascade") {
        for word in ["crate::entity", "crate::service", "migration"] {
            assert!(!code(&text).contains(word), "{} names {word}", path.display());
        }
    }
    for (path, text) in sources("entity") {
        for word in ["crate::cascade", "crate::service"] {
            assert!(!code(&text).contains(word), "{} names {word}", path.display());
        }
    }
}

async fn pure_files_do_not_await(_: TestDb) {
    let mut pure = 0;
    for (path, text) in sources("cascade").into_iter().chain(sources("service")) {
        let opening: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        if opening.contains("Pure") {
            pure += 1;
            assert!(!code(&text).contains(".await"), "{} calls itself pure", path.display());
        }
    }
    assert!(pure >= 25, "{pure} pure files");
}

async fn types_can_be_shared(_: TestDb) {
    fn shared<T: Send + Sync + std::fmt::Debug + 'static>() {}
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    shared::<cascade::Graph>();
    shared::<cascade::GraphBuilder>();
    shared::<cascade::Deletion>();
    shared::<cascade::Batches>();
    shared::<cascade::Progress>();
    shared::<cascade::Preview>();
    shared::<cascade::Outcome>();
    shared::<cascade::Line>();
    shared::<cascade::Blocker>();
    shared::<cascade::Key>();
    shared::<cascade::Audit>();
    shared::<cascade::AuditRequest>();
    shared::<cascade::Repair>();
    shared::<cascade::Rule>();
    shared::<cascade::Explanation>();
    shared::<cascade::Error>();
    shared::<cascade::Fault>();
    shared::<service::Error>();
    shared::<service::Page>();
    shared::<service::Cursor>();
    shared::<service::Listed<sea_orm_cascade::entity::item::Model>>();
    error::<cascade::Error>();
    error::<service::Error>();
    assert!(size_of::<Result<(), cascade::Error>>() <= 8, "an error is one pointer");
    assert!(size_of::<Result<(), service::Error>>() <= 8, "an error is one pointer");
}

async fn futures_can_be_sent(db: TestDb) {
    fn sent<F: Future + Send>(_: F) {}
    let conn = &db.conn;
    let graph = service::graph().build().unwrap();
    let deletion = graph.delete_keys(sea_orm_cascade::entity::store::Entity, [1]);
    sent(deletion.preview(conn));
    sent(deletion.execute(conn));
    sent(deletion.clone().batches_of(1).execute(conn));
    sent(graph.audit().counting_orphans().run(conn));
    sent(graph.repair(sea_orm_cascade::entity::item::Entity).preview(conn));
    sent(graph.repair(sea_orm_cascade::entity::item::Entity).execute(conn));
    sent(cascade::lock_parent(conn, sea_orm_cascade::entity::store::Entity, 1));
    sent(service::store::create(conn, "x"));
    sent(service::store::create_with_items(conn, "x", ["y"]));
    sent(service::store::get(conn, 1));
    sent(service::store::find_by_name(conn, "x"));
    sent(service::store::list(conn, &service::Page::first(1)));
    sent(service::store::rename(conn, 1, "x"));
    sent(service::store::preview_delete(conn, &graph, 1));
    sent(service::store::delete(conn, &graph, 1));
    sent(service::item::create(conn, 1, "x"));
    sent(service::item::create_many(conn, 1, ["x"]));
    sent(service::item::get(conn, 1));
    sent(service::item::list(conn, 1, &service::Page::first(1)));
    sent(service::item::rename(conn, 1, "x"));
    sent(service::item::move_to(conn, 1, 1));
    sent(service::item::preview_delete(conn, &graph, 1));
    sent(service::item::delete(conn, &graph, 1));
}
