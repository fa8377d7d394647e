//! A fake of Spark's UI. It says so (`Server: fake-spark`), serves what it is given, and can be in
//! a mood.

use std::collections::HashMap;
use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::{captured, eventually};

pub(crate) const DRIVER: &str = "/metrics/driver/prometheus/";
pub(crate) const EXECUTORS: &str = "/metrics/executors/prometheus/";

/// How the fake answers on one path.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    /// With 200 and this page.
    Serves(Vec<u8>),
    /// With this status, content type and body.
    Says(u16, &'static str, Vec<u8>),
    /// Not until the mood changes.
    Waits,
    /// With the beginning of this page, and then nothing more.
    Stalls(Vec<u8>),
    /// With half of this page, and then the end of the connection.
    ClosesMidBody(Vec<u8>),
    /// With bytes that are not HTTP.
    Babbles,
}

/// A fake Spark UI on a port of its own, with 16 more above it that nobody else uses.
#[derive(Debug)]
pub(crate) struct FakeSpark {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    moods: Mutex<HashMap<&'static str, Mood>>,
    changed: Condvar,
    asked: Mutex<HashMap<String, u32>>,
    connections: Mutex<Vec<TcpStream>>,
    gone: AtomicBool,
}

impl FakeSpark {
    /// Serves the pages of a Spark 3.5.6 that ran in local-cluster mode.
    pub(crate) fn start() -> Self {
        let (listener, port) = bind();
        let shared = Arc::new(Shared::default());
        let fake = Self { port, shared: Arc::clone(&shared) };
        fake.set(DRIVER, Mood::Serves(captured("spark-3.5.6-localcluster-driver.prom")));
        fake.set(EXECUTORS, Mood::Serves(captured("spark-3.5.6-localcluster-executors.prom")));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.gone.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, shared) = (stream.unwrap(), Arc::clone(&shared));
                shared.connections.lock().unwrap().push(stream.try_clone().unwrap());
                std::thread::spawn(move || talk(&stream, &shared));
            }
        });
        fake
    }

    /// How it answers on that path from now on; who waits gets that answer, too.
    pub(crate) fn set(&self, path: &'static str, mood: Mood) {
        self.shared.moods.lock().unwrap().insert(path, mood);
        self.shared.changed.notify_all();
    }

    /// How often it was asked for that path.
    pub(crate) fn asked(&self, path: &str) -> u32 {
        self.shared.asked.lock().unwrap().get(path).copied().unwrap_or_default()
    }

    /// Ends as a JVM that exits: nothing listens any more, and open connections are closed.
    pub(crate) fn end(&self) {
        self.shared.gone.store(true, Ordering::SeqCst);
        self.shared.changed.notify_all();
        // Wakes the accepting thread, which then drops its listener.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        for stream in self.shared.connections.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        eventually("the fake's port is free", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err()
        });
    }
}

impl Drop for FakeSpark {
    fn drop(&mut self) {
        self.end();
    }
}

/// A port of a block of 32 that no other test of this run gets, below the ports that the system
/// hands out.
fn bind() -> (TcpListener, u16) {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let block = NEXT.fetch_add(1, Ordering::SeqCst);
        // Runs of the tests side by side start in different places.
        let start = u16::try_from(std::process::id() % 300).unwrap();
        let port = 20_000 + (start + block) % 300 * 32;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return (listener, port);
        }
    }
}

fn talk(stream: &TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Some(path) = path_of_request(&mut reader) {
        *shared.asked.lock().unwrap().entry(path.clone()).or_default() += 1;
        let mut moods = shared.moods.lock().unwrap();
        while matches!(moods.get(path.as_str()), Some(Mood::Waits))
            && !shared.gone.load(Ordering::SeqCst)
        {
            moods = shared.changed.wait_timeout(moods, Duration::from_secs(1)).unwrap().0;
        }
        let mood = moods.get(path.as_str()).cloned();
        drop(moods);
        if !answer(stream, mood).unwrap_or(false) {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn path_of_request(reader: &mut impl std::io::BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
    }
    Some(path)
}

/// Whether the connection can go on.
fn answer(mut stream: &TcpStream, mood: Option<Mood>) -> std::io::Result<bool> {
    let head = |status: u16, kind: &str, length: usize| {
        format!(
            "HTTP/1.1 {status} X\r\nServer: fake-spark\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    let plain = "text/plain;charset=utf-8";
    let (text, goes_on) = match mood {
        Some(Mood::Serves(page)) => {
            ([head(200, plain, page.len()).as_bytes(), &page].concat(), true)
        }
        Some(Mood::Says(status, kind, body)) => {
            ([head(status, kind, body.len()).as_bytes(), &body].concat(), true)
        }
        Some(Mood::Stalls(page)) => {
            let beginning = &page[..page.len() / 2];
            stream.write_all(&[head(200, plain, page.len()).as_bytes(), beginning].concat())?;
            return Ok(true);
        }
        Some(Mood::ClosesMidBody(page)) => {
            let half = &page[..page.len() / 2];
            ([head(200, plain, page.len()).as_bytes(), half].concat(), false)
        }
        Some(Mood::Babbles) => (vec![0x16, 0x03, 0x01, 0xff, b'\n'], false),
        Some(Mood::Waits) => (Vec::new(), false),
        None => (head(404, "text/html", 0).into_bytes(), true),
    };
    stream.write_all(&text)?;
    Ok(goes_on)
}
