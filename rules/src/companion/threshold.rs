//! threshold.config: how often rules may alert, whatever they say themselves (Suricata documentation:
//! "Global-Thresholds").

use super::lines::{lines, parts, word};
use crate::diagnostic::Diagnostic;
use crate::header::action::Action;
use crate::header::address::AddressSet;
use crate::header::variable::Resolver;
use crate::parse;
use crate::text::{Source, Text};
use crate::threshold::{Threshold, ThresholdKind, Track};
use std::sync::Arc;

/// Which rules a line is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Target {
    /// Generator; 0 means any.
    pub gid: u32,
    /// Signature; 0 means any of the generator.
    pub sid: u32,
}

impl Target {
    /// Whether a rule is meant.
    pub fn means(self, gid: u32, sid: u32) -> bool {
        (self.gid == 0 || self.gid == gid) && (self.sid == 0 || self.sid == sid)
    }
}

/// `suppress`: alerts that are not wanted.
#[derive(Clone, Debug)]
pub struct Suppress {
    /// Of which rules.
    pub target: Target,
    /// Whose address is looked at, and the addresses; nothing for every alert.
    pub whose: Option<(Track, Arc<AddressSet>)>,
}

/// `rate_filter`: rules whose action changes for a while when they match too fast. The first `threshold.count` matches
/// within `threshold.seconds` keep the rule's own.
#[derive(Clone, Debug)]
pub struct Rate {
    /// Of which rules.
    pub target: Target,
    /// How fast is too fast.
    pub threshold: Threshold,
    /// What they do then.
    pub action: Action,
    /// For how many seconds.
    pub timeout_seconds: u32,
}

/// The lines of a threshold.config.
#[derive(Clone, Debug, Default)]
pub struct Thresholds {
    /// `suppress`.
    pub suppressions: Vec<Suppress>,
    /// `threshold` and `event_filter`, which go before the rule's own.
    pub overrides: Vec<(Target, Threshold)>,
    /// `rate_filter`.
    pub rates: Vec<Rate>,
}

/// The most lines; each is asked of every alert.
pub const MAX_LINES: usize = 100_000;

impl Thresholds {
    /// Reads a threshold.config, whose addresses may name variables. A faulty line is told and left out.
    pub fn parse(source: &Source, resolver: &mut Resolver<'_>) -> (Self, Vec<Diagnostic>) {
        let mut thresholds = Self::default();
        let mut faults = Vec::new();
        for (count, line) in lines(source).enumerate() {
            if count == MAX_LINES {
                let message = format!("lines after the {MAX_LINES}th are not read");
                faults.push(Diagnostic::error("too-many-lines", line.span(), message));
                break;
            }
            match thresholds.line(&line, resolver) {
                Ok(warning) => faults.extend(warning),
                Err(fault) => faults.push(fault),
            }
        }
        (thresholds, faults)
    }

    /// The threshold that goes before a rule's own; a line about the rule itself before one about many.
    pub fn of_rule(&self, gid: u32, sid: u32) -> Option<Threshold> {
        let exact = self.overrides.iter().rfind(|(target, _)| *target == Target { gid, sid });
        let found = exact.or_else(|| self.overrides.iter().rfind(|(target, _)| target.means(gid, sid)));
        found.map(|&(_, threshold)| threshold)
    }

    /// Reads a line; a warning where it will do nothing.
    fn line(&mut self, line: &Text, resolver: &mut Resolver<'_>) -> Result<Option<Diagnostic>, Diagnostic> {
        let (keyword, rest) = word(line);
        let mut settings = Settings::read(&rest)?;
        let mut warning = None;
        match keyword.as_bytes() {
            b"suppress" => self.suppressions.push(suppress(&keyword, &mut settings, resolver)?),
            b"threshold" | b"event_filter" => {
                let target = settings.target(&keyword)?;
                let kind = settings.word("type", &keyword, "limit, threshold, both", |word| match word {
                    "limit" => Some(ThresholdKind::Limit),
                    "threshold" => Some(ThresholdKind::Threshold),
                    "both" => Some(ThresholdKind::Both),
                    _ => None,
                })?;
                self.overrides.push((target, settings.threshold(kind, &keyword)?));
            }
            b"rate_filter" => {
                let target = settings.target(&keyword)?;
                let threshold = settings.threshold(ThresholdKind::Filter, &keyword)?;
                let action = settings.need("new_action", &keyword)?;
                warning = without_effect(&action);
                let action = new_action(&action)?;
                let timeout_seconds = settings.number("timeout", &keyword)?;
                self.rates.push(Rate { target, threshold, action, timeout_seconds });
            }
            _ => {
                let message = format!("`{}` is no line of a threshold.config", keyword.to_str_lossy());
                return Err(Diagnostic::error("unknown-line", keyword.span(), message).with_help(
                    "a line begins with `suppress`, `threshold`, `event_filter` or `rate_filter`",
                ));
            }
        }
        settings.finish().map(|()| warning)
    }
}

