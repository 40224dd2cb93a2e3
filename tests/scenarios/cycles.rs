//! Trees, cycles and rings: self-references, tables that refer to each other, rows that point at
//! themselves.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use sea_orm_cascade::ErrorKind;

use crate::support::{By, Case, Kind, TestDb};
use crate::{entity, entity_with_key, tables, tests};

tests![
    no_action_within_a_tree,
    restrict_within_a_tree,
    a_tree_goes_from_any_node,
    children_of_a_node_become_roots,
    children_of_a_node_get_the_default,
    a_row_that_points_at_itself,
    a_ring_of_nullable_keys,
    a_ring_of_keys_that_cannot_be_null,
    a_ring_across_tables_that_cannot_be_null,
    a_ring_that_a_table_outside_the_graph_refers_to,
    a_ring_longer_than_the_databases_own_cascade,
    a_ring_that_only_its_first_key_opens,
    the_first_blockers_among_many_nodes,
    tables_in_a_cycle,
    two_tables_that_refer_to_each_other,
    a_row_reached_twice_by_two_self_references,
    set_null_within_what_goes,
    a_graph_under_a_tree,
    a_blocker_under_a_tree,
    a_tree_under_a_parent,
    composite_keys_in_a_tree,
    a_unique_column_in_a_tree,
    text_keys_in_a_tree,
    uuid_keys_in_a_tree,
    at_most_and_expecting_in_a_tree,
    a_self_reference_of_the_dense_format,
];

entity!(no_action "nodes" { pub up: Option<i64>, } [Up = "Entity", "Column::Up", "Column::Id", "NoAction"]);
entity!(restrict "nodes" { pub up: Option<i64>, } [Up = "Entity", "Column::Up", "Column::Id", "Restrict"]);
entity!(tree "nodes" { pub up: Option<i64>, } [Up = "Entity", "Column::Up", "Column::Id", "Cascade"]);
entity!(nulled "nodes" { pub up: Option<i64>, } [Up = "Entity", "Column::Up", "Column::Id", "SetNull"]);
entity!(strict "nodes" { pub up: i64, } [Up = "Entity", "Column::Up", "Column::Id", "Cascade"]);

// S15
async fn no_action_within_a_tree(db: TestDb) {
    let case = || Case::new(tables![no_action]).rows("nodes", "(1, NULL), (2, 1), (3, 2), (4, NULL)");
    case()
        .delete(no_action::Entity, &[1])
        .refused("the delete is refused: 1 row of nodes references it through nodes.up (NO ACTION), keys 2, path nodes > nodes")
        .run(&db)
        .await;
    case().delete(no_action::Entity, &[1, 2, 3]).outcome("deleted nodes 3", "nodes(4:-)").run(&db).await;
}

async fn restrict_within_a_tree(db: TestDb) {
    let case = || Case::new(tables![restrict]).rows("nodes", "(1, NULL), (2, 1), (3, 2), (4, 4)");
    case()
        .delete(restrict::Entity, &[1, 2, 3])
        .refused("the delete is refused: 2 rows of nodes reference it through nodes.up (RESTRICT), keys 2, 3, path nodes > nodes")
        .run(&db)
        .await;
    // R3: a row's reference to itself never blocks.
    case().delete(restrict::Entity, &[3, 4]).outcome("deleted nodes 2", "nodes(1:- 2:1)").run(&db).await;
}

// S21
async fn a_tree_goes_from_any_node(db: TestDb) {
    let case = || Case::new(tables![tree]).rows("nodes", "(1, NULL), (2, 1), (3, 1), (4, 3)");
    case().delete(tree::Entity, &[3]).outcome("deleted nodes 2", "nodes(1:- 2:1)").run(&db).await;
    case().delete(tree::Entity, &[1]).outcome("deleted nodes 4", "nodes()").run(&db).await;
    case().delete(tree::Entity, &[4, 3, 1]).outcome("deleted nodes 4", "nodes()").run(&db).await;
}

