//! The sidecar's part of `make bench`.

use std::process::ExitCode;

use clap::Parser as _;
use emberscope_tests::scrapes::Args;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Args::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scrapes: {error:#}");
            ExitCode::FAILURE
        }
    }
}
