//! Replicas on a cluster in memory, which somebody else writes to as well.

use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::authority;
use crate::renewal::ROTATION_OVERLAP;
use crate::stored::Part;

const NAME: &str = "emberscope.emberscope.svc";

/// What replicas share.
#[derive(Default)]
struct Cluster {
    secret: Option<Data>,
    rotate: bool,
    bundle: String,
    faults: Vec<Part>,
}

impl Cluster {
    fn bundles(&self) -> [String; 1] {
        [self.bundle.clone()]
    }

    fn material(&self, now: SystemTime) -> Material {
        Stored::read(self.secret.as_ref().unwrap(), now).material().unwrap()
    }

    fn set(&mut self, name: &str, text: &str) {
        self.secret.as_mut().unwrap().insert(name.to_owned(), text.into());
    }

    /// Sets the entries `NAME.crt` and `NAME.key`.
    fn set_both(&mut self, name: &str, identity: &Identity) {
        self.set(&format!("{name}.crt"), &identity.certificate);
        self.set(&format!("{name}.key"), &identity.key);
    }

    /// Puts a leaf of the own authority there that was made at another time.
    fn set_leaf(&mut self, name: &str, born: SystemTime, now: SystemTime) {
        let authority = self.material(now).authority;
        let leaf = authority::issue(&authority, &[name.to_owned()], born).unwrap();
        self.set_both("tls", &leaf);
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.secret.as_ref().unwrap()[name].clone()).unwrap()
    }
}

fn names() -> Vec<String> {
    vec![NAME.to_owned()]
}

impl Replica {
    /// One step, carried out on this cluster; whether there was anything to do.
    fn step(&mut self, cluster: &mut Cluster, now: SystemTime) -> bool {
        let (names, live) = (names(), cluster.bundles());
        let seen = Seen { secret: cluster.secret.as_ref(), rotate: cluster.rotate, live: &live };
        let wanted = Wanted { names: &names, rotation_overlap: ROTATION_OVERLAP };
        let was_trusted = self.is_trusted(&live, now);
        match self.next(seen, wanted, now).unwrap() {
            Step::Store { material, change, faults } => {
                cluster.faults.extend(faults.iter().map(|fault| fault.part));
                cluster.rotate &= change != Change::RotationBegun;
                cluster.secret = Some(material.to_data());
            }
            Step::Publish(bundle) => cluster.bundle = bundle,
            Step::Settle(bundle) => self.settled(bundle),
            Step::Serve(material) => self.serves(*material),
            Step::Nothing => return false,
        }
        assert!(!was_trusted || self.is_trusted(&cluster.bundles(), now), "it took its own trust");
        true
    }

    /// Steps until there is nothing to do.
    fn round(&mut self, cluster: &mut Cluster, now: SystemTime) {
        for _ in 0..10 {
            if !self.step(cluster, now) {
                assert!(self.is_trusted(&cluster.bundles(), now));
                return;
            }
        }
        panic!("it does not come to rest");
    }
}

/// A cluster at rest, and the replica that keeps it.
fn at_rest(now: SystemTime) -> (Cluster, Replica) {
    let (mut cluster, mut replica) = (Cluster::default(), Replica::default());
    replica.round(&mut cluster, now);
    (cluster, replica)
}

/// A certificate that signed itself, for the right name, and is no authority.
fn self_signed() -> Identity {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(names()).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    Identity { certificate, key: key.serialize_pem() }
}

/// Something that can be done to a Secret.
struct Tampering {
    what: &'static str,
    does: fn(&mut Cluster, SystemTime),
    spoils: &'static [Part],
}

