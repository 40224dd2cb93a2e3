//! K: rows that a trigger, a rule or row security keeps are an error, and what cannot be undone is
//! not begun.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, Database, EntityTrait as _, QueryFilter as _, TransactionTrait as _,
};
use sea_orm_cascade::{Error, ErrorKind, Graph, Key, KeyPart};

use crate::support::{Kind, Log, TestDb};
use crate::{entity, tests};

tests![
    k1_a_root_that_is_kept,
    k1_a_root_that_a_rule_keeps,
    k1_a_root_that_row_security_keeps,
    k2_a_row_in_the_middle_that_is_kept,
    k2_a_key_that_is_not_set_to_null,
    k2_a_row_that_is_added_to_what_goes,
    k2_a_trigger_of_a_partition,
    k3_a_row_of_a_tree_that_is_kept,
    k3_a_ring_that_is_kept,
    k4_a_generated_column,
    k7_row_security_without_a_policy_for_update,
    k8_an_engine_without_transactions,
    k9_a_kept_child_under_a_constraint,
    k10_a_child_that_is_hidden,
    k1_a_root_that_is_put_back,
    k2_a_row_in_the_middle_that_goes_with_its_child,
    k2_rows_that_go_with_others_of_their_table,
    k2_a_row_that_is_only_marked,
    k2_a_child_that_the_root_leaves,
    k2_a_trigger_that_the_user_does_not_see,
    k4_a_key_that_cannot_be_null,
    k10_a_parent_that_is_hidden_from_a_repair,
    k10_a_view_over_hidden_rows,
    a_parent_that_goes_with_its_last_child,
    an_update_trigger_that_changes_the_parent,
    triggers_that_keep_nothing_change_nothing,
    a_repair_that_a_trigger_undoes,
];

entity!(folder "folders" {} []);
entity!(note "notes" { pub folder: Option<i64>, } [
    Folder = "super::folder::Entity", "Column::Folder", "super::folder::Column::Id", "Cascade"
]);
entity!(line "lines" { pub note: Option<i64>, } [
    Note = "super::note::Entity", "Column::Note", "super::note::Column::Id", "Cascade"
]);
entity!(mark "marks" { pub note: Option<i64>, } [
    Note = "super::note::Entity", "Column::Note", "super::note::Column::Id", "SetNull"
]);
entity!(tree "tree" { pub up: Option<i64>, } [
    Up = "super::tree::Entity", "Column::Up", "super::tree::Column::Id", "Cascade"
]);
entity!(ring "ring" { pub next: i64, } [
    Next = "super::ring::Entity", "Column::Next", "super::ring::Column::Id", "Cascade"
]);

fn graph() -> Graph {
    let builder = Graph::builder().entity(folder::Entity).entity(note::Entity).entity(line::Entity);
    builder.entity(mark::Entity).build().expect("the declarations work")
}

/// Two folders with two notes each, which have two lines and two marks each.
async fn make(db: &TestDb, constrained: bool) {
    for table in ["marks", "lines", "notes", "folders"] {
        db.sql(&format!("DROP TABLE IF EXISTS {}", name(db, table))).await;
    }
    let key = |column: &str, parent: &str, action: &str| {
        if constrained {
            let parent = name(db, parent);
            format!(", FOREIGN KEY ({column}) REFERENCES {parent} (id) ON DELETE {action}")
        } else {
            String::new()
        }
    };
    db.sql("CREATE TABLE folders (id BIGINT NOT NULL PRIMARY KEY)").await;
    for (table, column, parent, action) in [
        ("notes", "folder", "folders", "CASCADE"),
        ("lines", "note", "notes", "CASCADE"),
        ("marks", "note", "notes", "SET NULL"),
    ] {
        let key = key(column, parent, action);
        let table = name(db, table);
        db.sql(&format!("CREATE TABLE {table} (id BIGINT NOT NULL PRIMARY KEY, {column} BIGINT{key})")).await;
    }
    let lines = name(db, "lines");
    db.sql("INSERT INTO folders VALUES (1), (2)").await;
    db.sql("INSERT INTO notes VALUES (1, 1), (2, 1), (3, 2), (4, 2)").await;
    for table in [lines.as_str(), "marks"] {
        db.sql(&format!("INSERT INTO {table} VALUES (1, 1), (2, 1), (3, 2), (4, 3), (5, 4)")).await;
    }
}

/// `lines` is a word of MySQL's and MariaDB's.
fn name(db: &TestDb, table: &str) -> String {
    match db.kind() {
        Kind::Sqlite | Kind::Postgres => format!("\"{table}\""),
        _ => format!("`{table}`"),
    }
}