async fn children_of_a_node_become_roots(db: TestDb) {
    Case::new(tables![nulled])
        .rows("nodes", "(1, NULL), (2, 1), (3, 1), (4, 3)")
        .delete(nulled::Entity, &[1, 2])
        .outcome("deleted nodes 2; changed nodes.up 1 (SET NULL)", "nodes(3:- 4:3)")
        .run(&db)
        .await;
}

entity!(defaulted "nodes" { #[sea_orm(default_value = 9)] pub up: i64, } [
    Up = "Entity", "Column::Up", "Column::Id", "SetDefault"
]);

async fn children_of_a_node_get_the_default(db: TestDb) {
    let case = || Case::new(tables![defaulted]).rows("nodes", "(9, 9), (1, 9), (2, 1), (3, 2)");
    case()
        .delete(defaulted::Entity, &[1])
        .outcome("deleted nodes 1; changed nodes.up 1 (SET DEFAULT)", "nodes(2:9 3:2 9:9)")
        .run(&db)
        .await;
    case()
        .delete(defaulted::Entity, &[9, 3])
        .refused(
            "the delete is refused: 1 row of nodes would take the default of nodes.up, and no remaining row has that key, \
             keys 1, path nodes > nodes",
        )
        .run(&db)
        .await;
}

// S23
async fn a_row_that_points_at_itself(db: TestDb) {
    let rows = "(1, 1), (2, 1), (3, 3)";
    Case::new(tables![tree])
        .rows("nodes", rows)
        .delete(tree::Entity, &[1])
        .outcome("deleted nodes 2", "nodes(3:3)")
        .run(&db)
        .await;
    Case::new(tables![strict])
        .rows("nodes", rows)
        .delete(strict::Entity, &[1])
        .outcome("deleted nodes 2", "nodes(3:3)")
        .run(&db)
        .await;
    Case::new(tables![no_action])
        .rows("nodes", rows)
        .delete(no_action::Entity, &[3])
        .outcome("deleted nodes 1", "nodes(1:1 2:1)")
        .run(&db)
        .await;
    Case::new(tables![nulled])
        .rows("nodes", rows)
        .delete(nulled::Entity, &[1])
        .outcome("deleted nodes 1; changed nodes.up 1 (SET NULL)", "nodes(2:- 3:3)")
        .run(&db)
        .await;
}

async fn a_ring_of_nullable_keys(db: TestDb) {
    Case::new(tables![tree])
        .rows("nodes", "(1, 3), (2, 1), (3, 2), (4, 2), (5, NULL)")
        .delete(tree::Entity, &[2])
        .outcome("deleted nodes 4", "nodes(5:-)")
        .run(&db)
        .await;
}

entity!(bound "nodes" { pub up: i64, } [Up = "Entity", "Column::Up", "Column::Id", "NoAction"]);

// R7: the one thing that not every database can do, and only with the constraint.
async fn a_ring_of_keys_that_cannot_be_null(db: TestDb) {
    for (constrained, is_ring) in [(false, false), (true, db.kind().speaks_mysql())] {
        let case = Case::new(tables![bound]).rows("nodes", "(1, 3), (2, 1), (3, 2), (4, 4)");
        case.create(&db, constrained, false).await;
        let before = case.state(&db.conn).await;
        let deletion = case.graph().delete_keys(bound::Entity, [1, 2, 3]);
        let preview = deletion.preview(&db.conn).await.unwrap();
        assert_eq!(preview.outcome().to_string(), "deleted nodes 3");
        match deletion.execute(&db.conn).await {
            Ok(outcome) => {
                assert_eq!((&outcome, is_ring), (preview.outcome(), false));
                assert_eq!(case.state(&db.conn).await, "nodes(4:4)");
            }
            Err(error) => {
                assert!(is_ring && error.is_ring() && !error.is_transient(), "{error:?}");
                assert_eq!(
                    error.to_string(),
                    "rows reference each other in a ring through NOT NULL foreign keys, and MySQL/MariaDB can \
                     delete none of them first: nodes 1 -[nodes.up]-> nodes 3 -[nodes.up]-> nodes 2 \
                     -[nodes.up]-> nodes 1; make one of these foreign keys nullable"
                );
                assert_eq!(case.state(&db.conn).await, before);
            }
        }
        // A ring of one.
        let result = case.graph().delete_keys(bound::Entity, [4]).execute(&db.conn).await;
        match result {
            Ok(_) => assert!(!is_ring),
            Err(error) => {
                let ErrorKind::Ring { rows, .. } = error.kind() else { panic!("{error:?}") };
                assert!(is_ring && rows.len() == 1 && rows[0].key.to_string() == "4", "{error:?}");
            }
        }
        case.drop(&db).await;
    }
}

