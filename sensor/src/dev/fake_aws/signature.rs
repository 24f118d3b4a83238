//! Signature Version 4, as the services check it: its form, what it is scoped to, its date, and whether it is the
//! signature of this request (AWS, "Create a signed AWS API request").

use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::http::request;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// How far a signature's date may be off.
const TOLERANCE: Duration = Duration::from_secs(300);
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Why a signature is not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum SignatureFault {
    /// There is none.
    Missing,
    /// It lacks something, as the message says.
    Incomplete(String),
    /// It is of another time, scope or request, as the message says.
    Mismatch(String),
}

/// What the Authorization header says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Signature {
    pub(super) access_key: String,
    date: String,
    region: String,
    service: String,
    signed_headers: Vec<String>,
    signature: String,
    /// `X-Amz-Date`.
    signed_at: String,
}

impl Signature {
    /// Reads `AWS4-HMAC-SHA256 Credential=KEY/date/region/service/aws4_request, SignedHeaders=a;b, Signature=hex`.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, SignatureFault> {
        let authorization = text(headers, AUTHORIZATION.as_str()).ok_or(SignatureFault::Missing)?;
        let incomplete =
            |what: &str| SignatureFault::Incomplete(format!("Authorization header requires {what}"));
        let parameters = authorization.strip_prefix(ALGORITHM).ok_or_else(|| incomplete(ALGORITHM))?;
        let parameter = |name: &'static str| {
            let mut all = parameters.split(',').filter_map(|parameter| parameter.trim().split_once('='));
            let found = all.find(|(found, _)| *found == name).map(|(_, value)| value);
            found.ok_or_else(|| incomplete(&format!("'{name}' parameter")))
        };
        let credential: Vec<_> = parameter("Credential")?.split('/').collect();
        let [access_key, date, region, service, "aws4_request"] = credential[..] else {
            return Err(incomplete("a Credential of key, date, region, service and aws4_request"));
        };
        let signed_headers = parameter("SignedHeaders")?.split(';').map(str::to_owned).collect();
        let signed_at = text(headers, "x-amz-date").ok_or_else(|| incomplete("existence of X-Amz-Date"))?;
        Ok(Self {
            access_key: access_key.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers,
            signature: parameter("Signature")?.to_owned(),
            signed_at: signed_at.to_owned(),
        })
    }

    /// Whether it is of this time, region and service, and of all headers that matter.
    pub(super) fn check_scope(
        &self,
        headers: &HeaderMap,
        region: &str,
        service: &str,
        now: SystemTime,
    ) -> Result<(), SignatureFault> {
        let mismatch = |message: String| Err(SignatureFault::Mismatch(message));
        let must_be_signed = ["host", "x-amz-date", "x-amz-security-token", "x-amz-target"];
        let unsigned = must_be_signed.iter().find(|&&name| {
            headers.contains_key(name) && !self.signed_headers.iter().any(|signed| signed == name)
        });
        match unsigned {
            Some(name) => mismatch(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")),
            None if self.region != region => {
                mismatch(format!("Credential should be scoped to a valid region, not '{}'.", self.region))
            }
            None if self.service != service => {
                mismatch(format!("Credential should be scoped to correct service: '{service}'."))
            }
            None if !self.signed_at.starts_with(&self.date) => {
                mismatch(format!("Date in Credential scope does not match {}", self.signed_at))
            }
            None => self.check_date(now),
        }
    }

    fn check_date(&self, now: SystemTime) -> Result<(), SignatureFault> {
        let signed_at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &self.signed_at)
            .and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC))
            .map_err(|_| SignatureFault::Incomplete("X-Amz-Date is no date".to_owned()))?;
        let signed_at = SystemTime::from(signed_at.timestamp());
        let (earliest, latest) = (now - TOLERANCE, now + TOLERANCE);
        let said = &self.signed_at;
        if signed_at < earliest {
            let (earliest, now) = (basic(earliest), basic(now));
            let message =
                format!("Signature expired: {said} is now earlier than {earliest} ({now} - 5 min.)");
            return Err(SignatureFault::Mismatch(message));
        }
        if signed_at > latest {
            let (latest, now) = (basic(latest), basic(now));
            let message =
                format!("Signature not yet current: {said} is still later than {latest} ({now} + 5 min.)");
            return Err(SignatureFault::Mismatch(message));
        }
        Ok(())
    }

    /// Whether it was made of this request with the secret key.
    pub(super) fn check(
        &self,
        head: &request::Parts,
        body: &[u8],
        secret: &str,
    ) -> Result<(), SignatureFault> {
        let scope = format!("{}/{}/{}/aws4_request", self.date, self.region, self.service);
        let request = hex(&Sha256::digest(self.canonical_request(head, body)));
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{request}", self.signed_at);
        let key = [&self.region, &self.service, "aws4_request"]
            .iter()
            .fold(hmac(format!("AWS4{secret}").as_bytes(), self.date.as_bytes()), |key, part| {
                hmac(&key, part.as_bytes())
            });
        if hex(&hmac(&key, to_sign.as_bytes())) == self.signature {
            return Ok(());
        }
        let message = "The request signature we calculated does not match the signature you provided. Check your \
                       AWS Secret Access Key and signing method.";
        Err(SignatureFault::Mismatch(message.to_owned()))
    }

    fn canonical_request(&self, head: &request::Parts, body: &[u8]) -> String {
        let mut request =
            format!("{}\n{}\n{}\n", head.method, head.uri.path(), head.uri.query().unwrap_or(""));
        for name in &self.signed_headers {
            let values = head.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            let values: Vec<_> =
                values.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
            writeln!(request, "{name}:{}", values.join(",")).expect("memory takes text");
        }
        let (names, body) = (self.signed_headers.join(";"), hex(&Sha256::digest(body)));
        write!(request, "\n{names}\n{body}").expect("memory takes text");
        request
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// ISO 8601 in the basic form, as in `20150830T123600Z`.
fn basic(moment: SystemTime) -> String {
    let moment = jiff::Timestamp::try_from(moment).unwrap_or_default();
    moment.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK_BYTES: usize = 64;
    let mut block = [0; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The request `get-vanilla` of AWS's test suite for Signature Version 4.
    fn vanilla() -> request::Parts {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                             SignedHeaders=host;x-amz-date, \
                             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        let request = Request::builder()
            .uri("/")
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header("authorization", authorization);
        request.body(()).expect("it is well formed").into_parts().0
    }

    fn at(minute: u64) -> SystemTime {
        // 2015-08-30T12:00:00Z
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_936_000 + minute * 60)
    }

    #[test]
    fn the_published_example_is_taken_and_nothing_but_it() {
        let head = vanilla();
        let signature = Signature::of(&head.headers).expect("it is whole");
        assert_eq!(signature.access_key, "AKIDEXAMPLE");
        assert_eq!(signature.check(&head, b"", SECRET), Ok(()));
        assert!(matches!(signature.check(&head, b"x", SECRET), Err(SignatureFault::Mismatch(_))));
        assert!(matches!(signature.check(&head, b"", "another"), Err(SignatureFault::Mismatch(_))));
    }

    #[test]
    fn scope_and_date_must_fit() {
        let head = vanilla();
        let signature = Signature::of(&head.headers).expect("it is whole");
        let check = |region, service, minute| {
            let fault = signature.check_scope(&head.headers, region, service, at(minute)).err();
            fault.map(|fault| format!("{fault:?}"))
        };
        assert_eq!(check("us-east-1", "service", 40), None);
        let said = |fault: Option<String>, words: &str| assert!(fault.expect(words).contains(words));
        said(check("eu-west-1", "service", 40), "valid region, not 'us-east-1'");
        said(check("us-east-1", "kinesis", 40), "correct service: 'kinesis'");
        said(
            check("us-east-1", "service", 42),
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123700Z",
        );
        said(check("us-east-1", "service", 30), "Signature not yet current: 20150830T123600Z is still later");
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut head = vanilla();
        head.headers.insert("x-amz-target", "a".parse().expect("it is a value"));
        let signature = Signature::of(&head.headers).expect("it is whole");
        let unsigned = signature.check_scope(&head.headers, "us-east-1", "service", at(40));
        assert!(format!("{unsigned:?}").contains("'x-amz-target' must be"), "{unsigned:?}");
        head.headers.remove("x-amz-date");
        assert!(matches!(Signature::of(&head.headers), Err(SignatureFault::Incomplete(_))));
        head.headers.remove("authorization");
        assert_eq!(Signature::of(&head.headers), Err(SignatureFault::Missing));
    }
}
