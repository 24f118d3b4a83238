//! `frame`: units of a protocol as they stand on the wire.

use super::{Argument, Example, Keyword};
use crate::compile::supported;
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::header::protocol::{AppProtocol, PacketProtocol};
use crate::signature::Source;
use crate::text::Text;
use crate::vocabulary::{Carried, Field, FieldKind};

/// The frame that every protocol over TCP has: all that goes one way.
pub static STREAM: Field =
    Field::frame("stream", &[], Carried::Tcp).doc("All that goes one way of a connection of the protocol.");

/// `frame` (Suricata documentation: "Frame Keywords").
#[derive(Debug)]
pub(super) struct FrameKeyword;

impl Keyword for FrameKeyword {
    fn name(&self) -> &'static str {
        "frame"
    }

    fn doc(&self) -> &'static str {
        "Sticky buffer: frames of a kind, units of a protocol as they stand on the wire, by `<protocol>.<frame>` or, in a \
         rule for the protocol, by `<frame>`. A rule alerts on each in which it finds what it looks for. A frame is \
         looked at once it is there; one of more than 2,500 bytes in parts of at least as many as they come, and one \
         with a hole on either side of that."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::field(
                r#"alert dns any any -> any any (frame:pdu; content:"|01 20|"; offset:2; depth:2; sid:1;)"#,
                "dns.pdu",
                &[0, 1, 1, 0x20],
                &[1, 0x20, 0, 1],
            ),
            Example::field(
                "alert udp any any -> any any (frame:dns.pdu; bsize:>512; sid:1;)",
                "dns.pdu",
                &[0; 513],
                &[0; 512],
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "frame",
            "frame:dns.pdu",
            r#"frame:pdu; content:"a""#,
            r#"frame:dns; content:"a""#,
            r#"frame:dns.header; content:"a""#,
            r#"frame:mqtt.pdu; content:"a""#,
            r#"content:"abc"; frame:dns.pdu; content:"a""#,
            r#"dns.query; content:"abc"; frame:dns.pdu; content:"a""#,
            r#"frame:dns.pdu; content:"abc"; frame:dns.stream; content:"a""#,
            "frame:dns.pdu; absent",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let written = argument.text()?;
        let (protocol, name) = split(&written, argument, draft)?;
        supported(protocol, argument.value_span())?;
        draft.need_protocol(&[protocol], argument.value_span())?;
        let field = find(protocol, &name, draft).ok_or_else(|| unknown(protocol, &name, draft))?;
        if !comes_over(field, draft.packets) {
            let message = format!("`{}` does not come over what the rule looks at", written.to_str_lossy());
            return Err(argument
                .error("frame-elsewhere", message)
                .with_help(format!("write the rule for `{}`", protocol.name())));
        }
        draft.select(Source::Field(field), argument.span())
    }
}

/// Whose frame is meant, and its name: what stands before the first dot is the protocol, if it is the name of one.
fn split(
    written: &Text,
    argument: &Argument<'_>,
    draft: &Draft<'_>,
) -> Result<(AppProtocol, Text), Diagnostic> {
    let dot = written.iter().position(|&byte| byte == b'.');
    let named = dot.and_then(|dot| {
        let protocol = AppProtocol::from_name(&written[..dot])?;
        Some((protocol, written.slice(dot + 1..written.len())))
    });
    let of_rule = || draft.app_protocol.map(|protocol| (protocol, written.clone()));
    named.or_else(of_rule).ok_or_else(|| {
        argument
            .error("frame-of-no-protocol", "nothing says whose frame this is")
            .with_help("write its protocol before it, as in `frame:dns.pdu`, or the rule for that protocol")
    })
}

fn names(protocol: AppProtocol, draft: &Draft<'_>) -> impl Iterator<Item = (&'static str, &'static Field)> {
    let of_protocol = draft.vocabulary.frames().filter(move |field| field.protocols.contains(&protocol));
    let short = move |field: &'static Field| {
        let name = field.name.strip_prefix(protocol.name()).and_then(|name| name.strip_prefix('.'));
        (name.unwrap_or(field.name), field)
    };
    of_protocol.map(short).chain([(STREAM.name, &STREAM)])
}

