//! From a running sidecar to a remote-written Prometheus; and the whole report.

#[allow(dead_code)] // The sidecar's own tests use all of it.
#[path = "../../../../sidecar/tests/blackbox/harness/proc.rs"]
mod proc;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use emberscope_tests::cluster::guarded::Guarded;
use emberscope_tests::discovery::{self, Whereabouts};
use emberscope_tests::ports;
use emberscope_tests::prometheus::{self, Scraping};
use serde_json::{Value, json};

use super::chain::{Chain, Checked, assert_golden, eventually_checked};
use crate::fixture::repository;
use crate::pods::{assert_injected, driver, sidecars};

/// A stand-in for Spark's UI: it serves pages that a real one served once. Runs as long as the test.
fn recorded_spark() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = repository().join("sidecar/tests/fixtures");
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let page = |name| read(&format!("servlet/spark-3.5.6-localcluster-{name}.prom"));
    // Another application's answers, as if they were this one's.
    let api = |name| {
        let answer = read(&format!("status-api/spark-3.5.6-{name}.json"));
        let answer = String::from_utf8(answer).unwrap();
        answer.replace("local-1795879010678", "app-20261123071901-0000").into_bytes()
    };
    let others = page("executors");
    let answers = [
        ("/metrics/driver/", page("driver")),
        ("/stages?status=active", api("stages-active")),
        ("/taskSummary", api("task-summary")),
        ("/stages", api("stages")),
        ("/jobs", api("jobs")),
        ("/allexecutors", api("allexecutors")),
        ("/environment", api("environment")),
        ("/sql", b"[]".to_vec()),
        ("/api/v1/applications", api("applications")),
    ];
    let answer = move |stream: &TcpStream| {
        let mut request = BufReader::new(stream).lines().map_while(Result::ok);
        let first = request.next()?;
        let answer = answers.iter().find(|(path, _)| first.contains(path));
        let page = answer.map_or(&others, |(_, answer)| answer);
        request.find(String::is_empty)?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            page.len()
        );
        (&*stream).write_all(&[head.as_bytes(), page].concat()).ok()
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(&stream);
        }
    });
    port
}

/// An address of this machine that the API server goes to: it refuses loopback.
pub(super) fn address() -> String {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    // Nothing is sent: the kernel only picks a way.
    socket.connect("203.0.113.1:9").expect("this machine has no address but loopback");
    socket.local_addr().unwrap().ip().to_string()
}

/// A Prometheus with this configuration; its URL.
fn start_prometheus(name: &str, config: &str, folder: &Path) -> (Guarded, String) {
    prometheus_at("127.0.0.1", name, config, folder)
}

/// The same at an address of its own.
pub(super) fn prometheus_at(
    address: &str,
    name: &str,
    config: &str,
    folder: &Path,
) -> (Guarded, String) {
    let (port, file) = (ports::any().unwrap(), folder.join(format!("{name}.yml")));
    fs::write(&file, config).unwrap();
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.tsdb.path={}", folder.join(name).display()));
    command.arg(format!("--web.listen-address={address}:{port}"));
    command.arg("--web.enable-remote-write-receiver");
    let program = Guarded::start(name, &command, folder).unwrap();
    (program, format!("http://{address}:{port}"))
}

/// The shipped scrape configuration for one pod, with a rule, and remote write to that port.
fn config(pod: &Value, folder: &Path, remote: u16) -> String {
    let targets = folder.join("targets.json");
    let here = Whereabouts { address: "127.0.0.1", node: "this-machine" };
    fs::write(&targets, serde_json::to_vec(&discovery::targets(pod, here)).unwrap()).unwrap();
    let shipped = repository().join("manifests/monitoring/prometheus/scrape-config.yaml");
    let how = Scraping { interval: "1s", remote: Some(remote) };
    let config =
        prometheus::scraping(&fs::read_to_string(shipped).unwrap(), &targets, how).unwrap();
    let mut config: Value = serde_saphyr::from_str(&config).unwrap();
    for job in config["scrape_configs"].as_array_mut().unwrap() {
        job["scrape_timeout"] = json!("1s");
    }
    let rules = folder.join("rules.yml");
    let rule = json!({"record": "namespace:spark_info:count", "expr": "count by (namespace) (spark_info)"});
    let groups = json!({"groups": [{"name": "example", "interval": "1s", "rules": [rule]}]});
    fs::write(&rules, groups.to_string()).unwrap();
    config["rule_files"] = json!([rules]);
    config.to_string()
}

