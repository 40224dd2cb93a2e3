//! What `build()` refuses, each by name (R1, R2, R3, R12), and what it takes.

use sea_orm_cascade::entity::{item, store};
use sea_orm_cascade::{Action, ErrorKind, Fault, FindingKind, Graph, GraphBuilder};

use crate::support::{Kind, TestDb};
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
    a_belongs_to_that_is_no_key_is_refused_and_left_out,
    an_action_stated_beside_the_entities,
    a_relation_of_no_registered_entity,
    relations_that_lead_to_each_other_without_end,
    a_wrong_belongs_to_is_one_fault,
    tables_without_entities,
    many_entities_at_once,
    a_tree_ends_where_nothing_is_deleted,
    actions_of_the_database,
    constraints_that_are_missing_or_disagree,
    a_graph_with_faults_is_drawn,
    an_audit_without_the_key_that_cannot_be_compared,
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
    assert_eq!(faults(graph), ["b.a references columns of other types in a, which databases compare differently"]);
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
        "the declarations are invalid:\n- float.id has a type without a reliable equality and cannot be a key\n\
         - b.a is declared ON DELETE SET NULL, but it is NOT NULL"
    );
    let ErrorKind::Invalid(faults) = error.kind() else { panic!("{error:?}") };
    assert!(matches!(&faults[1], Fault::KeyCannotChange { action: Action::SetNull, table, .. } if table == "b"));
    assert!(matches!(&faults[0], Fault::KeyNotComparable { table, .. } if table == "float"));
}

/// The dense format in all its forms: two keys to one parent, a composite key, no constraint, many
/// to many.
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