entity!(husband "husbands" { pub wife: i64, } [
    Wife = "super::wife::Entity", "Column::Wife", "super::wife::Column::Id", "NoAction"
]);
entity!(wife "wives" { pub husband: i64, } [
    Husband = "super::husband::Entity", "Column::Husband", "super::husband::Column::Id", "Cascade"
]);

async fn a_ring_across_tables_that_cannot_be_null(db: TestDb) {
    for (constrained, is_ring) in [(false, false), (true, db.kind().speaks_mysql())] {
        let case = Case::new(tables![husband, wife])
            .rows("husbands", "(1, 10), (2, 20), (3, 20)")
            .rows("wives", "(10, 1), (20, 2), (30, 1)");
        case.create(&db, constrained, false).await;
        let before = case.state(&db.conn).await;
        let deletion = case.graph().delete_keys(husband::Entity, [1]);
        let preview = deletion.preview(&db.conn).await.unwrap();
        assert_eq!(preview.outcome().to_string(), "deleted husbands 1, wives 2");
        match deletion.execute(&db.conn).await {
            Ok(outcome) => {
                assert_eq!((&outcome, is_ring), (preview.outcome(), false));
                assert_eq!(case.state(&db.conn).await, "husbands(2:20 3:20) wives(20:2)");
            }
            Err(error) => {
                let ErrorKind::Ring { rows, .. } = error.kind() else { panic!("{error:?}") };
                assert!(is_ring && rows.len() == 2, "{error:?}");
                assert_eq!(case.state(&db.conn).await, before);
            }
        }
        case.drop(&db).await;
    }
}

// SQLite checks its constraints at COMMIT here, and must not forget one.
async fn a_ring_that_a_table_outside_the_graph_refers_to(db: TestDb) {
    let case = Case::new(tables![husband, wife, strict])
        .rows("husbands", "(1, 10), (2, 20)")
        .rows("wives", "(10, 1), (20, 2)")
        .rows("nodes", "(1, 1)");
    case.create(&db, true, false).await;
    let before = case.state(&db.conn).await;
    for (table, parent, delete) in [
        ("badges", "husbands", case.graph().delete_keys(husband::Entity, [1])),
        ("medals", "nodes", case.graph().delete_keys(strict::Entity, [1])),
    ] {
        for action in ["RESTRICT", "NO ACTION"] {
            db.sql(&format!(
                "CREATE TABLE {table} (id bigint PRIMARY KEY, holder bigint NOT NULL, \
                 FOREIGN KEY (holder) REFERENCES {parent} (id) ON DELETE {action})"
            ))
            .await;
            db.sql(&format!("INSERT INTO {table} VALUES (7, 1)")).await;
            let error = delete.execute(&db.conn).await.unwrap_err();
            // InnoDB says one of the two.
            let may_be_ring = db.kind().speaks_mysql() && parent == "husbands";
            assert!(error.is_still_referenced() || (may_be_ring && error.is_ring()), "{error:?}");
            assert_eq!(case.state(&db.conn).await, before);
            db.sql(&format!("DROP TABLE {table}")).await;
        }
    }
}

