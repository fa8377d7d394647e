//! Scan after scan of the process table, with what has to be remembered in between.

mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;

use super::ProcessError;
use super::accounts::Accounts;
use super::kind::{Parent, ProcessKind};
use super::membership::Container;
use super::proc_root::{Access, Command, ProcRoot, StorageBytes};
use super::program::Program;
use super::snapshot::{Identity, Snapshot, Spark, Usage};
use super::stat::Stat;

/// Follows the processes of the Spark container.
#[derive(Debug)]
pub struct Tracker {
    root: ProcRoot,
    /// Ourselves.
    own: Option<u32>,
    known: HashMap<u32, Known>,
    spark: Option<Spark>,
    /// Stays when Spark's JVM has ended: there may be processes left in its container.
    scope: Option<Scope>,
    /// Counters, and which kinds were seen at all.
    totals: [Option<Usage>; ProcessKind::COUNT],
}

/// Which processes count.
#[derive(Debug, Clone, Copy)]
enum Scope {
    /// Those in the container of Spark's JVM.
    Container(Container),
    /// The JVM and its descendants: it is in the same cgroups as we are, so these tell nothing.
    Tree,
}

/// What is remembered of a process from one scan to the next.
#[derive(Debug)]
struct Known {
    started: u64,
    image: u64,
    command: Command,
    container: Option<Container>,
    parent: u32,
    kind: Option<ProcessKind>,
    /// What it runs, or who has it run what it runs: wrappers are looked through.
    on_behalf_of: Program,
    /// It belongs to the Spark container; that never changes.
    member: bool,
    /// It stands above Spark's JVM: tini, a shell. Orphans end there, whose figures were counted
    /// where they came from, so nothing but its own CPU time counts.
    above_spark: bool,
    /// It is there in the current scan.
    present: bool,
    accounts: Accounts,
}

/// A process as one scan sees it.
#[derive(Debug)]
struct Seen {
    pid: u32,
    stat: Stat,
    open_fds: Option<u64>,
    storage_bytes: Option<StorageBytes>,
}

impl Seen {
    const fn identity(&self) -> Identity {
        Identity { pid: self.pid, started: self.stat.started }
    }
}

/// Processes that were there in the scan before.
type Gone = HashMap<u32, Known>;

impl Tracker {
    /// Follows the processes of the file system at `proc_root`: `/proc`, or a tree like it.
    #[must_use]
    pub fn new(proc_root: PathBuf) -> Self {
        let root = ProcRoot::new(proc_root);
        Self {
            own: root.own_pid(),
            root,
            known: HashMap::new(),
            spark: None,
            scope: None,
            totals: [None; ProcessKind::COUNT],
        }
    }

    /// Reads the process table once.
    ///
    /// Processes that end meanwhile are left out. A scan that finds no Spark is no error: it has
    /// not started yet, or it has ended.
    pub fn scan(&mut self) -> Result<Snapshot, ProcessError> {
        let own = self.own;
        if own == Some(1) {
            return Err(ProcessError::NotShared);
        }
        let mut gone = Gone::new();
        let mut table = self.read_table(own, &mut gone).map_err(|source| {
            ProcessError::Unlistable { path: self.root.path().to_owned(), source }
        })?;
        self.root.close(|pid| self.known.contains_key(&pid));
        let stranger = self.find_spark(&table, own);
        self.sort_out(&table);
        table.retain_mut(|seen| self.measure(seen, &mut gone));
        self.settle(&table, &gone);
        Ok(Snapshot { stranger, ..self.add_up(&table) })
    }

    /// How many lines of the process file system were left out since this was asked last, because
    /// they could not be read.
    pub(super) fn take_unparsed(&mut self) -> u64 {
        self.root.take_unparsed()
    }

    /// Follows Spark's JVM while it runs, and looks for it otherwise.
    ///
    /// The oldest is the pod's; others were started by it: executors of a local cluster, a
    /// `spark-submit` of the user's. `true` if there are some, and none is in our pod.
    fn find_spark(&mut self, table: &[Seen], own: Option<u32>) -> bool {
        let mut candidates = table.iter().filter(|seen| {
            let known = self.known.get(&seen.pid);
            !seen.stat.zombie && known.is_some_and(|known| known.command.program.is_spark())
        });
        let is = |spark: Spark, seen: &Seen| seen.identity() == spark.process;
        if self.spark.is_some_and(|spark| candidates.clone().any(|seen| is(spark, seen))) {
            return false;
        }
        let (root, mut stranger) = (&mut self.root, false);
        let found = candidates.find(|seen| {
            let ours = own.is_none_or(|own| root.may_share_pod(own, seen.pid));
            stranger |= !ours;
            ours
        });
        self.spark = found.map(|seen| Spark { process: seen.identity(), parent: seen.stat.parent });
        if let Some(spark) = self.spark {
            let ours = own.and_then(|own| self.root.container(own));
            let its = self.known.get(&spark.process.pid).and_then(|known| known.container);
            self.scope = Some(match its {
                Some(its) if ours.is_some_and(|ours| ours != its) => Scope::Container(its),
                _ => Scope::Tree,
            });
            self.mark_above(spark);
        }
        stranger && self.spark.is_none()
    }

    fn mark_above(&mut self, spark: Spark) {
        let mut pid = spark.parent;
        while let Some(known) = self.known.get_mut(&pid).filter(|known| !known.above_spark) {
            known.above_spark = true;
            pid = known.parent;
        }
    }

