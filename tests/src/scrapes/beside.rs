//! Beside others, in one run: the sidecar, Spark's own pages, and the exporters that people use
//! today, all of them for the same real Spark.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use super::client::Client;
use crate::admission;
use crate::enclosure::{Enclosure, Limits};
use crate::places::{self, Places};
use crate::programs::Programs;
use crate::spark::{Job, TWO_EXECUTORS};
use crate::{ports, process};

const SPARK: &str = "Spark";
const START: Duration = Duration::from_mins(3);

/// Each is asked so often in each round; the rounds go from one to the next, so that what else the
/// machine does is everybody's.
const ROUNDS: u32 = 5;

/// Somebody who can be asked.
struct Contender {
    name: String,
    client: Client,
    paths: Vec<&'static str>,
    /// Its process, where it is one of its own.
    pid: Option<u32>,
    times: Vec<Duration>,
    own: Duration,
    jvm: Duration,
    bytes: usize,
    samples: usize,
}

/// Prints the comparison.
#[allow(clippy::print_stdout)]
pub(super) async fn measure(
    sidecar: &Path,
    places: &Places,
    asked: u32,
    jmx: Option<PathBuf>,
) -> Result<()> {
    let mut programs = Programs::new(&places.run);
    let enclosure = Enclosure::here("emberscope-bench", Limits::of_cores(4));
    let jmx = jmx.or_else(|| Some(places.root.join(".cache/jmx_prometheus_javaagent.jar")));
    let jmx = jmx.filter(|jar| jar.is_file());
    let (spark, agent) = submit(&mut programs, places, &enclosure, jmx.as_deref()).await?;
    let jvm = programs.id(SPARK).context("Spark has no process id")?;
    let mut contenders = vec![Contender::new(
        "Spark's two pages, fetched directly",
        spark.ui,
        &["/metrics/driver/prometheus/", "/metrics/executors/prometheus/"],
    )];
    let mut command = Command::new(sidecar);
    command.args(&spark.sidecar);
    contenders.push(started(&mut programs, "emberscope-sidecar", command, spark.port).await?);
    let mut absent = Vec::new();
    for (name, flag, more) in [
        ("prometheus-process-exporter", "-web.listen-address", &["-procnames", "java,python"][..]),
        ("prometheus-node-exporter", "--web.listen-address", &[][..]),
    ] {
        match places::on_path(name) {
            Err(_) => absent.push(name),
            Ok(program) => {
                let port = ports::any()?;
                let mut command = Command::new(program);
                command.arg(format!("{flag}=127.0.0.1:{port}")).args(more);
                contenders.push(started(&mut programs, name, command, port).await?);
            }
        }
    }
    match agent {
        Some(port) => {
            contenders.push(Contender::new("JMX exporter, agent in the JVM", port, &["/metrics"]));
        }
        None => absent.push("the JMX exporter's agent"),
    }

    eprintln!("scrapes: beside others");
    for contender in &mut contenders {
        // Java is quick only once it has compiled what it does.
        for _ in 0..asked / 2 {
            contender.ask().await?;
        }
        contender.times.clear();
    }
    let mut idle = Duration::ZERO;
    for _ in 0..ROUNDS {
        // What Spark uses while nobody asks.
        let before = process::cpu(jvm)?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        idle += process::cpu(jvm)?.saturating_sub(before);
        for contender in &mut contenders {
            contender.round(asked / ROUNDS, jvm).await?;
        }
    }
    let idle = idle.as_secs_f64() / (2.0 * f64::from(ROUNDS));
    print(&mut contenders, idle)?;
    for name in absent {
        println!("\nNot measured, since it is not installed: {name} (`tests/setup.sh bench`).");
    }
    programs.stop_all(Duration::from_secs(20)).await;
    Ok(())
}

