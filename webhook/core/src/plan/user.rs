//! The uid and gid that the sidecar runs as: those of Spark's container, which let it read that
//! container's cgroup with no capability.

use crate::config::{Config, UserRule};
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
    /// The container's own, the pod's, else the configuration's word for pods of this kind, or for
    /// this user's group.
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
            |rule: &&UserRule| rule.label.as_ref().is_none_or(|label| pod.label(label).is_some());
        let rules = &config.users;
        let Some(number) = *uid else {
            // Nobody says who: the first rule for pods of this kind does.
            let rule = rules.iter().position(|rule| matches(&rule));
            let Some(index) = rule else {
                return Self { uid, gid, rule };
            };
            let by = |value| Sourced { value, origin: rules.origin.clone() };
            return Self {
                uid: by(Some(rules[index].run_as_user)),
                gid: if gid.is_some() { gid } else { by(rules[index].run_as_group) },
                rule,
            };
        };
        if gid.is_some() {
            return Self { uid, gid, rule: None };
        }
        // A user without a group: a rule that knows the user knows the group that the image has for
        // it. A rule for pods of this kind knows better than one for others.
        let knows = |rule: &&UserRule| rule.run_as_user == number && rule.run_as_group.is_some();
        let rule = rules.iter().filter(knows).find(matches).or_else(|| rules.iter().find(knows));
        let Some(rule) = rule else {
            return Self { uid, gid, rule: None };
        };
        Self {
            uid,
            gid: Sourced { value: rule.run_as_group, origin: rules.origin.clone() },
            rule: rules.iter().position(|one| one == rule),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::config::AllSettings;
    use crate::pod::Pod;
    use crate::{Config, Decision, NamespaceState, outcome_for};

    type Ids = (Option<i64>, Option<i64>);

    /// The uid and gid of the sidecar of a driver with this label and these security contexts.
    fn ids(label: &str, pods: &Value, own: &Value, config: &str) -> Ids {
        let pod = json!({
            "metadata": {"labels": {"spark-role": "driver", label: "driver"}},
            "spec": {"securityContext": pods, "containers": [{"name": "a", "securityContext": own}]},
        })
        .to_string();
        let pod: Pod<'_> = serde_json::from_str(&pod).unwrap();
        let settings = AllSettings::offline(Config::parse(config, None).unwrap());
        match outcome_for(&pod, "a", &settings, &NamespaceState::default()).decision {
            Decision::Inject(plan) => (*plan.sidecar.user.uid, *plan.sidecar.user.gid),
            other => panic!("{other:?}"),
        }
    }

    const EMR: &str = "emr-containers.amazonaws.com/component";

    #[test]
    fn whoever_names_the_user_alone_gets_the_group_of_the_rule_that_knows_it() {
        let user = |uid: i64| json!({"runAsUser": uid});
        let both = |uid: i64, gid: i64| json!({"runAsUser": uid, "runAsGroup": gid});
        let rules =
            "users: [{label: x, runAsUser: 7, runAsGroup: 70}, {runAsUser: 7, runAsGroup: 71},
            {runAsUser: 8}, {runAsUser: 8, runAsGroup: 80}]";
        for (label, pods, own, config, expected) in [
            (EMR, json!({}), json!({}), "", (Some(999), Some(1000))),
            (EMR, user(999), json!({}), "", (Some(999), Some(1000))),
            (EMR, json!({}), user(999), "", (Some(999), Some(1000))),
            // EMR's images under another operator.
            ("a", user(999), json!({}), "", (Some(999), Some(1000))),
            (EMR, both(999, 0), json!({}), "", (Some(999), Some(0))),
            (EMR, json!({"runAsGroup": 5}), user(999), "", (Some(999), Some(5))),
            (EMR, json!({"runAsGroup": 5}), json!({}), "", (Some(999), Some(5))),
            // A user range of OpenShift's: nobody knows such a user, and 0 is the group of both.
            ("a", json!({}), user(1_000_650_000), "", (Some(1_000_650_000), None)),
            ("a", user(185), json!({}), "", (Some(185), None)),
            ("a", json!({}), json!({}), "users: []", (None, None)),
            ("x", user(7), json!({}), rules, (Some(7), Some(70))),
            ("a", user(7), json!({}), rules, (Some(7), Some(71))),
            ("a", user(8), json!({}), rules, (Some(8), Some(80))),
            ("a", user(0), json!({}), rules, (Some(0), None)),
        ] {
            let found = ids(label, &pods, &own, config);
            assert_eq!(found, expected, "{label} {pods} {own} {config}");
        }
    }
}
