//! Data sets from and to files (Suricata documentation: "Datasets").
//!
//! A rule's `load` is looked for beside the rule; where the set is also saved, both files are in the data directory,
//! out of which no path of a rule leads.

use super::super::files::{self, ReadError};
use super::value;
use crate::config::{DatasetConfig, DatasetsConfig};
use crate::detect::{Dataset, Joined, Lists};
use crate::limits::MemoryLimits;
use ::rules::dataset::{Dataset as Described, DatasetFormat, DatasetKind};
use ::rules::diagnostic::Diagnostic;
use ::rules::names::{NameKind, Names};
use ::rules::text::Span;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sets in the making.
#[derive(Debug)]
pub(super) struct DatasetLoader {
    sets: BTreeMap<u32, Loaded>,
    directory: PathBuf,
    allow_write: bool,
    default_capacity: u64,
    /// Memory that is still to be claimed, in bytes.
    left: u64,
}

#[derive(Debug)]
struct Loaded {
    set: Dataset,
    load: Option<PathBuf>,
    save: Option<PathBuf>,
}

/// What is wrong with a set, and what would mend it.
struct Fault {
    code: &'static str,
    message: String,
    help: &'static str,
}

impl Fault {
    fn new(code: &'static str, message: impl Into<String>, help: &'static str) -> Self {
        Self { code, message: message.into(), help }
    }
}

/// Lines of a file that are no values.
#[derive(Debug, Default)]
struct BadLines {
    count: u64,
    /// The first of them, from 1.
    first: u64,
}

impl BadLines {
    fn note(&mut self, line: usize) {
        if self.count == 0 {
            self.first = line as u64 + 1;
        }
        self.count += 1;
    }
}

impl DatasetLoader {
    /// With the sets that the configuration describes.
    pub(super) fn new(
        config: &DatasetsConfig,
        limits: &MemoryLimits,
        names: &Names,
    ) -> Result<Self, ReadError> {
        let mut this = Self {
            sets: BTreeMap::new(),
            directory: config.directory.clone(),
            allow_write: config.allow_write,
            default_capacity: limits.dataset_bytes,
            left: limits.datasets_bytes,
        };
        for (name, set) in &config.sets {
            this.configured(name, set, names)?;
        }
        Ok(this)
    }

    fn configured(&mut self, name: &str, config: &DatasetConfig, names: &Names) -> Result<(), ReadError> {
        let of_state = || config.state.as_ref().map(|path| self.directory.join(path));
        let load = config.load.clone().or_else(of_state);
        let save = config.save.as_ref().map(|path| self.directory.join(path)).or_else(of_state);
        let described = Described {
            id: names.id(NameKind::Dataset, name),
            name: name.to_owned(),
            kind: Some(config.kind.into()),
            memcap: config.memcap_bytes,
            ..Described::default()
        };
        let path = load.clone().unwrap_or_else(|| PathBuf::from(name));
        match self.add(&described, load, save) {
            Ok(_) => Ok(()),
            Err(fault) => Err(ReadError { path, source: io::Error::other(fault.message) }),
        }
    }

    /// Reads the set that a rule describes, unless it is there already; a warning where lines of its file are no
    /// values.
    pub(super) fn claim(
        &mut self,
        described: &Described,
        directory: &Path,
        span: Span,
    ) -> Result<Option<Diagnostic>, Diagnostic> {
        let save = described.save.as_ref().map(|path| self.directory.join(path));
        let load_from = if save.is_some() { &self.directory } else { directory };
        let load = described.load.as_ref().map(|path| load_from.join(path));
        let outcome = match self.sets.get(&described.id) {
            Some(known) => known.check(described, load.as_deref(), save.as_deref()).map(|()| None),
            None if save.is_some() && !self.allow_write => Err(Fault::new(
                "dataset-not-writable",
                "rules may not save data sets",
                "set `datasets.allow_write`, or describe the set in the configuration",
            )),
            None => self.add(described, load, save),
        };
        if let (true, Some(known)) = (described.changes, self.sets.get_mut(&described.id)) {
            known.set.set_changes();
        }
        match outcome {
            Ok(warning) => Ok(warning.map(|message| Diagnostic::warning("bad-dataset-line", span, message))),
            Err(Fault { code, message, help }) => Err(Diagnostic::error(code, span, message).with_help(help)),
        }
    }

