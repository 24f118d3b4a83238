//! The files that belong to rules: those that are named, else those that stand beside the rules.

use super::files::{ReadError, read};
use super::{Findings, RuleFiles};
use ::rules::classification::Classes;
use ::rules::companion::reference::References;
use ::rules::companion::threshold::Thresholds;
use ::rules::diagnostic::Diagnostic;
use ::rules::header::variable::{Resolver, Variables};
use ::rules::text::Source;
use std::path::{Path, PathBuf};

/// A companion, and where it was read.
#[derive(Debug, Default)]
struct Companion<T> {
    value: T,
    from: Option<PathBuf>,
}

impl<T> Companion<T> {
    /// Reads the file, unless it is the one that was read last.
    fn read(
        &mut self,
        path: &Path,
        findings: &mut Vec<Findings>,
        parse: impl FnOnce(&Source) -> (T, Vec<Diagnostic>),
    ) -> Result<(), ReadError> {
        if self.from.as_deref() == Some(path) {
            return Ok(());
        }
        let source = read(path)?;
        let (value, diagnostics) = parse(&source);
        self.value = value;
        self.from = Some(path.to_owned());
        if !diagnostics.is_empty() {
            findings.push(Findings { source, diagnostics });
        }
        Ok(())
    }
}

/// The companions that count at the moment.
#[derive(Debug, Default)]
pub(super) struct Companions {
    classes: Companion<Classes>,
    /// The classes were named: what stands beside rules does not count.
    classes_named: bool,
    references: Companion<References>,
    thresholds: Companion<Thresholds>,
}

impl Companions {
    /// Reads those that are named.
    pub(super) fn named(
        files: &RuleFiles,
        variables: &Variables,
        findings: &mut Vec<Findings>,
    ) -> Result<Self, ReadError> {
        let mut this = Self { classes_named: files.classification.is_some(), ..Self::default() };
        if let Some(path) = &files.classification {
            this.classes.read(path, findings, Classes::parse)?;
        }
        if let Some(path) = &files.reference {
            this.references.read(path, findings, References::parse)?;
        }
        if let Some(path) = &files.threshold {
            this.thresholds.read(path, findings, |source| thresholds(source, variables))?;
        }
        Ok(this)
    }

    /// Reads those that stand beside a rule file and were not named. Classes are each file's own; of the others, which
    /// hold for all rules, the first counts.
    pub(super) fn look_beside(
        &mut self,
        rules: &Path,
        variables: &Variables,
        findings: &mut Vec<Findings>,
    ) -> Result<(), ReadError> {
        let beside = |name: &str| Some(rules.with_file_name(name)).filter(|path| path.is_file());
        if let Some(path) = beside("classification.config").filter(|_| !self.classes_named) {
            self.classes.read(&path, findings, Classes::parse)?;
        }
        if let Some(path) = beside("reference.config").filter(|_| self.references.from.is_none()) {
            self.references.read(&path, findings, References::parse)?;
        }
        if let Some(path) = beside("threshold.config").filter(|_| self.thresholds.from.is_none()) {
            self.thresholds.read(&path, findings, |source| thresholds(source, variables))?;
        }
        Ok(())
    }

    pub(super) fn classes(&self) -> &Classes {
        &self.classes.value
    }

    pub(super) fn into_parts(self) -> (References, Thresholds) {
        (self.references.value, self.thresholds.value)
    }
}

fn thresholds(source: &Source, variables: &Variables) -> (Thresholds, Vec<Diagnostic>) {
    Thresholds::parse(source, &mut Resolver::new(variables))
}
