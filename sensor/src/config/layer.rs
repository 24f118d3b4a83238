//! One source of values, as a list of keys with their values and places.

use super::key::{Keys, Node};
use super::{Config, ConfigFault, Origin};
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// A value at a key.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// The names from the root down.
    pub(super) path: Vec<String>,
    /// The value; never a table of declared keys.
    pub(super) value: Value,
    /// Where it was set.
    pub(super) origin: Origin,
}

impl Setting {
    /// Puts the value into `tree`, making tables on the way.
    pub(super) fn put(&self, tree: &mut Table) {
        let (last, above) = self.path.split_last().expect("a path has at least one name");
        let mut table = tree;
        for name in above {
            let entry = table.entry(name.clone()).or_insert_with(|| Value::Table(Table::new()));
            if !entry.is_table() {
                *entry = Value::Table(Table::new());
            }
            table = entry.as_table_mut().expect("it was just made one");
        }
        table.insert(last.clone(), self.value.clone());
    }

    /// Whether the value has the type that its key wants.
    fn check(&self) -> Result<(), ConfigFault> {
        let mut alone = Table::new();
        self.put(&mut alone);
        match alone.try_into::<Config>() {
            Ok(_) => Ok(()),
            Err(error) => {
                let message = format!("`{}`: {}", self.path.join("."), error.message());
                Err(ConfigFault { origin: self.origin.clone(), message })
            }
        }
    }
}

/// The settings of the TOML document `text`, which was read from `path`.
pub(super) fn from_file(keys: &Keys, path: &Path, text: &str) -> Result<Vec<Setting>, Vec<ConfigFault>> {
    let at = |offset: usize| origin(path, text, offset);
    let unreadable = |error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        vec![ConfigFault { origin: at(offset), message: error.message().to_owned() }]
    };
    let document = DeTable::parse(text).map_err(unreadable)?;
    let values: Table = toml::from_str(text).map_err(unreadable)?;
    let mut walk = Walk { keys, at: &at, path: Vec::new(), settings: Vec::new(), faults: Vec::new() };
    walk.table(document.get_ref(), &values, keys.root());
    if walk.faults.is_empty() {
        walk.faults.extend(walk.settings.iter().filter_map(|setting| setting.check().err()));
    }
    if walk.faults.is_empty() { Ok(walk.settings) } else { Err(walk.faults) }
}

/// A walk over a document, which is at hand twice: once with places, once with values.
struct Walk<'a> {
    keys: &'a Keys,
    at: &'a dyn Fn(usize) -> Origin,
    path: Vec<String>,
    settings: Vec<Setting>,
    faults: Vec<ConfigFault>,
}

impl Walk<'_> {
    fn table(&mut self, places: &DeTable<'_>, values: &Table, node: Node<'_>) {
        for (key, place) in places {
            let name = key.get_ref().as_ref();
            self.path.push(name.to_owned());
            match node.child(name) {
                None => self.refuse(key.span()),
                Some(child) => self.entry(place, &values[name], child),
            }
            self.path.pop();
        }
    }

    fn entry(&mut self, place: &Spanned<DeValue<'_>>, value: &Value, node: Node<'_>) {
        match (place.get_ref(), value) {
            (DeValue::Table(places), Value::Table(values)) if node.is_table() => {
                self.table(places, values, node)
            }
            _ => self.settings.push(Setting {
                path: self.path.clone(),
                value: value.clone(),
                origin: (self.at)(place.span().start),
            }),
        }
    }

    fn refuse(&mut self, place: Range<usize>) {
        let unknown = self.keys.find(&self.path).expect_err("the walk did not find the key either");
        self.faults.push(ConfigFault { origin: (self.at)(place.start), message: unknown.to_string() });
    }
}

fn origin(path: &Path, text: &str, offset: usize) -> Origin {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Origin::File {
        path: path.to_path_buf(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// What separates the names in the name of an environment variable; its values' prefix ends with it, too.
const ENVIRONMENT_SEPARATOR: &str = "__";
/// What the names of environment variables begin with.
const ENVIRONMENT_PREFIX: &str = "SENSOR__";
/// Environment variables with names of their own.
const ENVIRONMENT_NAMES: &[(&str, &str)] = &[("SENSOR_NETWORK_UUID", "network.uuid")];

/// The setting in an environment variable: none in one that is not ours.
pub(super) fn from_environment(keys: &Keys, name: &str, text: &str) -> Result<Option<Setting>, ConfigFault> {
    let path: Vec<String> = if let Some((_, key)) = ENVIRONMENT_NAMES.iter().find(|(known, _)| *known == name)
    {
        key.split('.').map(str::to_owned).collect()
    } else if let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) {
        spelled(keys, rest.split(ENVIRONMENT_SEPARATOR))
    } else {
        return Ok(None);
    };
    from_text(keys, path, text, Origin::Environment(name.to_owned())).map(Some)
}

/// Names in lower case where that is how they are declared: the names of groups keep theirs.
fn spelled<'a>(keys: &Keys, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    for name in names {
        let free = keys.find(&path).is_ok_and(|node| node.has_free_names());
        path.push(if free { name.to_owned() } else { name.to_lowercase() });
    }
    path
}

/// The setting in the argument of `--set`.
pub(super) fn from_argument(keys: &Keys, argument: &str) -> Result<Setting, ConfigFault> {
    let origin = Origin::Set(argument.to_owned());
    let Some((key, text)) = argument.split_once('=') else {
        return Err(ConfigFault {
            origin,
            message: "expected KEY=VALUE, as in network.slug=office".to_owned(),
        });
    };
    from_text(keys, key.trim().split('.').map(str::to_owned).collect(), text.trim(), origin)
}

/// A setting of the value that a command's flag gave.
pub(super) fn from_flag(
    keys: &Keys,
    flag: &'static str,
    key: &str,
    value: Value,
) -> Result<Setting, ConfigFault> {
    checked(keys, key.split('.').map(str::to_owned).collect(), value, Origin::Flag(flag))
}

/// A default of a command.
pub(super) fn from_command(
    keys: &Keys,
    command: &'static str,
    key: &str,
    text: &str,
) -> Result<Setting, ConfigFault> {
    from_text(keys, key.split('.').map(str::to_owned).collect(), text, Origin::Command(command))
}

/// A value is read as TOML, a bare word as a string.
fn from_text(keys: &Keys, path: Vec<String>, text: &str, origin: Origin) -> Result<Setting, ConfigFault> {
    let quoted = text.starts_with(['"', '\'']);
    let is_text = keys.find(&path).is_ok_and(Node::is_text);
    let bare = || Value::String(text.to_owned());
    let value = if is_text && !quoted { bare() } else { text.parse().unwrap_or_else(|_| bare()) };
    checked(keys, path, value, origin)
}

/// A setting of a key that exists, of the type that it wants.
pub(super) fn checked(
    keys: &Keys,
    path: Vec<String>,
    value: Value,
    origin: Origin,
) -> Result<Setting, ConfigFault> {
    match keys.find(&path) {
        Err(unknown) => return Err(ConfigFault { origin, message: unknown.to_string() }),
        Ok(node) if node.is_table() => {
            let message = format!("`{}` holds keys, not a value: set one of them", path.join("."));
            return Err(ConfigFault { origin, message });
        }
        Ok(_) => {}
    }
    let setting = Setting { path, value, origin };
    setting.check()?;
    Ok(setting)
}
