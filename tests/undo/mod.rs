//! Deletes that are recorded and undone.

pub(crate) mod cases;
pub(crate) mod oracle;
pub(crate) mod types;

use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use sea_orm_cascade::{FindingKind, Fix, Graph};

/// Makes the record tables of a graph, as the audit says.
pub(crate) async fn make_records(graph: &Graph, db: &DatabaseConnection) {
    let audit = graph.audit().run(db).await.expect("the audit");
    for finding in audit.findings() {
        let is_record = matches!(finding.kind, FindingKind::RecordTableMissing | FindingKind::RecordTableBehind { .. });
        let (true, Fix::Schema { statements, .. }) = (is_record, &finding.fix) else { continue };
        for statement in statements {
            db.execute_unprepared(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }
}
