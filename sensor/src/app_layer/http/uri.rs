//! The request target, taken apart and normalised as libhtp's personality "IDS" does, but without changing case
//! (Suricata documentation: "Suricata.yaml", Configure HTTP).
//!
//! In the path percent and `%u` encoding is decoded, backslashes become slashes, slashes that follow one another become
//! one, UTF-8 becomes the byte that looks alike, and dot segments go. In the query encoding alone is decoded.

use super::best_fit::{REPLACEMENT, best_fit};

/// A target taken apart.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Target {
    /// Path, query and fragment, normalised; nothing where they are as they were sent, or not there.
    normalized: Option<Vec<u8>>,
    /// How much of it is the path.
    path_len: usize,
    /// The host as sent; nothing where the target names none.
    pub(super) host_raw: Option<Vec<u8>>,
    /// The host, decoded, in lower case, without dots at the end.
    pub(super) host: Option<Vec<u8>>,
    /// The port, where the target names one that can be.
    pub(super) port: Option<u16>,
    /// Its host or port is not one.
    pub(super) invalid_host: bool,
    /// Path, query and fragment are those that were sent.
    as_sent: bool,
}

impl Target {
    /// The target of a request whose URI is that of every resource.
    pub(super) fn parse(uri: &[u8]) -> Self {
        if is_normal(uri) {
            let path_len = memchr::memchr2(b'?', b'#', uri).unwrap_or(uri.len());
            return Self { as_sent: true, path_len, ..Self::default() };
        }
        let Parts { authority, path, query, fragment } = Parts::of(uri);
        let mut target = authority.map_or_else(Self::default, Self::of_authority);
        let mut normalized = normalize_path(path);
        target.path_len = normalized.len();
        for (mark, part) in [(b'?', query), (b'#', fragment)] {
            if let Some(part) = part {
                normalized.push(mark);
                decode(part, &mut normalized);
            }
        }
        target.normalized = (!normalized.is_empty()).then_some(normalized);
        target
    }

    /// The target of `CONNECT`: a host and a port alone.
    pub(super) fn parse_authority(uri: &[u8]) -> Self {
        let host_and_port = HostAndPort::parse(uri);
        Self {
            host_raw: host_and_port.host.map(<[u8]>::to_vec),
            host: host_and_port.host.map(<[u8]>::to_ascii_lowercase),
            port: host_and_port.port,
            invalid_host: !host_and_port.valid,
            ..Self::default()
        }
    }

    /// The target of a request that was not seen.
    pub(super) fn not_seen() -> Self {
        let normalized = b"/libhtp::request_uri_not_seen".to_vec();
        Self { path_len: normalized.len(), normalized: Some(normalized), ..Self::default() }
    }

    fn of_authority(authority: Authority<'_>) -> Self {
        let host = authority.host.map(|host| {
            let mut decoded = Vec::with_capacity(host.len());
            decode(host, &mut decoded);
            decoded.make_ascii_lowercase();
            let dots = decoded.iter().rev().take_while(|&&byte| byte == b'.').count();
            decoded.truncate(decoded.len() - dots);
            decoded
        });
        let port = authority.port.and_then(port_number);
        Self {
            invalid_host: (authority.port.is_some() && port.is_none())
                || host.as_deref().is_some_and(|host| !is_host(host)),
            host_raw: authority.host.map(<[u8]>::to_vec),
            host,
            port,
            ..Self::default()
        }
    }

    /// Path, query and fragment, normalised; nothing where there are none. `uri` is what was sent.
    pub(super) fn normalized<'t>(&'t self, uri: Option<&'t [u8]>) -> Option<&'t [u8]> {
        if self.as_sent { uri } else { self.normalized.as_deref() }
    }

    /// The path, normalised; nothing where there is none.
    pub(super) fn path<'t>(&'t self, uri: Option<&'t [u8]>) -> Option<&'t [u8]> {
        self.normalized(uri)?.get(..self.path_len).filter(|path| !path.is_empty())
    }
}

/// Whether a target is a path, perhaps with a query and a fragment, that normalising would not change.
fn is_normal(uri: &[u8]) -> bool {
    let mut slash_before = false;
    for (at, &byte) in uri.iter().enumerate() {
        match byte {
            b'?' | b'#' => return at > 0 && memchr::memchr(b'%', &uri[at..]).is_none(),
            b'%' | b'\\' | 0x80.. => return false,
            b'/' | b'.' if slash_before => return false,
            _ if at == 0 && byte != b'/' => return false,
            _ => slash_before = byte == b'/',
        }
    }
    !uri.is_empty()
}

