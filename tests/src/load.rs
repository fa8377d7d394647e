//! Admission under load: an open loop over TLS, as API servers call.
//!
//! Requests are due at a fixed rate whether or not earlier ones were answered, and a request's time
//! counts from when it was due: a server that stalls cannot hide it.

pub mod attack;
mod pure;
mod server;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use clap::Parser;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::places::Places;
use crate::process::{cpu, peak};
use server::Server;

/// Starts `emberscope serve`, as it is in the image, and sends it admission reviews at a fixed rate;
/// prints how long the answers took, and what they cost the server.
#[derive(Debug, Parser)]
#[command(name = "load", version, max_term_width = 100)]
pub struct Args {
    /// Reviews per second of a captured driver pod
    #[arg(long, default_value_t = 600)]
    rate: u32,

    /// Seconds for each kind of pod
    #[arg(long, default_value_t = 10)]
    seconds: u32,

    /// Connections kept open, as API servers keep them
    #[arg(long, default_value_t = 8)]
    connections: usize,

    /// Measure while the server is attacked, by one kind of attack after the other
    #[arg(long)]
    attack: bool,
}

/// One kind of review, and how often it is sent.
struct Kind {
    name: &'static str,
    body: Bytes,
    rate: u32,
}

/// What one kind took.
struct Took {
    /// From when a review was due to its answer, sorted.
    times: Vec<Duration>,
    /// CPU time of the server.
    cpu: Duration,
    /// Highest resident memory of the server so far, in KiB.
    peak: u64,
}

impl Args {
    /// Measures every kind of pod.
    pub fn run(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            if self.attack {
                return attack::measure(Duration::from_secs(self.seconds.into())).await;
            }
            self.measure().await
        })
    }

    #[allow(clippy::print_stdout)]
    async fn measure(&self) -> Result<()> {
        let places = Places::find()?;
        println!("The function alone:\n");
        println!("| review | size | median | for each KiB |");
        println!("|---|---|---|---|");
        for kind in captured(&places)?.iter().chain(&self.kinds(&places)?[1..]) {
            let median = pure::median(&kind.body)?;
            let each = median.as_secs_f64() * 1e9 / kind.body.len() as f64;
            println!(
                "| {} | {} KiB | {} | {:.1} µs |",
                kind.name,
                kind.body.len() >> 10,
                millis(median),
                each * 1024.0 / 1000.0,
            );
        }
        println!("\nThe server, asked over TLS:\n");
        let server = Server::start(&places.shipped("emberscope")?).await?;

        println!("| pod | size | reviews/s | p50 | p99 | p99.9 | CPU s per 1,000 | peak RSS |");
        println!("|---|---|---|---|---|---|---|---|");
        for kind in self.kinds(&places)? {
            let took = self.load(&kind, &server).await?;
            let count = took.times.len();
            // In thousandths, rounded down.
            let at = |share: usize| took.times[(count - 1) * share / 1000];
            println!(
                "| {} | {} KiB | {} | {} | {} | {} | {:.3} | {:.1} MiB |",
                kind.name,
                kind.body.len() >> 10,
                kind.rate,
                millis(at(500)),
                millis(at(990)),
                millis(at(999)),
                took.cpu.as_secs_f64() * 1000.0 / count as f64,
                took.peak as f64 / 1024.0,
            );
        }
        server.stop().await;
        Ok(())
    }

    /// A captured driver, and the same with so much in it that it takes long to read.
    fn kinds(&self, places: &Places) -> Result<Vec<Kind>> {
        let file = "tests/golden/admission/spark-3.5.6-driver/review.json";
        let review: Value = serde_json::from_slice(&fs::read(places.root.join(file))?)?;
        let with_env = |count: usize, length: usize| {
            let mut review = review.clone();
            let env = &mut review["request"]["object"]["spec"]["containers"][0]["env"];
            if let Some(env) = env.as_array_mut() {
                let value = "x".repeat(length);
                env.extend(
                    (0..count).map(|i| json!({"name": format!("VARIABLE_{i}"), "value": value})),
                );
            }
            serde_json::to_vec(&review).map(Bytes::from)
        };
        Ok(vec![
            Kind { name: "captured driver", body: with_env(0, 0)?, rate: self.rate },
            Kind { name: "2,000 variables", body: with_env(2000, 20)?, rate: 50 },
            Kind { name: "2,000 long variables", body: with_env(2000, 720)?, rate: 20 },
            Kind { name: "4,000 long variables", body: with_env(4000, 720)?, rate: 10 },
        ])
    }

    async fn load(&self, kind: &Kind, server: &Server) -> Result<Took> {
        let pid = server.pid;
        let (give, idle) = mpsc::channel::<Connection>(self.connections);
        for _ in 0..self.connections {
            give.send(Connection::open(server.port, &server.authority).await?).await?;
        }
        let idle = Arc::new(Mutex::new(idle));
        let before = cpu(pid)?;
        let start = Instant::now();
        let mut answers = JoinSet::new();
        for number in 0..kind.rate * self.seconds {
            let due = start + Duration::from_secs(1) * number / kind.rate;
            wait_until(due).await;
            let (give, idle, body) = (give.clone(), Arc::clone(&idle), kind.body.clone());
            answers.spawn(async move {
                let mut connection = idle.lock().await.recv().await.context("no connection")?;
                let answer = connection.post("/mutate?timeout=2s", body).await?.ok()?;
                let took = due.elapsed();
                ensure!(answer.windows(7).any(|part| part == b"\"patch\""), "there is no patch");
                give.send(connection).await?;
                Ok(took)
            });
        }
        let mut times = Vec::new();
        while let Some(took) = answers.join_next().await {
            times.push(took??);
        }
        times.sort_unstable();
        Ok(Took { times, cpu: cpu(pid)?.saturating_sub(before), peak: peak(pid)? })
    }
}

/// Waits to the microsecond: the runtime's own timer is a millisecond late, which is as long as
/// what is measured.
async fn wait_until(due: Instant) {
    if let Some(early) = due.checked_sub(Duration::from_millis(2)) {
        tokio::time::sleep_until(early.into()).await;
    }
    while Instant::now() < due {
        tokio::task::yield_now().await;
    }
}

/// The reviews that were captured from real submissions.
fn captured(places: &Places) -> Result<Vec<Kind>> {
    ["spark-3.5.6-driver", "spark-3.5.6-executor", "spark-4.0.4-driver", "spark-4.0.4-executor"]
        .into_iter()
        .map(|name| {
            let file = format!("tests/golden/admission/{name}/review.json");
            Ok(Kind { name, body: fs::read(places.root.join(file))?.into(), rate: 0 })
        })
        .collect()
}

fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}
