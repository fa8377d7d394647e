//! A year and more of renewals, walked through with an injected clock.

use super::*;
use crate::trust;

const NAME: &str = "emberscope.emberscope.svc";

fn names() -> Vec<String> {
    vec![NAME.to_owned()]
}

fn renewed(stored: Option<Material>, now: SystemTime) -> (Material, Option<Change>) {
    match renew(stored, &names(), now).unwrap() {
        Renewal::Current(material) => (material, None),
        Renewal::Changed { material, change } => (material, Some(change)),
    }
}

#[test]
fn for_three_years_every_api_server_trusts_every_leaf_even_with_a_bundle_of_yesterday() {
    let start = SystemTime::now();
    let (mut material, change) = renewed(None, start);
    assert_eq!(change, Some(Change::Created));
    let mut bundle_before = material.bundle();
    let mut changes = Vec::new();
    for hour in (0..3 * 365 * 24).step_by(6) {
        let now = start + Duration::from_secs(hour * 60 * 60);
        let bundle = material.bundle();
        let (next, change) = renewed(Some(material), now);
        changes.extend(change);
        // The bundle of six hours ago, which a slow API server may still have, and today's.
        trust::verify(&bundle_before, &next.leaf.certificate, NAME, now).unwrap();
        trust::verify(&next.bundle(), &next.leaf.certificate, NAME, now).unwrap();
        (material, bundle_before) = (next, bundle);
    }
    let count = |wanted| changes.iter().filter(|change| **change == wanted).count();
    assert_eq!(count(Change::SuccessorPublished), 3);
    assert_eq!(count(Change::SuccessorSigns), 3);
    assert!(count(Change::LeafRenewed) >= 40, "{changes:?}");
    assert_eq!(count(Change::Created), 0);
}

#[test]
fn a_replica_that_still_serves_the_old_leaf_is_trusted_after_the_successor_signs() {
    let start = SystemTime::now();
    let (material, _) = renewed(None, start);
    let late = start + authority::AUTHORITY_LIFE - SUCCESSION + DAY;
    let (published, change) = renewed(Some(material.clone()), late);
    assert_eq!(change, Some(Change::SuccessorPublished));
    let (before, _) = renewed(Some(published.clone()), late + DAY / 2);
    let (signing, change) = renewed(Some(before.clone()), late + DAY);
    assert_eq!(change, Some(Change::SuccessorSigns));
    let now = late + DAY;
    trust::verify(&signing.bundle(), &before.leaf.certificate, NAME, now).unwrap();
}

#[test]
fn a_cluster_that_was_off_for_two_years_starts_anew() {
    let start = SystemTime::now();
    let (material, _) = renewed(None, start);
    let now = start + authority::AUTHORITY_LIFE * 2;
    let (anew, change) = renewed(Some(material), now);
    assert_eq!(change, Some(Change::Created));
    trust::verify(&anew.bundle(), &anew.leaf.certificate, NAME, now).unwrap();
}

#[test]
fn other_names_make_a_new_leaf_under_the_same_authority() {
    let now = SystemTime::now();
    let (material, _) = renewed(None, now);
    let names = vec![NAME.to_owned(), "other.svc".to_owned(), "127.0.0.1".to_owned()];
    let Renewal::Changed { material: other, change } =
        renew(Some(material.clone()), &names, now).unwrap()
    else {
        unreachable!("the names differ")
    };
    assert_eq!(change, Change::LeafRenewed);
    assert_eq!(other.authority, material.authority);
    trust::verify(&material.bundle(), &other.leaf.certificate, "other.svc", now).unwrap();
    assert!(matches!(renew(Some(other), &names, now).unwrap(), Renewal::Current(_)));
}

#[test]
fn a_stored_key_that_is_not_the_certificates_is_replaced() {
    let now = SystemTime::now();
    let (mut material, _) = renewed(None, now);
    material.leaf.key = material.authority.key.clone();
    assert_eq!(renewed(Some(material.clone()), now).1, Some(Change::LeafRenewed));
    material.authority.key = "garbage".to_owned();
    assert_eq!(renewed(Some(material), now).1, Some(Change::Created));
}

#[test]
fn the_secret_keeps_everything() {
    let now = SystemTime::now();
    let (mut material, _) = renewed(None, now);
    material.next = Some(authority::generate(now).unwrap());
    material.previous = Some(authority::generate(now).unwrap().certificate);
    assert_eq!(Material::from_data(&material.to_data()).unwrap(), material);
    let mut data = material.to_data();
    data.remove("tls.key");
    assert!(matches!(Material::from_data(&data), Err(CertError::MissingEntry("tls.key"))));
}

#[test]
fn a_spoilt_successor_is_as_good_as_none() {
    let start = SystemTime::now();
    let (mut material, _) = renewed(None, start);
    let late = start + authority::AUTHORITY_LIFE - SUCCESSION + DAY;
    material.next = authority::generate(late - DAY * 2).ok();
    if let Some(next) = &mut material.next {
        next.key = "garbage".to_owned();
    }
    assert_eq!(renewed(Some(material), late).1, Some(Change::SuccessorPublished));
}

/// What replicas share: the Secret and the `caBundle`.
#[derive(Default)]
struct Cluster {
    secret: Option<Material>,
    bundle: String,
}

/// One replica, as `emberscope serve` works: it serves a leaf only once the cluster trusts it.
struct Replica {
    /// How far its clock is ahead, in minutes; negative: behind.
    ahead: i64,
    served: Option<Material>,
}

impl Replica {
    fn round(&mut self, cluster: &mut Cluster, now: SystemTime) {
        let skew = Duration::from_mins(self.ahead.unsigned_abs());
        let now = if self.ahead < 0 { now - skew } else { now + skew };
        let stored = cluster.secret.clone().or_else(|| self.served.clone());
        let (material, _) = renewed(stored, now);
        cluster.secret = Some(material.clone());
        cluster.bundle = material.bundle();
        trust::verify(&cluster.bundle, &material.leaf.certificate, NAME, now).unwrap();
        self.served = Some(material);
    }
}

#[test]
fn replicas_with_clocks_apart_and_long_absences_are_trusted_all_year_whatever_is_deleted() {
    let start = SystemTime::now();
    let mut cluster = Cluster::default();
    let mut replicas = [-10, 0, 10].map(|ahead| Replica { ahead, served: None });
    for hour in 0..500 * 24_u64 {
        let now = start + Duration::from_hours(hour);
        match hour % 1000 {
            // Somebody cleans up, or applies a manifest from which the field is missing.
            333 => cluster.secret = None,
            777 => cluster.bundle = String::new(),
            _ => {}
        }
        for (index, replica) in (0_u64..).zip(&mut replicas) {
            // The last one is off for three weeks in every five, and comes back with what it had.
            let off = |hour: u64| index == 2 && hour % (35 * 24) < 21 * 24;
            let (is_off, comes_back) = (off(hour), hour > 0 && off(hour - 1) && !off(hour));
            // All look once in a while, not at the same time, and when they come back.
            if comes_back || (!is_off && (hour + index).is_multiple_of(5)) {
                replica.round(&mut cluster, now);
            }
            let Some(served) = replica.served.as_ref().filter(|_| !is_off) else { continue };
            // With the field gone nobody is trusted, until one of them has looked again.
            if !cluster.bundle.is_empty() {
                trust::verify(&cluster.bundle, &served.leaf.certificate, NAME, now)
                    .unwrap_or_else(|error| panic!("hour {hour}, replica {index}: {error}"));
            }
        }
    }
}
