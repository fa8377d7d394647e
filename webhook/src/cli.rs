//! The command line: verbs and flags. What they do is elsewhere.

pub mod why;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use emberscope_core::config::Image;

/// Makes every Spark job on a Kubernetes cluster observable, with no change to the job.
#[derive(Debug, Parser)]
#[command(name = "emberscope", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Answer the API server: the mutating admission webhook
    ///
    /// Serves /mutate over TLS, and /healthz, /readyz and /metrics over plain HTTP. With
    /// --tls-secret (in a cluster) it needs nothing else installed: it makes its certificate
    /// authority, shares it with the other replicas through that Secret, and keeps the caBundle of
    /// the webhook configuration right. With --cert-dir it serves a certificate from files. With
    /// neither it makes a certificate in memory, for trying things out.
    Serve(Serve),
    /// Show what the webhook would do to a pod, without a cluster
    ///
    /// Reads a Pod, an AdmissionReview, a List or several documents (YAML, as kubectl reads it, or
    /// JSON) and prints them with their pods patched, or with --patch the JSON Patch of each pod. It is
    /// the same function that `serve` calls. Why a pod is left alone, or does not get everything, is
    /// said on standard error.
    #[command(after_help = "Examples:
  emberscope inject -f driver.yaml
  kubectl get pod spark-pi-driver -o json | emberscope inject -f - --patch")]
    Inject(Inject),
    /// Tell why a pod is injected or not, and where each value comes from
    ///
    /// Reads a Pod, an AdmissionReview, a List or several documents (YAML, as kubectl reads it, or
    /// JSON) and names for each pod the rule that decides, what the sidecar would get and from where (annotation, profile, configuration, default, the pod itself),
    /// and what the pod would not get.
    #[command(
        after_help = "Exit status: 0 if every pod gets the sidecar or has it, 3 if one is left alone, 1 if one
cannot be read.

Examples:
  kubectl get pods -l spark-role=driver -o yaml | emberscope explain -f -
  emberscope explain -f driver.yaml -n emr-data-team-a --config config.yaml -o json
  emberscope explain --reasons"
    )]
    Explain(Explain),
    /// Tell whether this cluster is set up, and where the chain to Prometheus breaks
    ///
    /// Walks from the API server over the webhook, its certificate, the labelled namespaces and
    /// Spark's pods to the sidecars, and to the targets, samples, remote write and rules of a
    /// Prometheus. Prints a line for each check and below it, where something is wrong, what
    /// helps. It changes nothing: the driver pod that it has the API server admit is a dry run.
    ///
    /// What it may not look at is a warning that names the missing right; manifests/components/check
    /// has a role with most of them.
    #[command(
        after_help = "Exit status: 0 if nothing failed (warnings may be there), 1 if something did, 2 if the
command line or the kubeconfig cannot be used.

Examples:
  emberscope check
  emberscope check --wait 120 && echo installed
  kubectl port-forward -n monitoring svc/prometheus 9090 &
  emberscope check --prometheus http://127.0.0.1:9090
  emberscope check -o json | jq '.links[].checks[] | select(.outcome == \"fail\")'"
    )]
    Check(Check),
    /// Print the same rules as a MutatingAdmissionPolicy, which needs no server
    ///
    /// From Kubernetes 1.36 on the API server itself can carry out what the webhook does: no pod to
    /// run, no certificate, no call. There are no warnings, audit annotations and metrics then. Prints
    /// a policy and its binding (with profiles: one of each for every profile), ready to be applied.
    #[command(after_help = "Examples:
  emberscope policy | kubectl apply -f -
  emberscope policy --config config.yaml | kubectl diff -f -
  kubectl delete mutatingadmissionpolicies,mutatingadmissionpolicybindings \\
    -l app.kubernetes.io/part-of=emberscope,app.kubernetes.io/component=policy")]
    Policy(Policy),
    /// Tell what became of an application, why, and what to change
    ///
    /// Asks Prometheus for figures and, where there is access, the API server for pods, events and the
    /// end of the driver's log. Prints the outcome and how sure it is, then findings, the likeliest
    /// cause first: what was seen, the setting to change and its value, and what could not be known.
    /// Either of the two alone gives an answer. It changes nothing.
    #[command(
        after_help = "Exit status: 0 if there is an answer and the application runs or succeeded, 3 if it failed, was
killed, is gone or never started (without APPLICATION: if one did), 1 if there is no answer, 2 if
the command line cannot be followed.

Examples:
  emberscope why taxi-trips
  emberscope why -n emr-data-team-a --since 6h
  emberscope why spark-9a01ad31be174956b90c0425b4f384fc -o markdown
  kubectl port-forward -n monitoring svc/prometheus 9090 &
  emberscope why taxi-trips --prometheus http://127.0.0.1:9090 -o json | jq '.findings[0]'"
    )]
    Why(why::Why),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Flags of `emberscope serve`.
#[derive(Debug, Clone, clap::Args)]
#[command(max_term_width = 100)]
pub struct Serve {
    /// Configuration file (YAML); without it the defaults apply
    #[arg(long, value_name = "FILE", env = "EMBERSCOPE_CONFIG")]
    pub config: Option<PathBuf>,

    /// The image that is injected where the configuration names none; without it, the one that this
    /// pod's own container runs (see --pod-name)
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub image: Option<Image>,

    /// The pod that this program runs in, in --namespace; it is read for its image. Without it and
    /// --image, the image is the one that is released with this version
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub pod_name: Option<String>,

    /// Print the configuration and exit: every key with its meaning, or with --config what is in effect
    #[arg(long)]
    pub print_config: bool,

    /// Address of /mutate (TLS)
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8443")]
    pub listen: SocketAddr,

