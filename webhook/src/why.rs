//! `emberscope why`: flags and exit codes for [`emberscope_why`].

use std::process::ExitCode;

use anyhow::{Result, bail};
use emberscope_ask::clients::Login;
use emberscope_why::{Options, answer, gather, gather_all, render};

use crate::cli::why::{Answer, Why};
use crate::output::{INTERRUPTED, print, wants_colours};

/// Exit code where there is an answer, and the application (or one of those listed) failed, was killed, was lost or
/// never started.
const NOT_WELL: u8 = 3;

/// Prints what became of an application, or of all.
pub fn run(args: Why) -> Result<ExitCode> {
    let login =
        match (args.prometheus_token_file, args.prometheus_user, args.prometheus_password_file) {
            (Some(file), ..) => Login::Token(file),
            (None, Some(user), Some(file)) => Login::Password(user, file),
            _ => Login::None,
        };
    let options = Options {
        namespace: args.namespace,
        since: args.since,
        prometheus: args.prometheus,
        login,
        kubeconfig: args.kubeconfig,
        context: args.context,
    };
    match args.application {
        Some(called) => one(&options, &called, args.output),
        None => all(&options, args.output),
    }
}

fn one(options: &Options, called: &str, output: Answer) -> Result<ExitCode> {
    let Some(facts) = gather(options, called)? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let answer = answer(&facts);
    print(match output {
        Answer::Text => render::text(&answer, wants_colours()),
        Answer::Json => render::json(&answer),
        Answer::Markdown => render::markdown(&answer),
        Answer::Html => render::html(&answer, &facts),
        Answer::Facts => render::facts_json(&facts),
    })?;
    Ok(exit_code(answer.outcome.verdict.is_bad()))
}

fn all(options: &Options, output: Answer) -> Result<ExitCode> {
    if matches!(output, Answer::Facts | Answer::Html) {
        bail!("this output is for one application: name it");
    }
    let Some(facts) = gather_all(options)? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let mut answers: Vec<_> = facts.iter().map(answer).collect();
    render::sort(&mut answers);
    print(match output {
        Answer::Json => render::list_json(&answers)?,
        Answer::Markdown => render::list_markdown(&answers),
        _ => render::list_text(&answers, wants_colours()),
    })?;
    Ok(exit_code(answers.iter().any(|answer| answer.outcome.verdict.is_bad())))
}

fn exit_code(is_bad: bool) -> ExitCode {
    if is_bad { ExitCode::from(NOT_WELL) } else { ExitCode::SUCCESS }
}
