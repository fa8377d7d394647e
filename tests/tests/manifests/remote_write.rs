//! `manifests/overlays/amp`: the values are set in one place, and the presets send what they say. A real
//! Prometheus scrapes pages that were captured from real sidecars and writes them, by each preset, to
//! another one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::arithmetic::{arithmetic, dollars, row};
use super::shipped::{Running, config_map, configuration, pages};
use super::{documents, files, output, read, rendered, root};

const OVERLAY: &str = "manifests/overlays/amp";

/// Names that the walkthrough's own dashboard asks for, as far as they still exist.
const STOCK_DASHBOARD: &str = "spark_info metrics_executor_completedTasks_total \
    metrics_executor_failedTasks_total metrics_executor_activeTasks \
    metrics_executor_totalShuffleWrite_bytes_total metrics_executor_totalShuffleRead_bytes_total \
    metrics_executor_JVMHeapMemory_bytes metrics_executor_JVMOffHeapMemory_bytes \
    kube_pod_info kube_pod_status_phase kube_pod_container_resource_requests \
    kube_pod_container_resource_limits kube_node_info kube_namespace_labels \
    container_memory_working_set_bytes container_cpu_usage_seconds_total container_spec_cpu_shares \
    container_network_receive_bytes_total container_network_transmit_bytes_total \
    container_network_receive_packets_dropped_total container_fs_reads_bytes_total \
    container_fs_writes_bytes_total node_cpu_seconds_total node_memory_MemAvailable_bytes \
    node_memory_MemTotal_bytes node_network_transmit_bytes_total node_network_receive_bytes_total \
    node_filesystem_free_bytes node_filesystem_size_bytes node_disk_read_bytes_total \
    node_disk_written_bytes_total";

/// What nobody asks for, and what makes up most of a page.
const DROPPED: [&str; 6] = [
    "spark_executor_netty_block_transfer_client_heap_memory_bytes",
    "spark_executor_code_generator_compilation_time_seconds_count",
    "spark_executor_jvm_pool_committed_bytes",
    "spark_executor_metrics_process_tree_jvm_virtual_memory_bytes",
    "metrics_executor_ProcessTreeJVMVMemory_bytes",
    "scrape_samples_scraped",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
}