    /// Reads a set that is not there yet.
    fn add(
        &mut self,
        described: &Described,
        load: Option<PathBuf>,
        save: Option<PathBuf>,
    ) -> Result<Option<String>, Fault> {
        let name = &described.name;
        let kind = described.kind.ok_or_else(|| {
            let message = format!("nothing says yet what the values of `{name}` are");
            Fault::new("no-dataset-type", message, "add a type, as in `type string`")
        })?;
        let capacity = described.memcap.unwrap_or(self.default_capacity);
        self.left = self.left.checked_sub(capacity).ok_or_else(|| {
            let message =
                format!("data sets claim {} bytes more than they may together", capacity - self.left);
            Fault::new(
                "dataset-too-large",
                message,
                "lower `memcap`, or raise `limits.memory.datasets_bytes`",
            )
        })?;
        let mut set = Dataset::new(kind, usize::try_from(capacity).unwrap_or(usize::MAX));
        set.expect(described.hashsize.and_then(|size| usize::try_from(size).ok()).unwrap_or(0));
        let bad = match &load {
            Some(path) => read(&set, described, path, save.is_some())?,
            None => BadLines::default(),
        };
        let warning = (bad.count > 0).then(|| {
            let BadLines { count, first } = bad;
            let (kind, path) = (kind.name(), load.as_deref().unwrap_or(Path::new("")).display());
            format!(
                "in {path} {count} lines are no value of type {kind} and left out, the first is line {first}"
            )
        });
        self.sets.insert(described.id, Loaded { set, load, save });
        Ok(warning)
    }

    /// The sets by their number, and those that are to be saved.
    pub(super) fn done(self) -> (Vec<Option<Arc<Dataset>>>, SavedDatasets) {
        let mut sets = Vec::new();
        let mut saved = Vec::new();
        for (id, loaded) in self.sets {
            sets.resize_with(id as usize, || None);
            sets.push(Some(Arc::new(loaded.set)));
            saved.extend(loaded.save.map(|path| (id as usize, path)));
        }
        (sets, SavedDatasets(saved))
    }
}

impl Loaded {
    /// Whether this is the set that another rule describes, which may leave out what is known.
    fn check(&self, other: &Described, load: Option<&Path>, save: Option<&Path>) -> Result<(), Fault> {
        let fault = |what: &str| {
            let message = format!("the data set `{}` was described before, with another {what}", other.name);
            Err(Fault::new("other-dataset", message, "describe it the same way, or give it another name"))
        };
        match other.kind {
            Some(kind) if kind != self.set.kind() => fault("type"),
            _ if load.is_some() && load != self.load.as_deref() => fault("file to load"),
            _ if save.is_some() && save != self.save.as_deref() => fault("file to save"),
            _ => Ok(()),
        }
    }
}

/// Reads the values of a file. One that is also saved may not be there yet.
fn read(set: &Dataset, described: &Described, path: &Path, saved: bool) -> Result<BadLines, Fault> {
    let bytes = match files::bytes(path) {
        Err(ReadError { source, .. }) if saved && source.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            return Err(Fault::new("unreadable-dataset", error.to_string(), "put the file beside the rules"));
        }
        Ok(bytes) => bytes,
    };
    match described.format {
        DatasetFormat::Csv => read_lines(set, &bytes, |line| of_csv(set.kind(), described.scored, line)),
        DatasetFormat::JsonLines => {
            let key = value_key(described)?;
            read_lines(set, &bytes, |line| {
                let document: Value = serde_json::from_slice(line).ok()?;
                Some((of_json(set.kind(), &document, key)?, 0))
            })
        }
        DatasetFormat::Json => read_document(set, described, &bytes),
        DatasetFormat::Sums => read_lines(set, &bytes, |line| {
            let hash = line.split(|byte| !byte.is_ascii_hexdigit()).next()?;
            Some((value::of_line(set.kind(), hash)?, 0))
        }),
    }
}

fn value_key(described: &Described) -> Result<&str, Fault> {
    described.value_key.as_deref().ok_or_else(|| {
        let message = "nothing says where in a JSON object its value stands";
        Fault::new("no-value-key", message, "add its key, as in `value_key host`")
    })
}

fn read_lines(
    set: &Dataset,
    bytes: &[u8],
    value: impl Fn(&[u8]) -> Option<(Vec<u8>, u16)>,
) -> Result<BadLines, Fault> {
    let mut bad = BadLines::default();
    for (number, line) in bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).enumerate() {
        match value(line) {
            Some((value, score)) => join(set, &value, score)?,
            None if line.is_empty() => {}
            None => bad.note(number),
        }
    }
    Ok(bad)
}

