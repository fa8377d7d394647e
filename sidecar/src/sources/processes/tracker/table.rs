//! Reading the process table: who is there, who is new, who is gone.

use std::io;

use super::{Gone, Known, Seen, Tracker};
use crate::sources::processes::accounts::Accounts;
use crate::sources::processes::proc_root::Command;
use crate::sources::processes::stat::Stat;

impl Tracker {
    /// All processes but ourselves and the kernel's threads, parents before their children.
    ///
    /// They are read in that order too, which [`Accounts`] rely on: who was there in the last scan
    /// is older than who was not. Process ids tell nothing of age: they start over when they run out.
    pub(super) fn read_table(
        &mut self,
        own: Option<u32>,
        gone: &mut Gone,
    ) -> io::Result<Vec<Seen>> {
        for known in self.known.values_mut() {
            known.present = false;
        }
        let started = |pid| self.known.get(&pid).map_or(u64::MAX, |known| known.started);
        let pids = self.root.pids()?.filter(|pid| Some(*pid) != own);
        let mut pids: Vec<_> = pids.map(|pid| (started(pid), self.depth(pid), pid)).collect();
        pids.sort_unstable();
        let mut table = Vec::with_capacity(pids.len());
        for (.., pid) in pids {
            let Some(stat) = self.root.stat(pid).filter(|stat| !stat.kernel_thread) else {
                continue;
            };
            if self.recognise(pid, &stat, gone) {
                table.push(Seen { pid, stat, open_fds: None, storage_bytes: None });
            }
        }
        gone.extend(self.known.extract_if(|_, known| !known.present));
        table.sort_by_cached_key(|seen| (seen.stat.started, self.depth(seen.pid), seen.pid));
        Ok(table)
    }

    /// How many ancestors of a process are known: who starts in the same hundredth of a second as
    /// its parent is told from it by that.
    fn depth(&self, mut pid: u32) -> usize {
        // Parents are no ring, but what was read may be.
        for depth in 0..self.known.len() {
            match self.known.get(&pid) {
                Some(known) => pid = known.parent,
                None => return depth,
            }
        }
        self.known.len()
    }

    /// Remembers a process, and looks at what it runs if it is new or runs something new.
    ///
    /// `false` for one that is none yet, or no longer.
    fn recognise(&mut self, pid: u32, stat: &Stat, gone: &mut Gone) -> bool {
        if let Some(known) = self.known.get_mut(&pid)
            && known.started == stat.started
            && (known.image == stat.image || stat.zombie)
        {
            known.parent = stat.parent;
            known.present = true;
            return true;
        }
        // A zombie that was never seen alive tells nothing; its figures turn up at its parent.
        let Some(command) = self.root.command(pid, stat.name()).filter(|_| !stat.zombie) else {
            return false;
        };
        if self.is_spawning(command, stat) {
            return false;
        }
        let container = self.root.container(pid);
        let mut known = Known {
            started: stat.started,
            image: stat.image,
            command,
            container,
            parent: stat.parent,
            kind: None,
            on_behalf_of: command.program,
            member: false,
            above_spark: false,
            present: true,
            accounts: Accounts::default(),
        };
        if let Some(before) = self.known.remove(&pid) {
            if before.started == stat.started {
                known.accounts = before.accounts;
                known.member = before.member;
                known.above_spark = before.above_spark;
            } else {
                gone.insert(pid, before);
            }
        }
        self.known.insert(pid, known);
        true
    }

    /// A JVM that starts a program is there twice, with all its memory, until the second one has
    /// executed the program (`vfork`). A JVM that really runs has more than one thread.
    fn is_spawning(&self, command: Command, stat: &Stat) -> bool {
        let parent = self.known.get(&stat.parent).map(|parent| parent.command);
        command.program.is_java() && stat.threads == 1 && parent == Some(command)
    }
}
