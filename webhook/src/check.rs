//! `emberscope check`: flags and exit codes for [`emberscope_check`].

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use emberscope_check::{Options, all_well, json, text};

use crate::cli::{Check, Report};
use crate::output::{INTERRUPTED, print, wants_colours};

/// Exit code for a command line that cannot be followed.
const USAGE: u8 = 2;

/// Prints what was found.
pub fn run(args: Check) -> Result<ExitCode> {
    let output = args.output;
    let options = Options {
        namespace: args.namespace,
        prometheus: args.prometheus,
        prometheus_token_file: args.prometheus_token_file,
        wait: Duration::from_secs(args.wait),
        kubeconfig: args.kubeconfig,
        context: args.context,
    };
    let findings = match emberscope_check::run(&options) {
        Ok(Some(findings)) => findings,
        Ok(None) => return Ok(ExitCode::from(INTERRUPTED)),
        Err(error) => {
            let _ = writeln!(io::stderr(), "emberscope: {error:#}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    print(match output {
        Report::Text => text(&findings, wants_colours()),
        Report::Json => serde_json::to_string_pretty(&json(&findings))? + "\n",
    })?;
    Ok(if all_well(&findings) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
