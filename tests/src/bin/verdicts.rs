//! `make node-test`: Spark jobs on a real node, without and with Emberscope.

use std::process::ExitCode;

use clap::Parser as _;
use emberscope_tests::node::Args;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Args::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("verdicts: {error:#}");
            ExitCode::FAILURE
        }
    }
}
