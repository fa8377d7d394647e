//! What the sidecar costs, as `sysinfo` sees this process.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// The sidecar's own use; what cannot be read is left out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Cost {
    pub(super) resident_bytes: Option<i64>,
    pub(super) cpu_seconds: Option<f64>,
    pub(super) open_fds: Option<i64>,
}

impl Cost {
    /// The cost of this process up to now.
    pub(super) fn read() -> Self {
        // A fresh one each time: it knows one process, and costs less than to keep it.
        let Ok(mut system) = System::new() else { return Self::default() };
        let own = Pid::from_u32(std::process::id());
        let what = ProcessRefreshKind::nothing().with_memory().with_cpu().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, what);
        let Some(process) = system.process(own) else { return Self::default() };
        Self {
            resident_bytes: i64::try_from(process.memory()).ok(),
            cpu_seconds: Some(process.accumulated_cpu_time() as f64 / 1000.0),
            open_fds: process.open_files().and_then(|count| i64::try_from(count).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_costs_something() {
        let cost = Cost::read();
        assert!(cost.resident_bytes.unwrap() > 100_000, "{cost:?}");
        assert!(cost.open_fds.unwrap() >= 3, "{cost:?}");
        assert!(cost.cpu_seconds.is_some());
    }
}
