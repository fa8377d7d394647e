//! The entry point of `emberscope`: arguments in, exit code out. The flow is in `lib.rs`.

use std::process::ExitCode;

use clap::Parser as _;
use emberscope::args::Args;

fn main() -> ExitCode {
    match Args::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("emberscope: {error:#}");
            ExitCode::FAILURE
        }
    }
}