async fn a_ring_longer_than_the_databases_own_cascade(db: TestDb) {
    let case = Case::new(tables![strict]);
    case.create(&db, false, false).await;
    let ring: Vec<String> = (1..=1_200).map(|n| format!("({n}, {})", n % 1_200 + 1)).collect();
    db.sql(&format!("INSERT INTO nodes VALUES {}", ring.join(", "))).await;
    let delete = case.graph().delete_keys(strict::Entity, [1]);
    if db.kind() == Kind::Sqlite {
        // It has no ALTER TABLE .. ADD FOREIGN KEY.
        db.sql(
            "ALTER TABLE nodes RENAME TO old; \
             CREATE TABLE nodes (id bigint PRIMARY KEY, up bigint NOT NULL REFERENCES nodes (id) ON DELETE CASCADE); \
             INSERT INTO nodes SELECT * FROM old; DROP TABLE old",
        )
        .await;
    } else {
        db.sql("ALTER TABLE nodes ADD FOREIGN KEY (up) REFERENCES nodes (id) ON DELETE CASCADE").await;
    }
    let before = case.state(&db.conn).await;
    match delete.execute(&db.conn).await {
        Ok(outcome) => {
            assert_ne!(db.kind(), Kind::Sqlite);
            assert_eq!(outcome.to_string(), "deleted nodes 1200");
            assert_eq!(case.state(&db.conn).await, "nodes()");
        }
        Err(error) => {
            let ErrorKind::Ring { rows, .. } = error.kind() else { panic!("{error:?}") };
            assert!(db.kind() != Kind::Postgres && rows.len() == 1_200, "{error:?}");
            assert!(
                error.to_string().ends_with("others, 1200 rows in all; make one of these foreign keys nullable"),
                "{error}"
            );
            assert_eq!(case.state(&db.conn).await, before);
        }
    }
}

entity!(noted "nodes" { pub up: Option<i64>, pub see: Option<i64>, } [
    Up = "Entity", "Column::Up", "Column::Id", "Cascade";
    See = "Entity", "Column::See", "Column::Id", "NoAction"
]);

// More parents than MySQL and MariaDB get in one list.
async fn the_first_blockers_among_many_nodes(db: TestDb) {
    let case = Case::new(tables![noted]);
    case.create(&db, true, false).await;
    let nodes: Vec<String> = (2..=500).map(|n| format!("({n}, 1, NULL)")).collect();
    db.sql(&format!("INSERT INTO nodes VALUES (1, NULL, NULL), {}", nodes.join(", "))).await;
    let blockers: Vec<String> = (0..20).map(|n| format!("({}, NULL, {})", 9_000 + n, 500 - n * 20)).collect();
    db.sql(&format!("INSERT INTO nodes VALUES {}", blockers.join(", "))).await;
    let error = case.graph().delete_keys(noted::Entity, [1]).execute(&db.conn).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the delete is refused: 20 rows of nodes reference it through nodes.see (NO ACTION), keys 9000, 9001, 9002, 9003, 9004, .., \
         path nodes > nodes"
    );
}

entity!(owner "owners" { pub favourite: i64, } [
    Favourite = "super::pet::Entity", "Column::Favourite", "super::pet::Column::Id", "NoAction"
]);
entity!(pet "pets" { pub owner: Option<i64>, } [
    Owner = "super::owner::Entity", "Column::Owner", "super::owner::Column::Id", "Cascade"
]);

// The key by which the pet was found is the only one that can be NULL. All is done in one
// transaction, so it may be.
async fn a_ring_that_only_its_first_key_opens(db: TestDb) {
    Case::new(tables![owner, pet])
        .rows("owners", "(1, 10), (2, 20)")
        .rows("pets", "(10, 1), (20, 2), (30, 1), (40, NULL)")
        .delete(owner::Entity, &[1])
        .outcome("deleted owners 1, pets 2", "owners(2:20) pets(20:2 40:-)")
        .run(&db)
        .await;
}

