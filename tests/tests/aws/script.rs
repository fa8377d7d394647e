//! Runs the repository's scripts with the AWS CLI of the set-up and nothing of this machine's account.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::root;

/// A program of the set-up's virtual environment.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = root().join(".cache/aws/bin").join(name);
    assert!(path.exists(), "there is no {}; run tests/setup.sh test", path.display());
    path
}

/// A script that is ready to run.
pub(crate) fn script(path: &str, endpoint: &str) -> Command {
    let mut command = Command::new(root().join(path));
    with_environment(&mut command, endpoint).stdin(Stdio::null());
    command
}

/// Credentials that are good for nothing, a region, and where AWS is.
pub(crate) fn with_environment<'a>(command: &'a mut Command, endpoint: &str) -> &'a mut Command {
    let folder = program("aws").parent().unwrap().to_path_buf();
    let path = std::env::var("PATH").unwrap();
    command
        .env_clear()
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("HOME", "/nonexistent")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("AWS_ENDPOINT_URL", endpoint)
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Its exit status.
    pub(crate) status: i32,
    /// Its standard output.
    pub(crate) printed: String,
    /// Its standard error.
    pub(crate) said: String,
}

impl Finished {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            printed: String::from_utf8(output.stdout).unwrap(),
            said: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs it to its end.
    pub(crate) fn run(command: &mut Command) -> Self {
        Self::of(command.output().unwrap())
    }
}

/// `bash -n` would not see a misspelt variable; shellcheck does.
#[test]
fn shellcheck_has_nothing_to_say_about_any_script() {
    let scripts = [
        "manifests/aws/cleanup.sh",
        "manifests/aws/grafana.sh",
        "manifests/samples/start-job-run.sh",
    ];
    let finished =
        Finished::run(Command::new(program("shellcheck")).args(scripts).current_dir(root()));
    assert_eq!(finished.status, 0, "{}{}", finished.printed, finished.said);
}
