//! Getting a port, now or later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use std::{fmt, io};

use tokio::net::TcpListener;
use tracing::{error, info};

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    /// The address; `::` takes IPv4 too.
    pub(crate) ip: IpAddr,
    /// The port.
    pub(crate) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.ip, self.port).fmt(f)
    }
}

/// How long until a port that was taken is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// A listener on that address. If it cannot be had, says so once and tries until it can: a sidecar
/// that gives up would be restarted without end, or fail the pod, and has a life to live to its end
/// anyway. `purpose` and `remedy` are for the log.
pub(crate) async fn listen(address: Address, purpose: &str, remedy: &str) -> TcpListener {
    keep_trying(address, AGAIN, purpose, remedy).await
}

async fn keep_trying(
    address: Address,
    again: Duration,
    purpose: &str,
    remedy: &str,
) -> TcpListener {
    let Address { ip, port } = address;
    let mut said = false;
    loop {
        match bind(address).await {
            Ok(listener) => {
                let bound = listener.local_addr().map_or(address.to_string(), |it| it.to_string());
                info!(address = bound, "listening for {purpose}");
                return listener;
            }
            Err(error) if said => tracing::debug!(%error, port, "still cannot listen"),
            Err(error) => {
                said = true;
                error!(%ip, port, %error, "cannot listen for {purpose}; will keep trying. {remedy}");
            }
        }
        tokio::time::sleep(again).await;
    }
}

/// `::` takes IPv4 connections as well (Linux unless `net.ipv6.bindv6only` is set); where IPv6 is
/// off, the IPv4 wildcard is what was meant.
async fn bind(Address { ip, port }: Address) -> io::Result<TcpListener> {
    let wildcard = ip == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match TcpListener::bind((ip, port)).await {
        Err(error)
            if wildcard
                && !matches!(
                    error.kind(),
                    io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
                ) =>
        {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        bound => bound,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn the_wildcard_takes_ipv4() {
        let address = Address { ip: Ipv6Addr::UNSPECIFIED.into(), port: 0 };
        let listener = listen(address, "a test", "").await;
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        let (accepted, connected) = tokio::join!(listener.accept(), client);
        accepted.unwrap();
        connected.unwrap();
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_had_once_it_is_free() {
        let ip = Ipv4Addr::LOCALHOST.into();
        let holder = bind(Address { ip, port: 0 }).await.unwrap();
        let address = Address { ip, port: holder.local_addr().unwrap().port() };
        let again = Duration::from_millis(10);
        let waiting = tokio::spawn(keep_trying(address, again, "a test", ""));
        tokio::time::sleep(again * 5).await;
        assert!(!waiting.is_finished());
        drop(holder);
        assert_eq!(waiting.await.unwrap().local_addr().unwrap().port(), address.port);
    }
}
