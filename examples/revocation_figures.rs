//! Figures of revocation: `cargo run --release --example revocation_figures -- index FILE ISSUER OUT`.
fn main() {
    use rubrica::engine::pki::{Certificate, revocation::index::*};
    use rubrica::engine::pki::crl::RevocationList;
    let a: Vec<String> = std::env::args().collect();
    let issuer = Certificate::from_pem_or_der(&std::fs::read(&a[2]).unwrap()).unwrap().remove(0);
    for _ in 0..3 {
    let t = std::time::Instant::now();
    let mut out = std::fs::File::create(&a[3]).unwrap();
    let scratch = tempfile::tempfile().unwrap();
    let b = build(std::fs::File::open(&a[1]).unwrap(), &mut out, scratch, |h, s| {
        let Signed::Digest(d) = s else { panic!() };
        assert!(h.is_signed_by(issuer.public_key().unwrap(), rubrica::engine::crypto::SignatureInput::Digest(d)));
        Ok(issuer.spki().to_vec())
    }).unwrap();
    let t1 = t.elapsed();
    let map = std::fs::read(&a[3]).unwrap();
    let list = IndexedList::open(map).unwrap();
    println!("{} entries built in {:?}", b.entries, t1);
    let t = std::time::Instant::now();
    let mut x = 1u128;
    let mut hits = 0;
    for _ in 0..100000 { x = x.wrapping_mul(0x2360ed051fc65da44385df649fccf645).wrapping_add(99); hits += list.entry(b.header.issuer(), &x.to_be_bytes()).unwrap().is_some() as u32; }
    println!("lookup {:?} {hits}", t.elapsed()/100000);
    }
    print!("{}", std::fs::read_to_string("/proc/self/status").unwrap().lines().filter(|l| l.starts_with("VmHWM")).collect::<String>());
}
