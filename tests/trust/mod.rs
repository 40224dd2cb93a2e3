//! What the answer says is what happened: each kind of input on which another answer would have
//! been easy, by its number.
//!
//! W: other rows than the asked ones. K: rows that stay. I: transactions of the caller's. R: races
//! without a constraint. E: what an error says of the transaction.

pub(crate) mod errors;
pub(crate) mod isolation;
pub(crate) mod kept;
pub(crate) mod values;

use crate::support::Kind;

/// Why one of these tests cannot be made on a database.
pub(crate) fn impossible(kind: Kind, test: &str) -> Option<&'static str> {
    match (test, kind) {
        (
            "w1_a_char_without_a_length"
            | "w1_a_type_that_is_cut_by_a_cast"
            | "w1_blanks_at_the_end_of_one_end"
            | "w1_types_by_other_names"
            | "w1_a_domain_with_a_length"
            | "w3_a_decimal_that_is_finer_than_declared"
            | "w3_integers_that_are_wider_than_declared"
            | "w5_the_first_of_each_group"
            | "every_key_type_is_found_by_its_index",
            Kind::Sqlite | Kind::MariaDb | Kind::MySql,
        ) => Some("only PostgreSQL casts values to a type with a length"),
        ("w3_a_type_that_is_not_the_declared_one", Kind::Sqlite) => {
            Some("its types are those of values, which are asked when they are read")
        }
        (
            "w4_a_number_beside_an_integer"
            | "w4_bytes_beside_a_text"
            | "w4_ends_that_are_stored_differently"
            | "w4_a_decimal_in_sqlite"
            | "k6_uuids_that_are_partly_text",
            Kind::Postgres | Kind::MariaDb | Kind::MySql,
        ) => Some("all values of a column are of one type"),
        ("w5_a_limit_is_not_asked_again" | "w5_a_root_that_changes_is_left_and_no_other_taken", Kind::Sqlite) => {
            Some("it has one writer at a time")
        }
        ("decimals_as_keys", Kind::Sqlite) => Some("it stores a decimal as a floating point number"),
        (
            "k1_a_root_that_is_kept"
            | "k1_a_root_that_is_put_back"
            | "k2_rows_that_go_with_others_of_their_table"
            | "k2_a_row_in_the_middle_that_is_kept"
            | "k3_a_row_of_a_tree_that_is_kept"
            | "k3_a_ring_that_is_kept"
            | "k9_a_kept_child_under_a_constraint",
            Kind::MariaDb | Kind::MySql,
        ) => Some("its triggers neither keep rows nor change the table that fires them"),
        ("a_parent_that_goes_with_its_last_child", Kind::MariaDb | Kind::MySql) => {
            Some("a trigger cannot read the table that fires it")
        }
        (
            "k1_a_root_that_a_rule_keeps"
            | "k1_a_root_that_row_security_keeps"
            | "k7_row_security_without_a_policy_for_update"
            | "k10_a_child_that_is_hidden"
            | "k10_a_parent_that_is_hidden_from_a_repair"
            | "k10_a_view_over_hidden_rows"
            | "k2_a_row_that_is_only_marked",
            Kind::Sqlite | Kind::MariaDb | Kind::MySql,
        ) => Some("it has neither rules nor row security"),
        ("k2_a_trigger_of_a_partition", Kind::Sqlite | Kind::MariaDb | Kind::MySql) => {
            Some("a trigger is of a whole table there")
        }
        ("k2_a_trigger_that_the_user_does_not_see", Kind::Sqlite | Kind::Postgres) => Some("it shows all triggers"),
        ("k4_a_generated_column" | "k4_a_key_that_cannot_be_null", Kind::Sqlite | Kind::Postgres) => {
            Some("it refuses to change such a column")
        }
        ("k8_an_engine_without_transactions", Kind::Sqlite | Kind::Postgres) => Some("it has one engine"),
        (
            "i1_a_restricting_row_that_came_after_the_snapshot"
            | "i2_children_that_came_after_the_snapshot"
            | "i3_children_without_a_constraint"
            | "i4_two_deletes_in_one_transaction"
            | "i5_every_shape_at_every_level"
            | "i6_a_repair_under_an_old_snapshot",
            Kind::Sqlite,
        ) => Some("a transaction that has read cannot write after another has"),
        (
            "r1_a_row_that_loses_the_key_by_which_it_goes" | "r2_the_row_of_a_default_goes_at_the_same_time",
            Kind::Sqlite,
        ) => Some("it has one writer at a time"),
        ("e1_a_record_that_has_changed_since_it_was_read", Kind::Sqlite | Kind::Postgres | Kind::MySql) => {
            Some("it has no such error")
        }
        ("e4_what_a_cluster_says", Kind::Sqlite | Kind::Postgres) => Some("it has no such clusters"),
        ("e2_a_trigger_that_rolls_back", Kind::Postgres | Kind::MariaDb | Kind::MySql) => {
            Some("its triggers cannot roll back")
        }
        ("e3_a_session_that_was_idle_too_long", Kind::Sqlite | Kind::MariaDb | Kind::MySql) => {
            Some("it ends no session for being idle in a transaction")
        }
        ("e3_a_connection_that_was_ended", Kind::Sqlite) => Some("it has no server"),
        ("e6_a_right_that_is_missing", Kind::Sqlite) => Some("it has no users"),
        _ => None,
    }
}
