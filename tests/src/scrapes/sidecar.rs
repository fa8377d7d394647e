//! The real program beside a stand-in for Spark's UI: what a scrape takes and what it costs.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::bar;
use super::client::Client;
use super::pages;
use super::stand_in::{Pages, StandIn};
use crate::programs::Programs;
use crate::{ports, process};

const NAME: &str = "sidecar";

/// Starts that the quickest is taken of: what else the machine does is not the sidecar's.
const STARTS: usize = 10;

/// What one size of job is measured with, and held against (design, section 4).
struct Job {
    name: &'static str,
    /// None: Spark has the page switched off.
    executors: Option<usize>,
    /// Scrapes of each kind, for each hundred of `--scrapes`.
    scrapes: u32,
    /// MiB after 50 scrapes.
    resident: Option<f64>,
    /// Milliseconds of CPU for an answer that is not compressed.
    cpu: Option<f64>,
}

const JOBS: [Job; 5] = [
    Job {
        name: "driver page alone",
        executors: None,
        scrapes: 100,
        resident: Some(3.2),
        cpu: Some(0.35),
    },
    Job {
        name: "and 1 executor",
        executors: Some(1),
        scrapes: 100,
        resident: Some(3.2),
        cpu: Some(0.35),
    },
    Job { name: "and 100", executors: Some(100), scrapes: 40, resident: None, cpu: None },
    Job {
        name: "and 1,000",
        executors: Some(1_000),
        scrapes: 20,
        resident: Some(6.0),
        cpu: Some(9.0),
    },
    Job {
        name: "and 10,000",
        executors: Some(10_000),
        scrapes: 10,
        resident: Some(32.0),
        cpu: None,
    },
];

/// A sidecar that runs.
struct Running {
    programs: Programs,
    pid: u32,
    client: Client,
}

/// Prints the tables of the process.
#[allow(clippy::print_stdout)]
pub(super) async fn measure(root: &Path, program: &Path, scrapes: u32, run: &Path) -> Result<()> {
    let alone = alone().await;
    let size = std::fs::metadata(program)?.len();
    println!("| program | figure |\n|---|---|");
    println!("| size | {} |", bar::size(size, Some(5.0)));
    let start = first_answer(root, program, run).await?;
    println!(
        "| from its start to its first answer, the quickest of {STARTS} | {} |\n",
        bar::time(start, Some(50.0))
    );
    let where_it_runs = if alone {
        "In a process namespace of its own, as in a pod"
    } else {
        "Among all processes of the machine, since it gives no process namespace"
    };
    println!("{where_it_runs}:\n");
    println!(
        "| pages | RSS after 50 scrapes | peak RSS | CPU for a scrape | with gzip | p50 | p99 |"
    );
    println!("|---|---|---|---|---|---|---|");
    for job in JOBS {
        eprintln!("scrapes: the process, {}", job.name);
        let pages = Pages {
            driver: pages::driver(root, pages::DRIVER)?,
            executors: job.executors.map(|count| pages::executors(root, count)).transpose()?,
        };
        let spark = StandIn::start(pages)?;
        let mut running = Running::start(program, spark.port, alone, run).await?;
        let count = (scrapes * job.scrapes / 100).max(10);
        running.scrapes(50).await?;
        let resident = process::resident(running.pid)?;
        let (mut times, plain) = running.scrapes(count).await?;
        running.client = Client::new(running.client.port, true);
        let (_, gzip) = running.scrapes(count).await?;
        times.sort_unstable();
        let at = |percent: usize| bar::time(times[(times.len() - 1) * percent / 100], None);
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            job.name,
            bar::memory(resident, job.resident),
            bar::memory(process::peak(running.pid)?, Some(32.0)),
            bar::time(plain, job.cpu),
            bar::time(gzip, None),
            at(50),
            at(99),
        );
        running.programs.stop_all(Duration::from_secs(1)).await;
    }
    Ok(())
}

impl Running {
    async fn start(program: &Path, spark: u16, alone: bool, run: &Path) -> Result<Self> {
        let port = ports::any()?;
        let mut programs = Programs::new(run);
        let mut command = if alone { enclosed(program) } else { Command::new(program) };
        command.args(arguments(port, spark)?);
        programs.start(NAME, command)?;
        let mut client = Client::new(port, false);
        let ready = async || client.get("/metrics").await.map(drop);
        programs.until(NAME, Duration::from_secs(30), ready).await?;
        let pid = programs.id(NAME).context("the sidecar has no process id")?;
        let pid = if alone { process::child(pid)? } else { pid };
        Ok(Self { programs, pid, client })
    }

    /// So many scrapes, one after the other: how long each took, and the CPU time of one.
    async fn scrapes(&mut self, count: u32) -> Result<(Vec<Duration>, Duration)> {
        let (mut times, before) = (Vec::new(), process::cpu(self.pid)?);
        for _ in 0..count {
            times.push(self.client.get("/metrics").await?.time);
        }
        Ok((times, process::cpu(self.pid)?.saturating_sub(before) / count))
    }
}

/// The quickest time from a start to a whole answer.
async fn first_answer(root: &Path, program: &Path, run: &Path) -> Result<Duration> {
    eprintln!("scrapes: the process, its start");
    let pages = Pages {
        driver: pages::driver(root, pages::DRIVER)?,
        executors: Some(pages::executors(root, 1)?),
    };
    let spark = StandIn::start(pages)?;
    let mut quickest = Duration::MAX;
    for _ in 0..STARTS {
        let (port, mut programs) = (ports::any()?, Programs::new(run));
        let mut command = Command::new(program);
        command.args(arguments(port, spark.port)?);
        let (began, mut client) = (Instant::now(), Client::new(port, false));
        programs.start(NAME, command)?;
        while client.get("/metrics").await.is_err() {
            anyhow::ensure!(began.elapsed() < Duration::from_secs(30), "it does not answer");
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        quickest = quickest.min(began.elapsed());
        programs.stop_all(Duration::from_millis(100)).await;
    }
    Ok(quickest)
}

fn arguments(port: u16, spark: u16) -> Result<[String; 6]> {
    Ok([
        "--role=driver".to_owned(),
        "--address=127.0.0.1".to_owned(),
        format!("--port={port}"),
        format!("--spark-ui-port={spark}"),
        format!("--push-port={}", ports::any()?),
        "--log-level=error".to_owned(),
    ])
}

/// Whether this machine lets a program have its own process namespace, as it has in a pod.
async fn alone() -> bool {
    let tried = enclosed(&PathBuf::from("true")).stderr(std::process::Stdio::null()).status().await;
    tried.is_ok_and(|status| status.success())
}

fn enclosed(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).arg(program);
    command
}
