//! Events of decoding and of the stream engine: `decode-event`, `stream-event`.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::{Condition, HeaderBuffer, Hint};
use crate::view::{DecodeEvent, StreamEvent, View};

/// `decode-event` (Suricata documentation: "Generic Decode Layer Keywords").
#[derive(Debug)]
pub(super) struct DecodeEventKeyword;

impl Keyword for DecodeEventKeyword {
    fn name(&self) -> &'static str {
        "decode-event"
    }

    fn doc(&self) -> &'static str {
        "Something was wrong with the packet's headers, or with the fragments it was put together from."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::staged(
            "alert pkthdr any any -> any any (decode-event:tcp.hlen_too_small; sid:1;)",
            |stage| stage.decode_events.insert(DecodeEvent::TcpHlenTooSmall),
            |stage| stage.decode_events.insert(DecodeEvent::UdpHlenTooSmall),
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["decode-event", "decode-event:tcp.no_such_event"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let name = argument.string()?;
        let names = DecodeEvent::ALL.iter().map(|event| event.name());
        let event = DecodeEvent::from_name(&name).ok_or_else(|| unknown(argument, &name, names))?;
        draft.conditions.push(Box::new(Decoded(event)));
        Ok(())
    }
}

/// `stream-event` (Suricata documentation: "Generic Decode Layer Keywords").
#[derive(Debug)]
pub(super) struct StreamEventKeyword;

impl Keyword for StreamEventKeyword {
    fn name(&self) -> &'static str {
        "stream-event"
    }

    fn doc(&self) -> &'static str {
        "The packet does not fit its TCP session, or shows something irregular about it."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::staged(
            "alert tcp any any -> any any (stream-event:est_packet_out_of_window; sid:1;)",
            |stage| stage.stream_events.insert(StreamEvent::EstPacketOutOfWindow),
            |stage| stage.stream_events.insert(StreamEvent::PktInvalidAck),
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["stream-event", "stream-event:no_such_event"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let name = argument.string()?;
        let names = StreamEvent::ALL.iter().map(|event| event.name());
        let event = StreamEvent::from_name(&name).ok_or_else(|| unknown(argument, &name, names))?;
        draft.conditions.push(Box::new(Streamed(event)));
        Ok(())
    }
}

pub(super) fn unknown(
    argument: &Argument<'_>,
    name: &str,
    known: impl Iterator<Item = &'static str>,
) -> Diagnostic {
    let fault = argument.error("unknown-event", format!("there is no event `{name}`"));
    let near = known.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    match near {
        Some(near) => fault.with_help(format!("did you mean `{near}`?")),
        None => fault,
    }
}

#[derive(Debug)]
struct Decoded(DecodeEvent);

impl Condition for Decoded {
    fn holds(&self, view: &View<'_>) -> bool {
        view.packet.events.contains(self.0)
    }

    fn hint(&self) -> Hint {
        Hint::DecodeEvent
    }

    fn explain(&self) -> String {
        format!("decoding the packet found {}", self.0.name())
    }
}

#[derive(Debug)]
struct Streamed(StreamEvent);

impl Condition for Streamed {
    fn holds(&self, view: &View<'_>) -> bool {
        view.stream_events.contains(self.0)
    }

    fn headers(&self) -> &'static [HeaderBuffer] {
        &[HeaderBuffer::Tcp]
    }

    fn hint(&self) -> Hint {
        Hint::StreamEvent
    }

    fn explain(&self) -> String {
        format!("the stream engine found {}", self.0.name())
    }
}
