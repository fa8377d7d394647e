//! The whole chain for `emberscope check`, each link of which a test can break.
//!
//! No node and no controller is here, so their part is written through the API: the Deployment's
//! status, the `EndpointSlice`, and the phase and address of pods whose sidecar the test runs itself.
//! The replicas lose their rights for as long, so that they do not mend what a test breaks.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use emberscope_tests::cluster::kubectl::Kubectl;
use serde_json::{Value, json};

use crate::fixture::{Alone, OPT_IN, alone, repository};

/// How long the API server may take to notice a change.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the replicas may still do: look at what they decide by.
const LOOKING: &str = "emberscope-looking";

/// The replicas' rights.
const BINDINGS: [&[&str]; 2] =
    [&["clusterrolebinding", "emberscope"], &["rolebinding", "emberscope", "-n", "emberscope"]];

/// A cluster in which all links hold.
pub(super) struct Chain {
    pub(super) fixture: Alone,
    /// The one namespace that opted in.
    pub(super) namespace: String,
    bindings: Vec<Value>,
}

/// What a check printed, and its exit code.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Chain {
    pub(super) fn whole() -> Self {
        let fixture = alone();
        let kubectl = fixture.cluster.kubectl();
        // Of the namespaces of other tests nothing is to be found.
        let others = "emberscope.dev/inject,emberscope.dev/inject!=disabled";
        kubectl.run(["label", "namespaces", "-l", others, "emberscope.dev/inject-"]).unwrap();
        let namespace = fixture.opted_in();
        let get = |of: &[&str]| {
            let object = kubectl.run(["get"].iter().chain(of).chain(&["-o", "json"])).unwrap();
            as_new(object.json().unwrap())
        };
        let bindings = BINDINGS.iter().map(|of| get(of)).collect();
        let mut looking = get(&["clusterrole", "emberscope"]);
        looking["metadata"] = json!({"name": LOOKING});
        let rules = looking["rules"].as_array_mut().unwrap();
        rules.retain(|rule| rule["apiGroups"] != json!(["admissionregistration.k8s.io"]));
        kubectl.create(&looking).unwrap();
        let account = "--serviceaccount=emberscope:emberscope";
        let role = format!("--clusterrole={LOOKING}");
        kubectl.run(["create", "clusterrolebinding", LOOKING, &role, account]).unwrap();
        for binding in BINDINGS {
            kubectl.run(["delete"].iter().chain(binding)).unwrap();
        }
        let chain = Self { fixture, namespace, bindings };
        chain.until_replicas_hold_still();
        chain.ready_replicas(2);
        let _ = kubectl.run_on(["create", "-f", "-"], &endpoints(2));
        chain
    }

    fn until_replicas_hold_still(&self) {
        let may = |what: &[&str]| {
            let who = ["--as", "system:serviceaccount:emberscope:emberscope"];
            self.kubectl().run(["auth", "can-i"].iter().chain(what).chain(&who)).is_ok()
        };
        eventually("the replicas lost their rights", || {
            !may(&["get", "mutatingwebhookconfigurations/emberscope"])
                && !may(&["get", "secrets/emberscope-tls", "-n", "emberscope"])
        });
    }

    pub(super) fn kubectl(&self) -> Kubectl {
        self.fixture.cluster.kubectl()
    }

    /// What the Deployment's controller would write.
    pub(super) fn ready_replicas(&self, ready: u32) {
        let status = json!({"status": {
            "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": ready,
        }});
        let status = status.to_string();
        let object = ["patch", "deployment", "emberscope", "-n", "emberscope"];
        let patch = ["--subresource=status", "--type=merge", "-p", &status];
        self.kubectl().run(object.iter().chain(&patch)).unwrap();
    }

    /// What the `EndpointSlice`'s controller would write.
    pub(super) fn ready_endpoints(&self, ready: usize) {
        self.kubectl().run_on(["apply", "-f", "-"], &endpoints(ready)).unwrap();
    }

    /// What the kubelet would write of a pod whose containers run at that address.
    pub(super) fn runs(&self, pod: &str, address: &str) {
        let status = json!({"status": {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
        }});
        let object = ["patch", "pod", pod, "-n", &self.namespace];
        let status = status.to_string();
        let patch = ["--subresource=status", "--type=merge", "-p", &status];
        self.kubectl().run(object.iter().chain(&patch)).unwrap();
    }

    /// The command, as the administrator; standard streams are pipes.
    pub(super) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(self.fixture.installation.program());
        command.arg("check").args(arguments);
        command.env("KUBECONFIG", &self.fixture.cluster.credentials().admin_kubeconfig);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub(super) fn check(&self, arguments: &[&str]) -> Checked {
        Checked::of_output(self.start(arguments).wait_with_output().unwrap())
    }

    /// Fails unless nothing fails, at the latest once the API server has noticed what was mended.
    pub(super) fn assert_well(&self, when: &str) {
        let checked = self.check(&["--wait", "30"]);
        assert_eq!(checked.code, Some(0), "{when}: {}", checked.stdout);
    }

    /// Fails unless this check is the only one that fails, with this in its remedy. A dry run may be
    /// before its time, while the API server has not noticed what a test did.
    pub(super) fn assert_only_fails(&self, check: &str, remedy: &str) -> String {
        let checked = eventually_checked(self, &["-o", "json"], |checked| {
            let failed = checked.of("fail");
            checked.code == Some(1) && failed.len() == 1 && failed[0]["check"] == check
        });
        let failed = &checked.of("fail")[0];
        let helps = failed["remedy"].as_str().unwrap();
        assert!(helps.contains(remedy), "{failed:#}");
        // A line is a command that can be pasted, or a sentence.
        for command in helps.lines().filter(|line| line.starts_with("kubectl ")) {
            let parsed = Command::new("bash").args(["-n", "-c", command]).status().unwrap();
            assert!(parsed.success() && !command.contains(": "), "{command}");
        }
        failed["sentence"].as_str().unwrap().to_owned()
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        for binding in &self.bindings {
            let _ = self.kubectl().run_on(["create", "-f", "-"], binding);
        }
        for kind in ["clusterrolebinding", "clusterrole"] {
            let _ = self.kubectl().run(["delete", kind, LOOKING]);
        }
        let optional = ["label", "namespace", &self.namespace, "emberscope.dev/inject-"];
        let _ = self.kubectl().run(optional);
    }
}

