//! STS in its query protocol: AssumeRole under the role's trust policy, and GetCallerIdentity.

use super::http::{Caller, Reply};
use super::script::FaultKind;
use super::signature::SignatureFault;
use super::{Session, Shared};
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

pub(super) fn answer(shared: &Shared, caller: &Caller, body: &[u8]) -> Reply {
    let form = parse_form(body);
    let field = |name: &str| form.get(name).map(String::as_str);
    let action = field("Action").unwrap_or_default();
    *shared.state().tally.calls.entry(action.to_owned()).or_default() += 1;
    if let Some(reply) = scripted(shared) {
        return reply;
    }
    if let Some(reply) = caller_fault(shared, caller) {
        return reply;
    }
    match action {
        "AssumeRole" => {
            assume_role(shared, caller, field("RoleArn"), field("ExternalId"), field("RoleSessionName"))
        }
        "GetCallerIdentity" => caller_identity(shared, caller),
        other => error(400, "InvalidAction", &format!("Could not find operation {}", escape(other))),
    }
}

fn scripted(shared: &Shared) -> Option<Reply> {
    let elapsed = shared.begun.elapsed();
    let mut state = shared.state();
    let super::State { script, random, .. } = &mut *state;
    let mut strikes = |kind| script.strikes(kind, None, elapsed, random).is_some();
    if strikes(FaultKind::StsError) {
        return Some(error(500, "InternalFailure", "STS failed by script"));
    }
    if strikes(FaultKind::StsHang) {
        return Some(Reply::Hang);
    }
    strikes(FaultKind::StsDenied)
        .then(|| error(403, "AccessDenied", "not authorized to perform: sts:AssumeRole"))
}

fn caller_fault(shared: &Shared, caller: &Caller) -> Option<Reply> {
    if let Some(fault) = &caller.fault {
        return Some(match fault {
            SignatureFault::Missing => {
                error(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
            }
            SignatureFault::Incomplete(message) => error(400, "IncompleteSignature", message),
            SignatureFault::Mismatch(message) => error(403, "SignatureDoesNotMatch", message),
        });
    }
    let known = shared.config.trusted_keys.contains(&caller.access_key)
        || !caller.access_key.starts_with("AKIABAD") && !caller.access_key.starts_with("ASIAOLD");
    match () {
        () if caller.access_key.starts_with("ASIAOLD") => {
            Some(error(403, "ExpiredToken", "The security token included in the request is expired"))
        }
        () if !known => {
            Some(error(403, "InvalidClientTokenId", "The security token included in the request is invalid."))
        }
        () => None,
    }
}

fn assume_role(
    shared: &Shared,
    caller: &Caller,
    role: Option<&str>,
    external_id: Option<&str>,
    session_name: Option<&str>,
) -> Reply {
    let config = &shared.config;
    let trusted = config.trusted_keys.contains(&caller.access_key);
    let matching = config.external_id.is_none() || config.external_id.as_deref() == external_id;
    let session_name = session_name.unwrap_or_default();
    if !trusted || !matching || role != Some(&config.role_arn()) {
        let message = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
            arn_of(shared, caller),
            escape(role.unwrap_or_default())
        );
        return error(403, "AccessDenied", &message);
    }
    if !(2..=64).contains(&session_name.len()) {
        return error(400, "ValidationError", "RoleSessionName must have length 2 to 64");
    }
    let serial = shared.next_serial();
    let key = format!("ASIAFAKE{serial:012}");
    let expires = shared.now() + Duration::from_secs(config.session_s);
    let (secret, token) = (format!("secret-{serial}"), format!("token-{serial}"));
    let session = Session { expires, secret: secret.clone(), token: token.clone() };
    shared.state().sessions.insert(key.clone(), session);
    let expiration = crate::time::Timestamp::from_nanos(
        u64::try_from(expires.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos())
            .unwrap_or(u64::MAX),
    );
    let (account, role) = (&config.account, &config.role);
    Reply::xml(
        200,
        format!(
            "<AssumeRoleResponse xmlns=\"{NAMESPACE}\"><AssumeRoleResult><AssumedRoleUser>\
             <AssumedRoleId>AROAFAKE:{name}</AssumedRoleId>\
             <Arn>arn:aws:sts::{account}:assumed-role/{role}/{name}</Arn></AssumedRoleUser><Credentials>\
             <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
             <SessionToken>{token}</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
             </AssumeRoleResult><ResponseMetadata><RequestId>{serial}</RequestId></ResponseMetadata>\
             </AssumeRoleResponse>",
            name = escape(session_name),
        ),
    )
}

fn arn_of(shared: &Shared, caller: &Caller) -> String {
    format!("arn:aws:sts::{}:assumed-role/sensor/{}", shared.config.account, escape(&caller.access_key))
}

fn caller_identity(shared: &Shared, caller: &Caller) -> Reply {
    let (arn, account) = (arn_of(shared, caller), &shared.config.account);
    Reply::xml(
        200,
        format!(
            "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult><Arn>{arn}</Arn>\
             <UserId>AROAFAKE</UserId><Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata>\
             <RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        ),
    )
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::xml(
        status,
        format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        ),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `application/x-www-form-urlencoded`.
fn parse_form(body: &[u8]) -> HashMap<String, String> {
    body.split(|&byte| byte == b'&')
        .filter_map(|pair| {
            let at = pair.iter().position(|&byte| byte == b'=')?;
            Some((decode(&pair[..at]), decode(&pair[at + 1..])))
        })
        .collect()
}

fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let byte;
        let hex = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        (byte, rest) = match (first, hex) {
            (b'%', Some(escaped)) => (escaped, &tail[2..]),
            (b'+', _) => (b' ', tail),
            _ => (first, tail),
        };
        bytes.push(byte);
    }
    Cow::into_owned(String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let form =
            parse_form(b"Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&Empty=&odd%2=a+b");
        assert_eq!(form["RoleArn"], "arn:aws:iam::1:role/r");
        assert_eq!(form["Empty"], "");
        assert_eq!(form["odd%2"], "a b");
    }
}
