//! The third link, second half: whether the API server's trust and the webhook's certificate meet.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emberscope_certs::identity::Validity;
use emberscope_certs::{CertError, trust};
use emberscope_core::contract::NAME;
use serde_json::Value;

use crate::finding::{CA_BUNDLE, Finding, STORED_CERTIFICATE};
use crate::server::plural;
use emberscope_ask::Refusal;

const DAY: Duration = Duration::from_hours(24);

/// With less left of an authority, something does not renew it: the webhook has a successor in the
/// bundle 90 days before.
const NEAR_BUNDLE: Duration = DAY.saturating_mul(14);

/// With less left of a leaf, something does not renew it: the webhook does 10 of its 30 days before.
const NEAR_LEAF: Duration = DAY.saturating_mul(3);

/// With more left of a leaf than this part of its life, its renewal may be still to come, however
/// short it is: cert-manager's is due at a third.
const NEAR_LEAF_PART: u32 = 10;

/// Where to look when certificates are not looked after.
pub(super) fn logs(namespace: &str) -> String {
    format!(
        "kubectl logs -n {namespace} -l app.kubernetes.io/name={NAME} --tail=20\nthe server writes caBundle and Secret every 30 s, or says there why it cannot"
    )
}

/// The PEM text in a caBundle, and whether it will do.
pub(super) fn ca_bundle(
    encoded: Option<&str>,
    namespace: &str,
    now: SystemTime,
) -> (Finding, Option<String>) {
    let fail = |why: String| (CA_BUNDLE.fail(why, logs(namespace)), None);
    let Some(encoded) = encoded else {
        return fail(
            "the caBundle is empty, so the API server trusts nobody at this address".into(),
        );
    };
    let pem = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(pem) = pem else {
        return fail("the caBundle is no PEM text".into());
    };
    let Ok(authorities) = Validity::of_each(&pem) else {
        return fail("the caBundle holds no certificate that can be read".into());
    };
    let valid: Vec<_> = authorities.iter().filter(|one| one.contains(now)).collect();
    let left = valid.iter().map(|one| one.left(now)).max();
    let finding = match left {
        None => {
            let all = authorities.len();
            return fail(format!(
                "no authority in the caBundle is valid now (of {all}): expired, or not valid yet"
            ));
        }
        Some(left) if left < NEAR_BUNDLE => CA_BUNDLE.warn(
            format!("the caBundle's last authority expires {}", within(left)),
            logs(namespace),
        ),
        Some(left) => CA_BUNDLE.pass(format!(
            "the caBundle holds {} valid {}, the last one until {} from now",
            valid.len(),
            plural(valid.len(), "certificate"),
            days(left)
        )),
    };
    (finding, Some(pem))
}

/// Whether the bundle vouches for the leaf in a Secret, under the name that the API server asks for.
pub(super) fn stored(
    secret: &str,
    found: &Result<Value, Refusal>,
    bundle: &str,
    name: &str,
    namespace: &str,
    now: SystemTime,
) -> Finding {
    let fail = |why: String| STORED_CERTIFICATE.fail(why, logs(namespace));
    let data = match found {
        Ok(found) => &found["data"]["tls.crt"],
        Err(Refusal::Missing) => return fail(format!("there is no Secret {secret}")),
        Err(refusal @ Refusal::Forbidden(_)) => {
            return STORED_CERTIFICATE.warn(
                format!("the certificate in Secret {secret} is not known: {refusal}"),
                format!(
                    "kubectl auth can-i get secrets/{secret} -n {namespace}\ncheck as an administrator: the Secret holds private keys too, so that the role for checks leaves it out"
                ),
            );
        }
        Err(refusal) => {
            return STORED_CERTIFICATE
                .refused(&format!("the certificate in Secret {secret}"), refusal);
        }
    };
    let pem = data.as_str().and_then(|text| STANDARD.decode(text).ok());
    let Some(pem) = pem.and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return fail(format!("the Secret {secret} has no tls.crt that can be read"));
    };
    let validity = match Validity::of(&pem) {
        Ok(validity) => validity,
        Err(error) => return fail(format!("the Secret {secret}: {error}")),
    };
    if validity.not_after < now {
        let ago = now.duration_since(validity.not_after).unwrap_or_default();
        return fail(format!("the certificate in Secret {secret} expired {} ago", days(ago)));
    }
    match trust::verify(bundle, &pem, name, now) {
        Err(error) => fail(format!(
            "the caBundle does not vouch for the certificate in Secret {secret} as {name}: {}",
            reason(&error)
        )),
        Ok(()) if validity.left(now) < near(&validity) => STORED_CERTIFICATE.warn(
            format!("the certificate in Secret {secret} expires {}", within(validity.left(now))),
            logs(namespace),
        ),
        Ok(()) => STORED_CERTIFICATE.pass(format!(
            "the caBundle vouches for the certificate in Secret {secret} as {name}; it expires {}",
            within(validity.left(now))
        )),
    }
}