struct Authority<'a> {
    host: Option<&'a [u8]>,
    port: Option<&'a [u8]>,
}

struct Parts<'a> {
    authority: Option<Authority<'a>>,
    path: &'a [u8],
    query: Option<&'a [u8]>,
    fragment: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    /// A scheme is whatever stands before a colon, unless a slash comes first of all.
    fn of(uri: &'a [u8]) -> Self {
        let scheme = memchr::memchr(b':', uri).filter(|_| uri.first() != Some(&b'/'));
        let (authority, rest) = match scheme {
            Some(colon) => {
                let (authority, rest) = split_authority(&uri[colon + 1..]);
                (Some(authority), rest)
            }
            None => (None, uri),
        };
        let path_len = memchr::memchr2(b'?', b'#', rest).unwrap_or(rest.len());
        let (path, rest) = rest.split_at(path_len);
        let (query, fragment) = match (rest.first(), memchr::memchr(b'#', rest)) {
            (Some(b'?'), Some(at)) => (Some(&rest[1..at]), Some(&rest[at + 1..])),
            (Some(b'?'), None) => (Some(&rest[1..]), None),
            (Some(_), _) => (None, Some(&rest[1..])),
            (None, _) => (None, None),
        };
        Self { authority, path, query, fragment }
    }
}

/// What follows the scheme: two slashes and a host, perhaps with a user before it and a port behind it.
fn split_authority(after_scheme: &[u8]) -> (Authority<'_>, &[u8]) {
    let slashes = after_scheme.strip_prefix(b"//").unwrap_or(after_scheme);
    if slashes.first().is_none_or(|&byte| byte == b'/') {
        return (Authority { host: None, port: None }, after_scheme);
    }
    let end = slashes.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(slashes.len());
    let (authority, rest) = slashes.split_at(end);
    let host_and_port = match memchr::memchr(b'@', authority) {
        Some(at) => &authority[at + 1..],
        None => authority,
    };
    let (host, port) = split_port(host_and_port);
    (Authority { host, port }, rest)
}

/// A host, in brackets where it is an IPv6 address, and what follows its colon.
fn split_port(text: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let text = trim_spaces(text);
    let host_len = match text.first() {
        Some(b'[') => memchr::memchr(b']', text).map_or(text.len(), |end| end + 1),
        _ => memchr::memchr(b':', text).unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(host_len);
    let port = rest.strip_prefix(b":").map(trim_spaces).filter(|port| !port.is_empty());
    (Some(trim_spaces(host)).filter(|host| !host.is_empty()), port)
}

fn trim_spaces(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&byte| byte != b' ').unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|&byte| byte != b' ').map_or(start, |last| last + 1);
    &bytes[start..end]
}

fn port_number(port: &[u8]) -> Option<u16> {
    std::str::from_utf8(port).ok()?.parse().ok().filter(|&port| port != 0)
}

/// A host and a port as `Host` and the target of `CONNECT` give them.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct HostAndPort<'a> {
    /// The host as sent; nothing where there is none.
    pub(super) host: Option<&'a [u8]>,
    /// The port, where there is one that can be.
    pub(super) port: Option<u16>,
    /// Whether host and port can be some, and nothing else is there.
    pub(super) valid: bool,
}

impl<'a> HostAndPort<'a> {
    /// Takes a host and a port apart.
    pub(super) fn parse(text: &'a [u8]) -> Self {
        let text = text.strip_prefix(b"//").unwrap_or(text);
        if text.first().is_none_or(|&byte| byte == b'/') {
            return Self { host: None, port: None, valid: false };
        }
        let end = text.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(text.len());
        let (host, port) = split_port(&text[..end]);
        let number = port.and_then(port_number);
        let whole = match host {
            Some(host) if host.starts_with(b"[") => host.len() + port.map_or(0, |port| port.len() + 1) >= end,
            _ => port.is_some() || end == text.len(),
        };
        let valid = host.is_some_and(is_host) && (port.is_none() || number.is_some()) && whole;
        Self { host, port: number, valid }
    }
}

