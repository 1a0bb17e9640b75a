//! Attributes of a signer (RFC 5652 §5.3, §11) and the ESS references to the signing certificate (RFC 5035).

use crate::engine::crypto::DigestAlgorithm;
use crate::engine::error::{Error, Result};
use crate::engine::pki::extension::{GeneralName, general_names};
use crate::engine::pki::name::Name;
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der, names};

/// `Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its type.
    pub id: Oid,
    /// Its values, each a whole element as received.
    pub values: Vec<Vec<u8>>,
}

impl Attribute {
    /// An attribute of one value, an encoded element.
    pub fn new(id: Oid, value: Vec<u8>) -> Attribute {
        Attribute {
            id,
            values: vec![value],
        }
    }

    /// As DER.
    pub fn to_der(&self) -> Vec<u8> {
        der::sequence(&[&der::oid(&self.id), &der::set_of(self.values.clone())])
    }
}

/// The attributes of one SET, in the order received.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// From a reader of the elements of the SET.
    pub fn read(mut set: Reader<'_>) -> Result<Attributes> {
        let mut all = Vec::new();
        while !set.is_empty() {
            let mut fields = set.sequence("Attribute")?;
            let id = fields.oid("attrType")?;
            let mut list = fields.set("attrValues")?;
            let mut values = Vec::new();
            while let Some(value) = list.next_element()? {
                values.push(value.bytes().to_vec());
            }
            all.push(Attribute { id, values });
        }
        Ok(Attributes(all))
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = &Attribute> {
        self.0.iter()
    }

    /// How many attributes have the type `id`. The attributes of RFC 5652 §11 may each stand only once.
    pub fn count(&self, id: &Oid) -> usize {
        self.0.iter().filter(|a| a.id == *id).count()
    }

    /// All values of type `id`.
    pub fn values(&self, id: &Oid) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter(move |a| a.id == *id)
            .flat_map(|a| a.values.iter().map(Vec::as_slice))
    }

    /// The value of type `id`, which must be the only one.
    pub fn single(&self, id: &Oid) -> Result<Option<Tlv<'_>>> {
        let mut values = self.values(id);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() || self.count(id) > 1 {
            return Err(Error::malformed(
                "signed attributes",
                format!("{id} has more than one value"),
            ));
        }
        Tlv::whole(Reader::ber(value), "attribute value").map(Some)
    }
}

/// One certificate that `signing-certificate` or `signing-certificate-v2` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EssCertificate {
    /// The digest algorithm of `digest`.
    pub digest_algorithm: DigestAlgorithm,
    /// The digest of the whole certificate.
    pub digest: Vec<u8>,
    /// Issuer name and serial number, where they are given.
    pub issuer_serial: Option<(Name, Vec<u8>)>,
}

impl EssCertificate {
    /// `signing-certificate-v2` (RFC 5035 §3) naming one certificate by SHA-256, the default that DER leaves out.
    pub fn sha256_attribute(certificate: &crate::engine::pki::Certificate) -> Attribute {
        let name = der::explicit(4, certificate.issuer().bytes());
        let issuer_serial =
            der::sequence(&[&der::sequence(&[&name]), &der::tlv(2, certificate.serial())]);
        let id = der::sequence(&[
            &der::octet_string(&certificate.fingerprint()),
            &issuer_serial,
        ]);
        Attribute::new(
            names::ID_AA_SIGNING_CERTIFICATE_V2,
            der::sequence(&[&der::sequence(&[&id])]),
        )
    }
}

/// The certificates named by `signing-certificate-v2`, else by `signing-certificate`; the first is the signer's.
pub fn ess_certificates(attributes: &Attributes) -> Result<Vec<EssCertificate>> {
    for (attribute, version) in [
        (names::ID_AA_SIGNING_CERTIFICATE_V2, 2),
        (names::ID_AA_SIGNING_CERTIFICATE, 1),
    ] {
        let Some(value) = attributes.single(&attribute)? else {
            continue;
        };
        let mut certificates = value.inner_of("SigningCertificate")?.sequence("certs")?;
        let mut all = Vec::new();
        while !certificates.is_empty() {
            all.push(ess_certificate(
                certificates.sequence("ESSCertID")?,
                version,
            )?);
        }
        return Ok(all);
    }
    Ok(Vec::new())
}

fn ess_certificate(mut fields: Reader<'_>, version: u8) -> Result<EssCertificate> {
    let digest_algorithm = match (version, fields.peek()) {
        (1, _) => DigestAlgorithm::Sha1,
        (_, Some(Tag::SEQUENCE)) => {
            DigestAlgorithm::from_identifier(&fields.read("hashAlgorithm")?)?
        }
        _ => DigestAlgorithm::Sha256,
    };
    let digest = fields
        .expect(Tag::OCTET_STRING, "certHash")?
        .octets()?
        .into_owned();
    let mut issuer_serial = None;
    if let Some(element) = fields.optional(Tag::SEQUENCE, "issuerSerial")? {
        let mut pair = element.inner();
        let issuer = general_names(pair.sequence("issuer")?)?;
        let serial = pair
            .expect(Tag::INTEGER, "serialNumber")?
            .integer()?
            .to_vec();
        issuer_serial = issuer.into_iter().find_map(|name| match name {
            GeneralName::Directory(name) => Some((name, serial.clone())),
            _ => None,
        });
    }
    Ok(EssCertificate {
        digest_algorithm,
        digest,
        issuer_serial,
    })
}
