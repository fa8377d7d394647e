//! What the sidecar costs: its functions alone, the process beside a stand-in for Spark's UI, and the
//! process beside other exporters of one real Spark.

mod bar;
mod beside;
mod client;
pub mod function;
mod pages;
mod sidecar;
mod stand_in;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use tokio::process::Command;

use self::function::{Body, NAMES};
use crate::places::Places;

/// Measures what the sidecar costs and prints it as tables: time, CPU, memory, allocations.
#[derive(Debug, Parser)]
#[command(name = "scrapes", version, max_term_width = 100)]
pub struct Args {
    /// What to measure, in this order; all of it where none is named
    #[arg(value_enum)]
    parts: Vec<Part>,

    /// Scrapes of the smallest pages; of larger ones there are less
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    scrapes: u32,

    /// Seconds for each page that the functions alone are given
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    seconds: u64,

    /// The program to measure; default: the one that images are made of
    #[arg(long, value_name = "FILE")]
    sidecar: Option<PathBuf>,

    /// The JMX exporter's Java agent; default: the one that tests/setup.sh bench fetches
    #[arg(long, value_name = "JAR")]
    jmx_agent: Option<PathBuf>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// From Spark's bytes to the answer's, in this process
    Functions,
    /// The program, beside a stand-in for Spark's UI
    Process,
    /// The program and other exporters, for one real Spark
    Beside,
}

impl Args {
    /// Measures, and prints.
    #[allow(clippy::print_stdout)]
    pub async fn run(&self) -> Result<()> {
        let mut places = Places::find()?;
        let run = tempfile::tempdir()?;
        places.run = run.path().to_owned();
        places.logs = run.path().join("logs");
        fs::create_dir(&places.logs)?;
        let sidecar = match &self.sidecar {
            Some(file) => {
                file.canonicalize().with_context(|| format!("there is no {}", file.display()))?
            }
            None => places.shipped("emberscope-sidecar")?,
        };
        let wanted = |part| self.parts.is_empty() || self.parts.contains(&part);
        if wanted(Part::Functions) {
            println!("The functions alone:\n");
            self.functions(&places).await?;
        }
        if wanted(Part::Process) {
            let linked =
                if is_static(&sidecar)? { "statically, as in the image" } else { "dynamically" };
            println!("\nThe process, linked {linked}:\n");
            sidecar::measure(&places.root, &sidecar, self.scrapes, &places.run).await?;
        }
        if wanted(Part::Beside) {
            println!("\nBeside others, for one Spark 3.5.6 with two executors:\n");
            beside::measure(&sidecar, &places, self.scrapes.min(200), self.jmx_agent.clone())
                .await?;
        }
        Ok(())
    }

    #[allow(clippy::print_stdout)]
    async fn functions(&self, places: &Places) -> Result<()> {
        println!(
            "| page | size | median | MB/s | with gzip | allocations | bytes | most at once |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for name in NAMES {
            eprintln!("scrapes: the functions, {name}");
            let body = Body::find(&places.root, name)?;
            let long = Duration::from_secs(self.seconds);
            let (plain, gzip) = (body.median(false, long), body.median(true, long));
            let counted = allocations(places, name).await?;
            println!(
                "| {name} | {} KiB | {} | {:.0} | {} | {} | {} KiB | {} KiB |",
                body.bytes.len() >> 10,
                bar::time(plain, None),
                body.bytes.len() as f64 / 1e6 / plain.as_secs_f64(),
                bar::time(gzip, None),
                counted[0],
                counted[1] >> 10,
                counted[2] >> 10,
            );
        }
        Ok(())
    }
}

/// Counted in another program: to count slows down what is counted.
async fn allocations(places: &Places, name: &str) -> Result<Vec<u64>> {
    let output = Command::new(places.built("allocations")?).arg(name).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let numbers = text.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
    ensure!(numbers.len() == 3, "it counted '{text}'");
    Ok(numbers)
}

/// Whether the program names no dynamic linker: the kernel then starts it by itself.
fn is_static(program: &Path) -> Result<bool> {
    let bytes = fs::read(program)?;
    Ok(!bytes.windows(9).take(4096).any(|text| text == b"ld-linux-"))
}
