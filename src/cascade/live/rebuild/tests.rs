//! What a rebuild of a table says.

use crate::cascade::live::rebuild::change::{collations, event};
use crate::cascade::live::rebuild::{Definition, Edit, rebuild};

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn replace_key(columns: &[&str], parent: &str) -> Edit {
    Edit::ReplaceForeignKey { columns: strings(columns), parent: parent.to_owned(), with: "Z".to_owned() }
}

fn add_key() -> Edit {
    Edit::AddForeignKey(r#"CONSTRAINT "x" FOREIGN KEY ("a") REFERENCES "p" ("id") ON DELETE CASCADE"#.to_owned())
}

fn set_nullable(column: &str, nullable: bool) -> Edit {
    Edit::SetNullable { column: column.to_owned(), nullable }
}

/// The definition in the script.
fn edited(create: &str, edits: &[Edit]) -> Option<String> {
    let table = Definition {
        name: "t".to_owned(),
        create: create.to_owned(),
        stored: strings(&["a"]),
        followers: Vec::new(),
        more: Vec::new(),
    };
    let script = rebuild(&table, edits)?;
    let (_, rest) = script.split_once("ON;\nBEGIN IMMEDIATE;\n")?;
    rest.split_once(";\nALTER").map(|(create, _)| create.to_owned())
}

/// The list of the edited definition, of one with this list.
fn list(list: &str, edits: &[Edit]) -> Option<String> {
    let create = edited(&format!("CREATE TABLE t({list})"), edits)?;
    Some(create.strip_prefix(r#"CREATE TABLE "__cascade_new_t"("#)?.strip_suffix(')')?.to_owned())
}

#[track_caller]
fn assert_list(before: &str, edits: &[Edit], after: &str) {
    assert_eq!(list(before, edits).as_deref(), Some(after));
}

#[test]
fn whole_script() {
    let table = Definition {
        name: "o'\"t".to_owned(),
        create: r#"CREATE TABLE "o'""t" (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT NOT NULL) -- end"#.to_owned(),
        stored: strings(&["id", "a\"b"]),
        followers: strings(&[
            "CREATE INDEX i ON x(a)",
            "CREATE INDEX j ON x(a) -- end",
            "CREATE INDEX k ON x(a) -- end\n",
        ]),
        more: strings(&["CREATE INDEX IF NOT EXISTS \"m\" ON x(a)"]),
    };
    let script = r#"-- On a connection of its own, which is closed if this fails.
BEGIN IMMEDIATE;
COMMIT;
CREATE TEMP TABLE IF NOT EXISTS "__cascade_unchanged" ("audit_again" NOT NULL);
INSERT INTO temp."__cascade_unchanged" SELECT (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = 'o''"t' AND sql = 'CREATE TABLE "o''""t" (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT NOT NULL) -- end' AND NOT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type IN ('index', 'trigger') AND tbl_name = 'o''"t' COLLATE NOCASE AND sql IS NOT NULL AND sql NOT IN ('CREATE INDEX i ON x(a)', 'CREATE INDEX j ON x(a) -- end', 'CREATE INDEX k ON x(a) -- end
', 'CREATE INDEX "m" ON x(a)')));
DROP TABLE temp."__cascade_unchanged";
PRAGMA foreign_keys = OFF;
PRAGMA legacy_alter_table = ON;
BEGIN IMMEDIATE;
CREATE TABLE "__cascade_new_o'""t" (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT) -- end
;
ALTER TABLE "o'""t" RENAME TO "__cascade_old_o'""t";
INSERT OR ROLLBACK INTO "__cascade_new_o'""t" ("id", "a""b") SELECT "id", "a""b" FROM "__cascade_old_o'""t";
DELETE FROM sqlite_sequence WHERE name = '__cascade_new_o''"t';
INSERT INTO sqlite_sequence (name, seq) SELECT '__cascade_new_o''"t', seq FROM sqlite_sequence WHERE name = '__cascade_old_o''"t';
DROP TABLE "__cascade_old_o'""t";
ALTER TABLE "__cascade_new_o'""t" RENAME TO "o'""t";
CREATE INDEX i ON x(a);
CREATE INDEX j ON x(a) -- end
;
CREATE INDEX k ON x(a) -- end
;
CREATE INDEX IF NOT EXISTS "m" ON x(a);
COMMIT;
PRAGMA legacy_alter_table = OFF;
PRAGMA foreign_keys = ON;
"#;
    assert_eq!(rebuild(&table, &[set_nullable("A", true)]).as_deref(), Some(script));
}

#[test]
fn collations_of_columns() {
    let create = r#"CREATE TABLE "a(b" (id TEXT PRIMARY KEY COLLATE "nocase", [b c] collate RTRIM CHECK (b = 'COLLATE x'),
        d DEFAULT (1 COLLATE NOCASE), e, UNIQUE (e COLLATE NOCASE))"#;
    let found = collations(create);
    let found: Vec<_> = found.iter().map(|(column, collation)| (column.as_str(), collation.as_str())).collect();
    assert_eq!(found, [("id", "nocase"), ("b c", "RTRIM")]);
}

#[test]
fn events_of_triggers() {
    for (create, expected) in [
        ("CREATE TRIGGER x AFTER DELETE ON t BEGIN SELECT 1; END", Some(("AFTER DELETE", true))),
        ("CREATE TRIGGER main.[x y] before update of a, b on T BEGIN SELECT 1; END", Some(("BEFORE UPDATE", false))),
        (
            "create temp trigger if not exists \"DELETE\" /* */ delete on t begin select 1; end",
            Some(("BEFORE DELETE", true)),
        ),
        ("CREATE TRIGGER x INSTEAD OF DELETE ON v BEGIN SELECT 1; END", Some(("INSTEAD OF DELETE", true))),
        ("CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END", None),
    ] {
        let found = event(create);
        assert_eq!(found.as_ref().map(|(event, on_delete)| (event.as_str(), *on_delete)), expected, "{create}");
    }
}

#[test]
fn beginnings_and_ends() {
    for start in
        ["CREATE TABLE main.\"t\"", "create table IF NOT EXISTS [t]", "CREATE TABLE/**/main . 't'", "CREATE TABLE `t`"]
    {
        let start = format!("{start} (a INT) WITHOUT ROWID, STRICT");
        let create = edited(&start, &[]).map(|create| create.to_ascii_uppercase().replace("/**/", " "));
        assert_eq!(create.as_deref(), Some(r#"CREATE TABLE "__CASCADE_NEW_T" (A INT) WITHOUT ROWID, STRICT"#));
    }
    let temporary = edited("CREATE TEMP TABLE t (a)", &[]);
    assert_eq!(temporary.as_deref(), Some(r#"CREATE TEMP TABLE "__cascade_new_t" (a)"#));
}

#[test]
fn key_of_a_column_goes() {
    let edit = [replace_key(&["A"], "P")];
    assert_list("a INT REFERENCES p(id) ON DELETE SET NULL NOT NULL, b", &edit, "a INT NOT NULL, b, Z");
    assert_list("a INT NOT NULL CONSTRAINT k REFERENCES 'p'", &edit, "a INT NOT NULL, Z");
    assert_list(
        "[a]REFERENCES\"p\"MATCH FULL NOT DEFERRABLE INITIALLY DEFERRED UNIQUE",
        &edit,
        "[a] UNIQUE, Z NOT DEFERRABLE INITIALLY DEFERRED",
    );
    assert_list("a REFERENCES p(id)REFERENCES q(id)", &edit, "a REFERENCES q(id), Z");
    assert_list("a REFERENCES p(id) REFERENCES p(x) DEFERRABLE,b", &edit, "a,b, Z");
    assert_list("a -- REFERENCES p\n REFERENCES p -- end\n", &edit, "a -- REFERENCES p\n, Z -- end\n");
    assert_list("a DEFAULT 'REFERENCES p' REFERENCES p", &edit, "a DEFAULT 'REFERENCES p', Z");
}

#[test]
fn key_of_a_table_goes() {
    let edit = [replace_key(&["b", "a"], "p")];
    let key = "CONSTRAINT \"k,\" FOREIGN KEY (a, [B]) REFERENCES p (x, y) ON UPDATE SET DEFAULT ON DELETE NO ACTION";
    assert_list(&format!("a, b,\n  {key}\n"), &edit, "a, b, Z\n");
    assert_list(&format!("a, b, -- of b\n {key} -- end\n"), &edit, "a, b -- of b\n, Z -- end\n");
    assert_list(&format!("a, b, {key}, UNIQUE (a)"), &edit, "a, b, UNIQUE (a), Z");
    assert_list(&format!("a, b, {key} UNIQUE (a)"), &edit, "a, b, UNIQUE (a), Z");
    assert_list(&format!("a, b, UNIQUE (a){key}"), &edit, "a, b, UNIQUE (a), Z");
    assert_list(&format!("a, b, {key} {key}, CHECK (a, b)"), &edit, "a, b, CHECK (a, b), Z");
    assert_list(
        "a, b, FOREIGN KEY (a) REFERENCES p, FOREIGN KEY(b,a) REFERENCES p",
        &edit,
        "a, b, FOREIGN KEY (a) REFERENCES p, Z",
    );
    assert_list(
        "a, b, FOREIGN KEY (a, b) REFERENCES p DEFERRABLE INITIALLY DEFERRED",
        &edit,
        "a, b, Z DEFERRABLE INITIALLY DEFERRED",
    );
}

#[test]
fn key_is_added() {
    let key = r#"CONSTRAINT "x" FOREIGN KEY ("a") REFERENCES "p" ("id") ON DELETE CASCADE"#;
    assert_list("a INT -- end, of ( it\n", &[add_key()], &format!("a INT, {key} -- end, of ( it\n"));
    assert_list("a REFERENCES p", &[add_key(), replace_key(&["a"], "p")], &format!("a, {key}, Z"));
    let both = [replace_key(&["a"], "p"), replace_key(&["A"], "P"), add_key(), set_nullable("a", false)];
    assert_list("a, FOREIGN KEY (a) REFERENCES p", &both, &format!("a NOT NULL, Z, Z, {key}"));
}

#[test]
fn column_is_added() {
    let edits = [add_key(), Edit::AddColumn("b INT".to_owned()), set_nullable("a", false)];
    let key = r#"CONSTRAINT "x" FOREIGN KEY ("a") REFERENCES "p" ("id") ON DELETE CASCADE"#;
    assert_list("a", &edits, &format!("a NOT NULL, b INT, {key}"));
    assert_list("a, UNIQUE (a)", &edits, &format!("a NOT NULL, b INT, UNIQUE (a), {key}"));
}

#[test]
fn not_null_goes() {
    let edit = [set_nullable("a", true)];
    assert_list("a DECIMAL(10,2) NOT NULL DEFAULT NULL", &edit, "a DECIMAL(10,2) DEFAULT NULL");
    assert_list("a CONSTRAINT \"n n\" NOT /**/ NULL ON CONFLICT REPLACE", &edit, "a");
    assert_list("a CHECK (a NOT NULL) DEFAULT ' NOT NULL' NOT NULL", &edit, "a CHECK (a NOT NULL) DEFAULT ' NOT NULL'");
    assert_list("a AS (1) STORED NOT NULL, b NOT NULL", &edit, "a AS (1) STORED, b NOT NULL");
}

#[test]
fn not_null_is_added() {
    let edit = [set_nullable("A", false)];
    assert_list("a -- end\n", &edit, "a NOT NULL -- end\n");
    assert_list("b, \"a\" \"NOT NULL\", c", &edit, "b, \"a\" \"NOT NULL\" NOT NULL, c");
    assert_list("a INT CONSTRAINT n NULL DEFAULT - 1.5e-3", &edit, "a INT NOT NULL DEFAULT - 1.5e-3");
    assert_list("a REFERENCES p ON DELETE SET NULL", &edit, "a REFERENCES p ON DELETE SET NULL NOT NULL");
    assert_list("a DEFAULT NULL", &edit, "a DEFAULT NULL NOT NULL");
    assert_list("a INT NOT NULL", &edit, "a INT NOT NULL");
}

#[test]
fn edit_finds_nothing() {
    assert_eq!(list("a, b", &[set_nullable("c", false)]), None);
    assert_eq!(list("a, b NOT NULL", &[set_nullable("a", true)]), None);
    assert_eq!(list("a REFERENCES p, b REFERENCES q", &[replace_key(&["a"], "q")]), None);
    assert_eq!(list("a, b, FOREIGN KEY (a, b) REFERENCES p", &[replace_key(&["a"], "p")]), None);
}

#[test]
fn not_understood() {
    for text in [
        "",
        "CREATE",
        "CREATE TABLE t",
        "CREATE TABLE t()",
        "CREATE TABLE t(a,)",
        "CREATE TABLE t(a",
        "CREATE TABLE t(a))",
        "CREATE TABLE t)a(",
        "CREATE TABLE t(a 'b)",
        "CREATE TABLE t(a [b)",
        "CREATE TABLE t(a) /* end",
        "CREATE TABLE t(a); DROP TABLE t",
        "CREATE TABLE t AS SELECT 1",
        "CREATE TABLE temp.t(a)",
        "CREATE TABLE other(a)",
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "CREATE TABLE t(a REFERENCES p NOT NULL DEFERRABLE)",
        "CREATE TABLE t(a NOT DEFERRABLE)",
        "CREATE TABLE t(a NOT NULL what)",
        "CREATE TABLE t(a, FOREIGN KEY a)",
        "CREATE TABLE t(a, FOREIGN KEY (a b) REFERENCES p)",
        "CREATE TABLE t(a, FOREIGN KEY (a))",
        "CREATE TABLE t(a CHECK (\"T\".a > 0))",
    ] {
        assert_eq!(edited(text, &[]), None, "{text}");
    }
}
