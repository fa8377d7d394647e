//! The envelope: AdmissionReviews in and out
//! (<https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>).
//!
//! Own types, because the request is borrowed from the body and the patch has to be base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::pod::Text;

/// The only version that is served.
pub const VERSION: &str = "admission.k8s.io/v1";

/// An AdmissionReview with a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewIn<'a> {
    /// `admission.k8s.io/v1`.
    #[serde(borrow)]
    pub api_version: Text<'a>,
    /// The request; a review without one asks nothing.
    #[serde(borrow, default)]
    pub request: Option<Request<'a>>,
}

/// The part of a request that is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// What the response has to repeat.
    #[serde(borrow)]
    pub uid: Text<'a>,
    /// What the object is.
    #[serde(borrow, default)]
    pub kind: Option<GroupKind<'a>>,
    /// `CREATE`, `UPDATE`, …
    #[serde(borrow, default)]
    pub operation: Option<Text<'a>>,
    /// Set for requests about a part of an object, such as `status`.
    #[serde(borrow, default)]
    pub sub_resource: Option<Text<'a>>,
    /// Where the object will be; its own metadata may not say.
    #[serde(borrow, default)]
    pub namespace: Option<Text<'a>>,
    /// The object's name; absent with `generateName`.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    /// Whether nothing is created.
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// The object as it came, unread.
    #[serde(borrow, default)]
    pub object: Option<&'a RawValue>,
}

/// The kind of an object.
#[derive(Debug, Deserialize)]
pub struct GroupKind<'a> {
    /// Empty for the core group.
    #[serde(borrow, default)]
    pub group: Option<Text<'a>>,
    /// `Pod`.
    #[serde(borrow, default)]
    pub kind: Option<Text<'a>>,
}

impl Request<'_> {
    /// Whether the request is the creation of a pod; one that does not say is taken for it.
    #[must_use]
    pub fn creates_a_pod(&self) -> bool {
        let kind = self.kind.as_ref();
        let pod = kind.and_then(|kind| kind.kind.as_deref()).is_none_or(|kind| kind == "Pod");
        let core = kind.and_then(|kind| kind.group.as_deref()).is_none_or(str::is_empty);
        let create = self.operation.as_deref().is_none_or(|operation| operation == "CREATE");
        let whole = self.sub_resource.as_deref().is_none_or(str::is_empty);
        pod && core && create && whole
    }
}

/// An AdmissionReview with a response: always allowed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewOut<'a> {
    api_version: &'a str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Audit::is_empty")]
    audit_annotations: Audit<'a>,
}

/// What the audit log gets; the API server puts the webhook's name in front of the keys.
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a> {
    /// `injected`, `repaired` or `skipped`; empty where nothing was decided.
    pub decision: &'a str,
    /// The reason codes, comma-separated.
    pub reasons: &'a str,
    /// The configuration's profile that selected the pod; empty for none.
    pub profile: &'a str,
}

impl Audit<'_> {
    fn is_empty(&self) -> bool {
        self.decision.is_empty()
    }
}

impl Serialize for Audit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("decision", self.decision)?;
        for (key, value) in [("reasons", self.reasons), ("profile", self.profile)] {
            if !value.is_empty() {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

/// The answer in JSON: allowed, with the JSON Patch if there is one.
///
/// `version` is the request's own, so that even a client of another version can read the answer.
#[must_use]
pub fn answer(
    version: &str,
    uid: &str,
    patch: Option<&[u8]>,
    warnings: &[String],
    audit: Audit<'_>,
) -> Vec<u8> {
    let patch = patch.map(|json| STANDARD.encode(json));
    let review = ReviewOut {
        api_version: version,
        kind: "AdmissionReview",
        response: Response {
            uid,
            allowed: true,
            patch_type: patch.is_some().then_some("JSONPatch"),
            patch,
            warnings,
            audit_annotations: audit,
        },
    };
    serde_json::to_vec(&review).unwrap_or_default()
}
