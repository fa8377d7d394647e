//! Real Spark makes the pods: `spark-submit --deploy-mode cluster` a driver, and a driver its
//! executors.
//!
//! No node runs them: the driver pod is looked at as the API server stored it. A driver that is to
//! make executors runs on this machine (`--deploy-mode client`).

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use emberscope_tests::cluster::guarded::Guarded;
use emberscope_tests::places::Places;
use emberscope_tests::spark::python_of;
use serde_json::Value;

use crate::executor_policy::{assert_closes_executors, ours_selects};
use crate::fixture::{Fixture, shared};
use crate::pods::{assert_injected, spark_env};

/// How long Spark may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// The Sparks that `tests/setup.sh test` installs.
const SPARK_3: &str = "3.5.6";
const SPARK_4: &str = "4.3.0";

struct Spark<'f> {
    fixture: &'f Fixture,
    home: PathBuf,
    namespace: String,
    folder: tempfile::TempDir,
}

impl<'f> Spark<'f> {
    fn new(fixture: &'f Fixture, version: &str) -> Self {
        let places = Places::find().unwrap();
        let home = places.spark_home(version).unwrap();
        Self { fixture, home, namespace: fixture.opted_in(), folder: tempfile::tempdir().unwrap() }
    }

    /// What a user gives for any job on Kubernetes, and not one setting for metrics.
    fn submit(&self, deploy_mode: &str, more: &[String]) -> Command {
        let credentials = self.fixture.cluster.credentials();
        let side = if deploy_mode == "cluster" { ".submission" } else { "" };
        let mut command = Command::new(self.home.join("bin/spark-submit"));
        command.args(["--master", &format!("k8s://{}", self.fixture.cluster.url())]);
        command.args(["--deploy-mode", deploy_mode, "--name", "spark-pi"]);
        let confs = [
            format!("spark.kubernetes.namespace={}", self.namespace),
            "spark.kubernetes.container.image=spark".to_owned(),
            "spark.executor.instances=2".to_owned(),
            "spark.kubernetes.submission.waitAppCompletion=false".to_owned(),
            format!("spark.kubernetes.authenticate{side}.oauthToken={}", credentials.admin_token()),
            format!(
                "spark.kubernetes.authenticate{side}.caCertFile={}",
                credentials.authority.display()
            ),
        ];
        for conf in confs.iter().chain(more) {
            command.args(["--conf", conf]);
        }
        let java = Places::find().unwrap().java_home().unwrap();
        command.env("JAVA_HOME", java).env_remove("SPARK_HOME").env("SPARK_LOCAL_IP", "127.0.0.1");
        command.env("SPARK_CONF_DIR", self.folder.path()).env_remove("SPARK_SUBMIT_OPTS");
        command
            .env("SPARK_LOCAL_DIRS", self.folder.path())
            .env("PYSPARK_PYTHON", python_of(&self.home));
        command.current_dir(self.folder.path());
        command
    }

    /// The pods with a role, once there are `count` of them.
    fn pods(&self, role: &str, count: usize, mut alive: impl FnMut()) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let selector = format!("spark-role={role}");
            let arguments = ["get", "pods", "-n", &self.namespace, "-l", &selector, "-o", "json"];
            let list = self.fixture.cluster.kubectl().run(arguments).unwrap().json().unwrap();
            let pods = list["items"].as_array().unwrap();
            if pods.len() >= count {
                return pods.clone();
            }
            assert!(start.elapsed() < PATIENCE, "Spark made {} pods of {count}", pods.len());
            alive();
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

fn a_driver_of<'f>(fixture: &'f Fixture, version: &str) -> Spark<'f> {
    let spark = Spark::new(fixture, version);
    let mut submit = spark.submit("cluster", &[]);
    submit.args([
        "--class",
        "org.apache.spark.examples.SparkPi",
        "local:///opt/spark-examples.jar",
    ]);
    let output = submit.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let pods = spark.pods("driver", 1, || {});
    assert_injected(&pods[0]);
    assert_eq!(pods[0]["spec"]["containers"][0]["name"], "spark-kubernetes-driver");
    let options = spark_env(&pods[0], "SPARK_SUBMIT_OPTS").unwrap();
    assert!(options.contains("-Dspark.ui.prometheus.enabled=true"), "{options}");
    // Spark went on after the pod was created: its service and its configuration are there.
    let kubectl = fixture.cluster.kubectl();
    for (kind, name) in [("services", "-driver-svc"), ("configmaps", "-conf-map")] {
        let found = kubectl.run(["get", kind, "-n", &spark.namespace, "-o", "name"]).unwrap();
        assert!(found.stdout.contains(name), "{kind}: {}", found.stdout);
    }
    spark
}

fn executors_of(version: &str) {
    let fixture = shared();
    let spark = Spark::new(&fixture, version);
    let mut submit = spark.submit(
        "client",
        &[
            "spark.ui.enabled=false".to_owned(),
            "spark.driver.host=127.0.0.1".to_owned(),
            "spark.driver.bindAddress=127.0.0.1".to_owned(),
        ],
    );
    submit.arg(spark.home.join("examples/src/main/python/pi.py"));
    let mut driver = Guarded::start("driver", &submit, spark.folder.path()).unwrap();
    for pod in spark.pods("executor", 2, || driver.check().unwrap()) {
        assert_injected(&pod);
        assert_eq!(ours_selects(&pod), version == SPARK_4);
        assert_eq!(spark_env(&pod, "SPARK_SUBMIT_OPTS"), None);
        let sidecar = crate::pods::sidecars(&pod)[0];
        let arguments = sidecar["args"].to_string();
        assert!(arguments.contains("--role=executor"), "{arguments}");
        let id = pod["metadata"]["labels"]["spark-app-selector"].as_str().unwrap();
        assert!(arguments.contains(&format!("--application-id={id}")), "{arguments}");
    }
}

#[test]
fn the_driver_that_spark_3_submits_is_patched() {
    a_driver_of(&shared(), SPARK_3);
}

#[test]
fn the_driver_that_spark_4_submits_is_patched() {
    let fixture = shared();
    let spark = a_driver_of(&fixture, SPARK_4);
    let arguments = ["get", "networkpolicies", "-n", &spark.namespace, "-o", "json"];
    let found = fixture.cluster.kubectl().run(arguments).unwrap().json().unwrap();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_closes_executors(&found["items"][0], &spark.pods("driver", 1, || {})[0]);
}

#[test]
fn the_executors_that_spark_3_makes_are_patched() {
    executors_of(SPARK_3);
}

#[test]
fn the_executors_that_spark_4_makes_are_patched() {
    executors_of(SPARK_4);
}
