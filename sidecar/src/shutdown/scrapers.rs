//! Who scrapes, and for whom the last values are kept.
//!
//! Prometheus replicas look alike: behind one address, with one `User-Agent`. What tells them apart is
//! that each keeps its connection from one scrape to the next, as Prometheus, vmagent and the
//! OpenTelemetry collector do. So a scraper is a connection. Of clients that open one for each scrape,
//! the next connection from that address with that `User-Agent` goes on where the last one ended.

use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A pod that has been served for so long has been found by whoever scrapes it: intervals are a
/// minute at most, nearly everywhere.
pub(super) const YOUNG: Duration = Duration::from_mins(2);

/// A scrape may come so much late, on a busy machine.
pub(super) const LATE: Duration = Duration::from_secs(1);

/// Clients that are remembered.
const CLIENTS: usize = 128;

/// How much of a `User-Agent` is remembered.
const AGENT: usize = 128;

/// A request for the whole page.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The number of its connection.
    pub connection: u64,
    /// Where it comes from.
    pub address: IpAddr,
    /// Its `User-Agent`.
    pub agent: &'a str,
    /// Whether it says how long it waits, as scrapers do and people do not.
    pub names_its_timeout: bool,
}

/// Everybody who has asked for the whole page.
#[derive(Debug, Default)]
pub(super) struct Scrapers {
    clients: Vec<Client>,
}

#[derive(Debug)]
struct Client {
    /// None: it has closed its connection, or was closed.
    connection: Option<u64>,
    address: IpAddr,
    agent: Box<str>,
    names_its_timeout: bool,
    /// When it asked last.
    last: Instant,
    /// The times between its last requests, the newest first.
    gaps: [Option<Duration>; 2],
    has_last_values: bool,
}

/// When a client is going to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// After so much time at most.
    Within(Duration),
    /// Some time: it has asked once.
    SomeTime,
    /// As likely never.
    Never,
}

/// How the pod is known to be scraped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pod {
    /// When the sidecar was told to end.
    pub(super) told: Instant,
    /// When nobody is waited for any more.
    pub(super) limit: Instant,
    /// Whether a scraper may not have found it yet.
    pub(super) is_young: bool,
    /// How many scrapers there are, by configuration.
    pub(super) scrapers: usize,
}

impl Scrapers {
    /// A client asks for the whole page.
    pub(super) fn asked(&mut self, asked: Asked<'_>, now: Instant) {
        let Asked { connection, address, names_its_timeout, .. } = asked;
        let agent = beginning(asked.agent);
        if let Some(client) = self.find(connection, address, agent) {
            client.connection = Some(connection);
            client.gaps = [Some(now.duration_since(client.last)), client.gaps[0]];
            client.last = now;
            client.names_its_timeout = names_its_timeout;
            return;
        }
        if self.clients.len() == CLIENTS {
            self.forget_one();
        }
        self.clients.push(Client {
            connection: Some(connection),
            address,
            agent: agent.into(),
            names_its_timeout,
            last: now,
            gaps: [None; 2],
            has_last_values: false,
        });
    }

    /// Who asks on that connection: the same as before, or the one without a connection that was
    /// heard of longest ago.
    fn find(&mut self, connection: u64, address: IpAddr, agent: &str) -> Option<&mut Client> {
        let same = |client: &Client| client.connection == Some(connection);
        let place = self.clients.iter().position(same).or_else(|| {
            let alike = self.clients.iter().enumerate().filter(|(_, client)| {
                client.connection.is_none() && client.address == address && *client.agent == *agent
            });
            alike.min_by_key(|(_, client)| client.last).map(|(place, _)| place)
        });
        self.clients.get_mut(place?)
    }

    /// The least likely scraper, of those the one that was heard of longest ago.
    fn forget_one(&mut self) {
        let clients = self.clients.iter().enumerate();
        let least = clients.min_by_key(|(_, client)| (client.names_its_timeout, client.last));
        if let Some((place, _)) = least {
            self.clients.swap_remove(place);
        }
    }

    /// A connection is closed.
    pub(super) fn closed(&mut self, connection: u64) {
        for client in &mut self.clients {
            client.connection = client.connection.filter(|its| *its != connection);
        }
    }

    /// Who asked on that connection has the last values.
    pub(super) fn has_last_values(&mut self, connection: u64) {
        for client in &mut self.clients {
            client.has_last_values |= client.connection == Some(connection);
        }
    }

    /// What were the last values is none any more.
    pub(super) fn nobody_has_last_values(&mut self) {
        for client in &mut self.clients {
            client.has_last_values = false;
        }
    }

    /// Whether anybody has the last values, or had to.
    pub(super) fn somebody_has_last_values(&self) -> bool {
        self.clients.iter().any(|client| client.has_last_values)
    }

    /// How long to wait for those who do not have the last values; `None` if there is nobody left.
    ///
    /// A regular scraper is waited for one interval of its own and no longer. As many as the
    /// configuration says are waited for until the limit while the pod is young, and afterwards as long
    /// as the slowest that is known.
    pub(super) fn wait(&self, pod: Pod) -> Option<Instant> {
        let (mut known, mut slowest, mut until) = (0, None, None);
        for client in &self.clients {
            let its = match client.expected(pod.told) {
                Expected::Within(interval) => {
                    slowest = slowest.max(Some(interval));
                    pod.limit.min(pod.told + interval + LATE)
                }
                Expected::SomeTime => pod.limit,
                Expected::Never => continue,
            };
            known += 1;
            if !client.has_last_values {
                until = until.max(Some(its));
            }
        }
        if known < pod.scrapers {
            let others = if pod.is_young {
                Some(pod.limit)
            } else {
                slowest.map(|interval| pod.limit.min(pod.told + interval + LATE))
            };
            until = until.max(others);
        }
        until
    }
}

impl Client {
    fn expected(&self, told: Instant) -> Expected {
        let silent = told.saturating_duration_since(self.last);
        match self.interval() {
            // Whoever has missed a scrape has gone.
            Some(interval) if silent <= interval * 2 + LATE => Expected::Within(interval),
            // Of one that came once and closed its connection, nobody knows whether it comes again.
            None if self.connection.is_none() && !self.has_last_values => Expected::Never,
            None if self.names_its_timeout && silent < YOUNG => Expected::SomeTime,
            _ => Expected::Never,
        }
    }

    /// The time between two of its scrapes, if it comes regularly. Whoever does not say how long it
    /// waits has to come three times at the same pace.
    fn interval(&self) -> Option<Duration> {
        match self.gaps {
            [Some(last), before] if self.names_its_timeout => {
                Some(last.max(before.unwrap_or_default()))
            }
            [Some(last), Some(before)] => {
                let (short, long) = (last.min(before), last.max(before));
                (short >= LATE && long <= short * 5 / 4).then_some(long)
            }
            _ => None,
        }
    }
}

/// As much of it as is remembered.
fn beginning(agent: &str) -> &str {
    agent.get(..agent.floor_char_boundary(AGENT)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
