//! A password as a web configuration keeps it: hashed by bcrypt.

use std::fmt;

use bcrypt::HashParts;

/// The least that bcrypt knows.
const LEAST_COST: u32 = 4;

/// More than a second of a core for each password that is tried; every step above doubles that.
const MOST_COST: u32 = 14;

/// A bcrypt hash.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
    cost: u32,
}

impl PasswordHash {
    /// Reads a hash as `htpasswd -nB` writes it. An error is a sentence that begins with its verb.
    pub fn parse(text: &str) -> Result<Self, String> {
        let made = "`htpasswd -nBC 10 NAME` makes one";
        let known = ["$2a$", "$2b$", "$2y$"].iter().any(|version| text.starts_with(version));
        let parts: Option<HashParts> = text.parse().ok().filter(|_| known);
        let cost = parts.ok_or_else(|| format!("is not a bcrypt hash; {made}"))?.get_cost();
        if !(LEAST_COST..=MOST_COST).contains(&cost) {
            return Err(format!(
                "has cost {cost}, and {LEAST_COST} to {MOST_COST} is taken: a password that is \
                 tried costs the job time; {made}"
            ));
        }
        Ok(Self { text: text.to_owned(), cost })
    }

    /// A hash that costs as much to check, and that is of no password known to anybody.
    pub(super) fn decoy(cost: u32) -> Self {
        let text = format!("$2b${cost:02}$emberscopeemberscopeeuemberscopeemberscopeemberscopee");
        Self { text, cost }
    }

    /// How much a check costs, as a power of two.
    pub(super) const fn cost(&self) -> u32 {
        self.cost
    }

    /// Whether it is the hash of that password. Takes long, as it should.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        bcrypt::verify(password, &self.text).unwrap_or(false)
    }
}

impl fmt::Debug for PasswordHash {
    /// Never shows the hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("cost", &self.cost).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another implementation (the C library's) made of "password" at cost 4.
    const OF_PASSWORD: &str = "$2y$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm";

    #[test]
    fn the_password_of_a_hash_is_told_from_others() {
        let hash = PasswordHash::parse(OF_PASSWORD).unwrap();
        assert!(hash.is_of(b"password"));
        for wrong in [b"".as_slice(), b"Password", b"password ", b"password\0", &[0xff; 100]] {
            assert!(!hash.is_of(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_hash_or_too_dear_is_refused_with_a_remedy_and_without_the_text() {
        let rest = &OF_PASSWORD[6..];
        for (text, word) in [
            ("secret".to_owned(), "not a bcrypt hash"),
            (String::new(), "not a bcrypt hash"),
            ("$2y$04$short".to_owned(), "not a bcrypt hash"),
            (format!("$1y$04{rest}"), "not a bcrypt hash"),
            // With a defect of old: equal for passwords that are not.
            (format!("$2x$04{rest}"), "not a bcrypt hash"),
            (format!("$2y$03{rest}"), "cost 3"),
            (format!("$2y$15{rest}"), "cost 15"),
            (format!("$2y$99{rest}"), "cost 99"),
            ("\u{e4}".repeat(30), "not a bcrypt hash"),
        ] {
            let problem = PasswordHash::parse(&text).unwrap_err();
            assert!(problem.contains(word) && problem.contains("htpasswd"), "{text}: {problem}");
            assert!(text.is_empty() || !problem.contains(&text), "{problem}");
        }
        assert!(PasswordHash::parse(&format!("$2y$14{rest}")).is_ok());
    }

    #[test]
    fn a_decoy_is_a_hash_and_takes_the_way_of_one() {
        let decoy = PasswordHash::decoy(4);
        assert_eq!(PasswordHash::parse(&decoy.text).unwrap(), decoy);
        assert!(!decoy.is_of(b"password"));
    }
}