async fn count(db: &TestDb) -> [i64; 4] {
    let of = async |table: &str| db.number(&format!("SELECT count(*) FROM {}", name(db, table))).await;
    [of("folders").await, of("notes").await, of("lines").await, of("marks").await]
}

const ALL: [i64; 4] = [2, 4, 5, 5];

/// A trigger that keeps a row of a table from being deleted, without an error.
async fn keep(db: &TestDb, table: &str, id: i64) {
    if db.kind() == Kind::Sqlite {
        // A name of its own each time: a pooled connection may still know the trigger of a table
        // that was dropped.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        db.sql(&format!(
            "CREATE TRIGGER keep_{table}_{n} BEFORE DELETE ON {} WHEN OLD.id = {id} BEGIN SELECT RAISE(IGNORE); END",
            name(db, table)
        ))
        .await;
    } else {
        db.sql(&format!(
            "CREATE OR REPLACE FUNCTION keep_{table}() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN IF OLD.id = {id} THEN RETURN NULL; END IF; RETURN OLD; END $$"
        ))
        .await;
        db.sql(&format!(
            "CREATE TRIGGER keep_{table} BEFORE DELETE ON {} FOR EACH ROW EXECUTE FUNCTION keep_{table}()",
            name(db, table)
        ))
        .await;
    }
}

fn still_there(error: &Error) -> (&str, Option<&str>, Option<u64>, u64) {
    match error.kind() {
        ErrorKind::StillThere { table, foreign_key, rows, stayed, .. } => {
            assert!(error.is_still_there());
            (table, foreign_key.as_deref(), *rows, *stayed)
        }
        _ => panic!("{error:?}"),
    }
}

async fn k1_a_root_that_is_kept(db: TestDb) {
    for constrained in [true, false] {
        make(&db, constrained).await;
        keep(&db, "folders", 2).await;
        let delete = |id| graph().delete_keys(folder::Entity, [id]);
        let error = delete(2).execute(&db.conn).await.unwrap_err();
        assert_eq!(still_there(&error), ("folders", None, Some(1), 1));
        assert_eq!(
            error.to_string(),
            "1 of 1 rows of folders to delete still exist, and the database reported no error; a trigger, a rule or row security on the table keeps or adds rows"
        );
        assert_eq!(count(&db).await, ALL);
        // The caller's transaction can go on.
        let transaction = db.conn.begin().await.unwrap();
        let error = delete(2).keys_of(folder::Entity).execute(&transaction).await.unwrap_err();
        assert!(error.is_still_there() && !error.is_transaction_lost(), "{error:?}");
        assert_eq!(delete(1).execute(&transaction).await.unwrap().deleted(folder::Entity), 1);
        transaction.commit().await.unwrap();
        assert_eq!(count(&db).await, [1, 2, 2, 5]);
        let error = delete(2).batches_of(1).execute(&db.conn).await.unwrap_err();
        assert!(error.is_still_there(), "{error:?}");
    }
}

async fn k1_a_root_that_a_rule_keeps(db: TestDb) {
    make(&db, false).await;
    db.sql("CREATE RULE keep AS ON DELETE TO folders DO INSTEAD NOTHING").await;
    let error = graph().delete_keys(folder::Entity, [1]).execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("folders", None, Some(1), 1));
    assert_eq!(count(&db).await, ALL);
    db.sql("DROP RULE keep ON folders").await;
    // A soft delete by the database: the row is there.
    db.sql("ALTER TABLE notes ADD COLUMN gone boolean").await;
    db.sql("CREATE RULE mark AS ON DELETE TO notes DO INSTEAD UPDATE notes SET gone = true WHERE id = OLD.id").await;
    let error = graph().delete_keys(folder::Entity, [1]).execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("notes", None, Some(2), 2));
    assert_eq!(count(&db).await, ALL);
}

/// A role without rights of its own, for whom row security is active, and a pool of it.
async fn reader(db: &TestDb, policies: &[&str]) -> sea_orm::DatabaseConnection {
    let role = format!("reader_{}", db.url.rsplit('/').next().unwrap_or_default());
    db.sql(&format!("CREATE ROLE {role} LOGIN")).await;
    for table in ["folders", "notes", "lines", "marks"] {
        db.sql(&format!("GRANT ALL ON {table} TO {role}")).await;
    }
    for policy in policies {
        db.sql(policy).await;
    }
    let url = db.url.replacen("postgres@", &format!("{role}@"), 1);
    Database::connect(url).await.expect("the role connects")
}

