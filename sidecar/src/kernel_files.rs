//! Kernel files, read whole into one buffer that is used again, and the shapes they share.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// More than any of these files has on a machine of any size; what is larger is not read.
pub(crate) const LIMIT: usize = 256 * 1024;

/// What the buffer starts with: most of these files fit.
const FIRST: usize = 4 * 1024;

/// Reads small files one after the other.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    /// The whole file. More than [`LIMIT`] bytes are an error: half a file ends in half a number.
    pub(crate) fn whole(&mut self, path: &Path) -> io::Result<&[u8]> {
        let length = self.fill(path)?;
        if length > LIMIT {
            Err(ErrorKind::FileTooLarge.into())
        } else {
            Ok(&self.buffer[..length])
        }
    }

    /// The number that is all of a file, where it is one.
    pub(crate) fn single(&mut self, path: &Path) -> Option<u64> {
        self.whole(path).ok().and_then(number)
    }

    /// The file's first [`LIMIT`] bytes.
    pub(crate) fn start(&mut self, path: &Path) -> io::Result<&[u8]> {
        let length = self.fill(path)?.min(LIMIT);
        Ok(&self.buffer[..length])
    }

    /// Reads until the end or beyond the limit. One `read` is not enough: the kernel hands out
    /// some of these files a page at a time.
    fn fill(&mut self, path: &Path) -> io::Result<usize> {
        let mut file = File::open(path)?;
        let mut length = 0;
        loop {
            if length == self.buffer.len() {
                self.buffer.resize((length * 2).clamp(FIRST, LIMIT + 1), 0);
            }
            match file.read(&mut self.buffer[length..]) {
                Ok(0) => return Ok(length),
                Ok(more) => length += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if length > LIMIT {
                return Ok(length);
            }
        }
    }
}

/// The lines of a file as key and value: `key value`, `key: value` or `key=value` in each.
pub(crate) fn pairs(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let end = line.iter().position(|byte| matches!(byte, b' ' | b':' | b'\t' | b'='))?;
        Some((&line[..end], line[end + 1..].trim_ascii()))
    })
}

/// The value of one key, where it is a number.
pub(crate) fn value_of(bytes: &[u8], key: &[u8]) -> Option<u64> {
    pairs(bytes).find(|(name, _)| *name == key).and_then(|(_, value)| number(value))
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
        let mut reader = Reader::default();
        for length in [0, 1, FIRST, FIRST + 1, LIMIT] {
            std::fs::write(&path, vec![b'x'; length]).unwrap();
            assert_eq!(reader.whole(&path).unwrap().len(), length);
        }
        std::fs::write(&path, vec![b'x'; LIMIT + 1]).unwrap();
        assert_eq!(reader.whole(&path).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(reader.start(&path).unwrap().len(), LIMIT);
        // What an earlier file left in the buffer is not read again.
        std::fs::write(&path, "y").unwrap();
        assert_eq!(reader.whole(&path).unwrap(), b"y");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = (pairs(&bytes).count(), value_of(&bytes, b"a"), number(&bytes));
        }

        #[test]
        fn what_was_written_is_found_in_any_order_and_shape(
            lines in proptest::collection::btree_map("[a-z_]{1,12}", (any::<u64>(), "( |: |:\t)"), 1..20),
        ) {
            let text: Vec<String> = lines.iter().rev().map(|(key, (value, between))| format!("{key}{between}{value}")).collect();
            let text = text.join("\n");
            for (key, (value, _)) in &lines {
                prop_assert_eq!(value_of(text.as_bytes(), key.as_bytes()), Some(*value));
            }
        }
    }
}