fn read_document(set: &Dataset, described: &Described, bytes: &[u8]) -> Result<BadLines, Fault> {
    let key = value_key(described)?;
    let fault =
        |message: String| Fault::new("bad-dataset-json", message, "see `array_key` and `format ndjson`");
    let mut bad = BadLines::default();
    if bytes.is_empty() {
        return Ok(bad);
    }
    let document: Value = serde_json::from_slice(bytes)
        .map_err(|error| fault(format!("the file is no JSON document: {error}")))?;
    let array = described.array_key.as_deref().map_or(Some(&document), |path| at(&document, path));
    let Some(Value::Array(objects)) = array else {
        return Err(fault("there is no array in the JSON document where one is expected".to_owned()));
    };
    for (number, object) in objects.iter().enumerate() {
        match of_json(set.kind(), object, key) {
            Some(value) => join(set, &value, 0)?,
            None => bad.note(number),
        }
    }
    Ok(bad)
}

fn join(set: &Dataset, value: &[u8], score: u16) -> Result<(), Fault> {
    match set.insert(value, score) {
        Joined::Refused => Err(Fault::new(
            "dataset-too-large",
            "the file holds more than the data set may",
            "give it more memory, as in `memcap 200mb`",
        )),
        _ => Ok(()),
    }
}

/// A value with its score, 0 where it needs none.
fn of_csv(kind: DatasetKind, scored: bool, line: &[u8]) -> Option<(Vec<u8>, u16)> {
    if line.is_empty() {
        return None;
    }
    let mut parts = line.splitn(2, |&byte| byte == b',').map(<[u8]>::trim_ascii);
    let value = value::of_line(kind, parts.next()?)?;
    let score = parts.next().and_then(|score| str::from_utf8(score).ok()?.parse().ok());
    match score {
        Some(score) => Some((value, score)),
        None => (!scored).then_some((value, 0)),
    }
}

fn of_json(kind: DatasetKind, object: &Value, key: &str) -> Option<Vec<u8>> {
    value::of_text(kind, at(object, key)?.as_str()?)
}

/// What stands at a path of keys with dots between them.
fn at<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(document, |value, key| value.get(key))
}

/// The data sets that are to be saved, and where.
#[derive(Clone, Debug, Default)]
pub struct SavedDatasets(Vec<(usize, PathBuf)>);

/// A data set that could not be saved.
#[derive(Debug, thiserror::Error)]
#[error("cannot save the data set in {}: {source}", path.display())]
pub struct SaveError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl SavedDatasets {
    /// Writes each set to its file, in whole or not at all; gives those that could not be written.
    pub fn save(&self, lists: &Lists) -> Vec<SaveError> {
        let mut faults = Vec::new();
        for (id, path) in &self.0 {
            if let Some(Some(set)) = lists.datasets.get(*id)
                && let Err(source) = write(set, path)
            {
                faults.push(SaveError { path: path.clone(), source });
            }
        }
        faults
    }
}

