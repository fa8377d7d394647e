//! `/proc/<pid>/stat`: most of what there is to know about a process, in one line that anyone may
//! read.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::kernel_files::number;

/// Clock ticks per second of `stat` and of cgroup v1's `cpuacct.stat`: `USER_HZ`, which is 100 on
/// every architecture that Spark runs on.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// `PF_KTHREAD` of the kernel's `include/linux/sched.h`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// A program's name is cut to so many bytes (`TASK_COMM_LEN` less one).
const NAME: usize = 15;

/// The fields in use of one `stat` line, named as in `proc_pid_stat(5)` where no word is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// `comm`, with zeros behind it.
    name: [u8; NAME],
    /// Which program was executed last, as far as its name and the place of its arguments tell.
    pub(crate) image: u64,
    /// It has ended, and only waits for its parent to notice.
    pub(crate) zombie: bool,
    /// `ppid`; 0 for one whose parent is outside of the namespace.
    pub(crate) parent: u32,
    /// A thread of the kernel's own.
    pub(crate) kernel_thread: bool,
    /// `utime + stime`, in ticks: every thread's, the ended ones' too.
    pub(crate) cpu: u64,
    /// `cutime + cstime`, in ticks: of the children that it waited for, and of theirs.
    pub(crate) reaped_cpu: u64,
    /// `num_threads`.
    pub(crate) threads: u64,
    /// `starttime`, in ticks since boot; with the pid it names a process for good.
    pub(crate) started: u64,
    /// `rss`, in pages.
    pub(crate) resident_pages: u64,
}

impl Stat {
    /// Reads the line; `None` if it is none.
    ///
    /// The program's name stands in parentheses and may hold any of `( )` and spaces: what follows
    /// the last `)` are the fields.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let open = memchr::memchr(b'(', line)?;
        let close = memchr::memrchr(b')', line)?;
        let name = line.get(open + 1..close)?;
        let mut fields = line.get(close + 1..)?.trim_ascii().split(|byte| *byte == b' ');
        let state = fields.next()?;
        let parent = number(fields.next()?)?;
        let flags = number(fields.nth(4)?)?;
        let user = number(fields.nth(4)?)?;
        let mut next = |skip: usize| fields.nth(skip).and_then(number);
        let (system, reaped_user, reaped_system) = (next(0)?, next(0)?, next(0)?);
        let (threads, started, resident_pages) = (next(2)?, next(1)?, next(1)?);
        // Zero for those who may not trace the process; older kernels end the line before it.
        let arguments_at = next(23);
        let mut image = DefaultHasher::new();
        (name, arguments_at).hash(&mut image);
        let mut short = [0; NAME];
        short.iter_mut().zip(name).for_each(|(place, byte)| *place = *byte);
        Some(Self {
            name: short,
            image: image.finish(),
            zombie: matches!(state, b"Z" | b"X" | b"x"),
            parent: u32::try_from(parent).ok()?,
            kernel_thread: flags & KERNEL_THREAD != 0,
            cpu: user.saturating_add(system),
            reaped_cpu: reaped_user.saturating_add(reaped_system),
            threads,
            started,
            resident_pages,
        })
    }
}

impl Stat {
    /// The name of the program: of its file, if it has not given itself another one.
    pub(crate) fn name(&self) -> &[u8] {
        let end = self.name.iter().position(|byte| *byte == 0);
        &self.name[..end.unwrap_or(NAME)]
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.resident_pages.saturating_mul(rustix::param::page_size() as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(name: &str, state: char, numbers: [u64; 9]) -> String {
        let [parent, flags, user, system, reaped_user, reaped_system, threads, started, rss] =
            numbers;
        format!(
            "42 ({name}) {state} {parent} 42 42 0 -1 {flags} 11 12 13 14 {user} {system} {reaped_user} \
             {reaped_system} 20 0 {threads} 0 {started} 2703360 {rss} 18446744073709551615 1 1 0 0 0 0 0 \
             4096 1260 0 0 0 17 0 0 0 0 0 0 94289760600000 94289760601000 94289760608256 \
             140729359018000 140729359018100 0 0\n"
        )
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let numbers = [7, 0, 100, 20, 300, 4, 38, 5555, 9000];
        for name in ["java", "a b", ") S 1 (", "((", "))", ""] {
            let stat = Stat::parse(line(name, 'S', numbers).as_bytes()).unwrap();
            assert_eq!((stat.parent, stat.cpu, stat.reaped_cpu), (7, 120, 304), "{name:?}");
            assert_eq!(stat.name(), name.as_bytes());
            assert_eq!((stat.threads, stat.started, stat.resident_pages), (38, 5555, 9000));
            assert!(!stat.zombie && !stat.kernel_thread);
        }
    }

    #[test]
    fn zombies_and_kernel_threads_are_told() {
        assert!(Stat::parse(line("z", 'Z', [1; 9]).as_bytes()).unwrap().zombie);
        let kernel = line("kworker/0:0", 'I', [2, 0x0420_8060, 0, 0, 0, 0, 1, 9, 0]);
        assert!(Stat::parse(kernel.as_bytes()).unwrap().kernel_thread);
    }

    #[test]
    fn another_program_is_another_image() {
        let image = |text: &str| Stat::parse(text.as_bytes()).unwrap().image;
        let bash = line("bash", 'S', [1; 9]);
        assert_eq!(image(&bash), image(&line("bash", 'R', [2; 9])));
        assert_ne!(image(&bash), image(&line("java", 'S', [1; 9])));
        assert_ne!(image(&bash), image(&bash.replace("140729359018000", "140729359019999")));
    }

    #[test]
    fn an_old_kernels_short_line_is_enough() {
        let short = line("java", 'S', [1; 9]);
        let short = &short[..short.find(" 18446744073709551615").unwrap()];
        assert_eq!(Stat::parse(short.as_bytes()).unwrap().resident_pages, 1);
        let cut = &short[..short.rfind(' ').unwrap()];
        assert_eq!(Stat::parse(cut.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Stat::parse(&bytes);
        }

        #[test]
        fn any_cut_and_any_flipped_byte_is_survived(at in 0usize..300, byte: u8) {
            let mut text = line("py (x) thon", 'S', [u64::MAX / 2; 9]).into_bytes();
            let _ = Stat::parse(&text[..at.min(text.len())]);
            if let Some(place) = text.get_mut(at) { *place = byte; }
            let _ = Stat::parse(&text);
        }

        #[test]
        fn what_the_kernel_wrote_is_read(name in "[ -~]{0,15}", parent: u32, numbers: [u32; 8]) {
            let numbers = numbers.map(u64::from);
            let [_, user, system, reaped_user, reaped_system, threads, started, rss] = numbers;
            let mut all = [parent.into(); 9];
            all[1..].copy_from_slice(&numbers);
            let text = line(&name, 'S', all);
            let stat = Stat::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(stat.parent, parent);
            prop_assert_eq!((stat.cpu, stat.reaped_cpu), (user + system, reaped_user + reaped_system));
            prop_assert_eq!((stat.threads, stat.started, stat.resident_pages), (threads, started, rss));
        }
    }
}
