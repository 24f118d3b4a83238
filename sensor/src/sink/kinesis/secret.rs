//! The external ID: a secret that no format, log or dump shows.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// What is wrong with an external ID. None of these shows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExternalIdError {
    /// Blanks came along when it was pasted.
    #[error("the external ID has spaces in it or around it; paste it again without them")]
    Spaces,
    /// AWS takes 2 to 1,224 characters.
    #[error("the external ID must have 2 to 1,224 characters")]
    Length,
    /// AWS takes `[\w+=,.@:/-]`.
    #[error("the external ID may only have letters, digits and _+=,.@:/-")]
    Characters,
}

/// Below this many characters the guide advises against an external ID.
pub const RECOMMENDED_LENGTH: usize = 64;

/// Keeps this process's memory out of core dumps, and from other processes of the same user: whatever reads an external
/// ID has it in memory, in requests too.
pub fn forbid_dumps() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "a core dump of this process could show the external ID");
    }
}

/// An external ID as sts:AssumeRole takes it. Its memory is overwritten when it is dropped.
#[derive(Clone, Eq, PartialEq)]
pub struct ExternalId(String);

impl ExternalId {
    /// Checks the form. One line end at the end, as files and pipes have it, is no part of it.
    pub fn new(text: &str) -> Result<Self, ExternalIdError> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.contains(char::is_whitespace) {
            return Err(ExternalIdError::Spaces);
        }
        if !(2..=1_224).contains(&text.len()) {
            return Err(ExternalIdError::Length);
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c)) {
            return Err(ExternalIdError::Characters);
        }
        Ok(Self(text.to_owned()))
    }

    /// 64 hexadecimal digits from the system's random numbers.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The secret itself: for the request to STS, the file that keeps it, and the user who just had it made.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is as long as the guide recommends.
    pub fn is_long_enough(&self) -> bool {
        self.0.len() >= RECOMMENDED_LENGTH
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(…)")
    }
}

impl Drop for ExternalId {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
}

impl<'de> Deserialize<'de> for ExternalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_checked_without_showing_the_secret() {
        assert_eq!(ExternalId::new("abc\n").map(|id| id.expose().to_owned()), Ok("abc".to_owned()));
        assert_eq!(ExternalId::new(" abc"), Err(ExternalIdError::Spaces));
        assert_eq!(ExternalId::new("a\n\n"), Err(ExternalIdError::Spaces));
        assert_eq!(ExternalId::new("a"), Err(ExternalIdError::Length));
        assert_eq!(ExternalId::new(&"a".repeat(1_225)), Err(ExternalIdError::Length));
        assert_eq!(ExternalId::new("schlüssel"), Err(ExternalIdError::Characters));
        let secret = ExternalId::new("very-secret").expect("it is sound");
        assert!(!format!("{secret:?}").contains("secret"));
    }

    #[test]
    fn generated_ones_are_long_and_differ() {
        let (one, other) = (ExternalId::generate(), ExternalId::generate());
        let one = one.expect("the system has random numbers");
        assert_eq!(one.expose().len(), 64);
        assert!(one.is_long_enough());
        assert_ne!(one.expose(), other.expect("the system has random numbers").expose());
    }
}