fn new_action(text: &Text) -> Result<Action, Diagnostic> {
    const ACTIONS: &[Action] = &[Action::Alert, Action::Drop, Action::Pass, Action::Reject];
    Action::from_name(text)
        .filter(|action| ACTIONS.contains(action))
        .ok_or_else(|| unknown_word("new_action", text, "alert, drop, pass, reject"))
}

/// That an action other than `pass` changes nothing: whatever a rule's own, a passive sensor alerts.
fn without_effect(action: &Text) -> Option<Diagnostic> {
    let word = action.to_str_lossy();
    let message = format!("`{word}` changes nothing: a passive sensor goes on alerting");
    (word != Action::Pass.name()).then(|| {
        Diagnostic::warning("rate-without-effect", action.span(), message)
            .with_help("write `new_action pass` to silence the rule meanwhile, or take the line out")
    })
}

fn suppress(
    keyword: &Text,
    settings: &mut Settings,
    resolver: &mut Resolver<'_>,
) -> Result<Suppress, Diagnostic> {
    let target = settings.target(keyword)?;
    let Some(track) = settings.take("track") else { return Ok(Suppress { target, whose: None }) };
    let track = match track.as_bytes() {
        b"by_src" => Track::Source,
        b"by_dst" => Track::Destination,
        b"by_either" => Track::Both,
        _ => return Err(unknown_word("track", &track, "by_src, by_dst, by_either")),
    };
    let addresses = settings.need("ip", keyword)?;
    let addresses = resolver.addresses(&parse::group(&addresses)?)?;
    Ok(Suppress { target, whose: Some((track, addresses)) })
}

/// The `name value` pairs of a line that were not looked at yet.
struct Settings {
    left: Vec<(Text, Text)>,
}

impl Settings {
    fn read(text: &Text) -> Result<Self, Diagnostic> {
        let mut left: Vec<(Text, Text)> = Vec::new();
        for part in parts(text) {
            let (name, value) = word(&part);
            if name.is_empty() || value.is_empty() {
                return Err(Diagnostic::error(
                    "missing-value",
                    part.span(),
                    "here stands no name with its value",
                )
                .with_help("write `name value`, with commas between"));
            }
            if left.iter().any(|(known, _)| *known == name) {
                let message = format!("`{}` is given twice", name.to_str_lossy());
                return Err(Diagnostic::error("given-twice", name.span(), message)
                    .with_help("take one of the two out"));
            }
            left.push((name, value));
        }
        Ok(Self { left })
    }

    fn take(&mut self, name: &str) -> Option<Text> {
        let at = self.left.iter().position(|(known, _)| known.as_bytes() == name.as_bytes())?;
        Some(self.left.remove(at).1)
    }

    fn need(&mut self, name: &str, keyword: &Text) -> Result<Text, Diagnostic> {
        self.take(name).ok_or_else(|| {
            let message = format!("`{}` lacks `{name}`", keyword.to_str_lossy());
            Diagnostic::error("missing-setting", keyword.span(), message)
                .with_help(format!("add `{name} <value>`"))
        })
    }

    fn number(&mut self, name: &str, keyword: &Text) -> Result<u32, Diagnostic> {
        let text = self.need(name, keyword)?;
        let digits = text.iter().all(u8::is_ascii_digit);
        text.to_str_lossy().parse().ok().filter(|_| digits).ok_or_else(|| {
            let message = format!("`{name}` needs a number up to {}", u32::MAX);
            Diagnostic::error("bad-number", text.span(), message)
                .with_help(format!("write `{name} <number>`"))
        })
    }

    fn word<T>(
        &mut self,
        name: &str,
        keyword: &Text,
        known: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Diagnostic> {
        let text = self.need(name, keyword)?;
        read(&text.to_str_lossy()).ok_or_else(|| unknown_word(name, &text, known))
    }

    fn target(&mut self, keyword: &Text) -> Result<Target, Diagnostic> {
        Ok(Target { gid: self.number("gen_id", keyword)?, sid: self.number("sig_id", keyword)? })
    }

    fn threshold(&mut self, kind: ThresholdKind, keyword: &Text) -> Result<Threshold, Diagnostic> {
        let track =
            self.word("track", keyword, "by_src, by_dst, by_both, by_rule, by_flow", |word| match word {
                "by_src" => Some(Track::Source),
                "by_dst" => Some(Track::Destination),
                "by_both" => Some(Track::Both),
                "by_rule" => Some(Track::Rule),
                "by_flow" => Some(Track::Flow),
                _ => None,
            })?;
        let count = self.number("count", keyword)?;
        if count == 0 {
            return Err(Diagnostic::error("zero", keyword.span(), "`count` begins at 1")
                .with_help("write `suppress` for alerts that are never wanted"));
        }
        Ok(Threshold { kind, track, count, seconds: self.number("seconds", keyword)? })
    }

    fn finish(self) -> Result<(), Diagnostic> {
        match self.left.first() {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!("`{}` has no place in this line", name.to_str_lossy());
                Err(Diagnostic::error("unknown-setting", name.span(), message).with_help("take it out"))
            }
        }
    }
}

