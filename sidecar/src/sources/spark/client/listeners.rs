//! What listens in the pod's network namespace, and on which of its addresses.
//!
//! Spark's UI is on all addresses, or, with `SPARK_LOCAL_IP` (set for a service mesh, for instance),
//! on the pod's alone. The kernel tells which, so nobody has to guess, and no port is knocked at for
//! nothing.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;

/// A listening socket's state (`TCP_LISTEN` in `include/net/tcp_states.h`).
const LISTEN: &str = "0A";

/// The addresses to which something listens on one of these ports, each once; nothing where the
/// kernel does not tell.
pub(super) fn listeners(ports: &RangeInclusive<u16>) -> Option<Vec<SocketAddr>> {
    of_files(["/proc/self/net/tcp".as_ref(), "/proc/self/net/tcp6".as_ref()], ports)
}

fn of_files(files: [&Path; 2], ports: &RangeInclusive<u16>) -> Option<Vec<SocketAddr>> {
    let mut found = Vec::new();
    let mut any = false;
    for file in files {
        // Without IPv6 there is no such file.
        let Ok(listening) = of_file(file) else { continue };
        any |= !listening.is_empty();
        found.extend(listening.into_iter().filter(|it| ports.contains(&it.port())));
    }
    found.sort_by_key(|it| (it.port(), !it.ip().is_loopback(), it.ip()));
    found.dedup();
    // The sidecar itself listens: a table without anybody is that of a kernel which does not tell.
    any.then_some(found)
}

/// Where anybody listens, as one table has it. The listening sockets come first (`tcp_get_idx` in
/// `net/ipv4/tcp_ipv4.c`): of a driver's thousands of connections none is read.
fn of_file(file: &Path) -> io::Result<Vec<SocketAddr>> {
    let lines = BufReader::new(File::open(file)?).lines().skip(1);
    let mut found = Vec::new();
    for line in lines {
        let line = line?;
        let mut words = line.split_ascii_whitespace().skip(1);
        let (Some(local), Some(_), Some(state)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if state != LISTEN {
            break;
        }
        found.extend(address(local));
    }
    Ok(found)
}

/// Reads `0100007F:0FC8`: the address in words of the machine's byte order, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let word = ip.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = match ip.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let bytes = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            let ip = Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
            // What Java opens for an IPv4 address is a socket of IPv6 all the same.
            ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)
        }
        _ => return None,
    };
    // All addresses: the loopback interface's is one of them.
    let ip = if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { ip };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const V4: &str = "  sl  local_address rem_address   st tx_queue rx_queue\n\
        0: 0100007F:0FC8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n\
        1: 0202000A:0FC9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n\
        no line at all\n\
        2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n\
        3: 0202000A:0FCA 0302000A:C000 01 00000000:00000000 00:00000000 00000000     0\n\
        4: 0202000A:0FCB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n";
    const V6: &str = "  sl  local_address                         remote_address   st\n\
        0: 00000000000000000000000000000000:0FC8 00000000000000000000000000000000:0000 0A 0\n\
        1: 0000000000000000FFFF00000302000A:0FCC 00000000000000000000000000000000:0000 0A 0\n\
        2: 000080FE00000000FF005450B6AD1DFE:0FCD 00000000000000000000000000000000:0000 0A 0\n\
        3: 00000000000000000000000001000000:0FCE 00000000000000000000000000000000:0000 0A 0\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn each_address_on_which_something_listens_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["tcp", "tcp6"].map(|name| folder.path().join(name));
        let [v4, v6] = files.each_ref().map(AsRef::as_ref);
        assert_eq!(of_files([v4, v6], &(4040..=4056)), None);
        std::fs::write(v4, V4).unwrap();
        std::fs::write(v6, V6).unwrap();
        let expected = [
            "127.0.0.1:4040",
            "10.0.2.2:4041",
            "10.0.2.3:4044",
            "[fe80::5054:ff:fe1d:adb6]:4045",
            "[::1]:4046",
        ];
        let expected = expected.map(|it| it.parse().unwrap());
        assert_eq!(of_files([v4, v6], &(4040..=4056)).unwrap(), expected);
        assert_eq!(of_files([v4, v6], &(1..=2)), Some(Vec::new()));
        std::fs::write(v4, "  sl\n").unwrap();
        std::fs::write(v6, "  sl\n").unwrap();
        assert_eq!(of_files([v4, v6], &(4040..=4056)), None);
    }

    #[test]
    fn the_kernel_of_this_machine_tells() {
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listeners(&(address.port()..=address.port())).unwrap(), [address]);
    }
}
