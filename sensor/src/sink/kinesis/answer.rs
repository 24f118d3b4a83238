//! What became of a put, in the sensor's own terms: of each record, of the request, and of the integration.
//!
//! Nothing here is fatal: a fault that is not the records' own holds delivery back until it is mended.

use super::clock::Clock;
use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What became of one record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RecordAnswer {
    /// It is in the stream: only a sequence number proves that.
    Delivered {
        /// The shard that has it.
        shard: String,
        /// Its place there.
        sequence_number: String,
    },
    /// The shard had too much.
    Throttled {
        /// The shard, where the message names it.
        shard: Option<String>,
    },
    /// The service failed it, for reasons of its own.
    Failed {
        /// Code and message.
        reason: String,
    },
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// An answer for each record, in the order of the request; it may be short.
    Records(Vec<RecordAnswer>),
    /// The stream as a whole had too much.
    Throttled,
    /// The request was refused for what is in it.
    Poison(String),
    /// A dry run went through: role and permission are proven, nothing was written.
    Permitted,
    /// Nothing was taken, for a reason that has nothing to do with the records.
    Fault(Fault),
}

/// What keeps events from being delivered.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// STS refused AssumeRole: wrong role, wrong external ID, or a trust policy that names another principal.
    RoleRefused,
    /// The sensor's own credentials are missing, expired or rejected.
    BaseCredentials,
    /// The role may not put records.
    PutRefused,
    /// The stream's key refuses the role.
    KeyRefused,
    /// The stream's key has too much to do.
    KeyThrottled,
    /// There is no such stream.
    StreamMissing,
    /// Signatures do not match, or the clocks differ too much.
    Clock,
    /// The session ended; a new one is under way.
    SessionExpired,
    /// No answer: name resolution, connection, TLS or time.
    Unreachable,
    /// The service answers, but fails.
    ServiceFailed,
}

impl FaultKind {
    /// Whether somebody refused, so that the integration is unauthorized, rather than out of reach.
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::RoleRefused | Self::BaseCredentials | Self::PutRefused | Self::KeyRefused | Self::Clock
        )
    }

    /// Whether trying the same again soon is likely to help.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::SessionExpired | Self::Unreachable | Self::ServiceFailed | Self::KeyThrottled)
    }
}

/// A fault, with the sentence that the user reads.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// Which call was refused and why, in words.
    pub sentence: String,
}

impl Fault {
    /// A fault of a kind, in words.
    pub fn new(kind: FaultKind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// What an AWS call failed with, before it is understood.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refusal<'a> {
    /// HTTP status; nothing without an answer.
    pub(crate) status: Option<u16>,
    /// The service's error code; emulators and proxies may send none.
    pub(crate) code: Option<&'a str>,
    /// The service's message, or what the transport says.
    pub(crate) message: &'a str,
}

/// Who was asked for what; goes into sentences.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) stream_arn: String,
    pub(crate) role_arn: String,
    pub(crate) account: String,
    pub(crate) region: String,
    /// Where Kinesis is asked.
    pub(crate) kinesis: String,
    /// Where STS is asked.
    pub(crate) sts: String,
    /// How far this machine's clock is off.
    pub(crate) clock: Clock,
}

impl Target {
    /// Understands a refused AssumeRole.
    pub(crate) fn assume_role_fault(&self, refusal: Refusal<'_>) -> Fault {
        let message = refusal.message;
        match (refusal.code.unwrap_or_default(), refusal.status) {
            (code, _) if is_base_credentials(code) => self.base_credentials(code, message),
            // The signature was made with the sensor's own secret key.
            (code, _) if is_signature(code) && !self.is_clock_off(message) => {
                self.base_credentials(code, message)
            }
            (code, _) if is_signature(code) || is_date(message) => self.clock_fault(message),
            ("RegionDisabledException", _) => Fault::new(
                FaultKind::RoleRefused,
                format!("STS is not enabled in {} for account {}: {message}", self.region, self.account),
            ),
            ("Throttling" | "ThrottlingException", _) | (_, Some(500..)) => Fault::new(
                FaultKind::ServiceFailed,
                format!("STS in {} does not answer properly: {message}", self.region),
            ),
            ("AccessDenied" | "AccessDeniedException", _) | (_, Some(400..)) => Fault::new(
                FaultKind::RoleRefused,
                format!(
                    "Unauthorized - check your Role ARN and External ID (sts:AssumeRole on {} was refused: {message})",
                    self.role_arn
                ),
            ),
            _ => unreachable("STS", &self.sts, message),
        }
    }

