//! Whom a process belongs to: `Uid` and `Gid` of `/proc/<pid>/status`, which anyone may read.

use std::fmt;

use crate::kernel_files::{Unparsed, lines, number, pair, words};

/// The effective user and primary group of a process.
///
/// Both have to be equal for one process to look into another without privileges
/// (`ptrace_may_access` of the kernel's `kernel/ptrace.c`); supplementary groups do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id, as `runAsUser` sets it.
    pub uid: u32,
    /// Primary group id, as `runAsGroup` sets it.
    pub gid: u32,
}

impl Owner {
    /// Reads a `status` file; `None` if it does not name both.
    pub(crate) fn parse(status: &[u8], unparsed: &mut Unparsed) -> Option<Self> {
        let (mut uid, mut gid) = (None, None);
        for (key, ids) in lines(status).filter_map(pair) {
            let found = match key {
                b"Uid" => &mut uid,
                b"Gid" => &mut gid,
                _ => continue,
            };
            // Real, effective, saved and file system's.
            let id = words(ids).nth(1).and_then(number).and_then(|id| u32::try_from(id).ok());
            *found = unparsed.unless(id).or(*found);
        }
        Some(Self { uid: uid?, gid: gid? })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {} and gid {}", self.uid, self.gid)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_status_without_both_ids_names_no_owner() {
        for text in ["", "Uid:\t1\t1\t1\t1\n", "Uid:\t1\nGid:\t1\n", "Uid:\tx\tx\nGid:\t1\t1\n"] {
            assert_eq!(Owner::parse(text.as_bytes(), &mut Unparsed::default()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Owner::parse(&bytes, &mut Unparsed::default());
        }

        #[test]
        fn the_effective_ids_are_read(uids: [u32; 4], gids: [u32; 4], name in "[ -~]{0,15}") {
            let ids = |ids: [u32; 4]| ids.map(|id| format!("\t{id}")).concat();
            let text = format!("Name:\t{name}\nUmask:\t0022\nPPid:\t1\nUid:{}\nGid:{}\nThreads:\t3\n", ids(uids), ids(gids));
            let noise = format!("Uid: none\nGid:\n{text}");
            let mut unparsed = Unparsed::default();
            prop_assert_eq!(Owner::parse(noise.as_bytes(), &mut unparsed), Owner::parse(text.as_bytes(), &mut Unparsed::default()));
            prop_assert_eq!(unparsed, Unparsed(2));
            prop_assert_eq!(Owner::parse(text.as_bytes(), &mut unparsed), Some(Owner { uid: uids[1], gid: gids[1] }));
        }
    }
}
