//! Addresses on this machine: free ports, those that have to be free, and the name localhost.

use std::net::{Ipv4Addr, TcpListener, ToSocketAddrs as _};

use anyhow::{Context, Result, ensure};

/// Fails with a sentence where somebody listens on `port` already.
pub fn require(port: u16, purpose: &str) -> Result<()> {
    ensure!(
        is_free(port),
        "port {port} is taken, and {purpose}; see who listens with `ss -ltnp sport = :{port}`, \
         end that program, then run this again"
    );
    Ok(())
}

/// Fails with a sentence where the machine does not know its own name for itself; Spark's Python
/// side listens on it.
pub fn require_localhost() -> Result<()> {
    let found = ("localhost", 0).to_socket_addrs().is_ok_and(|mut found| found.next().is_some());
    ensure!(
        found,
        "this machine does not know the name localhost; \
         add a line `127.0.0.1 localhost` to /etc/hosts, then run this again"
    );
    Ok(())
}

/// The port itself where it is free, else one that the system chooses.
pub fn near(port: u16) -> Result<u16> {
    if is_free(port) { Ok(port) } else { any() }
}

/// A port that nobody listens on.
pub fn any() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .context("this machine gives no port on 127.0.0.1; check `ip address show lo`")?;
    Ok(listener.local_addr()?.port())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_a_remedy() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = require(port, "this test needs it").unwrap_err().to_string();
        assert!(
            error.contains(&format!("port {port} is taken, and this test needs it")),
            "{error}"
        );
        assert!(error.contains("ss -ltnp"), "{error}");
    }

    #[test]
    fn another_port_is_chosen_next_to_a_taken_one() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_ne!(near(port).unwrap(), port);
    }
}