entity!(a "a" { pub c: Option<i64>, } [C = "super::c::Entity", "Column::C", "super::c::Column::Id", "Cascade"]);
entity!(b "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);
entity!(c "c" { pub b: i64, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "Cascade"]);

// S24
async fn tables_in_a_cycle(db: TestDb) {
    let case = || {
        Case::new(tables![a, b, c])
            .rows("a", "(1, NULL), (2, 1), (3, 2), (4, 5), (5, NULL)")
            .rows("b", "(1, 1), (2, 2), (3, 3), (5, 4)")
            .rows("c", "(1, 1), (2, 2), (3, 3), (5, 5)")
    };
    case()
        .delete(a::Entity, &[2])
        .outcome("deleted a 2, b 2, c 2", "a(1:- 4:5 5:-) b(1:1 5:4) c(1:1 5:5)")
        .run(&db)
        .await;
    // a4 refers to c5, c5 to b5, b5 to a4.
    case()
        .delete(b::Entity, &[5])
        .outcome("deleted b 1, a 1, c 1", "a(1:- 2:1 3:2 5:-) b(1:1 2:2 3:3) c(1:1 2:2 3:3)")
        .run(&db)
        .await;
    case().delete(c::Entity, &[1, 5]).outcome("deleted c 4, a 3, b 3", "a(1:- 5:-) b(1:1) c()").run(&db).await;
}

entity!(user "users" { pub email: Option<i64>, } [
    Email = "super::email::Entity", "Column::Email", "super::email::Column::Id", "SetNull"
]);
entity!(email "emails" { pub user: i64, } [
    User = "super::user::Entity", "Column::User", "super::user::Column::Id", "Cascade"
]);

async fn two_tables_that_refer_to_each_other(db: TestDb) {
    let case = || {
        Case::new(tables![user, email])
            .rows("users", "(1, 10), (2, 10), (3, 30), (4, NULL)")
            .rows("emails", "(10, 1), (11, 1), (30, 3), (40, 4)")
    };
    case()
        .delete(user::Entity, &[1])
        .outcome("deleted users 1, emails 2; changed users.email 1 (SET NULL)", "users(2:- 3:30 4:-) emails(30:3 40:4)")
        .run(&db)
        .await;
    case()
        .delete(email::Entity, &[10, 30])
        .outcome("deleted emails 2; changed users.email 3 (SET NULL)", "users(1:- 2:- 3:- 4:-) emails(11:1 40:4)")
        .run(&db)
        .await;
}

entity!(double "nodes" { pub p1: Option<i64>, pub p2: Option<i64>, } [
    P1 = "Entity", "Column::P1", "Column::Id", "Cascade";
    P2 = "Entity", "Column::P2", "Column::Id", "Cascade"
]);
entity!(double_strict "nodes" { pub p1: i64, pub p2: i64, } [
    P1 = "Entity", "Column::P1", "Column::Id", "Cascade";
    P2 = "Entity", "Column::P2", "Column::Id", "Cascade"
]);

// S39: by the level at which it was first seen, row 5 would go with row 2, and not before row 4.
async fn a_row_reached_twice_by_two_self_references(db: TestDb) {
    Case::new(tables![double])
        .rows("nodes", "(1, NULL, NULL), (2, 1, NULL), (3, 2, NULL), (4, 3, NULL), (5, 1, 4), (6, NULL, 6)")
        .delete(double::Entity, &[1])
        .outcome("deleted nodes 5", "nodes(6:-:6)")
        .run(&db)
        .await;
    Case::new(tables![double_strict])
        .rows("nodes", "(9, 9, 9), (1, 9, 9), (2, 1, 9), (3, 2, 9), (4, 3, 9), (5, 1, 4)")
        .delete(double_strict::Entity, &[1])
        .outcome("deleted nodes 5", "nodes(9:9:9)")
        .run(&db)
        .await;
}

entity!(related "nodes" { pub up: Option<i64>, pub see: Option<i64>, } [
    Up = "Entity", "Column::Up", "Column::Id", "Cascade";
    See = "Entity", "Column::See", "Column::Id", "SetNull"
]);

async fn set_null_within_what_goes(db: TestDb) {
    Case::new(tables![related])
        .rows("nodes", "(1, NULL, NULL), (2, 1, 3), (3, 1, 2), (4, 3, 4), (5, NULL, 4), (6, 5, 2), (7, NULL, 6)")
        .delete(related::Entity, &[1])
        .outcome("deleted nodes 4; changed nodes.see 2 (SET NULL)", "nodes(5:-:- 6:5:- 7:-:6)")
        .run(&db)
        .await;
}

entity!(product "products" { pub node: i64, } [
    Node = "super::tree::Entity", "Column::Node", "super::tree::Column::Id", "Cascade"
]);
entity!(price "prices" { pub product: i64, } [
    Product = "super::product::Entity", "Column::Product", "super::product::Column::Id", "Cascade"
]);
entity!(offer "offers" { pub price: Option<i64>, } [
    Price = "super::price::Entity", "Column::Price", "super::price::Column::Id", "SetNull"
]);
entity!(order "orders" { pub product: i64, } [
    Product = "super::product::Entity", "Column::Product", "super::product::Column::Id", "NoAction"
]);

async fn a_graph_under_a_tree(db: TestDb) {
    Case::new(tables![tree, product, price, offer])
        .rows("nodes", "(1, NULL), (2, 1), (3, 2), (4, NULL)")
        .rows("products", "(10, 1), (20, 2), (30, 3), (40, 4)")
        .rows("prices", "(1, 10), (2, 20), (3, 30), (4, 40), (5, 30)")
        .rows("offers", "(1, 1), (2, 5), (3, 4)")
        .delete(tree::Entity, &[2])
        .outcome(
            "deleted nodes 2, products 2, prices 3; changed offers.price 1 (SET NULL)",
            "nodes(1:- 4:-) products(10:1 40:4) prices(1:10 4:40) offers(1:1 2:- 3:4)",
        )
        .run(&db)
        .await;
}

async fn a_blocker_under_a_tree(db: TestDb) {
    Case::new(tables![tree, product, order])
        .rows("nodes", "(1, NULL), (2, 1), (3, 2)")
        .rows("products", "(10, 1), (30, 3)")
        .rows("orders", "(7, 30)")
        .delete(tree::Entity, &[1])
        .refused(
            "the delete is refused: 1 row of orders references it through orders.product (NO ACTION), keys 7, path nodes > products > \
             orders",
        )
        .run(&db)
        .await;
}

entity!(shop "shops" {} []);
entity!(shelf "shelves" { pub shop: i64, pub up: Option<i64>, } [
    Shop = "super::shop::Entity", "Column::Shop", "super::shop::Column::Id", "Cascade";
    Up = "Entity", "Column::Up", "Column::Id", "NoAction"
]);
entity!(box_ "boxes" { pub shelf: i64, } [
    Shelf = "super::shelf::Entity", "Column::Shelf", "super::shelf::Column::Id", "Cascade"
]);

// NO ACTION dooms nobody, and is no obstacle between rows that the shop dooms; but they go in
// order.
async fn a_tree_under_a_parent(db: TestDb) {
    let case = |rows| {
        Case::new(tables![shop, shelf, box_])
            .rows("shops", "(1), (2)")
            .rows("shelves", rows)
            .rows("boxes", "(1, 1), (2, 2), (3, 3)")
            .delete(shop::Entity, &[1])
    };
    case("(1, 1, 2), (2, 1, 4), (4, 1, NULL), (3, 2, NULL)")
        .outcome("deleted shops 1, shelves 3, boxes 2", "shops(2) shelves(3:2:-) boxes(3:3)")
        .run(&db)
        .await;
    case("(1, 1, NULL), (2, 1, 1), (3, 2, 2)")
        .refused(
            "the delete is refused: 1 row of shelves references it through shelves.up (NO ACTION), keys 3, path shops > shelves > \
             shelves",
        )
        .run(&db)
        .await;
}

entity_with_key!(page "pages" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub book: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub up_book: Option<i64>,
    pub up_number: Option<i64>,
} [
    Up = "Entity", "(Column::UpBook, Column::UpNumber)", "(Column::Book, Column::Number)", "Cascade"
]);

