//! Ports for services that are processes of their own and must be told theirs before they start.
//!
//! From below the range that systems give to outgoing connections (32768 to 60999 on Linux), so that nothing takes a port
//! between its being found free and its being listened on, nor while a service that is to come back is away.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// An address that nobody listens on, and that no other test of this run gets.
pub(crate) fn free() -> SocketAddr {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id().wrapping_mul(97) % u32::from(COUNT);
    for _ in 0..COUNT {
        let taken = u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + ((start + taken) % u32::from(COUNT)) as u16;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no free port");
}
