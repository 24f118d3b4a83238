//! Fields of DCE/RPC (Suricata documentation: "DCERPC Keywords").

use crate::app_layer::progress::STARTED;
use rules::diagnostic::Diagnostic;
use rules::draft::Draft;
use rules::field::{AnyNumberStep, ask};
use rules::header::protocol::AppProtocol;
use rules::inspect::{Cursor, Outcome, Resume, Step};
use rules::integer::IntegerMatch;
use rules::keyword::Argument;
use rules::vocabulary::{Field, LentKeyword, Reach};
use uuid::Uuid;

const DCERPC: &[AppProtocol] = &[AppProtocol::Dcerpc];
const EITHER: Reach = Reach::both(STARTED, STARTED);
const U16: u64 = u16::MAX as u64;

fields! {
    /// What a request or response carries for the interface.
    STUB_DATA = Field::bytes("dcerpc.stub_data", DCERPC, EITHER).alias(&["dce_stub_data"]);
}

/// The interface that a call is for, if it was bound and accepted: its UUID in 16 bytes as written, its major version
/// in 2, most significant byte first, and 1 where the request's first fragment was seen, else 0.
pub static INTERFACE: Field = Field::bytes("dcerpc.iface", DCERPC, EITHER);
/// The operation of a call.
pub static OPERATION: Field = Field::number("dcerpc.opnum", DCERPC, EITHER, U16);

/// Keywords about these fields with values of their own form.
pub static KEYWORDS: &[LentKeyword] = &[
    LentKeyword {
        name: "dcerpc.iface",
        aliases: &["dce_iface"],
        doc: "The interface by its UUID; then perhaps its version compared with a number, and `any_frag` to look at \
              every fragment of a request.",
        read: interface,
    },
    LentKeyword {
        name: "dcerpc.opnum",
        aliases: &["dce_opnum"],
        doc: "The operation: numbers and ranges (`0-3`, both ends included) between commas, or one comparison.",
        read: operation,
    },
];

fn interface(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let parts = argument.parts()?;
    let word = parts[0].to_str_lossy();
    let hyphenated = word.len() == 36;
    let Some(uuid) = Uuid::try_parse(&word).ok().filter(|_| hyphenated) else {
        return Err(argument
            .error("bad-uuid", format!("`{word}` is no UUID"))
            .with_help("write it as in 12345678-1234-abcd-ef00-0123456789ab"));
    };
    let mut step = InterfaceStep { uuid, version: None, any_fragment: false };
    for part in &parts[1..] {
        match part.to_str_lossy().as_ref() {
            "any_frag" if !step.any_fragment => step.any_fragment = true,
            form if step.version.is_none() && !step.any_fragment => {
                let form = IntegerMatch::parse(form, U16)
                    .map_err(|error| argument.error("bad-number", error.to_string()))?;
                step.version = Some(form);
            }
            other => return Err(argument.error("unknown-word", format!("`{other}` has no place here"))),
        }
    }
    ask(&INTERFACE, Box::new(step), argument, draft)
}

/// Compares a bound interface.
#[derive(Debug)]
struct InterfaceStep {
    uuid: Uuid,
    version: Option<IntegerMatch>,
    any_fragment: bool,
}

impl Step for InterfaceStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let Some((uuid, rest)) = cursor.bytes.split_first_chunk::<16>() else { return Outcome::FailsForGood };
        let &[high, low, first] = rest else { return Outcome::FailsForGood };
        let version = u64::from(u16::from_be_bytes([high, low]));
        let holds = uuid == self.uuid.as_bytes()
            && self.version.is_none_or(|form| form.holds(version))
            && (self.any_fragment || first == 1);
        if holds { Outcome::Holds } else { Outcome::FailsForGood }
    }

    fn explain(&self) -> String {
        match self.version {
            None => format!("is interface {}", self.uuid),
            Some(form) => format!("is interface {}, its version is {form}", self.uuid),
        }
    }
}

/// The most numbers and ranges that one option may list.
const MAX_OPERATIONS: usize = 64;

fn operation(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let parts = argument.parts()?;
    if parts.len() > MAX_OPERATIONS {
        let message = format!("{} operations, at most {MAX_OPERATIONS}", parts.len());
        return Err(argument.error("too-many-operations", message));
    }
    let mut forms = Vec::with_capacity(parts.len());
    for part in &parts {
        let word = part.to_str_lossy();
        let form = match inclusive_range(&word) {
            Some((0, high)) if 0 < high && high <= U16 => IntegerMatch::LessOrEqual(high),
            Some((low, high)) if low < high && high <= U16 => IntegerMatch::Between(low - 1, high + 1),
            Some(_) => return Err(argument.error("empty-range", format!("nothing lies in `{word}`"))),
            None => IntegerMatch::parse(&word, U16)
                .map_err(|error| argument.error("bad-number", error.to_string()))?,
        };
        forms.push(form);
    }
    ask(&OPERATION, Box::new(AnyNumberStep { forms }), argument, draft)
}

fn inclusive_range(text: &str) -> Option<(u64, u64)> {
    let (low, high) = text.split_once('-')?;
    Some((low.trim().parse().ok()?, high.trim().parse().ok()?))
}