/// Its connections end and it goes with what it may do.
async fn forget_reader(db: &TestDb, conn: sea_orm::DatabaseConnection) {
    conn.close().await.expect("the connections close");
    let role = format!("reader_{}", db.url.rsplit('/').next().unwrap_or_default());
    db.sql(&format!("DROP OWNED BY {role}")).await;
    db.sql(&format!("DROP ROLE {role}")).await;
}

async fn k1_a_root_that_row_security_keeps(db: TestDb) {
    make(&db, false).await;
    let policies = [
        "ALTER TABLE folders ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY see ON folders FOR SELECT USING (true)",
        "CREATE POLICY change ON folders FOR UPDATE USING (true)",
        "CREATE POLICY go ON folders FOR DELETE USING (id = 1)",
    ];
    let conn = reader(&db, &policies).await;
    let delete = |id| graph().delete_keys(folder::Entity, [id]);
    let error = delete(2).execute(&conn).await.unwrap_err();
    assert!(error.is_forbidden(), "{error:?}");
    assert!(matches!(error.kind(), ErrorKind::RowSecurity { tables, .. } if *tables == ["folders"]), "{error:?}");
    assert!(delete(2).preview(&conn).await.unwrap_err().is_forbidden());
    let error = delete(2).under_row_security().execute(&conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("folders", None, Some(1), 1));
    assert_eq!(count(&db).await, ALL);
    let outcome = delete(1).under_row_security().execute(&conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted folders 1, notes 2, lines 3; changed marks.note 3 (SET NULL)");
    // Who owns the tables is under none.
    assert_eq!(delete(2).execute(&db.conn).await.unwrap().deleted(folder::Entity), 1);
    forget_reader(&db, conn).await;
}

async fn k2_a_row_in_the_middle_that_is_kept(db: TestDb) {
    for constrained in [false, true] {
        make(&db, constrained).await;
        keep(&db, "notes", 3).await;
        let deletion = graph().delete_keys(folder::Entity, [1, 2]);
        let error = deletion.execute(&db.conn).await.unwrap_err();
        assert_eq!(still_there(&error), ("notes", None, Some(4), 1));
        assert_eq!(count(&db).await, ALL);
        let transaction = db.conn.begin().await.unwrap();
        assert!(deletion.execute(&transaction).await.unwrap_err().is_still_there());
        transaction.commit().await.unwrap();
        let error = deletion.keys_of(note::Entity).execute(&db.conn).await.unwrap_err();
        assert_eq!(still_there(&error), ("notes", None, Some(4), 1));
        assert_eq!(count(&db).await, ALL);
        let error = graph().delete_keys(folder::Entity, [2]).batches_of(10).execute(&db.conn).await.unwrap_err();
        assert!(error.is_still_there(), "{error:?}");
        assert_eq!(db.number("SELECT count(*) FROM folders").await, 2);
    }
}

async fn k2_a_key_that_is_not_set_to_null(db: TestDb) {
    make(&db, false).await;
    match db.kind() {
        Kind::Sqlite => {
            db.sql("CREATE TRIGGER keep_mark BEFORE UPDATE ON marks WHEN OLD.id = 2 BEGIN SELECT RAISE(IGNORE); END")
                .await;
        }
        Kind::Postgres => {
            db.sql(
                "CREATE FUNCTION keep_mark() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN IF OLD.id = 2 THEN NEW.note := OLD.note; END IF; RETURN NEW; END $$",
            )
            .await;
            db.sql("CREATE TRIGGER keep_mark BEFORE UPDATE ON marks FOR EACH ROW EXECUTE FUNCTION keep_mark()").await;
        }
        _ => {
            db.sql(
                "CREATE TRIGGER keep_mark BEFORE UPDATE ON marks FOR EACH ROW \
                 SET NEW.note = IF(OLD.id = 2, OLD.note, NEW.note)",
            )
            .await;
        }
    }
    let deletion = graph().delete_keys(folder::Entity, [1]);
    let error = deletion.execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("marks", Some("marks.note"), None, 1));
    assert_eq!(count(&db).await, ALL);
    let error = deletion.batches_of(2).execute(&db.conn).await.unwrap_err();
    assert!(error.is_still_there(), "{error:?}");
    assert_eq!(graph().delete_keys(folder::Entity, [2]).execute(&db.conn).await.unwrap().total(), 7);
}