pub(super) fn port_of(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn everything_installed_passes_and_each_link_to_the_remote_store_is_missed_when_it_breaks() {
    let chain = Chain::whole();
    let folder = tempfile::tempdir().unwrap();
    let (spark, root) = (recorded_spark(), proc::FakeProc::with_spark());
    let port = ports::any().unwrap();
    let mut pod = driver("spark-pi-driver", &chain.namespace);
    pod["metadata"]["annotations"]["emberscope.dev/port"] = json!(port.to_string());
    let pod = chain.kubectl().create(&pod).unwrap();
    assert_injected(&pod);
    chain.runs("spark-pi-driver", &address());

    // The real sidecar, as the pod has it, at another root and beside another Spark.
    let program = chain.fixture.installation.program().with_file_name("emberscope-sidecar");
    let mut command = Command::new(program);
    let arguments = sidecars(&pod)[0]["args"].as_array().unwrap().iter();
    let arguments = arguments.map(|argument| argument.as_str().unwrap());
    let elsewhere = ["--push-port=", "--spark-ui-port="];
    command.args(arguments.filter(|one| !elsewhere.iter().any(|flag| one.starts_with(flag))));
    command.arg(format!("--push-port={}", ports::any().unwrap()));
    command.arg(format!("--spark-ui-port={spark}")).arg("--proc-root").arg(root.path());
    let sidecar = Guarded::start("sidecar", &command, folder.path()).unwrap();

    let (remote, remote_url) = start_prometheus("remote", prometheus::RECEIVING, folder.path());
    let config = config(&pod, folder.path(), port_of(&remote_url));
    let (local, url) = start_prometheus("local", &config, folder.path());
    let asked = ["-o", "json", "--prometheus", &url];
    let failed = |checked: &Checked| codes(checked, "fail");
    eventually_checked(&chain, &asked, |checked| {
        checked.code == Some(0)
            && ["warn", "skip"].iter().all(|outcome| codes(checked, outcome).is_empty())
    });
    let report = chain.check(&["--prometheus", &url]);
    assert_eq!(report.code, Some(0), "{}", report.stdout);
    golden(&report.stdout, &chain, &pod, &url);

    // The store behind remote write answers queries, and scrapes nothing.
    let there = ["-o", "json", "--prometheus", &remote_url];
    let checked = eventually_checked(&chain, &there, |checked| failed(checked) == ["targets"]);
    assert!(checked.sentence("pass", "samples").contains("of 1 sidecar"), "{}", checked.stdout);
    assert!(checked.sentence("fail", "targets").contains("none of its targets"));

    // The sidecar is gone: both the API server and Prometheus say so.
    drop(sidecar);
    eventually_checked(&chain, &asked, |checked| failed(checked) == ["answering", "targets"]);
    drop(local);
    let checked = chain.check(&asked);
    assert_eq!(failed(&checked), ["answering", "prometheus"], "{}", checked.stdout);

    // A store that does not answer.
    drop(remote);
    let (_other, url) = start_prometheus("other", &config, folder.path());
    let asked = ["-o", "json", "--prometheus", &url];
    eventually_checked(&chain, &asked, |checked| {
        failed(checked).contains(&"remote_write".to_owned())
    });
}

pub(super) fn codes(checked: &Checked, outcome: &str) -> Vec<String> {
    let found = checked.of(outcome).into_iter();
    found.map(|one| one["check"].as_str().unwrap().to_owned()).collect()
}

/// Holds the report against `tests/golden/check/well.txt`, which the documentation shows.
fn golden(report: &str, chain: &Chain, pod: &Value, url: &str) {
    let injected = pod["metadata"]["annotations"]["emberscope.dev/injected"].as_str().unwrap();
    let version = chain.kubectl().run(["version", "-o", "json"]).unwrap().json().unwrap();
    let version = version["serverVersion"]["gitVersion"].as_str().unwrap().to_owned();
    let webhook = format!("localhost:{}", chain.fixture.installation.service.port());
    let mut text = report.to_owned();
    for (found, shown) in [
        (chain.namespace.as_str(), "emr-data-team-a"),
        (injected, "0.1.0-4f1d23c8"),
        (&version, "v1.36.2"),
        (&webhook, "localhost:8443"),
        (url, "http://127.0.0.1:9090"),
    ] {
        text = text.replace(found, shown);
    }
    assert_golden("well", &text);
}
