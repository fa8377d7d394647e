//! Admission while somebody who may not, but can, connects to the server tries to keep it from its
//! work.
//!
//! Whatever the attack, reviews of ordinary pods come at a fixed rate, over connections that are kept,
//! as an API server's are; a connection that the server closed is opened anew, and that takes its part
//! of the review's time. Memory is the server's highest so far, of a server of its own for each attack.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::server::Server;
use super::{millis, wait_until};
use crate::http::{self, Connection};
use crate::places::Places;
use crate::process::peak;

/// Honest reviews, in a second.
const RATE: u32 = 50;

/// How long an attack goes on before it is measured what it does.
const BEFORE: Duration = Duration::from_secs(1);

/// What the attacker does, on all of his connections.
#[derive(Debug, Clone, Copy)]
pub enum Attack {
    /// Nothing, for comparison.
    None,
    /// 1,000 bodies of 7 MB are announced; 64 KiB of each come.
    HalfSentBodies,
    /// 32 bodies of 7 MiB are announced; all of each comes but half a MiB.
    HeldBodies,
    /// 300 bodies of 60 KB are announced, which would need no room; a byte comes now and then.
    Trickle,
    /// 1,024 connections send a review each, and are kept.
    IdleConnections,
    /// 1,000 connections that do not even shake hands.
    SilentConnections,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::HalfSentBodies,
        Self::HeldBodies,
        Self::Trickle,
        Self::IdleConnections,
        Self::SilentConnections,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::HalfSentBodies => "1,000 half-sent bodies",
            Self::HeldBodies => "32 held bodies of 7 MiB",
            Self::Trickle => "300 trickling bodies",
            Self::IdleConnections => "1,024 idle connections",
            Self::SilentConnections => "1,000 silent connections",
        }
    }

    const fn connections(self) -> usize {
        match self {
            Self::None => 0,
            Self::HalfSentBodies | Self::SilentConnections => 1000,
            Self::HeldBodies => 32,
            Self::Trickle => 300,
            Self::IdleConnections => 1024,
        }
    }

    /// One connection, from its begin until the server has had enough of it.
    async fn connect(self, target: &Target) -> Result<()> {
        if let Self::SilentConnections = self {
            let mut stream = TcpStream::connect(("127.0.0.1", target.port)).await?;
            return until_closed(&mut stream).await;
        }
        let mut stream = http::tls(&target.connector, target.port).await?;
        match self {
            Self::None | Self::SilentConnections => {}
            Self::HalfSentBodies => announce(&mut stream, 7_000_000, 64 << 10).await?,
            Self::HeldBodies => announce(&mut stream, (7 << 20) - 10, 13 << 19).await?,
            Self::Trickle => {
                announce(&mut stream, 60_000, 100).await?;
                loop {
                    sleep(Duration::from_millis(200)).await;
                    stream.write_all(b" ").await?;
                    stream.flush().await?;
                }
            }
            Self::IdleConnections => {
                announce(&mut stream, target.review.len(), 0).await?;
                stream.write_all(&target.review).await?;
                stream.flush().await?;
            }
        }
        until_closed(&mut stream).await
    }
}

/// Whom it is about.
struct Target {
    port: u16,
    connector: TlsConnector,
    review: Bytes,
}

/// Some of a body.
static SPACES: [u8; 16 << 10] = [b' '; 16 << 10];

async fn announce(stream: &mut TlsStream<TcpStream>, length: usize, sent: usize) -> Result<()> {
    let head =
        format!("POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    let mut left = sent;
    while left > 0 {
        let now = left.min(SPACES.len());
        stream.write_all(&SPACES[..now]).await?;
        left -= now;
    }
    Ok(stream.flush().await?)
}

async fn until_closed(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Result<()> {
    let mut some = [0; 4096];
    while stream.read(&mut some).await? > 0 {}
    Ok(())
}

/// An attack that is under way, on a thread of its own; ends when dropped.
struct UnderWay {
    _stop: oneshot::Sender<()>,
}

impl UnderWay {
    fn start(attack: Attack, target: Arc<Target>) -> Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("attack".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let mut connections = JoinSet::new();
                for _ in 0..attack.connections() {
                    let target = Arc::clone(&target);
                    connections.spawn(async move {
                        loop {
                            let _ = attack.connect(&target).await;
                            // As fast as it can, but not faster than it could from elsewhere.
                            sleep(Duration::from_millis(500)).await;
                        }
                    });
                }
                let _ = stopped.await;
            });
        })?;
        Ok(Self { _stop: stop })
    }
}

/// The reviews that come meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Honest {
    /// How long they come.
    pub lasts: Duration,
    /// How long each answer is waited for, in whole seconds.
    pub patience: Duration,
}

