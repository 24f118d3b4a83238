//! `sensor rules explain`: what the sensor understood of a rule, in words.

use super::{Files, words};
use crate::cli::{Context, Exit, Failure};
use crate::runtime::{Lints, LoadedRules};
use rules::effect::{BitChange, CaptureScope, Effect, StoreScope};
use rules::signature::{Absent, Inspection, Signature};
use rules::text::Source;
use std::fmt::Write;

/// Arguments of `sensor rules explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The `sid` of the rule.
    sid: u32,
    #[command(flatten)]
    files: Files,
}

/// Writes the explanation, of every generator's rule of that number.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let loaded = args.files.load(Lints::None, context)?;
    let wanted = loaded.set.signatures().iter().filter(|signature| signature.meta.sid == args.sid);
    let text = wanted.map(|signature| explain(signature, &loaded)).collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            format!("cannot explain sid {}", args.sid),
            "no rule of that number loads",
        )
        .help("`sensor rules check` tells why a rule is refused, `sensor rules list` what loads"));
    }
    context.print(text.as_bytes())
}

/// An explanation in the making: a column of what, and one of how.
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, what: &str, how: &str) {
        writeln!(self.text, "  {what:<10} {how}").expect("writing to memory does not fail");
    }
}

fn explain(signature: &Signature, loaded: &LoadedRules) -> String {
    let meta = &signature.meta;
    let mut page = Page { text: format!("sid {}, revision {}: {}\n", meta.sid, meta.rev, meta.message) };
    let silent = if signature.silent { ", without an alert (noalert)" } else { "" };
    page.line("action", &format!("{}{silent}", signature.action));
    let class = meta.class.as_ref().map(|class| format!(", class {class}: {}", meta.category));
    page.line("priority", &format!("{}{}", meta.priority, class.unwrap_or_default()));
    page.line("traffic", &header(&meta.rule));
    if let Some(protocol) = signature.app_protocol {
        page.line("protocol", &format!("the flow speaks {}", protocol.name()));
    }
    flow(signature, &mut page);
    page.line("looked at", words::when(signature.kind));
    match &signature.fast_pattern {
        Some(pattern) => page.line("found by", &words::fast_pattern(signature, pattern)),
        None => page.line("found by", "nothing: tried on all traffic of its kind"),
    }
    for condition in &signature.conditions {
        page.line("if", &condition.explain());
    }
    for inspection in &signature.inspections {
        buffer(inspection, &mut page);
    }
    for effect in &signature.effects {
        page.line("then", &consequence(effect));
    }
    let of_file = loaded.thresholds.of_rule(meta.gid, meta.sid);
    for threshold in of_file.as_ref().map_or(&*signature.thresholds, std::slice::from_ref) {
        page.line("alerts", &words::threshold(threshold));
    }
    for (kind, value) in &meta.references {
        let url = loaded.references.url(kind, value);
        page.line("see", &url.unwrap_or_else(|| format!("{kind} {value}")));
    }
    page.text
}

/// The header as the rule writes it.
fn header(rule: &str) -> String {
    let parsed = Source::new("rule", rule).map(|source| rules::parse::parse(&source));
    let tree = parsed.ok().and_then(|mut parsed| parsed.rules.pop());
    tree.map_or_else(|| rule.to_owned(), |tree| tree.header.to_string())
}

fn flow(signature: &Signature, page: &mut Page) {
    page.line("direction", words::way(signature.way));
    let option = signature.flow;
    let words = [
        (option.established, "the connection is established", "the connection is not established yet"),
        (option.stream, "in the reassembled stream alone", "in packets alone, never the stream"),
        (option.fragment, "in packets put together from fragments", "in packets that were no fragments"),
    ];
    for (asked, yes, no) in words {
        if let Some(asked) = asked {
            page.line("flow", if asked { yes } else { no });
        }
    }
}

fn buffer(inspection: &Inspection, page: &mut Page) {
    let absent = match inspection.absent {
        Absent::Fails => "",
        Absent::Required => ", which must be missing",
        Absent::Allowed => ", or when it is missing",
    };
    page.line("in", &format!("{}{absent}", words::buffer(inspection)));
    for (number, step) in (1..).zip(inspection.steps.iter()) {
        page.line(
            "",
            &format!("{number}. {}{}", step.explain(), if step.relative() { " (relative)" } else { "" }),
        );
    }
}

fn consequence(effect: &Effect) -> String {
    let bit = |change: BitChange| match change {
        BitChange::Set => "set",
        BitChange::Unset => "cleared",
        BitChange::Toggle => "toggled",
    };
    match effect {
        Effect::Flowbit { change, .. } => format!("a bit of the flow is {}", bit(*change)),
        Effect::Flowint { .. } => "a number of the flow changes".to_owned(),
        Effect::AddressBit { change, expire_seconds, .. } => {
            format!("a bit of the address is {}, for {expire_seconds} s", bit(*change))
        }
        Effect::Tag { .. } => "packets that follow are marked".to_owned(),
        Effect::Capture { scope: CaptureScope::Flow, .. } => {
            "what was captured is kept of the flow".to_owned()
        }
        Effect::Capture { scope: CaptureScope::Packet, .. } => {
            "what was captured is kept of the packet".to_owned()
        }
        Effect::StoreFile { scope: StoreScope::File, .. } => "the file is stored".to_owned(),
        Effect::StoreFile { scope: StoreScope::Transaction, .. } => {
            "the files of the transaction are stored".to_owned()
        }
        Effect::StoreFile { scope: StoreScope::Flow, .. } => "the files of the flow are stored".to_owned(),
        Effect::StopLogging => "no event is made of the transaction".to_owned(),
        Effect::Bypass => "the flow is no longer inspected".to_owned(),
    }
}
