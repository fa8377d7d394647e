//! What a finding is, and what a rule that finds it is.

use serde::{Deserialize, Serialize};

use crate::answer::Verdict;
use crate::facts::{Facts, Source, Time};

/// What it means for the application; as alerts have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It ended the application, or holds it up.
    Critical,
    /// It cost time or work, or will end it.
    Warning,
    /// It could be had for less.
    Info,
}

impl Severity {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// How sure something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Somebody who has to know has said so.
    Certain,
    /// Nothing else that is known would look like this.
    VeryLikely,
    /// It is the simplest explanation of several.
    Likely,
}

impl Certainty {
    /// As it is written.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::VeryLikely => "very likely",
            Self::Likely => "likely",
        }
    }
}

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What, with its unit.
    pub text: String,
    /// Who said so.
    pub source: Source,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// In which pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
}

/// Something to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The setting, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// Its new value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Why, or what else to do.
    pub text: String,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What it means here.
    pub severity: Severity,
    /// How sure it is.
    pub certainty: Certainty,
    /// What it is, in a sentence with the figure that says most.
    pub sentence: String,
    /// What says so.
    pub evidence: Vec<Evidence>,
    /// What to change.
    pub changes: Vec<Change>,
}

impl Found {
    /// Found by no more than this sentence.
    pub(super) fn new(
        severity: Severity,
        certainty: Certainty,
        sentence: impl Into<String>,
    ) -> Self {
        let (evidence, changes) = (Vec::new(), Vec::new());
        Self { severity, certainty, sentence: sentence.into(), evidence, changes }
    }

    /// With something that was seen in Prometheus.
    pub(super) fn figure(
        self,
        text: impl Into<String>,
        at: Option<Time>,
        pod: Option<&str>,
    ) -> Self {
        self.seen(Source::Prometheus, text, at, pod)
    }

    /// With something that the API server says.
    pub(super) fn status(
        self,
        text: impl Into<String>,
        at: Option<Time>,
        pod: Option<&str>,
    ) -> Self {
        self.seen(Source::ApiServer, text, at, pod)
    }

    /// With something that the driver's log says.
    pub(super) fn logged(self, text: impl Into<String>) -> Self {
        self.seen(Source::DriverLog, text, None, None)
    }

    fn seen(
        mut self,
        source: Source,
        text: impl Into<String>,
        at: Option<Time>,
        pod: Option<&str>,
    ) -> Self {
        let pod = pod.map(str::to_owned);
        self.evidence.push(Evidence { text: text.into(), source, at, pod });
        self
    }

    /// With a setting to change.
    pub(super) fn set(
        mut self,
        setting: &str,
        value: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        let (setting, value) = (Some(setting.to_owned()), Some(value.into()));
        self.changes.push(Change { setting, value, text: why.into() });
        self
    }

    /// With something else to do.
    pub(super) fn advise(mut self, text: impl Into<String>) -> Self {
        self.changes.push(Change { setting: None, value: None, text: text.into() });
        self
    }
}

/// What a rule is given.
#[derive(Debug, Clone, Copy)]
pub struct Case<'f> {
    /// What is known.
    pub facts: &'f Facts,
    /// What became of the application.
    pub verdict: Verdict,
}

impl Case<'_> {
    /// Critical where the application did not succeed, since this is enough to end one; else a warning.
    pub(super) const fn fatal_if_it_failed(&self) -> Severity {
        if self.verdict.is_bad() { Severity::Critical } else { Severity::Warning }
    }
}

/// Whether a finding has been made to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provoked {
    /// By a real Spark job in a test.
    RealSpark,
    /// By a real API server's pods in a test.
    RealApiServer,
    /// By facts that were written down only.
    RecordedFacts,
}

impl Provoked {
    /// As documentation says it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::RealSpark => "a real Spark job",
            Self::RealApiServer => "pods of a real API server",
            Self::RecordedFacts => "recorded facts only",
        }
    }
}

/// A rule: what it finds, from what, and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The finding's name.
    pub code: &'static str,
    /// The worst that it can be.
    pub severity: Severity,
    /// The surest that it can be.
    pub certainty: Certainty,
    /// What it means.
    pub meaning: &'static str,
    /// What has to be seen.
    pub needs: &'static str,
    /// What helps, in general.
    pub advice: &'static str,
    /// The alert that says the same.
    pub alert: Option<&'static str>,
    /// How it has been provoked.
    pub provoked: Provoked,
    /// Whether it is so, in this case.
    pub judge: fn(&Case<'_>) -> Option<Found>,
}
