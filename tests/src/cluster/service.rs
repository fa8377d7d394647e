//! The stand-in for the Service `emberscope`: one address, connections spread over replicas.
//!
//! It stands in for kube-proxy and the controller behind it, which need nodes. Like them it knows
//! nothing of requests: it places whole connections, and taking a replica out leaves its
//! connections alone.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};

/// One address for several replicas.
#[derive(Debug)]
pub struct Service {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    endpoints: Mutex<Vec<u16>>,
    next: AtomicUsize,
    ended: AtomicBool,
}

impl Service {
    /// Listens on a free loopback port; without endpoints, connections are closed at once.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        thread::Builder::new()
            .name("service".to_owned())
            .spawn(move || accept(&listener, &of_thread))
            .context("no thread for the service")?;
        Ok(Self { port, shared })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections go to these ports, in turn.
    pub fn set_endpoints(&self, ports: &[u16]) {
        *self.shared.lock() = ports.to_vec();
    }

    /// New connections also go to this port.
    pub fn add(&self, port: u16) {
        self.shared.lock().push(port);
    }

    /// No new connections go to this port; those that are open stay.
    pub fn remove(&self, port: u16) {
        self.shared.lock().retain(|endpoint| *endpoint != port);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the thread, which closes the port.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<u16>> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pick(&self) -> Option<u16> {
        let endpoints = self.lock();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        endpoints.get(turn.checked_rem(endpoints.len())?).copied()
    }
}

fn accept(listener: &TcpListener, shared: &Shared) {
    for client in listener.incoming().flatten() {
        if shared.ended.load(Ordering::Relaxed) {
            return;
        }
        let endpoint = shared.pick().map(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
        // A replica that is gone: the client sees its connection closed, as it would.
        if let Some(Ok(server)) = endpoint {
            let _ = join(&client, &server);
        }
    }
}

/// Copies both ways until both sides have ended.
fn join(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    for (from, to) in [(client, server), (server, client)] {
        to.set_nodelay(true)?;
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}
