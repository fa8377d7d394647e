//! Whether what was sent has reached a client that reads.
//!
//! The kernel takes a page for a client that has gone as well as for one that reads. What it knows of
//! the client's end it tells in `/proc/self/net/tcp` (`proc_pid_net(5)`): what is not acknowledged yet,
//! and whether the connection is there at all. A client's kernel acknowledges what there is room for,
//! and resets the connection if the client has closed it before all of that was read (RFC 9293,
//! section 3.10.7; RFC 2525, section 2.17).

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{fs, io};

use super::conversation::Ends;

/// How long a client's kernel may take to acknowledge.
const ACKNOWLEDGED: Duration = Duration::from_secs(10);

/// How often to look whether it has.
const AGAIN: Duration = Duration::from_millis(20);

/// How long a client may take to close what it has not read.
const CLOSED: Duration = Duration::from_millis(100);

/// Something that the kernel has sent, or is going to.
#[derive(Debug)]
pub(super) struct Delivery {
    ends: Ends,
    /// Keeps the connection's error when the connection is over.
    socket: Option<TcpStream>,
}

/// What the kernel knows of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    /// It is there, with so many bytes that the client has not acknowledged.
    There { unacknowledged: u64 },
    /// It is not there any more.
    Over,
    /// The kernel's table cannot be read.
    Unknown,
}

impl Delivery {
    /// Of what was last sent between these ends; `socket` is another handle of that connection.
    pub(super) const fn new(ends: Ends, socket: Option<TcpStream>) -> Self {
        Self { ends, socket }
    }

    /// Whether the client has it. Waits until that is known.
    pub(super) async fn has_arrived(&self) -> bool {
        let sent = Instant::now();
        loop {
            match self.look() {
                Connection::There { unacknowledged: 0 } | Connection::Unknown => break,
                Connection::There { .. } if sent.elapsed() < ACKNOWLEDGED => {
                    tokio::time::sleep(AGAIN).await;
                }
                Connection::There { .. } => return false,
                Connection::Over => return self.ended_well(),
            }
        }
        tokio::time::sleep(CLOSED).await;
        match self.look() {
            Connection::There { .. } => true,
            Connection::Over | Connection::Unknown => self.ended_well(),
        }
    }

    /// Whether no error has ended the connection, as a reset does.
    fn ended_well(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| matches!(socket.take_error(), Ok(None)))
    }

    fn look(&self) -> Connection {
        let table = match self.ends.local.ip() {
            IpAddr::V4(_) => "/proc/self/net/tcp",
            IpAddr::V6(_) => "/proc/self/net/tcp6",
        };
        // Of a pod: some hundred lines at most.
        match fs::read_to_string(table) {
            Ok(table) => find(&table, self.ends).unwrap_or(Connection::Over),
            Err(error) => {
                tracing::debug!(%error, table, "cannot tell what clients have acknowledged");
                Connection::Unknown
            }
        }
    }
}

/// The line `number: LOCAL REMOTE STATE SENT:RECEIVED …` of a connection.
fn find(table: &str, ends: Ends) -> Option<Connection> {
    let (local, remote) = (written(ends.local), written(ends.remote));
    table.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let its = words.next()? == local && words.next()? == remote;
        let (sent, _) = words.nth(1)?.split_once(':')?;
        let unacknowledged = u64::from_str_radix(sent, 16).ok()?;
        its.then_some(Connection::There { unacknowledged })
    })
}

/// An address as the kernel writes it: as numbers of 32 bits, in the order of this machine's bytes.
fn written(address: SocketAddr) -> String {
    let octets = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let numbers = octets.chunks_exact(4).map(|four| {
        let number = <[u8; 4]>::try_from(four).map_or(0, u32::from_ne_bytes);
        format!("{number:08X}")
    });
    format!("{}:{:04X}", numbers.collect::<String>(), address.port())
}

/// Another handle of a connection.
pub(super) fn handle_of(stream: &tokio::net::TcpStream) -> io::Result<TcpStream> {
    use std::os::fd::AsFd as _;
    stream.as_fd().try_clone_to_owned().map(TcpStream::from)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener};

    use super::*;

    static PAGE: [u8; 30_000] = [b'x'; 30_000];

    /// A connection of which this is the other side, and the delivery of a page on it.
    fn sent(listen: IpAddr, client: impl FnOnce(&mut TcpStream)) -> (Delivery, TcpStream) {
        let listener = TcpListener::bind((listen, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let (mut ours, _) = listener.accept().unwrap();
        let (local, remote) = (ours.local_addr().unwrap(), ours.peer_addr().unwrap());
        client(&mut stream);
        let _ = ours.write_all(&PAGE);
        (Delivery::new(Ends { local, remote }, Some(ours)), stream)
    }

    #[tokio::test]
    async fn a_client_that_reads_and_goes_on_has_it() {
        for listen in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            let (delivery, mut client) = sent(listen, |_| {});
            client.read_exact(&mut vec![0; PAGE.len()]).unwrap();
            assert!(delivery.has_arrived().await, "{listen}");
            drop(client);
            assert!(delivery.has_arrived().await, "{listen}: it has read and closed");
        }
    }

    #[tokio::test]
    async fn a_client_that_closes_without_reading_has_it_not() {
        let (delivery, client) = sent(Ipv4Addr::LOCALHOST.into(), |_| {});
        drop(client);
        assert!(!delivery.has_arrived().await, "closed when it was there to be read");

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut ours, _) = listener.accept().unwrap();
        let ends = Ends { local: ours.local_addr().unwrap(), remote: ours.peer_addr().unwrap() };
        drop(client);
        let _ = ours.write_all(&PAGE);
        assert!(!Delivery::new(ends, Some(ours)).has_arrived().await, "closed before");
    }

    #[tokio::test]
    async fn a_client_that_has_said_all_and_reads_has_it() {
        let say_all = |stream: &mut TcpStream| stream.shutdown(Shutdown::Write).unwrap();
        let (delivery, mut client) = sent(Ipv4Addr::LOCALHOST.into(), say_all);
        let ours = delivery.socket.as_ref().unwrap();
        ours.shutdown(Shutdown::Write).unwrap();
        let mut read = Vec::new();
        client.read_to_end(&mut read).unwrap();
        drop(client);
        assert!(delivery.has_arrived().await);
    }

    #[tokio::test]
    async fn a_client_whose_kernel_has_no_room_for_it_has_it_not() {
        let (delivery, client) = sent(Ipv4Addr::LOCALHOST.into(), |_| {});
        let mut ours = delivery.socket.as_ref().unwrap();
        ours.set_nonblocking(true).unwrap();
        while ours.write(&PAGE).is_ok() {}
        assert!(matches!(delivery.look(), Connection::There { unacknowledged: 1.. }));
        drop(client);
        assert!(!delivery.has_arrived().await);
    }

    #[test]
    fn addresses_are_written_as_the_kernel_does() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n   \
                     0: 0100007F:2666 0200007F:D2A4 01 0000002A:00000000 00:00000000 00000000\n";
        let ends = |local: &str, remote: &str| Ends {
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
        };
        let there = Connection::There { unacknowledged: 42 };
        assert_eq!(find(table, ends("127.0.0.1:9830", "127.0.0.2:53924")), Some(there));
        assert_eq!(find(table, ends("127.0.0.1:9830", "127.0.0.2:53925")), None);
        assert_eq!(
            written("[::ffff:127.0.0.1]:9830".parse().unwrap()),
            "0000000000000000FFFF00000100007F:2666"
        );
    }
}
