//! Whether a pod's owner wants the sidecar: what `emberscope.dev/inject` says on the pod, as an
//! annotation or as a label.
//!
//! | the pod says | then |
//! |---|---|
//! | nothing | yes: its namespace has said so |
//! | `true` or `enabled`, in capitals or not | yes |
//! | `false` or `disabled`, in capitals or not | no |
//! | anything else | it is left alone too, with a warning: a word that is not understood is no consent |
//!
//! Where annotation and label differ, no counts more than an unknown word, and that more than yes.

use crate::contract::{CONSENTING, OPT_IN, REFUSING};
use crate::pod::Pod;

/// What a pod's owner says about the sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consent {
    /// Yes, or nothing.
    Given,
    /// A word that means neither.
    Unclear,
    /// No.
    Refused,
}

impl Consent {
    /// What a pod says.
    #[must_use]
    pub fn of(pod: &Pod<'_>) -> Self {
        let said = [pod.annotation(OPT_IN), pod.label(OPT_IN)];
        said.into_iter().flatten().map(Self::by).max().unwrap_or(Self::Given)
    }

    /// What a value means.
    #[must_use]
    pub fn by(value: &str) -> Self {
        let word = value.trim();
        let is_one_of = |words: [&str; 2]| words.iter().any(|one| one.eq_ignore_ascii_case(word));
        if is_one_of(CONSENTING) {
            Self::Given
        } else if is_one_of(REFUSING) {
            Self::Refused
        } else {
            Self::Unclear
        }
    }
}
