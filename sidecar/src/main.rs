//! The sidecar's entry point: arguments in, exit code out. What holds what is in `run.rs`.

use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use emberscope_sidecar::args::{Args, LeftOut};

/// What a webhook gave that still put sidecars beside Spark's container.
const BESIDE_SPARK: &str = "--life=classic";

/// Ends with 0, come what may: what a sidecar ends with must not become the verdict on the job beside
/// it.
fn main() -> ExitCode {
    let (args, left_out) = Args::understood(std::env::args_os());
    tracing_subscriber::fmt()
        .with_max_level(args.log_level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // A log that cannot be written must not be a panic.
        .log_internal_errors(false)
        .init();
    let lived = catch_unwind(AssertUnwindSafe(|| {
        if left_out.iter().any(|it| it.argument == BESIDE_SPARK) {
            // No kubelet would tell this container to end, and its pod never would.
            tracing::error!("not a native sidecar: the webhook is older than this image; leaving");
            return;
        }
        for LeftOut { argument, reason } in left_out {
            tracing::warn!(argument, "left out: {reason}");
        }
        if let Err(error) = live(args) {
            tracing::error!("cannot go on: {error:#}");
        }
    }));
    if lived.is_err() {
        let _ = catch_unwind(|| tracing::error!("ended by a defect; its message is above"));
    }
    ExitCode::SUCCESS
}

fn live(args: Args) -> anyhow::Result<()> {
    // One thread for everything, and another for the kernel's files, which may keep a reader waiting
    // (`sources.rs`); once it is there, it stays.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::MAX)
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(emberscope_sidecar::run::run(args));
    // A read that hangs in the kernel is left behind.
    runtime.shutdown_background();
    result
}
