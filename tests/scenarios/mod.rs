//! What must hold, one small schema at a time. `R1` to `R12` are the rules in `src/cascade/mod.rs`.

pub(crate) mod actions;
pub(crate) mod cycles;
pub(crate) mod failure;
pub(crate) mod hooks;
pub(crate) mod many;
pub(crate) mod no_action;
pub(crate) mod paths;
pub(crate) mod roots;
pub(crate) mod shapes;
pub(crate) mod size;
pub(crate) mod wide;
