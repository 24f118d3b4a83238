//! From what a rule says to what it means.

mod fast_pattern;
mod kind;

use crate::ast;
use crate::classification::Classes;
use crate::content::{ContentStep, Number};
use crate::diagnostic::{Diagnostic, Severity};
use crate::draft::{Draft, DraftBuffer, DraftStep};
use crate::header::action::Action;
use crate::header::protocol::{AppProtocol, PacketProtocol, Protocol};
use crate::header::variable::Resolver;
use crate::inspect::{Step, Steps};
use crate::keyword::{Argument, requires};
use crate::names::Names;
use crate::protocol::Support;
use crate::signature::{Absent, Condition, HeaderMatch, Hint, Inspection, Signature, Source, Way};
use crate::text::{Span, Text};
use crate::vocabulary::{Field, Hook, Vocabulary, Word};
use std::sync::Arc;

/// What rules are compiled with: the words they may use, the classes they refer to, and the names they share.
#[derive(Debug)]
pub struct Context<'a> {
    /// Keywords and fields.
    pub vocabulary: &'a Vocabulary,
    /// Classes of attack.
    pub classes: &'a Classes,
    /// Names of flowbits and the like.
    pub names: &'a Names,
}

/// The most buffers that one rule may look at.
const MAX_INSPECTIONS: usize = 64;

/// The most steps that one buffer may have; matching recurses as deep.
const MAX_STEPS: usize = 128;

/// The priority of a rule without `priority` and without a known class, as in Suricata.
const DEFAULT_PRIORITY: u32 = 3;

/// What a rule means, with warnings about it. `resolver` knows the values of `$HOME_NET` and the like.
///
/// # Errors
///
/// Every fault of the rule, each at its place.
pub fn compile(
    rule: &ast::Rule,
    context: &Context<'_>,
    resolver: &mut Resolver<'_>,
) -> Result<(Signature, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut findings = requirements(rule, context.vocabulary)?;
    let mut draft = Draft::new(context.names, context.vocabulary);
    let protocol = header_protocol(rule, context.vocabulary, &mut draft, &mut findings);
    // A word that is not understood may select a buffer: faults after it may come of that alone.
    let mut lost = false;
    for option in &rule.options {
        match read_option(option, context.vocabulary, &mut draft) {
            Err(fault) if !lost => {
                lost = fault.severity == Severity::NotSupported;
                findings.push(fault);
            }
            Ok(()) | Err(_) => {}
        }
    }
    if draft.meta.sid == 0 && rule.option("sid").is_none() {
        findings.push(
            Diagnostic::error("no-sid", rule.header.protocol.span(), "the rule has no `sid`")
                .with_help("add `sid:<number>;`"),
        );
    }
    let header = header(rule, protocol, resolver, &mut findings);
    if findings.iter().any(|finding| finding.severity.refuses()) {
        return Err(findings);
    }
    let header = header.expect("a header without a value was reported");
    match finish(rule, header, draft, context, &mut findings) {
        Ok(signature) => Ok((signature, findings)),
        Err(fault) => {
            findings.push(fault);
            Err(findings)
        }
    }
}

/// Whether the rule is for this engine at all: rules may name what only others understand.
///
/// # Errors
///
/// That the rule is to be left out, when it requires what this engine is not.
fn requirements(rule: &ast::Rule, vocabulary: &Vocabulary) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let options = rule.options.iter().filter(|option| option.name.eq_ignore_ascii_case("requires"));
    for option in options {
        match requires::unmet(&Argument::new(option), vocabulary) {
            Ok(None) => {}
            Ok(Some(missing)) => {
                let message = format!("the rule is for engines with `{missing}`");
                return Err(vec![Diagnostic::new(
                    Severity::Skipped,
                    "requirement-not-met",
                    option.span,
                    message,
                )]);
            }
            Err(fault) => findings.push(fault),
        }
    }
    Ok(findings)
}

