//! One admission: the body of a request in, the body of the answer out.
//!
//! Whatever comes in, the answer is `allowed: true`; what could not be done is said in it.

use json_patch::PatchOperation;

use crate::decide::{self, Decision, Role};
use crate::patch;
use crate::pod::Pod;
use crate::reason::{Partial, Skip};
use crate::review::{self, Audit, ReviewIn, VERSION};
use crate::settings::{AllSettings, Settings};

/// What the API server gets, and what the logs and metrics are told.
#[derive(Debug)]
pub struct Admission {
    /// The AdmissionReview to send back, in JSON.
    pub body: Vec<u8>,
    /// Size of the JSON Patch in it.
    pub patch_bytes: usize,
    /// What was decided.
    pub outcome: Outcome,
}

/// What was decided about one review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The decision.
    pub verdict: Verdict,
    /// The pod's role, where it has one.
    pub role: Option<Role>,
    /// Why a pod that was injected did not get everything.
    pub partial: Vec<Partial>,
    /// The configuration's profile that selected the pod, if one did.
    pub profile: Option<String>,
    /// The pod's namespace and name, as far as the review tells.
    pub pod: String,
    /// What the client is told.
    pub warnings: Vec<String>,
}

/// A decision, without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The pod got the sidecar.
    Injected,
    /// The pod had it and got back what makes it a sidecar.
    Repaired,
    /// The pod stays as it is.
    Skipped(Skip),
}

impl Verdict {
    /// The label of the metric: `injected`, `repaired`, or the reason for a skip.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Injected => "injected",
            Self::Repaired => "repaired",
            Self::Skipped(skip) => skip.code(),
        }
    }

    const fn audit(self) -> &'static str {
        match self {
            Self::Injected => "injected",
            Self::Repaired => "repaired",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// Answers one review.
#[must_use]
pub fn admit(body: &[u8], settings: &AllSettings) -> Admission {
    let review: ReviewIn<'_> = match serde_json::from_slice(body) {
        Ok(review) => review,
        Err(error) => {
            return refused(VERSION, "", Skip::UnreadableReview, Some(&error.to_string()));
        }
    };
    let Some(request) = &review.request else {
        return refused(VERSION, "", Skip::UnreadableReview, Some("there is no request in it"));
    };
    if &*review.api_version != VERSION {
        return refused(&review.api_version, &request.uid, Skip::UnsupportedVersion, None);
    }
    if !request.creates_a_pod() {
        return refused(VERSION, &request.uid, Skip::NotAPodCreation, None);
    }
    let Some(object) = request.object else {
        return refused(VERSION, &request.uid, Skip::UnreadablePod, Some("object is missing"));
    };
    let pod: Pod<'_> = match serde_json::from_str(object.get()) {
        Ok(pod) => pod,
        Err(error) => {
            let error = error.to_string();
            return refused(VERSION, &request.uid, Skip::UnreadablePod, Some(&error));
        }
    };
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let settings = settings.of(namespace, &pod);
    let decision = decide::decide(&pod, settings);
    let patch = patch::operations(&pod, &decision);
    let name = format!("{namespace}/{}", request.name.as_deref().unwrap_or_default());
    let outcome = outcome(&decision, Role::of(&pod), sized(&name), settings);
    admission(VERSION, &request.uid, &patch, outcome)
}

/// A review that is allowed without a look at its pod.
#[must_use]
pub fn refused(version: &str, uid: &str, skip: Skip, detail: Option<&str>) -> Admission {
    let outcome = Outcome {
        verdict: Verdict::Skipped(skip),
        role: None,
        partial: Vec::new(),
        profile: None,
        pod: String::new(),
        warnings: warning(skip, detail).into_iter().collect(),
    };
    admission(version, uid, &[], outcome)
}

fn admission(version: &str, uid: &str, patch: &[PatchOperation], outcome: Outcome) -> Admission {
    let reasons: Vec<&str> = match outcome.verdict {
        Verdict::Skipped(skip) => vec![skip.code()],
        _ => outcome.partial.iter().map(|partial| partial.code()).collect(),
    };
    let reasons = reasons.join(",");
    let profile = outcome.profile.as_deref().unwrap_or_default();
    let audit = Audit { decision: outcome.verdict.audit(), reasons: &reasons, profile };
    // An operation is made of strings and JSON values, so it can be written.
    let patch = (!patch.is_empty()).then(|| serde_json::to_vec(patch).ok()).flatten();
    let body = review::answer(version, uid, patch.as_deref(), &outcome.warnings, audit);
    Admission { body, patch_bytes: patch.map_or(0, |patch| patch.len()), outcome }
}

/// Sums a decision up, for whoever has to be told.
#[must_use]
pub fn outcome(
    decision: &Decision,
    role: Option<Role>,
    pod: String,
    settings: &Settings,
) -> Outcome {
    let (verdict, partial, warnings) = match decision {
        Decision::Skip(skip) => {
            (Verdict::Skipped(*skip), Vec::new(), warning(*skip, None).into_iter().collect())
        }
        Decision::Repair { .. } => (Verdict::Repaired, Vec::new(), Vec::new()),
        Decision::Inject(plan) => {
            let mut partial: Vec<Partial> =
                plan.partial.iter().map(|(partial, _)| *partial).collect();
            partial.dedup();
            let warnings = plan.partial.iter().map(|(partial, culprit)| {
                let text = format!("{}: {}", partial.code(), partial.sentence());
                sized(&match culprit {
                    Some(culprit) => format!("emberscope: {text} ({culprit})"),
                    None => format!("emberscope: {text}"),
                })
            });
            // The API server passes on 4,096 characters of warnings in all.
            (Verdict::Injected, partial, warnings.take(8).collect())
        }
    };
    Outcome { verdict, role, partial, profile: settings.profile.clone(), pod, warnings }
}

fn warning(skip: Skip, detail: Option<&str>) -> Option<String> {
    skip.warns().then(|| {
        let text = format!("emberscope: not injected, {}: {}", skip.code(), skip.sentence());
        sized(&match detail {
            Some(detail) => format!("{text} ({detail})"),
            None => text,
        })
    })
}

/// At most the 256 characters that Kubernetes recommends, and no control characters.
fn sized(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(clean).take(256).collect()
}
