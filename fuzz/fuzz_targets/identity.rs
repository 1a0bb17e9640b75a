//! Whom a certificate names, what it states, and what is told of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::identity::{CertificateIdentity, Identifier, Table};
use rubrica::engine::pki::qc_statements::QcStatements;
use rubrica::engine::pki::trust::accepted::{AcceptedCertificates, Presented, Usage};
use rubrica::engine::report::{Inspection, Language};

fuzz_target!(|data: &[u8]| {
    let _ = QcStatements::read(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Identifier::read(text).identity();
    }
    let Ok(certificate) = Certificate::from_der(data) else { return };
    let identity = CertificateIdentity::of(&certificate);
    let list = AcceptedCertificates::default();
    for usage in Usage::ALL {
        let presented = Presented::alone(&certificate, &identity);
        let _ = list.decide(presented, *usage, None, certificate.validity().not_before);
    }
    let _ = Inspection::of(&certificate, Table::shipped()).text(Language::Es, "Europe/Madrid");
});
