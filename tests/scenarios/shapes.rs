//! R2, R9: keys of every shape.

use sea_orm::entity::prelude::Uuid;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::support::{By, Case, Kind, TestDb};
use crate::{entity, entity_with_key, tables, tests};

tests![
    composite_keys,
    a_key_to_a_unique_column,
    a_primary_key_that_is_the_foreign_key,
    many_to_many,
    followers,
    one_to_one,
    quoted_and_reserved_names,
    renamed_columns,
    text_keys,
    uuid_keys,
    a_text_default_of_a_uuid_key,
    composite_uuid_keys,
    keys_that_no_row_can_have,
    enum_keys,
    narrow_and_unsigned_keys,
    bytes_keys,
    date_keys,
    a_named_schema,
];

entity_with_key!(order_ "orders" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
} []);
entity!(line "lines" { pub tenant: Option<i32>, pub number: Option<i32>, } [
    Order = "super::order_::Entity", "(Column::Tenant, Column::Number)",
    "(super::order_::Column::Tenant, super::order_::Column::Number)", "Cascade"
]);
entity!(note "notes" { pub tenant: Option<i32>, pub number: Option<i32>, } [
    Order = "super::order_::Entity", "(Column::Tenant, Column::Number)",
    "(super::order_::Column::Tenant, super::order_::Column::Number)", "SetNull"
]);
entity!(below_line "below" { pub l: i64, } [L = "super::line::Entity", "Column::L", "super::line::Column::Id", "Cascade"]);

// S25
async fn composite_keys(db: TestDb) {
    Case::new(tables![order_, line, note, below_line])
        .rows("orders", "(1, 1), (1, 2), (2, 1)")
        .rows("lines", "(1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 1, NULL), (5, NULL, 1), (6, 1, 1)")
        .rows("notes", "(1, 1, 1), (2, 1, 2), (3, NULL, 1)")
        .rows("below", "(1, 1), (2, 2)")
        .delete_by(|graph, by| match by {
            By::Key => graph.delete_keys(order_::Entity, [(1, 1)]),
            By::Filter => graph.delete(
                order_::Entity::find().filter(order_::Column::Tenant.eq(1)).filter(order_::Column::Number.eq(1)),
            ),
        })
        .outcome(
            "deleted orders 1, lines 2, below 1; changed notes.(tenant, number) 1 (SET NULL)",
            "orders(1:2 2:1) lines(2:1:2 3:2:1 4:1:- 5:-:1) notes(1:-:- 2:1:2 3:-:1) below(2:2)",
        )
        .run(&db)
        .await;
}

entity!(country "countries" {
    #[sea_orm(unique)]
    pub code: Option<String>,
} []);
entity!(city "cities" { pub country: Option<String>, } [
    Country = "super::country::Entity", "Column::Country", "super::country::Column::Code", "Cascade"
]);

// S26: the referenced column may be NULL, which nothing refers to.
async fn a_key_to_a_unique_column(db: TestDb) {
    let case = || {
        Case::new(tables![country, city])
            .rows("countries", "(1, 'de'), (2, 'fr'), (3, NULL)")
            .rows("cities", "(1, 'de'), (2, 'fr'), (3, NULL), (4, 'de')")
    };
    case()
        .delete(country::Entity, &[1])
        .outcome("deleted countries 1, cities 2", "countries(2:fr 3:-) cities(2:fr 3:-)")
        .run(&db)
        .await;
    case()
        .delete(country::Entity, &[3])
        .outcome("deleted countries 1", "countries(1:de 2:fr) cities(1:de 2:fr 3:- 4:de)")
        .run(&db)
        .await;
}

entity!(base "base" {} []);
entity!(child "child" {} [Base = "super::base::Entity", "Column::Id", "super::base::Column::Id", "Cascade"]);
entity!(grandchild "grandchild" {} [
    Child = "super::child::Entity", "Column::Id", "super::child::Column::Id", "Cascade"
]);

