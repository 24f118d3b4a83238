//! How often a rule may alert: `threshold`, `detection_filter`.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::text::Text;
use crate::threshold::{Threshold, ThresholdKind, Track};

/// `threshold` (Suricata documentation: "Thresholding Keywords", threshold).
#[derive(Debug)]
pub(super) struct ThresholdKeyword;

impl Keyword for ThresholdKeyword {
    fn name(&self) -> &'static str {
        "threshold"
    }

    fn doc(&self) -> &'static str {
        "How often the rule alerts, counted by sender, receiver, both, rule or flow: at most `count` times in so many \
         seconds (`limit`), at every `count`-th match (`threshold`), once at the `count`-th (`both`), or ever more \
         rarely by a `multiplier` (`backoff`)."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(
                r#"alert tcp any any -> any any (content:"x"; threshold:type limit, track by_src, count 1, seconds 60; sid:1;)"#,
                b"x",
                b"y",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"x"; threshold:type backoff, track by_flow, count 1, multiplier 10; sid:1;)"#,
                b"x",
                b"y",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "threshold",
            "threshold:type limit, track by_src, count 1",
            "threshold:type limit, count 1, seconds 60",
            "threshold:track by_src, count 1, seconds 60",
            "threshold:type never, track by_src, count 1, seconds 60",
            "threshold:type limit, track by_whom, count 1, seconds 60",
            "threshold:type limit, track by_src, count 0, seconds 60",
            "threshold:type limit, track by_src, count one, seconds 60",
            "threshold:type limit, track by_src, count 1, seconds 60, seconds 60",
            "threshold:type limit, track by_src, count 1, multiplier 10",
            "threshold:type backoff, track by_src, count 1, multiplier 10",
            "threshold:type backoff, track by_flow, count 1, seconds 10",
            "threshold:type limit, track by_src, count 1, seconds 60; detection_filter:track by_src, count 1, seconds 60",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let settings = Settings::read(argument, &["type", "track", "count", "seconds", "multiplier"])?;
        let track = settings.track()?;
        let count = settings.number("count")?;
        let (named, span) = settings.text("type")?;
        let kind = match named.as_str() {
            "limit" => ThresholdKind::Limit,
            "threshold" => ThresholdKind::Threshold,
            "both" => ThresholdKind::Both,
            "backoff" if track == Track::Flow => {
                ThresholdKind::Backoff { multiplier: settings.number("multiplier")? }
            }
            "backoff" => {
                return Err(Diagnostic::error("bad-threshold", span, "`backoff` counts by flow alone")
                    .with_help("write `track by_flow`"));
            }
            _ => {
                return Err(Diagnostic::error("bad-threshold", span, format!("there is no type `{named}`"))
                    .with_help("the types are limit, threshold, both, backoff"));
            }
        };
        let seconds = match (kind, settings.find("multiplier"), settings.find("seconds")) {
            (ThresholdKind::Backoff { .. }, _, None) => 0,
            (ThresholdKind::Backoff { .. }, _, Some(part)) | (_, Some(part), _) => {
                return Err(Diagnostic::error("bad-threshold", part.span(), "this type has no such setting")
                    .with_help("`backoff` has a `multiplier`, the others have `seconds`"));
            }
            _ => settings.number("seconds")?,
        };
        add(draft, Threshold { kind, track, count, seconds }, argument)
    }
}

/// `detection_filter` (Suricata documentation: "Thresholding Keywords", detection_filter).
#[derive(Debug)]
pub(super) struct DetectionFilter;

impl Keyword for DetectionFilter {
    fn name(&self) -> &'static str {
        "detection_filter"
    }

    fn doc(&self) -> &'static str {
        "The rule alerts at every match after the first `count` in so many seconds, counted by sender, receiver, \
         both, rule or flow."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"x"; detection_filter:track by_src, count 15, seconds 2; sid:1;)"#,
            b"x",
            b"y",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "detection_filter",
            "detection_filter:track by_src, count 1",
            "detection_filter:type limit, track by_src, count 1, seconds 1",
            "detection_filter:track by_src, count 0, seconds 1",
            "detection_filter:track by_src, count 1, seconds 0",
            "detection_filter:track by_src, count 1, seconds 1; threshold:type limit, track by_src, count 1, seconds 1",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let settings = Settings::read(argument, &["track", "count", "seconds"])?;
        let threshold = Threshold {
            kind: ThresholdKind::Filter,
            track: settings.track()?,
            count: settings.number("count")?,
            seconds: settings.number("seconds")?,
        };
        add(draft, threshold, argument)
    }
}

