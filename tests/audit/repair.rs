//! Repairs of orphans, by each rule.

use crate::support::TestDb;
use crate::tests;

tests![nothing];

async fn nothing(_: TestDb) {}
