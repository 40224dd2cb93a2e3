//! The statements that a connection sends.

use std::sync::{Arc, Mutex};

use sea_orm::DatabaseConnection;

use super::TestDb;

/// The statements that a connection has sent.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) async fn on(db: &TestDb) -> (DatabaseConnection, Self) {
        let (mut conn, log) = (db.connect(1).await, Self::default());
        let statements = log.clone();
        conn.set_metric_callback(move |info| {
            statements.0.lock().unwrap().push(info.statement.sql.clone());
        });
        (conn, log)
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}
