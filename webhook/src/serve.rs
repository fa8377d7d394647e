//! `emberscope serve`: flags and log for [`emberscope_serve`].

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use emberscope_core::Config;
use emberscope_core::config::DEFAULT_YAML;
use emberscope_core::contract::NAME;
use emberscope_serve::{ImageSource, Intervals, Options, Source};
use tracing_subscriber::EnvFilter;

use crate::cli::{LogFormat, Serve};
use crate::output::print;

/// Serves until asked to end, or prints the configuration.
pub fn run(args: Serve) -> Result<ExitCode> {
    if args.print_config {
        return match &args.config {
            None => print(DEFAULT_YAML),
            file => print(serde_saphyr::to_string(&Config::load(file.as_deref())?)?),
        };
    }
    log(&args);
    emberscope_serve::run(options(args)).map(|()| ExitCode::SUCCESS)
}

fn options(args: Serve) -> Options {
    let mut names = vec![format!("{NAME}.{}.svc", args.namespace)];
    names.extend(args.dns_names);
    if args.tls_secret.is_none() {
        names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    }
    let own_image = match (args.image, args.pod_name) {
        (None, Some(pod)) => ImageSource::Pod { namespace: args.namespace.clone(), pod },
        (image, _) => ImageSource::Said(image),
    };
    let certificate = match (args.tls_secret, args.webhook_configuration, args.cert_dir) {
        (Some(secret), Some(configuration), _) => {
            Source::Secret { namespace: args.namespace, secret, configuration }
        }
        (_, _, Some(directory)) => Source::Directory(directory),
        _ => Source::Memory { ca_out: args.ca_out },
    };
    Options {
        config: args.config,
        own_image,
        listen: args.listen,
        ops_listen: args.ops_listen,
        certificate,
        names,
        intervals: Intervals::default().hastened(args.haste),
        lame_duck: Duration::from_secs(args.lame_duck_seconds),
    }
}

fn log(args: &Serve) {
    // The client for the API server says every failure by itself, as an error and without the reason;
    // what is done about it is said here, with the reason.
    let quiet = if args.log_level < tracing::Level::DEBUG { ",kube_client=off" } else { "" };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{}{quiet}", args.log_level)))
        .with_writer(std::io::stderr)
        .with_target(false);
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    match args.log_format {
        LogFormat::Text => builder.with_ansi(terminal).init(),
        LogFormat::Json => builder.json().init(),
    }
}
