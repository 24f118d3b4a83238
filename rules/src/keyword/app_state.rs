//! `app-layer-state`: how far a transaction has come.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::field::NumberStep;
use crate::integer::IntegerMatch;
use crate::signature::Source;
use crate::vocabulary::{Field, Hook, Reach};

/// How far the request of a transaction has come. Belongs to no protocol: whoever walks transactions knows it.
pub static REQUEST_PROGRESS: Field =
    Field::number("app-layer-state to_server", &[], Reach::to_server(0), u8::MAX as u64);

/// How far the response of a transaction has come.
pub static RESPONSE_PROGRESS: Field =
    Field::number("app-layer-state to_client", &[], Reach::to_client(0), u8::MAX as u64);

/// `app-layer-state` (Suricata documentation: "Generic App Layer Keywords", app-layer-state).
#[derive(Debug)]
pub(super) struct AppLayerState;

impl Keyword for AppLayerState {
    fn name(&self) -> &'static str {
        "app-layer-state"
    }

    fn doc(&self) -> &'static str {
        "How far the transaction has come: at a state of the rule's protocol, before it with `<`, beyond it with `>`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert dns any any -> any any (app-layer-state:request_complete; sid:1;)",
                |stage| stage.fields.push((REQUEST_PROGRESS.name, 1_u64.to_be_bytes().to_vec())),
                |stage| stage.fields.push((REQUEST_PROGRESS.name, 0_u64.to_be_bytes().to_vec())),
            ),
            Example::staged(
                "alert dns any any -> any any (app-layer-state:>request_started; sid:1;)",
                |stage| stage.fields.push((REQUEST_PROGRESS.name, 1_u64.to_be_bytes().to_vec())),
                |stage| stage.fields.push((REQUEST_PROGRESS.name, 0_u64.to_be_bytes().to_vec())),
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "app-layer-state",
            "app-layer-state:request_complete",
            "dns.query; content:\"a\"; app-layer-state:no_such_state",
            "dns.query; content:\"a\"; app-layer-state:<request_started",
            "dns.query; content:\"a\"; app-layer-state:>request_complete",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.string()?;
        let name = text.trim_start_matches(['<', '>']);
        let (sign, name) = (&text[..text.len() - name.len()], name.trim());
        let Some(protocol) = draft.app_protocol else {
            return Err(argument
                .error("no-protocol", "the rule names no protocol whose state this could be")
                .with_help("write the rule for a protocol, as in `alert http …`"));
        };
        let hook = draft.vocabulary.hook(protocol, name).ok_or_else(|| {
            let known: Vec<&str> = draft.vocabulary.hooks(protocol).map(|hook| hook.name).collect();
            argument
                .error("unknown-state", format!("{} has no state `{name}`", protocol.name()))
                .with_help(format!("its states are {}", known.join(", ")))
        })?;
        let last = draft.vocabulary.hooks(protocol).filter(|other| other.to_server == hook.to_server);
        let last = last.map(|hook| hook.progress).max().unwrap_or(hook.progress);
        let form = compared(sign, hook, last).ok_or_else(|| {
            argument.error("impossible-state", "no transaction is ever there").with_help(
                "before a state stands at most `<` or `>`; nothing is before the first or beyond the last",
            )
        })?;
        let field = if hook.to_server { &REQUEST_PROGRESS } else { &RESPONSE_PROGRESS };
        let step = DraftStep::Other(Box::new(NumberStep { form }), argument.span());
        draft.push_step_at(Source::Field(field), step);
        Ok(())
    }
}

/// What progress a comparison with a state means; nothing where none does.
fn compared(sign: &str, hook: Hook, last: u8) -> Option<IntegerMatch> {
    let progress = u64::from(hook.progress);
    match sign {
        "" => Some(IntegerMatch::Equal(progress)),
        "<" if hook.progress > 0 => Some(IntegerMatch::Less(progress)),
        ">" if hook.progress < last => Some(IntegerMatch::Greater(progress)),
        _ => None,
    }
}
