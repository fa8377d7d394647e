//! What the sidecar is told on its command line: by the webhook, or by hand.

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, Command, CommandFactory as _, FromArgMatches as _, Parser, ValueEnum};

/// What `--help` says after the options.
const MORE: &str = "\
Answers:
  GET /metrics   one scrape, as Prometheus text format 0.0.4 or OpenMetrics 1.0, gzip or plain;
                 ?name[]=FAMILY (several times) for some of its families
  GET /healthz   200 while it lives
  GET /          what this is

Examples:
  Beside a Spark driver on this machine:
    emberscope-sidecar --role=driver
  Beside an executor whose GraphiteSink pushes to 127.0.0.1:9815:
    emberscope-sidecar --role=executor --push-port=9815

Signals:
  SIGTERM        serves the last values until every scraper has them or the linger time is over
  SIGTERM twice  ends at once, as SIGINT (Ctrl-C) does

Exit status:
  Always 0: what a sidecar ends with must not become the verdict on the job beside it. An
  argument that is not understood, be it a flag or a value, is left out with a warning, and
  the default counts: a webhook of another version may have given it.";

/// Re-exposes a Spark pod's figures to Prometheus under stable, typed names.
///
/// The webhook writes these arguments into every sidecar that it injects; by hand, none is
/// needed next to a Spark driver on the same machine.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(
    name = "emberscope-sidecar",
    version,
    max_term_width = 100,
    after_long_help = MORE,
    args_override_self = true
)]
pub struct Args {
    /// Which Spark process this pod runs
    #[arg(long, value_enum, default_value_t)]
    pub role: Role,

    /// Address to serve /metrics on; :: also takes IPv4, and IPv4 alone is used where there is no IPv6
    #[arg(long, value_name = "IP", default_value = "::")]
    pub address: IpAddr,

    /// Port to serve /metrics on
    #[arg(long, value_name = "PORT", default_value_t = 9814, value_parser = port())]
    pub port: u16,

    /// Port of Spark's UI on 127.0.0.1; the 16 ports above it are tried as Spark does (driver only)
    #[arg(long, value_name = "PORT", default_value_t = 4040, value_parser = port())]
    pub spark_ui_port: u16,

    /// Port on 127.0.0.1 that Spark's GraphiteSink pushes to; a driver's pushes stand in for its page
    /// where that cannot be had, as when Spark stops
    #[arg(long, value_name = "PORT", default_value_t = 9815, value_parser = port())]
    pub push_port: u16,

    /// Seconds between two of Spark's pushes; what was pushed is the present for three times as long,
    /// and for a minute at least
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub push_period_seconds: u32,

    /// Name of the Spark container, for the `container` label
    #[arg(long, value_name = "NAME", default_value = "spark")]
    pub container: String,

    /// Spark's application id, where the pod's labels tell it before Spark does
    #[arg(long, value_name = "ID")]
    pub application_id: Option<String>,

    /// Label of the pod that every figure of Spark and its container carries; may be given several
    /// times
    #[arg(long = "metric-label", value_name = "NAME=VALUE")]
    pub metric_labels: Vec<String>,

    /// How much of each of Spark's metrics to serve
    #[arg(long, value_enum, default_value_t)]
    pub profile: Profile,

    /// Whose names to serve beside the stable ones, for dashboards that were made for them
    #[arg(long, value_enum, default_value_t)]
    pub compat: Compat,

    /// Most series to serve; of what is more, each metric keeps its first ones (0: no limit)
    #[arg(long, value_name = "COUNT", default_value_t = 500_000)]
    pub max_series: u32,

    /// Seconds between two readings of what Python processes share, which costs 15 ms per GiB (0: never)
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub pss_interval_seconds: u32,

    /// Most seconds to go on serving the last values after SIGTERM, if a scraper does not take them
    /// sooner: one that comes regularly is waited for one interval and a second
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub linger_seconds: u32,

    /// How many scrapers are waited for in a pod too young to know them: Prometheus replicas, each of
    /// which takes the last values
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub scrapers: u16,

    /// Log level: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: tracing::Level,

    /// Root of the process file system
    #[arg(long, value_name = "DIR", default_value = "/proc")]
    pub proc_root: PathBuf,
}

