//! Any bytes as an evidence record.
#![no_main]

use rubrica::engine::limits::Budget;
use rubrica::engine::pki::evidence_record::EvidenceRecord;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = EvidenceRecord::from_ber(bytes, &mut Budget::default());
});
