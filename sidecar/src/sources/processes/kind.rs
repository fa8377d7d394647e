//! What a process is to Spark: what it runs, and who started it.

use super::program::Program;

/// The values of the `kind` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessKind {
    /// A JVM: the driver's or an executor's, and any that they start.
    Jvm,
    /// The user's Python program, and its forks.
    PythonDriver,
    /// `pyspark.daemon`, which forks the workers.
    PythonDaemon,
    /// A Python worker.
    PythonWorker,
    /// R, programs and workers.
    R,
    /// Shells, tini, what `RDD.pipe` runs, …
    Other,
}

/// What there is to know of the process that started another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parent {
    /// What it runs, or on whose behalf it runs something, if it is a shell or another wrapper.
    pub(super) program: Program,
    pub(super) kind: ProcessKind,
    /// Its child has the very same arguments: it forked, and has not executed anything else.
    pub(super) forked: bool,
}

impl ProcessKind {
    /// How many there are.
    pub(super) const COUNT: usize = 6;

    /// All of them, each at the place of its number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Jvm,
        Self::PythonDriver,
        Self::PythonDaemon,
        Self::PythonWorker,
        Self::R,
        Self::Other,
    ];

    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jvm => "jvm",
            Self::PythonDriver => "python_driver",
            Self::PythonDaemon => "python_daemon",
            Self::PythonWorker => "python_worker",
            Self::R => "r",
            Self::Other => "other",
        }
    }

    /// The kind of a process.
    ///
    /// Workers are forks of the daemon, so their command line says `pyspark.daemon` too: a fork of
    /// a daemon, or of a worker, is a worker.
    pub(super) fn of(program: Program, parent: Option<Parent>) -> Self {
        let forked = parent.filter(|parent| parent.forked);
        match program {
            program if program.is_java() => Self::Jvm,
            Program::PySparkDaemon if forked.is_some() => Self::PythonWorker,
            Program::PySparkDaemon => Self::PythonDaemon,
            Program::PySparkWorker => Self::PythonWorker,
            Program::R => Self::R,
            Program::PythonModules if parent.is_some_and(|parent| parent.program.is_spark()) => {
                Self::PythonDaemon
            }
            Program::PythonModules if forked.is_some_and(|parent| parent.kind.is_of_a_daemon()) => {
                Self::PythonWorker
            }
            Program::Python | Program::PythonModules => match (forked, parent) {
                (Some(parent), _) => parent.kind,
                (None, Some(parent)) if parent.program == Program::SparkDriver => {
                    Self::PythonDriver
                }
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    const fn is_of_a_daemon(self) -> bool {
        matches!(self, Self::PythonDaemon | Self::PythonWorker)
    }

    /// The kind of children that lived and died between two scans, by the kind that waited for
    /// them.
    pub(super) const fn of_unseen_children(self) -> Self {
        match self {
            Self::PythonDaemon => Self::PythonWorker,
            Self::R => Self::R,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_at_its_number() {
        for (number, kind) in ProcessKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
    }

    #[test]
    fn the_parent_decides_where_the_command_line_cannot() {
        let child_of = |program, kind, forked| Some(Parent { program, kind, forked });
        let daemon = child_of(Program::PySparkDaemon, ProcessKind::PythonDaemon, true);
        let worker = child_of(Program::PySparkDaemon, ProcessKind::PythonWorker, true);
        let driver = child_of(Program::SparkDriver, ProcessKind::Jvm, false);
        let executor = child_of(Program::SparkExecutor, ProcessKind::Jvm, false);
        let modules = child_of(Program::PythonModules, ProcessKind::PythonDaemon, true);
        let user = child_of(Program::Python, ProcessKind::PythonDriver, true);
        for (program, parent, expected) in [
            (Program::PySparkDaemon, executor, ProcessKind::PythonDaemon),
            (Program::PySparkDaemon, None, ProcessKind::PythonDaemon),
            (Program::PySparkDaemon, daemon, ProcessKind::PythonWorker),
            (Program::PySparkDaemon, worker, ProcessKind::PythonWorker),
            (Program::PySparkWorker, executor, ProcessKind::PythonWorker),
            (Program::Python, driver, ProcessKind::PythonDriver),
            (Program::Python, user, ProcessKind::PythonDriver),
            (Program::Python, executor, ProcessKind::Other),
            (
                Program::Python,
                child_of(Program::Python, ProcessKind::PythonDriver, false),
                ProcessKind::Other,
            ),
            (Program::PythonModules, executor, ProcessKind::PythonDaemon),
            (Program::PythonModules, driver, ProcessKind::PythonDaemon),
            (Program::PythonModules, modules, ProcessKind::PythonWorker),
            (Program::PythonModules, None, ProcessKind::Other),
            (Program::SparkExecutor, driver, ProcessKind::Jvm),
            (Program::Other, driver, ProcessKind::Other),
            (Program::R, driver, ProcessKind::R),
        ] {
            assert_eq!(ProcessKind::of(program, parent), expected, "{program:?} of {parent:?}");
        }
    }
}
