//! A macro that registers many entities.
//!
//! Pure.

/// Defines a function that registers many entities, each by the module that has its `Entity`.
///
/// It can stand in any module of your program, so that the `mod.rs` of generated entities stays as
/// the generator writes it.
///
/// # Example
/// ```
/// use sea_orm_cascade::Graph;
///
/// sea_orm_cascade::register_entities!(pub fn register in sea_orm_cascade::entity: [store, item]);
///
/// let graph = register(Graph::builder()).build()?;
/// assert_eq!(graph.tables().collect::<Vec<_>>(), ["stores", "items"]);
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[macro_export]
macro_rules! register_entities {
    ($visibility:vis fn $name:ident in $($path:ident)::+ : [$($module:ident),* $(,)?]) => {
        /// Registers the entities of these modules.
        $visibility fn $name(builder: $crate::GraphBuilder) -> $crate::GraphBuilder {
            use $($path)::+ as __cascade_entities;
            builder$(.entity(__cascade_entities::$module::Entity))*
        }
    };
}
