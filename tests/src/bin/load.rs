//! `make bench`: how long the webhook takes, measured as an API server would feel it.

use std::process::ExitCode;

use clap::Parser as _;
use emberscope_tests::load::Args;

fn main() -> ExitCode {
    match Args::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}