fn header_protocol(
    rule: &ast::Rule,
    vocabulary: &Vocabulary,
    draft: &mut Draft<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<PacketProtocol> {
    match Protocol::resolve(&rule.header.protocol) {
        Ok(Protocol::Packet(protocol)) => {
            findings.extend(rule.header.hook.as_ref().map(|hook| {
                let message = format!("the state `{}` of packets is not supported yet", hook.to_str_lossy());
                Diagnostic::not_supported("hook-not-supported", hook.span(), message)
            }));
            draft.packets = Some(protocol);
            Some(protocol)
        }
        Ok(Protocol::App(protocol)) => {
            if let Err(fault) = supported(protocol, rule.header.protocol.span()) {
                findings.push(fault);
            } else if let Some(name) = &rule.header.hook {
                match hook(name, protocol, vocabulary) {
                    Ok(hook) => draft.hook = Some(hook),
                    Err(fault) => findings.push(fault),
                }
            }
            draft.app_protocol = Some(protocol);
            Some(PacketProtocol::Ip)
        }
        Err(fault) => {
            findings.push(fault);
            None
        }
    }
}

fn hook(name: &Text, protocol: AppProtocol, vocabulary: &Vocabulary) -> Result<Hook, Diagnostic> {
    vocabulary.hook(protocol, &name.to_str_lossy()).ok_or_else(|| {
        let known: Vec<&str> = vocabulary.hooks(protocol).map(|hook| hook.name).collect();
        let message = format!("{} has no state `{}`", protocol.name(), name.to_str_lossy());
        Diagnostic::error("unknown-hook", name.span(), message)
            .with_help(format!("its states are {}", known.join(", ")))
    })
}

/// That rules of a protocol load.
pub(crate) fn supported(protocol: AppProtocol, span: Span) -> Result<(), Diagnostic> {
    match protocol.support() {
        Support::Loaded => Ok(()),
        Support::NotYet => Err(Diagnostic::not_supported(
            "protocol-not-supported",
            span,
            format!("rules of {} are not supported yet", protocol.name()),
        )),
        Support::Disabled => Err(Diagnostic::error(
            "protocol-disabled",
            span,
            format!("{} is not parsed, as in Suricata's default configuration", protocol.name()),
        )),
    }
}

fn read_option(
    option: &ast::OptionNode,
    vocabulary: &Vocabulary,
    draft: &mut Draft<'_>,
) -> Result<(), Diagnostic> {
    let argument = Argument::new(option);
    match vocabulary.word(&option.name.to_ascii_lowercase()) {
        Some(Word::Keyword(keyword)) => match keyword.unsupported() {
            None => keyword.parse(&argument, draft),
            Some(why) => Err(Diagnostic::not_supported("keyword-not-supported", option.name_span, why)),
        },
        Some(Word::Field(field)) => crate::field::select(field, &argument, draft),
        Some(Word::Modifier(field)) => {
            argument.none()?;
            draft.need_protocol(field.protocols, option.span)?;
            draft.move_last_content(field, option.span)
        }
        Some(Word::NotYet(of)) => Err(Diagnostic::not_supported(
            "keyword-not-supported",
            option.name_span,
            format!("`{}` belongs to {of}, which is not supported yet", option.name),
        )),
        None => Err(unknown_keyword(option, vocabulary)),
    }
}

fn unknown_keyword(option: &ast::OptionNode, vocabulary: &Vocabulary) -> Diagnostic {
    let fault = Diagnostic::error(
        "unknown-keyword",
        option.name_span,
        format!("there is no keyword `{}`", option.name),
    );
    let near = vocabulary
        .names()
        .map(|name| (strsim::jaro_winkler(name, &option.name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
    match near {
        Some((likeness, name)) if likeness > 0.8 => fault.with_help(format!("did you mean `{name}`?")),
        _ => fault.with_help("`sensor rules keywords` lists what there is"),
    }
}

fn header(
    rule: &ast::Rule,
    protocol: Option<PacketProtocol>,
    resolver: &mut Resolver<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<HeaderMatch> {
    let mut keep = |fault: Diagnostic| findings.push(fault);
    let ast = &rule.header;
    let source = resolver.addresses(&ast.src).map_err(&mut keep).ok();
    let source_ports = resolver.ports(&ast.src_port).map_err(&mut keep).ok();
    let destination = resolver.addresses(&ast.dst).map_err(&mut keep).ok();
    let destination_ports = resolver.ports(&ast.dst_port).map_err(&mut keep).ok();
    Some(HeaderMatch {
        protocol: protocol?,
        negated_address: resolver.negates(&ast.src) || resolver.negates(&ast.dst),
        source: source?,
        source_ports: source_ports?,
        destination: destination?,
        destination_ports: destination_ports?,
        bidirectional: ast.direction == ast::Direction::Both,
    })
}

fn finish(
    rule: &ast::Rule,
    header: HeaderMatch,
    mut draft: Draft<'_>,
    context: &Context<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Result<Signature, Diagnostic> {
    classify(rule, &mut draft, context.classes, findings);
    let whole = rule.header.protocol.span();
    let mut meta = std::mem::take(&mut draft.meta);
    meta.rule = rule.text.to_str_lossy().into_owned();
    let silent = !draft.alerts.unwrap_or(!matches!(rule.action, Action::Pass | Action::Config));
    let (app_protocol, flow, asks_protocol) =
        (draft.app_protocol, draft.flow, draft.asks_for_protocol.is_some());
    let (conditions, effects) = (std::mem::take(&mut draft.conditions), std::mem::take(&mut draft.effects));
    let (thresholds, datasets) = (std::mem::take(&mut draft.thresholds), std::mem::take(&mut draft.datasets));
    let transactional = rule.header.direction == ast::Direction::Transactional;
    let (said_way, hook) = (draft.way, draft.hook);
    let buffers = hang_decoded(draft.into_buffers()?);
    check_sizes(&buffers, whole)?;
    check_payload_len(&buffers, &conditions)?;
    check_frames(&buffers, hook.is_some() || transactional)?;
    let way = if transactional { Way::Both } else { way(said_way, hook, &buffers)? };
    let kind = kind::of(&kind::Facts {
        header: &header,
        app_protocol,
        asks_protocol,
        hooked: hook.is_some(),
        flow,
        way: said_way,
        conditions: &conditions,
        buffers: &buffers,
    });
    let fast_pattern = fast_pattern::choose(&buffers);
    Ok(Signature {
        meta,
        span: rule.span(),
        action: rule.action,
        silent,
        header,
        app_protocol,
        hook,
        way,
        transactional,
        flow,
        kind,
        conditions,
        inspections: buffers.into_iter().map(inspection).collect(),
        effects,
        datasets,
        thresholds: thresholds.into(),
        fast_pattern,
    })
}

fn classify(rule: &ast::Rule, draft: &mut Draft<'_>, classes: &Classes, findings: &mut Vec<Diagnostic>) {
    let mut priority = DEFAULT_PRIORITY;
    if let Some(name) = &draft.meta.class {
        match classes.class(name) {
            Some(class) => {
                draft.meta.category.clone_from(&class.description);
                priority = class.priority;
            }
            None => {
                let span = rule.option("classtype").map_or(rule.header.protocol.span(), |option| option.span);
                findings.push(
                    Diagnostic::warning("unknown-class", span, format!("there is no class `{name}`"))
                        .with_help("add it to classification.config; the alert has no category meanwhile"),
                );
            }
        }
    }
    draft.meta.priority = draft.priority.unwrap_or(priority);
}

fn check_sizes(buffers: &[DraftBuffer], whole: Span) -> Result<(), Diagnostic> {
    if buffers.len() > MAX_INSPECTIONS {
        let message = format!("the rule looks at {} buffers, at most {MAX_INSPECTIONS}", buffers.len());
        return Err(Diagnostic::error("too-many-buffers", whole, message));
    }
    match buffers.iter().find(|buffer| buffer.steps.len() > MAX_STEPS) {
        None => Ok(()),
        Some(buffer) => {
            let message = format!("{} conditions on one buffer, at most {MAX_STEPS}", buffer.steps.len());
            Err(Diagnostic::error("too-many-steps", buffer.steps[MAX_STEPS].span(), message))
        }
    }
}

/// That `dsize` leaves room for the contents of the payload.
fn check_payload_len(buffers: &[DraftBuffer], conditions: &[Box<dyn Condition>]) -> Result<(), Diagnostic> {
    let longest = conditions.iter().filter_map(|condition| match condition.hint() {
        Hint::PayloadLen { max, .. } => i64::try_from(max).ok(),
        _ => None,
    });
    let Some(longest) = longest.min() else { return Ok(()) };
    let payload =
        buffers.iter().filter(|buffer| buffer.source == Source::Payload && buffer.transforms.is_empty());
    for buffer in payload {
        let mut end = 0;
        for step in &buffer.steps {
            let DraftStep::Content(content, span) = step else {
                // It may have moved the cursor anywhere.
                end = 0;
                continue;
            };
            if content.negated {
                continue;
            }
            let literal = |number: Option<Number>| number.and_then(Number::literal).unwrap_or(0);
            let start =
                if content.is_relative() { end + literal(content.distance) } else { literal(content.offset) };
            // A negative distance may reach back before the start, where nothing is.
            end = start.max(0) + content.pattern.len() as i64;
            if end > longest {
                let message = format!("this ends {end} bytes into the payload, which has at most {longest}");
                return Err(Diagnostic::error("beyond-payload", *span, message)
                    .with_help("mend `dsize`, or the content and where it stands"));
            }
        }
    }
    Ok(())
}

/// That a rule on frames looks at those of one kind, and at nothing else.
fn check_frames(buffers: &[DraftBuffer], of_transactions: bool) -> Result<(), Diagnostic> {
    let is_frame = |buffer: &&DraftBuffer| matches!(buffer.source, Source::Field(field) if field.is_frame());
    let Some(frame) = buffers.iter().find(is_frame) else { return Ok(()) };
    let other = buffers.iter().find(|buffer| buffer.source != frame.source);
    let fault = match other {
        Some(other) => {
            let span = if is_frame(&other) { other.span } else { frame.span };
            Diagnostic::error("mixed-with-frame", span, "the rule looks at something else besides this frame")
        }
        None if of_transactions => {
            Diagnostic::error("mixed-with-frame", frame.span, "a frame has no part in a transaction's states")
        }
        None => match buffers.iter().find(|buffer| buffer.absent != Absent::Fails) {
            None => return Ok(()),
            Some(buffer) => {
                let message = "there is no saying that a frame is not there";
                return Err(
                    Diagnostic::error("absent-frame", buffer.span, message).with_help("take `absent` out")
                );
            }
        },
    };
    Err(fault.with_help("write a rule for each, and let them share a flowbit"))
}

/// Hangs what is asked of decoded bytes on the steps that decode: it is tried again whenever they are.
fn hang_decoded(mut buffers: Vec<DraftBuffer>) -> Vec<DraftBuffer> {
    let Some(at) = buffers.iter().position(|buffer| buffer.source == Source::Base64) else {
        return buffers;
    };
    let decoded = buffers.remove(at);
    let steps = Arc::new(steps(decoded.steps));
    for buffer in &mut buffers {
        for step in &mut buffer.steps {
            if let DraftStep::Other(step, _) = step {
                step.attach(&steps);
            }
        }
    }
    buffers
}

/// The way the rule looks: what `flow` says, narrowed by fields that occur one way alone.
fn way(said: Way, hook: Option<Hook>, buffers: &[DraftBuffer]) -> Result<Way, Diagnostic> {
    let mut way = match hook.filter(|_| said == Way::Both) {
        Some(Hook { to_server: true, .. }) => Way::ToServer,
        Some(_) => Way::ToClient,
        None => said,
    };
    for buffer in buffers {
        let Source::Field(field) = buffer.source else { continue };
        let only = match (field.reach.to_server, field.reach.to_client) {
            (Some(_), None) => Way::ToServer,
            (None, Some(_)) => Way::ToClient,
            _ => buffer.way,
        };
        if only == Way::Both {
            continue;
        }
        if way == Way::Both {
            way = only;
        } else if way != only {
            return Err(other_way(field, buffer.span));
        }
    }
    Ok(way)
}

fn other_way(field: &Field, span: Span) -> Diagnostic {
    let message = format!("`{}` occurs on the other way than the rest of the rule looks", field.name);
    Diagnostic::error("mixed-directions", span, message).with_help(
        "mend `flow`, or write a rule for each way; with `=>` one rule looks at both ways of a transaction",
    )
}

fn inspection(buffer: DraftBuffer) -> Inspection {
    Inspection {
        source: buffer.source,
        way: buffer.way,
        transforms: buffer.transforms,
        steps: steps(buffer.steps),
        absent: buffer.absent,
    }
}

fn steps(drafts: Vec<DraftStep>) -> Steps {
    let steps = drafts.into_iter().map(|step| -> Box<dyn Step> {
        match step {
            DraftStep::Content(content, _) => Box::new(ContentStep::new(content)),
            DraftStep::Other(step, _) => step,
        }
    });
    Steps::new(steps.collect())
}
