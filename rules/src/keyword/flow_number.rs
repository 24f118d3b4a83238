//! How long, how large and how busy a flow is (Suricata documentation: "Flow Keywords").

use super::number::NumberKeyword;
use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::integer::IntegerMatch;
use crate::signature::{Condition, Scope};
use crate::view::{FlowFacts, View};
use std::fmt;

/// `flow.age`.
pub(super) static AGE: NumberKeyword = NumberKeyword {
    name: "flow.age",
    doc: "Whole seconds from the flow's first packet to this one.",
    subject: "the flow's age in seconds",
    max: u32::MAX as u64,
    read: |view| view.flow.map(|flow| flow.age_ns / 1_000_000_000),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.age:>=3; sid:1;)",
        |stage| stage.flow.age_ns = 3_000_000_000,
        |stage| stage.flow.age_ns = 2_999_999_999,
    )],
    refused: &["flow.age", "flow.age:long", "flow.age:4294967296"],
    ..NumberKeyword::FLOW
};

/// `flow.pkts_toserver`.
pub(super) static PACKETS_TO_SERVER: NumberKeyword = NumberKeyword {
    name: "flow.pkts_toserver",
    doc: "Packets of the flow to the server so far, this one included.",
    subject: "the number of packets to the server",
    max: u32::MAX as u64,
    read: |view| view.flow.map(|flow| flow.packets_to_server),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.pkts_toserver:10; sid:1;)",
        |stage| stage.flow.packets_to_server = 10,
        |stage| stage.flow.packets_to_server = 11,
    )],
    refused: &["flow.pkts_toserver", "flow.pkts_toserver:many"],
    ..NumberKeyword::FLOW
};

/// `flow.pkts_toclient`.
pub(super) static PACKETS_TO_CLIENT: NumberKeyword = NumberKeyword {
    name: "flow.pkts_toclient",
    doc: "Packets of the flow to the client so far, this one included.",
    subject: "the number of packets to the client",
    max: u32::MAX as u64,
    read: |view| view.flow.map(|flow| flow.packets_to_client),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.pkts_toclient:<2; sid:1;)",
        |stage| stage.flow.packets_to_client = 1,
        |stage| stage.flow.packets_to_client = 2,
    )],
    refused: &["flow.pkts_toclient", "flow.pkts_toclient:many"],
    ..NumberKeyword::FLOW
};

/// `flow.bytes_toserver`.
pub(super) static BYTES_TO_SERVER: NumberKeyword = NumberKeyword {
    name: "flow.bytes_toserver",
    doc: "Bytes of the flow's frames to the server so far, this one included.",
    subject: "the number of bytes to the server",
    max: u64::MAX,
    read: |view| view.flow.map(|flow| flow.bytes_to_server),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.bytes_toserver:>3000; sid:1;)",
        |stage| stage.flow.bytes_to_server = 3001,
        |stage| stage.flow.bytes_to_server = 3000,
    )],
    refused: &["flow.bytes_toserver", "flow.bytes_toserver:lots"],
    ..NumberKeyword::FLOW
};

/// `flow.bytes_toclient`.
pub(super) static BYTES_TO_CLIENT: NumberKeyword = NumberKeyword {
    name: "flow.bytes_toclient",
    doc: "Bytes of the flow's frames to the client so far, this one included.",
    subject: "the number of bytes to the client",
    max: u64::MAX,
    read: |view| view.flow.map(|flow| flow.bytes_to_client),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.bytes_toclient:>1MB; sid:1;)",
        |stage| stage.flow.bytes_to_client = 1 << 21,
        |stage| stage.flow.bytes_to_client = 1 << 20,
    )],
    refused: &["flow.bytes_toclient", "flow.bytes_toclient:lots"],
    ..NumberKeyword::FLOW
};

/// Which way of a flow is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ways {
    ToServer,
    ToClient,
    Either,
    Both,
}

/// A keyword that counts something of a flow each way: `<way>,<number>`.
pub(super) struct WayKeyword {
    name: &'static str,
    doc: &'static str,
    subject: &'static str,
    max: u64,
    /// The number to the server, and the number to the client.
    read: fn(&FlowFacts) -> [u64; 2],
    examples: &'static [Example],
    refused: &'static [&'static str],
}