// S27
async fn a_primary_key_that_is_the_foreign_key(db: TestDb) {
    Case::new(tables![base, child, grandchild])
        .rows("base", "(1), (2)")
        .rows("child", "(1), (2)")
        .rows("grandchild", "(1), (2)")
        .delete(base::Entity, &[1])
        .outcome("deleted base 1, child 1, grandchild 1", "base(2) child(2) grandchild(2)")
        .run(&db)
        .await;
}

entity!(tag "tags" {} []);
entity_with_key!(base_tag "base_tags" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub base: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tag: i64,
} [
    Base = "super::base::Entity", "Column::Base", "super::base::Column::Id", "Cascade";
    Tag = "super::tag::Entity", "Column::Tag", "super::tag::Column::Id", "Cascade"
]);
entity!(vote "votes" { pub base: i64, pub tag: i64, } [
    BaseTag = "super::base_tag::Entity", "(Column::Base, Column::Tag)",
    "(super::base_tag::Column::Base, super::base_tag::Column::Tag)", "Cascade"
]);

// S28
async fn many_to_many(db: TestDb) {
    let case = || {
        Case::new(tables![base, tag, base_tag, vote])
            .rows("base", "(1), (2)")
            .rows("tags", "(1), (2)")
            .rows("base_tags", "(1, 1), (1, 2), (2, 1)")
            .rows("votes", "(1, 1, 1), (2, 1, 2), (3, 2, 1)")
    };
    case()
        .delete(base::Entity, &[1])
        .outcome("deleted base 1, base_tags 2, votes 2", "base(2) tags(1 2) base_tags(2:1) votes(3:2:1)")
        .run(&db)
        .await;
    case()
        .delete(tag::Entity, &[1])
        .outcome("deleted tags 1, base_tags 2, votes 2", "base(1 2) tags(2) base_tags(1:2) votes(2:1:2)")
        .run(&db)
        .await;
}

entity_with_key!(follow "follows" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub follower: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub followee: i64,
} [
    Follower = "super::base::Entity", "Column::Follower", "super::base::Column::Id", "Cascade";
    Followee = "super::base::Entity", "Column::Followee", "super::base::Column::Id", "Cascade"
]);

async fn followers(db: TestDb) {
    Case::new(tables![base, follow])
        .rows("base", "(1), (2), (3)")
        .rows("follows", "(1, 2), (2, 1), (1, 1), (2, 3)")
        .delete(base::Entity, &[1])
        .outcome("deleted base 1, follows 3", "base(2 3) follows(2:3)")
        .run(&db)
        .await;
}

entity!(profile "profiles" {
    #[sea_orm(unique)]
    pub base: i64,
} [Base = "super::base::Entity", "Column::Base", "super::base::Column::Id", "Cascade"]);

// S29
async fn one_to_one(db: TestDb) {
    Case::new(tables![base, profile])
        .rows("base", "(1), (2)")
        .rows("profiles", "(7, 1), (8, 2)")
        .delete(base::Entity, &[1])
        .outcome("deleted base 1, profiles 1", "base(2) profiles(8:2)")
        .run(&db)
        .await;
}

entity!(reserved "order" {} []);
entity!(group "Group By" {
    #[sea_orm(column_name = "select")]
    pub order: i64,
} [Order = "super::reserved::Entity", "Column::Order", "super::reserved::Column::Id", "Cascade"]);
entity!(mixed "MixedCase" {
    #[sea_orm(column_name = "Group Id")]
    pub group: Option<i64>,
} [Group = "super::group::Entity", "Column::Group", "super::group::Column::Id", "SetNull"]);

// S31
async fn quoted_and_reserved_names(db: TestDb) {
    Case::new(tables![reserved, group, mixed])
        .rows("order", "(1), (2)")
        .rows("Group By", "(1, 1), (2, 2)")
        .rows("MixedCase", "(1, 1), (2, 2)")
        .delete(reserved::Entity, &[1])
        .outcome(
            "deleted order 1, Group By 1; changed MixedCase.Group Id 1 (SET NULL)",
            "order(2) Group By(2:2) MixedCase(1:- 2:2)",
        )
        .run(&db)
        .await;
}

