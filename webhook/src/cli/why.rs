//! Flags of `emberscope why`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::http_url;

/// Flags of `emberscope why`.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// The application: a name (its latest run is meant), an application id, a driver's pod or an EMR
    /// job id; without it every application of the namespace is listed, worst first
    #[arg(value_name = "APPLICATION")]
    pub application: Option<String>,

    /// Namespace of the application; without it all are looked at
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// How far back to look: 45m, 6h, 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = seconds)]
    pub since: f64,

    /// Prometheus to ask, http or https, with a path where it has one; without it the one of
    /// manifests/monitoring/prometheus, through the API server
    #[arg(long, value_name = "URL", env = "EMBERSCOPE_PROMETHEUS", value_parser = http_url)]
    pub prometheus: Option<hyper::Uri>,

    /// File with the bearer token that Prometheus wants
    #[arg(long, value_name = "FILE", requires = "prometheus", conflicts_with = "prometheus_user")]
    pub prometheus_token_file: Option<PathBuf>,

    /// User that Prometheus wants (basic authentication)
    #[arg(
        long,
        value_name = "NAME",
        requires = "prometheus",
        requires = "prometheus_password_file"
    )]
    pub prometheus_user: Option<String>,

    /// File with that user's password
    #[arg(long, value_name = "FILE", requires = "prometheus_user")]
    pub prometheus_password_file: Option<PathBuf>,

    /// Output format
    #[arg(short, long, value_enum, default_value_t = Answer::Text)]
    pub output: Answer,

    /// kubeconfig file; without it $KUBECONFIG, ~/.kube/config, or the pod's service account
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig; without it the current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Answer {
    /// For people.
    Text,
    /// For programs; docs/why.md has the fields.
    Json,
    /// For a ticket.
    Markdown,
    /// One page with pictures, of one application.
    Html,
    /// What was gathered, before anything is concluded: for a report that an answer is wrong.
    Facts,
}

/// `45m`, `6h`, `7d`, `90s` in seconds.
fn seconds(text: &str) -> Result<f64, String> {
    let wrong = || "it has to be a number and s, m, h or d, such as 6h".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let factor = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = number * factor;
    if (60.0..=366.0 * 86400.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("it has to be between a minute and a year".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        for (text, expected) in
            [("90s", 90.0), ("45m", 2700.0), ("6h", 21600.0), ("1.5d", 129_600.0)]
        {
            assert_eq!(seconds(text), Ok(expected));
        }
        for text in ["", "6", "h", "-1h", "5w", "NaNh", "1s", "infd", "6ü"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