fn write(set: &Dataset, path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let lines = set.values().into_iter().map(|value| value::to_line(set.kind(), &value) + "\n");
    let beside = path.with_added_extension("new");
    fs::write(&beside, lines.collect::<String>())?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatasetType;

    /// A loader with a directory for its data and one for rules.
    struct Scene {
        loader: DatasetLoader,
        folder: tempfile::TempDir,
    }

    fn scene(config: DatasetsConfig, limits: &MemoryLimits) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let config = DatasetsConfig { directory: folder.path().join("data"), ..config };
        for directory in ["data", "rules"] {
            fs::create_dir(folder.path().join(directory)).unwrap();
        }
        Scene { loader: DatasetLoader::new(&config, limits, &Names::default()).unwrap(), folder }
    }

    fn described(kind: Option<DatasetKind>) -> Described {
        Described { name: "seen".to_owned(), kind, ..Described::default() }
    }

    impl Scene {
        fn write(&self, path: &str, text: &str) {
            fs::write(self.folder.path().join(path), text).unwrap();
        }

        /// The code of what is wrong, or the warning if there is one.
        fn claim(&mut self, described: &Described) -> Result<Option<String>, &'static str> {
            let rules = self.folder.path().join("rules");
            let outcome = self.loader.claim(described, &rules, Span::default());
            outcome.map(|warning| warning.map(|warning| warning.message)).map_err(|fault| fault.code)
        }

        fn set(&self) -> &Dataset {
            &self.loader.sets[&0].set
        }
    }

    fn fresh() -> Scene {
        scene(DatasetsConfig::default(), &MemoryLimits::default())
    }

    #[test]
    fn values_stand_in_lines() {
        let mut scene = fresh();
        scene.write("rules/seen.lst", "Y3VybC83LjQzLjA=\r\n\nYmxhaA==,1\nnot base64!\nYQ==");
        let load = Some("seen.lst".to_owned());
        let warning =
            scene.claim(&Described { load, ..described(Some(DatasetKind::String)) }).unwrap().unwrap();
        assert!(warning.ends_with("1 lines are no value of type string and left out, the first is line 4"));
        assert!([&b"curl/7.43.0"[..], b"blah", b"a"].iter().all(|value| scene.set().contains(value)));
        assert_eq!(scene.set().len(), 3);
    }

    #[test]
    fn scores_stand_behind_values() {
        let mut scene = fresh();
        scene.write("rules/seen.rep", "10.0.0.1,200\n10.0.0.2, 65535\n10.0.0.3\n10.0.0.4,65536\n");
        let load = Some("seen.rep".to_owned());
        let set = Described { load, scored: true, ..described(Some(DatasetKind::Ipv4)) };
        assert!(scene.claim(&set).unwrap().unwrap().contains("2 lines"));
        let scores = [1, 2, 3, 4].map(|last| scene.set().score(&[10, 0, 0, last]));
        assert_eq!(scores, [Some(200), Some(65535), None, None]);
    }

    #[test]
    fn hashes_stand_before_anything_else() {
        let mut scene = fresh();
        let text =
            "d41d8cd98f00b204e9800998ecf8427e  util-path.c\n00112233445566778899AABBCCDDEEFF\n# ours\n";
        scene.write("rules/bad.md5", text);
        let load = Some("bad.md5".to_owned());
        let list = Described { load, format: DatasetFormat::Sums, ..described(Some(DatasetKind::Md5)) };
        assert!(scene.claim(&list).unwrap().unwrap().contains("the first is line 3"));
        let wanted: Vec<u8> = (0..16).map(|digit| digit * 0x11).collect();
        assert!(scene.set().contains(&wanted) && scene.set().len() == 2);
    }

    #[test]
    fn values_stand_in_json() {
        let array = r#"[{"ip":"10.0.0.1","x":1},{"ip":7},{"ioc":{"ip":"10.0.0.2"}}]"#;
        let inside = format!(r#"{{"time":1,"response":{{"threats":{array}}}}}"#);
        let lines = "{\"ip\":\"10.0.0.1\"}\n{}\n{\n";
        for (format, text, array_key, value_key, expected, bad) in [
            (DatasetFormat::Json, array, None, "ip", [10, 0, 0, 1], "2 lines"),
            (DatasetFormat::Json, &inside, Some("response.threats"), "ioc.ip", [10, 0, 0, 2], "2 lines"),
            (DatasetFormat::JsonLines, lines, None, "ip", [10, 0, 0, 1], "2 lines"),
        ] {
            let mut scene = fresh();
            scene.write("rules/seen.json", text);
            let set = Described {
                load: Some("seen.json".to_owned()),
                format,
                array_key: array_key.map(str::to_owned),
                value_key: Some(value_key.to_owned()),
                ..described(Some(DatasetKind::Ip))
            };
            assert!(scene.claim(&set).unwrap().unwrap().contains(bad), "{text}");
            assert!(scene.set().contains(&expected) && scene.set().len() == 1, "{text}");
        }
    }

    #[test]
    fn a_set_that_cannot_be_had_refuses_the_rule() {
        let load =
            |file: &str| Described { load: Some(file.to_owned()), ..described(Some(DatasetKind::String)) };
        let json = |format, key: Option<&str>| Described {
            format,
            value_key: key.map(str::to_owned),
            ..load("object.json")
        };
        let faults = [
            (described(None), "no-dataset-type"),
            (load("missing.lst"), "unreadable-dataset"),
            (Described { memcap: Some(100), ..load("two.lst") }, "dataset-too-large"),
            (Described { memcap: Some(u64::MAX), ..described(Some(DatasetKind::Ip)) }, "dataset-too-large"),
            (json(DatasetFormat::Json, Some("a")), "bad-dataset-json"),
            (json(DatasetFormat::Json, None), "no-value-key"),
            (json(DatasetFormat::JsonLines, None), "no-value-key"),
        ];
        for (set, code) in faults {
            let mut scene = fresh();
            scene.write("rules/two.lst", "YQ==\nYg==\n");
            scene.write("rules/object.json", "{}");
            assert_eq!(scene.claim(&set), Err(code), "{set:?}");
        }
    }

    #[test]
    fn rules_that_share_a_set_agree_about_it() {
        let mut scene = fresh();
        scene.write("rules/a.lst", "YQ==\n");
        let load = |file: &str, kind| Described { load: Some(file.to_owned()), ..described(kind) };
        assert_eq!(scene.claim(&load("a.lst", Some(DatasetKind::String))), Ok(None));
        assert_eq!(scene.claim(&described(None)), Ok(None));
        assert_eq!(scene.claim(&load("a.lst", None)), Ok(None));
        assert!(!scene.set().changes());
        assert_eq!(scene.claim(&Described { changes: true, ..described(None) }), Ok(None));
        assert!(scene.set().changes());
        assert_eq!(scene.claim(&described(Some(DatasetKind::Md5))), Err("other-dataset"));
        assert_eq!(scene.claim(&load("b.lst", None)), Err("other-dataset"));
        let save = Some("a.lst".to_owned());
        assert_eq!(scene.claim(&Described { save, ..described(None) }), Err("other-dataset"));
    }

    #[test]
    fn a_saved_set_is_there_the_next_time() {
        let state = || Described {
            load: Some("deep/seen.lst".to_owned()),
            save: Some("deep/seen.lst".to_owned()),
            ..described(Some(DatasetKind::Ip))
        };
        let mut scene = fresh();
        assert_eq!(scene.claim(&state()), Ok(None), "it need not be there yet");
        for value in [&[10, 0, 0, 2][..], &[10, 0, 0, 1], &[0x20; 16]] {
            assert_eq!(scene.set().insert(value, 0), Joined::New);
        }
        let Scene { loader, folder } = scene;
        let (datasets, saved) = loader.done();
        assert!(saved.save(&Lists { datasets, ..Lists::default() }).is_empty());
        let text = fs::read_to_string(folder.path().join("data/deep/seen.lst")).unwrap();
        assert_eq!(text, "10.0.0.1\n10.0.0.2\n2020:2020:2020:2020:2020:2020:2020:2020\n");

        let config = DatasetsConfig { directory: folder.path().join("data"), ..DatasetsConfig::default() };
        let mut again = DatasetLoader::new(&config, &MemoryLimits::default(), &Names::default()).unwrap();
        assert_eq!(again.claim(&state(), folder.path(), Span::default()), Ok(None));
        assert_eq!(again.sets[&0].set.len(), 3);
    }

    #[test]
    fn a_set_that_cannot_be_saved_is_told() {
        let mut scene = fresh();
        let save = Some("file/seen.lst".to_owned());
        scene.write("data/file", "no directory");
        assert_eq!(scene.claim(&Described { save, ..described(Some(DatasetKind::String)) }), Ok(None));
        let (datasets, saved) = scene.loader.done();
        let faults = saved.save(&Lists { datasets, ..Lists::default() });
        assert!(faults[0].to_string().starts_with("cannot save the data set in "), "{faults:?}");
    }

    #[test]
    fn saving_can_be_forbidden() {
        let config = DatasetsConfig { allow_write: false, ..DatasetsConfig::default() };
        let mut scene = scene(config, &MemoryLimits::default());
        let save = Some("seen.lst".to_owned());
        let set = Described { save, ..described(Some(DatasetKind::String)) };
        assert_eq!(scene.claim(&set), Err("dataset-not-writable"));
    }

    #[test]
    fn the_configuration_describes_sets_for_rules() {
        let folder = tempfile::tempdir().unwrap();
        let load = folder.path().join("anywhere.lst");
        fs::write(&load, "d41d8cd98f00b204e9800998ecf8427e\n").unwrap();
        let set = DatasetConfig { kind: DatasetType::Md5, load: Some(load), ..DatasetConfig::default() };
        let config =
            DatasetsConfig { sets: BTreeMap::from([("seen".to_owned(), set)]), ..DatasetsConfig::default() };
        let mut scene = scene(config, &MemoryLimits::default());
        assert_eq!(scene.set().len(), 1);
        assert_eq!(scene.claim(&described(None)), Ok(None));
        assert_eq!(scene.claim(&described(Some(DatasetKind::String))), Err("other-dataset"));
    }
}