/// The names in the tables of docs/metrics.md.
fn documented() -> BTreeMap<String, String> {
    let text = read("docs/metrics.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows =
        rows.map(|(name, rest)| (name.to_owned(), rest.split(' ').next().unwrap().to_owned()));
    rows.filter(|(_, kind)| ["gauge", "counter", "summary", "histogram"].contains(&kind.as_str()))
        .collect()
}

/// The names that rules, runbooks and dashboards of this repository use.
fn used(documented: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let folders = ["manifests/monitoring/rules", "manifests/monitoring/grafana", "docs/runbooks"];
    for folder in folders {
        if !Path::new(&root().join(folder)).is_dir() {
            continue;
        }
        for file in files(folder) {
            let text = read(&format!("{folder}/{file}"));
            let known = |word: &&str| {
                let family =
                    ["_count", "_sum", "_bucket"].iter().find_map(|end| word.strip_suffix(end));
                documented.contains_key(*word)
                    || family.is_some_and(|family| documented.contains_key(family))
                    || [
                        "kube_pod_",
                        "kube_node_",
                        "kube_namespace_",
                        "kube_deployment_",
                        "apiserver_admission_",
                    ]
                    .iter()
                    .any(|start| word.starts_with(start))
                    || [
                        "container_cpu_",
                        "container_memory_",
                        "container_network_",
                        "container_fs_",
                    ]
                    .iter()
                    .any(|start| word.starts_with(start))
            };
            found.extend(words(&text).filter(known).map(str::to_owned));
        }
    }
    found
}

fn needed() -> BTreeSet<String> {
    let mut names = used(&documented());
    names.extend(STOCK_DASHBOARD.split(' ').filter(|name| !name.is_empty()).map(str::to_owned));
    // Where a summary is asked for by its family, its count and its sum are what there is.
    names.retain(|name| documented().get(name).is_none_or(|kind| kind != "summary"));
    names
}

#[test]
fn the_values_stand_in_one_place() {
    let objects = rendered(OVERLAY);
    let values = read(&format!("{OVERLAY}/amp.env"));
    let values: BTreeMap<_, _> = values.lines().map(|line| line.split_once('=').unwrap()).collect();
    let config = configuration(&objects);
    let remote = &config["remote_write"][0];
    assert_eq!(
        remote["url"],
        format!(
            "https://aps-workspaces.{}.amazonaws.com/workspaces/{}/api/v1/remote_write",
            values["REGION"], values["WORKSPACE"]
        )
    );
    assert_eq!(remote["sigv4"], json!({"region": values["REGION"]}));
    assert_eq!(config["global"]["external_labels"]["cluster"], values["CLUSTER"]);
    assert_eq!(values["PRESET"], "essential");
    assert_eq!(keeps(remote), "yes");
    let account = objects.iter().find(|object| {
        object["kind"] == "ServiceAccount" && object["metadata"]["name"] == "emberscope-prometheus"
    });
    let annotations = &account.unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["eks.amazonaws.com/role-arn"], values["ROLE_ARN"]);
    // A pod gets its role when it is created: with another one there has to be another pod.
    let server = objects.iter().find(|object| object["kind"] == "StatefulSet").unwrap();
    let annotations = &server["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["emberscope.dev/role-arn"], values["ROLE_ARN"]);
    // Nothing else says any of it.
    let shipped = read(&format!("{OVERLAY}/prometheus.yml"));
    assert_eq!(shipped.matches('\'').count(), 6, "the kustomization counts single quotes");
}

/// What the last rule but one keeps: the preset.
fn keeps(remote: &Value) -> &str {
    let rules = remote["write_relabel_configs"].as_array().unwrap();
    let keep = rules.iter().find(|rule| rule["action"] == "keep").unwrap();
    keep["regex"].as_str().unwrap()
}

/// The text of the server's configuration with this preset in amp.env.
fn with_preset(preset: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (root().join("manifests"), folder.path());
    output("cp", &["-r", from.to_str().unwrap(), to.to_str().unwrap()]);
    let overlay = folder.path().join(OVERLAY);
    let values = read(&format!("{OVERLAY}/amp.env"));
    let changed = values.replace("PRESET=essential", &format!("PRESET={preset}"));
    fs::write(overlay.join("amp.env"), changed).unwrap();
    let objects = rendered(overlay.to_str().unwrap());
    config_map(&objects)["prometheus.yml"].as_str().unwrap().to_owned()
}

#[test]
fn prometheus_refuses_a_preset_that_there_is_not_and_takes_the_two_that_there_are() {
    let taken = |preset: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prometheus.yml");
        // Debian 12 has Prometheus 2.42, which knows no `scrape_config_files`, built without Kubernetes.
        let text = with_preset(preset)
            .replace("scrape_config_files:\n  - /etc/prometheus/scrape-*.yaml\n", "");
        let (before, rest) = text.split_once("\nalerting:\n").unwrap();
        let text = format!("{before}\n{}", rest.split_once("\n\n").unwrap().1);
        fs::write(&path, text).unwrap();
        let promtool = Command::new("promtool")
            .args(["check", "config", path.to_str().unwrap()])
            .output()
            .unwrap();
        (promtool.status.success(), String::from_utf8_lossy(&promtool.stderr).into_owned())
    };
    for preset in ["essential", "full"] {
        let (good, said) = taken(preset);
        assert!(good, "{preset}: {said}");
    }
    for preset in ["esential", "Full", "none"] {
        let (good, said) = taken(preset);
        assert!(!good && said.contains(&format!("unknown anchor '{preset}'")), "{preset}: {said}");
    }
    let full = documents(&with_preset("full")).remove(0);
    assert_eq!(keeps(&full["remote_write"][0]), ".*");
}

