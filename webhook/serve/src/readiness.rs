//! What `/readyz` answers: ready only while API servers would trust what is served.

use std::sync::Mutex;

/// Whether the server is ready, and if not, why.
#[derive(Debug)]
pub(crate) struct Readiness(Mutex<State>);

#[derive(Debug, Clone)]
enum State {
    NotYet(String),
    Ready,
    Ended,
}

impl Default for Readiness {
    fn default() -> Self {
        Self(Mutex::new(State::NotYet("there is no certificate yet".to_owned())))
    }
}

impl Readiness {
    /// The certificate is trusted.
    pub(crate) fn ready(&self) {
        self.set(State::Ready);
    }

    /// Something is missing.
    pub(crate) fn not_ready(&self, why: String) {
        self.set(State::NotYet(why));
    }

    /// The server is going away; nothing makes it ready again.
    pub(crate) fn end(&self) {
        self.set(State::Ended);
    }

    /// Nothing when ready, else the reason.
    pub(crate) fn problem(&self) -> Option<String> {
        match &*self.lock() {
            State::Ready => None,
            State::NotYet(why) => Some(why.clone()),
            State::Ended => Some("shutting down".to_owned()),
        }
    }

    fn set(&self, state: State) {
        let mut current = self.lock();
        if !matches!(*current, State::Ended) {
            *current = state;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_goes_away_does_not_become_ready_again() {
        let readiness = Readiness::default();
        assert!(readiness.problem().is_some());
        readiness.ready();
        assert_eq!(readiness.problem(), None);
        readiness.end();
        readiness.ready();
        assert_eq!(readiness.problem().as_deref(), Some("shutting down"));
    }
}
