//! `app-layer-event`: what a protocol's parser, or the search for the protocol, found wrong.

use super::event::unknown;
use super::{Argument, Example, Keyword};
use crate::compile::supported;
use crate::diagnostic::{Diagnostic, Severity};
use crate::draft::Draft;
use crate::field::{NumberStep, ask};
use crate::header::protocol::AppProtocol;
use crate::integer::IntegerMatch;
use crate::signature::Condition;
use crate::view::{AppEvent, View};
use crate::vocabulary::FieldKind;

/// Events of old that no parser finds any more: Suricata leaves rules on them out without a word of failure.
const RETIRED: &[&str] = &[
    "dns.not_a_request",
    "dns.not_a_response",
    "tls.certificate_invalid_string",
    "tls.certificate_missing_element",
    "tls.certificate_unknown_element",
];

/// `app-layer-event` (Suricata documentation: "Generic App Layer Keywords", app-layer-event).
#[derive(Debug)]
pub(super) struct AppLayerEvent;

impl Keyword for AppLayerEvent {
    fn name(&self) -> &'static str {
        "app-layer-event"
    }

    fn doc(&self) -> &'static str {
        "Something was wrong with a transaction (`<protocol>.<event>`), or with finding out the flow's protocol \
         (`applayer_<event>`)."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert tcp any any -> any any (app-layer-event:applayer_unexpected_protocol; sid:1;)",
                |stage| stage.app.events.insert(AppEvent::UnexpectedProtocol),
                |stage| stage.app.events.insert(AppEvent::ProtoDetectionSkipped),
            ),
            Example::staged(
                "alert dns any any -> any any (app-layer-event:dns.z_flag_set; sid:1;)",
                |stage| stage.fields.push(("app-layer-event", 1_u64.to_be_bytes().to_vec())),
                |stage| stage.fields.push(("app-layer-event", 0_u64.to_be_bytes().to_vec())),
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "app-layer-event",
            "app-layer-event:applayer_no_such_event",
            "app-layer-event:dns.no_such_event",
            "app-layer-event:nosuch.event",
            "app-layer-event:sip.any_event",
            "app-layer-event:dns.not_a_request",
            r#"http.uri; content:"a"; app-layer-event:dns.z_flag_set"#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let name = argument.string()?;
        if RETIRED.contains(&name.as_str()) {
            let message = format!("nothing finds `{name}` any more: the rule could never match");
            return Err(Diagnostic::new(Severity::Skipped, "retired-event", argument.span(), message));
        }
        match name.split_once('.') {
            Some((protocol, event)) => of_transaction(protocol, event, argument, draft),
            None => {
                let known = AppEvent::ALL.iter().map(|event| event.name());
                let event = AppEvent::from_name(&name).ok_or_else(|| unknown(argument, &name, known))?;
                draft.conditions.push(Box::new(Found(event)));
                Ok(())
            }
        }
    }
}

fn of_transaction(
    protocol: &str,
    event: &str,
    argument: &Argument<'_>,
    draft: &mut Draft<'_>,
) -> Result<(), Diagnostic> {
    let protocol = AppProtocol::from_name(protocol.as_bytes()).ok_or_else(|| {
        argument
            .error("unknown-protocol", format!("there is no protocol `{protocol}`"))
            .with_help("write `<protocol>.<event>`, as in `http.request_line_invalid`")
    })?;
    supported(protocol, argument.span())?;
    let field = draft.vocabulary.events(protocol).ok_or_else(|| {
        let message = format!("{} has no events", protocol.name());
        argument.error("unknown-event", message).with_help("take the option out")
    })?;
    let (FieldKind::Number { names, .. } | FieldKind::ManyNumbers { names, .. }) = field.kind else {
        return Err(argument.error("unknown-event", format!("{} has no events", protocol.name())));
    };
    let Some(&(_, number)) = names.iter().find(|(name, _)| *name == event) else {
        return Err(unknown(argument, event, names.iter().map(|&(name, _)| name)));
    };
    ask(field, Box::new(NumberStep { form: IntegerMatch::Equal(number) }), argument, draft)
}

#[derive(Debug)]
struct Found(AppEvent);

impl Condition for Found {
    fn holds(&self, view: &View<'_>) -> bool {
        view.app.events.contains(self.0)
    }

    fn explain(&self) -> String {
        format!("finding out the flow's protocol showed {}", self.0.name())
    }
}