impl Contender {
    fn new(name: &str, port: u16, paths: &[&'static str]) -> Self {
        let zero = Duration::ZERO;
        Self {
            name: name.to_owned(),
            client: Client::new(port, false),
            paths: paths.to_vec(),
            pid: None,
            times: Vec::new(),
            own: zero,
            jvm: zero,
            bytes: 0,
            samples: 0,
        }
    }

    async fn ask(&mut self) -> Result<()> {
        (self.bytes, self.samples) = (0, 0);
        let mut time = Duration::ZERO;
        for path in &self.paths {
            let took = self.client.get(path).await.with_context(|| self.name.clone())?;
            time += took.time;
            self.bytes += took.bytes;
            self.samples += took.samples;
        }
        self.times.push(time);
        Ok(())
    }

    async fn round(&mut self, count: u32, jvm: u32) -> Result<()> {
        let own = |pid: Option<u32>| pid.map_or(Ok(Duration::ZERO), process::cpu);
        let before = (own(self.pid)?, process::cpu(jvm)?);
        for _ in 0..count {
            self.ask().await?;
        }
        self.own += own(self.pid)?.saturating_sub(before.0);
        self.jvm += process::cpu(jvm)?.saturating_sub(before.1);
        Ok(())
    }
}

async fn started(
    programs: &mut Programs,
    name: &'static str,
    command: Command,
    port: u16,
) -> Result<Contender> {
    programs.start(name, command)?;
    let mut contender = Contender::new(name, port, &["/metrics"]);
    let ready = async || contender.ask().await;
    programs.until(name, Duration::from_secs(30), ready).await?;
    contender.pid = programs.id(name);
    Ok(contender)
}

/// Each figure, and in brackets how many times as much as the sidecar's it is.
#[allow(clippy::print_stdout)]
fn print(contenders: &mut [Contender], idle: f64) -> Result<()> {
    println!("| who | series | KiB | p50 | p99 | CPU of its own | CPU of Spark's JVM | RSS |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut rows = Vec::new();
    for contender in contenders.iter_mut() {
        contender.times.sort_unstable();
        let count = contender.times.len();
        let each = |time: f64| time * 1000.0 / count as f64;
        let at =
            |percent: usize| contender.times[(count - 1) * percent / 100].as_secs_f64() * 1000.0;
        let took: Duration = contender.times.iter().sum();
        let jvm = each((contender.jvm.as_secs_f64() - idle * took.as_secs_f64()).max(0.0));
        let own = contender.pid.map(|_| each(contender.own.as_secs_f64()));
        let memory = contender.pid.map(process::resident).transpose()?;
        rows.push((at(50), at(99), own, jvm, memory.map(|kib| kib as f64 / 1024.0)));
    }
    let sidecar = rows[1];
    let times = |figure: f64, of: f64| format!("{figure:.2} ms ({:.1}x)", figure / of);
    for (contender, row) in contenders.iter().zip(&rows) {
        let own = row.2.zip(sidecar.2).map_or("-".to_owned(), |(own, of)| times(own, of));
        let memory = row.4.zip(sidecar.4);
        let memory =
            memory.map_or("-".to_owned(), |(own, of)| format!("{own:.1} MiB ({:.1}x)", own / of));
        println!(
            "| {} | {} | {} | {} | {} | {own} | {:.2} ms | {memory} |",
            contender.name,
            contender.samples,
            contender.bytes >> 10,
            times(row.0, sidecar.0),
            times(row.1, sidecar.1),
            row.3,
        );
    }
    Ok(())
}

/// Where Spark and its sidecar are.
struct Running {
    ui: u16,
    /// The sidecar's.
    port: u16,
    /// As the webhook writes them into the pod.
    sidecar: Vec<String>,
}

/// Submits a real job with what the webhook writes into a driver's pod, and waits until it rests.
/// Where the JMX exporter's agent is given, it is in the JVM; its port is returned.
async fn submit(
    programs: &mut Programs,
    places: &Places,
    enclosure: &Enclosure,
    jmx: Option<&Path>,
) -> Result<(Running, Option<u16>)> {
    let (ui, port, push) = (ports::any()?, ports::any()?, ports::any()?);
    let file = places.root.join("tests/golden/admission/spark-3.5.6-driver/review.json");
    let text = port.to_string();
    let mut review = admission::review(&file, &[("emberscope.dev/port", &text)])?;
    let containers = &mut review["request"]["object"]["spec"]["containers"];
    for port in containers[0]["ports"].as_array_mut().into_iter().flatten() {
        if port["name"] == "spark-ui" {
            port["containerPort"] = ui.into();
        }
    }
    let sink =
        format!("sparkConfs: {{spark.metrics.conf.driver.sink.emberscope.port: \"{push}\"}}\n");
    let driver = admission::decide(&review, &sink)?;
    let mut options = driver.spark_submit_opts()?.to_owned();
    let agent = match jmx {
        None => None,
        Some(jar) => {
            let (port, rules) = (ports::any()?, places.run.join("jmx.yaml"));
            fs::write(&rules, "rules: [{pattern: \".*\"}]\n")?;
            options.push_str(
                " -Dspark.metrics.conf.*.sink.jmx.class=org.apache.spark.metrics.sink.JmxSink",
            );
            let agent = format!("127.0.0.1:{port}:{}", rules.display());
            options.extend([" -javaagent:", &jar.display().to_string(), "=", &agent]);
            Some(port)
        }
    };
    let folder = places.run.join("spark");
    fs::create_dir_all(&folder)?;
    let job = Job {
        home: &places.spark_home("3.5.6")?,
        java: &places.java_home()?,
        master: TWO_EXECUTORS,
        settings: &["--conf".to_owned(), format!("spark.ui.port={ui}")],
        sources: &places.root.join("tests/jobs"),
        program: "resting.py",
        arguments: &[],
        folder: &folder,
        options: &options,
    };
    eprintln!("scrapes: Spark, until its job rests");
    programs.start(SPARK, job.command(enclosure)?)?;
    let log = programs.log(SPARK);
    let rests = async || {
        let log = fs::read(&log)?;
        if log.windows(7).any(|text| text == b"resting") {
            Ok(())
        } else {
            bail!("its job has not come to rest")
        }
    };
    programs.until(SPARK, START, rests).await?;
    Ok((Running { ui, port, sidecar: driver.sidecar_arguments()? }, agent))
}