    /// Decides who belongs to the Spark container, and what kind they are.
    fn sort_out(&mut self, table: &[Seen]) {
        for seen in table {
            let parent = self.known.get(&seen.stat.parent).map(|parent| {
                let kind = parent.kind.unwrap_or(ProcessKind::Other);
                (parent.member, parent.command, parent.on_behalf_of, kind)
            });
            let Some(known) = self.known.get_mut(&seen.pid) else {
                continue;
            };
            let kind = *known.kind.get_or_insert_with(|| {
                if let (Program::Other, Some((_, _, program, _))) = (known.command.program, parent)
                {
                    known.on_behalf_of = program;
                }
                let parent = parent.map(|(_, command, program, kind)| Parent {
                    program,
                    kind,
                    forked: command == known.command,
                });
                ProcessKind::of(known.command.program, parent)
            });
            // `python job.py` outside of a pod: the user's program has started the JVM.
            let started_spark = self.spark.is_some_and(|spark| spark.parent == seen.pid)
                && known.command.program == Program::Python;
            known.kind = Some(if started_spark { ProcessKind::PythonDriver } else { kind });
            known.member |= match self.scope {
                None => false,
                Some(Scope::Container(container)) => known.container == Some(container),
                Some(Scope::Tree) => {
                    started_spark
                        || self.spark.is_some_and(|spark| spark.process.pid == seen.pid)
                        || parent.is_some_and(|(member, ..)| member)
                }
            };
        }
    }

    /// Reads what only members are asked for; `false` for others, and for who has ended meanwhile.
    fn measure(&mut self, seen: &mut Seen, gone: &mut Gone) -> bool {
        if !self.known.get(&seen.pid).is_some_and(|known| known.member) {
            return false;
        }
        if !seen.stat.zombie {
            seen.open_fds = self.root.open_fds(seen.pid);
        }
        match self.root.storage_bytes(seen.pid) {
            Access::Known(bytes) => seen.storage_bytes = Some(bytes),
            Access::Withheld => {}
            Access::Gone => {
                gone.extend(self.known.remove_entry(&seen.pid));
                return false;
            }
        }
        true
    }

    /// Tells the survivors what was counted already for the processes that are gone.
    ///
    /// Whoever waited for a process has its figures now: its parent, or where that is gone as
    /// well, the parent's parent.
    fn settle(&mut self, table: &[Seen], gone: &Gone) {
        for seen in table {
            let Some(known) = self.known.get_mut(&seen.pid) else {
                continue;
            };
            known.accounts.forgive(&seen.stat, seen.storage_bytes);
        }
        for known in gone.values().filter(|known| known.member) {
            let mut parent = known.parent;
            // Parents are no ring, but what was read may be.
            for _ in 0..=gone.len() {
                match gone.get(&parent) {
                    Some(next) => parent = next.parent,
                    None => break,
                }
            }
            if let Some(survivor) = self.known.get_mut(&parent) {
                survivor.accounts.expect(&known.accounts);
            }
        }
    }

    fn add_up(&mut self, table: &[Seen]) -> Snapshot {
        for usage in self.totals.iter_mut().flatten() {
            usage.clear_gauges();
        }
        let mut python = Vec::new();
        for seen in table {
            let Some(known) = self.known.get_mut(&seen.pid) else {
                continue;
            };
            let kind = known.kind.unwrap_or(ProcessKind::Other);
            let usage = self.totals[kind as usize].get_or_insert_default();
            usage.cpu_ticks += known.accounts.cpu.advance(seen.stat.cpu);
            if !seen.stat.zombie {
                usage.count += 1;
                usage.threads += seen.stat.threads;
                if matches!(
                    kind,
                    ProcessKind::PythonDriver
                        | ProcessKind::PythonDaemon
                        | ProcessKind::PythonWorker
                ) {
                    python.push((seen.pid, kind));
                }
                usage.resident_bytes += seen.stat.resident_bytes();
            }
            if let Some(open_fds) = seen.open_fds {
                *usage.open_fds.get_or_insert_default() += open_fds;
            }
            if known.above_spark && kind == ProcessKind::Other {
                continue;
            }
            let unseen = known.accounts.reaped_cpu.advance(seen.stat.reaped_cpu);
            if unseen > 0 {
                let kind = kind.of_unseen_children();
                self.totals[kind as usize].get_or_insert_default().cpu_ticks += unseen;
            }
            if let Some(bytes) = seen.storage_bytes {
                // A daemon does little but wait for workers, whose bytes come with their time.
                let workers = kind == ProcessKind::PythonDaemon && unseen > 0;
                let kind = if workers { kind.of_unseen_children() } else { kind };
                let usage = self.totals[kind as usize].get_or_insert_default();
                if let Some(read) = bytes.read {
                    let new = known.accounts.read.advance(read);
                    *usage.read_bytes.get_or_insert_default() += new;
                }
                if let Some(written) = bytes.written {
                    let new = known.accounts.written.advance(written);
                    *usage.written_bytes.get_or_insert_default() += new;
                }
            }
        }
        let is_there = |spark: &Spark| table.iter().any(|seen| seen.pid == spark.process.pid);
        let spark = self.spark.filter(is_there);
        Snapshot { usages: self.totals, spark, python, stranger: false }
    }
}
