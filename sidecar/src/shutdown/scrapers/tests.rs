use std::net::Ipv4Addr;

use super::*;

const LINGER: Duration = Duration::from_secs(20);

/// Clients and a clock; everybody comes from one address, as two replicas behind a proxy do.
struct Trial {
    scrapers: Scrapers,
    start: Instant,
    now: Instant,
    wanted: usize,
}

impl Trial {
    fn new() -> Self {
        let now = Instant::now();
        Self { scrapers: Scrapers::default(), start: now, now, wanted: 1 }
    }

    fn of(scrapers: usize) -> Self {
        Self { wanted: scrapers, ..Self::new() }
    }

    fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = self.start + Duration::from_secs(seconds);
        self
    }

    fn asks(&mut self, connection: u64, agent: &str) -> &mut Self {
        let names_its_timeout = agent.starts_with("Prometheus");
        let address = Ipv4Addr::LOCALHOST.into();
        let asked = Asked { connection, address, agent, names_its_timeout };
        self.scrapers.asked(asked, self.now);
        self
    }

    fn scrapes(&mut self, connection: u64) -> &mut Self {
        self.asks(connection, "Prometheus/2.42.0")
    }

    fn closes(&mut self, connection: u64) -> &mut Self {
        self.scrapers.closed(connection);
        self
    }

    fn takes(&mut self, connection: u64) -> &mut Self {
        self.scrapers.has_last_values(connection);
        self
    }

    /// How long it would be waited for them, if the sidecar was told so many seconds ago.
    fn waits(&self, told_ago: u64) -> Option<Duration> {
        let told = self.now.checked_sub(Duration::from_secs(told_ago)).unwrap();
        let pod = Pod {
            told,
            limit: told + LINGER,
            is_young: told - self.start < YOUNG,
            scrapers: self.wanted,
        };
        self.scrapers.wait(pod).map(|until| until - told)
    }
}

#[test]
fn a_regular_scraper_is_waited_for_one_interval_and_a_second() {
    let mut trial = Trial::new();
    trial.at(0).scrapes(1).at(15).scrapes(1).at(29);
    assert_eq!(trial.waits(0), Some(Duration::from_secs(16)));
    trial.at(30).scrapes(1).takes(1);
    assert_eq!(trial.waits(1), None);
    // But no longer than the linger time.
    let mut slow = Trial::new();
    slow.at(0).scrapes(1).at(60).scrapes(1);
    assert_eq!(slow.waits(0), Some(LINGER));
}

#[test]
fn of_two_replicas_that_look_alike_each_is_waited_for() {
    let mut trial = Trial::new();
    trial.at(0).scrapes(1).at(6).scrapes(2).at(15).scrapes(1).at(21).scrapes(2).at(25);
    assert_eq!(trial.waits(0), Some(Duration::from_secs(16)));
    trial.at(30).scrapes(1).takes(1);
    assert_eq!(
        trial.waits(5),
        Some(Duration::from_secs(16)),
        "one has the last values, the other has not"
    );
    trial.at(36).scrapes(2).takes(2);
    assert_eq!(trial.waits(11), None);
}

#[test]
fn whoever_asks_by_hand_takes_nothing_from_scrapers_and_is_not_waited_for() {
    let mut trial = Trial::new();
    trial.at(0).scrapes(1).at(15).scrapes(1).at(20).asks(2, "curl/8.0").takes(2);
    assert_eq!(trial.waits(0), Some(Duration::from_secs(16)));
    let mut alone = Trial::new();
    alone.at(3).asks(2, "curl/8.0").takes(2);
    assert_eq!(alone.waits(0), Some(LINGER), "the first scrape may be on its way");
    alone.at(300).asks(3, "curl/8.0").closes(3).at(301).asks(4, "curl/8.0");
    assert_eq!(alone.waits(0), None);
}

#[test]
fn in_a_pod_that_has_lived_for_minutes_without_a_scrape_nobody_is_waited_for() {
    for scrapers in [1, 2] {
        let mut trial = Trial::of(scrapers);
        assert_eq!(trial.at(119).waits(0), Some(LINGER));
        assert_eq!(trial.at(120).waits(0), None);
    }
}

