//! `emberscope`: the verbs around [`emberscope_core`].
//!
//! ```text
//! main -> cli -> serve ------------------> emberscope_serve -> emberscope_core
//!           |--> inject  <- input -------------------------> emberscope_core -> output
//!           |--> explain <- input -------------------------> emberscope_core -> output
//!           |--> policy -----------------------------------> emberscope_core -> output
//!           |--> check ------------------> emberscope_check -> emberscope_ask, emberscope_core
//!           '--> why --------------------> emberscope_why ---> emberscope_ask, emberscope_core
//! ```

pub mod check;
pub mod cli;
pub mod explain;
pub mod inject;
mod input;
mod output;
pub mod policy;
pub mod serve;
pub mod why;

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory as _;
use cli::{Args, Verb};

/// Does what the command line says.
pub fn run(args: Args) -> Result<ExitCode> {
    match args.verb {
        Verb::Serve(args) => serve::run(args),
        Verb::Inject(args) => inject::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Check(args) => check::run(args),
        Verb::Policy(args) => policy::run(&args),
        Verb::Why(args) => why::run(args),
        Verb::Completions { shell } => {
            let (mut command, mut script) = (Args::command(), Vec::new());
            clap_complete::generate(shell, &mut command, "emberscope", &mut script);
            output::print(&script)
        }
    }
}
