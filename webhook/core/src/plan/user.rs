//! The uid and gid that the sidecar runs as: those of Spark's container, which let it read that
//! container's cgroup with no capability.

use crate::config::Config;
use crate::origin::{Origin, Sourced};
use crate::pod::{Container, Pod, PodSpec};

/// Whom the sidecar runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The uid; none: the image decides.
    pub uid: Sourced<Option<i64>>,
    /// The primary gid; none: the image decides.
    pub gid: Sourced<Option<i64>>,
    /// The configuration's rule that has a say in it, by its position in `users`.
    pub rule: Option<usize>,
}

const CONTAINER: Origin = Origin::Pod("securityContext of Spark's container");
const POD: Origin = Origin::Pod("securityContext of the pod");
const IMAGE: Origin = Origin::Pod("the image: nobody says");

impl User {
    /// The container's own, the pod's, else the configuration's word for pods of this kind.
    pub(super) fn of(
        pod: &Pod<'_>,
        spec: &PodSpec<'_>,
        spark: &Container<'_>,
        config: &Config,
    ) -> Self {
        let own = spark.security_context.unwrap_or_default();
        let pods = spec.security_context.unwrap_or_default();
        let said = |own: Option<i64>, pods: Option<i64>| match (own, pods) {
            (Some(_), _) => Sourced { value: own, origin: CONTAINER },
            (None, Some(_)) => Sourced { value: pods, origin: POD },
            (None, None) => Sourced { value: None, origin: IMAGE },
        };
        let uid = said(own.run_as_user, pods.run_as_user);
        let gid = said(own.run_as_group, pods.run_as_group);
        let matches =
            |label: &Option<String>| label.as_ref().is_none_or(|l| pod.label(l).is_some());
        // Whoever names the user says all that there is to say: the rules are for pods that do not.
        let rule = if uid.is_some() {
            None
        } else {
            config.users.iter().position(|rule| matches(&rule.label))
        };
        let Some(index) = rule else {
            return Self { uid, gid, rule };
        };
        let origin = || config.users.origin.clone();
        let rule = &config.users[index];
        Self {
            uid: Sourced { value: Some(rule.run_as_user), origin: origin() },
            gid: if gid.is_some() {
                gid
            } else {
                Sourced { value: rule.run_as_group, origin: origin() }
            },
            rule: Some(index),
        }
    }
}
