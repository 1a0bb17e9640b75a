//! Which addresses may be fetched from: none of a private network, unless the configuration names it.
//!
//! Documents of strangers say where to fetch; without this, they could make the service talk to what stands behind the
//! firewall. The rule is applied where a connection is made, to the very addresses that are connected to, and so to
//! every redirect and whatever a name resolves to at that moment. IANA special-purpose address registries (RFC 6890).
//!
//! Through a proxy the proxy resolves, and what it reaches is for its own rules to say: here only addresses written as
//! such are looked at, and names that can only be near ones.

use crate::engine::{Error, Result};
use crate::service::config::Network;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Ports below 1024 that are connected to: those of HTTP and LDAP. Other services there take what they are sent for
/// commands of their own.
const LOW_PORTS: [u16; 4] = [80, 389, 443, 636];

/// Refuses connections.
#[derive(Debug)]
pub(super) struct Guard(pub(super) Vec<Network>);

impl Guard {
    /// Whether every one of `addresses`, those of one host, may be connected to.
    pub(super) fn check(&self, host: &str, addresses: &[SocketAddr]) -> Result<()> {
        for address in addresses {
            if self.names(*address) {
                continue;
            }
            if !is_public(address.ip()) {
                return Err(refused(
                    host,
                    format!("{} is a private address", address.ip()),
                ));
            }
            check_port(host, address.port())?;
        }
        Ok(())
    }

    /// Whether `host` may be asked of a proxy; `named` where the operator named it.
    pub(super) fn check_proxied(&self, host: &str, port: u16, named: bool) -> Result<()> {
        if let Ok(address) = host.parse() {
            return self.check(host, &[SocketAddr::new(address, port)]);
        }
        match named {
            true => Ok(()),
            false if is_number(host) => Err(refused(host, "is no address written as one".into())),
            false if is_near(host) => Err(refused(host, "is a name of the local network".into())),
            false => check_port(host, port),
        }
    }

    fn names(&self, address: SocketAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// Whether `host` is taken for an address by some and looks like a name to others: `127.1`, `0x7f.1`.
pub(super) fn is_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    last.starts_with(|c: char| c.is_ascii_digit())
        && last
            .chars()
            .all(|c| c.is_ascii_hexdigit() || matches!(c, 'x' | 'X'))
        && host.parse::<Ipv4Addr>().is_err()
}

/// Whether `host` can only be a name of the network around: of one label, or below what is kept for such names (RFC 6761,
/// RFC 6762, RFC 8375, and ICANN's `internal`).
fn is_near(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let kept = [".localhost", ".local", ".internal", ".home.arpa"];
    !host.contains('.') || kept.iter().any(|end| host.ends_with(end))
}

fn check_port(host: &str, port: u16) -> Result<()> {
    if port < 1024 && !LOW_PORTS.contains(&port) {
        return Err(refused(
            host,
            format!("port {port} is not one of HTTP or LDAP"),
        ));
    }
    Ok(())
}

fn refused(host: &str, problem: String) -> Error {
    Error::refused(host.to_string(), problem).remedy(
        "If it is to be fetched from, name its network in sources.private_addresses (or --private-address).",
    )
}

/// Whether an address is of the public Internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(v6),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let at = |start: usize| {
        Ipv4Addr::new(
            octets[start],
            octets[start + 1],
            octets[start + 2],
            octets[start + 3],
        )
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some(at(12)),
        [0x2002, ..] => Some(at(2)),
        _ => None,
    }
}

/// Global unicast is 2000::/3; Teredo and its neighbours (2001::/23) and documentation are not.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000
        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for public in [
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "2a00:1450:4003::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn only_what_the_operator_names_is_near_or_at_another_port() {
        let guard = Guard(vec!["10.0.0.1:25".parse().unwrap()]);
        let at = |text: &str| [text.parse().unwrap()];
        for fine in ["8.8.8.8:80", "8.8.8.8:8080", "8.8.8.8:636", "10.0.0.1:25"] {
            assert!(guard.check("h", &at(fine)).is_ok(), "{fine}");
        }
        for not in ["8.8.8.8:25", "8.8.8.8:22", "10.0.0.1:80", "[::1]:80"] {
            assert!(guard.check("h", &at(not)).is_err(), "{not}");
        }
        // One address of many is enough.
        let both = [
            "8.8.8.8:80".parse().unwrap(),
            "10.9.9.9:80".parse().unwrap(),
        ];
        assert!(guard.check("h", &both).is_err());
        for (host, port, named, fine) in [
            ("crl.example.org", 80, false, true),
            ("crl.example.org", 25, false, false),
            ("crl", 80, false, false),
            ("crl", 80, true, true),
            ("localhost", 80, false, false),
            ("x.LocalHost.", 80, false, false),
            ("printer.local", 80, false, false),
            ("metadata.google.internal", 80, false, false),
            ("metadata.google.internal", 80, true, true),
            ("127.1", 389, false, false),
            ("0x7f.0.0.1", 389, false, false),
            ("0177.0.0.01.", 389, false, false),
            ("crl.example.1a", 389, false, false),
            ("crl1.example.3com", 389, false, true),
            ("10.9.9.9", 80, true, false),
            ("8.8.8.8", 80, false, true),
            ("::1", 80, false, false),
        ] {
            assert_eq!(
                guard.check_proxied(host, port, named).is_ok(),
                fine,
                "{host}:{port}"
            );
        }
    }
}
