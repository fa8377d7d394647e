//! `make demo`: the main job on real Spark and real Prometheus, with no cluster.

use std::process::ExitCode;

use clap::Parser as _;
use emberscope_tests::demo::{Args, Outcome, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(Outcome::Complete) => ExitCode::SUCCESS,
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
