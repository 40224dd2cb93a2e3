//! The `before_delete` and `after_delete` of registered entities, behind one object-safe trait.
//!
//! I/O. Hooks are generic over their connection, so they get a connection type of this crate that
//! passes statements on to the run's transaction.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    ActiveModelBehavior, ConnectionTrait, DbBackend, DbErr, EntityTrait, ExecResult, FromQueryResult as _,
    IntoActiveModel, QueryResult, QueryTrait as _, Statement, StatementBuilder,
};

use crate::cascade::db::session::Session;

/// What `before_delete` returned for a chunk of rows, for `after_delete`.
pub(crate) type Models = Box<dyn Any + Send>;

/// The hooks of one entity.
#[async_trait]
pub(crate) trait Hooks: Send + Sync {
    /// Returns the Select that reads whole rows as models.
    fn select(&self) -> SelectStatement;

    async fn before(&self, rows: Vec<QueryResult>, session: &dyn Session) -> Result<Models, DbErr>;

    async fn after(&self, models: Models, session: &dyn Session) -> Result<(), DbErr>;
}

impl fmt::Debug for dyn Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}

/// Returns the hooks of this entity's `ActiveModelBehavior`.
pub(crate) struct Of<E>(PhantomData<E>);

impl<E> Of<E> {
    pub(crate) const fn entity() -> Self {
        Self(PhantomData)
    }
}

#[async_trait]
impl<E> Hooks for Of<E>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelBehavior + Send + 'static,
{
    fn select(&self) -> SelectStatement {
        E::find().into_query()
    }

    async fn before(&self, rows: Vec<QueryResult>, session: &dyn Session) -> Result<Models, DbErr> {
        let mut models: Vec<E::ActiveModel> = Vec::with_capacity(rows.len());
        for row in rows {
            models.push(E::Model::from_query_result(&row, "")?.into_active_model());
        }
        let db = HookConnection(session);
        let mut told = Vec::with_capacity(models.len());
        for model in models {
            told.push(model.before_delete(&db).await?);
        }
        Ok(Box::new(told))
    }

    async fn after(&self, models: Models, session: &dyn Session) -> Result<(), DbErr> {
        // `before` returned them.
        let Ok(models) = models.downcast::<Vec<E::ActiveModel>>() else { return Ok(()) };
        let db = HookConnection(session);
        for model in *models {
            model.after_delete(&db).await?;
        }
        Ok(())
    }
}

/// The connection that hooks get: the transaction of the run.
struct HookConnection<'a>(&'a dyn Session);

#[async_trait]
impl ConnectionTrait for HookConnection<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.0.raw().backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.raw().execute_raw(statement).await
    }

    async fn execute<S: StatementBuilder>(&self, statement: &S) -> Result<ExecResult, DbErr> {
        self.0.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.raw().execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.0.raw().query_raw(statement).await?.into_iter().next())
    }

    async fn query_one<S: StatementBuilder>(&self, statement: &S) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.0.query(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.0.raw().query_raw(statement).await
    }

    async fn query_all<S: StatementBuilder>(&self, statement: &S) -> Result<Vec<QueryResult>, DbErr> {
        self.0.query(statement).await
    }
}
