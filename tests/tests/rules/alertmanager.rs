//! `manifests/monitoring/alertmanager`: whom an alert reaches, by amtool; and how many messages an incident is, by
//! a real Alertmanager whose receivers are here and count.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use emberscope_tests::cluster::guarded::Guarded;
use emberscope_tests::ports;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{alerts, output, read, root};

const FILE: &str = "manifests/monitoring/alertmanager/alertmanager.yml";

/// By how much the test is faster than life: of a minute half a second is left.
const FASTER: u64 = 120;

fn amtool(arguments: &[&str]) -> String {
    output(std::path::Path::new("amtool"), arguments)
}

fn configuration() -> Value {
    serde_saphyr::from_str(&read(FILE)).unwrap()
}

#[test]
fn alertmanager_takes_the_file_and_every_alert_has_a_receiver() {
    let path = root().join(FILE);
    let path = path.to_str().unwrap();
    amtool(&["check-config", path]);
    for alert in alerts() {
        let labels = [
            format!("alertname={}", alert.name),
            format!("severity={}", alert.severity()),
            "namespace=emr-a".to_owned(),
        ];
        let mut arguments = vec!["config", "routes", "test", "--config.file", path];
        arguments.extend(labels.iter().map(String::as_str));
        let said = amtool(&arguments);
        let receiver = said.lines().find(|line| !line.starts_with("Warning")).unwrap();
        let expected = match alert.severity() {
            "critical" => "page",
            "warning" => "tickets",
            "info" => "tuning",
            _ => "heartbeat",
        };
        assert_eq!(receiver.trim(), expected, "{}", alert.name);
    }
}

/// Every name in a matcher is an alert's, so that none inhibits what is called otherwise by now.
#[test]
fn the_matchers_name_alerts_that_there_are() {
    let names: Vec<_> = alerts().into_iter().map(|alert| alert.name).collect();
    let text = read(FILE);
    let words = text.split(|char: char| !char.is_ascii_alphanumeric());
    let mentioned = words.filter(|word| {
        ["Spark", "Emberscope"].iter().any(|start| word.starts_with(start) && word != start)
    });
    for word in mentioned {
        assert!(names.iter().any(|name| name == word), "{FILE} names {word}");
    }
}

/// What Alertmanager sent: receiver, `firing` or `resolved`, the labels of the group, how many alerts.
#[derive(Debug, Clone)]
struct Notification {
    receiver: String,
    status: String,
    group: Map<String, Value>,
    alerts: Vec<Value>,
}

/// Receivers on loopback, for as long as the tests run.
#[derive(Clone, Default)]
struct Receivers(Arc<Mutex<Vec<Notification>>>);

impl Receivers {
    fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::clone(&self.0);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let message = request(&stream.unwrap());
                let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
                received.lock().unwrap().push(Notification {
                    receiver: text("receiver"),
                    status: text("status"),
                    group: message["groupLabels"].as_object().unwrap().clone(),
                    alerts: message["alerts"].as_array().unwrap().clone(),
                });
            }
        });
        port
    }

    fn of_cluster(&self, cluster: &str) -> Vec<Notification> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|one| one.group["cluster"] == cluster).cloned().collect()
    }
}

/// Reads one request with a JSON body, and answers 200.
fn request(stream: &TcpStream) -> Value {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    (&*stream).write_all(answer.as_bytes()).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// A duration of the file, made shorter.
fn faster(duration: &str) -> String {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        _ => panic!("{duration}: a wait of hours"),
    };
    format!("{}ms", number.parse::<u64>().unwrap() * seconds * 1000 / FASTER)
}

fn hurry(route: &mut Value) {
    for key in ["group_wait", "group_interval"] {
        if let Some(duration) = route[key].as_str().map(faster) {
            route[key] = json!(duration);
        }
    }
    for below in route["routes"].as_array_mut().into_iter().flatten() {
        hurry(below);
    }
}

/// A real Alertmanager with the shipped routes, faster, and receivers of the test's own.
struct Running {
    port: u16,
    process: Guarded,
    _folder: TempDir,
}