/// The most thresholds that one rule may have.
const MAX_THRESHOLDS: usize = 4;

/// Several thresholds may stand together, a `detection_filter` only by itself.
fn add(draft: &mut Draft<'_>, threshold: Threshold, argument: &Argument<'_>) -> Result<(), Diagnostic> {
    let filters = |threshold: &Threshold| threshold.kind == ThresholdKind::Filter;
    let others = &draft.thresholds;
    if others.len() == MAX_THRESHOLDS || others.iter().any(|other| filters(other) || filters(&threshold)) {
        let message = "this cannot stand beside the `threshold` or `detection_filter` before it";
        return Err(argument.error("second-threshold", message).with_help("keep one of them"));
    }
    draft.thresholds.push(threshold);
    Ok(())
}

/// Settings by name, in any order.
struct Settings<'a, 'b> {
    argument: &'a Argument<'b>,
    parts: Vec<Text>,
}

impl<'a, 'b> Settings<'a, 'b> {
    fn read(argument: &'a Argument<'b>, known: &[&str]) -> Result<Self, Diagnostic> {
        let parts = argument.parts()?;
        let names: Vec<String> = parts.iter().map(name_of).collect();
        for (at, (name, part)) in names.iter().zip(&parts).enumerate() {
            let fault = if !known.contains(&name.as_str()) {
                format!("`{}` has no setting `{name}`", argument.keyword())
            } else if names[..at].contains(name) {
                format!("`{name}` stands twice")
            } else {
                continue;
            };
            return Err(Diagnostic::error("bad-threshold", part.span(), fault)
                .with_help(format!("the settings are {}, each once", known.join(", "))));
        }
        Ok(Self { argument, parts })
    }

    fn find(&self, name: &str) -> Option<&Text> {
        self.parts.iter().find(|part| name_of(part) == name)
    }

    fn text(&self, name: &str) -> Result<(String, crate::text::Span), Diagnostic> {
        let part = self.find(name).ok_or_else(|| {
            let message = format!("`{}` needs `{name}`", self.argument.keyword());
            self.argument.error("bad-threshold", message).with_help(format!("add `{name} <value>`"))
        })?;
        let text = part.to_str_lossy();
        Ok((text[name.len()..].trim().to_owned(), part.span()))
    }

    fn number(&self, name: &str) -> Result<u32, Diagnostic> {
        let (text, span) = self.text(name)?;
        text.parse().ok().filter(|&number| number > 0).ok_or_else(|| {
            Diagnostic::error("bad-threshold", span, format!("`{name}` is a number from 1 to {}", u32::MAX))
                .with_help(format!("write `{name} 60` or the like"))
        })
    }

    fn track(&self) -> Result<Track, Diagnostic> {
        let (text, span) = self.text("track")?;
        Ok(match text.as_str() {
            "by_src" => Track::Source,
            "by_dst" => Track::Destination,
            "by_both" => Track::Both,
            "by_rule" => Track::Rule,
            "by_flow" => Track::Flow,
            _ => {
                let message = format!("nothing is counted `{text}`");
                return Err(Diagnostic::error("bad-threshold", span, message)
                    .with_help("the words are by_src, by_dst, by_both, by_rule, by_flow"));
            }
        })
    }
}

fn name_of(part: &Text) -> String {
    part.to_str_lossy().split_ascii_whitespace().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyword::example::compiled;
    use crate::names::Names;

    #[test]
    fn settings_stand_in_any_order() {
        let threshold = |options: &str| {
            let rule = format!("alert tcp any any -> any any ({options}; sid:1;)");
            compiled(&rule, &Names::default()).expect("sound").thresholds[0]
        };
        assert_eq!(
            threshold("threshold: count 2,type both , seconds 300, track by_both"),
            Threshold { kind: ThresholdKind::Both, track: Track::Both, count: 2, seconds: 300 }
        );
        assert_eq!(
            threshold("threshold:type backoff, track by_flow, count 1, multiplier 10").kind,
            ThresholdKind::Backoff { multiplier: 10 }
        );
        assert_eq!(
            threshold("detection_filter:track by_rule,count 15,seconds 2"),
            Threshold { kind: ThresholdKind::Filter, track: Track::Rule, count: 15, seconds: 2 }
        );
    }
}
