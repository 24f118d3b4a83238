//! Amazon Resource Names of streams and roles, in the partitions aws, aws-us-gov and aws-cn.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What is wrong with an ARN, as a sentence for the user.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ArnError {
    /// Blanks came along when it was pasted.
    #[error("`{0}` has spaces in it or around it; paste it again without them")]
    Spaces(String),
    /// Not six parts, or not the service wanted.
    #[error("`{given}` is not of the form {form}")]
    Form {
        /// What was given.
        given: String,
        /// What was expected.
        form: &'static str,
    },
    /// A partition that the sensor does not know.
    #[error("`{0}` is no partition of AWS; known are aws, aws-us-gov and aws-cn")]
    Partition(String),
    /// An account is twelve digits.
    #[error("`{0}` is no account number: it must have twelve digits")]
    Account(String),
}

const STREAM_FORM: &str = "arn:aws:kinesis:region:account-id:stream/stream-name";
const ROLE_FORM: &str = "arn:aws:iam::account-id:role/role-name";

/// The part of AWS that a resource is in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Partition {
    /// The commercial regions.
    Aws,
    /// GovCloud (US).
    UsGov,
    /// China.
    Cn,
}

impl Partition {
    /// The name in ARNs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::UsGov => "aws-us-gov",
            Self::Cn => "aws-cn",
        }
    }

    /// The region whose STS is never switched off.
    pub fn home_region(self) -> &'static str {
        match self {
            Self::Aws => "us-east-1",
            Self::UsGov => "us-gov-west-1",
            Self::Cn => "cn-north-1",
        }
    }

    /// The domain of its endpoints.
    pub fn domain(self) -> &'static str {
        match self {
            Self::Aws | Self::UsGov => "amazonaws.com",
            Self::Cn => "amazonaws.com.cn",
        }
    }
}

impl FromStr for Partition {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        [Self::Aws, Self::UsGov, Self::Cn]
            .into_iter()
            .find(|partition| partition.name() == text)
            .ok_or_else(|| ArnError::Partition(text.to_owned()))
    }
}

/// The ARN of a Kinesis data stream.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamArn {
    /// Its partition.
    pub partition: Partition,
    /// Its region.
    pub region: String,
    /// The account it belongs to, twelve digits.
    pub account: String,
    /// The stream's name.
    pub name: String,
}

/// The ARN of an IAM role.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn {
    /// Its partition.
    pub partition: Partition,
    /// The account it belongs to, twelve digits.
    pub account: String,
    /// Path and name, without a leading slash.
    pub name: String,
}

/// Splits `arn:partition:service:region:account:resource` and checks what both kinds have in common.
fn split<'a>(
    text: &'a str,
    service: &str,
    resource: &str,
    form: &'static str,
) -> Result<(Partition, &'a str, &'a str, &'a str), ArnError> {
    if text.contains(char::is_whitespace) {
        return Err(ArnError::Spaces(text.to_owned()));
    }
    let malformed = || ArnError::Form { given: text.to_owned(), form };
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().ok_or_else(malformed);
    let (arn, partition, found, region, account, rest) =
        (next()?, next()?, next()?, next()?, next()?, next()?);
    let name = rest.strip_prefix(resource).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    if arn != "arn" || found != service || name.is_empty() {
        return Err(malformed());
    }
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ArnError::Account(account.to_owned()));
    }
    Ok((partition.parse()?, region, account, name))
}

impl FromStr for StreamArn {
    type Err = ArnError;

    /// Kinesis: a name has 1 to 128 characters of `[a-zA-Z0-9_.-]`.
    fn from_str(text: &str) -> Result<Self, ArnError> {
        let (partition, region, account, name) = split(text, "kinesis", "stream", STREAM_FORM)?;
        let word = |text: &str, extra: &str| {
            !text.is_empty()
                && text.len() <= 128
                && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
        };
        if !word(name, "_.-") || !word(region, "-") {
            return Err(ArnError::Form { given: text.to_owned(), form: STREAM_FORM });
        }
        let (region, account, name) = (region.to_owned(), account.to_owned(), name.to_owned());
        Ok(Self { partition, region, account, name })
    }
}

