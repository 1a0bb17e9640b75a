//! Which addresses may be fetched from: none of a private network, unless the configuration names it.
//!
//! Documents of strangers say where to fetch; without this, they could make the service talk to what stands behind the
//! firewall. The rule is applied where a connection is made, to the very addresses that are connected to, and so to
//! every redirect and whatever a name resolves to at that moment. IANA special-purpose address registries (RFC 6890).

use crate::service::config::Network;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use ureq::http::Uri;
use ureq::unversioned::transport::{ConnectionDetails, Connector};

/// Refuses connections; stands first among the connectors.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) allowed: Vec<Network>,
    /// Whether connections go through a proxy. The one to the proxy itself is the configuration's own.
    pub(super) proxied: bool,
}

/// What is refused.
#[derive(Debug)]
pub(super) struct Refused(pub(super) IpAddr);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is a private address", self.0)
    }
}

impl std::error::Error for Refused {}

impl Connector for Guard {
    type Out = ();

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<()>, ureq::Error> {
        let refused = match details.config.proxy() {
            None if self.proxied => None,
            // The proxy resolves the name: only an address written as such can be judged here.
            Some(proxy) if !proxy.is_no_proxy(details.uri) => self.refused_literal(details.uri),
            _ => details
                .addrs
                .iter()
                .find(|a| !self.allows(**a))
                .map(|a| a.ip()),
        };
        match refused {
            Some(address) => Err(ureq::Error::Other(Box::new(Refused(address)))),
            None => Ok(None),
        }
    }
}

impl Guard {
    fn allows(&self, address: SocketAddr) -> bool {
        is_public(address.ip()) || self.allowed.iter().any(|network| network.contains(address))
    }

    fn refused_literal(&self, uri: &Uri) -> Option<IpAddr> {
        let host = uri.host()?;
        let address: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") {
                443
            } else {
                80
            });
        (!self.allows(SocketAddr::new(address, port))).then_some(address)
    }
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
}
