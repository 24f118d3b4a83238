//! Kinesis in its JSON protocol: puts for the role, reading back for the stream's owner.

use super::http::{Caller, Reply};
use super::script::FaultKind;
use super::signature::SignatureFault;
use super::stream::Put;
use super::{FakeConfig, Shared, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;
use std::time::Duration;

/// Quotas of a request (API reference, PutRecords).
const REQUEST_RECORDS: usize = 500;
const REQUEST_BYTES: usize = 10 << 20;
const RECORD_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecords<'a> {
    #[serde(borrow)]
    records: Vec<Record<'a>>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_name: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    partition_key: Cow<'a, str>,
    explicit_hash_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecord<'a> {
    #[serde(flatten, borrow)]
    record: Record<'a>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_name: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RecordResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordsResult {
    failed_record_count: usize,
    records: Vec<RecordResult>,
}

pub(super) fn answer(shared: &Shared, caller: &Caller, operation: &str, body: &[u8]) -> Reply {
    *shared.state().tally.calls.entry(operation.to_owned()).or_default() += 1;
    if let Some(reply) = caller_fault(shared, caller, operation) {
        return reply;
    }
    let outcome = match operation {
        "PutRecords" => serde_json::from_slice(body).map(|put| put_records(shared, put)),
        "PutRecord" => serde_json::from_slice(body).map(|put| put_record(shared, put)),
        "GetShardIterator" => serde_json::from_slice(body).map(|asked| shard_iterator(shared, &asked)),
        "GetRecords" => serde_json::from_slice(body).map(|asked| get_records(shared, &asked)),
        "ListShards" => Ok(list_shards(shared)),
        "DescribeStreamSummary" => Ok(describe(shared)),
        other => Ok(error("UnknownOperationException", &format!("no operation {other}"))),
    };
    outcome.unwrap_or_else(|fault| error("SerializationException", &fault.to_string()))
}

fn error(code: &str, message: &str) -> Reply {
    let status = if code == "InternalFailure" { 500 } else { 400 };
    Reply::json(status, json!({ "__type": code, "message": message }).to_string().into_bytes())
}

/// Sessions of the role may put; anybody else is the stream's owner, who may do everything.
fn caller_fault(shared: &Shared, caller: &Caller, operation: &str) -> Option<Reply> {
    if let Some(fault) = &caller.fault {
        return Some(match fault {
            SignatureFault::Missing => {
                error("MissingAuthenticationTokenException", "Missing Authentication Token")
            }
            SignatureFault::Incomplete(message) => error("IncompleteSignatureException", message),
            SignatureFault::Mismatch(message) => error("InvalidSignatureException", message),
        });
    }
    let now = shared.now();
    let mut state = shared.state();
    let session = state.sessions.get(&caller.access_key);
    let is_session = caller.access_key.starts_with("ASIA");
    if is_session && session.is_none_or(|session| session.expires <= now) {
        return Some(error("ExpiredTokenException", "The security token included in the request is expired"));
    }
    if is_session && session.is_some_and(|session| Some(&session.token) != caller.token.as_ref()) {
        let message = "The security token included in the request is invalid.";
        return Some(error("UnrecognizedClientException", message));
    }
    if is_session && !(shared.config.may_put && matches!(operation, "PutRecord" | "PutRecords")) {
        state.tally.beyond_policy += 1;
        return Some(denied(&shared.config, operation));
    }
    None
}

fn denied(config: &FakeConfig, operation: &str) -> Reply {
    let message = format!(
        "User: arn:aws:sts::{}:assumed-role/{}/session is not authorized to perform: kinesis:{operation} on resource: {}",
        config.account,
        config.role,
        config.stream_arn()
    );
    error("AccessDeniedException", &message)
}

/// Faults of whole requests that come before anything is taken.
fn scripted(shared: &Shared, state: &mut State, elapsed: Duration) -> Option<Reply> {
    let State { script, random, stream, sessions, .. } = state;
    let mut strikes = |kind| script.strikes(kind, None, elapsed, random).is_some();
    if strikes(FaultKind::Split) {
        stream.split();
    }
    if strikes(FaultKind::ExpiredToken) {
        sessions.clear();
        return Some(error("ExpiredTokenException", "The security token included in the request is expired"));
    }
    let plain = [
        (FaultKind::ServerError, "InternalFailure", "Internal Service Failure"),
        (
            FaultKind::KeyAccessDenied,
            "KMSAccessDeniedException",
            "not authorized to perform: kms:GenerateDataKey",
        ),
        (FaultKind::KeyThrottling, "KMSThrottlingException", "Rate exceeded"),
        (FaultKind::StreamNotFound, "ResourceNotFoundException", "Stream not found"),
    ];
    if let Some((_, code, message)) = plain.into_iter().find(|(kind, ..)| strikes(*kind)) {
        return Some(error(code, message));
    }
    if strikes(FaultKind::AccessDenied) {
        return Some(denied(&shared.config, "PutRecords"));
    }
    if strikes(FaultKind::Unavailable) {
        return Some(Reply::Answer {
            status: 503,
            content_type: "text/html",
            body: b"<html>busy</html>".to_vec(),
        });
    }
    if strikes(FaultKind::Hang) {
        return Some(Reply::Hang);
    }
    strikes(FaultKind::Reset).then_some(Reply::Reset)
}

