//! The main job from the admission of a pod to a series in a remote-written Prometheus: the order
//! in which things happen (`steps`), what comes of it (`figures`), and the order in which
//! everything ends (`ending`).

mod clock;
mod ending;
mod figures;
mod steps;

use std::path::PathBuf;
use std::thread::available_parallelism;

use anyhow::Result;
use clap::Parser;
use clap::builder::FalseyValueParser;

use self::clock::Clock;
use self::steps::Steps;
use crate::enclosure::{Enclosure, Limits};
use crate::places::Places;
use crate::ports;
use crate::programs::{Programs, leftovers};

const WEBHOOK: &str = "webhook";
const SCRAPING: &str = "scraping Prometheus";
const RECEIVING: &str = "receiving Prometheus";
const SIDECARS: [&str; 2] = ["driver sidecar", "executor sidecar"];
const SPARK: &str = "Spark";

/// Patches a real Spark driver pod, runs a real Spark job with what the patch says, and shows what
/// arrives in a remote-written Prometheus.
///
/// The webhook is asked over TLS as the API server asks it. Spark is started with the
/// options of the patched driver pod, the sidecars with the arguments of the patched pods; nothing
/// else configures them. One Prometheus scrapes the sidecars with the configuration that
/// manifests/monitoring ships and remote-writes to another, which the table is read from.
///
/// Exit status: 0 if every series arrived, 1 with a sentence if not, 130 after Ctrl-C.
#[derive(Debug, Clone, Parser)]
#[command(name = "demo", version, max_term_width = 100)]
#[command(
    after_help = "Needs what tests/setup.sh installs (make demo runs it first). Logs: .cache/demo/logs."
)]
pub struct Args {
    /// Leave everything running after the table, until Ctrl-C
    #[arg(long, env = "KEEP", value_parser = FalseyValueParser::new())]
    pub keep: bool,

    /// How long to let the job run before looking
    #[arg(long, value_name = "SECONDS", default_value_t = 45)]
    pub seconds: u64,

    /// The Spark to run, of those that tests/setup.sh has set up
    #[arg(long, env = "SPARK_VERSION", value_name = "VERSION", default_value = "3.5.6")]
    pub spark_version: String,

    /// Another Spark installation, with bin/spark-submit and jars in it
    #[arg(long, value_name = "DIR")]
    pub spark_home: Option<PathBuf>,
}

/// How a run came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every series arrived.
    Complete,
    /// The user ended it.
    Interrupted,
}

/// Runs the demonstration; whatever way it ends, nothing that it started goes on.
pub async fn run(args: &Args) -> Result<Outcome> {
    let places = Places::find()?;
    let tools = places.tools(&args.spark_version, args.spark_home.as_deref())?;
    ports::require_localhost()?;
    leftovers::end(&places.run)?;
    places.clear()?;
    leftovers::claim(&places.run)?;
    let mut programs = Programs::new(&places.run);
    let clock = Clock::start();
    let cores = available_parallelism().map_or(2, usize::from);
    let enclosure = Enclosure::here("emberscope-demo", Limits::of_cores(cores));

    let steps = Steps { args, places: &places, tools: &tools, enclosure: &enclosure, clock };
    let outcome = tokio::select! {
        biased;
        outcome = steps.take(&mut programs) => outcome,
        interrupted = ending::interruption() => interrupted.map(|()| Outcome::Interrupted),
    };
    clock.say("stopping everything");
    let ends = tokio::select! {
        ends = ending::stop(&mut programs) => ends,
        _ = ending::interruption() => Vec::new(),
    };
    if matches!(outcome, Ok(Outcome::Complete)) {
        ending::report(&ends)?;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_up_installs_the_spark_that_is_run_by_default() {
        let requirements = include_str!("../requirements.txt");
        let default = Args::parse_from(["demo"]).spark_version;
        assert!(requirements.contains(&format!("pyspark=={default}\n")), "{requirements}");
    }
}