impl FromStr for RoleArn {
    type Err = ArnError;

    /// IAM: roles have no region; path and name have up to 512 + 64 characters.
    fn from_str(text: &str) -> Result<Self, ArnError> {
        let (partition, region, account, name) = split(text, "iam", "role", ROLE_FORM)?;
        let sound =
            name.len() <= 576 && name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.ends_with('/');
        if !region.is_empty() || !sound {
            return Err(ArnError::Form { given: text.to_owned(), form: ROLE_FORM });
        }
        Ok(Self { partition, account: account.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for StreamArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, name } = self;
        write!(f, "arn:{}:kinesis:{region}:{account}:stream/{name}", partition.name())
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, account, name } = self;
        write!(f, "arn:{}:iam::{account}:role/{name}", partition.name())
    }
}

macro_rules! through_text {
    ($($arn:ty),+) => {$(
        impl TryFrom<String> for $arn {
            type Error = ArnError;
            fn try_from(text: String) -> Result<Self, ArnError> {
                text.parse()
            }
        }

        impl From<$arn> for String {
            fn from(arn: $arn) -> Self {
                arn.to_string()
            }
        }
    )+};
}

through_text!(StreamArn, RoleArn);

/// The role behind a session: `arn:aws:sts::1:assumed-role/name/session` names `arn:aws:iam::1:role/name` (the path
/// of the role is not told). Any other principal is itself.
pub fn principal_of_caller(caller: &str) -> String {
    let parts: Vec<_> = caller.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "sts", _, account, resource] => {
            match resource.split('/').collect::<Vec<_>>().as_slice() {
                ["assumed-role", role, ..] => format!("arn:{partition}:iam::{account}:role/{role}"),
                _ => caller.to_owned(),
            }
        }
        _ => caller.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_every_partition_come_back_as_written() {
        for text in [
            "arn:aws:kinesis:us-east-1:123456789012:stream/meter-siem-events",
            "arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/a.b_c",
            "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s",
        ] {
            assert_eq!(text.parse::<StreamArn>().map(|arn| arn.to_string()), Ok(text.to_owned()));
        }
        let role = "arn:aws:iam::123456789012:role/path/to/MeterSIEMIntegrationRole";
        assert_eq!(role.parse::<RoleArn>().map(|arn| arn.to_string()), Ok(role.to_owned()));
    }

    #[test]
    fn each_fault_is_told_for_what_it_is() {
        let stream = |text: &str| text.parse::<StreamArn>().expect_err("it is faulty");
        let spaces = "arn:aws:kinesis:us-east-1:123456789012:stream/s ";
        assert!(matches!(stream(spaces), ArnError::Spaces(_)));
        assert!(matches!(stream("arn:aws:kinesis:us-east-1:12345:stream/s"), ArnError::Account(_)));
        assert!(matches!(
            stream("arn:azure:kinesis:us-east-1:123456789012:stream/s"),
            ArnError::Partition(_)
        ));
        for text in [
            "",
            "stream",
            "arn:aws:iam::123456789012:role/r",
            "arn:aws:kinesis:us-east-1:123456789012:stream/",
            "arn:aws:kinesis:us-east-1:123456789012:stream/a/b",
            "arn:aws:kinesis::123456789012:stream/s",
            "arn:aws:kinesis:us-east-1:123456789012:stream/ü",
        ] {
            assert!(matches!(stream(text), ArnError::Form { .. }), "{text}");
        }
        let role = "arn:aws:iam:us-east-1:123456789012:role/r".parse::<RoleArn>();
        assert!(matches!(role, Err(ArnError::Form { .. })));
    }

    #[test]
    fn a_session_is_turned_into_its_role() {
        let session = "arn:aws:sts::123456789012:assumed-role/sensor/i-0abc";
        assert_eq!(principal_of_caller(session), "arn:aws:iam::123456789012:role/sensor");
        let user = "arn:aws:iam::123456789012:user/me";
        assert_eq!(principal_of_caller(user), user);
    }
}