fn addresses(config: &FakeConfig, arn: Option<&str>, name: Option<&str>) -> bool {
    match (arn, name) {
        (Some(arn), _) => arn == config.stream_arn(),
        (None, name) => name == Some(&config.stream),
    }
}

fn put_records(shared: &Shared, put: PutRecords<'_>) -> Reply {
    if let Some(reply) = request_fault(shared, &put) {
        return reply;
    }
    let elapsed = shared.begun.elapsed();
    let mut state = shared.state();
    if let Some(reply) = scripted(shared, &mut state, elapsed) {
        return reply;
    }
    if put.dry_run {
        return error("DryRunOperationException", "Request would have succeeded, but DryRun flag is set.");
    }
    let mut decoded = Vec::with_capacity(put.records.len());
    for record in &put.records {
        match BASE64.decode(record.data.as_bytes()) {
            Ok(data) => decoded.push(data),
            Err(_) => return error("SerializationException", "Data is not base64"),
        }
    }
    if let Some(reply) = poison(&mut state, &decoded, elapsed) {
        return reply;
    }
    let results = put
        .records
        .iter()
        .zip(decoded)
        .map(|(record, data)| put_one(shared, &mut state, record, data, elapsed));
    let mut records: Vec<_> = results.collect();
    let mut failed_record_count = records.iter().filter(|record| record.error_code.is_some()).count();
    let State { script, random, .. } = &mut *state;
    let mut strikes = |kind| script.strikes(kind, None, elapsed, random).is_some();
    if strikes(FaultKind::WrongCount) {
        failed_record_count = usize::from(failed_record_count == 0);
    }
    if strikes(FaultKind::ShortAnswer) {
        records.pop();
    }
    let half = strikes(FaultKind::HalfAnswer);
    let body = serde_json::to_vec(&PutRecordsResult { failed_record_count, records }).unwrap_or_default();
    if half { Reply::Half(body) } else { Reply::json(200, body) }
}

fn request_fault(shared: &Shared, put: &PutRecords<'_>) -> Option<Reply> {
    if !addresses(&shared.config, put.stream_arn.as_deref(), put.stream_name.as_deref()) {
        return Some(error("ResourceNotFoundException", "Stream not found under the account"));
    }
    if !(1..=REQUEST_RECORDS).contains(&put.records.len()) {
        return Some(error("ValidationException", "records must have length 1 to 500"));
    }
    let sizes = put.records.iter().map(|record| record.data.len() / 4 * 3 + record.partition_key.len());
    if sizes.clone().sum::<usize>() > REQUEST_BYTES {
        return Some(error("InvalidArgumentException", "Records size exceeds 10 MB limit"));
    }
    // Base64 tells the size up to two bytes of padding.
    if sizes.clone().any(|size| size > RECORD_BYTES + 2) {
        return Some(error("InvalidArgumentException", "Record size exceeds the maximum of the stream"));
    }
    let keys = put.records.iter().any(|record| !(1..=256).contains(&record.partition_key.chars().count()));
    keys.then(|| error("ValidationException", "PartitionKey must have length 1 to 256 in records"))
}

fn poison(state: &mut State, records: &[Vec<u8>], elapsed: Duration) -> Option<Reply> {
    let State { script, random, .. } = state;
    let text = script.strikes(FaultKind::InvalidArgument, None, elapsed, random)?.text.clone();
    let found = records.iter().any(|data| memchr::memmem::find(data, text.as_bytes()).is_some());
    found.then(|| error("InvalidArgumentException", "a record is not to the stream's liking"))
}