/// EKS takes an empty role for none, so that Pod Identity can give one.
#[test]
fn an_empty_role_leaves_the_service_account_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (root().join("manifests"), folder.path());
    output("cp", &["-r", from.to_str().unwrap(), to.to_str().unwrap()]);
    let overlay = folder.path().join(OVERLAY);
    let values = read(&format!("{OVERLAY}/amp.env"));
    let role = values.lines().find(|line| line.starts_with("ROLE_ARN=")).unwrap();
    fs::write(overlay.join("amp.env"), values.replace(role, "ROLE_ARN=")).unwrap();
    let objects = rendered(overlay.to_str().unwrap());
    let account = objects.iter().find(|object| {
        object["kind"] == "ServiceAccount" && object["metadata"]["name"] == "emberscope-prometheus"
    });
    let annotations = &account.unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["eks.amazonaws.com/role-arn"], "");
    // Nor is it null, which the API server does not take.
    let server = objects.iter().find(|object| object["kind"] == "StatefulSet").unwrap();
    let annotations = &server["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["emberscope.dev/role-arn"], "");
}

/// Rules that are evaluated in Amazon Managed Prometheus too would record and alert twice: the overlay has the
/// patch that takes them out of the cluster, behind comment signs.
#[test]
fn the_rules_can_be_left_to_the_managed_service() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (root().join("manifests"), folder.path());
    output("cp", &["-r", from.to_str().unwrap(), to.to_str().unwrap()]);
    let overlay = folder.path().join(OVERLAY);
    let has_rules = |objects: &[Value]| {
        objects.iter().any(|object| object["metadata"]["name"] == "emberscope-rules")
    };
    assert!(has_rules(&rendered(overlay.to_str().unwrap())));
    let text = read(&format!("{OVERLAY}/kustomization.yaml"));
    let (before, rest) =
        text.split_once("  # - target: {kind: ConfigMap, name: emberscope-rules}").unwrap();
    let (patch, after) = rest.split_once("name: emberscope-rules\n").unwrap();
    let patch = patch.replace("\n  # ", "\n  ");
    let target = "  - target: {kind: ConfigMap, name: emberscope-rules}";
    let without = format!("{before}{target}{patch}name: emberscope-rules\n{after}");
    fs::write(overlay.join("kustomization.yaml"), without).unwrap();
    assert!(!has_rules(&rendered(overlay.to_str().unwrap())));
}

#[test]
fn but_for_remote_write_the_configuration_is_that_of_every_server() {
    let ours = |overlay: &str| {
        let objects = rendered(overlay);
        documents(config_map(&objects)["prometheus.yml"].as_str().unwrap()).remove(0)
    };
    let mut with = ours(OVERLAY);
    assert!(with.as_object_mut().unwrap().remove("remote_write").is_some());
    assert!(with["global"].as_object_mut().unwrap().remove("external_labels").is_some());
    assert_eq!(with, ours("manifests/overlays/prometheus"));
}

/// kube-state-metrics is asked for what is needed of it.
#[test]
fn what_is_needed_of_kubernetes_objects_is_asked_for() {
    let objects = rendered(OVERLAY);
    let named = |object: &&Value| {
        object["metadata"]["name"] == "emberscope-kube-state-metrics"
            && object["kind"] == "Deployment"
    };
    let deployment = objects.iter().find(named).unwrap();
    let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    let mut arguments = arguments.as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let allowed = arguments.find_map(|word| word.strip_prefix("--metric-allowlist=")).unwrap();
    let allowed: BTreeSet<_> = allowed.split(',').collect();
    for name in needed().iter().filter(|name| name.starts_with("kube_")) {
        assert!(allowed.contains(name.as_str()), "{name}");
    }
}

