//! The key `roles`: which values of the label `spark-role` mean what.

use serde::{Deserialize, Serialize};

use super::Problem;
use crate::contract::{DRIVER_ROLES, EXECUTOR_ROLES, SPARK_ROLE};
use crate::pod::Pod;
use crate::role::Role;

/// The values of Spark's label `spark-role`, by what such a pod is.
///
/// They are for all profiles alike: a profile selects among Spark's pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Roles {
    driver: Vec<String>,
    executor: Vec<String>,
}

impl Default for Roles {
    fn default() -> Self {
        Self {
            driver: DRIVER_ROLES.map(str::to_owned).into(),
            executor: EXECUTOR_ROLES.map(str::to_owned).into(),
        }
    }
}

impl Roles {
    /// What a pod is; none: it is not Spark's.
    #[must_use]
    pub fn of(&self, pod: &Pod<'_>) -> Option<Role> {
        let label = pod.label(SPARK_ROLE)?;
        Role::ALL.into_iter().find(|role| self.labels(*role).iter().any(|value| value == label))
    }

    /// The label's values that mean this role.
    #[must_use]
    pub fn labels(&self, role: Role) -> &[String] {
        match role {
            Role::Driver => &self.driver,
            Role::Executor => &self.executor,
        }
    }

    /// All values that mean a pod of Spark's.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        Role::ALL.into_iter().flat_map(|role| self.labels(role)).map(String::as_str)
    }

    /// What cannot work.
    pub(super) fn problem(&self) -> Option<Problem> {
        let found =
            |role: Role, problem: String| Some((format!("roles.{}", role.as_str()), problem));
        for role in Role::ALL {
            let labels = self.labels(role);
            if labels.is_empty() {
                return found(role, "is empty: no pod would be one".to_owned());
            }
            if let Some(value) = labels.iter().find(|value| !is_label_value(value)) {
                return found(role, format!("has {value:?}, which is no value of a label"));
            }
        }
        let both = self.executor.iter().find(|value| self.driver.contains(value))?;
        found(Role::Executor, format!("has {both:?}, which roles.driver has too"))
    }
}

/// Whether a label can have this value
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>).
fn is_label_value(value: &str) -> bool {
    let outer = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    value.len() <= 63
        && outer(value.chars().next())
        && outer(value.chars().last())
        && value.chars().all(inner)
}
