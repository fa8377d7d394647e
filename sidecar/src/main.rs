//! The sidecar's entry point: arguments in, exit code out. What holds what is in `run.rs`.

use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use emberscope_sidecar::args::{Args, LeftOut};
use emberscope_sidecar::shutdown::Signals;
use tokio::runtime::Runtime;

/// Ends with 0, come what may: what a sidecar ends with must not become the verdict on the job beside
/// it.
fn main() -> ExitCode {
    // Signals first: whoever is told to end before it can be heard ends with the signal's status.
    let begun = catch_unwind(begin);
    let (args, left_out) = Args::understood(std::env::args_os());
    tracing_subscriber::fmt()
        .with_max_level(args.log_level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // A log that cannot be written must not be a panic.
        .log_internal_errors(false)
        .init();
    let lived = begun.and_then(|begun| {
        catch_unwind(AssertUnwindSafe(|| {
            for LeftOut { argument, reason } in left_out {
                tracing::warn!(argument, "left out: {reason}");
            }
            match begun {
                Ok((runtime, signals)) => live(args, runtime, signals),
                Err(error) => tracing::error!("cannot begin: {error:#}"),
            }
        }))
    });
    if lived.is_err() {
        let _ = catch_unwind(|| tracing::error!("ended by a defect; its message is above"));
    }
    ExitCode::SUCCESS
}

/// Starts to listen to signals, for which there has to be a runtime.
fn begin() -> anyhow::Result<(Runtime, Signals)> {
    // One thread for everything, and another for the kernel's files, which may keep a reader waiting
    // (`sources.rs`); once it is there, it stays.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::MAX)
        .build()
        .context("cannot start the runtime")?;
    let listening = {
        let _context = runtime.enter();
        Signals::listen()
    };
    Ok((runtime, listening.context("cannot listen to signals")?))
}

fn live(args: Args, runtime: Runtime, signals: Signals) {
    runtime.block_on(emberscope_sidecar::run::run(args, signals));
    // A read that hangs in the kernel is left behind.
    runtime.shutdown_background();
}
