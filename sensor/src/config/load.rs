//! From the sources to one configuration.

use super::key::Keys;
use super::layer::{self, Setting};
use super::{Config, ConfigError, ConfigFault, Origin};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Where to look for values; later fields go before earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What a command does by default where others do otherwise: its name, and keys with their values.
    pub defaults: Option<CommandDefaults>,
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables: `SENSOR__SECTION__KEY` and the few with names of their own. Others are passed over.
    pub environment: Vec<(String, String)>,
    /// Arguments of `--set`, each `section.key=value`.
    pub set: Vec<String>,
    /// Values of flags: the flag, the key that it sets, the value.
    pub flags: Vec<(&'static str, &'static str, Value)>,
}

/// The defaults of one command.
#[derive(Clone, Copy, Debug)]
pub struct CommandDefaults {
    /// As a person would type it.
    pub command: &'static str,
    /// Keys with their values, written as in TOML.
    pub values: &'static [(&'static str, &'static str)],
}

/// A configuration that knows where its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The same as a tree.
    pub(super) tree: Table,
    /// Who set what; what is missing was not set.
    pub(super) origins: BTreeMap<Vec<String>, Origin>,
}

impl Sources {
    /// Reads every source. All unknown keys are reported, and the values of wrong type of the sources without any.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let keys = Keys::new();
        let mut faults = Vec::new();
        let mut settings = Vec::new();
        for CommandDefaults { command, values } in self.defaults.iter().copied() {
            let defaults = values.iter().map(|(key, text)| layer::from_command(&keys, command, key, text));
            defaults
                .for_each(|setting| settings.push(setting.expect("a command knows the keys that it sets")));
        }
        if let Some(path) = &self.file {
            match layer::from_file(&keys, path, &read(path)?) {
                Ok(from_file) => settings.extend(from_file),
                Err(wrong) => faults.extend(wrong),
            }
        }
        let environment = self
            .environment
            .iter()
            .filter_map(|(name, text)| layer::from_environment(&keys, name, text).transpose());
        let set = self.set.iter().map(|argument| layer::from_argument(&keys, argument));
        let flags =
            self.flags.iter().map(|(flag, key, value)| layer::from_flag(&keys, flag, key, value.clone()));
        for setting in environment.chain(set).chain(flags) {
            match setting {
                Ok(setting) => settings.push(setting),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Loaded::new(settings) } else { Err(ConfigError::Faults(faults)) }
    }
}

impl Loaded {
    fn new(settings: Vec<Setting>) -> Result<Self, ConfigError> {
        let mut tree = Table::try_from(Config::default()).expect("the defaults can be written as TOML");
        let mut origins = BTreeMap::new();
        for setting in settings {
            setting.put(&mut tree);
            origins.insert(setting.path, setting.origin);
        }
        // Every setting was checked alone; this finds those that are wrong together.
        let config = tree.clone().try_into().map_err(|error: toml::de::Error| {
            ConfigError::Faults(vec![ConfigFault {
                origin: Origin::Default,
                message: error.message().to_owned(),
            }])
        })?;
        Ok(Self { config, tree, origins })
    }

