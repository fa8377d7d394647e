//! The size of a memory page, which `/proc/<pid>/stat` counts in.

/// `AT_PAGESZ` of the kernel's `include/uapi/linux/auxvec.h`.
const PAGE_SIZE: usize = 6;

/// What nearly every machine has, and what is taken where the kernel does not say.
const USUAL: u64 = 4096;

/// The page size that an auxiliary vector tells: pairs of a key and a value (`proc_pid_auxv(5)`).
pub(super) fn of(auxv: &[u8]) -> u64 {
    find(auxv).unwrap_or(USUAL)
}

fn find(auxv: &[u8]) -> Option<u64> {
    let (words, _) = auxv.as_chunks::<{ size_of::<usize>() }>();
    let (pairs, _) = words.as_chunks::<2>();
    let [_, value] = pairs.iter().find(|[key, _]| usize::from_ne_bytes(*key) == PAGE_SIZE)?;
    u64::try_from(usize::from_ne_bytes(*value)).ok().filter(|size| size.is_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_size_is_found_among_the_other_pairs() {
        let pairs: [usize; 6] = [33, 0x7ffc_0000, PAGE_SIZE, 65536, 0, 0];
        let bytes: Vec<u8> = pairs.iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(of(&bytes), 65536);
        assert_eq!(of(&bytes[..20]), USUAL);
        assert_eq!(of(b""), USUAL);
    }
}
