//! The layers and the promises of the types, checked.

use std::fs;
use std::path::{Path, PathBuf};

use sea_orm_cascade::{cascade, service};

use crate::support::TestDb;
use crate::tests;

tests![
    the_engine_knows_nothing_of_stores,
    pure_files_do_not_await,
    a_folder_imports_only_what_is_below_it,
    no_files_import_each_other_in_a_circle,
    files_are_short_and_comments_narrow,
    one_file_writes_rows,
    types_can_be_shared,
    futures_can_be_sent,
];

/// The folders and files of the engine, lowest first. What is in one line may import each other.
const LAYERS: [&[&str]; 12] = [
    &["data"],
    &["error"],
    &["declare"],
    &["plan"],
    &["sql"],
    &["db"],
    &["live"],
    &["find"],
    &["run"],
    &["lock", "deletion"],
    &["audit", "batches", "explain", "repair", "undo"],
    &["inspection"],
];

/// The arrows that run back up, each with its reason.
const UPWARDS: [(&str, &str); 1] = [
    // Hooks are declared with their entities, and are given the session of the delete.
    ("declare/hooks.rs", "db::session"),
];

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

/// The modules of the engine that a file imports, such as `plan::count`.
fn imports(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    let code = code(text);
    for import in code.split("crate::cascade::").skip(1) {
        let path: Vec<&str> =
            import.split("::").take_while(|part| part.chars().all(|c| c.is_lowercase() || c == '_')).collect();
        let last = import.split("::").nth(path.len()).unwrap_or_default();
        let function: String = last.chars().take_while(|c| c.is_lowercase() || *c == '_').collect();
        modules.push(
            path.into_iter()
                .map(str::to_owned)
                .chain((!function.is_empty()).then_some(function))
                .collect::<Vec<_>>()
                .join("::"),
        );
    }
    modules
}

fn relative(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cascade");
    path.strip_prefix(root).expect("below").to_string_lossy().replace('\\', "/")
}

fn layer_of(module: &str) -> Option<usize> {
    let first = module.split("::").next().unwrap_or_default();
    LAYERS.iter().position(|layer| layer.contains(&first))
}

async fn a_folder_imports_only_what_is_below_it(_: TestDb) {
    for (path, text) in sources("cascade") {
        let file = relative(&path);
        let module = file.trim_end_matches(".rs").replace('/', "::");
        let Some(own) = layer_of(&module) else {
            assert_eq!(file, "mod.rs", "{file} is in no layer");
            continue;
        };
        for import in imports(&text) {
            let Some(other) = layer_of(&import) else { continue };
            let is_known = UPWARDS.iter().any(|(from, to)| *from == file && import.starts_with(to));
            assert!(other <= own || is_known, "{file} imports {import}, which is above it");
        }
    }
}

async fn no_files_import_each_other_in_a_circle(_: TestDb) {
    let files: Vec<(String, String)> =
        sources("cascade").into_iter().map(|(path, text)| (relative(&path), text)).collect();
    let file_of = |import: &str| {
        let mut parts: Vec<&str> = import.split("::").collect();
        while !parts.is_empty() {
            let stem = parts.join("/");
            let names = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
            if let Some(at) = files.iter().position(|(file, _)| names.contains(file)) {
                return Some(at);
            }
            parts.pop();
        }
        None
    };
    let edges: Vec<Vec<usize>> =
        files.iter().map(|(_, text)| imports(text).iter().filter_map(|import| file_of(import)).collect()).collect();
    for start in 0..files.len() {
        let (mut seen, mut open) = (vec![false; files.len()], edges[start].clone());
        while let Some(at) = open.pop() {
            assert!(at != start || edges[start].contains(&start), "{} imports itself over others", files[start].0);
            if at != start && !std::mem::replace(&mut seen[at], true) {
                open.extend(&edges[at]);
            }
        }
    }
}

async fn files_are_short_and_comments_narrow(_: TestDb) {
    let (mut wide, mut all) = (0, 0);
    for (path, text) in sources("") {
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines", path.display());
        for line in text.lines().filter(|line| line.trim_start().starts_with("//")) {
            all += 1;
            wide += usize::from(line.chars().count() > 100);
        }
    }
    assert!(wide * 20 <= all, "{wide} of {all} comment lines are wider than 100 columns");
}

// Everything that deletes or changes rows goes through it.
async fn one_file_writes_rows(_: TestDb) {
    for (path, text) in sources("cascade") {
        let file = relative(&path);
        let sends = code(&text).split("session.execute(").skip(1).any(|call| !call.starts_with("&CatalogQuery"));
        let passes_on = ["run/rows.rs", "run/cancel.rs", "db/session.rs"].contains(&file.as_str());
        assert!(!sends || passes_on, "{file} sends a statement of its own");
    }
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
