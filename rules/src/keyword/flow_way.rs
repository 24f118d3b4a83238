//! What a flow has each way, asked of one way, either or both (Suricata documentation: "Flow Keywords").

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::integer::IntegerMatch;
use crate::signature::{Condition, Scope};
use crate::text::Text;
use crate::view::{FlowFacts, View};
use std::fmt;

/// A keyword about something that a flow has each way.
pub(super) struct WayKeyword {
    name: &'static str,
    doc: &'static str,
    /// What the flow has, to be followed by the way.
    subject: &'static str,
    /// The number to the server, and the number to the client; nothing where a flow has none.
    read: fn(&FlowFacts) -> Option<[u64; 2]>,
    scope: Scope,
    /// What has to come before flows have it.
    waits_for: Option<&'static str>,
    parse: fn(&Argument<'_>) -> Result<Asked, Diagnostic>,
    examples: &'static [Example],
    refused: &'static [&'static str],
}

/// The way that a rule asks about, and what the number must be: where it says nothing, other than 0.
type Asked = (Ways, Option<IntegerMatch>);

/// Which way of a flow is asked about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ways {
    ToServer,
    ToClient,
    Either,
    Both,
}

/// `flow.pkts`.
pub(super) static PACKETS: WayKeyword = WayKeyword {
    name: "flow.pkts",
    doc: "Packets of the flow so far, this one included, on the way named: `toserver`, `toclient`, `either`, `both`.",
    subject: "the number of packets",
    read: |flow| Some([flow.packets_to_server, flow.packets_to_client]),
    scope: Scope::Flow,
    waits_for: None,
    parse: |argument| way_and_number(argument, u32::MAX.into()),
    examples: &[
        Example::staged(
            "alert tcp any any -> any any (flow.pkts:either,=10; sid:1;)",
            |stage| stage.flow.packets_to_client = 10,
            |stage| stage.flow.packets_to_client = 9,
        ),
        Example::staged(
            "alert tcp any any -> any any (flow.pkts:toserver,<4; sid:1;)",
            |stage| stage.flow.packets_to_server = 3,
            |stage| stage.flow.packets_to_server = 4,
        ),
    ],
    refused: &["flow.pkts", "flow.pkts:10", "flow.pkts:up,10", "flow.pkts:both,many", "flow.pkts:both,1,2"],
};

/// `flow.bytes`.
pub(super) static BYTES: WayKeyword = WayKeyword {
    name: "flow.bytes",
    doc: "Bytes of the flow's frames so far, this one included, on the way named: `toserver`, `toclient`, `either`, \
          `both`.",
    subject: "the number of bytes",
    read: |flow| Some([flow.bytes_to_server, flow.bytes_to_client]),
    scope: Scope::Flow,
    waits_for: None,
    parse: |argument| way_and_number(argument, u64::MAX),
    examples: &[
        Example::staged(
            "alert tcp any any -> any any (flow.bytes:both,>250; sid:1;)",
            |stage| stage.flow.bytes_to_client = 251,
            |stage| stage.flow.bytes_to_client = 250,
        ),
        Example::staged(
            "alert tcp any any -> any any (flow.bytes:toclient,>=500; sid:1;)",
            |stage| stage.flow.bytes_to_client = 500,
            |stage| stage.flow.bytes_to_client = 499,
        ),
    ],
    refused: &["flow.bytes", "flow.bytes:10", "flow.bytes:up,10", "flow.bytes:both,lots"],
};

/// `stream_size`.
pub(super) static STREAM_SIZE: WayKeyword = WayKeyword {
    name: "stream_size",
    doc: "How many bytes the `client` or the `server`, `either` or `both` sent in the TCP session so far, by its \
          sequence numbers.",
    subject: "the size of the stream",
    read: |flow| Some([flow.client_stream_bytes?, flow.server_stream_bytes?]),
    scope: Scope::Packet,
    waits_for: None,
    parse: side_sign_and_number,
    examples: &[
        Example::staged(
            "alert tcp any any -> any any (stream_size:client,<,100; sid:1;)",
            |stage| stage.flow.client_stream_bytes = Some(99),
            |stage| stage.flow.client_stream_bytes = None,
        ),
        Example::staged(
            "alert tcp any any -> any any (stream_size:both, >=, 50; sid:1;)",
            |stage| stage.flow.server_stream_bytes = Some(50),
            |stage| stage.flow.server_stream_bytes = Some(49),
        ),
        Example::staged(
            "alert tcp any any -> any any (stream_size:either,!=,7; sid:1;)",
            |_| {},
            |stage| {
                stage.flow.client_stream_bytes = Some(7);
                stage.flow.server_stream_bytes = Some(7);
            },
        ),
    ],
    refused: &[
        "stream_size",
        "stream_size:client,5",
        "stream_size:peer,<,5",
        "stream_size:client,~,5",
        "stream_size:client,<,many",
        "stream_size:client,<,4294967296",
    ],
};