// A note about what is changed, which refers to what goes a moment later.
async fn k2_a_row_that_is_added_to_what_goes(db: TestDb) {
    make(&db, false).await;
    let add = format!("INSERT INTO {} VALUES (100 + OLD.id, OLD.note)", name(&db, "lines"));
    match db.kind() {
        Kind::Sqlite => db.sql(&format!("CREATE TRIGGER log AFTER UPDATE ON marks BEGIN {add}; END")).await,
        Kind::Postgres => {
            db.sql(&format!(
                "CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {add}; RETURN NULL; END $$"
            ))
            .await;
            db.sql("CREATE TRIGGER log AFTER UPDATE ON marks FOR EACH ROW EXECUTE FUNCTION log()").await;
        }
        _ => db.sql(&format!("CREATE TRIGGER log AFTER UPDATE ON marks FOR EACH ROW {add}")).await,
    }
    let error = graph().delete_keys(folder::Entity, [1]).execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("lines", Some("lines.note"), None, 3));
    assert_eq!(count(&db).await, ALL);
}

async fn k2_a_trigger_of_a_partition(db: TestDb) {
    make(&db, false).await;
    db.sql("DROP TABLE notes").await;
    db.sql("CREATE TABLE notes (id bigint PRIMARY KEY, folder bigint) PARTITION BY RANGE (id)").await;
    db.sql("CREATE TABLE notes_a PARTITION OF notes FOR VALUES FROM (0) TO (3)").await;
    db.sql("CREATE TABLE notes_b PARTITION OF notes FOR VALUES FROM (3) TO (10)").await;
    db.sql("INSERT INTO notes VALUES (1, 1), (2, 1), (3, 2), (4, 2)").await;
    keep(&db, "notes_b", 3).await;
    let error = graph().delete_keys(folder::Entity, [2]).execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("notes", None, Some(2), 1));
    assert_eq!(count(&db).await, ALL);
    let (conn, log) = Log::on(&db).await;
    assert_eq!(graph().delete_keys(folder::Entity, [1]).execute(&conn).await.unwrap().deleted(note::Entity), 2);
    let asked = log.take().iter().filter(|sql| sql.contains("/* catalog */")).count();
    assert_eq!(asked, 2, "partitions are asked about in a statement of their own");
}

async fn k3_a_row_of_a_tree_that_is_kept(db: TestDb) {
    let tree_graph = Graph::builder().entity(tree::Entity).build().unwrap();
    for key in [
        "",
        ", FOREIGN KEY (up) REFERENCES tree (id) ON DELETE NO ACTION",
        ", FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE",
    ] {
        db.sql("DROP TABLE IF EXISTS tree").await;
        db.sql(&format!("CREATE TABLE tree (id BIGINT NOT NULL PRIMARY KEY, up BIGINT{key})")).await;
        db.sql("INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, NULL)").await;
        keep(&db, "tree", 2).await;
        let deletion = tree_graph.delete_keys(tree::Entity, [1]).at_most(3);
        let preview = deletion.preview(&db.conn).await.unwrap();
        let error = deletion.expecting(&preview).keys_of(tree::Entity).execute(&db.conn).await.unwrap_err();
        assert_eq!(still_there(&error), ("tree", None, Some(1), 1), "{key}");
        assert_eq!(db.number("SELECT count(*) FROM tree").await, 4, "{key}");
        let error = tree_graph.delete_keys(tree::Entity, [1]).batches_of(1).execute(&db.conn).await.unwrap_err();
        assert!(error.is_still_there(), "{key}: {error:?}");
        let outcome = tree_graph.delete_keys(tree::Entity, [4]).keys_of(tree::Entity).execute(&db.conn).await.unwrap();
        let keys: Vec<&[KeyPart]> = outcome.key_values(tree::Entity).iter().map(Key::parts).collect();
        assert_eq!(keys, [[KeyPart::Integer(4)]]);
    }
}

async fn k3_a_ring_that_is_kept(db: TestDb) {
    let ring_graph = Graph::builder().entity(ring::Entity).build().unwrap();
    db.sql("CREATE TABLE ring (id BIGINT NOT NULL PRIMARY KEY, next BIGINT NOT NULL)").await;
    db.sql("INSERT INTO ring VALUES (1, 2), (2, 3), (3, 1), (4, 4)").await;
    keep(&db, "ring", 2).await;
    let error = ring_graph.delete_keys(ring::Entity, [1]).execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("ring", None, Some(3), 1));
    assert_eq!(db.number("SELECT count(*) FROM ring").await, 4);
    assert_eq!(ring_graph.delete_keys(ring::Entity, [4]).execute(&db.conn).await.unwrap().deleted(ring::Entity), 1);
}

