//! Whether an API server with a given `caBundle` would accept a given certificate.
//!
//! rustls verifies the chain. What it takes on trust of an authority, Go's `x509.Verify` looks at too:
//! that it is an authority at all, may sign, is in its time, and is found in the text.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::extensions::ParsedExtension;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::X509Version;

use crate::identity::Validity;
use crate::{CertError, bundle, identity};

/// Verifies `certificate` (its chain, PEM) for `name` at the time `now` against the authorities in
/// `bundle` (PEM), as an API server does.
pub fn verify(
    bundle: &str,
    certificate: &str,
    name: &str,
    now: SystemTime,
) -> Result<(), CertError> {
    let mut roots = RootCertStore::empty();
    let authorities = bundle::read(bundle);
    roots.add_parsable_certificates(
        authorities.into_iter().filter(|one| can_vouch(one, now).is_ok()),
    );
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|_| CertError::EmptyBundle)?;
    let chain = identity::chain(certificate)?;
    let name = ServerName::try_from(name.to_owned())
        .map_err(|error| CertError::Untrusted(rustls::Error::General(error.to_string())))?;
    let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
    verifier
        .verify_server_cert(&chain[0], &chain[1..], &name, &[], now)
        .map(drop)
        .map_err(CertError::Untrusted)
}

/// Whether Go would take a certificate for an authority of servers at the time `now`.
pub(crate) fn can_vouch(der: &CertificateDer<'_>, now: SystemTime) -> Result<(), CertError> {
    let refuse = |why| Err(CertError::NotAnAuthority(why));
    let Ok((_, certificate)) = parse_x509_certificate(der) else {
        return refuse("it is no X.509 certificate");
    };
    if !Validity::of_der(der)?.contains(now) {
        return refuse("it is out of its time");
    }
    if certificate.version() != X509Version::V3 || !certificate.is_ca() {
        return refuse("it is not marked as a certificate authority");
    }
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) if !usage.key_cert_sign() => {
                return refuse("its key may not sign certificates");
            }
            ParsedExtension::ExtendedKeyUsage(usage) if !usage.server_auth && !usage.any => {
                return refuse("it may not vouch for servers");
            }
            ParsedExtension::UnsupportedExtension { .. } | ParsedExtension::ParseError { .. }
                if extension.critical =>
            {
                return refuse("it has a critical extension that is not known");
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair,
        KeyUsagePurpose,
    };

    use super::*;
    use crate::{Identity, authority};

    const NAME: &str = "a.svc";

    /// An authority after what `change` does to a good one, and what it signs.
    fn authority_with(change: impl Fn(&mut CertificateParams)) -> (Identity, Identity) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let authority = Identity { certificate, key: key.serialize_pem() };
        let leaf = authority::issue(&authority, &[NAME.to_owned()], SystemTime::now()).unwrap();
        (authority, leaf)
    }

    fn trusted((authority, leaf): &(Identity, Identity)) -> bool {
        verify(&authority.certificate, &leaf.certificate, NAME, SystemTime::now()).is_ok()
    }

    #[test]
    fn who_is_no_authority_vouches_for_nobody() {
        assert!(trusted(&authority_with(|_| {})));
        assert!(!trusted(&authority_with(|params| params.is_ca = IsCa::ExplicitNoCa)));
        assert!(!trusted(&authority_with(|params| params.is_ca = IsCa::NoCa)));
    }

    #[test]
    fn an_authority_for_something_else_vouches_for_nobody() {
        let with_usage = |usage| authority_with(|params| params.key_usages = vec![usage]);
        assert!(!trusted(&with_usage(KeyUsagePurpose::CrlSign)));
        let purposes = |purpose: ExtendedKeyUsagePurpose| {
            authority_with(|params| params.extended_key_usages = vec![purpose.clone()])
        };
        assert!(!trusted(&purposes(ExtendedKeyUsagePurpose::ClientAuth)));
        assert!(trusted(&purposes(ExtendedKeyUsagePurpose::ServerAuth)));
    }

    #[test]
    fn a_bundle_whose_texts_run_together_trusts_nobody() {
        let good = authority_with(|_| {});
        let (other, _) = authority_with(|_| {});
        let together = format!("{}{}", good.0.certificate.trim_end(), other.certificate);
        assert!(verify(&together, &good.1.certificate, NAME, SystemTime::now()).is_err());
    }
}