async fn composite_keys_in_a_tree(db: TestDb) {
    Case::new(tables![page])
        .rows("pages", "(1, 1, NULL, NULL), (1, 2, 1, 1), (2, 1, 1, 2), (2, 2, 1, NULL), (3, 1, NULL, 1), (3, 2, 2, 2)")
        .delete_by(|graph, by| match by {
            By::Key => graph.delete_keys(page::Entity, [(1, 1)]),
            By::Filter => {
                graph.delete(page::Entity::find().filter(page::Column::Book.eq(1)).filter(page::Column::Number.eq(1)))
            }
        })
        .outcome("deleted pages 3", "pages(2:2:1:- 3:1:-:1 3:2:2:2)")
        .run(&db)
        .await;
}

entity!(coded "nodes" {
    #[sea_orm(unique)]
    pub code: Option<i64>,
    pub up: Option<i64>,
} [Up = "Entity", "Column::Up", "Column::Code", "Cascade"]);

async fn a_unique_column_in_a_tree(db: TestDb) {
    Case::new(tables![coded])
        .rows("nodes", "(1, 30, NULL), (2, 20, 30), (3, NULL, 20), (4, 40, NULL), (30, 1, NULL), (5, 50, 1)")
        .delete(coded::Entity, &[1])
        .outcome("deleted nodes 3", "nodes(4:40:- 5:50:1 30:1:-)")
        .run(&db)
        .await;
}

