//! Standard output, on which somebody may have stopped reading.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

/// Prints; whoever reads no further has seen enough.
pub(crate) fn print(text: impl AsRef<[u8]>) -> Result<ExitCode> {
    match io::stdout().write_all(text.as_ref()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Exit code after Ctrl-C or SIGTERM, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Colours are for terminals that can show them, and for people who have not said no
/// (<https://no-color.org>).
pub(crate) fn wants_colours() -> bool {
    let said_no = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !said_no && env::var_os("TERM").is_none_or(|term| term != "dumb") && io::stdout().is_terminal()
}
