//! A year and more of renewals, walked through with an injected clock.

use super::*;
use crate::stored::Stored;
use crate::trust;

const NAME: &str = "emberscope.emberscope.svc";

fn names() -> Vec<String> {
    vec![NAME.to_owned()]
}

fn wanted(names: &[String]) -> Wanted<'_> {
    Wanted { names, rotation_overlap: ROTATION_OVERLAP }
}

fn renewed(stored: Option<Material>, now: SystemTime) -> (Material, Option<Change>) {
    let names = names();
    let Some(stored) = stored else {
        return (create(wanted(&names), Vec::new(), now).unwrap(), Some(Change::Created));
    };
    match renew(stored, wanted(&names), now).unwrap() {
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
fn a_name_more_makes_a_new_leaf_under_the_same_authority() {
    let now = SystemTime::now();
    let (material, _) = renewed(None, now);
    for more in ["other.svc", "10.1.2.3", "fd00::1"] {
        let names = vec![NAME.to_owned(), more.to_owned()];
        let Renewal::Changed { material: other, change } =
            renew(material.clone(), wanted(&names), now).unwrap()
        else {
            panic!("{more} is not carried yet")
        };
        assert_eq!(change, Change::LeafRenewed);
        assert_eq!(other.authority, material.authority);
        trust::verify(&material.bundle(), &other.leaf.certificate, more, now).unwrap();
        assert!(matches!(renew(other, wanted(&names), now).unwrap(), Renewal::Current(_)));
    }
}

#[test]
fn replicas_that_want_different_names_do_not_take_them_from_each_other() {
    let now = SystemTime::now();
    let (mut material, _) = renewed(None, now);
    let wants = ["a.svc", "10.1.2.3"].map(|more| vec![NAME.to_owned(), more.to_owned()]);
    let mut changes = 0;
    for names in wants.iter().cycle().take(10) {
        match renew(material, wanted(names), now).unwrap() {
            Renewal::Current(same) => material = same,
            Renewal::Changed { material: other, .. } => {
                changes += 1;
                material = other;
            }
        }
    }
    assert_eq!(changes, 2);
}

#[test]
fn a_leaf_whose_names_are_written_otherwise_is_not_renewed() {
    let now = SystemTime::now();
    let names = ["A.svc", "0:0:0:0:0:0:0:1"].map(str::to_owned);
    let material = create(wanted(&names), Vec::new(), now).unwrap();
    let names = ["a.SVC", "::1"].map(str::to_owned);
    assert!(matches!(renew(material, wanted(&names), now).unwrap(), Renewal::Current(_)));
}

#[test]
fn a_rotation_ends_with_one_authority_that_nobody_knew_before() {
    let start = SystemTime::now();
    let (leaked, _) = renewed(None, start);
    let begun = begin_rotation(leaked.clone(), start).unwrap();
    assert_eq!(renewed(Some(begun.clone()), start + ROTATION_OVERLAP / 2).1, None);
    let (signing, change) = renewed(Some(begun.clone()), start + ROTATION_OVERLAP);
    assert_eq!(change, Some(Change::SuccessorSigns));
    // Whoever still serves the old leaf, and whoever serves the new one already.
    let now = start + ROTATION_OVERLAP;
    for (bundle, leaf) in [(&begun, &signing), (&signing, &leaked), (&signing, &signing)] {
        trust::verify(&bundle.bundle(), &leaf.leaf.certificate, NAME, now).unwrap();
    }
    assert_eq!(renewed(Some(signing.clone()), now + ROTATION_OVERLAP / 2).1, None);
    let (ended, change) = renewed(Some(signing), now + ROTATION_OVERLAP);
    assert_eq!(change, Some(Change::RotationEnded));
    assert_eq!(ended.bundle(), ended.authority.certificate);
    assert_ne!(ended.authority, leaked.authority);
    assert!(trust::verify(&ended.bundle(), &leaked.leaf.certificate, NAME, now).is_err());
    assert_eq!(renewed(Some(ended), now + ROTATION_OVERLAP * 2).1, None);
}

/// Who asks in the middle of one gets rid of the authority that is new, too.
#[test]
fn a_rotation_asked_for_twice_keeps_nothing_of_before() {
    let start = SystemTime::now();
    let (leaked, _) = renewed(None, start);
    let first = begin_rotation(leaked, start).unwrap();
    let again = begin_rotation(first.clone(), start).unwrap();
    let known = first.next.as_ref().map(|next| next.certificate.clone());
    assert_ne!(again.next, first.next);
    let (signing, _) = renewed(Some(again), start + ROTATION_OVERLAP);
    let begun = begin_rotation(signing.clone(), start + ROTATION_OVERLAP).unwrap();
    let (signing_again, _) = renewed(Some(begun), start + ROTATION_OVERLAP * 2);
    let (ended, change) = renewed(Some(signing_again), start + ROTATION_OVERLAP * 3);
    assert_eq!(change, Some(Change::RotationEnded));
    for gone in [Some(signing.authority.certificate), known] {
        assert!(!ended.bundle().contains(&gone.unwrap()));
    }
}

#[test]
fn the_secret_keeps_everything() {
    let now = SystemTime::now();
    let (mut material, _) = renewed(None, now);
    material.next = Some(authority::generate(now).unwrap());
    let old = [0, 1].map(|_| authority::generate(now).unwrap().certificate);
    material.previous = old.to_vec();
    material.leaving = Some(old[1].clone());
    let stored = Stored::read(&material.to_data(), now);
    assert!(stored.faults.is_empty(), "{:?}", stored.faults);
    assert_eq!(stored.material().unwrap(), material);
}
