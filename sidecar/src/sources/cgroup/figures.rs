//! What a control group tells. A figure that its kernel does not have is `None`.

/// All figures of one control group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Memory.
    pub memory: Memory,
    /// CPU time.
    pub cpu: Cpu,
    /// Time lost for want of something; cgroup v2 with pressure stall information only.
    pub pressure: Pressure,
    /// Traffic with block devices.
    pub storage: Storage,
    /// Processes and threads.
    pub pids: Pids,
}

/// Memory, in bytes, and what happened because of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// All memory charged to the group.
    pub usage_bytes: Option<u64>,
    /// `usage_bytes` less the file pages that have not been used for long: what the kubelet evicts
    /// by.
    pub working_set_bytes: Option<u64>,
    /// The most that was ever charged.
    pub peak_bytes: Option<u64>,
    /// The most that may be charged; absent if there is no limit.
    pub limit_bytes: Option<u64>,
    /// Anonymous memory.
    pub rss_bytes: Option<u64>,
    /// Page cache.
    pub cache_bytes: Option<u64>,
    /// Files mapped into memory.
    pub mapped_file_bytes: Option<u64>,
    /// Memory that was swapped out.
    pub swap_bytes: Option<u64>,
    /// Page faults.
    pub page_faults: Option<u64>,
    /// Page faults that had to wait for storage.
    pub major_page_faults: Option<u64>,
    /// How often the limit was reached.
    pub limit_hits: Option<u64>,
    /// Processes that were killed for want of memory.
    pub oom_kills: Option<u64>,
}

/// CPU time, in seconds, and how it is limited.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cpu {
    /// User and system time.
    pub usage_seconds: Option<f64>,
    /// User time.
    pub user_seconds: Option<f64>,
    /// System time.
    pub system_seconds: Option<f64>,
    /// Periods of the quota that had something to run.
    pub periods: Option<u64>,
    /// Periods in which the quota was used up.
    pub throttled_periods: Option<u64>,
    /// Time that threads had to wait for the next period.
    pub throttled_seconds: Option<f64>,
    /// CPU seconds that may be used per second; absent if there is no limit.
    pub quota_cores: Option<f64>,
}

/// Pressure stall information (the kernel's `Documentation/accounting/psi.rst`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pressure {
    /// For want of a CPU.
    pub cpu: Waiting,
    /// For want of memory.
    pub memory: Waiting,
    /// For want of storage.
    pub io: Waiting,
}

/// Time lost, in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waiting {
    /// Some threads waited.
    pub waiting_seconds: Option<f64>,
    /// All threads that had anything to do waited.
    pub stalled_seconds: Option<f64>,
}

/// Traffic with block devices: the sum over all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Storage {
    /// Bytes read.
    pub read_bytes: Option<u64>,
    /// Bytes written.
    pub written_bytes: Option<u64>,
}

/// Processes and threads, which the kernel counts as one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pids {
    /// How many there are.
    pub current: Option<u64>,
    /// How many there may be; absent if there is no limit.
    pub limit: Option<u64>,
}

impl Memory {
    /// cAdvisor's rule, which the kubelet goes by (`lib/container/libcontainer/handler.go`).
    pub(super) fn set_working_set(&mut self, inactive_file: Option<u64>) {
        self.working_set_bytes = self
            .usage_bytes
            .zip(inactive_file)
            .map(|(usage, inactive_file)| usage.saturating_sub(inactive_file));
    }
}

impl Storage {
    /// The sum over lines of what each says was read and written; nothing if there are lines, and
    /// none of them could be read.
    pub(super) fn sum(lines: impl Iterator<Item = Option<(u64, u64)>>) -> Self {
        let (mut sum, mut unparsed) = (None, false);
        for line in lines {
            let Some((read, written)) = line else {
                unparsed = true;
                continue;
            };
            let (all_read, all_written): &mut (u64, u64) = sum.get_or_insert_default();
            *all_read = all_read.saturating_add(read);
            *all_written = all_written.saturating_add(written);
        }
        match sum.or((!unparsed).then_some((0, 0))) {
            Some((read, written)) => Self { read_bytes: Some(read), written_bytes: Some(written) },
            None => Self::default(),
        }
    }
}

impl Cpu {
    /// From a quota and its period, both in microseconds.
    pub(super) fn set_quota(&mut self, quota: Option<u64>, period: Option<u64>) {
        self.quota_cores = quota
            .zip(period.filter(|period| *period > 0))
            .map(|(quota, period)| quota as f64 / period as f64);
    }
}