impl Running {
    fn start(receivers: u16) -> Self {
        let mut config = configuration();
        hurry(&mut config["route"]);
        for receiver in config["receivers"].as_array_mut().unwrap() {
            let url = format!("http://127.0.0.1:{receivers}/");
            receiver["webhook_configs"] = json!([{"url": url, "send_resolved": true}]);
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, config.to_string()).unwrap();
        let port = ports::any().unwrap();
        let mut command = std::process::Command::new("prometheus-alertmanager");
        command.args([
            format!("--config.file={}", file.display()),
            format!("--storage.path={}", folder.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--cluster.listen-address=".to_owned(),
        ]);
        let process = Guarded::start("prometheus-alertmanager", &command, folder.path()).unwrap();
        let mut running = Self { port, process, _folder: folder };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            running.process.check().unwrap();
            assert!(start.elapsed() < Duration::from_mins(1), "{}", running.process.log());
            thread::sleep(Duration::from_millis(50));
        }
        running
    }

    fn post(&self, alerts: &[Value]) {
        let body = Value::from(alerts).to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "POST /api/v2/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// Something that happens: which alerts fire, of how many applications, and which one message comes of it.
struct Incident {
    what: &'static str,
    /// The alerts, by the beginnings of their names.
    fires: &'static [&'static str],
    applications: usize,
    receiver: &'static str,
    /// A label that the message's group has, with the value.
    named: (&'static str, &'static str),
}

const INCIDENTS: [Incident; 13] = [
    Incident {
        what: "a task fails four times, and with it the application",
        fires: &[
            "SparkApplicationFailed",
            "SparkJobFailed",
            "SparkStagesFailed",
            "SparkTasksFailing",
        ],
        applications: 1,
        receiver: "page",
        named: ("spark_app_name", "app-0"),
    },
    Incident {
        what: "a driver is killed for its memory",
        fires: &["SparkApplicationFailed", "SparkDriverOomKilled", "SparkContainerNearMemoryLimit"],
        applications: 1,
        receiver: "page",
        named: ("spark_app_name", "app-0"),
    },
    Incident {
        what: "500 executors are short of memory, one after the other is killed",
        fires: &[
            "SparkExecutorOomKilled",
            "SparkProcessOomKilled",
            "SparkContainerNearMemoryLimit",
            "SparkGarbageCollectionHigh",
            "SparkExecutorsLost",
            "SparkTasksFailing",
            "SparkStagesFailed",
            "SparkJobFailed",
        ],
        applications: 1,
        receiver: "tickets",
        named: ("spark_app_name", "app-0"),
    },
    Incident {
        what: "no node takes a driver",
        fires: &["SparkApplicationNotStarting"],
        applications: 1,
        receiver: "page",
        named: ("spark_app_name", "app-0"),
    },
    Incident {
        what: "the sidecar's image is missing",
        fires: &["EmberscopeSidecarImageNotPulled", "SparkApplicationNotStarting"],
        applications: 7,
        receiver: "page",
        named: ("alertname", "EmberscopeSidecarImageNotPulled"),
    },
    Incident {
        what: "the sidecar's image is missing, and the fuse blows",
        fires: &[
            "EmberscopeFuseBlown",
            "EmberscopeSidecarImageNotPulled",
            "SparkApplicationNotStarting",
        ],
        applications: 7,
        receiver: "page",
        named: ("alertname", "EmberscopeFuseBlown"),
    },
    Incident {
        what: "a driver's sidecar is of another architecture",
        fires: &[
            "EmberscopeDriverSidecarCrashing",
            "EmberscopeSidecarRestarting",
            "EmberscopeSidecarUnreachable",
        ],
        applications: 1,
        receiver: "page",
        named: ("alertname", "EmberscopeDriverSidecarCrashing"),
    },
    Incident {
        what: "the webhook is down",
        fires: &[
            "EmberscopeWebhookDown",
            "EmberscopeWebhookCallsFailing",
            "EmberscopePodNotInjected",
        ],
        applications: 9,
        receiver: "tickets",
        named: ("alertname", "EmberscopeWebhookDown"),
    },
    Incident {
        what: "Prometheus is dead",
        fires: &["Spark", "Emberscope"],
        applications: 5,
        receiver: "page",
        named: ("alertname", "EmberscopePrometheusSilent"),
    },
    Incident {
        what: "a policy keeps Prometheus out",
        fires: &["EmberscopeSidecarUnreachable"],
        applications: 35,
        receiver: "tickets",
        named: ("alertname", "EmberscopeSidecarUnreachable"),
    },
    Incident {
        what: "remote write is refused",
        fires: &["EmberscopeRemoteWrite"],
        applications: 1,
        receiver: "tickets",
        named: ("alertname", "EmberscopeRemoteWriteFailing"),
    },
    Incident {
        what: "a streaming query falls behind",
        fires: &["SparkStreaming", "SparkTasksFailing"],
        applications: 1,
        receiver: "tickets",
        named: ("spark_app_name", "app-0"),
    },
    Incident {
        what: "an application is too large",
        fires: &["SparkMemoryOversized", "SparkCpuOversized"],
        applications: 1,
        receiver: "tuning",
        named: ("spark_app_name", "app-0"),
    },
];

/// The alerts of an incident, in a cluster of its own.
fn firing(incident: &Incident, cluster: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for alert in alerts() {
        let asked = incident.fires.iter().any(|start| alert.name.starts_with(start));
        if !asked || alert.name == "EmberscopeWatchdog" {
            continue;
        }
        for application in 0..incident.applications {
            found.push(json!({"labels": {
                "alertname": alert.name,
                "severity": alert.severity(),
                "cluster": cluster,
                "namespace": "emr-a",
                "team": "data-a",
                "spark_app_name": format!("app-{application}"),
                "application_id": format!("spark-{application}"),
            }}));
        }
    }
    // What is of a namespace or of the cluster has no application.
    for alert in &mut found {
        let labels = alert["labels"].as_object_mut().unwrap();
        let of_cluster = ["EmberscopeFuseBlown", "EmberscopeWebhook", "EmberscopePrometheus"];
        let name = labels["alertname"].as_str().unwrap();
        if of_cluster.iter().any(|start| name.starts_with(start)) {
            labels.remove("spark_app_name");
            labels.remove("application_id");
        }
    }
    found
}

#[test]
fn each_incident_is_one_message_by_name_and_is_resolved_by_one() {
    let receivers = Receivers::default();
    let running = Running::start(receivers.listen());
    let incidents: Vec<_> = INCIDENTS
        .iter()
        .enumerate()
        .map(|(number, incident)| (incident, format!("cluster-{number}")))
        .collect();
    let now: Vec<Value> =
        incidents.iter().flat_map(|(incident, cluster)| firing(incident, cluster)).collect();
    assert!(now.len() > 300, "{} alerts", now.len());
    running.post(&now);
    // The longest wait is that of `info`, half an hour; and then one more interval, for what comes late.
    thread::sleep(Duration::from_secs(40 * 60 / FASTER + 4));
    for (incident, cluster) in &incidents {
        let Incident { what, receiver, named, .. } = incident;
        let sent = receivers.of_cluster(cluster);
        assert_eq!(sent.len(), 1, "{what}: {sent:#?}");
        assert_eq!((&*sent[0].receiver, &*sent[0].status), (*receiver, "firing"), "{what}");
        assert_eq!(sent[0].group[named.0], named.1, "{what}");
        assert!(!sent[0].alerts.is_empty(), "{what}");
    }
    let ends: Vec<_> = now
        .into_iter()
        .map(|mut alert| {
            alert["endsAt"] = json!("2020-01-01T00:00:01Z");
            alert["startsAt"] = json!("2020-01-01T00:00:00Z");
            alert
        })
        .collect();
    running.post(&ends);
    thread::sleep(Duration::from_secs(2 * 10 * 60 / FASTER + 4));
    for (incident, cluster) in &incidents {
        let sent = receivers.of_cluster(cluster);
        let resolved: Vec<_> = sent.iter().filter(|one| one.status == "resolved").collect();
        assert_eq!((sent.len(), resolved.len()), (2, 1), "{}: {sent:#?}", incident.what);
    }
}
