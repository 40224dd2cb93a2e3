//! What the answer says is what happened: each kind of input on which another answer would have been easy, by its number.
//!
//! W: other rows than the asked ones. K: rows that stay. I: transactions of the caller's. R: races without a constraint.
//! E: what an error says of the transaction.

pub(crate) mod errors;
pub(crate) mod isolation;
pub(crate) mod kept;
pub(crate) mod values;