/// What became of honest reviews, and of the server.
#[derive(Debug)]
pub struct Outcome {
    /// From when a review was due to its answer, sorted.
    pub times: Vec<Duration>,
    /// Why others had none.
    pub lost: Vec<String>,
    /// Highest resident memory of the server, in KiB.
    pub peak: u64,
    /// How many connections the server has closed to make place or room.
    pub evictions: u64,
}

impl Outcome {
    /// The time within which so many of a thousand answers came, rounded down.
    #[must_use]
    pub fn at(&self, share: usize) -> Duration {
        match self.times.len() {
            0 => Duration::MAX,
            count => self.times[(count - 1) * share / 1000],
        }
    }
}

/// Runs one attack on a server of its own.
pub async fn run(attack: Attack, program: &Path, honest: Honest) -> Result<Outcome> {
    let server = Server::start(program).await?;
    let file = Places::find()?.root.join("tests/golden/admission/spark-3.5.6-driver/review.json");
    let review = Bytes::from(std::fs::read(file)?);
    let connector = http::connector(&server.authority)?;
    let target = Arc::new(Target { port: server.port, connector, review });
    let under_way = UnderWay::start(attack, Arc::clone(&target))?;
    let (times, lost) = honest.send(&target).await?;
    drop(under_way);
    let page = http::get(server.ops_port, "/metrics").await?.ok()?;
    let page = String::from_utf8_lossy(&page).into_owned();
    let evictions = page.lines().filter(|line| line.starts_with("emberscope_evictions_total"));
    let evictions = evictions.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
    let outcome = Outcome { times, lost, peak: peak(server.pid)?, evictions };
    server.stop().await;
    Ok(outcome)
}

impl Honest {
    /// Sends them, at a fixed rate; returns how long each answer took, and why others did not come.
    async fn send(self, target: &Arc<Target>) -> Result<(Vec<Duration>, Vec<String>)> {
        let kept: Arc<Mutex<Vec<Connection>>> = Arc::default();
        let start = Instant::now();
        let mut answers = JoinSet::new();
        let seconds = u32::try_from((BEFORE + self.lasts).as_secs())?;
        for number in 0..RATE * seconds {
            let due = start + Duration::from_secs(1) * number / RATE;
            wait_until(due).await;
            let (kept, target) = (Arc::clone(&kept), Arc::clone(target));
            answers.spawn(async move {
                let answer = timeout(self.patience, self.ask(&kept, &target)).await;
                (due, due.elapsed(), answer.unwrap_or_else(|_| Err(anyhow!("no answer"))))
            });
        }
        let (mut times, mut lost) = (Vec::new(), Vec::new());
        while let Some(answer) = answers.join_next().await {
            let (due, took, answer) = answer?;
            match answer {
                _ if due < start + BEFORE => {}
                Ok(()) => times.push(took),
                Err(error) => lost.push(format!("{error:#}")),
            }
        }
        times.sort_unstable();
        Ok((times, lost))
    }

    /// One review, on a connection that was used last if there is one.
    async fn ask(self, kept: &Mutex<Vec<Connection>>, target: &Target) -> Result<()> {
        let take = || {
            let mut kept = kept.lock().ok()?;
            kept.retain(|connection| !connection.is_closed());
            kept.pop()
        };
        let mut connection = match take() {
            Some(connection) => connection,
            None => {
                Connection::open_by(&target.connector, target.port).await.context("connecting")?
            }
        };
        let path = format!("/mutate?timeout={}s", self.patience.as_secs());
        let answer = connection.post(&path, target.review.clone()).await?.ok()?;
        ensure!(answer.windows(7).any(|part| part == b"\"patch\""), "there is no patch");
        if let Ok(mut kept) = kept.lock() {
            kept.push(connection);
        }
        Ok(())
    }
}

/// Measures all attacks, one after the other.
#[allow(clippy::print_stdout)]
pub(super) async fn measure(lasts: Duration) -> Result<()> {
    let program = Places::find()?.shipped("emberscope")?;
    // `timeoutSeconds` of the manifests.
    let honest = Honest { lasts, patience: Duration::from_secs(2) };
    println!("{RATE} reviews a second of a captured driver pod, while the server is attacked:\n");
    println!("| attack | answered | lost | p50 | p99 | longest | peak RSS | evicted |");
    println!("|---|---|---|---|---|---|---|---|");
    for attack in Attack::ALL {
        let outcome = run(attack, &program, honest).await?;
        println!(
            "| {} | {} | {} | {} | {} | {} | {:.1} MiB | {} |",
            attack.name(),
            outcome.times.len(),
            outcome.lost.len(),
            millis(outcome.at(500)),
            millis(outcome.at(990)),
            millis(outcome.at(1000)),
            outcome.peak as f64 / 1024.0,
            outcome.evictions,
        );
        if let Some(first) = outcome.lost.first() {
            println!("| | | {first} | | | | | |");
        }
    }
    Ok(())
}
