//! One admission: the body of a request in, the body of the answer out.
//!
//! Whatever comes in, the answer is `allowed: true`; what could not be done is said in it.

use crate::config::AllSettings;
use crate::fuse::FuseKey;
use crate::namespace_state::Namespaces;
use crate::outcome::{Outcome, outcome_for, sized};
use crate::plan::Decision;
use crate::pod::Pod;
use crate::reason::Skip;
use crate::review::{self, Audit, ReviewIn, VERSION};

/// What the API server gets, and what the logs and metrics are told.
#[derive(Debug)]
pub struct Admission {
    /// The AdmissionReview to send back, in JSON.
    pub body: Vec<u8>,
    /// Size of the JSON Patch in it.
    pub patch_bytes: usize,
    /// The pod's namespace and name, as far as the review tells.
    pub pod: String,
    /// What was decided.
    pub outcome: Outcome,
    /// Whether nothing is created.
    pub dry_run: bool,
}

impl Admission {
    /// The blown fuse that the pod tries, if one is created.
    #[must_use]
    pub fn tries(&self) -> Option<&FuseKey> {
        match &self.outcome.decision {
            Decision::Inject(plan) if !self.dry_run => plan.tries.as_deref(),
            _ => None,
        }
    }
}

/// Answers one review.
#[must_use]
pub fn answer(body: &[u8], settings: &AllSettings, known: &Namespaces) -> Admission {
    let review: ReviewIn<'_> = match serde_json::from_slice(body) {
        Ok(review) => review,
        Err(error) => {
            return refuse(VERSION, "", Skip::UnreadableReview, Some(error.to_string()));
        }
    };
    let Some(request) = &review.request else {
        let why = "there is no request in it".to_owned();
        return refuse(VERSION, "", Skip::UnreadableReview, Some(why));
    };
    if &*review.api_version != VERSION {
        return refuse(&review.api_version, &request.uid, Skip::UnsupportedVersion, None);
    }
    if !request.creates_a_pod() {
        return refuse(VERSION, &request.uid, Skip::NotAPodCreation, None);
    }
    let Some(object) = request.object else {
        let why = "object is missing".to_owned();
        return refuse(VERSION, &request.uid, Skip::UnreadablePod, Some(why));
    };
    let pod: Pod<'_> = match serde_json::from_str(object.get()) {
        Ok(pod) => pod,
        Err(error) => {
            return refuse(VERSION, &request.uid, Skip::UnreadablePod, Some(error.to_string()));
        }
    };
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let name = format!("{namespace}/{}", request.name.as_deref().unwrap_or_default());
    let outcome = outcome_for(&pod, namespace, settings, known.of(namespace));
    let dry_run = request.dry_run == Some(true);
    Admission { dry_run, ..admission(VERSION, &request.uid, sized(&name), outcome) }
}

/// The answer to a review that is allowed without a look at its pod.
#[must_use]
pub fn refuse(version: &str, uid: &str, skip: Skip, detail: Option<String>) -> Admission {
    admission(version, uid, String::new(), Outcome::unseen(skip, detail))
}

fn admission(version: &str, uid: &str, pod: String, outcome: Outcome) -> Admission {
    let (decision, reasons) = match outcome.skip() {
        Some(skip) => ("skipped", vec![skip.code()]),
        None => (outcome.code(), outcome.partial().iter().map(|one| one.code()).collect()),
    };
    let profile = outcome.profile.as_deref().unwrap_or_default();
    let audit = Audit { decision, reasons: &reasons.join(","), profile };
    // An operation is made of strings and JSON values, so it can be written.
    let patch = (!outcome.patch.is_empty()).then(|| serde_json::to_vec(&outcome.patch).ok());
    let patch = patch.flatten();
    let body = review::answer(version, uid, patch.as_deref(), &outcome.warnings(), audit);
    Admission {
        body,
        patch_bytes: patch.map_or(0, |patch| patch.len()),
        pod,
        outcome,
        dry_run: false,
    }
}
