//! Where namespaces deny everything: what the shipped policies let through, and what not, read from what
//! they select. No plug-in enforces them here; what a policy means is Kubernetes' own definition
//! (<https://kubernetes.io/docs/concepts/services-networking/network-policies>).

use serde_json::{Value, json};

use super::{base, documents, find, read};

/// An end of a connection.
enum End {
    /// With its labels.
    Pod { namespace: &'static str, labels: Value },
    /// A node, the API server, the world: no selector finds it, and no policy holds it.
    Outside,
}
use End::Outside;

const TEAM: &str = "emr-data-team-a";
const MONITORING: &str = "emberscope-monitoring";

/// Which side of a connection a rule is about.
#[derive(Clone, Copy)]
enum Side {
    Ingress,
    Egress,
}

fn selects(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object();
    let equal = equal.into_iter().flatten().all(|(key, value)| labels[key] == *value);
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    let mut expressions = expressions.map(|expression| {
        let label = &labels[expression["key"].as_str().unwrap()];
        match expression["operator"].as_str().unwrap() {
            "Exists" => !label.is_null(),
            "In" => expression["values"].as_array().unwrap().contains(label),
            other => panic!("this test does not know {other}"),
        }
    });
    equal && expressions.all(|holds| holds)
}

fn peer_is(peer: &Value, own_namespace: &str, end: &End) -> bool {
    let End::Pod { namespace, labels } = end else { return false };
    let of_namespace = match peer.get("namespaceSelector") {
        Some(selector) => selects(selector, &json!({"kubernetes.io/metadata.name": namespace})),
        None => *namespace == own_namespace,
    };
    assert!(peer.get("ipBlock").is_none(), "this test knows no addresses");
    of_namespace && peer.get("podSelector").is_none_or(|selector| selects(selector, labels))
}

/// Whether a policy of the pod's own namespace opens this side of it; by default nothing is open.
fn open(policies: &[Value], side: Side, end: &End, other: &End, port: (&str, u16)) -> bool {
    let End::Pod { namespace, labels } = end else { return true };
    let (word, peers, kind) = match side {
        Side::Ingress => ("ingress", "from", "Ingress"),
        Side::Egress => ("egress", "to", "Egress"),
    };
    let rules = policies.iter().filter(|policy| {
        policy["metadata"]["namespace"] == *namespace
            && selects(&policy["spec"]["podSelector"], labels)
            && policy["spec"]["policyTypes"].as_array().unwrap().contains(&json!(kind))
    });
    let mut rules = rules.flat_map(|policy| policy["spec"][word].as_array().unwrap());
    rules.any(|rule| {
        let ports = rule["ports"].as_array().is_none_or(|ports| {
            ports.iter().any(|one| {
                one["port"] == port.1 && one["protocol"].as_str().unwrap_or("TCP") == port.0
            })
        });
        let all = rule[peers].as_array();
        ports && all.is_none_or(|all| all.iter().any(|peer| peer_is(peer, namespace, other)))
    })
}

/// Everything that is shipped, each policy where it is to be.
fn policies() -> Vec<Value> {
    let jobs = read("manifests/components/job-network-policies/networkpolicies.yaml");
    let mut policies = documents(&jobs);
    for policy in &mut policies {
        policy["metadata"]["namespace"] = json!(TEAM);
    }
    let collectors = read("manifests/components/collector-network-policy/networkpolicies.yaml");
    policies.extend(documents(&collectors));
    policies.push(find(&base(), "NetworkPolicy").clone());
    policies
}

fn through(from: &End, to: &End, protocol: &str, port: u16) -> bool {
    let policies = policies();
    let port = (protocol, port);
    open(&policies, Side::Egress, from, to, port) && open(&policies, Side::Ingress, to, from, port)
}

fn pod_of(namespace: &'static str, file: &str) -> End {
    let objects = documents(&read(file));
    let workload = objects.iter().find(|object| {
        ["Pod", "Deployment", "StatefulSet"].contains(&object["kind"].as_str().unwrap())
    });
    let workload = workload.unwrap();
    let pod = workload["spec"].get("template").unwrap_or(workload);
    End::Pod { namespace, labels: pod["metadata"]["labels"].clone() }
}

fn driver() -> End {
    pod_of(TEAM, "manifests/samples/emr-driver.yaml")
}

fn executor() -> End {
    pod_of(TEAM, "manifests/samples/spark-submit-executor.yaml")
}

fn prometheus() -> End {
    pod_of(MONITORING, "manifests/monitoring/prometheus/statefulset.yaml")
}

fn stranger(namespace: &'static str) -> End {
    End::Pod { namespace, labels: json!({"app": "stranger"}) }
}

#[test]
fn prometheus_gets_to_the_sidecars_and_nobody_else_does() {
    let port = emberscope_core::Config::default().sidecar.port.get();
    for pod in [driver(), executor()] {
        assert!(through(&prometheus(), &pod, "TCP", port));
        assert!(!through(&prometheus(), &pod, "TCP", 4040));
        assert!(!through(&Outside, &pod, "TCP", port));
        assert!(!open(&policies(), Side::Ingress, &pod, &stranger("other"), ("TCP", port)));
    }
}

#[test]
fn spark_gets_to_itself_to_names_and_to_the_api_server() {
    for (from, to) in [(driver(), executor()), (executor(), driver()), (executor(), executor())] {
        for port in [7078, 7079, 39_421] {
            assert!(through(&from, &to, "TCP", port));
        }
    }
    let submitter = json!({"emr-containers.amazonaws.com/component": "job.submitter"});
    let submitter = End::Pod { namespace: TEAM, labels: submitter };
    for pod in [driver(), executor(), submitter] {
        for (protocol, port) in [("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 6443)] {
            assert!(through(&pod, &Outside, protocol, port), "{protocol} {port}");
        }
        assert!(!through(&pod, &Outside, "TCP", 3306));
        assert!(!through(&stranger(TEAM), &pod, "TCP", 9814));
    }
    // Two teams are nothing to each other.
    let other = pod_of("emr-data-team-b", "manifests/samples/emr-driver.yaml");
    assert!(!open(&policies(), Side::Ingress, &driver(), &other, ("TCP", 7078)));
}

#[test]
fn the_collectors_get_to_what_they_scrape_and_to_where_they_write() {
    let webhook = pod_of("emberscope", "manifests/base/deployment.yaml");
    let metrics = pod_of(MONITORING, "manifests/components/kube-state-metrics/deployment.yaml");
    for (to, port) in [
        (&webhook, 8080),
        (&metrics, 8080),
        (&Outside, 443),
        (&Outside, 6443),
        (&Outside, 9100),
        (&Outside, 10_250),
    ] {
        assert!(through(&prometheus(), to, "TCP", port), "{port}");
    }
    assert!(through(&metrics, &Outside, "TCP", 443));
    assert!(!through(&prometheus(), &Outside, "TCP", 22));
    assert!(!through(&stranger(MONITORING), &metrics, "TCP", 8080));
    // Grafana, wherever it is, and the API server, which calls the webhook.
    assert!(open(&policies(), Side::Ingress, &prometheus(), &stranger("grafana"), ("TCP", 9090)));
    assert!(through(&Outside, &webhook, "TCP", 8443));
}

/// The ports that are named are those of what is scraped.
#[test]
fn a_port_that_changes_is_found_here() {
    let ports = |file: &str| -> Vec<Value> {
        let objects = documents(&read(file));
        let containers = objects[0]["spec"]["template"]["spec"]["containers"].clone();
        let ports = containers[0]["ports"].as_array().unwrap().iter();
        ports.map(|port| port["containerPort"].clone()).collect()
    };
    let node = ports("manifests/components/node-exporter/daemonset.yaml");
    assert_eq!(node, [json!(9100)]);
    assert!(ports("manifests/base/deployment.yaml").contains(&json!(8080)));
    assert_eq!(ports("manifests/monitoring/prometheus/statefulset.yaml"), [json!(9090)]);
}