entity_with_key!(renamed "renamed" {
    #[sea_orm(primary_key, auto_increment = false, column_name = "the_key")]
    pub id: i64,
} []);
entity!(renamed_child "renamed_child" {
    #[sea_orm(column_name = "the parent")]
    pub parent: i64,
} [Parent = "super::renamed::Entity", "Column::Parent", "super::renamed::Column::Id", "Cascade"]);

async fn renamed_columns(db: TestDb) {
    Case::new(tables![renamed, renamed_child])
        .rows("renamed", "(1), (2)")
        .rows("renamed_child", "(1, 1), (2, 2)")
        .delete(renamed::Entity, &[1])
        .outcome("deleted renamed 1, renamed_child 1", "renamed(2) renamed_child(2:2)")
        .run(&db)
        .await;
}

entity_with_key!(text "text_keys" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
} []);
entity!(text_child "text_children" { pub code: String, } [
    Text = "super::text::Entity", "Column::Code", "super::text::Column::Code", "Cascade"
]);
entity!(text_grandchild "text_grandchildren" { pub child: i64, } [
    Child = "super::text_child::Entity", "Column::Child", "super::text_child::Column::Id", "Cascade"
]);

async fn text_keys(db: TestDb) {
    Case::new(tables![text, text_child, text_grandchild])
        .rows("text_keys", r#"('it''s "x" \\ %_'), ('é'), ('')"#)
        .rows("text_children", r#"(1, 'it''s "x" \\ %_'), (2, 'é'), (3, '')"#)
        .rows("text_grandchildren", "(1, 1), (2, 2)")
        .delete_by(|graph, by| match by {
            By::Key => graph.delete_keys(text::Entity, ["é".to_owned(), String::new()]),
            By::Filter => graph.delete(text::Entity::find().filter(text::Column::Code.is_in(["é", ""]))),
        })
        .outcome_on(
            "deleted text_keys 2, text_children 2, text_grandchildren 1",
            // MySQL and MariaDB read the backslash as an escape.
            |kind| match kind {
                Kind::MariaDb | Kind::MySql => {
                    r#"text_keys(it's "x" \ %_) text_children(1:it's "x" \ %_) text_grandchildren(1:1)"#
                }
                _ => r#"text_keys(it's "x" \\ %_) text_children(1:it's "x" \\ %_) text_grandchildren(1:1)"#,
            },
        )
        .run(&db)
        .await;
}

entity_with_key!(uuid "uuid_keys" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
} []);
entity!(uuid_child "uuid_children" { pub parent: Uuid, } [
    Parent = "super::uuid::Entity", "Column::Parent", "super::uuid::Column::Id", "Cascade"
]);
entity!(uuid_grandchild "uuid_grandchildren" { pub child: Option<i64>, } [
    Child = "super::uuid_child::Entity", "Column::Child", "super::uuid_child::Column::Id", "SetNull"
]);

async fn uuid_keys(db: TestDb) {
    let case = Case::new(tables![uuid, uuid_child, uuid_grandchild]);
    for constrained in [true, false] {
        case.create(&db, constrained, false).await;
        for n in 1..=3 {
            let id = Uuid::from_u128(n);
            let parent = uuid::ActiveModel { id: sea_orm::Set(id) };
            uuid::Entity::insert(parent).exec_without_returning(&db.conn).await.unwrap();
            let n = i64::try_from(n).unwrap();
            let child = uuid_child::ActiveModel { id: sea_orm::Set(n), parent: sea_orm::Set(id) };
            uuid_child::Entity::insert(child).exec_without_returning(&db.conn).await.unwrap();
            db.sql(&format!("INSERT INTO uuid_grandchildren VALUES ({n}, {n})")).await;
        }
        let graph = case.graph();
        let by_key = graph.delete_keys(uuid::Entity, [Uuid::from_u128(1), Uuid::from_u128(9)]);
        let outcome = by_key.execute(&db.conn).await.unwrap();
        assert_eq!(
            outcome.to_string(),
            "deleted uuid_keys 1, uuid_children 1; changed uuid_grandchildren.child 1 (SET NULL)"
        );
        let by_filter = graph.delete(uuid::Entity::find().filter(uuid::Column::Id.eq(Uuid::from_u128(2))));
        assert_eq!(by_filter.execute(&db.conn).await.unwrap().rows_deleted(), 2);
        assert_eq!(uuid::Entity::find().all(&db.conn).await.unwrap(), [uuid::Model { id: Uuid::from_u128(3) }]);
        assert_eq!(uuid_child::Entity::find().all(&db.conn).await.unwrap().len(), 1);
        case.drop(&db).await;
    }
}

entity!(ghosted "ghosted" {
    #[sea_orm(default_value = "00000000-0000-0000-0000-000000000000")]
    pub parent: Uuid,
} [Parent = "super::uuid::Entity", "Column::Parent", "super::uuid::Column::Id", "SetDefault"]);

// The default is written as text and stands for a UUID; where UUIDs are bytes it stands for none.
async fn a_text_default_of_a_uuid_key(db: TestDb) {
    let case = Case::new(tables![uuid, ghosted]);
    case.create(&db, false, false).await;
    for id in [0, 1] {
        let parent = uuid::ActiveModel { id: sea_orm::Set(Uuid::from_u128(id)) };
        uuid::Entity::insert(parent).exec_without_returning(&db.conn).await.unwrap();
    }
    let child = ghosted::ActiveModel { id: sea_orm::Set(1), parent: sea_orm::Set(Uuid::from_u128(1)) };
    ghosted::Entity::insert(child).exec_without_returning(&db.conn).await.unwrap();
    let result = case.graph().delete_keys(uuid::Entity, [Uuid::from_u128(1)]).execute(&db.conn).await;
    if db.kind() == Kind::Postgres {
        assert_eq!(result.unwrap().to_string(), "deleted uuid_keys 1; changed ghosted.parent 1 (SET DEFAULT)");
        let child = ghosted::Entity::find().one(&db.conn).await.unwrap().unwrap();
        assert_eq!(child.parent, Uuid::nil());
    } else {
        assert!(result.unwrap_err().is_blocked());
    }
}

entity_with_key!(pair "pairs" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
} []);
entity!(pair_child "pair_children" { pub tenant: Uuid, pub number: i64, } [
    Pair = "super::pair::Entity", "(Column::Tenant, Column::Number)",
    "(super::pair::Column::Tenant, super::pair::Column::Number)", "Cascade"
]);

