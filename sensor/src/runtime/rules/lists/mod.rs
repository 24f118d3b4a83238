//! The lists that rules ask: sets of values, reputations and countries of addresses.

mod dataset;
mod reputation;
mod value;

pub use dataset::{SaveError, SavedDatasets};

use self::dataset::DatasetLoader;
use super::Findings;
use super::files::{self, ReadError};
use crate::config::{DatasetsConfig, GeoIpConfig, ReputationConfig};
use crate::detect::{Countries, Lists, Reputations};
use crate::limits::MemoryLimits;
use ::rules::ast::Rule;
use ::rules::diagnostic::Diagnostic;
use ::rules::names::Names;
use ::rules::signature::{AddressList, Signature};
use ::rules::text::Span;
use std::io;
use std::path::Path;

/// Where lists come from.
#[derive(Clone, Debug, Default)]
pub struct ListFiles {
    /// Sets of values.
    pub datasets: DatasetsConfig,
    /// Reputations of addresses.
    pub reputation: ReputationConfig,
    /// Countries of addresses.
    pub geoip: GeoIpConfig,
    /// How much memory they may take up.
    pub limits: MemoryLimits,
}

/// Lists in the making.
#[derive(Debug)]
pub(super) struct ListLoader {
    datasets: DatasetLoader,
    reputations: Reputations,
    countries: Option<Countries>,
}

impl ListLoader {
    /// Reads what the configuration names.
    pub(super) fn new(
        files: &ListFiles,
        names: &Names,
        findings: &mut Vec<Findings>,
    ) -> Result<Self, ReadError> {
        let countries = files.geoip.database.as_deref().map(countries).transpose()?;
        Ok(Self {
            datasets: DatasetLoader::new(&files.datasets, &files.limits, names)?,
            reputations: reputation::load(&files.reputation, names, findings)?,
            countries,
        })
    }

    /// Reads what a rule names, which stands in a file in `directory`; gives what is worth a warning.
    ///
    /// # Errors
    ///
    /// When the rule cannot have what it names.
    pub(super) fn claim(
        &mut self,
        signature: &Signature,
        rule: &Rule,
        directory: &Path,
    ) -> Result<Vec<Diagnostic>, Diagnostic> {
        let mut found = Vec::new();
        let mut spans = spans(rule, &["dataset", "datarep", "filemd5", "filesha1", "filesha256"]);
        for set in &signature.datasets {
            let span = spans.next().unwrap_or(signature.span);
            found.extend(self.datasets.claim(set, directory, span)?);
        }
        let mut spans = self::spans(rule, &["iprep", "geoip"]);
        for list in signature.conditions.iter().filter_map(|condition| condition.list()) {
            let span = spans.next().unwrap_or(signature.span);
            found.extend(self.missing(list, span));
        }
        Ok(found)
    }

    /// A warning of a list that is not there.
    fn missing(&self, list: AddressList, span: Span) -> Option<Diagnostic> {
        let (there, message, help) = match list {
            AddressList::Reputation(category) => (
                self.reputations.knows(category),
                "no list of reputations has this category: the rule cannot match",
                "name its lists in `reputation.categories` and `reputation.files`",
            ),
            AddressList::Countries => (
                self.countries.is_some(),
                "there is no database of countries: the rule cannot match",
                "name one in `geoip.database`",
            ),
        };
        (!there).then(|| Diagnostic::warning("list-not-configured", span, message).with_help(help))
    }

    /// The lists, and the sets that are to be saved.
    pub(super) fn done(self) -> (Lists, SavedDatasets) {
        let (datasets, saved) = self.datasets.done();
        (Lists { datasets, reputations: self.reputations, countries: self.countries }, saved)
    }
}

/// Where options of these names stand in a rule, in order.
fn spans<'a>(rule: &'a Rule, names: &'a [&str]) -> impl Iterator<Item = Span> + 'a {
    rule.options
        .iter()
        .filter(|option| names.iter().any(|name| option.name.eq_ignore_ascii_case(name)))
        .map(|option| option.span)
}

fn countries(path: &Path) -> Result<Countries, ReadError> {
    let fault = |source| ReadError { path: path.to_owned(), source };
    let bytes = files::bytes(path)?;
    Countries::new(bytes).map_err(|error| fault(io::Error::new(io::ErrorKind::InvalidData, error)))
}
