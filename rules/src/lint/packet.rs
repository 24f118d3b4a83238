//! What packets of the rule's protocol don't have, or no packet has.

use super::{Lint, Subject};
use crate::ast;
use crate::diagnostic::Diagnostic;
use crate::header::protocol::PacketProtocol;
use crate::signature::{HeaderBuffer, HeaderMatch, Source};
use crate::text::Span;

pub(super) const LINT: Lint = Lint {
    name: "no-such-packet",
    doc: "The rule asks for what packets of its protocol don't have, such as ports of ICMP, or for addresses of which \
          no packet has both: it never matches.",
    check: Some(check),
};

fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let header = &subject.signature.header;
    let mut tell = |span: Span, message: String, help: &str| {
        found.push(Diagnostic::warning(LINT.name, span, message).with_help(help));
    };
    if let Some(span) = idle_ports(subject.rule, header) {
        let message = format!("{} has no ports", header.protocol.name());
        tell(span, message, "write `any` for the ports, or another protocol");
    }
    if let Some(missing) = missing_header(subject) {
        let message = format!("packets of {} have no {missing} header", header.protocol.name());
        tell(
            subject.head_span(),
            message,
            "write the rule for another protocol, or take out what asks for it",
        );
    }
    if !share_a_family(header) {
        let message = "no packet goes between addresses of these two sides".to_owned();
        tell(subject.rule.header.dst.span, message, "write addresses of one IP version on both sides");
    }
}

/// Where a port stands that packets without ports are asked for.
fn idle_ports(rule: &ast::Rule, header: &HeaderMatch) -> Option<Span> {
    use PacketProtocol as P;
    let sides = [
        (&header.source_ports, rule.header.src_port.span),
        (&header.destination_ports, rule.header.dst_port.span),
    ];
    let has_none = matches!(header.protocol, P::Icmp | P::Icmpv4 | P::Icmpv6 | P::Arp);
    sides.into_iter().find(|(ports, _)| has_none && !ports.is_any()).map(|(_, span)| span)
}

/// A header that the rule needs and that packets of its protocol lack.
fn missing_header(subject: &Subject<'_>) -> Option<&'static str> {
    let signature = subject.signature;
    let lacks = |header: HeaderBuffer| lacks(signature.header.protocol, header);
    let asked = signature.conditions.iter().map(|condition| condition.headers());
    let of_condition = asked
        .filter(|headers| headers.iter().all(|&header| lacks(header)))
        .find_map(|headers| headers.first().copied());
    let buffers = signature.inspections.iter().filter_map(|inspection| match inspection.source {
        Source::Header(header) => Some(header),
        _ => None,
    });
    of_condition.or_else(|| buffers.into_iter().find(|&header| lacks(header))).map(name)
}

/// Whether no packet that a rule's protocol means has a header.
fn lacks(protocol: PacketProtocol, header: HeaderBuffer) -> bool {
    use HeaderBuffer as H;
    use PacketProtocol as P;
    match header {
        H::Source | H::Destination => protocol == P::Arp,
        H::Ipv4 => matches!(protocol, P::Ipv6 | P::Icmpv6 | P::Arp),
        H::Ipv6 => matches!(protocol, P::Ipv4 | P::Icmpv4 | P::Arp),
        H::Tcp => is_another(protocol, &[P::Tcp, P::TcpPkt, P::TcpStream]),
        H::Udp => is_another(protocol, &[P::Udp]),
        H::Icmpv4 => is_another(protocol, &[P::Icmp, P::Icmpv4, P::Ipv4]) || protocol == P::Ipv6,
        H::Icmpv6 => is_another(protocol, &[P::Icmp, P::Icmpv6, P::Ipv6]) || protocol == P::Ipv4,
    }
}

/// Whether a protocol says what packets carry, and none of those.
fn is_another(protocol: PacketProtocol, these: &[PacketProtocol]) -> bool {
    use PacketProtocol as P;
    !these.contains(&protocol) && !matches!(protocol, P::Ip | P::Ipv4 | P::Ipv6 | P::Ether | P::Pkthdr)
}

const fn name(header: HeaderBuffer) -> &'static str {
    match header {
        HeaderBuffer::Ipv4 => "IPv4",
        HeaderBuffer::Ipv6 => "IPv6",
        HeaderBuffer::Tcp => "TCP",
        HeaderBuffer::Udp => "UDP",
        HeaderBuffer::Icmpv4 => "ICMP",
        HeaderBuffer::Icmpv6 => "ICMPv6",
        HeaderBuffer::Source | HeaderBuffer::Destination => "IP",
    }
}

/// Whether both sides hold addresses of one IP version that the protocol means.
fn share_a_family(header: &HeaderMatch) -> bool {
    let (source, destination) = (&header.source, &header.destination);
    let v4 = !source.v4().is_empty() && !destination.v4().is_empty();
    let v6 = !source.v6().is_empty() && !destination.v6().is_empty();
    (v4 && !lacks(header.protocol, HeaderBuffer::Ipv4)) || (v6 && !lacks(header.protocol, HeaderBuffer::Ipv6))
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::LINT;

    fn marks(rule: &str) -> Vec<String> {
        let found = found(&format!("{rule} sid:1;)"));
        found.into_iter().filter(|(name, _)| *name == LINT.name).map(|(_, marked)| marked).collect()
    }

    #[test]
    fn what_packets_of_the_protocol_lack() {
        for (rule, marked) in [
            ("alert icmp any 80 -> any any (", "80"),
            ("alert icmp any any -> any !53 (", "!53"),
            ("alert udp any any -> any any (flags:S;", "udp"),
            ("alert tcp any any -> any any (itype:8;", "tcp"),
            ("alert icmpv6 any any -> any any (tos:8;", "icmpv6"),
            (r#"alert udp any any -> any any (tcp.hdr; content:"a";"#, "udp"),
            ("alert ip 10.0.0.0/8 any -> 2001:db8::/32 any (", "2001:db8::/32"),
            ("alert ipv6 any any -> $HOME_NET any (", "$HOME_NET"),
        ] {
            assert_eq!(marks(rule), [marked], "{rule}");
        }
    }

    #[test]
    fn what_some_packets_of_the_protocol_have() {
        for rule in [
            "alert ip any 80 -> any any (flags:S;",
            "alert tcp-pkt any any -> any any (flags:S; ack:0;",
            "alert icmp any any -> any any (itype:8; tos:8;",
            "alert ipv6 any any -> any any (itype:128;",
            r#"alert ip any any -> any any (udp.hdr; content:"a";"#,
            "alert pkthdr any any -> any any (decode-event:ipv4.pkt_too_small;",
            "alert ip 10.0.0.0/8 any -> [192.0.2.0/24,::/0] any (",
        ] {
            assert_eq!(marks(rule), [] as [&str; 0], "{rule}");
        }
    }
}
