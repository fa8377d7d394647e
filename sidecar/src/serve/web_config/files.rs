//! A web configuration from its file, with the files that it names.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use ring::digest::{self, SHA256};

use super::{ClientAuth, Pem, Place, Tls, WebConfig, WebConfigError};

/// No file is longer.
const MOST: u64 = 1024 * 1024;

/// What tells one content of all the files from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve) struct Fingerprint([u8; 32]);

/// What was read.
pub(in crate::serve) struct Loaded {
    pub(in crate::serve) config: WebConfig,
    /// If there is to be TLS.
    pub(in crate::serve) pems: Option<Pems>,
    pub(in crate::serve) fingerprint: Fingerprint,
}

/// The texts that TLS is made of.
pub(in crate::serve) struct Pems {
    pub(in crate::serve) certificate: String,
    pub(in crate::serve) key: String,
    /// If clients are asked for certificates.
    pub(in crate::serve) client_ca: Option<String>,
}

impl Loaded {
    /// Reads all. Reading by name follows the link that the kubelet swaps when it updates a volume.
    pub(in crate::serve) fn read(path: &Path) -> Result<Self, WebConfigError> {
        let yaml = text(path, "--web.config.file")?;
        let config = WebConfig::parse(&yaml, path)?;
        let pems = config.tls.as_ref().map(Pems::read).transpose()?;
        let mut hashed = digest::Context::new(&SHA256);
        for part in std::iter::once(&yaml).chain(pems.iter().flat_map(Pems::parts)) {
            // The length keeps what is at the end of one file from being at the begin of the next.
            hashed.update(&part.len().to_be_bytes());
            hashed.update(part.as_bytes());
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(hashed.finish().as_ref());
        Ok(Self { config, pems, fingerprint: Fingerprint(fingerprint) })
    }
}

impl Pems {
    fn read(tls: &Tls) -> Result<Self, WebConfigError> {
        let client_ca = match &tls.client_auth {
            ClientAuth::No => None,
            ClientAuth::IfGiven(ca) | ClientAuth::Required(ca) => Some(ca.read()?),
        };
        Ok(Self { certificate: tls.certificate.read()?, key: tls.key.read()?, client_ca })
    }

    fn parts(&self) -> impl Iterator<Item = &String> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca)
    }
}

impl Pem {
    fn read(&self) -> Result<String, WebConfigError> {
        match &self.place {
            Place::File(path) => text(path, self.field),
            Place::Inline(pem) => Ok(pem.clone()),
        }
    }
}

fn text(path: &Path, key: &'static str) -> Result<String, WebConfigError> {
    read(path).map_err(|source| WebConfigError::File { path: path.to_owned(), key, source })
}

fn read(path: &Path) -> io::Result<String> {
    // Opening a pipe would wait for its other end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST {
        return Err(io::Error::other("longer than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_small_text_file_is_refused_and_nothing_waits() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large");
        fs::write(&large, vec![b'#'; 1024 * 1024 + 1]).unwrap();
        let binary = folder.path().join("binary");
        fs::write(&binary, b"\xff\xfe").unwrap();
        let absent = folder.path().join("absent");
        for path in [folder.path(), &large, &binary, &absent, Path::new("/dev/zero")] {
            let error = Loaded::read(path).err().unwrap().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
            assert!(error.contains("--web.config.file"), "{error}");
        }
    }

    #[test]
    fn the_fingerprint_changes_with_any_of_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        fs::write(&path, "tls_server_config: {cert_file: a, key_file: b}").unwrap();
        let mut seen = Vec::new();
        for (certificate, key) in [("x", "y"), ("xy", ""), ("x", "z"), ("x", "y")] {
            fs::write(folder.path().join("a"), certificate).unwrap();
            fs::write(folder.path().join("b"), key).unwrap();
            seen.push(Loaded::read(&path).ok().unwrap().fingerprint);
        }
        assert_eq!(seen[0], seen[3]);
        assert!(seen[0] != seen[1] && seen[0] != seen[2] && seen[1] != seen[2]);
    }
}