fn put_one(
    shared: &Shared,
    state: &mut State,
    record: &Record<'_>,
    data: Vec<u8>,
    elapsed: Duration,
) -> RecordResult {
    let State { stream, tally, script, random, .. } = state;
    let explicit = record.explicit_hash_key.as_deref().and_then(|hash| hash.parse().ok());
    let index = stream.route(&record.partition_key, explicit);
    let (number, shard_id) = (stream.shards[index].number, stream.shards[index].id());
    let failed = |code, message| RecordResult {
        error_code: Some(code),
        error_message: Some(message),
        ..RecordResult::default()
    };
    if script.strikes(FaultKind::RecordFailure, Some(number), elapsed, random).is_some() {
        tally.failed += 1;
        return failed("InternalFailure", "Internal Service Failure".to_owned());
    }
    let throttled = script.strikes(FaultKind::RecordThrottle, Some(number), elapsed, random).is_some();
    let put = if throttled { Put::Throttled } else { stream.put(index, &record.partition_key, data) };
    match put {
        Put::Taken { sequence_number } => {
            tally.records += 1;
            RecordResult {
                sequence_number: Some(sequence_number),
                shard_id: Some(shard_id),
                ..RecordResult::default()
            }
        }
        Put::Throttled => {
            tally.throttled += 1;
            let FakeConfig { stream, account, .. } = &shared.config;
            let message =
                format!("Rate exceeded for shard {shard_id} in stream {stream} under account {account}.");
            failed("ProvisionedThroughputExceededException", message)
        }
    }
}

fn put_record(shared: &Shared, put: PutRecord<'_>) -> Reply {
    let many = PutRecords {
        records: vec![put.record],
        stream_arn: put.stream_arn,
        stream_name: put.stream_name,
        dry_run: put.dry_run,
    };
    let reply = put_records(shared, many);
    let Reply::Answer { status: 200, body, .. } = &reply else { return reply };
    // What fails one record of many fails the call for one.
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let record = &answer["Records"][0];
    match record["ErrorCode"].as_str() {
        Some(code) => error(code, record["ErrorMessage"].as_str().unwrap_or_default()),
        None => Reply::json(200, record.to_string().into_bytes()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IteratorAsked {
    shard_id: String,
    shard_iterator_type: String,
}

fn shard_iterator(shared: &Shared, asked: &IteratorAsked) -> Reply {
    let state = shared.state();
    let Some(shard) = state.stream.shards.iter().find(|shard| shard.id() == asked.shard_id) else {
        return error("ResourceNotFoundException", "no such shard");
    };
    let position = if asked.shard_iterator_type == "LATEST" { shard.len() } else { 0 };
    Reply::json(
        200,
        json!({ "ShardIterator": format!("{}:{position}", shard.id()) }).to_string().into_bytes(),
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecordsAsked {
    shard_iterator: String,
    limit: Option<usize>,
}

fn get_records(shared: &Shared, asked: &RecordsAsked) -> Reply {
    let state = shared.state();
    let place =
        asked.shard_iterator.split_once(':').and_then(|(id, at)| Some((id, at.parse::<usize>().ok()?)));
    let found =
        place.and_then(|(id, at)| Some((state.stream.shards.iter().find(|shard| shard.id() == id)?, at)));
    let Some((shard, position)) = found else {
        return error("InvalidArgumentException", "no such iterator");
    };
    let position = position.max(shard.trimmed);
    let records: Vec<_> = shard
        .read(position, asked.limit.unwrap_or(10_000).min(10_000))
        .map(|record| {
            json!({
                "SequenceNumber": record.sequence_number,
                "PartitionKey": record.partition_key,
                "Data": BASE64.encode(&record.data),
                "ApproximateArrivalTimestamp": 0,
            })
        })
        .collect();
    let next = position + records.len();
    let ended = !shard.open && next == shard.len();
    let next = (!ended).then(|| format!("{}:{next}", shard.id()));
    Reply::json(
        200,
        json!({ "Records": records, "NextShardIterator": next, "MillisBehindLatest": 0 })
            .to_string()
            .into_bytes(),
    )
}

fn list_shards(shared: &Shared) -> Reply {
    let state = shared.state();
    let shards: Vec<_> = state
        .stream
        .shards
        .iter()
        .map(|shard| {
            let range =
                json!({ "StartingHashKey": shard.start.to_string(), "EndingHashKey": shard.end.to_string() });
            let sequence = json!({ "StartingSequenceNumber": "0" });
            json!({ "ShardId": shard.id(), "HashKeyRange": range, "SequenceNumberRange": sequence })
        })
        .collect();
    Reply::json(200, json!({ "Shards": shards }).to_string().into_bytes())
}

fn describe(shared: &Shared) -> Reply {
    let open = shared.state().stream.shards.iter().filter(|shard| shard.open).count();
    let config = &shared.config;
    let summary = json!({
        "StreamName": config.stream,
        "StreamARN": config.stream_arn(),
        "StreamStatus": "ACTIVE",
        "OpenShardCount": open,
        "RetentionPeriodHours": 24,
        "StreamCreationTimestamp": 0,
        "EnhancedMonitoring": [],
    });
    Reply::json(200, json!({ "StreamDescriptionSummary": summary }).to_string().into_bytes())
}