async fn k4_a_generated_column(db: TestDb) {
    make(&db, false).await;
    db.sql("DROP TABLE marks").await;
    db.sql(
        "CREATE TABLE marks (id BIGINT NOT NULL PRIMARY KEY, source BIGINT, \
         note BIGINT GENERATED ALWAYS AS (source) STORED)",
    )
    .await;
    db.sql("INSERT INTO marks (id, source) VALUES (1, 1), (2, 3)").await;
    let deletion = graph().delete_keys(folder::Entity, [1]);
    let error = deletion.execute(&db.conn).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::KeyCannotChange { table, column, .. } if table == "marks" && column == "note"),
        "{error:?}"
    );
    assert!(deletion.clone().batches_of(1).execute(&db.conn).await.is_err());
    assert!(deletion.preview(&db.conn).await.is_err());
    assert_eq!(count(&db).await, [2, 4, 5, 2]);
}

async fn k7_row_security_without_a_policy_for_update(db: TestDb) {
    make(&db, false).await;
    let policies = [
        "ALTER TABLE folders ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY see ON folders FOR SELECT USING (true)",
        "CREATE POLICY go ON folders FOR DELETE USING (true)",
    ];
    let conn = reader(&db, &policies).await;
    let error = graph().delete_keys(folder::Entity, [1]).execute(&conn).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RowSecurity { .. }), "{error:?}");
    for deletion in [
        graph().delete_keys(folder::Entity, [1]),
        graph().delete(folder::Entity::find().filter(folder::Column::Id.eq(1))),
    ] {
        let error = deletion.under_row_security().execute(&conn).await.unwrap_err();
        let ErrorKind::Forbidden { table, permission, .. } = error.kind() else { panic!("{error:?}") };
        assert_eq!((table.as_str(), permission.as_str()), ("folders", "UPDATE"));
        assert!(error.is_forbidden());
    }
    assert_eq!(count(&db).await, ALL);
    // What is hidden altogether is not there.
    db.sql("DROP POLICY see ON folders").await;
    let hidden = graph().delete_keys(folder::Entity, [1]).under_row_security().execute(&conn).await.unwrap();
    assert_eq!(hidden.total(), 0);
    forget_reader(&db, conn).await;
}

async fn k8_an_engine_without_transactions(db: TestDb) {
    make(&db, false).await;
    db.sql("ALTER TABLE `lines` ENGINE = MyISAM").await;
    let deletion = graph().delete_keys(folder::Entity, [1]);
    for result in [deletion.execute(&db.conn).await, deletion.clone().batches_of(1).execute(&db.conn).await] {
        let error = result.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::NotTransactional { tables, .. } if *tables == ["lines"]),
            "{error:?}"
        );
    }
    let transaction = db.conn.begin().await.unwrap();
    deletion.execute(&transaction).await.unwrap_err();
    transaction.commit().await.unwrap();
    assert_eq!(count(&db).await, ALL);
    db.sql("ALTER TABLE `lines` ENGINE = InnoDB").await;
    assert_eq!(deletion.execute(&db.conn).await.unwrap().deleted(line::Entity), 3);
}

async fn k9_a_kept_child_under_a_constraint(db: TestDb) {
    make(&db, true).await;
    keep(&db, "notes", 3).await;
    let error = graph().delete_keys(folder::Entity, [2]).execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("notes", None, Some(2), 1));
    assert_eq!(count(&db).await, ALL);
    let error = graph().delete(folder::Entity::find()).batches_of(100).execute(&db.conn).await.unwrap_err();
    assert!(error.is_still_there(), "{error:?}");
    assert_eq!(db.number("SELECT count(*) FROM notes WHERE folder NOT IN (SELECT id FROM folders)").await, 0);
}

async fn k10_a_child_that_is_hidden(db: TestDb) {
    make(&db, true).await;
    let policies = ["ALTER TABLE notes ENABLE ROW LEVEL SECURITY", "CREATE POLICY a_few ON notes USING (id <> 2)"];
    let conn = reader(&db, &policies).await;
    let deletion = graph().delete_keys(folder::Entity, [1]);
    let error = deletion.execute(&conn).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RowSecurity { tables, .. } if *tables == ["notes"]), "{error:?}");
    assert!(deletion.clone().batches_of(1).execute(&conn).await.unwrap_err().is_forbidden());
    let transaction = conn.begin().await.unwrap();
    assert!(deletion.execute(&transaction).await.unwrap_err().is_forbidden());
    transaction.commit().await.unwrap();
    assert_eq!(count(&db).await, ALL);
    // Stated, what is hidden is not counted; its constraint takes it.
    let outcome = deletion.under_row_security().execute(&conn).await.unwrap();
    assert_eq!(outcome.deleted(note::Entity), 1);
    assert_eq!(count(&db).await, [1, 2, 2, 5]);
    forget_reader(&db, conn).await;
}

