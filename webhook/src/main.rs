//! The entry point of `emberscope`: arguments in, exit code out. The flow is in `lib.rs`.

use std::process::ExitCode;

use clap::Parser as _;
use emberscope::cli::Args;

fn main() -> ExitCode {
    match emberscope::run(Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("emberscope: {error:#}");
            ExitCode::FAILURE
        }
    }
}
