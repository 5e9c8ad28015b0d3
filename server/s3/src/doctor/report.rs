//! What was found, as a table for people and as JSON for machines.

use std::fmt;

use serde::Serialize;

use crate::bucket::Bucket;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Could not be tried, for a reason that is no fault, or one that is reported elsewhere.
    Skipped,
    /// Uploads work, and something is weaker or missing.
    Warning,
    /// Uploads fail, or are not safe.
    Failure,
}

/// What a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Credentials, clock, permissions.
    Access,
    /// What the store enforces of presigned URLs.
    #[serde(rename = "terms")]
    PresignedUrls,
    /// What is verified of bytes.
    Checksums,
    /// What pages of other origins may do.
    Cors,
    /// What becomes of uploads that nobody finished.
    Cleanup,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it belongs to.
    pub section: Section,
    /// A stable name.
    pub check: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// All checks of one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreReport {
    /// What the store is called.
    pub name: String,
    /// Its bucket.
    pub bucket: String,
    /// Where browsers reach it.
    pub endpoints: Vec<String>,
    /// How uploads to it are checked with `uploads.checksum = "auto"`.
    pub checksum: Option<&'static str>,
    /// The checks.
    pub findings: Vec<Finding>,
}

/// All stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Each of them.
    pub stores: Vec<StoreReport>,
}

impl Report {
    /// The worst outcome of all.
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
    /// In a word.
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