/// The shipped remote write by a preset, to another Prometheus on this machine. One shard sends in the
/// order in which it was scraped, so that what has a second value lacks nothing of the first.
fn writing(remote: &Value, preset: &str, port: u16) -> Value {
    let mut remote = remote.clone();
    assert!(remote.as_object_mut().unwrap().remove("sigv4").is_some());
    remote["url"] = json!(format!("http://127.0.0.1:{port}/api/v1/write"));
    remote["name"] = json!(preset);
    remote["queue_config"]["max_shards"] = json!(1);
    remote["queue_config"]["batch_send_deadline"] = json!("1s");
    let rules = remote["write_relabel_configs"].as_array_mut().unwrap();
    let keep = rules.iter_mut().find(|rule| rule["action"] == "keep").unwrap();
    keep["regex"] = json!(if preset == "full" { ".*" } else { "yes" });
    remote
}

fn names(server: &Running) -> BTreeSet<String> {
    let found = server.api("/api/v1/label/__name__/values");
    found["data"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// What a kubelet tells of these names: of a container, but also of its pod's cgroup and of its sandbox.
/// The last two have no container, and are told apart by nothing but `id`. Of the network it tells by the
/// sandbox alone. And what nobody wants: of the whole node, and by another name.
fn of_containers(names: &BTreeSet<String>) -> String {
    let page = |name: &String| {
        if name.starts_with("container_network_") {
            return format!(
                "{name}{{container=\"\",id=\"/a/s\",interface=\"eth0\",pod=\"a\"}} 1\n"
            );
        }
        format!(
            "{name}{{container=\"spark\",id=\"/a/c\",pod=\"a\"}} 1\n\
             {name}{{container=\"\",id=\"/a/s\",pod=\"a\"}} 2\n\
             {name}{{container=\"\",id=\"/a\",pod=\"a\"}} 3\n"
        )
    };
    let unwanted = "container_memory_working_set_bytes{container=\"\",id=\"/\",pod=\"\"} 1\n\
                    container_sockets{container=\"spark\",id=\"/a/c\",pod=\"a\"} 1\n";
    names.iter().map(page).chain([unwanted.to_owned()]).collect()
}

#[test]
fn essential_keeps_what_rules_and_dashboards_need_and_full_keeps_all() {
    let documented = documented();
    assert!(documented.len() > 300, "docs/metrics.md has only {} names", documented.len());
    let all: BTreeSet<_> = documented.keys().cloned().chain(needed()).collect();
    let one_of_each: Vec<_> = all.iter().map(|name| format!("{name} 1\n")).collect();
    let one_of_each = one_of_each.concat();
    let captured = |role: &str| read(&format!("tests/golden/pages/spark-3.5.6-{role}.prom"));
    let containers: BTreeSet<_> =
        all.iter().filter(|name| name.starts_with("container_")).cloned().collect();
    assert!(containers.len() >= 8, "{containers:?}");
    let of_containers = of_containers(&containers);
    let port = pages(vec![captured("driver"), captured("executor"), one_of_each, of_containers]);
    let job = |name: &str, path: u32| {
        json!({
            "job_name": name, "scrape_interval": "2s", "metrics_path": format!("/{path}"),
            "static_configs": [{"targets": [format!("127.0.0.1:{port}")]}],
        })
    };
    let config = configuration(&rendered(OVERLAY));
    let remote = &config["remote_write"][0];
    let jobs = config["scrape_configs"].as_array().unwrap();
    let kubelet = jobs.iter().find(|job| job["job_name"] == "kubelet-cadvisor").unwrap();
    let mut cadvisor = job("cadvisor", 3);
    cadvisor["metric_relabel_configs"] = kubelet["metric_relabel_configs"].clone();
    let nothing = json!({"scrape_configs": []});
    let presets = ["full", "essential"];
    let mut receivers = presets.map(|_| Running::start(&nothing));
    let writes: Vec<_> = presets
        .iter()
        .zip(&receivers)
        .map(|(preset, receiver)| writing(remote, preset, receiver.port))
        .collect();
    let scraping = Running::start(&json!({
        "scrape_configs": [job("driver", 0), job("executor", 1), job("names", 2), cadvisor],
        "remote_write": writes,
    }));
    for receiver in &mut receivers {
        receiver.until("have two values of every target", |receiver| {
            let found = receiver.query("count_over_time(up[10m]) >= 2");
            (found.len() == 4).then_some(())
        });
    }
    let [full, essential] = &receivers;
    let [by_full, by_essential] = [names(full), names(essential)];
    assert_eq!(by_full, names(&scraping));
    assert!(all.is_subset(&by_full));
    let missing: Vec<_> = needed().difference(&by_essential).cloned().collect();
    assert!(missing.is_empty(), "preset essential of {OVERLAY}/prometheus.yml drops {missing:?}");
    for name in DROPPED {
        assert!(by_full.contains(name) && !by_essential.contains(name), "{name}");
    }
    assert!(by_essential.contains("up"));
    // What the kubelets' job lets through is what is needed: of containers, with few labels.
    let found = full.query("{job=\"cadvisor\",__name__=~\"container_.*\"}");
    // No two lines of the page become one series, which would have now the one's value, now the other's.
    let kept = full.query("scrape_samples_post_metric_relabeling{job=\"cadvisor\"}");
    assert_eq!(kept[0].value.to_string(), found.len().to_string());
    let found = found.iter().map(|sample| {
        assert!(!sample.labels.contains_key("id"), "{:?}", sample.labels);
        sample.labels["__name__"].clone()
    });
    assert_eq!(found.collect::<Vec<_>>(), containers.into_iter().collect::<Vec<_>>());
    assert_eq!(essential.query("{quantile!=\"\"}"), []);
    for receiver in &receivers {
        let labels = receiver.api("/api/v1/labels")["data"].to_string();
        assert!(!labels.contains("__tmp"), "{labels}");
    }

    // What a pod costs: the arithmetic of docs/remote-write.md begins here.
    let count = |receiver: &Running, matcher: &str| {
        receiver.query(&format!("{{__name__!~\"scrape_.*|up\",{matcher}}}")).len()
    };
    let of = |matcher: &str| [count(full, matcher), count(essential, matcher)];
    let per_executor = of("job=\"driver\",executor_id=\"0\"");
    let executors = of("job=\"driver\",executor_id=~\"[0-9]+\"");
    let driver = of("job=\"driver\"");
    let driver = [driver[0] - executors[0], driver[1] - executors[1]];
    let executor = of("job=\"executor\"");
    let rows = [
        row("driver", driver),
        row("driver, for each executor", per_executor),
        row("executor", executor),
    ];
    let docs = read("docs/remote-write.md");
    for row in &rows {
        assert!(docs.contains(row), "docs/remote-write.md lacks a row of\n{}", rows.join("\n"));
    }
    let each = [0, 1].map(|preset| per_executor[preset] + executor[preset]);
    for said in arithmetic(driver, each) {
        assert!(docs.contains(&said), "docs/remote-write.md does not say\n{said}");
    }
    let cost = read("docs/cost.md");
    for row in dollars(driver, each) {
        assert!(cost.contains(&row), "docs/cost.md lacks the row\n{row}");
    }
}

#[test]
fn the_names_are_as_many_as_the_page_says() {
    let captured = |role| read(&format!("tests/golden/pages/spark-3.5.6-{role}.prom"));
    let pages = ["driver", "executor"].map(captured).concat();
    let types = pages.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let names: BTreeSet<_> = types.collect();
    let said = format!("these two pages have {},", names.len());
    assert!(read("docs/remote-write.md").contains(&said), "{said}");
    assert!(documented().len() < 500);
}