    /// Address of /healthz, /readyz and /metrics (plain HTTP)
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8080")]
    pub ops_listen: SocketAddr,

    /// Directory with tls.crt and tls.key, as cert-manager and the kubelet lay them out
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tls_secret", "ca_out"])]
    pub cert_dir: Option<PathBuf>,

    /// Secret to keep the certificate authority and the certificate in; made if it is not there
    #[arg(
        long,
        value_name = "NAME",
        requires = "webhook_configuration",
        conflicts_with = "ca_out"
    )]
    pub tls_secret: Option<String>,

    /// MutatingWebhookConfiguration whose caBundle is to be kept right
    #[arg(long, value_name = "NAME", requires = "tls_secret")]
    pub webhook_configuration: Option<String>,

    /// Namespace of the Secret and of the Service `emberscope`
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE", default_value = "emberscope")]
    pub namespace: String,

    /// Further DNS name or IP address for the certificate; may be given several times
    #[arg(long = "dns-name", value_name = "NAME")]
    pub dns_names: Vec<String>,

    /// Write the authority of the in-memory certificate to this file (PEM), for clients to trust
    #[arg(long, value_name = "FILE")]
    pub ca_out: Option<PathBuf>,

    /// After SIGTERM, seconds to go on answering before connections are drained
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub lame_duck_seconds: u64,

    /// How many times sooner everything is looked at again; for tests, which would sit it out
    #[arg(long, value_name = "TIMES", default_value_t = 1, hide = true)]
    pub haste: u32,

    /// Log level: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: tracing::Level,

    /// Log format
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Flags of `emberscope inject`.
#[derive(Debug, clap::Args)]
pub struct Inject {
    /// File with a Pod, an AdmissionReview, a List or several documents; - for standard input
    #[arg(short, long = "filename", value_name = "FILE")]
    pub filename: PathBuf,

    /// Configuration file (YAML); without it the defaults apply
    #[arg(long, value_name = "FILE", env = "EMBERSCOPE_CONFIG")]
    pub config: Option<PathBuf>,

    /// The image that is injected where the configuration names none; without it, the one that is
    /// released with this version
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub image: Option<Image>,

    /// Namespace that the pod is created in, for the configuration's profiles; without it, what the
    /// file says
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Print the JSON Patch instead of the patched pod
    #[arg(long)]
    pub patch: bool,

    /// Output format; without it, that of the input
    #[arg(short, long, value_enum)]
    pub output: Option<Format>,
}

/// Flags of `emberscope explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// File with a Pod, an AdmissionReview, a List or several documents; - for standard input
    #[arg(short, long = "filename", value_name = "FILE", required_unless_present = "reasons")]
    pub filename: Option<PathBuf>,

    /// Configuration file (YAML); without it the defaults apply
    #[arg(long, value_name = "FILE", env = "EMBERSCOPE_CONFIG")]
    pub config: Option<PathBuf>,

    /// The image that is injected where the configuration names none; without it, the one that is
    /// released with this version
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub image: Option<Image>,

    /// Namespace that the pod is created in, for the configuration's profiles; without it, what the
    /// file says
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Output format
    #[arg(short, long, value_enum, default_value_t = Report::Text)]
    pub output: Report,

    /// List every reason for which a pod is left alone or does not get everything
    #[arg(long, conflicts_with = "filename")]
    pub reasons: bool,
}

/// How an explanation is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Report {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Flags of `emberscope check`.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Namespace of the webhook
    #[arg(short, long, value_name = "NAMESPACE", default_value = "emberscope")]
    pub namespace: String,

    /// Prometheus to ask, http or https, with a path where it has one; without it the one of
    /// manifests/monitoring/prometheus, through the API server
    #[arg(long, value_name = "URL", value_parser = http_url)]
    pub prometheus: Option<hyper::Uri>,

    /// File with the bearer token that Prometheus wants
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    pub prometheus_token_file: Option<PathBuf>,

    /// Output format
    #[arg(short, long, value_enum, default_value_t = Report::Text)]
    pub output: Report,

    /// Look again every 2 s for so long, until nothing fails
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub wait: u64,

    /// kubeconfig file; without it $KUBECONFIG, ~/.kube/config, or the pod's service account
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig; without it the current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

fn image(text: &str) -> Result<Image, String> {
    Image::try_from(text.to_owned())
}

fn http_url(text: &str) -> Result<hyper::Uri, String> {
    let url: hyper::Uri = text.parse().map_err(|_| "it is no URL".to_owned())?;
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("it may hold no user and password: they would not be sent".to_owned());
    }
    match (url.scheme_str(), url.host(), url.query()) {
        (Some("http" | "https"), Some(_), None) => Ok(url),
        _ => {
            Err("it has to be http://HOST or https://HOST, with or without port and path"
                .to_owned())
        }
    }
}

/// Flags of `emberscope policy`.
#[derive(Debug, clap::Args)]
pub struct Policy {
    /// Configuration file (YAML); without it the defaults apply
    #[arg(long, value_name = "FILE", env = "EMBERSCOPE_CONFIG")]
    pub config: Option<PathBuf>,

    /// The image that is injected where the configuration names none; without it, the one that is
    /// released with this version
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub image: Option<Image>,
}

/// A serialisation of Kubernetes objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// YAML.
    Yaml,
    /// Indented JSON.
    Json,
}

/// The long help of one verb, as `emberscope VERB --help` prints it to a terminal of 100 columns.
#[must_use]
pub fn help(verb: &str) -> String {
    let command = Args::command().term_width(100);
    let found = command.find_subcommand(verb).cloned();
    found.map_or_else(String::new, |verb| {
        verb.bin_name("").term_width(100).render_long_help().to_string()
    })
}