// Keys that only the caller's values bind come in lists, also where there are no lists of rows; a
// row that two of them name is counted once.
async fn composite_uuid_keys(db: TestDb) {
    let case = Case::new(tables![pair, pair_child]);
    case.create(&db, true, false).await;
    let tenant = Uuid::from_u128(7);
    let pairs =
        (0..1_200).map(|number| pair::ActiveModel { tenant: sea_orm::Set(tenant), number: sea_orm::Set(number) });
    pair::Entity::insert_many(pairs).exec_without_returning(&db.conn).await.unwrap();
    let children = (0..1_200).map(|number| pair_child::ActiveModel {
        id: sea_orm::Set(number),
        tenant: sea_orm::Set(tenant),
        number: sea_orm::Set(number),
    });
    pair_child::Entity::insert_many(children).exec_without_returning(&db.conn).await.unwrap();
    let keys = (0..1_100).chain([0, 1]).map(|number| (tenant, number));
    let deletion = case.graph().delete_keys(pair::Entity, keys);
    let preview = deletion.preview(&db.conn).await.unwrap();
    let outcome = deletion.execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted pairs 1100, pair_children 1100");
    assert_eq!(preview.outcome(), &outcome);
}

entity_with_key!(big "big" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: u64,
} []);

async fn keys_that_no_row_can_have(db: TestDb) {
    let case = Case::new(tables![big]);
    case.create(&db, true, false).await;
    db.sql("INSERT INTO big VALUES (7)").await;
    let deletion = case.graph().delete_keys(big::Entity, [u64::MAX, 7]);
    assert_eq!(deletion.execute(&db.conn).await.unwrap().to_string(), "deleted big 1");
}

