//! Certificates of any issuer's name and any subject for the tests of `pki`, made by `authority`.

use crate::engine::authority::certificate::{
    ToBeIssued, distinguished_name, issue, issue_self_signed,
};
use crate::engine::authority::test::Key;
use crate::engine::pki::extension::Extension;
use crate::engine::pki::{Certificate, Name, Validity};
use crate::engine::syntax::asn1::Oid;

/// A certificate of `subject`, and its issuer's.
pub(crate) fn issued(
    issuer: &[(Oid, &str)],
    subject: Name,
    extensions: Vec<Extension>,
) -> (Certificate, Certificate) {
    let (authority, key) = (Key::p256(), Key::p256());
    let validity = Validity {
        not_before: "2016-01-01T00:00:00Z".parse().unwrap(),
        not_after: "2030-01-01T00:00:00Z".parse().unwrap(),
    };
    let to_be = |subject, public_key, extensions| ToBeIssued {
        serial: &[1],
        subject,
        validity,
        public_key,
        extensions,
    };
    let spki = authority.spki();
    let own = to_be(distinguished_name(issuer).unwrap(), &spki, Vec::new());
    let own = issue_self_signed(&own, &authority).unwrap();
    let certificate = issue(&to_be(subject, &key.spki(), extensions), &own, &authority).unwrap();
    (certificate, own)
}
