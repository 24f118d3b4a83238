//! States of a flow in which what the rule asks for does not occur.

use super::{Lint, Subject};
use crate::diagnostic::Diagnostic;
use crate::header::protocol::{AppProtocol, PacketProtocol};
use crate::signature::{Hint, Signature};

pub(super) const LINT: Lint = Lint {
    name: "contradictory-state",
    doc: "`flow` asks for a state of the flow in which the rest of the rule does not hold, such as a SYN once the flow \
          is established.",
    check: Some(check),
};

fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let signature = subject.signature;
    let span = subject.rule.option("flow").map_or(subject.head_span(), |option| option.span);
    let contradictions = [
        (
            asks_for_syn(signature) && signature.flow.established == Some(true),
            "a flow is established only after its SYN packets",
            "take `established` out, or mend the flags",
        ),
        (
            signature.flow.established == Some(false) && signature.app_protocol.is_some_and(is_over_tcp),
            "what a protocol over TCP says is seen once the flow is established",
            "take `not_established` out",
        ),
        (
            is_of_both(signature),
            "the protocol and `flow` choose differently between packets and the stream",
            "write `tcp` for the protocol, or take the word out of `flow`",
        ),
        (
            signature.flow.present && signature.header.protocol == PacketProtocol::Arp,
            "ARP packets belong to no flow",
            "take `flow` out",
        ),
    ];
    for (holds, message, help) in contradictions {
        if holds {
            found.push(Diagnostic::warning(LINT.name, span, message).with_help(help));
        }
    }
}

const SYN: u8 = 0x02;

fn asks_for_syn(signature: &Signature) -> bool {
    signature.conditions.iter().any(|condition| match condition.hint() {
        Hint::TcpFlags { mask, value } => mask & value & SYN != 0,
        _ => false,
    })
}

fn is_over_tcp(protocol: AppProtocol) -> bool {
    use AppProtocol as A;
    matches!(
        protocol,
        A::Http | A::Http1 | A::Http2 | A::Tls | A::Ssh | A::Smtp | A::Ftp | A::FtpData | A::Smb
    )
}

/// Whether the rule asks for packets alone and for the stream alone.
fn is_of_both(signature: &Signature) -> bool {
    match signature.flow.stream {
        Some(true) => signature.header.protocol == PacketProtocol::TcpPkt,
        Some(false) => signature.header.protocol == PacketProtocol::TcpStream,
        None => false,
    }
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
    fn states_in_which_the_rest_does_not_hold() {
        for (rule, marked) in [
            ("alert tcp any any -> any any (flow:established; flags:S,12;", "flow:established"),
            (
                "alert tcp any any -> any any (flags:SA+; flow:to_client,established;",
                "flow:to_client,established",
            ),
            ("alert http any any -> any any (flow:not_established;", "flow:not_established"),
            (r#"alert tcp-pkt any any -> any any (flow:only_stream; content:"abc";"#, "flow:only_stream"),
            (r#"alert tcp-stream any any -> any any (flow:no_stream; content:"abc";"#, "flow:no_stream"),
            ("alert arp any any -> any any (flow:to_server;", "flow:to_server"),
        ] {
            assert_eq!(marks(rule), [marked], "{rule}");
        }
    }

    #[test]
    fn states_in_which_it_does() {
        for rule in [
            "alert tcp any any -> any any (flow:not_established; flags:S;",
            "alert tcp any any -> any any (flow:stateless; flags:S;",
            "alert tcp any any -> any any (flow:established; flags:FPU,12;",
            "alert tcp any any -> any any (flow:established; flags:!S;",
            "alert dns any any -> any any (flow:not_established;",
            r#"alert tcp any any -> any any (flow:established,only_stream; content:"abc";"#,
        ] {
            assert_eq!(marks(rule), [] as [&str; 0], "{rule}");
        }
    }
}
