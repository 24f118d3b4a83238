//! `flow`: the way a packet goes, and the state of its flow.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::{FlowOption, Way};

/// `flow` (Suricata documentation: "Flow Keywords", flow).
#[derive(Debug)]
pub(super) struct Flow;

impl Keyword for Flow {
    fn name(&self) -> &'static str {
        "flow"
    }

    fn doc(&self) -> &'static str {
        "The way the packet goes (`to_server`, `to_client`, `from_server`, `from_client`), whether the flow is \
         `established`, `not_established` or of any state (`stateless`), and whether only the stream \
         (`only_stream`), never the stream (`no_stream`), only reassembled fragments (`only_frag`) or none \
         (`no_frag`) are looked at."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::staged(
            r#"alert tcp any any -> any any (flow:established,to_server; content:"abc"; sid:1;)"#,
            |stage| stage.payload = b"abc".to_vec(),
            |stage| {
                stage.payload = b"abc".to_vec();
                stage.flow.to_server = false;
            },
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "flow",
            "flow:sideways",
            "flow:to_server,to_client",
            "flow:established,not_established",
            "flow:only_stream,no_stream",
            "flow:to_server,to_server",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let mut option = FlowOption { present: true, ..draft.flow };
        let mut way = None;
        for part in argument.parts()? {
            let word = part.to_str_lossy().to_ascii_lowercase();
            let fresh = match word.as_str() {
                "to_server" | "from_client" => set(&mut way, Way::ToServer),
                "to_client" | "from_server" => set(&mut way, Way::ToClient),
                "established" => set(&mut option.established, true),
                "not_established" => set(&mut option.established, false),
                "stateless" => option.established.is_none(),
                "only_stream" => set(&mut option.stream, true),
                "no_stream" => set(&mut option.stream, false),
                "only_frag" => set(&mut option.fragment, true),
                "no_frag" => set(&mut option.fragment, false),
                _ => {
                    return Err(Diagnostic::error("unknown-flow-option", part.span(), format!("`flow` has no `{word}`"))
                        .with_help("the words are to_server, to_client, established, not_established, stateless, only_stream, no_stream, only_frag, no_frag"));
                }
            };
            if !fresh {
                let message = format!("`{word}` repeats or contradicts what stands before it");
                return Err(Diagnostic::error("contradictory-flow", part.span(), message)
                    .with_help(format!("take `{word}` out")));
            }
        }
        draft.flow = option;
        draft.way = way.unwrap_or(draft.way);
        Ok(())
    }
}

/// Sets what was not set before; says whether it wasn't.
fn set<T>(place: &mut Option<T>, value: T) -> bool {
    place.replace(value).is_none()
}
