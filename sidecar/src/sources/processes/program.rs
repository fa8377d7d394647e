//! What a process runs, told from its command line alone.

/// Spark's own main classes, as the entry points of its images start them.
const DRIVER: &[u8] = b"org.apache.spark.deploy.SparkSubmit";
const EXECUTORS: [&[u8]; 2] = [
    b"org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
    b"org.apache.spark.executor.CoarseGrainedExecutorBackend",
];

/// What a command line starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// The driver's JVM.
    SparkDriver,
    /// An executor's JVM.
    SparkExecutor,
    /// Any other JVM.
    Java,
    /// `python -m pyspark.daemon pyspark.worker`, or a fork of it: forks keep the command line.
    PySparkDaemon,
    /// `python -m pyspark.worker`: a worker that no daemon forked.
    PySparkWorker,
    /// Any other Python.
    Python,
    /// R, `SparkR`'s workers included.
    R,
    /// Everything else.
    Other,
}

impl Program {
    /// Reads a `/proc/<pid>/cmdline`: the arguments, each with a zero byte behind it.
    pub(crate) fn parse(cmdline: &[u8]) -> Self {
        let mut arguments = cmdline.split(|byte| *byte == 0);
        let path = arguments.next().unwrap_or_default();
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if name == b"java" {
            java(arguments)
        } else if name.starts_with(b"python") || name.starts_with(b"pypy") {
            python(arguments)
        } else if name == b"R" || name == b"Rscript" {
            Self::R
        } else {
            Self::Other
        }
    }

    /// Whether this is one of Spark's own two processes.
    pub(crate) const fn is_spark(self) -> bool {
        matches!(self, Self::SparkDriver | Self::SparkExecutor)
    }

    /// Whether this is a JVM.
    pub(crate) const fn is_java(self) -> bool {
        matches!(self, Self::SparkDriver | Self::SparkExecutor | Self::Java)
    }
}

/// The first argument that is a class of Spark's is the main class: `spark-class` passes the real
/// one to its launcher (`org.apache.spark.launcher.Main`) as an argument.
fn java<'a>(mut arguments: impl Iterator<Item = &'a [u8]>) -> Program {
    match arguments.find(|argument| argument.starts_with(b"org.apache.spark.")) {
        Some(class) if class == DRIVER => Program::SparkDriver,
        Some(class) if EXECUTORS.contains(&class) => Program::SparkExecutor,
        _ => Program::Java,
    }
}

/// Spark's `PythonWorkerFactory` starts `-m <daemon module> <worker module>` or `-m <worker
/// module>`; the daemon's module can be configured, the worker's is always one of `pyspark`.
fn python<'a>(mut arguments: impl Iterator<Item = &'a [u8]>) -> Program {
    let pyspark = |module: &[u8]| module.starts_with(b"pyspark.");
    while let Some(argument) = arguments.next() {
        match argument {
            b"-m" => {
                let module = arguments.next().unwrap_or_default();
                let next = arguments.next().unwrap_or_default();
                return match module {
                    b"pyspark.daemon" => Program::PySparkDaemon,
                    _ if pyspark(next) => Program::PySparkDaemon,
                    module if pyspark(module) => Program::PySparkWorker,
                    _ => Program::Python,
                };
            }
            // Options with a value of their own.
            b"-X" | b"-W" => {
                arguments.next();
            }
            option if option.starts_with(b"-") && option != b"-c" => {}
            _ => break,
        }
    }
    Program::Python
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn program(line: &str) -> Program {
        Program::parse(format!("{line} ").replace(' ', "\0").as_bytes())
    }

    #[test]
    fn sparks_jvms_are_told_by_their_main_class() {
        for (line, expected) in [
            (
                "/usr/lib/jvm/jre-17/bin/java -cp /opt/spark/conf/:/opt/spark/jars/* -Dspark.x=y -Xmx1g \
                 org.apache.spark.deploy.SparkSubmit --deploy-mode client --class org.apache.spark.examples.SparkPi local:///x.jar",
                Program::SparkDriver,
            ),
            (
                "/opt/java/openjdk/bin/java -Dspark.driver.port=7078 -cp /opt/spark/jars/* \
                 org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend --driver-url spark://x",
                Program::SparkExecutor,
            ),
            (
                "java -cp x org.apache.spark.executor.CoarseGrainedExecutorBackend --cores 1",
                Program::SparkExecutor,
            ),
            // spark-class asks this one how to start the driver.
            (
                "java -Xmx128m -cp /opt/spark/jars/* org.apache.spark.launcher.Main org.apache.spark.deploy.SparkSubmit --class a",
                Program::Java,
            ),
            ("java -jar server.jar", Program::Java),
        ] {
            assert_eq!(program(line), expected, "{line}");
        }
    }

    #[test]
    fn who_only_passes_the_class_on_is_not_spark() {
        for line in [
            "/usr/bin/tini -s -- /usr/bin/java -cp x org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
            "/bin/bash /opt/spark/bin/spark-class org.apache.spark.deploy.SparkSubmit --class a",
            "/pause",
            "",
        ] {
            assert_eq!(program(line), Program::Other, "{line}");
        }
    }

    #[test]
    fn pyspark_is_told_by_its_module() {
        for (line, expected) in [
            ("python3 -m pyspark.daemon pyspark.worker", Program::PySparkDaemon),
            ("/opt/conda/bin/python3.11 -u -X dev -m pyspark.daemon", Program::PySparkDaemon),
            ("python3 -m our.daemon pyspark.worker", Program::PySparkDaemon),
            ("python3 -m pyspark.worker", Program::PySparkWorker),
            ("python3 -m pyspark.sql.worker.analyze_udtf", Program::PySparkWorker),
            ("python3 /opt/app/job.py -m pyspark.daemon", Program::Python),
            ("python3 -m http.server 80", Program::Python),
            ("python3 -c import\tthis -m pyspark.worker", Program::Python),
            ("pypy3 job.py", Program::Python),
            ("/usr/lib/R/bin/exec/R --no-echo --file=job.R", Program::R),
            ("Rscript --vanilla daemon.R", Program::R),
        ] {
            assert_eq!(program(line), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Program::parse(&bytes);
            let _ = Program::parse(&[b"python\0-m\0", bytes.as_slice()].concat());
        }
    }
}
