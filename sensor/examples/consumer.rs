//! A consumer that sees each event once.
//!
//! Reads every shard of a stream from its beginning and writes each event as a line of JSON to standard output. The
//! sensor may put an event more than once (an answer that was lost, a restart), each time with the same `source` and
//! `id`; whoever drops what repeats these two sees every event once. Understands both forms of records: one event,
//! or a CloudEvents batch.
//!
//! ```text
//! cargo run --example consumer -- arn:aws:kinesis:us-east-1:123456789012:stream/meter-siem-events [SECONDS]
//! ```
//!
//! Credentials, region and endpoint come from the environment, as for any AWS tool. It ends when there was nothing
//! new for SECONDS (10 unless given).

use anyhow::{Context, Result};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::ShardIteratorType;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io::Write;
use std::time::{Duration, Instant};

/// Repetitions come within minutes: of the spool after an outage, at the latest.
const REMEMBERED: usize = 1_000_000;

/// What tells one event from another (CloudEvents 1.0 §3.1.1: `source` and `id` are unique together).
#[derive(Clone, Deserialize, Eq, Hash, PartialEq)]
struct Identity {
    source: String,
    id: String,
}

/// The identities seen last.
#[derive(Default)]
struct Seen {
    known: HashSet<Identity>,
    order: VecDeque<Identity>,
}

impl Seen {
    /// Whether this is the first time.
    fn note(&mut self, identity: Identity) -> bool {
        if !self.known.insert(identity.clone()) {
            return false;
        }
        self.order.push_back(identity);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

/// The events of a record, as they were written.
fn events(data: &[u8]) -> Result<Vec<&RawValue>> {
    let first = data.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(match first {
        Some(b'[') => serde_json::from_slice(data)?,
        _ => vec![serde_json::from_slice(data)?],
    })
}

/// Reads what is new in every shard; whether there was anything.
async fn read_on(
    client: &Client,
    places: &mut BTreeMap<String, String>,
    seen: &mut Seen,
    out: &mut impl Write,
) -> Result<bool> {
    let mut any = false;
    for (shard, iterator) in std::mem::take(places) {
        let read =
            client.get_records().shard_iterator(iterator).send().await.with_context(|| shard.clone())?;
        for record in &read.records {
            any = true;
            for event in events(record.data.as_ref()).with_context(|| record.sequence_number.clone())? {
                if seen.note(serde_json::from_str(event.get())?) {
                    writeln!(out, "{}", event.get())?;
                }
            }
        }
        // A shard that was split or merged has an end.
        if let Some(next) = read.next_shard_iterator {
            places.insert(shard, next);
        }
    }
    out.flush()?;
    Ok(any)
}

/// Finds shards that were not there before.
async fn find_shards(
    client: &Client,
    arn: &str,
    known: &mut HashSet<String>,
    places: &mut BTreeMap<String, String>,
) -> Result<()> {
    let mut page = client.list_shards().stream_arn(arn).send().await?;
    loop {
        for shard in page.shards.unwrap_or_default().into_iter().map(|shard| shard.shard_id) {
            if known.insert(shard.clone()) {
                let start = client.get_shard_iterator().stream_arn(arn).shard_id(&shard);
                let start = start.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?;
                places.insert(shard, start.shard_iterator.context("a shard without an iterator")?);
            }
        }
        // With the token the stream must not be named again.
        let Some(token) = page.next_token else { return Ok(()) };
        page = client.list_shards().next_token(token).send().await?;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let arn = arguments.next().context("usage: consumer STREAM-ARN [SECONDS]")?;
    let patience =
        arguments.next().map_or(Ok(10), |seconds| seconds.parse()).context("SECONDS is a number")?;
    let client = Client::new(&aws_config::load_from_env().await);
    let (mut known, mut places, mut seen) = (HashSet::new(), BTreeMap::new(), Seen::default());
    let mut out = std::io::stdout().lock();
    let mut last = Instant::now();
    while last.elapsed() < Duration::from_secs(patience) {
        find_shards(&client, &arn, &mut known, &mut places).await?;
        if read_on(&client, &mut places, &mut seen, &mut out).await? {
            last = Instant::now();
        } else {
            // Five reads a second and shard are allowed.
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    Ok(())
}