/// What is left when something has not renewed a leaf.
fn near(leaf: &Validity) -> Duration {
    let life = leaf.not_after.duration_since(leaf.not_before).unwrap_or_default();
    NEAR_LEAF.min(life / NEAR_LEAF_PART)
}

/// What is wrong, without the words around it.
fn reason(error: &CertError) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    source.unwrap_or_else(|| error.to_string())
}

fn within(left: Duration) -> String {
    format!("in {}", days(left))
}

fn days(time: Duration) -> String {
    let days = time.as_secs() / DAY.as_secs();
    if days == 0 {
        let hours = time.as_secs() / 3600;
        return format!("{hours} {}", plural(usize::try_from(hours).unwrap_or(2), "hour"));
    }
    format!("{days} {}", plural(usize::try_from(days).unwrap_or(2), "day"))
}

#[cfg(test)]
mod tests {
    use emberscope_certs::authority;
    use serde_json::json;

    use super::*;
    use crate::finding::Outcome;

    const SERVICE: &str = "emberscope.emberscope.svc";

    fn bundle_at(now: SystemTime) -> (Finding, Option<String>) {
        let authority = authority::generate(SystemTime::now()).unwrap().certificate;
        ca_bundle(Some(&STANDARD.encode(authority)), "emberscope", now)
    }

    #[test]
    fn a_bundle_is_judged_by_the_time_that_is_left() {
        let now = SystemTime::now();
        let (fresh, pem) = bundle_at(now);
        assert_eq!(
            fresh.sentence,
            "the caBundle holds 1 valid certificate, the last one until 364 days from now"
        );
        assert!(pem.unwrap().starts_with("-----BEGIN"));
        assert_eq!(bundle_at(now + 355 * DAY).0.outcome, Outcome::Warn);
        let (expired, pem) = bundle_at(now + 366 * DAY);
        assert_eq!((expired.outcome, pem), (Outcome::Fail, None));
    }

    #[test]
    fn a_bundle_that_is_empty_or_no_certificate_fails() {
        for encoded in [None, Some("%"), Some("aGVsbG8=")] {
            let (finding, pem) = ca_bundle(encoded, "emberscope", SystemTime::now());
            assert_eq!((finding.outcome, pem), (Outcome::Fail, None), "{encoded:?}");
        }
    }

    #[test]
    fn a_certificate_has_to_be_of_that_authority_for_that_name_and_in_time() {
        let now = SystemTime::now();
        let [ours, theirs] = [(), ()].map(|()| authority::generate(now).unwrap());
        let leaf = |born| authority::issue(&ours, &[SERVICE.to_owned()], born).unwrap().certificate;
        let check = |leaf: &str, bundle: &str, name| {
            let secret = Ok(json!({"data": {"tls.crt": STANDARD.encode(leaf)}}));
            stored("s", &secret, bundle, name, "emberscope", now)
        };
        let bundle = &ours.certificate;
        assert_eq!(check(&leaf(now), bundle, SERVICE).outcome, Outcome::Pass);
        assert_eq!(check(&leaf(now - 28 * DAY), bundle, SERVICE).outcome, Outcome::Warn);
        let old = check(&leaf(now - 40 * DAY), bundle, SERVICE);
        assert_eq!(old.sentence, "the certificate in Secret s expired 10 days ago");
        let foreign = check(&leaf(now), &theirs.certificate, SERVICE);
        assert!(foreign.sentence.contains("does not vouch"), "{}", foreign.sentence);
        assert_eq!(check(&leaf(now), bundle, "other.svc").outcome, Outcome::Fail);
    }

    #[test]
    fn a_secret_that_may_not_be_read_is_a_warning() {
        let forbidden = Err(Refusal::Forbidden("get secrets s in namespace e".into()));
        let found = stored("s", &forbidden, "", SERVICE, "e", SystemTime::now());
        assert_eq!(found.outcome, Outcome::Warn);
        assert!(found.sentence.contains("get secrets s in namespace e"), "{}", found.sentence);
    }
}
