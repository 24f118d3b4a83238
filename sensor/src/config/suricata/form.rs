//! Values of a suricata.yaml. To Suricata each scalar is text, whatever YAML takes it for; so it is here.

use rules::integer::parse_u64;
use serde_yaml_ng::Value;

/// What the text of a setting stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// Itself.
    Text,
    /// A number in decimal digits.
    Number,
    /// A number of bytes, perhaps with a unit: `64mb`, `1 MiB`.
    Size,
    /// Yes or no.
    Switch,
}

impl Form {
    /// The value as TOML, or what was expected instead of it.
    pub(super) fn read(self, value: &Value) -> Result<toml::Value, String> {
        let expected = |what: &str| format!("{} is no {what}", words(value));
        let text = text(value).ok_or_else(|| expected("single value"))?;
        match self {
            Self::Text => Ok(text.into()),
            Self::Number => text.parse::<i64>().map(Into::into).map_err(|_| expected("number")),
            Self::Size => {
                let bytes = parse_u64(&text).and_then(|bytes| i64::try_from(bytes).ok());
                bytes.map(Into::into).ok_or_else(|| expected("size"))
            }
            Self::Switch => switch(&text).map(Into::into).ok_or_else(|| expected("yes or no")),
        }
    }
}

/// What YAML 1.1 and Suricata take for yes or no.
fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The text of a scalar; nothing of what is none, or is empty.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(switch) => Some(switch.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

/// The items of a list; a value that is none stands for a list of itself.
pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Sequence(items) => items,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

/// A group of addresses or ports, as the header of a rule writes it. A list that lacks its quotes is one all the same.
pub(super) fn group(value: &Value) -> Result<String, String> {
    match value {
        Value::Sequence(items) => {
            let members = items.iter().map(group).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("[{}]", members.join(",")))
        }
        one => text(one).ok_or_else(|| format!("{} is no group; put it into quotes", words(one))),
    }
}

/// The value in a few words, for the user.
pub(super) fn words(value: &Value) -> String {
    match value {
        Value::Tagged(tagged) => format!("`{}`", tagged.tag),
        Value::Null => "nothing".to_owned(),
        Value::Mapping(_) => "a section".to_owned(),
        Value::Sequence(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        scalar => format!("`{}`", text(scalar).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: Form, yaml: &str) -> Result<toml::Value, String> {
        form.read(&serde_yaml_ng::from_str(yaml).unwrap())
    }

    #[test]
    fn each_form_reads_what_suricata_reads() {
        for (yaml, switch) in [("yes", true), ("On", true), ("true", true), ("1", true), ("no", false)] {
            assert_eq!(read(Form::Switch, yaml), Ok(switch.into()), "{yaml}");
        }
        for (yaml, bytes) in [("64mb", 64 << 20), ("1 MiB", 1 << 20), ("'2gb'", 2_i64 << 30), ("100", 100)] {
            assert_eq!(read(Form::Size, yaml), Ok(bytes.into()), "{yaml}");
        }
        assert_eq!(read(Form::Number, "'60'"), Ok(60.into()));
        assert_eq!(read(Form::Text, "8"), Ok("8".into()));
    }

    #[test]
    fn what_has_another_form_is_named() {
        assert_eq!(read(Form::Number, "many").unwrap_err(), "`many` is no number");
        assert_eq!(read(Form::Size, "9223372036854775808").unwrap_err(), "`9223372036854775808` is no size");
        assert_eq!(read(Form::Switch, "auto").unwrap_err(), "`auto` is no yes or no");
        assert_eq!(read(Form::Text, "[a, b]").unwrap_err(), "`a`, `b` is no single value");
    }

    #[test]
    fn a_group_may_lack_its_quotes_unless_yaml_takes_it_for_a_tag() {
        let read = |yaml: &str| group(&serde_yaml_ng::from_str(yaml).unwrap());
        assert_eq!(read("[10.0.0.0/8, [192.0.2.1]]").unwrap(), "[10.0.0.0/8,[192.0.2.1]]");
        assert_eq!(read("1024:65535").unwrap(), "1024:65535");
        assert_eq!(read("!$HOME_NET").unwrap_err(), "`!$HOME_NET` is no group; put it into quotes");
    }
}