/// A trigger of a table that does this with each row, where it fulfils a condition.
async fn trigger(db: &TestDb, [time, event, table]: [&str; 3], when: &str, body: &str) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let on = name(db, table);
    let name = match db.kind() {
        // As for `keep`.
        Kind::Sqlite => format!("does_{table}_{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        _ => format!("does_{table}"),
    };
    match db.kind() {
        Kind::Sqlite => {
            db.sql(&format!("CREATE TRIGGER {name} {time} {event} ON {on} WHEN {when} BEGIN {body}; END")).await;
        }
        Kind::Postgres => {
            db.sql(&format!(
                "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN IF {when} THEN {body}; END IF; RETURN OLD; END $$"
            ))
            .await;
            db.sql(&format!("CREATE TRIGGER {name} {time} {event} ON {on} FOR EACH ROW EXECUTE FUNCTION {name}()"))
                .await;
        }
        Kind::MariaDb | Kind::MySql => {
            db.sql(&format!(
                "CREATE TRIGGER {name} {time} {event} ON {on} FOR EACH ROW BEGIN IF {when} THEN {body}; END IF; END"
            ))
            .await;
        }
    }
}

async fn k1_a_root_that_is_put_back(db: TestDb) {
    make(&db, false).await;
    trigger(&db, ["AFTER", "DELETE", "folders"], "OLD.id = 1", "INSERT INTO folders VALUES (OLD.id)").await;
    let deletion = graph().delete_keys(folder::Entity, [1]);
    assert_eq!(still_there(&deletion.execute(&db.conn).await.unwrap_err()), ("folders", None, Some(1), 1));
    assert_eq!(count(&db).await, ALL);
    assert!(deletion.batches_of(100).execute(&db.conn).await.unwrap_err().is_still_there());
    if db.kind() == Kind::Postgres {
        // When the transaction ends.
        make(&db, false).await;
        let deferred = "CREATE CONSTRAINT TRIGGER later AFTER DELETE ON folders DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION does_folders()";
        db.sql(deferred).await;
        let error = graph().delete_keys(folder::Entity, [1]).execute(&db.conn).await.unwrap_err();
        assert!(error.is_still_there(), "{error:?}");
        assert_eq!(count(&db).await, ALL);
    }
}

async fn k2_a_row_in_the_middle_that_goes_with_its_child(db: TestDb) {
    make(&db, false).await;
    trigger(&db, ["AFTER", "DELETE", "lines"], "1 = 1", "DELETE FROM notes WHERE id = OLD.note").await;
    let deletion = graph().delete_keys(folder::Entity, [1]);
    let preview = deletion.preview(&db.conn).await.unwrap();
    let outcome = deletion.expecting(&preview).execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted folders 1, notes 2, lines 3; changed marks.note 3 (SET NULL)");
    assert_eq!(db.number("SELECT count(*) FROM marks WHERE note IS NOT NULL").await, 2);
    graph().delete_keys(folder::Entity, [2]).batches_of(1).execute(&db.conn).await.unwrap();
    assert_eq!(db.number("SELECT count(*) FROM marks WHERE note IS NOT NULL").await, 0);
    assert_eq!(count(&db).await, [0, 0, 0, 5]);
}

async fn k2_rows_that_go_with_others_of_their_table(db: TestDb) {
    make(&db, false).await;
    let lines = name(&db, "lines");
    trigger(&db, ["AFTER", "DELETE", "lines"], "OLD.id = 1", &format!("DELETE FROM {lines} WHERE id IN (2, 3)")).await;
    let outcome = graph().delete_keys(folder::Entity, [1]).execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted folders 1, notes 2, lines 3; changed marks.note 3 (SET NULL)");
}

async fn k2_a_row_that_is_only_marked(db: TestDb) {
    make(&db, false).await;
    db.sql(
        "CREATE FUNCTION soft() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN UPDATE notes SET folder = NULL WHERE id = OLD.id; RETURN NULL; END $$",
    )
    .await;
    db.sql("CREATE TRIGGER soft BEFORE DELETE ON notes FOR EACH ROW EXECUTE FUNCTION soft()").await;
    let error = graph().delete_keys(folder::Entity, [1]).execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("notes", None, Some(2), 2));
    assert_eq!(count(&db).await, ALL);
}

