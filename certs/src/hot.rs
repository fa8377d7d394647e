//! A certificate that can be swapped while connections are served.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::{CertError, Identity};

/// The certificate that new handshakes get; none before the first [`HotCertificate::swap`].
///
/// Connections that are open keep what they were made with; nothing is dropped by a swap.
#[derive(Default)]
pub struct HotCertificate {
    current: ArcSwapOption<CertifiedKey>,
}

impl HotCertificate {
    /// Serves `identity` from the next handshake on; one that is unusable changes nothing.
    pub fn swap(&self, identity: &Identity) -> Result<(), CertError> {
        self.current.store(Some(identity.certified_key()?));
        Ok(())
    }
}

impl ResolvesServerCert for HotCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.load_full()
    }
}

impl fmt::Debug for HotCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loaded = self.current.load().is_some();
        f.debug_struct("HotCertificate").field("loaded", &loaded).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::authority;

    #[test]
    fn a_torn_pair_is_refused_and_the_old_certificate_stays() {
        let now = SystemTime::now();
        let ca = authority::generate(now).unwrap();
        let names = ["a.svc".to_owned()];
        let first = authority::issue(&ca, &names, now).unwrap();
        let second = authority::issue(&ca, &names, now).unwrap();
        let hot = HotCertificate::default();
        hot.swap(&first).unwrap();
        let torn = Identity { certificate: second.certificate, key: first.key.clone() };
        assert!(matches!(hot.swap(&torn), Err(CertError::Mismatch(_))));
        let served = hot.current.load_full().unwrap();
        assert_eq!(served.cert[0], first.certified_key().unwrap().cert[0]);
    }
}
