//! What becomes of a pod: the one entrance that `serve`, `inject`, `explain`, `policy` and `check`
//! share.

use json_patch::PatchOperation;

use crate::config::{AllSettings, Settings};
use crate::namespace_state::NamespaceState;
use crate::patch;
use crate::plan::{self, Decision, Lack};
use crate::pod::Pod;
use crate::reason::{Partial, Skip};
use crate::role::Role;

/// Warnings in one answer: the API server passes on 4,096 characters of them in all.
const WARNINGS: usize = 8;

/// What was decided about one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The decision.
    pub decision: Decision,
    /// The pod's role, where it has one.
    pub role: Option<Role>,
    /// The configuration's profile that selected the pod, if one did.
    pub profile: Option<String>,
    /// The operations that carry the decision out; none for a skip.
    pub patch: Vec<PatchOperation>,
    /// What is known of the reason beyond its sentence.
    pub detail: Option<String>,
}

/// Decides about one pod of a namespace.
#[must_use]
pub fn outcome_for(
    pod: &Pod<'_>,
    namespace: &str,
    settings: &AllSettings,
    known: &NamespaceState,
) -> Outcome {
    outcome_by(pod, settings.of(namespace, pod), known)
}

/// Decides about one pod by these settings, whether or not their profile selects it.
#[must_use]
pub fn outcome_by(pod: &Pod<'_>, settings: &Settings, known: &NamespaceState) -> Outcome {
    let (decision, detail) = plan::decide(pod, settings, known);
    let detail = match decision {
        Decision::Skip(Skip::SidecarDoesNotStart) => failures(known),
        _ => detail,
    };
    Outcome {
        patch: patch::operations(pod, &decision),
        decision,
        role: settings.config.roles.of(pod),
        profile: settings.profile.clone(),
        detail,
    }
}

impl Outcome {
    /// Of a pod that is left alone without a look at it.
    #[must_use]
    pub fn unseen(skip: Skip, detail: Option<String>) -> Self {
        Self {
            decision: Decision::Skip(skip),
            role: None,
            profile: None,
            patch: Vec::new(),
            detail,
        }
    }

    /// The label of the metric: `injected`, `repaired`, or the reason for a skip.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match &self.decision {
            Decision::Inject(_) => "injected",
            Decision::Repair { .. } => "repaired",
            Decision::Skip(skip) => skip.code(),
        }
    }

    /// Why the pod is left alone, if it is.
    #[must_use]
    pub const fn skip(&self) -> Option<Skip> {
        match &self.decision {
            Decision::Skip(skip) => Some(*skip),
            Decision::Inject(_) | Decision::Repair { .. } => None,
        }
    }

    fn lacks(&self) -> &[Lack] {
        match &self.decision {
            Decision::Inject(plan) => &plan.lacks,
            Decision::Repair { .. } | Decision::Skip(_) => &[],
        }
    }

    /// Why a pod that was injected did not get everything, each reason once.
    #[must_use]
    pub fn partial(&self) -> Vec<Partial> {
        let mut partial: Vec<Partial> = self.lacks().iter().map(|lack| lack.partial).collect();
        partial.dedup();
        partial
    }

    /// What a pod that was injected did not get, each with its code.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.lacks().iter().map(missing).collect()
    }

    /// What the client is told.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let warnings = match self.skip() {
            Some(skip) if skip.warns() => {
                let detail = detail(self.detail.as_deref());
                let why = format!("{}: {}{detail}", skip.code(), skip.sentence());
                vec![format!("not injected, {why}")]
            }
            _ => self.lacks().iter().take(WARNINGS).map(missing).collect(),
        };
        warnings.iter().map(|text| sized(&format!("emberscope: {text}"))).collect()
    }
}

/// Why sidecars of a namespace do not start.
fn failures(known: &NamespaceState) -> Option<String> {
    let mut failures: Vec<&str> = known.fuses.iter().map(|fuse| fuse.failure.as_str()).collect();
    failures.sort_unstable();
    failures.dedup();
    (!failures.is_empty()).then(|| failures.join(", "))
}

fn missing(Lack { partial, culprit }: &Lack) -> String {
    format!("{}: {}{}", partial.code(), partial.sentence(), detail(culprit.as_deref()))
}

fn detail(text: Option<&str>) -> String {
    text.map(|text| format!(" ({text})")).unwrap_or_default()
}

/// At most the 256 characters that Kubernetes recommends, and no control characters.
pub(crate) fn sized(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(clean).take(256).collect()
}