    /// Understands a refused or failed put.
    pub(crate) fn put_answer(&self, refusal: Refusal<'_>) -> Answer {
        let message = refusal.message;
        let code = refusal.code.unwrap_or_default();
        let fault = |kind, sentence: String| Answer::Fault(Fault::new(kind, sentence));
        match (code, refusal.status) {
            ("DryRunOperationException", _) => Answer::Permitted,
            (
                "ProvisionedThroughputExceededException" | "LimitExceededException" | "ThrottlingException",
                _,
            ) => Answer::Throttled,
            ("ExpiredTokenException" | "ExpiredToken", _) => fault(
                FaultKind::SessionExpired,
                "the session of the role expired; a new one is requested".into(),
            ),
            ("KMSThrottlingException", _) => {
                fault(FaultKind::KeyThrottled, format!("KMS throttles the stream's key: {message}"))
            }
            (code, _) if code.starts_with("KMS") => fault(
                FaultKind::KeyRefused,
                format!(
                    "Unauthorized - the stream's key refuses: allow kms:GenerateDataKey to {} ({code}: {message})",
                    self.role_arn
                ),
            ),
            ("ResourceNotFoundException", _) => fault(
                FaultKind::StreamMissing,
                format!("no stream {} in account {}, region {}", self.stream_arn, self.account, self.region),
            ),
            (code, _) if is_signature(code) || is_date(message) => Answer::Fault(self.clock_fault(message)),
            (code, _) if is_base_credentials(code) => Answer::Fault(self.base_credentials(code, message)),
            ("InvalidArgumentException" | "SerializationException", _) | (_, Some(413)) => {
                Answer::Poison(format!("{code}: {message}"))
            }
            ("ValidationException", _) if message.contains("ecords") => {
                Answer::Poison(format!("{code}: {message}"))
            }
            ("AccessDeniedException" | "AccessDenied", _) | (_, Some(401 | 403)) => fault(
                FaultKind::PutRefused,
                format!(
                    "Unauthorized - role assumed, but kinesis:PutRecords on {} is denied: {message}",
                    self.stream_arn
                ),
            ),
            (_, Some(500..)) => fault(FaultKind::ServiceFailed, format!("Kinesis failed: {code} {message}")),
            (_, Some(400..)) => {
                fault(FaultKind::PutRefused, format!("Kinesis refuses kinesis:PutRecords: {code} {message}"))
            }
            _ => Answer::Fault(unreachable("Kinesis", &self.kinesis, message)),
        }
    }

    fn is_clock_off(&self, message: &str) -> bool {
        is_date(message) || self.clock.ahead_s() != 0
    }

    fn clock_fault(&self, message: &str) -> Fault {
        let off_s = self.clock.ahead_s().unsigned_abs();
        let sentence = format!(
            "Unauthorized - the signature does not match: secret key, or this machine's clock (off by {off_s} s): {message}"
        );
        Fault::new(FaultKind::Clock, sentence)
    }

    fn base_credentials(&self, code: &str, message: &str) -> Fault {
        Fault::new(
            FaultKind::BaseCredentials,
            format!("Unauthorized - the sensor's own AWS credentials are rejected ({code}: {message})"),
        )
    }
}

fn unreachable(service: &str, endpoint: &str, message: &str) -> Fault {
    // As the HTTP client chooses it; its address is told without what may stand there of a password.
    let proxy = endpoint.parse().ok().and_then(|endpoint: Uri| Matcher::from_env().intercept(&endpoint));
    let by_way = proxy.map(|proxy| format!(", by way of the proxy {}", proxy.uri())).unwrap_or_default();
    Fault::new(
        FaultKind::Unreachable,
        format!("{service} cannot be reached at {endpoint}{by_way}: {message}"),
    )
}

fn is_base_credentials(code: &str) -> bool {
    matches!(
        code,
        "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "NoCredentials"
    )
}

fn is_signature(code: &str) -> bool {
    matches!(
        code,
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "RequestTimeTooSkewed" | "RequestExpired"
    )
}

/// The signature is of another time.
fn is_date(message: &str) -> bool {
    message.contains("Signature expired") || message.contains("Signature not yet current")
}

/// What an error says, and what caused it, without the dumps of its types.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !said.contains(&words) {
            said = format!("{said}: {words}");
        }
        cause = error.source();
    }
    said
}

/// The answer to one record of a PutRecords: a sequence number proves delivery, nothing else does.
pub(crate) fn record_answer(
    shard: Option<String>,
    sequence_number: Option<String>,
    code: Option<String>,
    message: Option<String>,
) -> RecordAnswer {
    match (sequence_number, shard, code) {
        (Some(sequence_number), Some(shard), None) => RecordAnswer::Delivered { shard, sequence_number },
        (_, _, Some(code)) if code == "ProvisionedThroughputExceededException" => {
            RecordAnswer::Throttled { shard: message.as_deref().and_then(shard_in).map(str::to_owned) }
        }
        (_, _, code) => RecordAnswer::Failed {
            reason: format!("{}: {}", code.unwrap_or_default(), message.unwrap_or_default()),
        },
    }
}

