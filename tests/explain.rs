//! Graphs, previews and plans as text, as pictures and as SQL.

use std::collections::BTreeSet;
use std::path::Path;

use sea_orm::{DbBackend, EntityTrait as _, QueryFilter as _};
use sea_orm_cascade::{Deletion, Graph, Preview, Step};

use crate::support::{Case, Constraints, Log, Tables, TestDb};
use crate::{entity, tables, tests};

tests![
    a_graph_as_a_tree,
    a_cycle_as_a_tree,
    every_rule_as_a_sentence,
    a_graph_as_pictures,
    a_preview_as_pictures,
    any_name_in_pictures,
    the_picture_of_the_readme,
    a_plan_as_text,
    the_sql_of_a_plan_is_what_is_sent,
    a_preview_that_counts_no_further,
    a_preview_that_counts_no_further_is_expected,
];

entity!(user "users" { pub mentor: Option<i64>, } [
    Mentor = "super::user::Entity", "Column::Mentor", "super::user::Column::Id", "SetNull"
]);
entity!(doc "docs" {
    pub author: i64,
    pub reviewer: Option<i64>,
    #[sea_orm(default_value = 1)]
    pub editor: i64,
} [
    Author = "super::user::Entity", "Column::Author", "super::user::Column::Id", "Cascade";
    Reviewer = "super::user::Entity", "Column::Reviewer", "super::user::Column::Id", "SetNull";
    Editor = "super::user::Entity", "Column::Editor", "super::user::Column::Id", "SetDefault"
]);
entity!(page "pages" { pub doc: i64, pub printer: i64, } [
    Doc = "super::doc::Entity", "Column::Doc", "super::doc::Column::Id", "Cascade";
    Printer = "super::user::Entity", "Column::Printer", "super::user::Column::Id", "NoAction"
]);
entity!(loan "loans" { pub doc: i64, } [Doc = "super::doc::Entity", "Column::Doc", "super::doc::Column::Id", "Restrict"]);
entity!(tag "tags" {} []);

fn library() -> Graph {
    let builder = Graph::builder().entity(page::Entity).entity(user::Entity).entity(tag::Entity);
    builder.entity(doc::Entity).entity(loan::Entity).build().unwrap()
}

async fn a_graph_as_a_tree(_: TestDb) {
    assert_eq!(
        library().to_string(),
        "users\n\
         ├─ pages.printer NO ACTION\n\
         ├─ users.mentor SET NULL\n\
         ├─ docs.author CASCADE\n\
         │  ├─ pages.doc CASCADE\n\
         │  └─ loans.doc RESTRICT\n\
         ├─ docs.reviewer SET NULL\n\
         └─ docs.editor SET DEFAULT\n\
         tags"
    );
}

entity!(egg "eggs" { pub hen: i64, } [Hen = "super::hen::Entity", "Column::Hen", "super::hen::Column::Id", "Cascade"]);
entity!(hen "hens" { pub egg: Option<i64>, } [
    Egg = "super::egg::Entity", "Column::Egg", "super::egg::Column::Id", "Cascade"
]);

async fn a_cycle_as_a_tree(_: TestDb) {
    let graph = Graph::builder().entity(tag::Entity).entity(egg::Entity).entity(hen::Entity).build().unwrap();
    let text = "tags\neggs\n└─ hens.egg CASCADE\n   └─ eggs.hen CASCADE, whose children are shown above";
    assert_eq!(graph.to_string(), text);
}

async fn every_rule_as_a_sentence(_: TestDb) {
    let rules: Vec<String> = library().rules().map(|rule| rule.to_string()).collect();
    assert_eq!(
        rules,
        [
            "when a row of docs is deleted, its pages are deleted (pages.doc CASCADE)",
            "a row of users cannot be deleted while it has pages, unless these are deleted with it (pages.printer NO ACTION)",
            "when a row of users is deleted, its users are kept and reference nothing (users.mentor SET NULL)",
            "when a row of users is deleted, its docs are deleted (docs.author CASCADE)",
            "when a row of users is deleted, its docs are kept and reference nothing (docs.reviewer SET NULL)",
            "when a row of users is deleted, its docs are kept and reference the default (docs.editor SET DEFAULT)",
            "a row of docs cannot be deleted while it has loans (loans.doc RESTRICT)",
        ]
    );
}

/// Keeps a picture where `.ci/pictures` finds it, which parses it with the programs that draw it.
fn keep(name: &str, mermaid: &str, dot: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.mmd")), mermaid).unwrap();
    std::fs::write(folder.join(format!("{name}.dot")), dot).unwrap();
}

