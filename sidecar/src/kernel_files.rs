//! Small files that the kernel writes anew whenever they are read, and the shapes they share.
//!
//! A file that is read again and again stays open: to read it anew from its beginning is then one
//! call, and finds no path. It also outlives the way to it: files of a control group can be read
//! until the group is removed, though its last process has ended.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// More than any of these files has on a machine of any size; what is larger is not read.
pub(crate) const LIMIT: usize = 256 * 1024;

/// What the buffer starts with: most of these files fit.
const FIRST: usize = 4 * 1024;

/// How many lines could not be read, and were left out of what is made of their file. A kernel that
/// writes one line that nobody has thought of (`(unknown) rbytes=…` in `io.stat`) takes nothing else
/// away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unparsed(pub(crate) u64);

impl Unparsed {
    /// One more.
    pub(crate) const fn add(&mut self) {
        self.0 += 1;
    }

    /// A value, and one line more where there is none.
    pub(crate) const fn unless<T: Copy>(&mut self, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.add();
        }
        value
    }
}

/// Reads small files one after the other into memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    length: usize,
    /// Lines of all the files so far.
    pub(crate) unparsed: Unparsed,
}

impl Buffer {
    /// Reads the whole of an open file, from its beginning. More than [`LIMIT`] bytes are an error:
    /// half a file ends in half a number.
    ///
    /// The kernel makes each of these files in one piece (`seq_file` with one record) and hands out
    /// as much of it as there is room for, so that a read that leaves room has reached the end.
    pub(crate) fn fill(&mut self, file: &File) -> io::Result<()> {
        self.length = 0;
        loop {
            if self.length == self.bytes.len() {
                self.bytes.resize((self.length * 2).clamp(FIRST, LIMIT + 1), 0);
            }
            match file.read_at(&mut self.bytes[self.length..], self.length as u64) {
                Ok(more) => self.length += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if self.length > LIMIT {
                return Err(ErrorKind::FileTooLarge.into());
            }
            if self.length < self.bytes.len() {
                return Ok(());
            }
        }
    }

    /// What was read last.
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Makes something of what was read last.
    pub(crate) fn parse<T>(&mut self, parse: impl FnOnce(&[u8], &mut Unparsed) -> T) -> T {
        parse(&self.bytes[..self.length], &mut self.unparsed)
    }

    /// The whole of a file that is read once.
    pub(crate) fn whole(&mut self, path: &Path) -> io::Result<&[u8]> {
        self.fill(&File::open(path)?)?;
        Ok(self.filled())
    }

    /// A file's first [`LIMIT`] bytes, of one that may be handed out in several pieces.
    pub(crate) fn beginning(&mut self, path: &Path) -> io::Result<&[u8]> {
        self.bytes.clear();
        self.length = File::open(path)?.take(LIMIT as u64).read_to_end(&mut self.bytes)?;
        Ok(self.filled())
    }
}

/// Files that stay open, by name.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles(Vec<(&'static str, File)>);

impl OpenFiles {
    /// Opens the files of these names that there are in a directory.
    pub(crate) fn open(&mut self, directory: &Path, names: &[&'static str]) {
        let open = |name: &&'static str| Some((*name, File::open(directory.join(name)).ok()?));
        self.0.extend(names.iter().filter_map(open));
    }

    /// Makes something of the whole of a file, where it can be read.
    pub(crate) fn parse<T>(
        &self,
        name: &str,
        buffer: &mut Buffer,
        parse: impl FnOnce(&[u8], &mut Unparsed) -> T,
    ) -> Option<T> {
        buffer.fill(self.find(name)?).ok()?;
        let before = buffer.unparsed;
        let made = buffer.parse(parse);
        if buffer.unparsed != before {
            tracing::debug!(name, "a file of the kernel's has lines that cannot be read");
        }
        Some(made)
    }

    /// The number that is all of a file, where it is one.
    pub(crate) fn number(&self, name: &str, buffer: &mut Buffer) -> Option<u64> {
        self.parse(name, buffer, limit).flatten()
    }

    /// A path to an open file, for as long as it is open.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.find(name).map(|file| format!("/proc/self/fd/{}", file.as_raw_fd()).into())
    }

    fn find(&self, name: &str) -> Option<&File> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, file)| file)
    }
}

/// The lines of a file that have something in them.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

/// A line's words.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// A line as key and value: `key value`, `key: value` or `key=value`.
pub(crate) fn pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| matches!(byte, b' ' | b':' | b'\t' | b'='))?;
    Some((&line[..end], line[end + 1..].trim_ascii()))
}

/// The lines of a file that has a key and a number in each; others are left out.
pub(crate) fn numbers<'a>(
    bytes: &'a [u8],
    unparsed: &'a mut Unparsed,
) -> impl Iterator<Item = (&'a [u8], u64)> {
    lines(bytes).filter_map(|line| {
        let read = pair(line).and_then(|(key, value)| Some((key, number(value)?)));
        unparsed.unless(read)
    })
}