mod color {
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "colour_kind")]
    pub enum Color {
        #[sea_orm(string_value = "red")]
        Red,
        #[sea_orm(string_value = "dark blue")]
        DarkBlue,
    }
}
use color::Color;

entity_with_key!(paint "paints" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub color: super::Color,
} []);
entity!(wall "walls" { pub color: super::Color, } [
    Paint = "super::paint::Entity", "Column::Color", "super::paint::Column::Color", "Cascade"
]);
entity!(fence "fences" {
    #[sea_orm(default_value = "dark blue")]
    pub color: super::Color,
} [Paint = "super::paint::Entity", "Column::Color", "super::paint::Column::Color", "SetDefault"]);

async fn enum_keys(db: TestDb) {
    let case = Case::new(tables![paint, wall, fence]);
    if db.kind() == Kind::Postgres {
        db.sql("CREATE TYPE colour_kind AS ENUM ('red', 'dark blue')").await;
    }
    case.rows("paints", "('red'), ('dark blue')")
        .rows("walls", "(1, 'red'), (2, 'dark blue')")
        .rows("fences", "(1, 'red')")
        .delete_by(|graph, by| match by {
            By::Key => graph.delete_keys(paint::Entity, [Color::Red]),
            By::Filter => graph.delete(paint::Entity::find().filter(paint::Column::Color.eq(Color::Red))),
        })
        .outcome(
            "deleted paints 1, walls 1; changed fences.color 1 (SET DEFAULT)",
            "paints(dark blue) walls(2:dark blue) fences(1:dark blue)",
        )
        .run(&db)
        .await;
}

entity_with_key!(narrow "narrow" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub small: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub unsigned: u32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub flag: bool,
} []);
entity!(narrow_child "narrow_children" { pub small: i16, pub unsigned: u32, pub flag: bool, } [
    Narrow = "super::narrow::Entity", "(Column::Small, Column::Unsigned, Column::Flag)",
    "(super::narrow::Column::Small, super::narrow::Column::Unsigned, super::narrow::Column::Flag)", "Cascade"
]);

async fn narrow_and_unsigned_keys(db: TestDb) {
    let case = Case::new(tables![narrow, narrow_child]);
    case.create(&db, true, false).await;
    for (n, flag) in [(1, true), (2, false)] {
        let key = (-1, u32::MAX, flag);
        let parent = narrow::ActiveModel {
            small: sea_orm::Set(key.0),
            unsigned: sea_orm::Set(key.1),
            flag: sea_orm::Set(key.2),
        };
        narrow::Entity::insert(parent).exec_without_returning(&db.conn).await.unwrap();
        let child = narrow_child::ActiveModel {
            id: sea_orm::Set(n),
            small: sea_orm::Set(key.0),
            unsigned: sea_orm::Set(key.1),
            flag: sea_orm::Set(key.2),
        };
        narrow_child::Entity::insert(child).exec_without_returning(&db.conn).await.unwrap();
    }
    let graph = case.graph();
    let by_key = graph.delete_keys(narrow::Entity, [(-1, u32::MAX, true), (0, 0, true)]);
    assert_eq!(by_key.execute(&db.conn).await.unwrap().to_string(), "deleted narrow 1, narrow_children 1");
    let by_filter = graph.delete(narrow::Entity::find());
    assert_eq!(by_filter.execute(&db.conn).await.unwrap().to_string(), "deleted narrow 1, narrow_children 1");
}