async fn a_graph_as_pictures(db: TestDb) {
    let graph = library();
    keep(&format!("graph-{}", db.kind().name()), &graph.to_mermaid(), &graph.to_dot());
    assert_eq!(
        graph.to_mermaid(),
        r#"flowchart TD
    t0["pages"]
    t1["users"]
    t2["tags"]
    t3["docs"]
    t4["loans"]
    t3 ==>|"doc CASCADE"| t0
    t1 --x|"printer NO ACTION"| t0
    t1 -.->|"mentor SET NULL"| t1
    t1 ==>|"author CASCADE"| t3
    t1 -.->|"reviewer SET NULL"| t3
    t1 -.-o|"editor SET DEFAULT"| t3
    t3 ==x|"doc RESTRICT"| t4
"#
    );
    let dot = graph.to_dot();
    assert!(dot.starts_with("digraph foreign_keys {\n"), "{dot}");
    for line in [
        "  t0 [label=\"pages\"]",
        "  t1 -> t0 [label=\"printer\\nNO ACTION\", style=solid, penwidth=1.2, arrowhead=tee]",
        "  t1 -> t1 [label=\"mentor\\nSET NULL\", style=dashed, penwidth=1.4]",
    ] {
        assert!(dot.lines().any(|other| other == line), "{line} is not in {dot}");
    }
}

async fn a_preview_as_pictures(db: TestDb) {
    let case = Case::new(tables![user, doc, page, loan])
        .rows("users", "(1, NULL), (2, NULL), (3, 2)")
        .rows("docs", "(1, 2, 3, 1), (2, 3, 2, 1)")
        .rows("pages", "(1, 1, 1), (2, 1, 2)")
        .rows("loans", "(1, 1)");
    case.create(&db, false, false).await;
    let preview = case.graph().delete_keys(user::Entity, [2]).preview(&db.conn).await.unwrap();
    keep(&format!("preview-{}", db.kind().name()), &preview.to_mermaid(), &preview.to_dot());
    assert_eq!(
        preview.to_mermaid(),
        r#"flowchart TD
    t0["users<br/>1 row to delete"]
    t1["docs<br/>1 row to delete"]
    t2["pages<br/>2 rows to delete"]
    t3["loans"]
    t0 -.->|"mentor SET NULL<br/>1 row"| t0
    t0 ==>|"author CASCADE"| t1
    t0 -.->|"reviewer SET NULL<br/>1 row"| t1
    t1 ==>|"doc CASCADE"| t2
    t1 ==x|"doc RESTRICT<br/>1 row"| t3
    classDef blocked fill:#fee4e2,stroke:#b42318,color:#7a271a,stroke-width:2px
    class t3 blocked
"#
    );
    assert!(preview.to_dot().contains("  t3 [label=\"loans\", color=\"#b42318\""), "{}", preview.to_dot());
}

entity!(odd1 "a \"b\" `c` #35; <b>&amp;</b>" {} []);
entity!(odd2 "end" {
    #[sea_orm(column_name = "%%{init: x}%% $$y$$ |z| \\n\\N fa:fa-car")]
    pub up: i64,
} [Up = "super::odd1::Entity", "Column::Up", "super::odd1::Column::Id", "Cascade"]);
entity!(odd3 " Zoë [x](y) --> 表\t{}" {
    #[sea_orm(column_name = "")]
    pub up: i64,
    #[sea_orm(column_name = "style:#fff; _em_ \u{7}\r\nx")]
    pub also: Option<i64>,
} [
    Up = "super::odd2::Entity", "Column::Up", "super::odd2::Column::Id", "Restrict";
    Also = "super::odd3::Entity", "Column::Also", "super::odd3::Column::Id", "SetNull"
]);

