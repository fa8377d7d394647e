//! The sidecar's entry point: arguments in, exit code out. The flow is in `lib.rs`.

use clap::Parser as _;
use emberscope_sidecar::args::Args;

fn main() {
    let _ = Args::parse();
}
