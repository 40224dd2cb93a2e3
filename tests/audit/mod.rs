//! Audits: every kind of finding, random drift, and what an audit costs.

pub(crate) mod drift;
pub(crate) mod kinds;
pub(crate) mod repair;
pub(crate) mod size;
pub(crate) mod trust;

use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use sea_orm_cascade::{Audit, Fix};

/// The findings as `kind key`, or `kind table`.
fn summary(audit: &Audit) -> Vec<String> {
    let findings = audit.findings().iter().map(|finding| {
        let json = serde_json::to_value(finding).expect("a finding serialises");
        let subject = finding.foreign_key.as_ref().unwrap_or(&finding.table);
        format!("{} {subject}", json["kind"].as_str().expect("its kind"))
    });
    findings.collect()
}

/// Runs what the audit says, of schema and rows, in its order.
async fn fix(db: &DatabaseConnection, audit: &Audit) {
    let mut done = Vec::new();
    for finding in audit.findings() {
        let (Fix::Schema { statements, .. } | Fix::Rows { statements, .. }) = &finding.fix else { continue };
        for statement in statements {
            if !done.contains(&statement) {
                run(db, statement).await;
                done.push(statement);
            }
        }
    }
}

async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
