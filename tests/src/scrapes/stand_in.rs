//! A stand-in for Spark's UI: a server that answers with pages as they are, at once, so that what is
//! measured is the sidecar.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};

use anyhow::{Context as _, Result};

/// Serves until it is dropped.
#[derive(Debug)]
pub(super) struct StandIn {
    /// Where it listens.
    pub(super) port: u16,
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The two pages; one that is not there is answered with 404, as Spark does.
#[derive(Debug)]
pub(super) struct Pages {
    /// `/metrics/driver/prometheus/`
    pub(super) driver: Vec<u8>,
    /// `/metrics/executors/prometheus/`
    pub(super) executors: Option<Vec<u8>>,
}

impl StandIn {
    /// Serves these pages.
    pub(super) fn start(pages: Pages) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no port")?;
        let port = listener.local_addr()?.port();
        let (pages, leave) = (Arc::new(pages), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&leave);
        let thread = spawn(move || {
            for client in listener.incoming() {
                if told.load(Ordering::Relaxed) {
                    return;
                }
                let pages = Arc::clone(&pages);
                // The sidecar asks for both pages at the same time.
                spawn(move || client.and_then(|client| serve(client, &pages)));
            }
        });
        Ok(Self { port, leave, thread: Some(thread) })
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut client: TcpStream, pages: &Pages) -> std::io::Result<()> {
    // As Jetty does: else the page waits until the sidecar has acknowledged the head.
    client.set_nodelay(true)?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut some = [0; 1024];
        match client.read(&mut some)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&some[..count]),
        }
    }
    let page = if request.starts_with(b"GET /metrics/driver/prometheus/ ") {
        Some(&pages.driver)
    } else if request.starts_with(b"GET /metrics/executors/prometheus/ ") {
        pages.executors.as_ref()
    } else {
        None
    };
    let (status, body) = page.map_or(("404 Not Found", &b""[..]), |page| ("200 OK", page));
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain;charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    client.write_all(head.as_bytes())?;
    client.write_all(body)
}