fn find(protocol: AppProtocol, name: &Text, draft: &Draft<'_>) -> Option<&'static Field> {
    names(protocol, draft).find(|(known, _)| known.as_bytes() == name.as_bytes()).map(|(_, field)| field)
}

fn unknown(protocol: AppProtocol, name: &Text, draft: &Draft<'_>) -> Diagnostic {
    let message = format!("{} has no frame `{}`", protocol.name(), name.to_str_lossy());
    let known: Vec<&str> = names(protocol, draft).map(|(known, _)| known).collect();
    Diagnostic::error("unknown-frame", name.span(), message)
        .with_help(format!("its frames are {}", known.join(", ")))
}

/// Whether packets that the header names carry the frame.
fn comes_over(field: &Field, packets: Option<PacketProtocol>) -> bool {
    use PacketProtocol::{Ip, Ipv4, Ipv6, Tcp, Udp};
    let FieldKind::Frame(carried) = field.kind else { return false };
    match packets {
        None | Some(Ip | Ipv4 | Ipv6) => true,
        Some(Tcp) => carried != Carried::Udp,
        Some(Udp) => carried != Carried::Tcp,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::keyword::example::compiled;
    use crate::names::Names;
    use crate::signature::Kind;

    #[test]
    fn what_is_refused_is_told_why_and_where() {
        for (header, options, code, marked) in [
            ("dns", r#"frame:header; content:"a""#, "unknown-frame", "header"),
            ("tcp", r#"frame:dns.header; content:"a""#, "unknown-frame", "header"),
            ("http", r#"frame:dns.pdu; content:"a""#, "other-protocol", "dns.pdu"),
            ("tcp", r#"frame:pdu; content:"a""#, "frame-of-no-protocol", "pdu"),
            ("tcp-pkt", r#"frame:dns.pdu; content:"a""#, "frame-elsewhere", "dns.pdu"),
            ("udp", r#"frame:dns.stream; content:"a""#, "frame-elsewhere", "dns.stream"),
            ("tcp", r#"frame:smb1.pdu; content:"a""#, "frame-of-no-protocol", "smb1.pdu"),
            ("dns", r#"content:"b"; frame:pdu; content:"a""#, "mixed-with-frame", "frame:pdu"),
            (
                "dns",
                r#"frame:pdu; content:"a"; frame:stream; content:"b""#,
                "mixed-with-frame",
                "frame:stream",
            ),
            ("dns:request_started", r#"frame:pdu; content:"a""#, "mixed-with-frame", "frame:pdu"),
            ("dns", "frame:pdu; absent", "absent-frame", "frame:pdu"),
        ] {
            let rule = format!("alert {header} any any -> any any ({options}; sid:1;)");
            let faults = compiled(&rule, &Names::default()).err().unwrap_or_else(|| panic!("{rule}: loaded"));
            let found: Vec<_> = faults
                .iter()
                .map(|fault| (fault.code, &rule[fault.span.start as usize..fault.span.end as usize]))
                .collect();
            assert_eq!(found, [(code, marked)], "{rule}");
            assert!(faults[0].help.is_some(), "{rule}");
        }
        let unknown =
            compiled(r#"alert dns any any -> any any (frame:x; content:"a"; sid:1;)"#, &Names::default());
        assert_eq!(unknown.unwrap_err()[0].help.as_deref(), Some("its frames are pdu, stream"));
    }

    #[test]
    fn a_rule_on_frames_is_of_a_kind_of_its_own_and_of_the_frame_s_protocol() {
        for (header, frame) in [("tcp", "dns.pdu"), ("ip", "dns.pdu"), ("dns", "pdu"), ("tcp", "DNS.stream")]
        {
            let rule = format!("alert {header} any any -> any any (frame:{frame}; content:\"a\"; sid:1;)");
            let signature =
                compiled(&rule, &Names::default()).unwrap_or_else(|faults| panic!("{rule}: {faults:?}"));
            assert_eq!(signature.kind, Kind::Frame, "{rule}");
            assert_eq!(signature.app_protocol.map(|protocol| protocol.name()), Some("dns"), "{rule}");
        }
    }
}
