//! Words for what signatures are made of.

use rules::content::printable;
use rules::signature::{FastPattern, HeaderBuffer, Inspection, Kind, Signature, Source, Way};
use rules::threshold::{Threshold, ThresholdKind, Track};

/// The buffer, as a rule names it, with the transforms after it.
pub(super) fn buffer(inspection: &Inspection) -> String {
    let mut name = source(inspection.source).to_owned();
    for transform in &inspection.transforms {
        name.push_str("; ");
        name.push_str(transform.name());
        if !transform.options().is_empty() {
            name.push(':');
            name.push_str(transform.options());
        }
    }
    name
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Payload => "payload",
        Source::Header(HeaderBuffer::Ipv4) => "ipv4.hdr",
        Source::Header(HeaderBuffer::Ipv6) => "ipv6.hdr",
        Source::Header(HeaderBuffer::Tcp) => "tcp.hdr",
        Source::Header(HeaderBuffer::Udp) => "udp.hdr",
        Source::Header(HeaderBuffer::Icmpv4) => "icmpv4.hdr",
        Source::Header(HeaderBuffer::Icmpv6) => "icmpv6.hdr",
        Source::Header(HeaderBuffer::Source) => "ip.src",
        Source::Header(HeaderBuffer::Destination) => "ip.dst",
        Source::Field(field) => field.name,
        Source::Base64 => "base64_data",
    }
}

/// The group that a rule is looked at in.
pub(super) fn group(kind: Kind) -> &'static str {
    match kind {
        Kind::IpOnly => "ip-only",
        Kind::LikeIpOnly => "like-ip-only",
        Kind::ProtocolDetection => "protocol-detection",
        Kind::DecodeEvent => "decode-event",
        Kind::Packet => "packet",
        Kind::PacketAndStream => "packet-and-stream",
        Kind::Stream => "stream",
        Kind::AppProtocol => "app-protocol",
        Kind::Frame => "frame",
        Kind::Transaction => "transaction",
    }
}

/// When a rule is looked at.
pub(super) fn when(kind: Kind) -> &'static str {
    match kind {
        Kind::IpOnly => "on the first packet of each direction of a flow",
        Kind::LikeIpOnly => "on every packet, since an address is negated",
        Kind::ProtocolDetection => "once per direction, when the application protocol is known",
        Kind::DecodeEvent => "on packets with decoder events",
        Kind::Packet => "on each packet",
        Kind::PacketAndStream => "on each packet, and on the reassembled stream",
        Kind::Stream => "on the reassembled stream",
        Kind::AppProtocol => "on each packet of such a flow",
        Kind::Frame => "on frames of the application protocol",
        Kind::Transaction => "on transactions of the application protocol",
    }
}

/// Which way a rule looks.
pub(super) fn way(way: Way) -> &'static str {
    match way {
        Way::Both => "either way",
        Way::ToServer => "to the server",
        Way::ToClient => "to the client",
    }
}

/// The name of the protocol that the rule is about.
pub(super) fn protocol(signature: &Signature) -> &'static str {
    signature.app_protocol.map_or(signature.header.protocol.name(), |protocol| protocol.name())
}

/// The fast pattern with its buffer.
pub(super) fn fast_pattern(signature: &Signature, pattern: &FastPattern) -> String {
    let nocase = if pattern.nocase { " nocase" } else { "" };
    let buffer =
        signature.inspections.get(pattern.inspection).map_or("payload", |found| source(found.source));
    format!("{buffer}:{}{nocase}", printable(&pattern.bytes))
}

/// How often a rule alerts.
pub(super) fn threshold(threshold: &Threshold) -> String {
    let Threshold { count, seconds, .. } = threshold;
    let whose = match threshold.track {
        Track::Source => "each sender",
        Track::Destination => "each receiver",
        Track::Both => "each pair of sender and receiver",
        Track::Rule => "all traffic together",
        Track::Flow => "each flow",
    };
    match threshold.kind {
        ThresholdKind::Limit => format!("at most {count} times in {seconds} s, for {whose}"),
        ThresholdKind::Threshold => format!("at every {count}th match in {seconds} s, for {whose}"),
        ThresholdKind::Both => format!("once in {seconds} s, at match {count}, for {whose}"),
        ThresholdKind::Filter => format!("at every match after {count} in {seconds} s, for {whose}"),
        ThresholdKind::Backoff { multiplier } => {
            format!("at match {count} and then at each {multiplier}-fold of it, for {whose}")
        }
    }
}
