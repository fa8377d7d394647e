//! A certificate from files, as cert-manager and the kubelet lay them out: `tls.crt`, `tls.key`.

use std::fs;
use std::path::Path;

use crate::{CertError, Identity};

/// Reads the pair in `dir`.
///
/// Reading by name follows the kubelet's `..data` link, so each call sees whichever version is
/// current; a pair read in the middle of a swap does not match and is refused by its user.
pub fn read(dir: &Path) -> Result<Identity, CertError> {
    let file = |name: &str| {
        let path = dir.join(name);
        fs::read_to_string(&path).map_err(|source| CertError::File { path, source })
    };
    Ok(Identity { certificate: file("tls.crt")?, key: file("tls.key")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = read(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("tls.crt"), "{error}");
    }
}