/// The number that is all of a file. No limit is a word in its place (`max` in v2, `-1` in v1).
pub(crate) fn limit(bytes: &[u8], unparsed: &mut Unparsed) -> Option<u64> {
    let said = lines(bytes).filter(|line| !matches!(*line, b"max" | b"-1"));
    said.fold(None, |found, line| found.or(unparsed.unless(number(line))))
}

/// A whole number and nothing else, but for spaces around it.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes.trim_ascii()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_comes_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut buffer = Buffer::default();
        for length in [0, 1, FIRST, FIRST + 1, LIMIT] {
            std::fs::write(&path, vec![b'x'; length]).unwrap();
            assert_eq!(buffer.whole(&path).unwrap().len(), length);
        }
        std::fs::write(&path, vec![b'x'; LIMIT + 1]).unwrap();
        assert_eq!(buffer.whole(&path).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(buffer.beginning(&path).unwrap().len(), LIMIT);
        // What an earlier file left in the buffer is not read again.
        std::fs::write(&path, "y").unwrap();
        assert_eq!(buffer.whole(&path).unwrap(), b"y");
    }

    #[test]
    fn a_file_that_stays_open_is_read_anew_each_time_and_outlives_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("count");
        std::fs::write(&path, "1\n").unwrap();
        let (mut files, mut buffer) = (OpenFiles::default(), Buffer::default());
        files.open(directory.path(), &["count", "none"]);
        assert_eq!(files.number("count", &mut buffer), Some(1));
        std::fs::write(&path, "20\n").unwrap();
        assert_eq!(files.number("count", &mut buffer), Some(20));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(files.number("count", &mut buffer), Some(20));
        assert_eq!(std::fs::read(files.path("count").unwrap()).unwrap(), b"20\n");
        assert_eq!((files.number("none", &mut buffer), files.path("none")), (None, None));
    }

    /// Of real ones too, however large.
    #[test]
    fn one_read_that_leaves_room_has_all_that_the_kernel_has() {
        for path in ["/proc/self/stat", "/proc/self/status", "/proc/self/cgroup", "/proc/meminfo"] {
            let file = File::open(path).unwrap();
            let mut buffer = Buffer::default();
            buffer.fill(&file).unwrap();
            let length = buffer.filled().len();
            let mut rest = [0; 64];
            assert_eq!(file.read_at(&mut rest, length as u64).unwrap(), 0, "{path}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_counted_and_takes_no_other_away() {
        let mut unparsed = Unparsed::default();
        let file = b"anon 5\n\xff\xfe\nfile five\n\n(unknown)\nfile: 7\nswap=-1\nkernel 99999999999999999999\nslab\t8";
        let read: Vec<_> = numbers(file, &mut unparsed).collect();
        assert_eq!(read, [(&b"anon"[..], 5), (b"file", 7), (b"slab", 8)]);
        assert_eq!(unparsed, Unparsed(5));
    }

    #[test]
    fn no_limit_is_no_fault() {
        let mut unparsed = Unparsed::default();
        let mut limits = |file: &[u8]| limit(file, &mut unparsed);
        assert_eq!(
            [limits(b"max\n"), limits(b"-1\n"), limits(b""), limits(b" 7\n")],
            [None, None, None, Some(7)]
        );
        assert_eq!([limits(b"-2\n"), limits(b"7 8\n")], [None, None]);
        assert_eq!(unparsed, Unparsed(2));
    }

    proptest! {
        #[test]
        fn every_line_is_read_or_counted(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "([a-z_]{1,4}[ :=]?[0-9]{0,22}\n{0,2}){0,20}") {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let mut unparsed = Unparsed::default();
                let read = numbers(bytes, &mut unparsed).count() as u64;
                prop_assert_eq!(read + unparsed.0, lines(bytes).count() as u64);
                let _ = (limit(bytes, &mut unparsed), number(bytes));
            }
        }

        #[test]
        fn what_was_written_is_found_in_any_order_and_shape(
            written in proptest::collection::btree_map("[a-z_]{1,12}", (any::<u64>(), "( |: |:\t)"), 1..20),
            noise in proptest::collection::vec("[A-Z(]{1,6}( x)?", 0..6),
        ) {
            let good = written.iter().rev().map(|(key, (value, between))| format!("{key}{between}{value}"));
            let text = good.chain(noise.iter().cloned()).collect::<Vec<_>>().join("\n");
            let mut unparsed = Unparsed::default();
            let read: std::collections::BTreeMap<_, _> = numbers(text.as_bytes(), &mut unparsed).collect();
            prop_assert_eq!(read.len(), written.len());
            for (key, (value, _)) in &written {
                prop_assert_eq!(read.get(key.as_bytes()), Some(value));
            }
            prop_assert_eq!(unparsed.0, noise.len() as u64);
        }
    }
}
