//! Which of a pod's containers is Spark's.
//!
//! The first of these that tells:
//!
//! 1. the pod's annotation, if a container has that name: a user's explicit word counts more than
//!    what containers look like
//! 2. the name that Spark and the operators give it
//! 3. what Spark's backend for Kubernetes puts into it: variables, and the words it is started with.
//!    A log shipper may have one or two of the variables too, so the container with the most such
//!    signs is Spark's; if two have as many, none is
//! 4. that it is the only one

use super::overrides::PodSettings;
use crate::contract::{SPARK_CLASS, SPARK_ENTRYPOINT, SPARK_PROGRAMS, SPARK_VARIABLES};
use crate::origin::{Origin, Sourced};
use crate::pod::{Container, PodSpec};
use crate::role::Role;

/// The position of Spark's container in `containers`, and what tells.
pub(super) fn find(spec: &PodSpec<'_>, role: Role, wanted: &PodSettings) -> Option<Sourced<usize>> {
    let containers = spec.containers();
    let named = |name: &str| containers.iter().position(|container| &*container.name == name);
    let by = |words| move |value| Sourced { value, origin: Origin::Pod(words) };
    let annotated = wanted
        .container
        .as_ref()
        .and_then(|name| named(name).map(|value| Sourced { value, origin: name.origin.clone() }));
    annotated
        .or_else(|| role.container_names().iter().find_map(|name| named(name)).map(by("its name")))
        .or_else(|| by_signs(containers, role).map(by("Spark's variables and arguments in it")))
        .or_else(|| (containers.len() == 1).then_some(0).map(by("the pod's only container")))
}

