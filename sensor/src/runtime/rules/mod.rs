//! Rule files into a rule set: read, parsed and compiled, on several threads where there are many rules.

mod companions;
mod files;
mod lists;
mod progress;
mod thresholds;

pub use files::ReadError;
pub use lists::{ListFiles, SaveError, SavedDatasets};
pub use progress::LoadProgress;

use self::companions::Companions;
use self::lists::ListLoader;
use crate::app_layer::Spoken;
use crate::detect::{self, SharedMemory};
use ::rules::ast::Rule;
use ::rules::companion::reference::References;
use ::rules::companion::threshold::Thresholds;
use ::rules::compile::{Context, compile};
use ::rules::diagnostic::{Diagnostic, Severity};
use ::rules::header::variable::{Resolver, Variables};
use ::rules::lint::{Duplicates, SignatureKey, Subject, lint};
use ::rules::names::Names;
use ::rules::parse::parse;
use ::rules::ruleset::RuleSet;
use ::rules::signature::Signature;
use ::rules::text::{Source, Span};
use ::rules::vocabulary::Vocabulary;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

/// Where rules and what belongs to them come from.
#[derive(Clone, Debug, Default)]
pub struct RuleFiles {
    /// Rule files, read in turn; a directory stands for the `*.rules` in it, by name.
    pub rules: Vec<PathBuf>,
    /// classification.config; where none is named, the one beside each rule file counts.
    pub classification: Option<PathBuf>,
    /// reference.config; where none is named, the one beside the first rule file that has one.
    pub reference: Option<PathBuf>,
    /// threshold.config, likewise.
    pub threshold: Option<PathBuf>,
    /// Lists that rules ask.
    pub lists: ListFiles,
    /// Names that have their numbers already, from rules loaded before; others get theirs.
    pub names: Arc<Names>,
    /// Whether rules that load are looked at for what is suspicious.
    pub lints: Lints,
    /// Whether each rule is tried wherever it could match, instead of where its fast pattern is found.
    pub try_all: bool,
}

/// Whether rules that load are looked at for what is suspicious about them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Lints {
    /// They are not, apart from duplicate numbers.
    #[default]
    None,
    /// Every lint looks at each.
    All,
}

/// A source with what was found about it.
#[derive(Debug)]
pub struct Findings {
    /// The file.
    pub source: Source,
    /// In order of place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Rules, ready to be used, and what was wrong with the others.
#[derive(Debug)]
pub struct LoadedRules {
    /// Those that load.
    pub set: RuleSet,
    /// What they remember across flows, and the lists they ask.
    pub memory: Arc<SharedMemory>,
    /// The data sets that are to be saved in the end.
    pub saved_datasets: SavedDatasets,
    /// What was found about each file.
    pub findings: Vec<Findings>,
    /// Where references lead.
    pub references: References,
    /// How often rules may alert, whatever they say themselves.
    pub thresholds: Thresholds,
    /// Rules that are refused.
    pub rejected: u64,
    /// Rules that are refused because the sensor does not do yet what they ask.
    pub unsupported: u64,
    /// Rules that are left out because they say that they are for another engine.
    pub skipped: u64,
    /// Rules that load, and cannot match until there is what they wait for, by what that is.
    pub waiting: BTreeMap<&'static str, u64>,
}

/// Reads and compiles rule files.
///
/// # Errors
///
/// When a file cannot be read; what is wrong within one is told in the findings.
pub fn load(
    files: &RuleFiles,
    vocabulary: &Vocabulary,
    variables: &Variables,
    progress: &LoadProgress,
) -> Result<LoadedRules, ReadError> {
    let names = &*files.names;
    let mut loading = Loading::default();
    let mut companions = Companions::named(files, variables, &mut loading.findings)?;
    let mut lists = ListLoader::new(&files.lists, names, &mut loading.findings)?;
    for path in files::expand(&files.rules)? {
        let source = files::read(&path)?;
        companions.look_beside(&path, variables, &mut loading.findings)?;
        let context = Context { vocabulary, classes: companions.classes(), names };
        let mut beside = Beside { lists: &mut lists, directory: path.parent().unwrap_or(Path::new("")) };
        loading.file(source, &Compiler { context, variables, lints: files.lints, progress }, &mut beside);
    }
    Ok(loading.done(companions, lists, files))
}

/// What is loaded so far.
#[derive(Debug, Default)]
struct Loading {
    signatures: Vec<Signature>,
    /// Where each signature stands in `signatures`.
    places: HashMap<SignatureKey, usize>,
    duplicates: Duplicates,
    findings: Vec<Findings>,
    rejected: u64,
    unsupported: u64,
    skipped: u64,
}

/// The lists that the rules of one file may name.
struct Beside<'a> {
    lists: &'a mut ListLoader,
    /// Where the rule file is.
    directory: &'a Path,
}

