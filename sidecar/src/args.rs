//! What the sidecar is told on its command line: by the webhook, or by hand.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, ValueEnum};

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
  2 for a value that is not understood, else always 0: what a sidecar ends with must not
  become the verdict on the job beside it. A flag that is not known is left out, with a
  warning: a webhook of another version may have given it.";

/// Re-exposes a Spark pod's figures to Prometheus under stable, typed names.
///
/// The webhook writes these arguments into every sidecar that it injects; by hand, `--role` is
/// all that is needed next to a Spark driver on the same machine.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "emberscope-sidecar", version, max_term_width = 100, after_long_help = MORE)]
pub struct Args {
    /// Which Spark process this pod runs
    #[arg(long, value_enum)]
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
    /// Reads a command line, and leaves out flags that it does not know: a webhook that is newer than
    /// this image may give some, and a sidecar that refuses to run would hold its pod up. They are
    /// returned beside the rest. Ends the process, as clap does, on everything else that is wrong.
    #[must_use]
    pub fn known(arguments: impl IntoIterator<Item = OsString>) -> (Self, Vec<String>) {
        let mut arguments: Vec<OsString> = arguments.into_iter().collect();
        let mut unknown = Vec::new();
        loop {
            let error = match Self::try_parse_from(&arguments) {
                Ok(args) => return (args, unknown),
                Err(error) => error,
            };
            let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
                error.exit()
            };
            let is_it = |argument: &OsString| {
                let text = argument.to_string_lossy();
                text == *flag || text.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))
            };
            let place = arguments.iter().skip(1).position(is_it).map(|place| place + 1);
            match place {
                Some(place)
                    if error.kind() == ErrorKind::UnknownArgument && flag.starts_with("--") =>
                {
                    unknown.push(arguments.remove(place).to_string_lossy().into_owned());
                }
                _ => error.exit(),
            }
        }
    }
}

/// Which of Spark's two processes the pod runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The driver: it has Spark's UI, and with it the driver and executors pages.
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

    #[test]
    fn a_flag_of_a_later_webhook_is_left_out_and_the_rest_counts() {
        let line = ["emberscope-sidecar", "--role=executor", "--later=1", "--port=9900", "--even"];
        let (args, unknown) = Args::known(line.map(OsString::from));
        assert_eq!((args.role, args.port), (Role::Executor, 9900));
        assert_eq!(unknown, ["--later=1", "--even"]);
    }
}
