//! Issues X.509 certificates (RFC 5280 §4.1).
//!
//! In: what the certificate is to say, and the issuer with its key. Out: the certificate, read back. The extensions are
//! written by `extension`; which ones a certificate should have is the caller's profile.

use super::{serial_number, signed};
use crate::engine::crypto::Signer;
use crate::engine::error::{Error, Result};
use crate::engine::pki::extension::Extension;
use crate::engine::pki::{Certificate, Name, Validity};
use crate::engine::syntax::asn1::{Oid, der, names};

/// What a certificate is to say.
#[derive(Debug, Clone)]
pub struct ToBeIssued<'a> {
    /// Magnitude of the serial number, big-endian. RFC 5280 §4.1.2.2 wants it unique; random bytes make it so.
    pub serial: &'a [u8],
    /// Whom it is about.
    pub subject: Name,
    /// From when to when.
    pub validity: Validity,
    /// The subject's `SubjectPublicKeyInfo`.
    pub public_key: &'a [u8],
    /// Its extensions in order, without `authorityKeyIdentifier`, which [`issue`] adds.
    pub extensions: Vec<Extension>,
}

/// The certificate, issued by `issuer`, whose key `signer` holds.
pub fn issue(
    certificate: &ToBeIssued<'_>,
    issuer: &Certificate,
    signer: &dyn Signer,
) -> Result<Certificate> {
    let mut extensions = certificate.extensions.clone();
    extensions.push(super::extension::authority_key_identifier(issuer)?);
    write(certificate, issuer.subject(), &extensions, signer)
}

/// The certificate, issued by its own subject: a trust anchor.
pub fn issue_self_signed(certificate: &ToBeIssued<'_>, signer: &dyn Signer) -> Result<Certificate> {
    write(
        certificate,
        &certificate.subject,
        &certificate.extensions,
        signer,
    )
}

fn write(
    certificate: &ToBeIssued<'_>,
    issuer: &Name,
    extensions: &[Extension],
    signer: &dyn Signer,
) -> Result<Certificate> {
    let Validity {
        not_before,
        not_after,
    } = certificate.validity;
    if not_after < not_before {
        return Err(Error::invalid("validity", "ends before it begins"));
    }
    let extensions: Vec<_> = extensions.iter().map(super::extension::to_der).collect();
    let tbs = der::sequence(&[
        &der::explicit(0, &der::integer(2)),
        &serial_number(certificate.serial)?,
        &signer.algorithm().identifier(),
        issuer.bytes(),
        &der::sequence(&[&der::time(not_before), &der::time(not_after)]),
        certificate.subject.bytes(),
        certificate.public_key,
        &der::explicit(3, &der::sequence_of(&extensions)),
    ]);
    Certificate::from_der(&signed(&tbs, signer)?)
}

/// A name of one attribute per relative distinguished name, in this order. Strings are of the type that RFC 5280
/// §A.1 gives the attribute: PrintableString for countries and serial numbers, IA5String for addresses, else UTF8String.
pub fn distinguished_name(attributes: &[(Oid, &str)]) -> Result<Name> {
    let rdns: Vec<_> = attributes
        .iter()
        .map(|(kind, value)| {
            let text = match *kind {
                names::AT_COUNTRY | names::AT_SERIAL_NUMBER if is_printable(value) => {
                    der::printable_string(value)
                }
                names::AT_EMAIL_ADDRESS | names::AT_DOMAIN_COMPONENT if value.is_ascii() => {
                    der::ia5_string(value)
                }
                _ => der::utf8_string(value),
            };
            der::set_of(vec![der::sequence(&[&der::oid(kind), &text])])
        })
        .collect();
    Name::from_bytes(&der::sequence_of(&rdns))
}

/// The alphabet of PrintableString (ITU-T X.680 §41.4, unchecked).
fn is_printable(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c))
}

#[cfg(test)]
mod tests {
    use super::super::extension as ext;
    use super::super::test::{Key, now, pki};
    use super::*;
    use crate::engine::pki::extension::{GeneralName, KeyUsage};
    use crate::engine::syntax::asn1::names;

    #[test]
    fn a_certificate_says_what_was_asked_and_its_issuer_signed_it() {
        let name = distinguished_name(&[(names::ES_SEAL_MEDIUM, "SELLO")]).unwrap();
        let made = pki(vec![
            ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::NON_REPUDIATION]),
            ext::subject_alt_name(&[
                GeneralName::Email("sede@example.org".into()),
                GeneralName::Directory(name.clone()),
            ])
            .unwrap(),
            ext::policies(&[(names::ES_SEAL_MEDIUM, Some("http://127.0.0.1/cps"))]),
            ext::crl_distribution_points(&["http://127.0.0.1/ca.crl"]),
            ext::authority_information_access(
                Some("http://127.0.0.1/ocsp"),
                Some("http://127.0.0.1/ca.cer"),
            ),
        ]);
        let read = &made.certificate;
        assert!(read.is_signed_by(made.ca.public_key().unwrap()));
        assert!(!read.is_signed_by(read.public_key().unwrap()));
        assert!(made.ca.is_signed_by(made.ca.public_key().unwrap()));
        assert!(read.malformed().is_empty());
        assert_eq!(read.serial(), [0, 0x80, 2]);
        assert_eq!(read.issuer(), made.ca.subject());
        assert_eq!(read.subject().to_string(), "CN=Entidad ñ,C=ES");
        assert_eq!(
            read.authority_key_identifier().key.as_deref(),
            made.ca.subject_key_identifier()
        );
        assert!(read.key_usage().unwrap().has(KeyUsage::NON_REPUDIATION));
        assert!(!read.key_usage().unwrap().has(KeyUsage::KEY_CERT_SIGN));
        assert_eq!(read.subject_alt_name()[1], GeneralName::Directory(name));
        assert_eq!(read.policies(), [names::ES_SEAL_MEDIUM]);
        assert_eq!(
            read.ocsp_uris().collect::<Vec<_>>(),
            ["http://127.0.0.1/ocsp"]
        );
        assert_eq!(read.ca_issuer_uris().count(), 1);
        assert_eq!(
            read.distribution_points()[0].uris().next(),
            Some("http://127.0.0.1/ca.crl")
        );
        assert_eq!(made.ca.basic_constraints().unwrap().path_length, Some(0));
        let reader = x509_parser::parse_x509_certificate(read.bytes()).unwrap().1;
        assert_eq!(reader.extensions().len(), 6);
    }

    #[test]
    fn impossible_serials_and_validities_are_refused() {
        let key = Key::p256();
        let spki = key.spki();
        let mut wanted = ToBeIssued {
            serial: &[0],
            subject: distinguished_name(&[(names::AT_COMMON_NAME, "x")]).unwrap(),
            validity: Validity {
                not_before: now(),
                not_after: now(),
            },
            public_key: &spki,
            extensions: Vec::new(),
        };
        for serial in [&[][..], &[0, 0], &[1; 21], &[0x80; 20]] {
            wanted.serial = serial;
            assert_eq!(
                issue_self_signed(&wanted, &key).unwrap_err().element(),
                "serialNumber"
            );
        }
        wanted.serial = &[0x7f; 20];
        assert!(issue_self_signed(&wanted, &key).is_ok());
        wanted.validity.not_before = now().plus(std::time::Duration::from_secs(1));
        assert_eq!(
            issue_self_signed(&wanted, &key).unwrap_err().element(),
            "validity"
        );
    }
}
