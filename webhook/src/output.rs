//! Standard output, on which somebody may have stopped reading.

use std::io::{self, Write as _};
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