#[test]
fn a_short_job_waits_for_as_many_scrapers_as_there_are() {
    let mut one = Trial::of(1);
    one.at(5).scrapes(1).takes(1);
    assert_eq!(one.waits(1), None);
    let mut two = Trial::of(2);
    assert_eq!(two.at(4).waits(0), Some(LINGER));
    two.at(5).scrapes(1).takes(1);
    assert_eq!(two.waits(1), Some(LINGER));
    two.at(6).asks(7, "curl/8.0").takes(7);
    assert_eq!(two.waits(2), Some(LINGER), "that was no scraper");
    two.at(11).scrapes(2).takes(2);
    assert_eq!(two.waits(7), None);
    let mut none = Trial::of(0);
    assert_eq!(none.at(4).waits(0), None);
}

#[test]
fn where_one_of_them_is_away_an_old_pod_waits_one_interval_of_the_other() {
    let mut trial = Trial::of(2);
    trial.at(270).scrapes(1).at(285).scrapes(1).at(300).scrapes(1).takes(1);
    assert_eq!(trial.waits(0), Some(Duration::from_secs(16)));
}

#[test]
fn a_scraper_that_came_once_is_waited_for_until_the_limit() {
    let mut trial = Trial::new();
    trial.at(300).scrapes(1).at(310);
    assert_eq!(trial.waits(0), Some(LINGER));
    assert_eq!(trial.at(421).waits(0), None, "it has not come again for two minutes");
    let mut gone = Trial::new();
    gone.at(300).scrapes(1).closes(1);
    assert_eq!(gone.waits(0), None, "it came once, and has closed its connection");
    // But if it came for the last values, it has come.
    let mut short = Trial::new();
    short.at(5).scrapes(1).takes(1).closes(1);
    assert_eq!(short.waits(0), None);
}

#[test]
fn a_scraper_that_has_missed_a_scrape_is_not_waited_for() {
    let mut trial = Trial::new();
    trial.at(300).scrapes(1).at(315).scrapes(1);
    assert_eq!(trial.at(346).waits(0), Some(Duration::from_secs(16)));
    assert_eq!(trial.at(347).waits(0), None);
}

#[test]
fn clients_that_open_a_connection_for_each_scrape_are_known_by_their_address_and_name() {
    let mut trial = Trial::new();
    for scrape in 0..20 {
        trial.at(scrape * 10).asks(scrape, "Datadog Agent/7").closes(scrape);
    }
    assert_eq!(trial.at(195).waits(0), Some(Duration::from_secs(11)));
    trial.at(200).asks(20, "Datadog Agent/7").takes(20);
    assert_eq!(trial.waits(5), None);
    // A connection that is open is somebody's; a new one beside it is somebody else.
    let mut two = Trial::new();
    two.at(0).scrapes(1).at(1).scrapes(2).at(10).scrapes(1).takes(1);
    assert_eq!(two.waits(0), Some(LINGER));
}

#[test]
fn whoever_says_no_timeout_has_to_keep_a_pace() {
    let mut trial = Trial::new();
    for (connection, second) in [(1, 200), (2, 203), (3, 240), (4, 300)] {
        trial.at(second).asks(connection, "Mozilla/5.0").closes(connection);
    }
    assert_eq!(trial.waits(0), None);
    for (connection, second) in [(5, 330), (6, 361)] {
        trial.at(second).asks(connection, "Mozilla/5.0").closes(connection);
    }
    assert_eq!(trial.waits(0), Some(LINGER), "one that comes every half minute");
}

#[test]
fn no_number_of_clients_makes_it_forget_a_scraper_or_grow() {
    let mut trial = Trial::new();
    trial.at(285).scrapes(1).at(300).scrapes(1);
    for connection in 2..10_000 {
        trial.asks(connection, &format!("curl/{connection} {}", "é".repeat(500)));
    }
    assert_eq!(trial.waits(0), Some(Duration::from_secs(16)));
    assert!(trial.scrapers.clients.len() <= CLIENTS);
    assert!(trial.scrapers.clients.iter().all(|client| client.agent.len() <= AGENT));
}

#[test]
fn when_spark_is_back_the_last_values_were_none() {
    let mut trial = Trial::new();
    trial.at(0).scrapes(1).at(15).scrapes(1).takes(1);
    assert!(trial.scrapers.somebody_has_last_values());
    trial.scrapers.nobody_has_last_values();
    assert_eq!(trial.waits(0), Some(Duration::from_secs(16)));
}