async fn k2_a_child_that_the_root_leaves(db: TestDb) {
    let two = Graph::builder().entity(folder::Entity).entity(note::Entity).build().unwrap();
    for time in ["BEFORE", "AFTER"] {
        for graph in [graph(), two.clone()] {
            make(&db, false).await;
            trigger(&db, [time, "DELETE", "folders"], "1 = 1", "INSERT INTO notes VALUES (101, OLD.id)").await;
            let error = graph.delete_keys(folder::Entity, [1]).execute(&db.conn).await.unwrap_err();
            assert_eq!(still_there(&error), ("notes", Some("notes.folder"), None, 1), "{time}");
            assert_eq!(count(&db).await, ALL);
        }
    }
}

// information_schema.triggers shows those of tables on which one has the right TRIGGER.
async fn k2_a_trigger_that_the_user_does_not_see(db: TestDb) {
    make(&db, false).await;
    db.sql("CREATE TRIGGER keep BEFORE UPDATE ON marks FOR EACH ROW SET NEW.note = IF(OLD.id = 2, OLD.note, NEW.note)")
        .await;
    let name = db.url.rsplit('/').next().unwrap_or_default();
    let user = format!("'plain_{name}'@'%'");
    db.sql(&format!("CREATE USER {user}")).await;
    db.sql(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO {user}")).await;
    let conn = Database::connect(db.url.replacen("root@", &format!("plain_{name}@"), 1)).await.unwrap();
    let error = graph().delete_keys(folder::Entity, [1]).execute(&conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("marks", Some("marks.note"), None, 1));
    assert!(graph().delete_keys(folder::Entity, [1]).batches_of(9).execute(&conn).await.unwrap_err().is_still_there());
    conn.close().await.unwrap();
    db.sql(&format!("DROP USER {user}")).await;
    assert_eq!(db.number("SELECT count(*) FROM notes").await, 4);
}

// Without strict mode it would become 0.
async fn k4_a_key_that_cannot_be_null(db: TestDb) {
    make(&db, false).await;
    db.sql("ALTER TABLE marks MODIFY note BIGINT NOT NULL").await;
    let conn = db.connect(1).await;
    conn.execute_unprepared("SET sql_mode = ''").await.unwrap();
    let error = graph().delete_keys(folder::Entity, [1]).execute(&conn).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::KeyCannotChange { table, .. } if table == "marks"), "{error:?}");
    assert_eq!(count(&db).await, ALL);
}

async fn k10_a_parent_that_is_hidden_from_a_repair(db: TestDb) {
    make(&db, true).await;
    let policies = ["ALTER TABLE folders ENABLE ROW LEVEL SECURITY", "CREATE POLICY a_few ON folders USING (id = 2)"];
    let conn = reader(&db, &policies).await;
    assert!(graph().repair(note::Entity).preview(&conn).await.unwrap_err().is_forbidden());
    assert!(graph().repair(note::Entity).execute(&conn).await.unwrap_err().is_forbidden());
    assert_eq!(count(&db).await, ALL);
    forget_reader(&db, conn).await;
}

async fn k10_a_view_over_hidden_rows(db: TestDb) {
    make(&db, false).await;
    db.sql("ALTER TABLE notes RENAME TO all_notes").await;
    db.sql("CREATE VIEW notes WITH (security_invoker = true) AS SELECT id, folder FROM all_notes").await;
    let policies = [
        "ALTER TABLE all_notes ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY a_few ON all_notes USING (id <> 2)",
        "GRANT ALL ON all_notes TO PUBLIC",
    ];
    let conn = reader(&db, &policies).await;
    assert!(graph().delete_keys(folder::Entity, [1]).execute(&conn).await.unwrap_err().is_forbidden());
    assert_eq!(count(&db).await, ALL);
    forget_reader(&db, conn).await;
}

// What is not there any more is gone, whoever took it.
async fn a_parent_that_goes_with_its_last_child(db: TestDb) {
    make(&db, false).await;
    let body =
        "DELETE FROM folders WHERE id = OLD.folder AND NOT EXISTS (SELECT 1 FROM notes WHERE folder = OLD.folder)";
    if db.kind() == Kind::Sqlite {
        db.sql(&format!("CREATE TRIGGER last AFTER DELETE ON notes BEGIN {body}; END")).await;
    } else {
        db.sql(&format!(
            "CREATE FUNCTION last() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$"
        ))
        .await;
        db.sql("CREATE TRIGGER last AFTER DELETE ON notes FOR EACH ROW EXECUTE FUNCTION last()").await;
    }
    let deletion = graph().delete_keys(folder::Entity, [1]);
    let preview = deletion.preview(&db.conn).await.unwrap();
    let outcome = deletion.expecting(&preview).execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted folders 1, notes 2, lines 3; changed marks.note 3 (SET NULL)");
    assert_eq!(count(&db).await, [1, 2, 2, 5]);
}