entity_with_key!(bytes "bytes_keys" {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(16))")]
    pub id: Vec<u8>,
} []);
entity!(bytes_child "bytes_children" {
    #[sea_orm(column_type = "VarBinary(StringLen::N(16))")]
    pub parent: Vec<u8>,
} [Parent = "super::bytes::Entity", "Column::Parent", "super::bytes::Column::Id", "Restrict"]);

async fn bytes_keys(db: TestDb) {
    let case = Case::new(tables![bytes, bytes_child]);
    case.create(&db, true, false).await;
    for id in [vec![0, 39, 255], vec![0, 39]] {
        let parent = bytes::ActiveModel { id: sea_orm::Set(id) };
        bytes::Entity::insert(parent).exec_without_returning(&db.conn).await.unwrap();
    }
    let child = bytes_child::ActiveModel { id: sea_orm::Set(1), parent: sea_orm::Set(vec![0, 39, 255]) };
    bytes_child::Entity::insert(child).exec_without_returning(&db.conn).await.unwrap();
    let deletion = case.graph().delete_keys(bytes::Entity, [vec![0, 39]]);
    assert_eq!(deletion.execute(&db.conn).await.unwrap().to_string(), "deleted bytes_keys 1");
    let error = case.graph().delete(bytes::Entity::find()).execute(&db.conn).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the delete is refused: 1 row of bytes_children references it through bytes_children.parent (RESTRICT), keys 1, \
         path bytes_keys > bytes_children"
    );
}

entity_with_key!(day "days" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: Date,
} []);
entity!(event "events" { pub day: Date, } [
    Day = "super::day::Entity", "Column::Day", "super::day::Column::Day", "Cascade"
]);

async fn date_keys(db: TestDb) {
    Case::new(tables![day, event])
        .rows("days", "('2026-02-28'), ('2026-03-01')")
        .rows("events", "(1, '2026-02-28'), (2, '2026-03-01')")
        .delete_by(|graph, by| {
            let day: sea_orm::prelude::Date = "2026-02-28".parse().unwrap();
            match by {
                By::Key => graph.delete_keys(day::Entity, [day]),
                By::Filter => graph.delete(day::Entity::find().filter(day::Column::Day.eq(day))),
            }
        })
        .outcome("deleted days 1, events 1", "days(2026-03-01) events(2:2026-03-01)")
        .run(&db)
        .await;
}

mod warehouse {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "shop", table_name = "base")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod shelf {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "shop", table_name = "shelves")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub warehouse: i64,
        pub base: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::warehouse::Entity",
            from = "Column::Warehouse",
            to = "super::warehouse::Column::Id",
            on_delete = "Cascade"
        )]
        Warehouse,
        #[sea_orm(
            belongs_to = "super::base::Entity",
            from = "Column::Base",
            to = "super::base::Column::Id",
            on_delete = "SetNull"
        )]
        Base,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

// A table of the same name in another schema is another table.
async fn a_named_schema(db: TestDb) {
    db.sql("CREATE SCHEMA shop").await;
    let case = || {
        Case::new(tables![base, warehouse, shelf])
            .rows("base", "(1), (2)")
            .rows("shop.base", "(1), (2)")
            .rows("shop.shelves", "(1, 1, 1), (2, 2, 1)")
    };
    case()
        .delete(warehouse::Entity, &[1])
        .outcome("deleted shop.base 1, shop.shelves 1", "base(1 2) shop.base(2) shop.shelves(2:2:1)")
        .run(&db)
        .await;
    case()
        .delete(base::Entity, &[1])
        .outcome(
            "deleted base 1; changed shop.shelves.base 2 (SET NULL)",
            "base(2) shop.base(1 2) shop.shelves(1:1:- 2:2:-)",
        )
        .run(&db)
        .await;
}