/// The shard that a throttle's message names: "Rate exceeded for shard shardId-000000000001 in stream …".
fn shard_in(message: &str) -> Option<&str> {
    let from = message.find("shardId-")?;
    message[from..].split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            stream_arn: "arn:aws:kinesis:us-east-1:123456789012:stream/s".into(),
            role_arn: "arn:aws:iam::123456789012:role/r".into(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            kinesis: "https://kinesis.us-east-1.amazonaws.com".into(),
            sts: "https://sts.us-east-1.amazonaws.com".into(),
            clock: Clock::default(),
        }
    }

    #[test]
    fn every_put_refusal_has_its_kind_and_sentence() {
        use FaultKind::*;
        type Row = (Option<u16>, Option<&'static str>, &'static str, FaultKind, &'static str);
        let table: &[Row] = &[
            (
                Some(400),
                Some("AccessDeniedException"),
                "no",
                PutRefused,
                "kinesis:PutRecords on arn:aws:kinesis",
            ),
            (Some(403), None, "<xml/>", PutRefused, "role assumed"),
            (Some(400), Some("ExpiredTokenException"), "old", SessionExpired, "expired"),
            (
                Some(400),
                Some("ResourceNotFoundException"),
                "gone",
                StreamMissing,
                "no stream arn:aws:kinesis",
            ),
            (Some(400), Some("KMSAccessDeniedException"), "key", KeyRefused, "kms:GenerateDataKey"),
            (Some(400), Some("KMSDisabledException"), "key", KeyRefused, "KMSDisabledException"),
            (Some(400), Some("KMSThrottlingException"), "key", KeyThrottled, "throttles"),
            (
                Some(403),
                Some("InvalidSignatureException"),
                "Signature expired: 1 is now earlier",
                Clock,
                "clock",
            ),
            (Some(400), Some("UnrecognizedClientException"), "who", BaseCredentials, "own AWS credentials"),
            (Some(500), Some("InternalFailure"), "oops", ServiceFailed, "failed"),
            (Some(503), None, "", ServiceFailed, "failed"),
            (None, None, "connection refused", Unreachable, "connection refused"),
        ];
        for &(status, code, message, kind, words) in table {
            let Answer::Fault(fault) = target().put_answer(Refusal { status, code, message }) else {
                panic!("{code:?} is a fault")
            };
            assert_eq!(fault.kind, kind, "{code:?}");
            assert!(fault.sentence.contains(words), "{}", fault.sentence);
        }
        let refusal = |code| Refusal { status: Some(400), code: Some(code), message: "m" };
        assert_eq!(target().put_answer(refusal("DryRunOperationException")), Answer::Permitted);
        assert_eq!(target().put_answer(refusal("ProvisionedThroughputExceededException")), Answer::Throttled);
        assert!(matches!(target().put_answer(refusal("InvalidArgumentException")), Answer::Poison(_)));
    }

    #[test]
    fn a_refused_role_reads_as_in_the_guide() {
        let refused = Refusal { status: Some(403), code: Some("AccessDenied"), message: "not authorized" };
        let fault = target().assume_role_fault(refused);
        assert_eq!(fault.kind, FaultKind::RoleRefused);
        assert!(fault.sentence.starts_with("Unauthorized - check your Role ARN and External ID"));
        let shapeless = Refusal { status: Some(403), code: None, message: "" };
        assert_eq!(target().assume_role_fault(shapeless).kind, FaultKind::RoleRefused);
        let own = Refusal { status: Some(403), code: Some("InvalidClientTokenId"), message: "" };
        assert_eq!(target().assume_role_fault(own).kind, FaultKind::BaseCredentials);
        let away = Refusal { status: None, code: None, message: "dns error" };
        assert_eq!(target().assume_role_fault(away).kind, FaultKind::Unreachable);
    }

    #[test]
    fn only_a_sequence_number_is_delivery() {
        let some = |text: &str| Some(text.to_owned());
        assert!(matches!(record_answer(some("s"), some("1"), None, None), RecordAnswer::Delivered { .. }));
        assert!(matches!(record_answer(some("s"), None, None, None), RecordAnswer::Failed { .. }));
        assert!(matches!(
            record_answer(None, None, some("InternalFailure"), None),
            RecordAnswer::Failed { .. }
        ));
        let throttled = record_answer(
            None,
            None,
            some("ProvisionedThroughputExceededException"),
            some("Rate exceeded for shard shardId-000000000003 in stream s under account 1."),
        );
        assert_eq!(throttled, RecordAnswer::Throttled { shard: some("shardId-000000000003") });
    }
}
