//! `make instructions`: what a change of the code costs or saves, without a clock.

use std::process::ExitCode;

use clap::Parser as _;
use emberscope_tests::instructions::Args;

fn main() -> ExitCode {
    match Args::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error:#}");
            ExitCode::FAILURE
        }
    }
}
