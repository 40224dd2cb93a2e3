//! What `build()` refuses, each by name (R1, R2, R3, R12), and what it takes.

use sea_orm_cascade::{Action, ErrorKind, Fault, Graph};

use crate::support::TestDb;
use crate::{entity, entity_with_key, tests};

tests![
    set_null_on_a_key_that_cannot_be_null,
    set_null_on_a_part_of_the_primary_key,
    set_null_on_a_column_that_is_referred_to,
    set_default_without_a_default,
    two_changing_keys_over_one_column,
    a_default_that_changes_another_key,
    ends_of_different_types,
    one_key_with_two_actions,
    the_same_key_twice_is_one,
    two_entities_on_one_table,
    an_entity_registered_twice,
    children_that_are_not_registered,
    children_left_to_the_database,
    a_has_many_that_disagrees,
    a_conditional_belongs_to,
    a_conditional_has_many_is_a_view,
    cycles,
    floats_are_no_keys,
    every_fault_is_reported,
    the_dense_format,
    nothing_stated_is_no_action,
];

fn faults(graph: Result<Graph, sea_orm_cascade::Error>) -> Vec<String> {
    match graph.expect_err("the declarations cannot work").into_kind() {
        ErrorKind::Invalid(faults) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

entity!(a "a" {} []);

entity!(not_null "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "SetNull"]);

// S4
async fn set_null_on_a_key_that_cannot_be_null(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(not_null::Entity).build();
    assert_eq!(faults(graph), ["b.a is declared ON DELETE SET NULL, but it is NOT NULL"]);
}

entity!(own_key "b" {} [A = "super::a::Entity", "Column::Id", "super::a::Column::Id", "SetNull"]);

async fn set_null_on_a_part_of_the_primary_key(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(own_key::Entity).build();
    assert_eq!(faults(graph), ["b.id is declared ON DELETE SET NULL, but it is part of the primary key"]);
}

entity!(referred "b" { #[sea_orm(unique)] pub a: Option<i64>, } [
    A = "super::a::Entity", "Column::A", "super::a::Column::Id", "SetNull"
]);
entity!(referring "c" { pub b: Option<i64>, } [
    B = "super::referred::Entity", "Column::B", "super::referred::Column::A", "Cascade"
]);

async fn set_null_on_a_column_that_is_referred_to(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(referred::Entity).entity(referring::Entity).build();
    assert_eq!(faults(graph), ["b.a is declared ON DELETE SET NULL, but another registered foreign key references it"]);
}

entity!(no_default "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "SetDefault"]);

async fn set_default_without_a_default(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(no_default::Entity).build();
    assert_eq!(faults(graph), ["b.a is declared ON DELETE SET DEFAULT, but it is NOT NULL and has no default"]);
}

entity_with_key!(tenanted "t" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
} []);
entity!(overlapping "b" { pub tenant: Option<i64>, pub x: Option<i64>, pub y: Option<i64>, } [
    X = "super::tenanted::Entity", "(Column::Tenant, Column::X)",
    "(super::tenanted::Column::Tenant, super::tenanted::Column::Number)", "SetNull";
    Y = "super::tenanted::Entity", "(Column::Tenant, Column::Y)",
    "(super::tenanted::Column::Tenant, super::tenanted::Column::Number)", "SetNull"
]);

async fn two_changing_keys_over_one_column(_: TestDb) {
    let graph = Graph::builder().entity(tenanted::Entity).entity(overlapping::Entity).build();
    assert_eq!(faults(graph), ["b.tenant is declared ON DELETE SET NULL, but another key of the table shares it"]);
}

entity!(default_overlapping "b" {
    #[sea_orm(default_value = 1)]
    pub tenant: i64,
    #[sea_orm(default_value = 1)]
    pub x: i64,
    pub y: Option<i64>,
} [
    X = "super::tenanted::Entity", "(Column::Tenant, Column::X)",
    "(super::tenanted::Column::Tenant, super::tenanted::Column::Number)", "SetDefault";
    Y = "super::tenanted::Entity", "(Column::Tenant, Column::Y)",
    "(super::tenanted::Column::Tenant, super::tenanted::Column::Number)", "NoAction"
]);

async fn a_default_that_changes_another_key(_: TestDb) {
    let graph = Graph::builder().entity(tenanted::Entity).entity(default_overlapping::Entity).build();
    assert_eq!(faults(graph), ["b.tenant is declared ON DELETE SET DEFAULT, but another key of the table shares it"]);
}

entity!(text_key "b" { pub a: String, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);

async fn ends_of_different_types(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(text_key::Entity).build();
    assert_eq!(faults(graph), ["b.a refers to columns of other types in a, which databases compare differently"]);
}

entity!(disagreeing "b" { pub a: i64, } [
    One = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade";
    Two = "super::a::Entity", "Column::A", "super::a::Column::Id", "Restrict"
]);
entity!(agreeing "b" { pub a: i64, } [
    One = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade";
    Two = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"
]);

async fn one_key_with_two_actions(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(disagreeing::Entity).build();
    assert_eq!(faults(graph), ["b.a is declared with CASCADE and with RESTRICT; state one action"]);
}

async fn the_same_key_twice_is_one(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(agreeing::Entity).build().unwrap();
    assert_eq!(format!("{graph:?}"), r#"["b.a -> a CASCADE"]"#);
}

async fn two_entities_on_one_table(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(agreeing::Entity).entity(own_key::Entity).build();
    let [fault] = &faults(graph)[..] else { panic!("one fault") };
    assert!(
        fault.starts_with("table b is registered by two entities, all::declarations::agreeing::Entity and"),
        "{fault}"
    );
}

async fn an_entity_registered_twice(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(a::Entity).build().unwrap();
    assert_eq!(graph.tables().collect::<Vec<_>>(), ["a"]);
}

/// A compact parent with `has_many` relations.
macro_rules! parent {
    ($module:ident { $($(#[$relation:meta])* $name:ident),* $(,)? }) => {
        mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = "parent")]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i64,
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {
                $($(#[$relation])* $name),*
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

parent!(parent {
    #[sea_orm(has_many = "super::child::Entity")]
    Child,
});
entity!(child "child" { pub parent: i64, } [
    Parent = "super::parent::Entity", "Column::Parent", "super::parent::Column::Id", "Cascade"
]);
impl sea_orm::Related<parent::Entity> for child::Entity {
    fn to() -> sea_orm::RelationDef {
        sea_orm::RelationTrait::def(&child::Relation::Parent)
    }
}

async fn children_that_are_not_registered(_: TestDb) {
    let graph = Graph::builder().entity(parent::Entity).build();
    assert_eq!(
        faults(graph),
        [
            "parent has children in child (relation Child), which is not registered; register its entity, or name it with \
          `leave_to_database`"
        ]
    );
}

async fn children_left_to_the_database(_: TestDb) {
    let graph = Graph::builder().entity(parent::Entity).leave_to_database(child::Entity).build().unwrap();
    assert_eq!(graph.tables().collect::<Vec<_>>(), ["parent"]);
}

parent!(strict {
    #[sea_orm(has_many = "super::of_strict::Entity", on_delete = "Restrict")]
    Child,
});
entity!(of_strict "child" { pub parent: i64, } [
    Parent = "super::strict::Entity", "Column::Parent", "super::strict::Column::Id", "Cascade"
]);
impl sea_orm::Related<strict::Entity> for of_strict::Entity {
    fn to() -> sea_orm::RelationDef {
        sea_orm::RelationTrait::def(&of_strict::Relation::Parent)
    }
}

async fn a_has_many_that_disagrees(_: TestDb) {
    let graph = Graph::builder().entity(strict::Entity).entity(of_strict::Entity).build();
    assert_eq!(faults(graph), ["child.parent is declared with CASCADE and with RESTRICT; state one action"]);
}

mod conditional {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "child")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub parent: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::a::Entity",
            from = "Column::Parent",
            to = "super::a::Column::Id",
            on_condition = r#"Column::Id.gt(7)"#
        )]
        Parent,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn a_conditional_belongs_to(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(conditional::Entity).build();
    assert_eq!(
        faults(graph),
        ["relation Parent of child has a condition of its own, so it is no foreign key; name child with \
             `leave_to_database`, and delete those rows yourself (a key without the condition would delete rows that belong \
             to others too)"]
    );
}

parent!(viewed {
    #[sea_orm(has_many = "super::of_viewed::Entity")]
    All,
    #[sea_orm(has_many = "super::of_viewed::Entity", on_condition = r#"super::of_viewed::Column::Id.gt(7)"#)]
    New,
});
entity!(of_viewed "child" { pub parent: i64, } [
    Parent = "super::viewed::Entity", "Column::Parent", "super::viewed::Column::Id", "Cascade"
]);
impl sea_orm::Related<viewed::Entity> for of_viewed::Entity {
    fn to() -> sea_orm::RelationDef {
        sea_orm::RelationTrait::def(&of_viewed::Relation::Parent)
    }
}

// It shows some of the children; the key is the child's and has no condition.
async fn a_conditional_has_many_is_a_view(_: TestDb) {
    let graph = Graph::builder().entity(viewed::Entity).entity(of_viewed::Entity).build().unwrap();
    assert_eq!(format!("{graph:?}"), r#"["child.parent -> parent CASCADE"]"#);
}

entity!(tree "tree" { pub up: Option<i64>, } [Up = "Entity", "Column::Up", "Column::Id", "Cascade"]);
entity!(x "x" { pub y: i64, } [Y = "super::y::Entity", "Column::Y", "super::y::Column::Id", "Cascade"]);
entity!(y "y" { pub x: Option<i64>, } [X = "super::x::Entity", "Column::X", "super::x::Column::Id", "SetNull"]);

async fn cycles(_: TestDb) {
    let graph = Graph::builder().entity(x::Entity).entity(y::Entity).entity(tree::Entity).build().unwrap();
    let rules = r#"["x.y -> y CASCADE", "y.x -> x SET NULL", "tree.up -> tree CASCADE"]"#;
    assert_eq!(format!("{graph:?}"), rules);
}

mod float {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "float")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: f64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

async fn floats_are_no_keys(_: TestDb) {
    let graph = Graph::builder().entity(float::Entity).build();
    assert_eq!(faults(graph), ["float.id has a type without a reliable equality and cannot be a key"]);
}

async fn every_fault_is_reported(_: TestDb) {
    let graph = Graph::builder().entity(a::Entity).entity(not_null::Entity).entity(float::Entity).build();
    let error = graph.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the declarations are invalid: float.id has a type without a reliable equality and cannot be a key; \
         b.a is declared ON DELETE SET NULL, but it is NOT NULL"
    );
    let ErrorKind::Invalid(faults) = error.kind() else { panic!("{error:?}") };
    assert!(matches!(&faults[1], Fault::KeyCannotChange { action: Action::SetNull, table, .. } if table == "b"));
    assert!(matches!(&faults[0], Fault::KeyNotComparable { table, .. } if table == "float"));
}

/// The dense format in all its forms: two keys to one parent, a composite key, no constraint, many to many.
mod dense {
    pub(super) mod user {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "users")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i64,
            #[sea_orm(has_many, via = "user_group")]
            pub groups: HasMany<super::group::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub(super) mod group {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "groups")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i64,
            #[sea_orm(has_many, via = "user_group")]
            pub users: HasMany<super::user::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub(super) mod user_group {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "user_groups")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub user_id: i64,
            #[sea_orm(primary_key, auto_increment = false)]
            pub group_id: i64,
            #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "Cascade")]
            pub user: BelongsTo<super::user::Entity>,
            #[sea_orm(belongs_to, from = "group_id", to = "id", on_delete = "Restrict")]
            pub group: BelongsTo<super::group::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub(super) mod vote {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "votes")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i64,
            pub user_id: i64,
            pub group_id: i64,
            pub author: i64,
            pub reviewer: Option<i64>,
            #[sea_orm(
                belongs_to,
                relation_enum = "Member",
                from = "(user_id, group_id)",
                to = "(user_id, group_id)",
                on_delete = "NoAction",
                skip_fk
            )]
            pub member: BelongsTo<super::user_group::Entity>,
            #[sea_orm(belongs_to, relation_enum = "Author", from = "author", to = "id", on_delete = "Cascade")]
            pub by: BelongsTo<super::user::Entity>,
            #[sea_orm(belongs_to, relation_enum = "Reviewer", from = "reviewer", to = "id", on_delete = "SetNull")]
            pub reviewed_by: BelongsTo<Option<super::user::Entity>>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

async fn the_dense_format(_: TestDb) {
    let graph = Graph::builder()
        .entity(dense::user::Entity)
        .entity(dense::group::Entity)
        .entity(dense::user_group::Entity)
        .entity(dense::vote::Entity)
        .build()
        .unwrap();
    assert_eq!(
        format!("{graph:#?}"),
        r#"[
    "user_groups.user_id -> users CASCADE",
    "user_groups.group_id -> groups RESTRICT",
    "votes.(user_id, group_id) -> user_groups NO ACTION",
    "votes.author -> users CASCADE",
    "votes.reviewer -> users SET NULL",
]"#
    );
}

mod silent {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "silent")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub a: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::a::Entity", from = "Column::A", to = "super::a::Column::Id")]
        A,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn nothing_stated_is_no_action(_: TestDb) {
    let graph = Graph::builder().entity(silent::Entity).entity(a::Entity).build().unwrap();
    assert_eq!(format!("{graph:?}"), r#"["silent.a -> a NO ACTION"]"#);
}
