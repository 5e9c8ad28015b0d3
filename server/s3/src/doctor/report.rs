//! The findings, as a table for people and as JSON for programs.

use std::fmt;

use serde::Serialize;

use crate::bucket::Bucket;

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The check passed.
    Ok,
    /// The check could not run, for a reason that is no fault or that another check reports.
    Skipped,
    /// Uploads work, but something is weaker or missing.
    Warning,
    /// Uploads fail, or are not safe.
    Failure,
}

/// The section of the report that a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Credentials, clock, permissions.
    Access,
    /// What the store enforces of presigned URLs.
    #[serde(rename = "terms")]
    PresignedUrls,
    /// Which checksums the store verifies.
    Checksums,
    /// What pages of other origins may do.
    Cors,
    /// What removes unfinished uploads.
    Cleanup,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The section of the report.
    pub section: Section,
    /// The stable name of the check.
    pub check: String,
    /// The outcome.
    pub outcome: Outcome,
    /// What was observed.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The results of all checks of one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreReport {
    /// The store's label.
    pub name: String,
    /// The bucket's name.
    pub bucket: String,
    /// The origins at which browsers reach it.
    pub endpoints: Vec<String>,
    /// The checksum that uploads get with `uploads.checksum = "auto"`.
    pub checksum: Option<&'static str>,
    /// The results, in the order of the checks.
    pub findings: Vec<Finding>,
}

/// The reports of all stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One report for each store.
    pub stores: Vec<StoreReport>,
}

impl Report {
    /// Returns the worst outcome.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let findings = self.stores.iter().flat_map(|store| &store.findings);
        findings.map(|finding| finding.outcome).max().unwrap_or(Outcome::Ok)
    }
}

impl StoreReport {
    pub(super) fn of(store: &Bucket) -> Self {
        Self {
            name: store.label.clone(),
            bucket: store.name.clone(),
            endpoints: store.public_hosts.origins().map(str::to_owned).collect(),
            checksum: None,
            findings: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        section: Section,
        check: impl Into<String>,
        outcome: Outcome,
        detail: impl Into<String>,
    ) -> &mut Finding {
        let finding = Finding { section, check: check.into(), outcome, detail: detail.into(), remedy: None };
        self.findings.push_mut(finding)
    }
}

impl Finding {
    pub(super) fn remedy(&mut self, remedy: impl Into<String>) {
        self.remedy = Some(remedy.into());
    }
}

impl Outcome {
    /// Returns the outcome as one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failure => "FAILURE",
        }
    }
}

impl Section {
    const fn title(self) -> &'static str {
        match self {
            Self::Access => "Access",
            Self::PresignedUrls => "Presigned URLs",
            Self::Checksums => "Checksums",
            Self::Cors => "CORS",
            Self::Cleanup => "Cleaning up",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, store) in self.stores.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            store.fmt(f)?;
        }
        let all = || self.stores.iter().flat_map(|store| &store.findings);
        let count = |outcome| all().filter(|finding| finding.outcome == outcome).count();
        let (failures, warnings) = (count(Outcome::Failure), count(Outcome::Warning));
        writeln!(f, "\n{} checks, {failures} failed, {warnings} with a warning", all().count())
    }
}

impl fmt::Display for StoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: bucket {} at {}", self.name, self.bucket, self.endpoints.join(", "))?;
        let width =
            self.findings.iter().map(|finding| finding.check.chars().count()).max().unwrap_or_default();
        let mut section = None;
        for finding in &self.findings {
            if section != Some(finding.section) {
                section = Some(finding.section);
                writeln!(f, "\n{}", finding.section.title())?;
            }
            writeln!(f, "  {:7}  {:width$}  {}", finding.outcome.word(), finding.check, finding.detail)?;
            if let Some(remedy) = &finding.remedy {
                for line in remedy.lines() {
                    writeln!(f, "  {:7}  {:width$}  → {line}", "", "")?;
                }
            }
        }
        Ok(())
    }
}