fn unknown_word(name: &str, text: &Text, known: &str) -> Diagnostic {
    Diagnostic::error("unknown-word", text.span(), format!("`{name}` has no `{}`", text.to_str_lossy()))
        .with_help(format!("write one of {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::variable::Variables;

    fn read(text: &str) -> (Thresholds, Vec<(&'static str, String)>) {
        let source = Source::new("threshold.config", text).unwrap();
        let variables = Variables::default();
        let (thresholds, faults) = Thresholds::parse(&source, &mut Resolver::new(&variables));
        let marked = |span: crate::text::Span| text[span.start as usize..span.end as usize].to_owned();
        (thresholds, faults.into_iter().map(|fault| (fault.code, marked(fault.span))).collect())
    }

    #[test]
    fn every_line_is_read() {
        let (thresholds, faults) = read(
            "# ours\n\
             suppress gen_id 1, sig_id 7\n\
             suppress gen_id 0, sig_id 0, track by_src, ip 192.0.2.1\n\
             suppress gen_id 1, sig_id 8, track by_either, ip [$HOME_NET,!10.0.0.1]\n\
             threshold gen_id 1, sig_id 0, type both, track by_dst, count 5, seconds 60\n\
             event_filter gen_id 1, sig_id 9, type limit, \\\n  track by_rule, count 1, seconds 3600\n\
             rate_filter gen_id 1, sig_id 9, track by_src, count 3, seconds 5, new_action pass, timeout 30\n\
             rate_filter gen_id 1, sig_id 9, track by_src, count 3, seconds 5, new_action drop, timeout 30\n",
        );
        assert_eq!(faults, [("rate-without-effect", "drop".to_owned())]);
        assert!(thresholds.suppressions[0].whose.is_none());
        let Some((Track::Both, addresses)) = &thresholds.suppressions[2].whose else { panic!("addresses") };
        assert!(
            addresses.contains("10.0.0.2".parse().unwrap())
                && !addresses.contains("10.0.0.1".parse().unwrap())
        );
        assert_eq!(thresholds.rates[0].timeout_seconds, 30);
        let own = thresholds.of_rule(1, 9).unwrap();
        assert_eq!(
            (own.kind, own.track, own.count, own.seconds),
            (ThresholdKind::Limit, Track::Rule, 1, 3600)
        );
        assert_eq!(thresholds.of_rule(1, 8).unwrap().kind, ThresholdKind::Both, "a line about all rules");
        assert_eq!(thresholds.of_rule(2, 8), None);
    }

    #[test]
    fn every_fault_is_pointed_at() {
        let (thresholds, faults) = read(
            "silence gen_id 1, sig_id 7\n\
             suppress sig_id 7\n\
             suppress gen_id one, sig_id 7\n\
             suppress gen_id 1, sig_id 7, track by_flow, ip 192.0.2.1\n\
             suppress gen_id 1, sig_id 7, track by_src, ip 192.0.2.300\n\
             suppress gen_id 1, sig_id 7, track by_src, ip $NOWHERE\n\
             suppress gen_id 1, sig_id 7, sig_id 8\n\
             threshold gen_id 1, sig_id 7, type limit, track by_src, count 0, seconds 5\n\
             threshold gen_id 1, sig_id 7, type limit, track by_src, count 1, seconds 5, colour red\n\
             rate_filter gen_id 1, sig_id 7, track by_src, count 1, seconds 5, new_action sdrop, timeout 3\n\
             suppress\n",
        );
        assert!(thresholds.suppressions.is_empty() && faults.len() == 11, "{faults:?}");
        let marked: Vec<&str> = faults.iter().map(|(_, marked)| marked.as_str()).collect();
        assert_eq!(
            marked,
            [
                "silence",
                "suppress",
                "one",
                "by_flow",
                "192.0.2.300",
                "$NOWHERE",
                "sig_id",
                "threshold",
                "colour",
                "sdrop",
                ""
            ]
        );
    }
}