/// Whether bytes can be the name or address of a host; underscores are seen in practice. Each byte counts as a character
/// of Latin-1, as in libhtp: most names in UTF-8 are none.
fn is_host(host: &[u8]) -> bool {
    if host.is_empty() || host.len() > 255 {
        return false;
    }
    if let Some(address) = host.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) {
        return std::str::from_utf8(address)
            .is_ok_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    }
    let named = host.strip_suffix(b".").unwrap_or(host);
    named.split(|&byte| byte == b'.').all(|label| {
        let sound = |&byte: &u8| char::from(byte).is_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.iter().all(sound)
    })
}

/// Decodes percent and `%u` encoding; what is encoded wrongly stays.
fn decode(encoded: &[u8], into: &mut Vec<u8>) {
    let mut rest = encoded;
    while let Some(at) = memchr::memchr(b'%', rest) {
        into.extend_from_slice(&rest[..at]);
        let (byte, len) = decode_one(&rest[at..]);
        into.push(byte);
        rest = &rest[at + len..];
    }
    into.extend_from_slice(rest);
}

/// The byte that an encoding stands for, with the length of the encoding; the percent sign itself where it is none.
fn decode_one(encoded: &[u8]) -> (u8, usize) {
    let digit = |at: usize| encoded.get(at).and_then(|&byte| (byte as char).to_digit(16));
    let pair = |at: usize| Some(((digit(at)? << 4) | digit(at + 1)?) as u8);
    if matches!(encoded.get(1), Some(b'u' | b'U')) {
        return match (pair(2), pair(4)) {
            (Some(0), Some(low)) => (low, 6),
            (Some(high), Some(low)) => (best_fit(u32::from(high) << 8 | u32::from(low)), 6),
            _ => (b'%', 1),
        };
    }
    pair(1).map_or((b'%', 1), |byte| (byte, 3))
}

fn normalize_path(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    decode(path, &mut decoded);
    let mut slash_before = false;
    decoded.retain_mut(|byte| {
        if *byte == b'\\' {
            *byte = b'/';
        }
        let slash = *byte == b'/';
        !std::mem::replace(&mut slash_before, slash) || !slash
    });
    if !decoded.is_ascii() {
        decoded = fit_utf8(&decoded);
    }
    remove_dot_segments(&decoded)
}

/// Puts the byte that looks alike in the place of each character. Sequences that are longer than they need to be are
/// decoded all the same; of what is no sequence, each byte that may begin one is replaced.
fn fit_utf8(path: &[u8]) -> Vec<u8> {
    let mut fitted = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, after @ ..] = rest {
        let (more, bits) = match first {
            0..0x80 => (0, *first),
            0xc0..0xe0 => (1, first & 0x1f),
            0xe0..0xf0 => (2, first & 0x0f),
            0xf0..0xf5 => (3, first & 0x07),
            _ => {
                fitted.push(REPLACEMENT);
                rest = after;
                continue;
            }
        };
        let continues = |byte: &&u8| (0x80..0xc0).contains(*byte);
        let len = after.iter().take(more).take_while(continues).count();
        let point =
            after[..len].iter().fold(u32::from(bits), |point, byte| point << 6 | u32::from(byte & 0x3f));
        fitted.push(match (len == more, u8::try_from(point)) {
            (false, _) => REPLACEMENT,
            (true, Ok(byte)) => byte,
            (true, Err(_)) => best_fit(point),
        });
        rest = &after[len..];
    }
    fitted
}

