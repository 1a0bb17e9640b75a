//! Whose request it is, and how many of them one address may send in a minute.
//!
//! Behind a reverse proxy the address is the last one in `X-Forwarded-For` that is not a proxy of ours; from anybody
//! else that header is not believed. An IPv6 address counts as its /64, which is what one subscriber has.

use crate::engine::{Error, ErrorKind, Result};
use crate::service::config::Network;
use axum::http::HeaderMap;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// The address that a request comes from, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(pub IpAddr);

impl Origin {
    /// The origin of a request that came over a connection from `peer`.
    pub fn of(peer: SocketAddr, headers: &HeaderMap, proxies: &[Network]) -> Self {
        let trusted = |ip: IpAddr| proxies.iter().any(|p| p.contains(SocketAddr::new(ip, 0)));
        let mut origin = peer.ip().to_canonical();
        if trusted(origin) {
            let values: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
            let hops = values
                .iter()
                .rev()
                .filter_map(|v| v.to_str().ok())
                .flat_map(|v| v.rsplit(','));
            for hop in hops {
                let Some(ip) = address(hop.trim()) else { break };
                origin = ip;
                if !trusted(ip) {
                    break;
                }
            }
        }
        Origin(subscriber(origin))
    }
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse::<IpAddr>().ok();
    ip.or_else(|| text.parse::<SocketAddr>().ok().map(|s| s.ip()))
        .map(|ip| ip.to_canonical())
}

fn subscriber(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// Counts requests by origin.
pub struct RateLimit {
    limiter: DefaultKeyedRateLimiter<Origin>,
    per_minute: NonZeroU32,
    seen: AtomicU32,
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("per_minute", &self.per_minute)
            .finish_non_exhaustive()
    }
}

/// After so many requests, origins that are quiet again are forgotten.
const SWEEP: u32 = 10_000;

impl RateLimit {
    /// So many requests a minute from one origin, in a burst or evenly.
    pub fn per_minute(requests: u32) -> Self {
        let per_minute = NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN);
        RateLimit {
            limiter: DefaultKeyedRateLimiter::keyed(Quota::per_minute(per_minute)),
            per_minute,
            seen: AtomicU32::new(0),
        }
    }

    /// Counts one request. Errors: [`ErrorKind::RateLimited`], and the seconds after which the next one passes.
    pub fn admit(&self, origin: Origin) -> Result<(), (Error, u64)> {
        if self.seen.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(&origin).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let problem = format!(
                "more than {} in a minute from this address",
                self.per_minute
            );
            let error = Error::new(ErrorKind::RateLimited, "requests", problem)
                .remedy("Wait a little and try again.");
            (error, wait.as_secs().saturating_add(1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(peer: &str, forwarded: &[&str]) -> String {
        let headers = forwarded
            .iter()
            .map(|v| {
                (
                    axum::http::HeaderName::from_static("x-forwarded-for"),
                    v.parse().unwrap(),
                )
            })
            .collect();
        let proxies = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        Origin::of(peer.parse().unwrap(), &headers, &proxies)
            .0
            .to_string()
    }

    #[test]
    fn the_header_counts_from_a_proxy_of_ours_alone() {
        assert_eq!(origin("192.0.2.1:5", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(origin("10.0.0.1:5", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            origin("10.0.0.1:5", &["1.1.1.1, 203.0.113.9, 10.2.2.2"]),
            "203.0.113.9"
        );
        assert_eq!(
            origin("10.0.0.1:5", &["1.1.1.1", "203.0.113.9:99"]),
            "203.0.113.9"
        );
        assert_eq!(origin("10.0.0.1:5", &["unknown"]), "10.0.0.1");
        assert_eq!(origin("10.0.0.1:5", &[]), "10.0.0.1");
        assert_eq!(origin("[::ffff:10.0.0.1]:5", &["9.9.9.9"]), "9.9.9.9");
        assert_eq!(origin("[2001:db8:1:2:3:4:5:6]:5", &[]), "2001:db8:1:2::");
    }

    #[test]
    fn an_origin_is_counted_apart_from_others() {
        let limit = RateLimit::per_minute(2);
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|ip| Origin(ip.parse().unwrap()));
        assert!(limit.admit(a).is_ok() && limit.admit(a).is_ok());
        let (error, wait) = limit.admit(a).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!((1..=31).contains(&wait), "{wait}");
        assert!(limit.admit(b).is_ok());
    }
}
