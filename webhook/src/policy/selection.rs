//! Which pods a policy is for: what the webhook's configuration says, what the webhook itself
//! refuses at first sight, and the profiles.

use anyhow::{Context as _, Result};
use emberscope_core::config::{Roles, Selector};
use emberscope_core::contract::{CONSENTING, OPT_IN, OS, SPARK_ROLE};
use emberscope_core::plan::ORDER;
use emberscope_core::{Settings, Skip};
use serde_json::{Value, json};

use super::cel;

/// What `manifests/base` has the API server select.
const SHIPPED: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../manifests/base/mutatingwebhookconfiguration.yaml"
));

/// One of `matchConditions`; all have to hold.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) name: String,
    pub(super) why: String,
    pub(super) expression: String,
}

/// The selection that webhook and policy share.
#[derive(Debug)]
pub(super) struct Selection(Value);

impl Selection {
    /// The one of the manifests.
    pub(super) fn shipped() -> Result<Self> {
        let mut configuration: Value = serde_saphyr::from_str(SHIPPED)
            .context("mutatingwebhookconfiguration.yaml is no YAML")?;
        Ok(Self(configuration["webhooks"][0].take()))
    }

    /// `matchConstraints`, indented, for the configuration's pods of Spark's.
    pub(super) fn constraints(&self, roles: &Roles, indent: usize) -> Result<String> {
        let mut constraints = serde_json::Map::new();
        for (from, to) in [
            ("matchPolicy", "matchPolicy"),
            ("namespaceSelector", "namespaceSelector"),
            ("objectSelector", "objectSelector"),
            ("rules", "resourceRules"),
        ] {
            constraints.insert(to.to_owned(), self.0[from].clone());
        }
        let labels: Vec<&str> = roles.all().collect();
        constraints["objectSelector"] = json!({
            "matchExpressions": [{"key": SPARK_ROLE, "operator": "In", "values": labels}],
        });
        let yaml = serde_saphyr::to_string(&constraints)?;
        Ok(super::indented(&yaml, indent) + "\n")
    }

    /// `matchConditions` for every policy.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let shipped = self.0["matchConditions"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let shipped = shipped.map(|condition| Condition {
            name: text(&condition["name"]),
            why: String::new(),
            expression: text(&condition["expression"]),
        });
        shipped.chain(refusals()).collect()
    }
}

/// What the webhook finds out itself, in its order.
fn refusals() -> impl Iterator<Item = Condition> {
    ORDER.into_iter().filter_map(|skip| {
        let (name, expression) = match skip {
            // Who has refused is in the conditions of the manifests.
            Skip::UnclearConsent => ("consents", consents()),
            Skip::Windows => (
                "not-for-windows",
                format!(
                    "object.spec.?os.?name.orValue('linux') != 'windows'
&& object.spec.?nodeSelector[?{}].orValue('linux') != 'windows'",
                    cel::string(OS)
                ),
            ),
            Skip::HostNetwork => {
                ("not-on-the-hosts-network", "!object.spec.?hostNetwork.orValue(false)".to_owned())
            }
            // In the conditions of the manifests.
            Skip::NotSpark | Skip::OptedOut | Skip::MirrorPod
            // In `variables`: they depend on more.
            | Skip::AlreadyInjected | Skip::PortInUse | Skip::SparkContainerNotFound
            | Skip::Gang
            // A policy knows nothing of what else is in the namespace.
            | Skip::LimitRange | Skip::QuotaFull
            // Kubelets that may talk to an API server with such policies all know native sidecars.
            | Skip::NoNativeSidecars
            // What becomes of pods is seen by the webhook alone.
            | Skip::SidecarDoesNotStart
            // The image is named when the policy is printed.
            | Skip::NoImage
            // Of reviews, which there are none of.
            | Skip::UnreadableReview | Skip::UnsupportedVersion | Skip::UnreadablePod
            | Skip::NotAPodCreation | Skip::InternalError => return None,
        };
        let why = format!("Else it is left alone: {}.", skip.sentence());
        Some(Condition { name: name.to_owned(), why, expression })
    })
}

/// `plan::consent`: what annotation and label say, if anything, means yes.
fn consents() -> String {
    let (key, words) = (cel::string(OPT_IN), cel::strings(CONSENTING));
    let says = |place: &str| {
        format!(
            "object.metadata.?{place}[?{key}].orValue('{}').trim().lowerAscii() in {words}",
            CONSENTING[0]
        )
    };
    format!("{}\n&& {}", says("annotations"), says("labels"))
}

/// What selects the pods of one profile, and none of an earlier one.
pub(super) fn of_profile(profiles: &[(Selector, Settings)], index: usize) -> Vec<Condition> {
    let own = Condition {
        name: "selected-by-the-profile".to_owned(),
        why: String::new(),
        expression: selects(&profiles[index].0),
    };
    let mut conditions = vec![own];
    conditions.extend(not_of(&profiles[..index]));
    conditions
}

/// What selects the pods of no profile.
pub(super) fn of_no_profile(profiles: &[(Selector, Settings)]) -> Vec<Condition> {
    not_of(profiles).collect()
}

fn not_of(profiles: &[(Selector, Settings)]) -> impl Iterator<Item = Condition> {
    profiles.iter().map(|(selector, settings)| Condition {
        name: format!("not-in-profile-{}", settings.profile.as_deref().unwrap_or_default()),
        why: String::new(),
        expression: format!("!({})", selects(selector)),
    })
}

/// [`Selector::selects`] as an expression.
fn selects(selector: &Selector) -> String {
    let Selector { namespaces, pod_labels } = selector;
    let mut all = Vec::new();
    if !namespaces.is_empty() {
        // Small letters, digits, hyphens and stars: nothing else to escape.
        let any: Vec<String> = namespaces
            .iter()
            .map(|pattern| {
                let regex = format!("^{}$", pattern.as_str().replace('*', ".*"));
                format!("request.namespace.matches({})", cel::string(&regex))
            })
            .collect();
        all.push(format!("({})", any.join(" || ")));
    }
    for (key, value) in pod_labels {
        let (key, value) = (cel::string(key), cel::string(value));
        all.push(format!(
            "{key} in object.metadata.labels && object.metadata.labels[{key}] == {value}"
        ));
    }
    all.join("\n&& ")
}
