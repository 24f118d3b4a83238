//! Keywords of TLS whose values have forms of their own (Suricata documentation: "SSL/TLS Keywords").

use super::fields::{CERTS, STATE, VALID, VERSION};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rules::diagnostic::Diagnostic;
use rules::draft::Draft;
use rules::field::{AnyNumberStep, NumberStep, PresentStep, ask};
use rules::integer::IntegerMatch;
use rules::keyword::Argument;
use rules::vocabulary::Field;

/// Names of versions and their two bytes (RFC 8446, appendix D; RFC 6101; RFC 6176).
const VERSIONS: &[(&str, u64)] = &[
    ("sslv2", 0x0002),
    ("sslv3", 0x0300),
    ("tls1.0", 0x0301),
    ("tls1.1", 0x0302),
    ("tls1.2", 0x0303),
    ("tls1.3", 0x0304),
];

/// Names of states and the type of the message that brings them.
const STATES: &[(&str, u64)] =
    &[("client_hello", 1), ("server_hello", 2), ("server_keyx", 12), ("client_keyx", 16), ("unknown", 255)];

pub(super) fn version(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let text = argument.string()?;
    let word = text.trim_matches('"');
    let named = VERSIONS.iter().find(|(name, _)| name.strip_prefix("tls") == Some(word));
    let hex = || u16::from_str_radix(word.strip_prefix("0x")?, 16).ok().map(u64::from);
    let Some(version) = named.map(|&(_, version)| version).or_else(hex) else {
        return Err(argument
            .error("unknown-version", format!("TLS has no version `{word}`"))
            .with_help("write 1.0, 1.1, 1.2, 1.3 or two bytes such as 0x7f12"));
    };
    ask(&VERSION, Box::new(NumberStep { form: IntegerMatch::Equal(version) }), argument, draft)
}

pub(super) fn versions(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let mut wanted = Vec::new();
    for part in argument.parts()? {
        let text = part.to_str_lossy().trim_matches('"').trim().to_ascii_lowercase();
        let (negated, word) = match text.strip_prefix('!') {
            Some(word) => (true, word.trim()),
            None => (false, text.as_str()),
        };
        let Some(&(_, version)) = VERSIONS.iter().find(|(name, _)| *name == word) else {
            return Err(unknown(argument, word, VERSIONS));
        };
        if wanted.iter().any(|&(other, at)| other != negated || at == version) {
            let message = format!("`{word}` repeats or contradicts what stands before it");
            return Err(argument
                .error("contradictory-versions", message)
                .with_help("negate all versions or none"));
        }
        wanted.push((negated, version));
    }
    if wanted.iter().all(|&(negated, _)| !negated) {
        let forms = wanted.into_iter().map(|(_, version)| IntegerMatch::Equal(version)).collect();
        return ask(&VERSION, Box::new(AnyNumberStep { forms }), argument, draft);
    }
    wanted.into_iter().try_for_each(|(_, version)| {
        ask(&VERSION, Box::new(NumberStep { form: IntegerMatch::NotEqual(version) }), argument, draft)
    })
}

pub(super) fn state(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let text = argument.string()?.to_ascii_lowercase();
    let mut forms = Vec::new();
    for word in text.trim_matches('"').split([',', '|']).map(str::trim) {
        let (negated, name) = match word.strip_prefix('!') {
            Some(name) => (true, name.trim()),
            None => (false, word),
        };
        let Some(&(_, state)) = STATES.iter().find(|(known, _)| *known == name) else {
            return Err(unknown(argument, name, STATES));
        };
        forms.push(if negated { IntegerMatch::NotEqual(state) } else { IntegerMatch::Equal(state) });
    }
    ask(&STATE, Box::new(AnyNumberStep { forms }), argument, draft)
}

fn unknown(argument: &Argument<'_>, word: &str, known: &[(&str, u64)]) -> Diagnostic {
    let names: Vec<&str> = known.iter().map(|&(name, _)| name).collect();
    argument
        .error("unknown-word", format!("`{}` has no `{word}`", argument.keyword()))
        .with_help(format!("the words are {}", names.join(", ")))
}

pub(super) fn valid(wanted: bool, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    argument.none()?;
    ask(&VALID, Box::new(NumberStep { form: IntegerMatch::Equal(u64::from(wanted)) }), argument, draft)
}

pub(super) fn store(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    argument.none()?;
    ask(&CERTS, Box::new(PresentStep), argument, draft)
}

/// `2015`, `>2015-10`, `<2015-10-22T23:59:59`, `2014-01-01<>2016`: dates in UTC, the earliest moment of each.
pub(super) fn date(
    field: &'static Field,
    argument: &Argument<'_>,
    draft: &mut Draft<'_>,
) -> Result<(), Diagnostic> {
    let text = argument.string()?;
    let text = text.trim_matches('"');
    let moment = |date: &str| {
        seconds(date.trim()).ok_or_else(|| {
            argument
                .error("bad-date", format!("`{}` is no date", date.trim()))
                .with_help("write 2015, 2015-10, 2015-10-22 or 2015-10-22T23:59:59")
        })
    };
    let form = if let Some((from, to)) = text.split_once("<>") {
        let (from, to) = (moment(from)?, moment(to)?);
        if from >= to {
            return Err(argument.error("empty-range", "nothing lies in this range"));
        }
        IntegerMatch::Between(from, to)
    } else if let Some(date) = text.strip_prefix('<') {
        IntegerMatch::Less(moment(date)?)
    } else if let Some(date) = text.strip_prefix('>') {
        IntegerMatch::Greater(moment(date)?)
    } else {
        IntegerMatch::Equal(moment(text)?)
    };
    ask(field, Box::new(NumberStep { form }), argument, draft)
}

/// Seconds since 1970 of a date, or of its start where it is cut short.
fn seconds(date: &str) -> Option<u64> {
    let whole = match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.replace(' ', "T"),
    };
    let moment: DateTime = match whole.parse::<Date>() {
        Ok(day) if whole.len() == 10 => day.into(),
        _ => whole.parse().ok()?,
    };
    let moment: Timestamp = moment.to_zoned(TimeZone::UTC).ok()?.timestamp();
    u64::try_from(moment.as_second()).ok()
}