/// `flow.pkts`.
pub(super) static PACKETS: WayKeyword = WayKeyword {
    name: "flow.pkts",
    doc: "Packets of the flow so far, this one included, on the way named: `toserver`, `toclient`, `either`, `both`.",
    subject: "the number of packets",
    max: u32::MAX as u64,
    read: |flow| [flow.packets_to_server, flow.packets_to_client],
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
    max: u64::MAX,
    read: |flow| [flow.bytes_to_server, flow.bytes_to_client],
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
        let parts = argument.parts()?;
        let [way, number] = parts.as_slice() else {
            return Err(argument
                .error("bad-way", format!("`{}` takes a way and a number", self.name))
                .with_help(format!("write `{}:toserver,>10`", self.name)));
        };
        let ways = match &*way.to_str_lossy() {
            "toserver" => Ways::ToServer,
            "toclient" => Ways::ToClient,
            "either" => Ways::Either,
            "both" => Ways::Both,
            other => {
                return Err(Diagnostic::error("bad-way", way.span(), format!("`{other}` is no way"))
                    .with_help("the ways are toserver, toclient, either, both"));
            }
        };
        let form = IntegerMatch::parse(&number.to_str_lossy(), self.max).map_err(|error| {
            Diagnostic::error("bad-number", number.span(), error.to_string())
                .with_help("write a number, `<10`, `>10`, `5-10` or `!10`")
        })?;
        draft.conditions.push(Box::new(Counted { subject: self.subject, read: self.read, ways, form }));
        Ok(())
    }
}

struct Counted {
    subject: &'static str,
    read: fn(&FlowFacts) -> [u64; 2],
    ways: Ways,
    form: IntegerMatch,
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counted({}, {:?}, {:?})", self.subject, self.ways, self.form)
    }
}

impl Condition for Counted {
    fn holds(&self, view: &View<'_>) -> bool {
        let Some(flow) = view.flow else { return false };
        let [to_server, to_client] = (self.read)(flow).map(|value| self.form.holds(value));
        self.ways.choose(to_server, to_client)
    }

    fn scope(&self) -> Scope {
        Scope::Flow
    }

    fn explain(&self) -> String {
        let way = match self.ways {
            Ways::ToServer => "to the server",
            Ways::ToClient => "to the client",
            Ways::Either => "on either way",
            Ways::Both => "on both ways",
        };
        format!("{} {way} is {}", self.subject, self.form)
    }
}

impl Ways {
    fn choose(self, to_server: bool, to_client: bool) -> bool {
        match self {
            Self::ToServer => to_server,
            Self::ToClient => to_client,
            Self::Either => to_server || to_client,
            Self::Both => to_server && to_client,
        }
    }
}

/// `stream_size` (Suricata documentation: "Flow Keywords", stream_size).
#[derive(Debug)]
pub(super) struct StreamSize;

impl Keyword for StreamSize {
    fn name(&self) -> &'static str {
        "stream_size"
    }

    fn doc(&self) -> &'static str {
        "How many bytes the `client` or the `server`, `either` or `both` sent in the TCP session so far, by its \
         sequence numbers."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
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
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "stream_size",
            "stream_size:client,5",
            "stream_size:peer,<,5",
            "stream_size:client,~,5",
            "stream_size:client,<,many",
            "stream_size:client,<,4294967296",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let [side, sign, number] = parts.as_slice() else {
            return Err(argument
                .error("bad-stream-size", "this is a side, a sign and a number")
                .with_help("write `stream_size:client,>,1000`"));
        };
        let ways = match &*side.to_str_lossy() {
            "client" => Ways::ToServer,
            "server" => Ways::ToClient,
            "either" => Ways::Either,
            "both" => Ways::Both,
            other => {
                return Err(Diagnostic::error(
                    "bad-stream-size",
                    side.span(),
                    format!("`{other}` is no side"),
                )
                .with_help("the sides are client, server, either, both"));
            }
        };
        let sign_text = sign.to_str_lossy();
        if !["<", ">", "=", "!=", "<=", ">="].contains(&&*sign_text) {
            return Err(Diagnostic::error(
                "bad-stream-size",
                sign.span(),
                format!("`{sign_text}` compares nothing"),
            )
            .with_help("the signs are < > = != <= >="));
        }
        let form = IntegerMatch::parse(&format!("{sign_text}{}", number.to_str_lossy()), u32::MAX.into())
            .map_err(|error| {
                Diagnostic::error("bad-number", number.span(), error.to_string()).with_help("write a number")
            })?;
        draft.conditions.push(Box::new(StreamBytes { ways, form }));
        Ok(())
    }
}

#[derive(Debug)]
struct StreamBytes {
    ways: Ways,
    form: IntegerMatch,
}

impl Condition for StreamBytes {
    fn holds(&self, view: &View<'_>) -> bool {
        let sizes = view.flow.and_then(|flow| flow.client_stream_bytes.zip(flow.server_stream_bytes));
        let Some((client, server)) = sizes else { return false };
        self.ways.choose(self.form.holds(client), self.form.holds(server))
    }

    fn explain(&self) -> String {
        let side = match self.ways {
            Ways::ToServer => "the client",
            Ways::ToClient => "the server",
            Ways::Either => "either side",
            Ways::Both => "each side",
        };
        format!("the number of bytes that {side} sent in the session is {}", self.form)
    }
}
