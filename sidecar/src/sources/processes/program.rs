//! What a process runs, told from its command line, and from its name where somebody has chosen
//! another first word.

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
    /// `python -m <module> <module>`, neither of them PySpark's: a daemon and a worker of the
    /// user's, if it is Spark that has started it.
    PythonModules,
    /// Any other Python.
    Python,
    /// R, `SparkR`'s workers included.
    R,
    /// Everything else: shells, tini, and who else only passes a command line on.
    Other,
}

impl Program {
    /// Reads a `/proc/<pid>/cmdline`, the arguments with a zero byte behind each, of a process of
    /// that name (`comm`).
    pub(crate) fn parse(name: &[u8], cmdline: &[u8]) -> Self {
        let words = cmdline.strip_suffix(b"\0").unwrap_or(cmdline).split(|byte| *byte == 0);
        let mut words = words.peekable();
        while let Some(first) = words.next_if(|word| InFront::of(file_name(word)).is_some()) {
            skip_options(&mut words, InFront::of(file_name(first)));
        }
        let first = file_name(words.next().unwrap_or_default());
        let Some(runtime) = Runtime::of(first).or_else(|| renamed(name, words.clone())) else {
            return Self::Other;
        };
        // The kernel may hand an emulator both the file and the first word (`binfmt_misc`, flag P).
        words.next_if(|word| Runtime::of(file_name(word)) == Some(runtime));
        match runtime {
            Runtime::Java => java(words),
            Runtime::Python => python(words),
            Runtime::R => Self::R,
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

/// What runs others' programs, told by the name of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runtime {
    Java,
    Python,
    R,
}

impl Runtime {
    /// `java`, `java17`, `python3.12`, `pypy3`, `Rscript`, …; not `javac` nor `python_job.py`.
    fn of(file: &[u8]) -> Option<Self> {
        let version = |rest: &[u8]| {
            let begins = rest.first().is_none_or(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'));
            begins && !rest.ends_with(b".py") && !rest.ends_with(b".sh")
        };
        let is = |name: &[u8]| file.strip_prefix(name).is_some_and(version);
        if is(b"java") {
            Some(Self::Java)
        } else if is(b"python") || is(b"pypy") || is(b"graalpy") {
            Some(Self::Python)
        } else if file == b"R" || file == b"Rscript" {
            Some(Self::R)
        } else {
            None
        }
    }
}

/// What may stand in front and runs the rest within its own process, whose command line it stays.
/// Who executes the rest (`taskset`, `nice`, `env`) is soon gone from it, and who starts it as a
/// child (`tini`, a shell) only passes it on.
#[derive(Debug, Clone, Copy)]
enum InFront {
    /// Where the image is made for another architecture.
    Emulator,
    /// `ld.so`, which some images preload an allocator with.
    Loader,
}

impl InFront {
    fn of(file: &[u8]) -> Option<Self> {
        let begins = |names: &[&[u8]]| names.iter().any(|name| file.starts_with(name));
        let by_debian = memchr::memmem::find(file, b"-binfmt-").is_some();
        if begins(&[b"rosetta", b"qemu-", b"box64", b"box86", b"FEX"]) || by_debian {
            Some(Self::Emulator)
        } else if begins(&[b"ld-", b"ld.so", b"ld64.so"]) {
            Some(Self::Loader)
        } else {
            None
        }
    }

    /// Its options that have a value in the next word (`qemu-x86_64 --help`, ld.so(8)).
    const fn valued(self) -> &'static [&'static [u8]] {
        match self {
            Self::Emulator => &[
                b"-cpu",
                b"-L",
                b"-E",
                b"-U",
                b"-0",
                b"-r",
                b"-B",
                b"-R",
                b"-s",
                b"-d",
                b"-D",
                b"-dfilter",
                b"-p",
                b"-g",
                b"-seed",
                b"-plugin",
                b"-t",
            ],
            Self::Loader => &[
                b"--library-path",
                b"--preload",
                b"--audit",
                b"--argv0",
                b"--inhibit-rpath",
                b"--glibc-hwcaps-prepend",
                b"--glibc-hwcaps-mask",
            ],
        }
    }
}

fn skip_options<'a>(
    words: &mut std::iter::Peekable<impl Iterator<Item = &'a [u8]>>,
    of: Option<InFront>,
) {
    let valued = of.map_or(&[][..], InFront::valued);
    while let Some(option) = words.next_if(|word| word.starts_with(b"-")) {
        if valued.contains(&option) {
            words.next();
        }
    }
}

/// What runs under a first word that is none of its own (`exec -a driver java …`): the name is that
/// of the file that was executed, up to 15 bytes of it. That of a script is its own, and follows
/// what runs it.
fn renamed<'a>(name: &[u8], words: impl Iterator<Item = &'a [u8]>) -> Option<Runtime> {
    let runtime = Runtime::of(name)?;
    let is_script = words.take(2).any(|word| file_name(word).starts_with(name));
    (!is_script).then_some(runtime)
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// The first argument that is a class of Spark's is the main class: `spark-class` passes the real
/// one to its launcher (`org.apache.spark.launcher.Main`) as an argument. What is started from a
/// file or a module is none.
fn java<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> Program {
    let elsewhere = |word: &[u8]| matches!(word, b"-jar" | b"-m" | b"--module");
    match words.find(|word| word.starts_with(b"org.apache.spark.") || elsewhere(word)) {
        Some(class) if class == DRIVER => Program::SparkDriver,
        Some(class) if EXECUTORS.contains(&class) => Program::SparkExecutor,
        _ => Program::Java,
    }
}

/// Reads Python's own options (`python3 --help`), up to what it runs.
fn python<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> Program {
    while let Some(word) = words.next() {
        let Some(options) = word.strip_prefix(b"-").filter(|options| !options.is_empty()) else {
            return script(word, words);
        };
        if word == b"--check-hash-based-pycs" {
            words.next();
        } else if !options.starts_with(b"-") {
            // Several in one word, the last of which may have a value.
            let at = options.iter().position(|option| matches!(option, b'm' | b'c' | b'W' | b'X'));
            let Some((option, value)) = at.map(|at| (options[at], &options[at + 1..])) else {
                continue;
            };
            let value = if value.is_empty() { words.next().unwrap_or_default() } else { value };
            match option {
                b'm' => return modules(value, words),
                b'c' => return Program::Python,
                _ => {}
            }
        }
    }
    Program::Python
}

/// A file that is run, and what is told it.
///
/// An environment in one file (PEX: `python3 environment.pex -m pyspark.daemon pyspark.worker`), or
/// something that runs a module under supervision, reads these words as Python would. A program of
/// the user's has arguments of its own; only all three words are Spark's for sure.
fn script<'a>(file: &[u8], mut words: impl Iterator<Item = &'a [u8]>) -> Program {
    let is_program = file.ends_with(b".py") && file_name(file) != b"__main__.py";
    while let Some(word) = words.next() {
        if Runtime::of(file_name(word)) == Some(Runtime::Python) {
            // `conda run python -m …` starts a child.
            return Program::Other;
        }
        if word == b"-m" {
            let module = words.next().unwrap_or_default();
            let mut rest = words.peekable();
            let complete = rest.peek().is_some_and(|worker| is_pysparks(worker));
            return if is_program && !complete { Program::Python } else { modules(module, rest) };
        }
    }
    Program::Python
}