impl Checked {
    pub(super) fn of_output(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { code: output.status.code(), stdout, stderr }
    }

    /// The findings with this outcome.
    pub(super) fn of(&self, outcome: &str) -> Vec<Value> {
        let report: Value = serde_json::from_str(&self.stdout).unwrap();
        let links = report["links"].as_array().unwrap().iter();
        let findings = links.flat_map(|link| link["checks"].as_array().unwrap());
        findings.filter(|finding| finding["outcome"] == outcome).cloned().collect()
    }

    /// The sentence of a check's first finding.
    pub(super) fn sentence(&self, outcome: &str, check: &str) -> String {
        let found = self.of(outcome).into_iter().find(|finding| finding["check"] == check);
        let found = found.unwrap_or_else(|| panic!("no {outcome} {check}: {}", self.stdout));
        found["sentence"].as_str().unwrap().to_owned()
    }
}

/// Holds a text against `tests/golden/check/NAME.txt`, which the documentation shows.
pub(super) fn assert_golden(name: &str, text: &str) {
    let path = repository().join(format!("tests/golden/check/{name}.txt"));
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&path).unwrap(), "`make golden` writes {name}.txt");
}

/// An object without what the API server wrote into it.
pub(super) fn as_new(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    for key in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"] {
        metadata.remove(key);
    }
    object
}

fn endpoints(ready: usize) -> Value {
    let endpoint = |number: usize| json!({"addresses": [format!("192.0.2.{}", number + 10)], "conditions": {"ready": number < ready}});
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "emberscope-1", "namespace": "emberscope",
            "labels": {"kubernetes.io/service-name": "emberscope"},
        },
        "addressType": "IPv4",
        "endpoints": [endpoint(0), endpoint(1)],
        "ports": [{"name": "webhook", "port": 8443, "protocol": "TCP"}],
    })
}

/// Waits for a condition.
pub(super) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Waits for a condition on what the check prints, and shows that where it never comes.
pub(super) fn eventually_checked(
    chain: &Chain,
    arguments: &[&str],
    condition: impl Fn(&Checked) -> bool,
) -> Checked {
    let start = Instant::now();
    loop {
        let checked = chain.check(arguments);
        if condition(&checked) {
            return checked;
        }
        assert!(start.elapsed() < PATIENCE, "{}\n{}", checked.stdout, checked.stderr);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The label's command for one namespace.
pub(super) fn label(kubectl: &Kubectl, namespace: &str, label: &str) {
    kubectl.run(["label", "namespace", namespace, label, "--overwrite"]).unwrap();
}

/// The label that opts in, for [`label`].
pub(super) const ENABLED: &str = OPT_IN;
