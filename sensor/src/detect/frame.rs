//! Rules on frames: each alerts on every frame that holds what it asks for, of a long one on every part that does.

use super::plan::Plan;
use super::{Match, Subject, Trial};
use crate::app_layer::frames::Shown;
use rules::ruleset::{Candidates, SignatureId};

/// Looks at the frames that are shown.
pub(super) fn inspect(
    trial: &mut Trial<'_>,
    candidates: &mut Candidates,
    plan: &Plan,
    subject: &Subject<'_>,
) {
    for frame in subject.frames.chunk_by(|_, next| next.goes_on) {
        gather(trial, candidates, plan, frame, subject);
        for &rule in candidates.settle() {
            trial.measure(rule, |trial| try_rule(trial, rule, frame, subject));
        }
    }
}

/// Rules to be tried: those that the frame's bytes find, and those that nothing finds.
fn gather(
    trial: &mut Trial<'_>,
    candidates: &mut Candidates,
    plan: &Plan,
    frame: &[Shown<'_>],
    subject: &Subject<'_>,
) {
    candidates.clear();
    for &(_, group) in plan.frames.iter().filter(|&&(kind, _)| kind == frame[0].kind) {
        let group = &trial.rules.fields()[group];
        let rules = &group.ways[subject.direction().index()];
        candidates.extend(rules.always().iter().copied());
        let transforms = group.transforms.map(|(rule, at)| &trial.rules.signature(rule).inspections[at]);
        for Shown { part, .. } in frame {
            match transforms {
                None => rules.find(part.bytes, candidates),
                Some(inspection) => inspection
                    .with_transformed(part.bytes, trial.scratch, |bytes, _| rules.find(bytes, candidates)),
            }
        }
    }
}

/// Tries a rule: some part of the frame has to hold all that it asks for.
fn try_rule(trial: &mut Trial<'_>, rule: SignatureId, frame: &[Shown<'_>], subject: &Subject<'_>) {
    let captured = trial.scratch.captures.len();
    let signature = trial.rules.signature(rule);
    let holds = trial.begins(rule, subject)
        && trial.with_view(subject, |view, scratch| {
            frame.iter().any(|&Shown { part, .. }| {
                signature.inspections.iter().all(|inspection| inspection.hold_on_part(part, view, scratch))
            })
        });
    if holds {
        trial.apply(signature);
        trial.matches.push(Match { signature: rule, transaction: None });
    } else {
        trial.scratch.captures.truncate(captured);
    }
}
