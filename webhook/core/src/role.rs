//! Which of Spark's processes a pod runs: what its label `spark-role` says.

/// Which of Spark's processes a pod runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The driver.
    Driver,
    /// An executor.
    Executor,
}

impl Role {
    /// Both, in the order of their discriminants.
    pub const ALL: [Self; 2] = [Self::Driver, Self::Executor];

    /// The sidecar's `--role`, and Spark's name for it in the keys of settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Executor => "executor",
        }
    }

    /// What Spark and the operators around it call this role's container, best first.
    #[must_use]
    pub const fn container_names(self) -> &'static [&'static str] {
        match self {
            Self::Driver => &["spark-kubernetes-driver"],
            Self::Executor => &["spark-kubernetes-executor", "executor"],
        }
    }
}
