//! Events for the tests of sinks.

use super::{Record, RecordKind};
use crate::time::Timestamp;
use std::time::Instant;
use uuid::Uuid;

/// The `number`th event of the flow `key`; its JSON names both.
pub(crate) fn record(number: u64, key: u64) -> Record {
    sized_record(number, key, 0)
}

/// The same with `padding` more bytes of JSON.
pub(crate) fn sized_record(number: u64, key: u64, padding: usize) -> Record {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_le_bytes());
    let json = format!(r#"{{"id":"{id}","number":{number},"key":{key},"pad":"{}"}}"#, "x".repeat(padding));
    Record {
        id,
        kind: RecordKind::Alert,
        rule: None,
        severity: 2,
        order_key: key,
        time: Timestamp::new(1_746_718_399, number),
        created: Instant::now(),
        json: json.into_bytes().into(),
    }
}

/// `count` events, each of a flow of its own.
pub(crate) fn records(count: u64) -> Vec<Record> {
    (0..count).map(|number| record(number, number)).collect()
}