entity!(named "named" { pub name: String, #[sea_orm(unique)] pub code: String,
    #[sea_orm(unique_key = "pair")] pub x: i64, #[sea_orm(unique_key = "pair")] pub y: i64, } []);
entity!(by_name "by_name" { pub name: String, } [
    Named = "super::named::Entity", "Column::Name", "super::named::Column::Name", "Cascade"
]);
entity!(by_code "by_code" { pub code: String, } [
    Named = "super::named::Entity", "Column::Code", "super::named::Column::Code", "Cascade"
]);
entity!(by_pair "by_pair" { pub x: i64, pub y: i64, } [
    Named = "super::named::Entity", "(Column::X, Column::Y)", "(super::named::Column::X, super::named::Column::Y)",
    "Cascade"
]);
entity!(by_half "by_half" { pub x: i64, } [
    Named = "super::named::Entity", "Column::X", "super::named::Column::X", "Cascade"
]);

async fn a_belongs_to_that_is_no_key_is_refused_and_left_out(_: TestDb) {
    let builder = || Graph::builder().entity(named::Entity).entity(by_name::Entity).entity(by_half::Entity);
    assert_eq!(
        faults(builder().build()),
        [
            "relation Named of by_name leads to named.name, which is neither the primary key nor unique, so it is no \
             foreign key; leave it out with `.without(..)`, or declare the columns unique",
            "relation Named of by_half leads to named.x, which is neither the primary key nor unique, so it is no \
             foreign key; leave it out with `.without(..)`, or declare the columns unique",
        ]
    );
    let graph = builder().without(by_name::Relation::Named).without(by_half::Relation::Named).build().unwrap();
    assert_eq!(graph.rules().count(), 0);
    let unique = Graph::builder().entity(named::Entity).entity(by_code::Entity).entity(by_pair::Entity);
    assert_eq!(unique.build().unwrap().rules().count(), 2);
}

async fn an_action_stated_beside_the_entities(_: TestDb) {
    let builder = Graph::builder().entity(named::Entity).entity(by_code::Entity);
    let action = |graph: Graph| graph.rules().next().unwrap().action;
    assert_eq!(action(builder.clone().build().unwrap()), Action::Cascade);
    let restricted = builder.clone().on_delete(by_code::Relation::Named, Action::Restrict);
    assert_eq!(action(restricted.clone().build().unwrap()), Action::Restrict);
    let last = restricted.on_delete(by_code::Relation::Named, Action::NoAction);
    assert_eq!(action(last.build().unwrap()), Action::NoAction);
    let impossible = builder.on_delete(by_code::Relation::Named, Action::SetNull);
    assert_eq!(faults(impossible.build()), ["by_code.code is declared ON DELETE SET NULL, but it is NOT NULL"]);
    // The parent says CASCADE.
    let stores = Graph::builder().entity(store::Entity).entity(item::Entity);
    let kept = stores.on_delete(item::Relation::Store, Action::Restrict).build().unwrap();
    assert_eq!(action(kept), Action::Restrict);
}

async fn a_relation_of_no_registered_entity(_: TestDb) {
    let graph = Graph::builder().entity(named::Entity).without(by_name::Relation::Named).build();
    let [fault] = faults(graph).try_into().unwrap();
    assert!(fault.ends_with("is a relation of an entity that is not registered; register the entity"), "{fault}");
    assert!(fault.contains("by_name::Relation::Named"), "{fault}");
}

/// Two relations whose `def()` call each other, as SeaORM's own do where both sides say `has_one`.
mod endless {
    pub(crate) mod left {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "left")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i64,
        }

        #[derive(Copy, Clone, Debug, EnumIter)]
        pub enum Relation {
            Right,
        }

        impl RelationTrait for Relation {
            fn def(&self) -> RelationDef {
                super::right::Relation::Left.def().rev()
            }
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub(crate) mod right {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "right")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i64,
        }

        #[derive(Copy, Clone, Debug, EnumIter)]
        pub enum Relation {
            Left,
        }

        impl RelationTrait for Relation {
            fn def(&self) -> RelationDef {
                super::left::Relation::Right.def().rev()
            }
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

async fn relations_that_lead_to_each_other_without_end(db: TestDb) {
    use endless::{left, right};
    let builder = Graph::builder().entity(left::Entity).entity(right::Entity);
    let graph = builder.without(left::Relation::Right).without(right::Relation::Left).build().unwrap();
    assert_eq!(graph.rules().count(), 0);
    // Neither a request nor what creates a missing table calls them.
    let audit = graph.audit().run(&db.conn).await.unwrap();
    assert!(audit.to_string().contains("create the table left by hand"), "{audit}");
    db.sql("CREATE TABLE \"left\" (id BIGINT NOT NULL PRIMARY KEY)".to_owned().replace('"', quote(&db)).as_str()).await;
    graph.delete_keys(left::Entity, [1]).execute(&db.conn).await.unwrap();
}

fn quote(db: &TestDb) -> &'static str {
    if db.kind().speaks_mysql() { "`" } else { "\"" }
}

/// A parent, and a child whose key has another number of columns.
mod wrong {
    pub(crate) mod parent {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "parent")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i64,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {
            #[sea_orm(has_many = "super::child::Entity")]
            Child,
        }

        impl Related<super::child::Entity> for Entity {
            fn to() -> RelationDef {
                Relation::Child.def()
            }
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub(crate) mod child {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "child")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i64,
            pub parent: String,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {
            #[sea_orm(
                belongs_to = "super::parent::Entity",
                from = "Column::Parent",
                to = "super::parent::Column::Id",
                on_delete = "Cascade"
            )]
            Parent,
        }

        impl Related<super::parent::Entity> for Entity {
            fn to() -> RelationDef {
                Relation::Parent.def()
            }
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

async fn a_wrong_belongs_to_is_one_fault(_: TestDb) {
    let graph = Graph::builder().entity(wrong::parent::Entity).entity(wrong::child::Entity).build();
    assert_eq!(
        graph.unwrap_err().to_string(),
        "the declarations are invalid:\n- child.parent references columns of other types in parent, which databases \
         compare differently"
    );
}

async fn tables_without_entities(_: TestDb) {
    let graph = |table| Graph::builder().entity(store::Entity).leave_table_to_database(table);
    assert!(graph("items").build().is_ok());
    assert_eq!(faults(graph("shop.items").build()).len(), 1, "another table");
}

sea_orm_cascade::register_entities!(fn register in crate::declarations: [named, by_code, by_pair]);

async fn many_entities_at_once(_: TestDb) {
    let graph = register(Graph::builder()).build().unwrap();
    assert_eq!(graph.tables().collect::<Vec<_>>(), ["named", "by_code", "by_pair"]);
}

entity!(kept_child "kept_child" { pub named: Option<i64>, } [
    Named = "super::named::Entity", "Column::Named", "super::named::Column::Id", "SetNull"
]);
entity!(grandchild "grandchild" { pub child: i64, } [
    Child = "super::kept_child::Entity", "Column::Child", "super::kept_child::Column::Id", "Cascade"
]);

async fn a_tree_ends_where_nothing_is_deleted(_: TestDb) {
    let builder = Graph::builder().entity(named::Entity).entity(kept_child::Entity).entity(grandchild::Entity);
    assert_eq!(
        builder.build().unwrap().to_string(),
        "named\n└─ kept_child.named SET NULL\nkept_child\n└─ grandchild.child CASCADE"
    );
}

entity!(plain_child "plain_child" { pub named: Option<i64>, } [
    Named = "super::named::Entity", "Column::Named", "super::named::Column::Id", "NoAction"
]);
entity!(unheld_child "unheld_child" { pub named: Option<i64>, } [
    Named = "super::named::Entity", "Column::Named", "super::named::Column::Id", "SetNull", skip_fk
]);

async fn table(db: &TestDb, name: &str, constraints: &[&str]) {
    let constraints = constraints.iter().map(|action| format!(", FOREIGN KEY (named) REFERENCES named (id) {action}"));
    let text = format!(
        "CREATE TABLE {name} (id BIGINT NOT NULL PRIMARY KEY, named BIGINT DEFAULT NULL{})",
        constraints.collect::<String>()
    );
    db.sql(&text).await;
}

fn of_named() -> GraphBuilder {
    Graph::builder().entity(named::Entity).entity(plain_child::Entity)
}

fn actions(builder: GraphBuilder) -> Vec<Action> {
    builder.build().unwrap().rules().map(|rule| rule.action).collect()
}

async fn actions_of_the_database(db: TestDb) {
    db.sql("CREATE TABLE named (id BIGINT NOT NULL PRIMARY KEY)").await;
    // InnoDB says RESTRICT where nothing is stated.
    let restrict = if db.kind().speaks_mysql() { Action::NoAction } else { Action::Restrict };
    for (stated, found) in [
        ("ON DELETE CASCADE", Action::Cascade),
        ("ON DELETE SET NULL", Action::SetNull),
        ("ON DELETE RESTRICT", restrict),
        ("ON DELETE NO ACTION", Action::NoAction),
        ("", Action::NoAction),
    ] {
        table(&db, "plain_child", &[stated]).await;
        assert_eq!(actions(of_named().actions_from(&db.conn).await.unwrap()), [found], "{stated}");
        // What the builder states comes first, before or after.
        let stated_first = of_named().on_delete(plain_child::Relation::Named, Action::SetNull);
        assert_eq!(actions(stated_first.actions_from(&db.conn).await.unwrap()), [Action::SetNull]);
        let stated_last = of_named().actions_from(&db.conn).await.unwrap();
        assert_eq!(actions(stated_last.on_delete(plain_child::Relation::Named, Action::SetNull)), [Action::SetNull]);
        db.sql("DROP TABLE plain_child").await;
    }
    // An entity that says `skip_fk` has an action of its own, unless there is a constraint.
    let unheld = Graph::builder().entity(named::Entity).entity(unheld_child::Entity);
    table(&db, "unheld_child", &[]).await;
    assert_eq!(actions(unheld.clone().actions_from(&db.conn).await.unwrap()), [Action::SetNull]);
    db.sql("DROP TABLE unheld_child").await;
    table(&db, "unheld_child", &["ON DELETE CASCADE"]).await;
    let graph = unheld.actions_from(&db.conn).await.unwrap().build().unwrap();
    db.sql("INSERT INTO named VALUES (1); INSERT INTO unheld_child VALUES (1, 1)").await;
    let outcome = graph.delete_keys(named::Entity, [1]).execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted named 1, unheld_child 1");
    // What the has_many of stores states is not compared.
    db.sql("CREATE TABLE stores (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL UNIQUE)").await;
    db.sql(
        "CREATE TABLE items (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL, store_id BIGINT NOT NULL, \
         FOREIGN KEY (store_id) REFERENCES stores (id) ON DELETE NO ACTION)",
    )
    .await;
    let shop = Graph::builder().entity(store::Entity).entity(item::Entity);
    assert_eq!(actions(shop.actions_from(&db.conn).await.unwrap()), [Action::NoAction]);
}

async fn constraints_that_are_missing_or_disagree(db: TestDb) {
    db.sql("CREATE TABLE named (id BIGINT NOT NULL PRIMARY KEY)").await;
    let missing = "the database has no constraint for plain_child.named, from which `actions_from` could take the action; \
                   state it with `.on_delete(..)`, add the constraint, or register the entity before `actions_from`";
    assert_eq!(faults(of_named().actions_from(&db.conn).await.unwrap().build()), [missing], "no such table");
    table(&db, "plain_child", &[]).await;
    assert_eq!(faults(of_named().actions_from(&db.conn).await.unwrap().build()), [missing]);
    let late = Graph::builder().entity(named::Entity).actions_from(&db.conn).await.unwrap();
    assert_eq!(faults(late.entity(plain_child::Entity).build()), [missing]);
    db.sql("DROP TABLE plain_child").await;

    table(&db, "plain_child", &["ON DELETE SET NULL", "ON DELETE CASCADE", "ON DELETE SET NULL"]).await;
    let builder = of_named().actions_from(&db.conn).await.unwrap();
    let [fault] = faults(builder.clone().build()).try_into().unwrap();
    let one_of = ["SET NULL and CASCADE", "CASCADE and SET NULL"].map(|actions| {
        format!(
            "the database has several constraints for plain_child.named, with {actions}; drop all but one, or state the \
             action with `.on_delete(..)`"
        )
    });
    assert!(one_of.contains(&fault), "{fault}");
    assert_eq!(actions(builder.on_delete(plain_child::Relation::Named, Action::Cascade)), [Action::Cascade]);
    db.sql("DROP TABLE plain_child").await;

    table(&db, "plain_child", &["ON DELETE CASCADE", "ON DELETE CASCADE"]).await;
    assert_eq!(actions(of_named().actions_from(&db.conn).await.unwrap()), [Action::Cascade]);
    // A composite key, whose columns the constraint has in another order.
    db.sql("CREATE TABLE pairs (x BIGINT NOT NULL, y BIGINT NOT NULL, UNIQUE (y, x))").await;
    let pair = |action| {
        format!(
            "CREATE TABLE by_pair (id BIGINT NOT NULL PRIMARY KEY, x BIGINT, y BIGINT, \
             FOREIGN KEY (y, x) REFERENCES pairs (y, x) ON DELETE {action})"
        )
    };
    let builder = Graph::builder().entity(pairs::Entity).entity(of_pair::Entity);
    db.sql(&pair("SET NULL")).await;
    assert_eq!(actions(builder.clone().actions_from(&db.conn).await.unwrap()), [Action::SetNull]);
    if db.kind() == Kind::Postgres {
        db.sql("DROP TABLE by_pair").await;
        db.sql(&pair("SET NULL (y)")).await;
        let some = "the constraint for by_pair.(x, y) changes only some of its columns, which this crate cannot do; state \
                    the action with `.on_delete(..)`";
        assert_eq!(faults(builder.actions_from(&db.conn).await.unwrap().build()), [some]);
    }
    // A key with a fault of its own has no second one.
    let wrong = Graph::builder().entity(wrong::parent::Entity).entity(wrong::child::Entity);
    assert_eq!(faults(wrong.actions_from(&db.conn).await.unwrap().build()).len(), 1);
    // An action that the declaration cannot take is refused as a stated one is.
    let builder = Graph::builder().entity(named::Entity).entity(strict_child::Entity);
    db.sql(
        "CREATE TABLE strict_child (id BIGINT NOT NULL PRIMARY KEY, named BIGINT, \
         FOREIGN KEY (named) REFERENCES named (id) ON DELETE SET NULL)",
    )
    .await;
    let builder = builder.actions_from(&db.conn).await.unwrap();
    assert_eq!(faults(builder.build()), ["strict_child.named is declared ON DELETE SET NULL, but it is NOT NULL"]);
}

entity!(strict_child "strict_child" { pub named: i64, } [
    Named = "super::named::Entity", "Column::Named", "super::named::Column::Id", "NoAction"
]);

entity_with_key!(pairs "pairs" {
    #[sea_orm(primary_key, auto_increment = false)] pub x: i64,
    #[sea_orm(primary_key, auto_increment = false)] pub y: i64,
} []);
entity!(of_pair "by_pair" { pub x: Option<i64>, pub y: Option<i64>, } [
    Pairs = "super::pairs::Entity", "(Column::X, Column::Y)", "(super::pairs::Column::X, super::pairs::Column::Y)",
    "NoAction"
]);

async fn a_graph_with_faults_is_drawn(_: TestDb) {
    let builder = of_named().entity(wrong::parent::Entity).entity(wrong::child::Entity).entity(strict_child::Entity);
    let inspection = builder.on_delete(strict_child::Relation::Named, Action::SetNull).inspect();
    assert_eq!(
        inspection.faults().iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "child.parent references columns of other types in parent, which databases compare differently",
            "strict_child.named is declared ON DELETE SET NULL, but it is NOT NULL"
        ]
    );
    assert_eq!(
        inspection.to_string(),
        "named\n├─ plain_child.named NO ACTION\n└─ strict_child.named SET NULL\nparent\nchild"
    );
    assert_eq!(inspection.tables().count(), 5);
    assert_eq!(inspection.rules().count(), 2);
    assert!(inspection.to_mermaid().contains("plain_child"));
    assert!(inspection.to_dot().contains("plain_child"));
}

entity!(measured "measured" { #[sea_orm(column_type = "Double", unique)] pub size: i64, } []);
entity!(of_size "of_size" { #[sea_orm(column_type = "Double")] pub size: i64, } [
    Measured = "super::measured::Entity", "Column::Size", "super::measured::Column::Size", "Cascade"
]);

async fn an_audit_without_the_key_that_cannot_be_compared(db: TestDb) {
    let builder = Graph::builder().entity(measured::Entity).entity(of_size::Entity);
    let inspection = builder.entity(named::Entity).entity(plain_child::Entity).inspect();
    assert!(!inspection.faults().is_empty());
    assert!(inspection.faults().iter().all(|fault| matches!(fault, Fault::KeyNotComparable { .. })));
    assert_eq!(inspection.rules().map(|rule| rule.foreign_key).collect::<Vec<_>>(), ["plain_child.named"]);
    db.sql("CREATE TABLE named (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(9), code VARCHAR(9), x BIGINT, y BIGINT)")
        .await;
    table(&db, "plain_child", &["ON DELETE NO ACTION"]).await;
    db.sql("CREATE INDEX of_named ON plain_child (named); INSERT INTO named (id) VALUES (1)").await;
    db.sql(
        "CREATE TABLE measured (id BIGINT NOT NULL PRIMARY KEY, size DOUBLE PRECISION NOT NULL UNIQUE); \
         CREATE TABLE of_size (id BIGINT NOT NULL PRIMARY KEY, size DOUBLE PRECISION NOT NULL, \
         FOREIGN KEY (size) REFERENCES measured (size) ON DELETE CASCADE)",
    )
    .await;
    // The other keys are audited, and the constraint of the one that is left out is reported.
    let audit = inspection.audit().counting_orphans().run(&db.conn).await.unwrap();
    assert_eq!(audit.checked().orphans_of, ["plain_child.named"]);
    let [finding] = audit.findings() else { panic!("{audit}") };
    assert_eq!(finding.foreign_key.as_deref(), Some("of_size.size"));
    assert!(matches!(finding.kind, FindingKind::UndeclaredReference { .. }), "{audit}");
}