    /// Where the value at `path` came from.
    pub(super) fn origin(&self, path: &[String]) -> &Origin {
        self.origins.get(path).unwrap_or(&Origin::Default)
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::ChecksumMode;
    use std::io::Write;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn sources(text: &str) -> (Sources, tempfile::NamedTempFile) {
        let file = file(text);
        (Sources { file: Some(file.path().to_path_buf()), ..Sources::default() }, file)
    }

    /// The faults, without the name of the file.
    fn faults(sources: &Sources) -> Vec<String> {
        let Err(ConfigError::Faults(faults)) = sources.load() else { panic!("faults expected") };
        let text = |fault: ConfigFault| match fault.origin {
            Origin::File { line, column, .. } => format!("{line}:{column}: {}", fault.message),
            _ => fault.to_string(),
        };
        faults.into_iter().map(text).collect()
    }

    fn set(arguments: &[&str]) -> Sources {
        Sources { set: arguments.iter().map(|&argument| argument.to_owned()).collect(), ..Sources::default() }
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        assert_eq!(Sources::default().load().unwrap().config, Config::default());
    }

    #[test]
    fn later_sources_go_first() {
        let (mut sources, _file) = sources("[network]\nslug = 'file'\n[decode]\nchecksums = 'all'\n");
        assert_eq!(sources.load().unwrap().config.network.slug, "file");
        sources.environment = vec![("SENSOR__NETWORK__SLUG".into(), "environment".into())];
        assert_eq!(sources.load().unwrap().config.network.slug, "environment");
        sources.set = vec!["network.slug=set".into()];
        assert_eq!(sources.load().unwrap().config.network.slug, "set");
        sources.flags = vec![("--slug", "network.slug", "flag".into())];
        let loaded = sources.load().unwrap();
        assert_eq!(loaded.config.network.slug, "flag");
        assert_eq!(loaded.config.decode.checksums, ChecksumMode::All);
        assert_eq!(loaded.origin(&["network".into(), "slug".into()]), &Origin::Flag("--slug"));
    }

    #[test]
    fn one_group_leaves_the_others_alone() {
        let loaded =
            set(&["variables.addresses.HOME_NET=[10.0.0.0/8, fd00::/8]", "variables.ports.SSH_PORTS=2222"]);
        let variables = loaded.load().unwrap().config.variables;
        assert_eq!(variables.addresses["HOME_NET"].as_str(), "[10.0.0.0/8, fd00::/8]");
        assert_eq!(variables.addresses["EXTERNAL_NET"].as_str(), "!$HOME_NET");
        assert_eq!(variables.ports["SSH_PORTS"].as_str(), "2222");
    }

    #[test]
    fn environment_names_fold_case_except_for_groups() {
        let environment = vec![
            ("SENSOR__VARIABLES__ADDRESSES__HOME_NET".into(), "192.0.2.0/24".into()),
            ("SENSOR_NETWORK_UUID".into(), "0196b087-9ba3-aefe-5c83-96b6bbb3c976".into()),
            ("SENSOR_ELSE".into(), "not a key".into()),
        ];
        let config = Sources { environment, ..Sources::default() }.load().unwrap().config;
        assert_eq!(config.variables.addresses["HOME_NET"].as_str(), "192.0.2.0/24");
        assert_eq!(config.network.uuid.to_string(), "0196b087-9ba3-aefe-5c83-96b6bbb3c976");
    }

    #[test]
    fn every_unknown_key_is_named_with_its_place_and_a_suggestion() {
        let (mut sources, _file) = sources("[network]\nslgu = 'x'\n\n[evnts]\nsource = 'x'\n");
        sources.environment = vec![("SENSOR__DETECT__MAX_ALERTS".into(), "3".into())];
        sources.set = vec!["decode.checksum=all".into()];
        assert_eq!(
            faults(&sources),
            [
                "4:2: unknown key `evnts`; did you mean `events`?",
                "2:1: unknown key `network.slgu`; did you mean `network.slug`?",
                "environment variable SENSOR__DETECT__MAX_ALERTS: unknown key `detect.max_alerts`; \
                 did you mean `detect.max_alerts_per_packet`?",
                "--set decode.checksum=all: unknown key `decode.checksum`; did you mean `decode.checksums`?",
            ]
        );
    }

    #[test]
    fn every_value_of_a_wrong_type_is_named_with_its_place() {
        let (sources, _file) = sources("[detect]\nmax_alerts_per_packet = 'many'\n[network]\nuuid = 'x'\n");
        let found = faults(&sources);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("2:25: `detect.max_alerts_per_packet`: invalid type"), "{found:?}");
        assert!(
            found[1].starts_with("4:8: `network.uuid`: not a network id: \"x\"; expected 8-4-4-4-12"),
            "{found:?}"
        );
    }

    #[test]
    fn a_document_that_is_no_toml_is_named_with_its_place() {
        let (sources, _file) = sources("[network]\nslug = \n");
        assert!(faults(&sources)[0].starts_with("2:"), "{:?}", faults(&sources));
    }

    #[test]
    fn set_wants_a_key_that_holds_a_value() {
        assert!(faults(&set(&["network"]))[0].contains("expected KEY=VALUE"));
        assert!(faults(&set(&["network={}"]))[0].contains("holds keys"));
        assert!(faults(&set(&["decode.checksums=some"]))[0].contains("`all`"));
    }

    #[test]
    fn a_missing_file_is_no_fault_of_a_key() {
        let sources = Sources { file: Some("missing.toml".into()), ..Sources::default() };
        assert!(matches!(sources.load(), Err(ConfigError::Read { .. })));
    }
}