impl Beside<'_> {
    /// The outcome for a rule, once what it names is read.
    fn claim(&mut self, rule: &Rule, outcome: Outcome) -> Outcome {
        let (signature, mut found) = outcome?;
        found.extend(self.lists.claim(&signature, rule, self.directory).map_err(|fault| vec![fault])?);
        Ok((signature, found))
    }
}

impl Loading {
    fn file(&mut self, source: Source, compiler: &Compiler<'_>, beside: &mut Beside<'_>) {
        let parsed = parse(&source);
        let mut diagnostics = parsed.diagnostics;
        self.rejected += parsed.refused.len() as u64;
        for (rule, outcome) in parsed.rules.iter().zip(compiler.all(&parsed.rules)) {
            match beside.claim(rule, outcome) {
                Ok((signature, found)) => {
                    diagnostics.extend(found);
                    let span = rule.option("sid").map_or(rule.header.protocol.span(), |option| option.span);
                    diagnostics.extend(self.add(signature, &source, span));
                }
                Err(faults) => {
                    *self.count(&faults) += 1;
                    diagnostics.extend(faults);
                }
            }
        }
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        self.findings.push(Findings { source, diagnostics });
    }

    /// The count of rules refused for such faults.
    fn count(&mut self, faults: &[Diagnostic]) -> &mut u64 {
        match faults.iter().map(|fault| fault.severity).max() {
            Some(Severity::Skipped) => &mut self.skipped,
            Some(Severity::NotSupported) => &mut self.unsupported,
            _ => &mut self.rejected,
        }
    }

    /// Takes a signature in. Of two with the same gid and sid the higher revision counts, else the first, as in
    /// Suricata.
    fn add(&mut self, signature: Signature, source: &Source, span: Span) -> Option<Diagnostic> {
        let key = SignatureKey { gid: signature.meta.gid, sid: signature.meta.sid };
        let found = self.duplicates.note(key, self.findings.len(), source, span);
        match self.places.get(&key) {
            None => {
                self.places.insert(key, self.signatures.len());
                self.signatures.push(signature);
            }
            Some(&place) => {
                self.rejected += 1;
                if signature.meta.rev > self.signatures[place].meta.rev {
                    self.signatures[place] = signature;
                }
            }
        }
        found
    }

    fn done(mut self, companions: Companions, lists: ListLoader, files: &RuleFiles) -> LoadedRules {
        let (references, thresholds) = companions.into_parts();
        let (lists, saved_datasets) = lists.done();
        let (mut waiting, spoken) = (BTreeMap::new(), Spoken::default());
        for signature in &self.signatures {
            let parser = spoken.waits_for(signature);
            let rest = || detect::waits_for(signature, &lists).or_else(|| signature.waits_for());
            if let Some(what) = parser.or_else(rest) {
                *waiting.entry(what).or_insert(0) += 1;
            }
        }
        if files.try_all {
            self.signatures.iter_mut().for_each(|signature| signature.fast_pattern = None);
        }
        let memory = Arc::new(SharedMemory::new(&self.signatures, lists, &files.lists.limits));
        LoadedRules {
            waiting,
            set: RuleSet::new(self.signatures),
            memory,
            saved_datasets,
            findings: self.findings,
            references,
            thresholds,
            rejected: self.rejected,
            unsupported: self.unsupported,
            skipped: self.skipped,
        }
    }
}

/// Rules below which threads cost more than they gain.
const WORTH_A_THREAD: usize = 500;

type Outcome = Result<(Signature, Vec<Diagnostic>), Vec<Diagnostic>>;