const WITH_AUTHORITIES: [Tampering; 8] = [
    Tampering {
        what: "a foreign authority",
        does: |cluster, now| cluster.set_both("ca", &authority::generate(now).unwrap()),
        spoils: &[Part::Leaf],
    },
    Tampering {
        what: "another's key",
        does: |cluster, _| cluster.set("ca.key", &self_signed().key),
        spoils: &[Part::Authority],
    },
    Tampering {
        what: "no key",
        does: |cluster, _| drop(cluster.secret.as_mut().unwrap().remove("ca.key")),
        spoils: &[Part::Authority],
    },
    Tampering {
        what: "no authority, and a leaf that is garbage",
        does: |cluster, _| {
            cluster.set_both("ca", &self_signed());
            cluster.set("tls.crt", "x");
        },
        spoils: &[Part::Authority, Part::Leaf],
    },
    Tampering {
        what: "an authority of tomorrow",
        does: |cluster, now| {
            let born = now + Duration::from_hours(24);
            cluster.set_both("ca", &authority::generate(born).unwrap());
        },
        spoils: &[Part::Authority],
    },
    Tampering {
        what: "an authority that has expired",
        does: |cluster, now| {
            let born = now - authority::AUTHORITY_LIFE * 2;
            cluster.set_both("ca", &authority::generate(born).unwrap());
        },
        spoils: &[],
    },
    Tampering {
        what: "a bad block among the previous",
        does: |cluster, _| {
            let bad = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
            cluster.set("ca-previous.crt", bad);
        },
        spoils: &[Part::Previous],
    },
    Tampering {
        what: "a successor that is garbage",
        does: |cluster, _| {
            cluster.set("ca-next.crt", "garbage");
            cluster.set("ca-next.key", "garbage");
        },
        spoils: &[Part::Successor],
    },
];

const WITH_OTHERS: [Tampering; 7] = [
    Tampering {
        what: "a foreign leaf",
        does: |cluster, _| cluster.set_both("tls", &self_signed()),
        spoils: &[Part::Leaf],
    },
    Tampering {
        what: "a leaf with another's key",
        does: |cluster, _| cluster.set("tls.key", &self_signed().key),
        spoils: &[Part::Leaf],
    },
    Tampering {
        what: "a leaf that has expired",
        does: |cluster, now| cluster.set_leaf(NAME, now - authority::LEAF_LIFE * 2, now),
        spoils: &[],
    },
    Tampering {
        what: "a leaf for somebody else",
        does: |cluster, now| cluster.set_leaf("other.svc", now, now),
        spoils: &[],
    },
    Tampering {
        what: "lost newlines",
        does: |cluster, now| {
            let other = authority::generate(now).unwrap().certificate;
            cluster.set("ca-previous.crt", other.trim_end());
            let own = cluster.text("ca.crt");
            cluster.set("ca.crt", own.trim_end());
        },
        spoils: &[],
    },
    Tampering {
        what: "nothing left",
        does: |cluster, _| cluster.secret = Some(Data::new()),
        spoils: &[Part::Authority, Part::Leaf],
    },
    Tampering {
        what: "no text",
        does: |cluster, _| {
            cluster.secret.as_mut().unwrap().insert("ca.crt".to_owned(), vec![0xff]);
        },
        spoils: &[Part::Authority],
    },
];

#[test]
fn whatever_is_done_to_the_secret_a_replica_that_serves_is_trusted_throughout() {
    let now = SystemTime::now();
    for Tampering { what, does, spoils } in WITH_AUTHORITIES.iter().chain(&WITH_OTHERS) {
        let (mut cluster, mut replica) = at_rest(now);
        let before = cluster.bundle.clone();
        does(&mut cluster, now);
        replica.round(&mut cluster, now);
        let mut found = cluster.faults.clone();
        found.dedup();
        assert_eq!(found, *spoils, "{what}");
        if !spoils.is_empty() {
            assert_eq!(cluster.bundle, before, "{what}: it had a good one in memory");
        }
    }
}

