//! A range of addresses, with or without a port: `10.1.2.3`, `10.1.0.0/16`, `127.0.0.1:8481`, `[::1]:8481`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A range of addresses, and the port if only one is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
    port: Option<u16>,
}

impl Network {
    /// Whether the range holds this address and port.
    pub fn contains(&self, address: SocketAddr) -> bool {
        self.port.is_none_or(|port| port == address.port())
            && self.holds(address.ip().to_canonical())
    }

    fn holds(&self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let different = u64::from(u32::from(a) ^ u32::from(b));
                different >> (32 - u32::from(self.prefix)) == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let different = u128::from(a) ^ u128::from(b);
                different
                    .checked_shr(128 - u32::from(self.prefix))
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is not an address such as 10.1.2.3, 10.1.0.0/16 or 127.0.0.1:8481")
        };
        if let Ok(socket) = text.parse::<SocketAddr>() {
            let address = socket.ip();
            return Ok(Network {
                address,
                prefix: width(address),
                port: Some(socket.port()),
            });
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let prefix = prefix.unwrap_or(width(address));
        if prefix > width(address) {
            return Err(wrong());
        }
        Ok(Network {
            address,
            prefix,
            port: None,
        })
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> String {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.address, port).fmt(f),
            None if self.prefix == width(self.address) => self.address.fmt(f),
            None => write!(f, "{}/{}", self.address, self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        for (range, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255:80", "10.2.0.0:80"),
            ("10.1.2.3", "10.1.2.3:443", "10.1.2.4:443"),
            ("127.0.0.1:8481", "127.0.0.1:8481", "127.0.0.1:8482"),
            ("[::1]:8481", "[::1]:8481", "[::2]:8481"),
            ("fd00::/8", "[fdff::1]:80", "[fe80::1]:80"),
            ("0.0.0.0/0", "[::ffff:9.9.9.9]:80", "[::1]:80"),
            ("::/0", "[9::9]:80", "9.9.9.9:80"),
        ] {
            let network: Network = range.parse().unwrap();
            assert!(
                network.contains(inside.parse().unwrap()),
                "{range} {inside}"
            );
            assert!(
                !network.contains(outside.parse().unwrap()),
                "{range} {outside}"
            );
            assert_eq!(network.to_string().parse::<Network>().unwrap(), network);
        }
        for wrong in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "localhost",
            "10.0.0.0/8/8",
            "::/129",
        ] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