/// Spark's `PythonWorkerFactory` starts `-m <daemon module> <worker module>` or `-m <worker
/// module>`; both modules can be configured (`spark.python.daemon.module`,
/// `spark.python.worker.module`).
fn modules<'a>(module: &[u8], mut words: impl Iterator<Item = &'a [u8]>) -> Program {
    let next = words.next();
    match next {
        _ if module == b"pyspark.daemon" => Program::PySparkDaemon,
        Some(worker) if is_pysparks(worker) => Program::PySparkDaemon,
        _ if is_pysparks(module) => Program::PySparkWorker,
        Some(worker) if is_module(worker) && words.next().is_none() => Program::PythonModules,
        _ => Program::Python,
    }
}

fn is_pysparks(module: &[u8]) -> bool {
    module.starts_with(b"pyspark.")
}

fn is_module(word: &[u8]) -> bool {
    let is_name = |name: &[u8]| {
        !name.is_empty()
            && !name[0].is_ascii_digit()
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    word.split(|byte| *byte == b'.').all(is_name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// With the name that the file of the first word gives the process.
    fn program(line: &str) -> Program {
        let first = line.split(' ').next().unwrap_or_default();
        let name = first.rsplit('/').next().unwrap_or_default();
        named(&name[..name.len().min(15)], line)
    }

    fn named(name: &str, line: &str) -> Program {
        Program::parse(name.as_bytes(), format!("{line} ").replace(' ', "\0").as_bytes())
    }

    const DRIVER_LINE: &str = "-cp x org.apache.spark.deploy.SparkSubmit --deploy-mode client";
    const DAEMON_LINE: &str = "-m pyspark.daemon pyspark.worker";

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
            ("java -jar submitter.jar org.apache.spark.deploy.SparkSubmit", Program::Java),
            ("javac org.apache.spark.deploy.SparkSubmit", Program::Other),
        ] {
            assert_eq!(program(line), expected, "{line}");
        }
    }

    /// `fixtures/reports/28-emulated-jvm` and its like.
    #[test]
    fn what_runs_is_told_whatever_stands_in_front_of_it() {
        for front in [
            "java",
            "java17",
            "/usr/lib/jvm/java-17-amazon-corretto.x86_64/bin/java",
            "/usr/lib/jvm/bin/java-11-openjdk",
            "/usr/bin/java java",
            "/rosetta/rosetta /etc/alternatives/jre/bin/java",
            "/run/rosetta/rosetta /usr/bin/java java",
            "/usr/bin/qemu-x86_64 /usr/bin/java",
            "/usr/bin/qemu-aarch64-static -cpu max -L /usr/aarch64 -0 java /usr/bin/java",
            "/usr/libexec/qemu-binfmt/x86_64-binfmt-P /usr/bin/java java",
            "box64 java",
            "/usr/bin/FEXInterpreter /usr/bin/java",
            "/lib64/ld-linux-x86-64.so.2 --preload /usr/lib/libjemalloc.so.2 /usr/bin/java",
            "/lib/ld-musl-x86_64.so.1 --library-path /opt/lib -- /usr/bin/java",
            "qemu-x86_64 /lib64/ld-linux-x86-64.so.2 --argv0 x /usr/bin/java",
        ] {
            let line = format!("{front} {DRIVER_LINE}");
            assert_eq!(program(&line), Program::SparkDriver, "{line}");
            let line = format!("{} {DAEMON_LINE}", front.replace("java", "python3"));
            assert_eq!(program(&line), Program::PySparkDaemon, "{line}");
        }
        // A first word of somebody's choosing: bash's `exec -a`, Python's `setproctitle`.
        assert_eq!(named("java", &format!("spark-driver {DRIVER_LINE}")), Program::SparkDriver);
        assert_eq!(named("python3.11", &format!("daemon {DAEMON_LINE}")), Program::PySparkDaemon);
    }

    #[test]
    fn who_only_passes_the_class_on_is_not_spark() {
        for front in [
            "/usr/bin/tini -s -- /usr/bin/java",
            "/usr/bin/catatonit -- /usr/bin/java",
            "/usr/bin/dumb-init /usr/bin/java",
            "/usr/bin/qemu-x86_64 /usr/bin/tini -s -- /usr/bin/java",
            // Until they have executed it.
            "/usr/bin/env java",
            "taskset -c 0-3 java",
            "numactl --interleave=all java",
            "nice -n 5 java",
            "/bin/bash /opt/spark/bin/spark-class",
        ] {
            let line = format!("{front} {DRIVER_LINE}");
            assert_eq!(program(&line), Program::Other, "{line}");
        }
        // A script has the name of its file.
        assert_eq!(
            named("java", &format!("/bin/bash /opt/bin/java {DRIVER_LINE}")),
            Program::Other
        );
        assert_eq!(
            named("java", &format!("/bin/sh -e /opt/bin/java {DRIVER_LINE}")),
            Program::Other
        );
        for line in ["/pause", "", "qemu-x86_64", "ld.so --preload"] {
            assert_eq!(program(line), Program::Other, "{line}");
        }
    }

    #[test]
    fn pyspark_is_told_by_its_module() {
        for (line, expected) in [
            ("python3 -m pyspark.daemon pyspark.worker", Program::PySparkDaemon),
            ("/opt/conda/bin/python3.11 -u -X dev -m pyspark.daemon", Program::PySparkDaemon),
            ("/venv/bin/python3.12 -sE -m pyspark.daemon pyspark.worker", Program::PySparkDaemon),
            ("./environment/bin/python -Im pyspark.daemon pyspark.worker", Program::PySparkDaemon),
            ("pypy3 -mpyspark.daemon pyspark.worker", Program::PySparkDaemon),
            ("python3 -m our.daemon pyspark.worker", Program::PySparkDaemon),
            ("python3 -m pyspark.daemon our.worker", Program::PySparkDaemon),
            ("python3 -m our.daemon our.worker", Program::PythonModules),
            ("python3 -m pyspark.worker", Program::PySparkWorker),
            ("python3 -m pyspark.sql.worker.analyze_udtf", Program::PySparkWorker),
            // Environments in one file, and modules under supervision.
            ("python3 ./environment.pex -m pyspark.daemon pyspark.worker", Program::PySparkDaemon),
            ("python3 ./environment.pex -m pyspark.daemon", Program::PySparkDaemon),
            ("python3 ./environment.pex -m pyspark.worker", Program::PySparkWorker),
            ("python3 ./environment.pex -m our.daemon pyspark.worker", Program::PySparkDaemon),
            (
                "python3.9 -sE /root/.pex/unzipped_pexes/0a1b/__main__.py -m pyspark.daemon",
                Program::PySparkDaemon,
            ),
            (
                "/root/.pex/venvs/0a/bin/python /root/.pex/venvs/0a/pex -m pyspark.daemon",
                Program::PySparkDaemon,
            ),
            (
                "python3 /opt/bin/memray run -m pyspark.daemon pyspark.worker",
                Program::PySparkDaemon,
            ),
            ("python3 /opt/wrap.py -m pyspark.daemon pyspark.worker", Program::PySparkDaemon),
            // It starts a child, which is the daemon.
            (
                "/opt/conda/bin/python /opt/conda/bin/conda run -n e python -m pyspark.daemon pyspark.worker",
                Program::Other,
            ),
            ("python3 /opt/app/job.py -m pyspark.daemon", Program::Python),
            ("python3 /opt/app/job.py -m pyspark.worker", Program::Python),
            ("python3 ./job.pex", Program::Python),
            ("python3 -m http.server 80", Program::Python),
            ("python3 -c import\tthis -m pyspark.worker", Program::Python),
            ("python3 -", Program::Python),
            ("python_job.py -m pyspark.daemon", Program::Other),
            ("python3 python_job.py", Program::Python),
            ("pypy3 job.py", Program::Python),
            ("/usr/lib/R/bin/exec/R --no-echo --file=job.R", Program::R),
            ("/usr/bin/qemu-x86_64 /usr/lib/R/bin/exec/R --no-echo", Program::R),
            ("Rscript --vanilla daemon.R", Program::R),
        ] {
            assert_eq!(program(line), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(name in proptest::collection::vec(any::<u8>(), 0..16), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Program::parse(&name, &bytes);
            for front in [&b"python\0-m\0"[..], b"qemu-x86_64\0-cpu\0", b"java\0", b"python3\0a.pex\0-m\0"] {
                let _ = Program::parse(&name, &[front, bytes.as_slice()].concat());
            }
        }

        #[test]
        fn any_words_are_survived(words in proptest::collection::vec("(java|python3|qemu-x|ld.so|-m|-c|-cp|-W|pyspark.daemon|pyspark.worker|org.apache.spark.deploy.SparkSubmit|a.pex|b.py|tini|)", 0..12)) {
            let found = Program::parse(b"x", words.join("\0").as_bytes());
            prop_assert!(!found.is_spark() || words.iter().any(|word| word.contains("SparkSubmit")));
        }
    }
}
