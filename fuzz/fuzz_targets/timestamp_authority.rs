//! Any bytes as what is asked of a time-stamping authority: the answer is a response whatever they are; and as a token that is checked.
#![no_main]

use rubrica::engine::authority::timestamp::{Authority, DIGESTS, answer};
use rubrica::engine::crypto::{DigestAlgorithm, SignatureAlgorithm, SignatureValue, Signer};
use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::timestamp::{response_of, token_in};
use rubrica::engine::syntax::asn1::Oid;
use rubrica::engine::{Result, Time};

const TSA: &[u8] = include_bytes!("../../certs/test/tsa.pem");
const POLICY: Oid = Oid::new(&[1, 2, 3]);

/// Signs nothing, quickly: the readers are what is looked at.
struct Fixed;

impl Signer for Fixed {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)
    }

    fn sign(&self, _: &[u8]) -> Result<SignatureValue> {
        Ok(SignatureValue(vec![0x30, 0]))
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let certificate = Certificate::from_pem_or_der(TSA).unwrap().remove(0);
    let authority = Authority {
        certificate: &certificate,
        chain: &[],
        signer: &Fixed,
        policies: &[POLICY],
        digests: DIGESTS,
        accuracy: None,
        ordering: true,
        named: true,
        qualified: true,
        reference: DigestAlgorithm::Sha512,
    };
    let answered = answer(bytes, &authority, &[1], || Time::from_unix(1_800_000_000).ok());
    assert!(answered.fault.is_none());
    assert_eq!(token_in(&answered.response).is_ok(), answered.failure.is_none());
    if let Ok(token) = token_in(bytes) {
        let again = token_in(&response_of(token.bytes())).expect("what we wrap");
        assert_eq!(again.tst_info(), token.tst_info());
    }
});
