//! Names and numbers that users, Kubernetes, Spark and Prometheus rely on: each is said here, once.

use std::ops::RangeInclusive;

/// What the objects of an installation are called.
pub const NAME: &str = "emberscope";

/// What all annotations and labels of this program begin with.
pub const PREFIX: &str = "emberscope.dev/";

/// On an injected pod: version and fingerprint of the configuration.
pub const INJECTED: &str = "emberscope.dev/injected";

/// The label that opts a namespace in.
pub const OPT_IN: &str = "emberscope.dev/inject";

/// Its value that does.
pub const OPT_IN_VALUE: &str = "enabled";

/// What a pod's own [`OPT_IN`] says to get the sidecar; capitals or not.
pub const CONSENTING: [&str; 2] = ["true", "enabled"];

/// What it says to be left alone; capitals or not.
pub const REFUSING: [&str; 2] = ["false", "disabled"];

/// The injected container; what idempotence goes by.
pub const SIDECAR: &str = "emberscope-sidecar";

/// The sidecar's program in the image.
pub const SIDECAR_PROGRAM: &str = "/emberscope-sidecar";

/// The container of the webhook's pods that runs it.
pub const WEBHOOK_CONTAINER: &str = "webhook";

/// The name of the sidecar's port, which PodMonitors select.
pub const PORT_NAME: &str = "emberscope";

/// The port of the sidecar's `/metrics`.
pub const PORT: u16 = 9814;

/// The port on 127.0.0.1 that Spark pushes its figures to.
pub const PUSH_PORT: u16 = 9815;

/// Where the sidecar serves.
pub const METRICS_PATH: &str = "/metrics";

/// The empty volume that stands where the service account's token would be mounted.
pub const NO_TOKEN: &str = "emberscope-no-token";

/// Where Kubernetes mounts the token of a pod's service account.
pub const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// On a pod that the kubelet made from a file.
pub const MIRROR: &str = "kubernetes.io/config.mirror";

/// The label of nodes by their operating system.
pub const OS: &str = "kubernetes.io/os";

/// The annotations by which Prometheus is told to scrape a pod.
pub const SCRAPE: &str = "prometheus.io/scrape";
/// The port to scrape.
pub const SCRAPE_PORT: &str = "prometheus.io/port";
/// The path to scrape.
pub const SCRAPE_PATH: &str = "prometheus.io/path";

/// Spark's label with the role of a pod.
pub const SPARK_ROLE: &str = "spark-role";

/// Spark's label with the id of the application.
pub const SPARK_APPLICATION: &str = "spark-app-selector";

/// The values of [`SPARK_ROLE`] that mean a driver, unless the configuration says otherwise: Spark's
/// own, and that of a Spark Connect server (Kubeflow's spark-operator).
pub const DRIVER_ROLES: [&str; 2] = ["driver", "connect-server"];

/// The values of [`SPARK_ROLE`] that mean an executor.
pub const EXECUTOR_ROLES: [&str; 1] = ["executor"];

/// Variables that Spark's backend for Kubernetes gives to its containers (`BasicDriverFeatureStep`,
/// `BasicExecutorFeatureStep`, `LocalDirsFeatureStep`).
pub const SPARK_VARIABLES: [&str; 11] = [
    "SPARK_APPLICATION_ID",
    "SPARK_CONF_DIR",
    "SPARK_DRIVER_BIND_ADDRESS",
    "SPARK_DRIVER_URL",
    "SPARK_EXECUTOR_CORES",
    "SPARK_EXECUTOR_ID",
    "SPARK_EXECUTOR_MEMORY",
    "SPARK_EXECUTOR_POD_IP",
    "SPARK_EXECUTOR_POD_NAME",
    "SPARK_LOCAL_DIRS",
    "SPARK_USER",
];

/// The entrypoint of Spark's images, whose first argument is the role.
pub const SPARK_ENTRYPOINT: &str = "entrypoint.sh";

/// Programs of Spark's `bin` and `sbin` that run a driver.
pub const SPARK_PROGRAMS: [&str; 8] = [
    "pyspark",
    "spark-class",
    "spark-shell",
    "spark-sql",
    "spark-submit",
    "sparkR",
    "start-connect-server.sh",
    "start-thriftserver.sh",
];

/// What the names of Spark's classes begin with.
pub const SPARK_CLASS: &str = "org.apache.spark.";

/// Paths of inits that end when they are not process 1: s6-overlay's, and whatever a distribution
/// links there.
pub const INITS: [&str; 4] = ["/init", "/sbin/init", "/usr/sbin/init", "/bin/init"];

/// Inits that do so wherever they lie.
pub const INIT_PROGRAMS: [&str; 3] = ["systemd", "runit-init", "openrc-init"];

/// The variable that Spark's launcher reads JVM options from.
pub const SUBMIT_OPTS: &str = "SPARK_SUBMIT_OPTS";

/// Names of containers that EKS's webhook gives no AWS token, with commas between them
/// (<https://github.com/aws/amazon-eks-pod-identity-webhook>).
pub const SKIP_CONTAINERS: &str = "eks.amazonaws.com/skip-containers";

/// The name of the port of Spark's UI.
pub const SPARK_UI: &str = "spark-ui";

/// The port of Spark's UI where the pod does not say.
pub const SPARK_UI_PORT: u16 = 4040;

/// Where Spark itself may listen: its UI tries 16 ports above 4040.
pub const SPARK_PORTS: [RangeInclusive<u16>; 2] = [4040..=4056, 7078..=7079];

/// Paths of Spark's own pages for Prometheus, less a slash at the end. The sidecar serves them too.
pub const SPARK_PAGES: [&str; 3] =
    ["/metrics/executors/prometheus", "/metrics/driver/prometheus", "/metrics/prometheus"];