/// What the rules of one file are compiled with.
struct Compiler<'a> {
    context: Context<'a>,
    variables: &'a Variables,
    lints: Lints,
    progress: &'a LoadProgress,
}

impl Compiler<'_> {
    fn all(&self, rules: &[Rule]) -> Vec<Outcome> {
        self.progress.found(rules.len());
        let threads =
            thread::available_parallelism().map_or(1, usize::from).min(rules.len() / WORTH_A_THREAD + 1);
        if threads == 1 {
            return self.some(rules);
        }
        thread::scope(|scope| {
            let parts: Vec<_> = rules
                .chunks(rules.len().div_ceil(threads))
                .map(|part| scope.spawn(move || self.some(part)))
                .collect();
            parts.into_iter().flat_map(|part| part.join().expect("compiling does not panic")).collect()
        })
    }

    fn some(&self, rules: &[Rule]) -> Vec<Outcome> {
        let mut resolver = Resolver::new(self.variables);
        rules.iter().map(|rule| self.one(rule, &mut resolver)).collect()
    }

    fn one(&self, rule: &Rule, resolver: &mut Resolver<'_>) -> Outcome {
        let outcome = compile(rule, &self.context, resolver);
        self.progress.compiled();
        let (signature, mut found) = outcome?;
        if self.lints == Lints::All {
            found.extend(lint(&Subject { rule, signature: &signature, vocabulary: self.context.vocabulary }));
        }
        Ok((signature, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn load_from(directory: &Path, lints: Lints) -> LoadedRules {
        let files = RuleFiles { rules: vec![directory.to_owned()], lints, ..RuleFiles::default() };
        load(&files, &Vocabulary::new(&[]), &Variables::default(), &LoadProgress::default()).unwrap()
    }

    fn codes(loaded: &LoadedRules) -> Vec<&'static str> {
        let found = loaded.findings.iter().flat_map(|file| &file.diagnostics);
        found.map(|diagnostic| diagnostic.code).collect()
    }

    #[test]
    fn the_higher_revision_counts_and_the_other_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let rule = |rev: u32| format!("alert tcp any any -> any any (content:\"abc\"; sid:7; rev:{rev};)\n");
        fs::write(directory.path().join("a.rules"), rule(1)).unwrap();
        fs::write(directory.path().join("b.rules"), rule(3) + &rule(2)).unwrap();
        let loaded = load_from(directory.path(), Lints::None);
        assert_eq!(loaded.set.signatures().len(), 1);
        assert_eq!(loaded.set.signatures()[0].meta.rev, 3);
        assert_eq!((loaded.rejected, codes(&loaded)), (2, vec!["duplicate-sid"; 2]));
    }

    #[test]
    fn what_stands_beside_the_rules_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write(
            "a.rules",
            "alert tcp any any -> any any (content:!\"abc\"; classtype:odd; reference:x,1; sid:7;)\n",
        );
        write("classification.config", "config classification: odd,Something odd,4\n");
        write("reference.config", "config reference: x https://x.example/\n");
        write("threshold.config", "suppress gen_id 1, sig_id 7\nnonsense\n");
        let loaded = load_from(directory.path(), Lints::All);
        assert_eq!(loaded.set.signatures()[0].meta.category, "Something odd");
        assert_eq!(loaded.references.url("x", "1").as_deref(), Some("https://x.example/1"));
        assert_eq!(loaded.thresholds.suppressions.len(), 1);
        assert_eq!(codes(&loaded), ["missing-value", "no-fast-pattern"]);
    }

    #[test]
    fn many_rules_load_in_their_order_on_several_threads() {
        let directory = tempfile::tempdir().unwrap();
        let rule = |sid: usize| format!("alert tcp any any -> any any (content:\"abc\"; sid:{sid};)\n");
        let count = 3 * WORTH_A_THREAD;
        fs::write(directory.path().join("a.rules"), (1..=count).map(rule).collect::<String>()).unwrap();
        let loaded = load_from(directory.path(), Lints::All);
        assert_eq!(loaded.set.signatures().len(), count);
        assert_eq!(codes(&loaded), Vec::<&str>::new());
    }
}
