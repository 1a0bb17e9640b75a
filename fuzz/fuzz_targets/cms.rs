//! Any bytes as a CMS SignedData message, alone and with bytes after it.
#![no_main]

use rubrica::engine::crypto::DigestAlgorithm;
use rubrica::engine::pki::cms::{SignedData, ess_certificates};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = SignedData::from_ber(bytes);
    if let Ok((message, length)) = SignedData::from_ber_prefix(bytes) {
        assert!(length <= bytes.len());
        let _ = (
            message.content(),
            message.content_digest(DigestAlgorithm::Sha256),
        );
        for signer in message.signer_infos() {
            let _ = signer.signed_attributes_der();
            let _ = signer.signed_attributes.as_ref().map(ess_certificates);
        }
    }
});
