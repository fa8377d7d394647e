//! The configuration of the Prometheus that an overlay ships, as that Prometheus would load it, and real
//! ones that run with it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use emberscope_tests::cluster::guarded::Guarded;
use emberscope_tests::prometheus::{self, Sample};
use emberscope_tests::{http, ports};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::documents;

/// How long a Prometheus may take to get where a test wants it, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The files that Prometheus' ConfigMap holds.
pub(crate) fn config_map(objects: &[Value]) -> &Value {
    let mut found = objects.iter().filter(|object| {
        object["kind"] == "ConfigMap" && object["metadata"]["name"] == "emberscope-prometheus"
    });
    let map = found.next().unwrap_or_else(|| panic!("there is no ConfigMap of Prometheus"));
    assert!(found.next().is_none(), "there are two ConfigMaps of Prometheus");
    &map["data"]
}

/// The whole configuration: Debian 12 has Prometheus 2.42, and `scrape_config_files` came with 2.43, so
/// that the jobs of these files are put where they would be read to. Nor does its build know Kubernetes'
/// discovery: that of Alertmanagers is left out, that of jobs is for each test to replace.
pub(crate) fn configuration(objects: &[Value]) -> Value {
    let files = config_map(objects).as_object().unwrap();
    let mut config = documents(files["prometheus.yml"].as_str().unwrap()).remove(0);
    let named = config.as_object_mut().unwrap().remove("scrape_config_files").unwrap();
    assert_eq!(named, json!(["/etc/prometheus/scrape-*.yaml"]));
    let alerting = config.as_object_mut().unwrap().remove("alerting").unwrap();
    assert_eq!(
        alerting["alertmanagers"][0]["kubernetes_sd_configs"],
        json!([{"role": "pod", "namespaces": {"own_namespace": true}}])
    );
    for (name, text) in files.iter().filter(|(name, _)| *name != "prometheus.yml") {
        assert!(name.starts_with("scrape-"), "nothing reads {name}");
        assert_eq!(Path::new(name).extension().unwrap(), "yaml", "nothing reads {name}");
        let more = documents(text.as_str().unwrap()).remove(0);
        assert_eq!(more.as_object().unwrap().len(), 1, "{name} has more than scrape_configs");
        let jobs = config["scrape_configs"].as_array_mut().unwrap();
        jobs.extend(more["scrape_configs"].as_array().unwrap().iter().cloned());
    }
    config
}

/// One real Prometheus on loopback; it ends when this is dropped.
pub(crate) struct Running {
    pub(crate) port: u16,
    process: Guarded,
    runtime: Runtime,
    _folder: TempDir,
}

impl Running {
    /// Starts one with this configuration, and waits until it answers.
    pub(crate) fn start(config: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = serde_saphyr::to_string(config).unwrap();
        fs::write(folder.path().join("prometheus.yml"), text).unwrap();
        let port = ports::any().unwrap();
        let mut command = std::process::Command::new("prometheus");
        let template = prometheus::command(Path::new("prometheus"), folder.path(), port);
        command.args(template.as_std().get_args().map(|argument| {
            // The process guard starts programs where the test is.
            let text = argument.to_str().unwrap();
            let path = |name: &str| folder.path().join(name).display().to_string();
            text.replace("=prometheus.yml", &format!("={}", path("prometheus.yml")))
                .replace("=data", &format!("={}", path("data")))
        }));
        let process = Guarded::start("prometheus", &command, folder.path()).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut running = Self { port, process, runtime, _folder: folder };
        running.until("be ready", |running| {
            running.runtime.block_on(prometheus::ready(port)).is_ok().then_some(())
        });
        running
    }

    /// Asks again and again until there is an answer.
    pub(crate) fn until<T>(&mut self, what: &str, ask: impl Fn(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask(self) {
                return answer;
            }
            self.process.check().unwrap();
            let log = self.process.log();
            assert!(start.elapsed() < PATIENCE, "Prometheus does not {what}:\n{log}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// What an expression gives now.
    pub(crate) fn query(&self, expression: &str) -> Vec<Sample> {
        self.runtime.block_on(prometheus::query(self.port, expression)).unwrap()
    }

    /// What a page of its API answers.
    pub(crate) fn api(&self, path: &str) -> Value {
        let answer = self.runtime.block_on(http::get(self.port, path)).unwrap().ok().unwrap();
        serde_json::from_slice(&answer).unwrap()
    }
}

/// Serves pages of metrics on loopback, the n-th at `/n`, for as long as the tests run.
pub(crate) fn pages(pages: Vec<String>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            let asked = head.first().and_then(|line| line.split(['/', ' ']).nth(2)?.parse().ok());
            let body: &str = asked.and_then(|n: usize| pages.get(n)).map_or("", |page| page);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}