/// Takes `.` and `..` out of a path (RFC 3986, section 5.2.4); a slash behind a last one goes too.
fn remove_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut rest = path;
    while let Some(after) = rest.strip_prefix(b"./").or_else(|| rest.strip_prefix(b"../")) {
        rest = after;
    }
    let mut out = Vec::with_capacity(rest.len());
    if rest == b"." || rest == b".." {
        return out;
    }
    let mut segments = rest.split(|&byte| byte == b'/');
    out.extend_from_slice(segments.next().unwrap_or_default());
    let mut dots_before = false;
    let mut segments = segments.peekable();
    while let Some(segment) = segments.next() {
        match segment {
            b".." => {
                let parent = out.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                out.truncate(parent);
            }
            b"." => {}
            b"" if dots_before && segments.peek().is_none() => {}
            _ => {
                out.push(b'/');
                out.extend_from_slice(segment);
            }
        }
        dots_before = matches!(segment, b"." | b"..");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(uri: &str) -> String {
        let target = Target::parse(uri.as_bytes());
        target
            .normalized(Some(uri.as_bytes()))
            .map_or("-".to_owned(), |bytes| bytes.escape_ascii().to_string())
    }

    #[test]
    fn what_is_normal_stays() {
        for uri in ["/", "/a/b.html?x=/../y&z=//#f", "/index.php?a=b+c", "/a.b/c..d"] {
            assert!(is_normal(uri.as_bytes()), "{uri}");
            assert_eq!(normalized(uri), uri);
        }
    }

    #[test]
    fn encoding_is_decoded() {
        for (uri, expected) in [
            ("/%61%2e%2Fb", "/a./b"),
            ("/a%zz%4", "/a%zz%4"),
            ("/%u0041%u2044%uFF21", "/A/A"),
            ("/%u00zz", "/%u00zz"),
            ("/a?x=%41+b%2527", "/a?x=A+b%27"),
            ("/%E2%81%84x", "//x"),
            ("/a%5cb\\c", "/a/b/c"),
            ("/a%c0%af", "/a/"),
            ("/\u{fc}", "/\\xfc"),
            ("/%ff%e2%82", "/??"),
            ("/a#%41", "/a#A"),
        ] {
            assert_eq!(normalized(uri), expected, "{uri}");
        }
    }

    #[test]
    fn paths_are_shortened() {
        for (uri, expected) in [
            ("/a//b///c", "/a/b/c"),
            ("/a/b/c/./../../g", "/a/g"),
            ("mid/content=5/../6", "mid/6"),
            ("./one", "one"),
            ("../one", "one"),
            ("one/.", "one"),
            ("one/..", "-"),
            ("one/../", "-"),
            ("/../../../images.gif", "/images.gif"),
            ("/a/./", "/a"),
            ("/a/", "/a/"),
            ("/../", "-"),
        ] {
            assert_eq!(normalized(uri), expected, "{uri}");
        }
    }

    #[test]
    fn whole_uris_name_a_host() {
        let target = Target::parse(b"http://user:pw@WWW.Example.com.:81/a//b?q#f");
        assert_eq!(target.normalized(None), Some(&b"/a/b?q#f"[..]));
        assert_eq!(target.path(None), Some(&b"/a/b"[..]));
        assert_eq!(target.host_raw.as_deref(), Some(&b"WWW.Example.com."[..]));
        assert_eq!((target.host.as_deref(), target.port), (Some(&b"www.example.com"[..]), Some(81)));
        assert!(!target.invalid_host);
        assert!(Target::parse(b"http://host:port/").invalid_host);
        let target = Target::parse(b"http://host/x?mail=a@b");
        assert_eq!((target.host.as_deref(), target.path(None)), (Some(&b"host"[..]), Some(&b"/x"[..])));
        assert_eq!(Target::parse(b"http:///x").host, None);
        assert_eq!(Target::parse(b"*").normalized(None), Some(&b"*"[..]));
    }

    #[test]
    fn hosts_with_ports() {
        let parse = |text: &'static str| {
            let HostAndPort { host, port, valid } = HostAndPort::parse(text.as_bytes());
            (host.map(|host| std::str::from_utf8(host).unwrap()), port, valid)
        };
        assert_eq!(parse("example.com:443"), (Some("example.com"), Some(443), true));
        assert_eq!(parse("a.b"), (Some("a.b"), None, true));
        assert_eq!(parse("[::1]:80"), (Some("[::1]"), Some(80), true));
        assert_eq!(parse("[::1]x"), (Some("[::1]"), None, false));
        assert_eq!(parse("a, b"), (Some("a, b"), None, false));
        assert_eq!(parse("a:b"), (Some("a"), None, false));
        assert_eq!(parse("a..b"), (Some("a..b"), None, false));
        assert_eq!(parse("/"), (None, None, false));
        assert_eq!(parse(""), (None, None, false));
    }

    #[test]
    fn names_of_hosts_are_judged_byte_by_byte() {
        for (host, expected) in [
            (&b"host_1.example-a."[..], true),
            (b"h\xf6st", true),
            ("h\u{f6}st".as_bytes(), false),
            (b"h\x80st", false),
            (b"h\xd7st", false),
            (b"a b", false),
            (b".a", false),
            (b"", false),
        ] {
            assert_eq!(is_host(host), expected, "{}", host.escape_ascii());
        }
    }

    #[test]
    fn connect_names_a_host_alone() {
        let target = Target::parse_authority(b"Example.com:443");
        assert_eq!((target.host.as_deref(), target.port), (Some(&b"example.com"[..]), Some(443)));
        assert_eq!(target.normalized(Some(b"Example.com:443")), None);
    }
}