// MariaDB's 1442: a statement that reads the parent and changes the child keeps a trigger of the
// child from the parent.
async fn an_update_trigger_that_changes_the_parent(db: TestDb) {
    make(&db, false).await;
    db.sql("ALTER TABLE notes ADD COLUMN changes BIGINT NOT NULL DEFAULT 0").await;
    let body = "UPDATE notes SET changes = changes + 1 WHERE id = OLD.note";
    match db.kind() {
        Kind::Sqlite => db.sql(&format!("CREATE TRIGGER tell AFTER UPDATE ON marks BEGIN {body}; END")).await,
        Kind::Postgres => {
            db.sql(&format!(
                "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$"
            ))
            .await;
            db.sql("CREATE TRIGGER tell AFTER UPDATE ON marks FOR EACH ROW EXECUTE FUNCTION tell()").await;
        }
        _ => db.sql(&format!("CREATE TRIGGER tell AFTER UPDATE ON marks FOR EACH ROW {body}")).await,
    }
    let outcome = graph().delete_keys(folder::Entity, [1]).execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted folders 1, notes 2, lines 3; changed marks.note 3 (SET NULL)");
    assert_eq!(count(&db).await, [1, 2, 2, 5]);
}

async fn triggers_that_keep_nothing_change_nothing(db: TestDb) {
    for constrained in [true, false] {
        make(&db, constrained).await;
        for table in ["folders", "notes", "lines", "marks"] {
            let (on, trigger) = (name(&db, table), format!("goes_{table}"));
            match db.kind() {
                Kind::Sqlite => {
                    db.sql(&format!("CREATE TRIGGER {trigger} AFTER DELETE ON {on} BEGIN SELECT 1; END")).await;
                }
                Kind::Postgres => {
                    db.sql(
                        "CREATE OR REPLACE FUNCTION goes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
                    )
                    .await;
                    let each = "FOR EACH ROW EXECUTE FUNCTION goes()";
                    db.sql(&format!("CREATE TRIGGER {trigger} BEFORE DELETE ON {on} {each}")).await;
                }
                _ => {
                    db.sql(&format!("CREATE TRIGGER {trigger} AFTER DELETE ON {on} FOR EACH ROW SET @gone = 1")).await;
                }
            }
        }
        let deletion = graph().delete_keys(folder::Entity, [1]);
        let preview = deletion.preview(&db.conn).await.unwrap();
        assert_eq!(&deletion.execute(&db.conn).await.unwrap(), preview.outcome());
        let batches = graph().delete_keys(folder::Entity, [2]).batches_of(1).execute(&db.conn).await.unwrap();
        assert_eq!(batches.to_string(), "deleted folders 1, notes 2, lines 2; changed marks.note 2 (SET NULL)");
        assert_eq!(count(&db).await, [0, 0, 0, 5]);
    }
}

async fn a_repair_that_a_trigger_undoes(db: TestDb) {
    make(&db, false).await;
    db.sql("INSERT INTO marks VALUES (9, 99)").await;
    match db.kind() {
        Kind::Sqlite => {
            db.sql("CREATE TRIGGER keep_mark BEFORE UPDATE ON marks BEGIN SELECT RAISE(IGNORE); END").await;
        }
        Kind::Postgres => {
            db.sql("CREATE FUNCTION keep_mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$")
                .await;
            db.sql("CREATE TRIGGER keep_mark BEFORE UPDATE ON marks FOR EACH ROW EXECUTE FUNCTION keep_mark()").await;
        }
        _ => db.sql("CREATE TRIGGER keep_mark BEFORE UPDATE ON marks FOR EACH ROW SET NEW.note = OLD.note").await,
    }
    let error = graph().repair(mark::Entity).execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("marks", Some("marks.note"), Some(1), 1));
    db.sql("INSERT INTO notes VALUES (77, 78)").await;
    keep_none_or(&db).await;
}

/// Where a trigger can keep a row, a repair that deletes it says so.
async fn keep_none_or(db: &TestDb) {
    if !matches!(db.kind(), Kind::Sqlite | Kind::Postgres) {
        return;
    }
    keep(db, "notes", 77).await;
    let error = graph().repair(note::Entity).execute(&db.conn).await.unwrap_err();
    assert_eq!(still_there(&error), ("notes", None, Some(1), 1));
}