entity_with_key!(named "names" {
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(40))")]
    pub name: String,
    #[sea_orm(column_type = "String(StringLen::N(40))", nullable)]
    pub up: Option<String>,
} [Up = "Entity", "Column::Up", "Column::Name", "Cascade"]);

// Equality is the database's: MariaDB takes 'ROOT' for 'root', and the row must still go before its
// parent.
async fn text_keys_in_a_tree(db: TestDb) {
    let rows = match db.kind() {
        Kind::MariaDb | Kind::MySql => "('root', NULL), ('leaf', 'TWIG'), ('twig', 'ROOT'), ('zoo', NULL)",
        _ => "('root', NULL), ('leaf', 'twig'), ('twig', 'root'), ('Root', NULL), ('zoo', 'Root')",
    };
    Case::new(tables![named])
        .rows("names", rows)
        .delete_by(|graph, by| match by {
            By::Key => graph.delete_keys(named::Entity, ["root".to_owned()]),
            By::Filter => graph.delete(named::Entity::find().filter(named::Column::Name.eq("root"))),
        })
        .outcome_on("deleted names 3", |kind| match kind {
            Kind::MariaDb | Kind::MySql => "names(zoo:-)",
            Kind::Postgres | Kind::Sqlite => "names(Root:- zoo:Root)",
        })
        .run(&db)
        .await;
}

entity_with_key!(uuid "uuids" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub up: Option<Uuid>,
    #[sea_orm(default_value = 0)]
    pub depth: i64,
} [Up = "Entity", "Column::Up", "Column::Id", "Cascade"]);