async fn any_name_in_pictures(db: TestDb) {
    let graph = Graph::builder().entity(odd1::Entity).entity(odd2::Entity).entity(odd3::Entity).build().unwrap();
    let (mermaid, dot) = (graph.to_mermaid(), graph.to_dot());
    keep(&format!("names-{}", db.kind().name()), &mermaid, &dot);
    assert!(
        mermaid.contains("t0[\"a#160;#34;b#34;#160;#96;c#96;#160;#35;35#59;#160;#60;b#62;#38;amp#59;#60;#47;b#62;\"]"),
        "{mermaid}"
    );
    assert!(
        mermaid.contains("t2[\"#160;Zoë#160;#91;x#93;#40;y#41;#160;#45;#45;#62;#160;表#160;#123;#125;\"]"),
        "{mermaid}"
    );
    assert!(mermaid.contains("|\"#160; RESTRICT\"|"), "{mermaid}");
    assert!(dot.contains(r#"[label="a \"b\" `c` #35; <b>&amp;amp;</b>"]"#), "{dot}");
    assert!(dot.contains(r#"|z| \\n\\N fa:fa-car\nCASCADE""#), "{dot}");
}

/// The page shows what its program prints.
async fn the_picture_of_the_readme(_: TestDb) {
    let page = include_str!("../docs/previews.md");
    let (_, rest) = page.split_once("```mermaid\n").expect("a picture");
    let (picture, _) = rest.split_once("```").expect("its end");
    assert_eq!(picture, library_of_the_readme().to_mermaid());
    let svg = include_str!("../docs/graph.svg");
    for rule in library_of_the_readme().rules() {
        assert!(svg.contains(&format!(">{}</text>", rule.table)), "docs/graph.svg lacks {}", rule.table);
    }
}

fn library_of_the_readme() -> Graph {
    let builder = Graph::builder().entity(user::Entity).entity(doc::Entity);
    builder.entity(page::Entity).entity(loan::Entity).build().unwrap()
}

entity!(a "a" {} []);
entity!(b "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);

async fn a_plan_as_text(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(b::Entity).build().unwrap();
    let plan = graph.delete_keys(a::Entity, [1]).explain(DbBackend::Postgres).unwrap();
    assert_eq!(
        plan.to_string(),
        r#"on PostgreSQL, in one transaction:
1. find the rows of a with these keys, and lock them in key order
   SELECT CAST("a"."id" AS bigint) AS "__cascade_k0" FROM "a" WHERE "a"."id" = ANY(CAST($1 AS bigint[])) ORDER BY "a"."id" ASC FOR UPDATE OF "a"
2. delete the b that reference rows to delete through b.a (CASCADE)
   DELETE FROM "b" WHERE "b"."a" = ANY(CAST($1 AS bigint[]))
3. delete the rows of a
   DELETE FROM "a" WHERE "a"."id" = ANY(CAST($1 AS bigint[]))"#
    );
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<sea_orm_cascade::Explanation>(&json).unwrap(), plan);
    let bare = Graph::builder().entity(a::Entity).build().unwrap();
    bare.delete_keys(b::Entity, [1]).explain(DbBackend::Sqlite).expect_err("it is not registered");
}

entity!(c "c" { pub b: i64, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "Cascade"]);
entity!(n "n" { pub b: Option<i64>, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "SetNull"]);
entity!(x "x" { pub b: i64, pub c: i64, } [
    B = "super::b::Entity", "Column::B", "super::b::Column::Id", "NoAction";
    C = "super::c::Entity", "Column::C", "super::c::Column::Id", "Restrict"
]);
entity!(tree "tree" { pub a: Option<i64>, pub up: Option<i64>, pub also: Option<i64>, } [
    A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade";
    Up = "super::tree::Entity", "Column::Up", "super::tree::Column::Id", "Cascade";
    Also = "super::tree::Entity", "Column::Also", "super::tree::Column::Id", "SetNull"
]);
entity!(leaf "leaf" { pub tree: i64, } [Tree = "super::tree::Entity", "Column::Tree", "super::tree::Column::Id", "Cascade"]);

async fn the_sql_of_a_plan_is_what_is_sent(db: TestDb) {
    let rows = [
        ("a", "(1), (2), (3)"),
        ("b", "(1, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 1), (7, 1), (8, 2)"),
        ("c", "(1, 1), (2, 2), (3, 3), (4, 5), (5, 6), (6, 7), (7, 8)"),
        ("n", "(1, 1), (2, 2)"),
        ("x", "(1, 4, 9)"),
        // Two trees of three levels, in each of which the lower two rows are a ring; 7 and 8 stay.
        (
            "tree",
            "(1, 1, NULL, NULL), (2, 2, NULL, NULL), (3, NULL, 1, 5), (4, NULL, 2, 6), (5, NULL, 3, NULL), \
             (6, NULL, 4, NULL), (7, NULL, NULL, 1), (8, NULL, NULL, 2)",
        ),
        ("leaf", "(1, 1), (2, 3)"),
    ];
    let tables = Tables(tables![a, b, c, n, x, tree, leaf].into_iter().collect());
    let (conn, log) = Log::on(&db).await;
    // Every table has few rows, or b and c have many.
    for keys_per_table in [1_000, 6] {
        let graph = tables.builder().keys_per_table(keys_per_table).build().unwrap();
        let of = |by_key: bool| -> Deletion {
            if by_key {
                graph.delete_keys(a::Entity, [1, 2])
            } else {
                graph.delete(a::Entity::find().filter(sea_orm::ColumnTrait::lt(&a::Column::Id, 3)))
            }
        };
        for deletion in [of(true), of(false), of(true).at_most(100), of(true).keys_of(c::Entity).keys_of(tree::Entity)]
        {
            tables.create(&db.conn, Constraints::None, &rows).await;
            let plan = deletion.explain(db.backend()).unwrap();
            log.take();
            let outcome = deletion.execute(&conn).await.unwrap();
            assert_eq!(outcome.total(), 28, "{outcome}");
            let is_ours =
                |sql: &String| ["SELECT", "WITH", "DELETE", "UPDATE"].iter().any(|verb| sql.starts_with(verb));
            let sent: BTreeSet<String> =
                log.take().into_iter().filter(is_ours).map(|sql| with_short_lists(&sql)).collect();
            let statements = |step: &Step| match &step.if_many {
                Some(if_many) if keys_per_table < 1_000 => if_many.clone(),
                _ => step.statements.clone(),
            };
            let planned: BTreeSet<String> =
                plan.steps.iter().flat_map(statements).map(|sql| with_short_lists(&sql)).collect();
            let unplanned: Vec<_> = sent.difference(&planned).collect();
            // By which key a ring is opened is seen when it is found.
            let is_opening = |sql: &&String| sql.starts_with("UPDATE") && sql.contains("up");
            let unsent: Vec<_> = planned.difference(&sent).filter(|sql| !is_opening(sql)).collect();
            assert!(
                unplanned.is_empty() && unsent.is_empty(),
                "not in the plan: {unplanned:#?}\nnot sent: {unsent:#?}\n{plan}"
            );
            tables.drop(&db.conn).await;
        }
    }
}

/// A list has as many values as there are keys; one alone is another statement.
fn with_short_lists(sql: &str) -> String {
    let mut sql = without_catalog(sql);
    while sql.contains("?, ?") {
        sql = sql.replace("?, ?", "?");
    }
    sql
}

/// What the catalogs are asked is no part of what is explained.
fn without_catalog(sql: &str) -> String {
    match (sql.find(", /* catalog */"), sql.find("__cascade_catalog")) {
        (Some(begin), Some(end)) => format!("{}{}", &sql[..begin], &sql[end + "__cascade_catalog".len() + 1..]),
        _ => sql.to_owned(),
    }
}

async fn filled(db: &TestDb) -> Case {
    let case = Case::new(tables![a, b, c, x])
        .rows("a", "(1), (2)")
        .rows("b", "(1, 1), (2, 1), (3, 1), (4, 2)")
        .rows("c", "(1, 1), (2, 1), (3, 2), (4, 3), (5, 4)")
        .rows("x", "(1, 1, 9), (2, 9, 9)");
    case.create(db, false, false).await;
    case
}

async fn a_preview_that_counts_no_further(db: TestDb) {
    let case = filled(&db).await;
    let deletion = case.graph().delete_keys(a::Entity, [1]);
    let of = async |rows| deletion.clone().counting_up_to(rows).preview(&db.conn).await.unwrap();
    assert_eq!(
        of(2).await.to_string(),
        "a: 1 row to delete\n\
         └─ b.a CASCADE: more than 2 rows to delete\n   \
            ├─ c.b CASCADE: more than 2 rows to delete\n   \
            └─ x.b NO ACTION: 1 row blocking\n\
         without the blockers: at least 7 rows deleted, 0 changed\n\
         blocked: 1 row of x references it through x.b (NO ACTION), keys 1, path a > b > x"
    );
    assert_eq!(of(2).await.counted_up_to(), Some(2));
    let (exact, high) = (deletion.preview(&db.conn).await.unwrap(), of(4).await);
    assert_eq!(high.outcome(), exact.outcome());
    assert_eq!(high.lines(), exact.lines());
    let none = of(0).await;
    assert!(none.to_string().contains("b.a CASCADE: more than 0 rows to delete"), "{none}");
    let json = serde_json::to_string(&none).unwrap();
    assert_eq!(serde_json::from_str::<Preview>(&json).unwrap(), none);
    of(u64::MAX).await;
}

async fn a_preview_that_counts_no_further_is_expected(db: TestDb) {
    let case = filled(&db).await;
    db.sql("DELETE FROM x").await;
    let deletion = case.graph().delete_keys(a::Entity, [1]);
    let preview = deletion.clone().counting_up_to(2).preview(&db.conn).await.unwrap();
    // More than two they still are; but not if most of them go.
    db.sql("INSERT INTO c VALUES (6, 1)").await;
    db.sql("DELETE FROM b WHERE id > 1").await;
    let error = deletion.clone().expecting(&preview).execute(&db.conn).await.unwrap_err();
    assert!(error.is_changed(), "{error}");
    db.sql("INSERT INTO b VALUES (2, 1), (3, 1), (7, 1)").await;
    let outcome = deletion.expecting(&preview).execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted a 1, b 4, c 5");
}