#[test]
fn whatever_is_done_to_the_secret_a_replica_that_starts_serves_and_is_trusted() {
    let now = SystemTime::now();
    for Tampering { what, does, .. } in WITH_AUTHORITIES.iter().chain(&WITH_OTHERS) {
        let (mut cluster, old) = at_rest(now);
        does(&mut cluster, now);
        let leaf = cluster.secret.as_ref().unwrap().get("tls.crt").cloned();
        let was_served = leaf == Some(old.served().unwrap().leaf.certificate.clone().into());
        Replica::default().round(&mut cluster, now);
        // The one that runs and has not looked yet.
        let found = old.is_trusted(&cluster.bundles(), now);
        assert!(found || !was_served, "{what}: who runs is not trusted any more");
    }
}

#[test]
fn with_both_foreign_nobody_is_kept() {
    let now = SystemTime::now();
    let (mut cluster, mut replica) = at_rest(now);
    let before = cluster.bundle.clone();
    let foreign = authority::generate(now).unwrap();
    cluster.bundle.clone_from(&foreign.certificate);
    cluster.set_both("tls", &authority::issue(&foreign, &names(), now).unwrap());
    replica.round(&mut cluster, now);
    assert_eq!(cluster.bundle, before);
}

/// Restored from another cluster's backup, say.
#[test]
fn another_sound_secret_is_taken_over_while_what_is_served_stays_trusted() {
    let now = SystemTime::now();
    let (mut cluster, mut replica) = at_rest(now);
    let (other, _) = at_rest(now);
    cluster.secret.clone_from(&other.secret);
    replica.round(&mut cluster, now);
    assert_eq!(replica.served().unwrap().authority, other.material(now).authority);
}

#[test]
fn a_rotation_leaves_nothing_of_what_was_known_and_nobody_untrusted() {
    let start = SystemTime::now();
    let (mut cluster, first) = at_rest(start);
    let leaked = cluster.bundle.clone();
    let mut replicas = [first.clone(), first];
    cluster.rotate = true;
    for second in 0..=150_u64 {
        let now = start + Duration::from_secs(second);
        for (index, replica) in (0..).zip(&mut replicas) {
            // The second one only looks twice a minute.
            if index == 0 || second % 30 == 29 {
                replica.round(&mut cluster, now);
            }
        }
        for replica in &replicas {
            assert!(replica.is_trusted(&cluster.bundles(), now), "after {second} s");
        }
    }
    assert!(!cluster.rotate && !cluster.bundle.contains(&leaked));
    assert_eq!(bundle::read(&cluster.bundle).len(), 1);
}

#[test]
fn replicas_with_clocks_apart_and_long_absences_are_trusted_all_year_whatever_is_deleted() {
    const LOOK: Duration = Duration::from_hours(8);
    let start = SystemTime::now();
    let mut cluster = Cluster::default();
    let mut replicas = [-10_i64, 0, 10].map(|ahead| (ahead, Replica::default()));
    for look in 0..1500_u32 {
        let now = start + LOOK * look;
        match look % 125 {
            // Somebody cleans up, or applies a manifest from which the field is missing.
            42 => cluster.secret = None,
            97 => cluster.bundle = String::new(),
            _ => {}
        }
        for (index, (ahead, replica)) in (0_u32..).zip(&mut replicas) {
            // The last one is off for three weeks in every five, and comes back with what it had.
            let off = |look: u32| index == 2 && look % 105 < 63;
            let (is_off, comes_back) = (off(look), look > 0 && off(look - 1) && !off(look));
            let skew = Duration::from_mins(ahead.unsigned_abs());
            let clock = if *ahead < 0 { now - skew } else { now + skew };
            // All look once in a while, not at the same time, and when they come back.
            if comes_back || (!is_off && (look + index).is_multiple_of(2)) {
                replica.round(&mut cluster, clock);
            }
            // With the field gone nobody is trusted, until one of them has looked again.
            let serves = replica.served().is_some() && !is_off && !cluster.bundle.is_empty();
            let trusted = serves && replica.is_trusted(&cluster.bundles(), now);
            assert_eq!(serves, trusted, "look {look}, replica {index}");
        }
    }
}