async fn uuid_keys_in_a_tree(db: TestDb) {
    use sea_orm::ActiveValue::Set;
    let case = Case::new(tables![uuid]);
    case.create(&db, true, false).await;
    let id = |n: u128| sea_orm::prelude::Uuid::from_u128(n * 0x1234_5678_9abc_def0_0000);
    for n in 1..=10 {
        let up = (n % 5 != 1).then(|| id(n - 1));
        let row = uuid::ActiveModel { id: Set(id(n)), up: Set(up), depth: Set(0) };
        uuid::Entity::insert(row).exec_without_returning(&db.conn).await.unwrap();
    }
    let deletion = case.graph().delete_keys(uuid::Entity, [id(7)]);
    let preview = deletion.preview(&db.conn).await.unwrap();
    assert_eq!(deletion.execute(&db.conn).await.unwrap().to_string(), "deleted uuids 4");
    assert_eq!(preview.outcome().rows_deleted(), 4);
    let left = uuid::Entity::find().all(&db.conn).await.unwrap();
    assert_eq!(left.len(), 6);
    assert!(left.iter().all(|row| row.id <= id(6)));
}

async fn at_most_and_expecting_in_a_tree(db: TestDb) {
    let case = Case::new(tables![tree, product])
        .rows("nodes", "(1, NULL), (2, 1), (3, 2), (4, NULL), (5, 4)")
        .rows("products", "(10, 3), (11, 3)");
    case.create(&db, true, false).await;
    let deletion = case.graph().delete_keys(tree::Entity, [1]);
    let error = deletion.clone().at_most(4).execute(&db.conn).await.unwrap_err();
    assert!(error.is_too_many_rows(), "{error:?}");
    let preview = deletion.preview(&db.conn).await.unwrap();
    assert_eq!(
        preview.to_string(),
        "nodes: 1 row to delete\n\
         ├─ nodes.up CASCADE: 2 rows to delete\n\
         └─ products.node CASCADE: 2 rows to delete\n\
         total: 5 rows deleted, 0 changed"
    );
    // Another root, below which there is as much.
    let other = case.graph().delete_keys(tree::Entity, [4]);
    assert!(other.expecting(&preview).execute(&db.conn).await.unwrap_err().is_changed());
    db.sql("INSERT INTO nodes (id, up) VALUES (6, 3)").await;
    let error = deletion.clone().expecting(&preview).execute(&db.conn).await.unwrap_err();
    assert!(error.is_changed(), "{error:?}");
    assert_eq!(case.state(&db.conn).await, "nodes(1:- 2:1 3:2 4:- 5:4 6:3) products(10:3 11:3)");
    db.sql("DELETE FROM nodes WHERE id = 6").await;
    deletion.at_most(5).expecting(&preview).execute(&db.conn).await.unwrap();
    assert_eq!(case.state(&db.conn).await, "nodes(4:- 5:4) products()");
}

mod dense {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "staff")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub boss_id: Option<i64>,
        pub mentor_id: Option<i64>,
        #[sea_orm(self_ref, relation_enum = "Boss", from = "boss_id", to = "id", on_delete = "Cascade")]
        pub boss: HasOne<Entity>,
        #[sea_orm(self_ref, relation_enum = "Mentor", from = "mentor_id", to = "id", on_delete = "SetNull")]
        pub mentor: HasOne<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn a_self_reference_of_the_dense_format(db: TestDb) {
    let case = Case::new(tables![dense]).rows("staff", "(1, NULL, 4), (2, 1, 1), (3, 2, NULL), (4, NULL, 3)");
    assert_eq!(
        format!("{:?}", case.graph()),
        r#"["staff.boss_id -> staff CASCADE", "staff.mentor_id -> staff SET NULL"]"#
    );
    case.delete(dense::Entity, &[1])
        .outcome("deleted staff 3; changed staff.mentor_id 1 (SET NULL)", "staff(4:-:-)")
        .run(&db)
        .await;
}