/// `flow.elephant`.
pub(super) static ELEPHANT: WayKeyword = WayKeyword {
    name: "flow.elephant",
    doc: "The flow moved more bytes within a time than is configured, on the way named: `toserver`, `toclient`, \
          `either`, `both`.",
    subject: "the flow is an elephant",
    read: |flow| Some(flow.elephant.map(u64::from)),
    scope: Scope::Packet,
    waits_for: Some("elephant flows"),
    parse: |argument| Ok((way(&argument.text()?, &WAYS)?, None)),
    examples: &[
        Example::staged(
            "alert tcp any any -> any any (flow.elephant:toclient; sid:1;)",
            |stage| stage.flow.elephant = [false, true],
            |stage| stage.flow.elephant = [true, false],
        ),
        Example::staged(
            "alert tcp any any -> any any (flow.elephant:both; sid:1;)",
            |stage| stage.flow.elephant = [true; 2],
            |stage| stage.flow.elephant = [true, false],
        ),
    ],
    refused: &["flow.elephant", "flow.elephant:up", "flow.elephant:both,5"],
};

/// The ways by their words, in the order of [`Ways`].
const WAYS: [&str; 4] = ["toserver", "toclient", "either", "both"];

/// Who sends on them.
const SENDERS: [&str; 4] = ["client", "server", "either", "both"];

fn way(text: &Text, words: &[&str; 4]) -> Result<Ways, Diagnostic> {
    let ways = [Ways::ToServer, Ways::ToClient, Ways::Either, Ways::Both];
    let word = text.to_str_lossy();
    let found = words.iter().zip(ways).find(|(known, _)| word == **known).map(|(_, way)| way);
    found.ok_or_else(|| {
        Diagnostic::error("bad-way", text.span(), format!("`{word}` is no way of a flow"))
            .with_help(format!("write one of {}", words.join(", ")))
    })
}

fn number(form: &str, span: &Text, max: u64) -> Result<Option<IntegerMatch>, Diagnostic> {
    IntegerMatch::parse(form, max).map(Some).map_err(|error| {
        Diagnostic::error("bad-number", span.span(), error.to_string())
            .with_help("write a number, `<10`, `>10`, `5-10` or `!10`")
    })
}

fn way_and_number(argument: &Argument<'_>, max: u64) -> Result<Asked, Diagnostic> {
    let parts = argument.parts()?;
    let [of, form] = parts.as_slice() else {
        let name = argument.keyword();
        return Err(argument
            .error("bad-way", format!("`{name}` takes a way and a number"))
            .with_help(format!("write `{name}:toserver,>10`")));
    };
    Ok((way(of, &WAYS)?, number(&form.to_str_lossy(), form, max)?))
}

fn side_sign_and_number(argument: &Argument<'_>) -> Result<Asked, Diagnostic> {
    let parts = argument.parts()?;
    let [side, sign, size] = parts.as_slice() else {
        return Err(argument
            .error("bad-stream-size", "this is a side, a sign and a number")
            .with_help("write `stream_size:client,>,1000`"));
    };
    let ways = way(side, &SENDERS)?;
    let sign_text = sign.to_str_lossy();
    if !["<", ">", "=", "!=", "<=", ">="].contains(&&*sign_text) {
        let message = format!("`{sign_text}` compares nothing");
        return Err(Diagnostic::error("bad-stream-size", sign.span(), message)
            .with_help("the signs are < > = != <= >="));
    }
    Ok((ways, number(&format!("{sign_text}{}", size.to_str_lossy()), size, u32::MAX.into())?))
}

impl fmt::Debug for WayKeyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Keyword for WayKeyword {
    fn name(&self) -> &'static str {
        self.name
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    fn examples(&self) -> Vec<Example> {
        self.examples.to_vec()
    }

    fn refused(&self) -> &'static [&'static str] {
        self.refused
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let Self { subject, read, scope, waits_for, .. } = *self;
        let (ways, form) = (self.parse)(argument)?;
        draft.conditions.push(Box::new(Asks { subject, read, scope, waits_for, ways, form }));
        Ok(())
    }
}

struct Asks {
    subject: &'static str,
    read: fn(&FlowFacts) -> Option<[u64; 2]>,
    scope: Scope,
    waits_for: Option<&'static str>,
    ways: Ways,
    form: Option<IntegerMatch>,
}

impl fmt::Debug for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asks({}, {:?}, {:?})", self.subject, self.ways, self.form)
    }
}

impl Condition for Asks {
    fn holds(&self, view: &View<'_>) -> bool {
        let Some(numbers) = view.flow.and_then(self.read) else { return false };
        let [to_server, to_client] =
            numbers.map(|number| self.form.map_or(number != 0, |form| form.holds(number)));
        match self.ways {
            Ways::ToServer => to_server,
            Ways::ToClient => to_client,
            Ways::Either => to_server || to_client,
            Ways::Both => to_server && to_client,
        }
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn waits_for(&self) -> Option<&'static str> {
        self.waits_for
    }

    fn explain(&self) -> String {
        let way = match self.ways {
            Ways::ToServer => "to the server",
            Ways::ToClient => "to the client",
            Ways::Either => "on either way",
            Ways::Both => "on both ways",
        };
        let is = self.form.map_or(String::new(), |form| format!(" is {form}"));
        format!("{} {way}{is}", self.subject)
    }
}