/// The container that has more of Spark's signs than any other.
fn by_signs(containers: &[Container<'_>], role: Role) -> Option<usize> {
    let counts: Vec<usize> = containers.iter().map(|container| signs(container, role)).collect();
    let most = counts.iter().copied().max().filter(|most| *most > 0)?;
    let mut with_most = counts.iter().enumerate().filter(|(_, count)| **count == most);
    match (with_most.next(), with_most.next()) {
        (Some((index, _)), None) => Some(index),
        _ => None,
    }
}

/// How many variables a command line that starts Spark is worth: more than others need of Spark's,
/// less than Spark itself sets for a driver (5) or an executor (11).
pub const STARTS_SPARK: usize = 3;

/// How many signs of Spark a container has: one for each variable, some for the command line.
fn signs(container: &Container<'_>, role: Role) -> usize {
    let variables = container.env.as_deref().unwrap_or_default();
    let has = |name: &&&str| variables.iter().any(|variable| &*variable.name == **name);
    SPARK_VARIABLES.iter().filter(has).count()
        + STARTS_SPARK * usize::from(starts_spark(container, role))
}

/// Whether the command line starts Spark: the role as the first argument of Spark's entrypoint, one
/// of Spark's programs, or one of its classes.
fn starts_spark(container: &Container<'_>, role: Role) -> bool {
    let arguments = container.args.as_deref().unwrap_or_default();
    if arguments.first().is_some_and(|first| &**first == role.as_str()) {
        return true;
    }
    let mut before = "";
    container.words().any(|word| {
        let program = word.rsplit('/').next().unwrap_or(word);
        let asked = before == SPARK_ENTRYPOINT && word == role.as_str();
        before = program;
        asked || SPARK_PROGRAMS.contains(&program) || word.starts_with(SPARK_CLASS)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::config::AllSettings;
    use crate::pod::Pod;
    use crate::{Config, Decision, NamespaceState, outcome_for};

    /// The name of the container that is taken for Spark's, and by what.
    fn found(role: &str, annotation: Option<&str>, containers: &Value) -> Option<(String, String)> {
        let mut pod = json!({
            "metadata": {"labels": {"spark-role": role}, "annotations": {}},
            "spec": {"containers": containers},
        });
        if let Some(name) = annotation {
            pod["metadata"]["annotations"]["emberscope.dev/container"] = json!(name);
        }
        let raw = pod.to_string();
        let view: Pod<'_> = serde_json::from_str(&raw).unwrap();
        let settings = AllSettings::offline(Config::default());
        match outcome_for(&view, "a", &settings, &NamespaceState::default()).decision {
            Decision::Inject(plan) => {
                let name = pod["spec"]["containers"][*plan.spark_container]["name"].as_str();
                Some((name.unwrap().to_owned(), plan.spark_container.origin.to_string()))
            }
            _ => None,
        }
    }

    fn name(role: &str, annotation: Option<&str>, containers: &Value) -> Option<String> {
        found(role, annotation, containers).map(|(name, _)| name)
    }

    /// What stands beside Spark in real pods: a log shipper that knows its application, a mesh's
    /// proxy, a shell to look around with.
    fn others() -> [Value; 3] {
        [
            json!({"name": "shipper", "args": ["--role", "executor"], "env": [
                {"name": "SPARK_APPLICATION_ID", "value": "spark-1"}, {"name": "SPARK_EXECUTOR_ID"}]}),
            json!({"name": "istio-proxy", "args": ["proxy", "sidecar"]}),
            json!({"name": "debug", "command": ["sh", "-c", "sleep infinity"], "env": [{"name": "SPARK_HOME"}]}),
        ]
    }

    #[test]
    fn a_container_of_any_name_is_sparks_by_what_spark_put_into_it() {
        for (role, spark) in [
            ("executor", json!({"args": ["executor"]})),
            (
                "executor",
                json!({"env": [{"name": "SPARK_EXECUTOR_ID", "value": "3"},
                {"name": "SPARK_APPLICATION_ID"}, {"name": "SPARK_DRIVER_URL"}]}),
            ),
            ("executor", json!({"command": ["/opt/entrypoint.sh", "executor"]})),
            (
                "executor",
                json!({"command": ["sh", "-c", "exec java -cp x \
                org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend --y"]}),
            ),
            (
                "driver",
                json!({"args": ["driver", "--class", "x"],
                "env": [{"name": "SPARK_DRIVER_BIND_ADDRESS", "valueFrom": {}}]}),
            ),
            (
                "driver",
                json!({"env": [{"name": "SPARK_DRIVER_BIND_ADDRESS", "valueFrom": {}},
                {"name": "SPARK_APPLICATION_ID"}, {"name": "SPARK_CONF_DIR"}]}),
            ),
            (
                "driver",
                json!({"command": ["bash", "-c"],
                "args": ["exec /opt/spark/bin/spark-submit --class x"]}),
            ),
            (
                "connect-server",
                json!({"command": ["bash", "-c"],
                "args": ["$SPARK_HOME/sbin/start-connect-server.sh --master x"]}),
            ),
        ] {
            for at in 0..=3 {
                let mut containers = others().to_vec();
                let mut spark = spark.clone();
                spark["name"] = json!("etl");
                containers.insert(at, spark);
                let containers = json!(containers);
                assert_eq!(name(role, None, &containers).as_deref(), Some("etl"), "{containers}");
            }
        }
    }

    #[test]
    fn one_sign_is_enough_where_nothing_else_has_one() {
        for sign in [
            json!({"env": [{"name": "SPARK_EXECUTOR_ID", "value": "3"}]}),
            json!({"env": [{"name": "SPARK_APPLICATION_ID"}]}),
            json!({"args": ["executor"]}),
        ] {
            let mut spark = sign.clone();
            spark["name"] = json!("b");
            let containers = json!([{"name": "a"}, spark]);
            assert_eq!(name("executor", None, &containers).as_deref(), Some("b"), "{sign}");
        }
    }

    #[test]
    fn the_first_sign_in_the_order_of_the_page_tells() {
        let spark = json!({"name": "spark-kubernetes-driver"});
        let wrapped = json!({"name": "wrapped", "args": ["driver"]});
        let plain = json!({"name": "plain"});
        let all = json!([plain, wrapped, spark]);
        let of = |annotation, containers: &Value| found("driver", annotation, containers).unwrap();
        let (name, by) = of(Some("plain"), &all);
        assert_eq!((name.as_str(), by.as_str()), ("plain", "annotation emberscope.dev/container"));
        assert_eq!(of(None, &all).1, "its name");
        assert_eq!(of(Some("nobody"), &all).0, "spark-kubernetes-driver");
        assert_eq!(of(None, &json!([plain, wrapped])).0, "wrapped");
        assert_eq!(of(None, &json!([plain])).1, "the pod's only container");
    }

    #[test]
    fn two_containers_with_as_many_signs_are_not_told_apart_but_by_the_annotation() {
        let twins = json!([{"name": "a", "args": ["driver"]}, {"name": "b", "args": ["driver"]}]);
        assert_eq!(name("driver", None, &twins), None);
        assert_eq!(name("driver", Some("b"), &twins).as_deref(), Some("b"));
        assert_eq!(name("driver", Some("c"), &twins), None);
    }
}
