//! `rpc`: a call of ONC RPC, as older rules ask for it.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::Condition;
use crate::view::{Transport, View};

/// `rpc` (Suricata documentation: "Payload Keywords", rpc).
#[derive(Debug)]
pub(super) struct Rpc;

/// A call of the port mapper, version 2, procedure 3 (RFC 5531 §9).
const CALL: &[u8] = &[0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0x86, 0xa0, 0, 0, 0, 2, 0, 0, 0, 3];
/// The reply to it.
const REPLY: &[u8] = &[0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0x86, 0xa0, 0, 0, 0, 2, 0, 0, 0, 3];

impl Keyword for Rpc {
    fn name(&self) -> &'static str {
        "rpc"
    }

    fn doc(&self) -> &'static str {
        "A call of ONC RPC at the start of the payload: program, version and procedure by number; `*` for any."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload("alert udp any any -> any any (rpc:100000,2,*; sid:1;)", CALL, REPLY),
            Example::staged(
                "alert tcp any any -> any any (rpc:100000,*,3; sid:1;)",
                |stage| stage.payload = [&[0x80, 0, 0, 24], CALL].concat(),
                |stage| stage.payload = CALL.to_vec(),
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["rpc", "rpc:portmap,2,3", "rpc:*,2,3", "rpc:100000,2,3,4"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let words: Vec<_> = parts.iter().map(|part| part.to_str_lossy()).collect();
        let any_or_number = |at: usize| match words.get(at).map(|word| &**word) {
            None | Some("*") => Some(None),
            Some(word) => word.parse::<u32>().ok().map(Some),
        };
        let program = words[0].parse().ok().filter(|_| words.len() <= 3);
        let wanted = program.zip(any_or_number(1)).zip(any_or_number(2));
        let ((program, version), procedure) = wanted.ok_or_else(|| {
            argument
                .error("bad-rpc", "this is no program, version and procedure")
                .with_help("write numbers, with `*` for any version or procedure: `rpc:100000,*,3`")
        })?;
        draft.conditions.push(Box::new(Calls { program, version, procedure }));
        Ok(())
    }
}

#[derive(Debug)]
struct Calls {
    program: u32,
    version: Option<u32>,
    procedure: Option<u32>,
}

/// The words of a message (RFC 5531 §9), by their place.
const MESSAGE_TYPE: usize = 1;
const RPC_VERSION: usize = 2;
const PROGRAM: usize = 3;
const VERSION: usize = 4;
const PROCEDURE: usize = 5;

impl Condition for Calls {
    fn holds(&self, view: &View<'_>) -> bool {
        let packet = view.packet;
        // Over a stream, a length stands before each message (RFC 5531 §11).
        let message = match packet.transport {
            Transport::Tcp(_) => packet.payload.get(4..).unwrap_or_default(),
            Transport::Udp(_) => packet.payload,
            _ => return false,
        };
        let word = |at: usize| {
            let bytes = message.get(at * 4..at * 4 + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().expect("four bytes")))
        };
        let fits = |at, wanted: Option<u32>| wanted.is_none_or(|wanted| word(at) == Some(wanted));
        word(PROCEDURE).is_some()
            && word(MESSAGE_TYPE) == Some(0)
            && word(RPC_VERSION) == Some(2)
            && word(PROGRAM) == Some(self.program)
            && fits(VERSION, self.version)
            && fits(PROCEDURE, self.procedure)
    }

    fn explain(&self) -> String {
        let number = |value: Option<u32>| value.map_or("any".to_owned(), |value| value.to_string());
        let (version, procedure) = (number(self.version), number(self.procedure));
        format!(
            "the payload is an RPC call of program {}, version {version}, procedure {procedure}",
            self.program
        )
    }
}
