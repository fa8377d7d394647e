//! The sidecar's entry point: arguments in, exit code out. The flow is in `lib.rs`.

use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use emberscope_sidecar::args::Args;

/// Bad arguments end with clap's 2. Everything else ends with 0, come what may: Spark 4 fails an
/// executor, and Kubernetes a pod, for a container that ends with anything else.
fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_max_level(args.log_level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    match catch_unwind(AssertUnwindSafe(|| live(args))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!("cannot go on: {error:#}"),
        Err(_) => tracing::error!("ended by a defect; its message is above"),
    }
    ExitCode::SUCCESS
}

fn live(args: Args) -> anyhow::Result<()> {
    // One thread for everything, and another while files are read: see `scrape/files.rs`.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(emberscope_sidecar::run(args));
    // A read that hangs in the kernel is left behind.
    runtime.shutdown_background();
    result
}
