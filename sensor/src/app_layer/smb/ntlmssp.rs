//! Who asks for a session, told by NTLMSSP in it (MS-NLMP, section 2.2.1.3). The tokens around it (RFC 4178) say
//! nothing that rules ask for.

use super::wire::{range, text, u16_at, u32_at};
use memchr::memmem;

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// The message that names the user.
const AUTHENTICATE: u32 = 3;

/// A user and the domain that it is of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Identity {
    pub(super) user: Vec<u8>,
    pub(super) domain: Vec<u8>,
}

/// What a session setup says of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Said {
    Nothing,
    Identity(Identity),
    Malformed,
}

/// Reads the security blob of a session setup.
pub(super) fn identity(blob: &[u8]) -> Said {
    let Some(at) = memmem::find(blob, SIGNATURE) else { return Said::Nothing };
    let message = &blob[at..];
    match u32_at(message, SIGNATURE.len()) {
        Some(AUTHENTICATE) => authenticate(message).map_or(Said::Malformed, Said::Identity),
        Some(_) => Said::Nothing,
        None => Said::Malformed,
    }
}

fn authenticate(message: &[u8]) -> Option<Identity> {
    let field = |at: usize| {
        let len = usize::from(u16_at(message, at)?);
        let start = usize::try_from(u32_at(message, at + 4)?).ok()?;
        let bytes = if len == 0 { &[][..] } else { range(message, start, len)? };
        Some(text(bytes))
    };
    Some(Identity { domain: field(28)?, user: field(36)? })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A message of the third kind, its names in UTF-16.
    pub(crate) fn message(domain: &str, user: &str) -> Vec<u8> {
        let mut message = [SIGNATURE, &AUTHENTICATE.to_le_bytes(), &[0; 16]].concat();
        let mut names = Vec::new();
        for name in [domain, user] {
            let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let len = u16::try_from(name.len()).unwrap().to_le_bytes();
            let at = u32::try_from(64 + names.len()).unwrap().to_le_bytes();
            message.extend_from_slice(&[&len[..], &len, &at].concat());
            names.extend_from_slice(&name);
        }
        message.resize(64, 0);
        message.extend_from_slice(&names);
        message
    }

    #[test]
    fn users_are_named_by_the_third_message() {
        let named =
            |domain: &str, user: &str| Said::Identity(Identity { domain: domain.into(), user: user.into() });
        let whole = message("EXAMPLE", "doe");
        assert_eq!(identity(&whole), named("EXAMPLE", "doe"));
        assert_eq!(identity(&[&b"\xa1\x82tokens"[..], &whole].concat()), named("EXAMPLE", "doe"));
        assert_eq!(identity(&message("", "")), named("", ""));
        assert_eq!(identity(b"kerberos"), Said::Nothing);
        assert_eq!(identity(b"NTLMSSP\0\x01\0\0\0"), Said::Nothing);
        for len in 8..whole.len() {
            assert_eq!(identity(&whole[..len]), Said::Malformed, "cut at {len}");
        }
    }
}
