//! The webhook's own certificate authority: makes itself, and leaves that it vouches for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use x509_parser::parse_x509_certificate;

use crate::{CertError, Identity, identity};

const DAY: Duration = Duration::from_hours(24);

/// How long an authority lives.
pub const AUTHORITY_LIFE: Duration = DAY.saturating_mul(365);

/// How long a leaf lives.
pub const LEAF_LIFE: Duration = DAY.saturating_mul(30);

/// Certificates start this long ago, for API servers whose clock is behind ours.
pub const BACKDATE: Duration = Duration::from_hours(1);

/// A new authority, valid from now (less [`BACKDATE`]) for [`AUTHORITY_LIFE`].
pub fn generate(now: SystemTime) -> Result<Identity, CertError> {
    let make = |source| CertError::Make { what: "certificate authority", source };
    let key = KeyPair::generate().map_err(make)?;
    let mut params = CertificateParams::default();
    // The second of birth makes the name of each authority its own: while two overlap, a verifier
    // finds the right one by name.
    let born = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    params.distinguished_name.push(DnType::CommonName, format!("emberscope webhook CA {born}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = (now - BACKDATE).into();
    params.not_after = (now + AUTHORITY_LIFE).into();
    let certificate = params.self_signed(&key).map_err(make)?;
    Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// A new serving certificate for `names` (DNS names or IP addresses), signed by `authority`.
pub fn issue(
    authority: &Identity,
    names: &[String],
    now: SystemTime,
) -> Result<Identity, CertError> {
    let make = |source| CertError::Make { what: "serving certificate", source };
    let issuer = issuer(authority)?;
    let key = KeyPair::generate().map_err(make)?;
    let mut params = CertificateParams::new(names).map_err(make)?;
    params.distinguished_name.push(DnType::CommonName, "emberscope webhook");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = (now - BACKDATE).into();
    params.not_after = (now + LEAF_LIFE).into();
    let certificate = params.signed_by(&key, &issuer).map_err(make)?;
    Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// An authority as rcgen signs with it; an error if it cannot.
pub(crate) fn issuer(authority: &Identity) -> Result<Issuer<'static, KeyPair>, CertError> {
    let make = |source| CertError::Make { what: "serving certificate", source };
    let certificate = &identity::chain(&authority.certificate)?[0];
    let (_, parsed) = parse_x509_certificate(certificate)
        .map_err(|_| CertError::NotACertificate("the authority".to_owned()))?;
    // Where a part of its name is empty, rcgen panics.
    if parsed.subject().iter().any(|part| part.iter().next().is_none()) {
        return Err(CertError::NotAnAuthority("a part of its name is empty"));
    }
    let key = KeyPair::from_pem(&authority.key).map_err(make)?;
    Issuer::from_ca_cert_der(certificate, key).map_err(make)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust;

    #[test]
    fn a_leaf_is_vouched_for_by_its_authority_and_by_no_other() {
        let now = SystemTime::now();
        let (ours, other) = (generate(now).unwrap(), generate(now).unwrap());
        let names = ["emberscope.emberscope.svc".to_owned(), "127.0.0.1".to_owned()];
        let leaf = issue(&ours, &names, now).unwrap();
        for name in &names {
            trust::verify(&ours.certificate, &leaf.certificate, name, now).unwrap();
        }
        assert!(trust::verify(&other.certificate, &leaf.certificate, &names[0], now).is_err());
        assert!(trust::verify(&ours.certificate, &leaf.certificate, "else.svc", now).is_err());
    }

    #[test]
    fn an_api_server_whose_clock_is_half_an_hour_behind_accepts_a_new_leaf() {
        let now = SystemTime::now();
        let authority = generate(now).unwrap();
        let names = ["a.svc".to_owned()];
        let leaf = issue(&authority, &names, now).unwrap();
        let behind = now - Duration::from_mins(30);
        trust::verify(&authority.certificate, &leaf.certificate, "a.svc", behind).unwrap();
    }

    #[test]
    fn an_authority_out_of_its_time_vouches_for_nobody_as_go_has_it() {
        let now = SystemTime::now();
        let names = ["a.svc".to_owned()];
        for born in [now - AUTHORITY_LIFE - DAY, now + DAY] {
            let authority = generate(born).unwrap();
            let leaf = issue(&authority, &names, now).unwrap();
            assert!(
                trust::verify(&authority.certificate, &leaf.certificate, "a.svc", now).is_err()
            );
        }
    }

    #[test]
    fn the_private_key_never_shows_in_debug_output() {
        let authority = generate(SystemTime::now()).unwrap();
        assert!(!format!("{authority:?}").contains("PRIVATE KEY"));
    }
}
