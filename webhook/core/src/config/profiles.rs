//! Profiles: other settings for some pods, and the file that they stand in.
//!
//! A pod is selected by the name of its namespace and by its own labels, both of which every review
//! carries. Labels of the namespace it does not carry; asking for them would cost a call and a
//! permission for each pod.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::push;
use super::spark_confs::{Changes, defaults, over};
use super::{Config, FuseConfig, Problem, Roles, SidecarConfig, UserRule};
use crate::origin::{Origin, Sourced};
use crate::pod::Pod;

/// Each profile costs the policies of all later ones a match condition, of which Kubernetes allows 64.
const MOST: usize = 32;

/// Settings for the pods that `selector` selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// What logs and the audit annotation call it.
    pub name: String,
    /// Which pods it is for.
    #[serde(rename = "match")]
    pub selector: Selector,
    /// All settings for these pods: what the profile does not say is as at the top of the file.
    #[serde(flatten)]
    pub config: Config,
}

/// Which pods a profile is for; both conditions have to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Selector {
    /// Names of namespaces, one of which has to fit; none: every namespace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<Pattern>,
    /// Labels that the pod has to have, all of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_labels: BTreeMap<String, String>,
}

impl Selector {
    /// Whether it selects this pod of this namespace.
    #[must_use]
    pub fn selects(&self, namespace: &str, pod: &Pod<'_>) -> bool {
        let fits = |pattern: &Pattern| pattern.fits(namespace);
        (self.namespaces.is_empty() || self.namespaces.iter().any(fits))
            && self.pod_labels.iter().all(|(key, value)| pod.label(key) == Some(value))
    }
}

/// A name in which `*` stands for any characters, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(String);

impl Pattern {
    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a namespace's name fits.
    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let Some(mut name) = name.strip_prefix(first) else {
            return false;
        };
        let Some((middle, last)) = rest.rsplit_once('*') else {
            return name.ends_with(rest);
        };
        // The first place that fits leaves the most for the parts behind it.
        for part in middle.split('*') {
            match name.find(part) {
                Some(at) => name = &name[at + part.len()..],
                None => return false,
            }
        }
        name.ends_with(last)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, Self::Error> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-*".contains(c);
        if pattern.is_empty() || !pattern.chars().all(allowed) {
            return Err(format!(
                "{pattern:?} fits no namespace: their names have small letters, digits and hyphens; * stands for any of them"
            ));
        }
        Ok(Self(pattern))
    }
}

/// The configuration file as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct File {
    roles: Roles,
    sidecar: SidecarConfig,
    users: Sourced<Vec<UserRule>>,
    spark_confs: Option<Changes>,
    fuse: FuseConfig,
    profiles: Option<Vec<ProfileInFile>>,
}

/// A profile as it is written: only what differs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProfileInFile {
    name: String,
    #[serde(rename = "match")]
    selector: Selector,
    #[serde(default)]
    roles: Option<Roles>,
    #[serde(default)]
    sidecar: Map<String, Value>,
    #[serde(default)]
    users: Option<Vec<UserRule>>,
    #[serde(default)]
    spark_confs: Changes,
    #[serde(default)]
    fuse: Option<FuseConfig>,
}

impl Default for File {
    fn default() -> Self {
        let Config { roles, sidecar, users, fuse, spark_confs: _, profiles: _ } = Config::default();
        Self { roles, sidecar, users, spark_confs: None, fuse, profiles: None }
    }
}

impl File {
    /// The configuration that it means.
    pub(super) fn resolve(self) -> Result<Config, Problem> {
        let Self { roles, sidecar, users, spark_confs, fuse, profiles } = self;
        let spark_confs = over(defaults(), spark_confs.unwrap_or_default(), &Origin::Configuration);
        let mut config = Config { roles, sidecar, users, spark_confs, fuse, profiles: Vec::new() };
        if let Some(problem) = config.problem() {
            return Err(problem);
        }
        let count = profiles.as_ref().map_or(0, Vec::len);
        if count > MOST {
            let problem = format!("has {count} entries; {MOST} are allowed");
            return Err(("profiles".to_owned(), problem));
        }
        let mut names = BTreeSet::new();
        let mut resolved = Vec::new();
        for (index, profile) in profiles.into_iter().flatten().enumerate() {
            let of_profile =
                |(key, problem): Problem| (format!("profiles[{index}].{key}"), problem);
            if !names.insert(profile.name.clone()) {
                let problem = format!("{:?} is the name of two profiles", profile.name);
                return Err(of_profile(("name".to_owned(), problem)));
            }
            resolved.push(profile.resolve(&config).map_err(of_profile)?);
        }
        config.profiles = resolved;
        Ok(config)
    }
}

impl ProfileInFile {
    fn resolve(self, base: &Config) -> Result<Profile, Problem> {
        let Self { name, selector, roles, sidecar, users, spark_confs, fuse } = self;
        let problem = |key: &str, problem: &str| Err((key.to_owned(), problem.to_owned()));
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        // Kubernetes allows 63 characters for the names that the policy makes of this one.
        let ends_well = !name.starts_with('-') && !name.ends_with('-');
        if name.is_empty() || name.len() > 40 || !name.chars().all(word) || !ends_well {
            return problem("name", "is not 1 to 40 small letters, digits and inner hyphens");
        }
        if selector == Selector::default() {
            return problem("match", "selects nothing; `namespaces: [\"*\"]` means every pod");
        }
        let sidecar = base
            .sidecar
            .under(&sidecar, &name)
            .map_err(|error| ("sidecar".to_owned(), format!("is not valid: {error}")))?;
        let origin = Origin::Profile(name.clone());
        if sidecar.push_port != base.sidecar.push_port {
            // A driver tells its executors where to push, and may be of another profile.
            return problem("sidecar.pushPort", "is for all profiles alike; set it at the top");
        }
        if roles.is_some_and(|roles| roles != base.roles) {
            // Which pods are Spark's comes first; a profile selects among them.
            return problem("roles", "is for all profiles alike; set it at the top");
        }
        if fuse.is_some_and(|fuse| fuse != base.fuse) {
            return problem("fuse", "is for all profiles alike; set it at the top");
        }
        let config = Config {
            roles: base.roles.clone(),
            sidecar,
            users: users.map_or_else(
                || base.users.clone(),
                |value| Sourced { value, origin: origin.clone() },
            ),
            spark_confs: over(base.spark_confs.clone(), spark_confs, &origin),
            fuse: base.fuse,
            profiles: Vec::new(),
        };
        if let Some(key) = push::differing_port(base, &config) {
            return problem(&key, "is for all profiles alike; set it at the top");
        }
        match config.problem() {
            None => Ok(Profile { name, selector, config }),
            Some(problem) => Err(problem),
        }
    }
}

#[cfg(test)]
mod tests;
