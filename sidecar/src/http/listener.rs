//! Getting a port, now or later.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tracing::{error, info};

/// How long until a port that was taken is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// A listener on that address. If it cannot be had, says so once and tries until it can: a sidecar
/// that gives up would be restarted without end, or fail the pod, and has a life to live to its end
/// anyway. `purpose` and `remedy` are for the log.
pub(crate) async fn listen(address: SocketAddr, purpose: &str, remedy: &str) -> TcpListener {
    keep_trying(address, AGAIN, purpose, remedy).await
}

async fn keep_trying(
    address: SocketAddr,
    again: Duration,
    purpose: &str,
    remedy: &str,
) -> TcpListener {
    let mut said = false;
    loop {
        match bind(address).await {
            Ok(listener) => {
                let address = listener.local_addr().unwrap_or(address);
                info!(%address, "listening for {purpose}");
                return listener;
            }
            Err(error) if said => tracing::debug!(%error, %address, "still cannot listen"),
            Err(error) => {
                said = true;
                error!(%address, %error, "cannot listen for {purpose}; will keep trying. {remedy}");
            }
        }
        tokio::time::sleep(again).await;
    }
}

/// `::` takes IPv4 connections as well (Linux unless `net.ipv6.bindv6only` is set); where IPv6 is
/// off, the IPv4 wildcard is what was meant.
async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let wildcard = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match TcpListener::bind(address).await {
        Err(error)
            if wildcard
                && !matches!(
                    error.kind(),
                    io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
                ) =>
        {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
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
        let address = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0);
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
        let holder = bind(SocketAddr::new(ip, 0)).await.unwrap();
        let address = holder.local_addr().unwrap();
        let again = Duration::from_millis(10);
        let waiting = tokio::spawn(keep_trying(address, again, "a test", ""));
        tokio::time::sleep(again * 5).await;
        assert!(!waiting.is_finished());
        drop(holder);
        assert_eq!(waiting.await.unwrap().local_addr().unwrap().port(), address.port());
    }
}
