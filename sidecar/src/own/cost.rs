//! What the sidecar costs, from its own directory in the process file system.

use std::path::PathBuf;

use crate::processes::files::{Reader, number, pairs};
use crate::processes::stat::{Stat, TICKS_PER_SECOND};

/// Reads the cost of the process whose directory this is.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) process: PathBuf,
}

/// The sidecar's own use; what cannot be read is left out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Cost {
    pub(super) resident_bytes: Option<i64>,
    pub(super) cpu_seconds: Option<f64>,
    pub(super) open_fds: Option<i64>,
}

impl Meter {
    pub(super) fn read(&self) -> Cost {
        let mut reader = Reader::default();
        let stat = reader
            .whole(&self.process.join("stat"))
            .ok()
            .and_then(Stat::parse);
        let resident = reader
            .whole(&self.process.join("status"))
            .ok()
            .and_then(resident_bytes);
        let listed = std::fs::read_dir(self.process.join("fd"))
            .ok()
            .map(Iterator::count);
        Cost {
            resident_bytes: resident,
            cpu_seconds: stat.map(|stat| stat.cpu as f64 / TICKS_PER_SECOND),
            // The directory that is being read is one of the descriptors that it lists.
            open_fds: listed.and_then(|count| i64::try_from(count.saturating_sub(1)).ok()),
        }
    }
}

/// The value of `VmRSS`, which looks like `1234 kB`.
fn resident_bytes(status: &[u8]) -> Option<i64> {
    let (_, value) = pairs(status).find(|(name, _)| *name == b"VmRSS")?;
    let kibibytes = number(value.strip_suffix(b" kB")?)?;
    i64::try_from(kibibytes.checked_mul(1024)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(
            Meter {
                process: empty.path().into()
            }
            .read(),
            Cost::default()
        );
    }

    #[test]
    fn this_very_process_costs_something() {
        let cost = Meter {
            process: "/proc/self".into(),
        }
        .read();
        assert!(cost.resident_bytes.unwrap() > 100_000, "{cost:?}");
        assert!(cost.open_fds.unwrap() >= 3, "{cost:?}");
        assert!(cost.cpu_seconds.is_some());
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        assert_eq!(
            resident_bytes(b"Name:\tx\nVmRSS:\t    2048 kB\n"),
            Some(2_097_152)
        );
        assert_eq!(resident_bytes(b"VmRSS:\t many kB\n"), None);
        assert_eq!(resident_bytes(b"VmRSS:\t 18446744073709551615 kB\n"), None);
    }
}
