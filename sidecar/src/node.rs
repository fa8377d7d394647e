//! What the pod's node is and has, read once: what a job's requests are measured against.
//!
//! A container sees the machine's figures here, not its own limits: those are its control group's
//! ([`cgroup`](crate::sources::cgroup)).

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, System};

use crate::exposition::{Described, Page};

const INFO: Described = Described::gauge(
    "spark_node_info",
    &["architecture", "kernel_version"],
    "Kernel and architecture of the node that the pod runs on; always 1 (uname).",
);
const MEMORY: Described = Described::gauge(
    "spark_node_memory_bytes",
    &[],
    "Memory that the pod's node has (/proc/meminfo MemTotal).",
);
const CPUS: Described = Described::gauge(
    "spark_node_cpus",
    &[],
    "Logical CPUs of the pod's node that are online (/proc/stat).",
);

/// The page with these figures; what cannot be read is left out.
#[must_use]
pub fn page() -> Page {
    let mut page = Page::new();
    let kernel = System::kernel_version().unwrap_or_default();
    let labels = [("architecture", &*System::cpu_arch()), ("kernel_version", &*kernel)];
    page.put(&INFO, &labels, 1.0);
    let Ok(mut system) = System::new() else { return page };
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    let (memory, cpus) = (system.total_memory() as f64, system.cpus().len() as f64);
    for (metric, value) in [(MEMORY, memory), (CPUS, cpus)] {
        if value > 0.0 {
            page.put(&metric, &[], value);
        }
    }
    page
}

/// A page with the families and no sample, for documentation.
#[must_use]
pub fn documented() -> Page {
    Page::of_described(&[INFO, MEMORY, CPUS])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::encode;

    #[test]
    fn this_machine_has_a_kernel_memory_and_cpus_as_its_files_say() {
        let mut text = Vec::new();
        encode::text(&page(), &mut text);
        let text = String::from_utf8(text).unwrap();
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        let architecture = std::env::consts::ARCH;
        let info = format!(
            "spark_node_info{{architecture=\"{architecture}\",kernel_version=\"{}\"}} 1",
            kernel.trim_end()
        );
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
        let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
        let kibibytes: u64 = total.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        let memory = format!("spark_node_memory_bytes {}", kibibytes * 1024);
        let stat = std::fs::read_to_string("/proc/stat").unwrap();
        let of_one = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
        let cpus = format!("spark_node_cpus {}", stat.lines().filter(of_one).count());
        for line in [info, memory, cpus] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
        assert_eq!(documented().families().len(), page().families().len());
    }
}