impl Args {
    /// Reads a command line, and leaves out what it does not understand, for which the default counts:
    /// a webhook that is newer than this image may give flags and values of its own, and a sidecar that
    /// refuses to run would hold its pod up. Ends the process only for `--help` and `--version`.
    #[must_use]
    pub fn understood(arguments: impl IntoIterator<Item = OsString>) -> (Self, Vec<LeftOut>) {
        let mut arguments = arguments.into_iter();
        let mut kept: Vec<OsString> = arguments.next().into_iter().collect();
        let program = kept.clone();
        let mut command = Self::command();
        let mut left_out = Vec::new();
        while let Some(argument) = arguments.next() {
            let mut one = vec![argument];
            if awaits_value(&command, &one[0]) {
                one.extend(arguments.next());
            }
            // No argument needs another: each can be tried by itself.
            match command.try_get_matches_from_mut(program.iter().chain(&one)) {
                Ok(_) => kept.extend(one),
                Err(error) if is_answer(error.kind()) => error.exit(),
                Err(error) => left_out.push(LeftOut::new(&one, &error)),
            }
        }
        let args = command
            .try_get_matches_from_mut(kept)
            .and_then(|matches| Self::from_arg_matches(&matches));
        // A test parses each default; what is left was understood.
        (args.unwrap_or_else(|error| error.exit()), left_out)
    }
}

/// An argument that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// As it was given.
    pub argument: String,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

impl LeftOut {
    fn new(argument: &[OsString], error: &clap::Error) -> Self {
        let words: Vec<_> = argument.iter().map(|word| word.to_string_lossy()).collect();
        // Its usage and its hints come after an empty line.
        let text = error.to_string();
        let reason = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { argument: words.join(" "), reason }
    }
}

/// Whether the argument is a flag whose value is the next argument.
fn awaits_value(command: &Command, argument: &OsStr) -> bool {
    let flag = argument.to_str().and_then(|argument| argument.strip_prefix("--"));
    let known = |flag| command.get_arguments().find(|known| known.get_long() == Some(flag));
    let known = flag.and_then(known);
    known.is_some_and(|known| matches!(known.get_action(), ArgAction::Set | ArgAction::Append))
}

fn is_answer(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

/// Which of Spark's two processes the pod runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Role {
    /// The driver: it has Spark's UI, and with it the driver and executors pages. What a driver's
    /// sidecar looks for includes all that an executor has.
    #[default]
    Driver,
    /// An executor: it has no HTTP; its figures arrive by push.
    Executor,
}

impl Role {
    /// The role as `--role` takes it and as a label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Executor => "executor",
        }
    }
}

/// How much of each of Spark's metrics is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Profile {
    /// What Prometheus can work with.
    #[default]
    Standard,
    /// Also what Dropwizard works out itself: means, extremes, standard deviations and rates.
    Full,
}

/// Whose names are served beside the stable ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Compat {
    /// Nobody's.
    #[default]
    None,
    /// Spark's own names of its driver page, with the application's id in them.
    Servlet,
}

/// A port that can be told to others: 0 would be any.
fn port() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(arguments: &[&str]) -> (Args, Vec<String>) {
        let line = ["emberscope-sidecar"].iter().chain(arguments).map(OsString::from);
        let (args, left_out) = Args::understood(line);
        assert!(left_out.iter().all(|it| !it.reason.is_empty() && !it.reason.contains('\n')));
        (args, left_out.into_iter().map(|it| it.argument).collect())
    }

    #[test]
    fn a_flag_of_a_later_webhook_is_left_out_and_the_rest_counts() {
        let (args, left_out) =
            understood(&["--role=executor", "--later=1", "--port=9900", "--even"]);
        assert_eq!((args.role, args.port), (Role::Executor, 9900));
        assert_eq!(left_out, ["--later=1", "--even"]);
    }

    #[test]
    fn a_value_that_is_not_understood_leaves_the_default() {
        let (args, left_out) = understood(&[
            "--profile=lean",
            "--linger-seconds=5m",
            "--role",
            "master",
            "stray",
            "--port=0",
            "--address=here",
            "--max-series=-1",
            "--compat=",
            "-x",
            "--container=spark-kubernetes-driver",
            "--pss-interval-seconds",
            "60",
            "--log-level",
        ]);
        let (defaults, none) = understood(&[]);
        assert_eq!(none, [""; 0]);
        let expected = Args {
            container: "spark-kubernetes-driver".to_owned(),
            pss_interval_seconds: 60,
            ..defaults
        };
        assert_eq!(args, expected);
        let wrong = [
            "--profile=lean",
            "--linger-seconds=5m",
            "--role master",
            "stray",
            "--port=0",
            "--address=here",
            "--max-series=-1",
            "--compat=",
            "-x",
            "--log-level",
        ];
        assert_eq!(left_out, wrong);
    }

    #[test]
    fn of_a_flag_given_twice_the_last_counts_and_labels_add_up() {
        let (args, left_out) =
            understood(&["--port=1", "--port=2", "--metric-label=a=b", "--metric-label", "c=d"]);
        assert_eq!((args.port, left_out.len()), (2, 0));
        assert_eq!(args.metric_labels, ["a=b", "c=d"]);
    }
}
