//! X.509 certificates (RFC 5280 §4), read once into an owned value that keeps the bytes received.
//!
//! What is wrong with an extension that no check needs is noted in [`Certificate::malformed`], not refused. Whether a
//! certificate is to be trusted is `path` and `validation`.

use super::extension::{
    self, AuthorityKeyIdentifier, BasicConstraints, DistributionPoint, Extension, GeneralName,
    KeyUsage, NameConstraints, PolicyConstraints, PolicyQualifier,
};
use super::name::Name;
use crate::engine::crypto::{PublicKey, SignatureAlgorithm, SignatureInput, sha256};
use crate::engine::error::{Error, Result};
use crate::engine::syntax::asn1::{self, Oid, Reader, Tag, Tlv, names};
use crate::engine::time::Time;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// `Validity` (RFC 5280 §4.1.2.5); both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Validity {
    pub not_before: Time,
    pub not_after: Time,
}

/// A certificate. Cloning it is cheap.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    bytes: Vec<u8>,
    fingerprint: [u8; 32],
    version: u64,
    unique_identifiers: bool,
    tbs: Range<usize>,
    spki: Range<usize>,
    serial: Vec<u8>,
    issuer: Name,
    subject: Name,
    validity: Validity,
    signature_algorithm: Result<SignatureAlgorithm>,
    signature: Vec<u8>,
    public_key: OnceLock<Result<PublicKey>>,
    extensions: Vec<Extension>,
    malformed: Vec<Oid>,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Vec<Oid>,
    subject_key_identifier: Option<Vec<u8>>,
    authority_key_identifier: AuthorityKeyIdentifier,
    subject_alt_name: Vec<GeneralName>,
    policies: Vec<Oid>,
    policy_mappings: Vec<(Oid, Oid)>,
    policy_constraints: PolicyConstraints,
    inhibit_any_policy: Option<u32>,
    name_constraints: Option<NameConstraints>,
    distribution_points: Vec<DistributionPoint>,
    authority_information_access: Vec<(Oid, String)>,
    qc_statements: Vec<Oid>,
}

fn range_in(outer: &[u8], part: &Tlv<'_>) -> Range<usize> {
    let start = part.offset();
    start..(start + part.bytes().len()).min(outer.len())
}

impl Certificate {
    /// From DER, or from the BER that old issuers wrote.
    pub fn from_der(bytes: &[u8]) -> Result<Certificate> {
        let mut outer = Reader::ber(bytes).whole_sequence("Certificate")?;
        let tbs_element = outer.expect(Tag::SEQUENCE, "tbsCertificate")?;
        let outer_algorithm = outer.expect(Tag::SEQUENCE, "signatureAlgorithm")?;
        let signature = outer
            .expect(Tag::BIT_STRING, "signatureValue")?
            .signature_bits()?
            .to_vec();
        outer.finish("Certificate")?;

        let mut tbs = tbs_element.inner();
        let version = match tbs.optional(Tag::context(0), "version")? {
            Some(field) => field.inner_of("version")?.read("version")?.u64()?,
            None => 0,
        };
        let serial = tbs
            .expect(Tag::INTEGER, "serialNumber")?
            .integer()?
            .to_vec();
        let inner_algorithm = tbs.expect(Tag::SEQUENCE, "signature")?;
        // RFC 5280 §4.1.1.2: the two algorithm identifiers must be the same.
        let signature_algorithm = if inner_algorithm.content() == outer_algorithm.content() {
            SignatureAlgorithm::from_identifier(&outer_algorithm)
        } else {
            Err(Error::malformed(
                "signatureAlgorithm",
                "differs from the algorithm inside tbsCertificate",
            ))
        };
        let issuer = Name::from_element(&tbs.expect(Tag::SEQUENCE, "issuer")?)?;
        let mut validity = tbs.sequence("validity")?;
        let validity = Validity {
            not_before: validity.read("notBefore")?.time()?,
            not_after: validity.read("notAfter")?.time()?,
        };
        let subject = Name::from_element(&tbs.expect(Tag::SEQUENCE, "subject")?)?;
        let spki = tbs.expect(Tag::SEQUENCE, "subjectPublicKeyInfo")?;
        let mut extensions = Vec::new();
        let mut unique_identifiers = false;
        while let Some(field) = tbs.next_element()? {
            match field.tag().context_number() {
                Some(1 | 2) => unique_identifiers = true,
                Some(3) if extensions.is_empty() => {
                    extensions = extension::read_extensions(
                        field.inner_of("extensions")?.sequence("extensions")?,
                    )?;
                }
                _ => {
                    return Err(Error::malformed(
                        "tbsCertificate",
                        "has a field that no version has",
                    ));
                }
            }
        }
        let mut inner = Inner {
            bytes: bytes.to_vec(),
            fingerprint: sha256(bytes),
            version: version.saturating_add(1),
            unique_identifiers,
            tbs: range_in(bytes, &tbs_element),
            spki: range_in(bytes, &spki),
            serial,
            issuer,
            subject,
            validity,
            signature_algorithm,
            signature,
            public_key: OnceLock::new(),
            extensions: Vec::new(),
            malformed: Vec::new(),
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: Vec::new(),
            subject_key_identifier: None,
            authority_key_identifier: AuthorityKeyIdentifier::default(),
            subject_alt_name: Vec::new(),
            policies: Vec::new(),
            policy_mappings: Vec::new(),
            policy_constraints: PolicyConstraints::default(),
            inhibit_any_policy: None,
            name_constraints: None,
            distribution_points: Vec::new(),
            authority_information_access: Vec::new(),
            qc_statements: Vec::new(),
        };
        for extension in &extensions {
            if inner.read_extension(extension).is_err() {
                inner.malformed.push(extension.id);
            }
        }
        inner.extensions = extensions;
        Ok(Certificate(Arc::new(inner)))
    }

    /// Every certificate of a PEM text, or the one of a DER file.
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Vec<Certificate>> {
        if bytes.first() == Some(&0x30) {
            return Ok(vec![Certificate::from_der(bytes)?]);
        }
        crate::engine::syntax::pem::blocks(bytes, "CERTIFICATE")?
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect()
    }

    /// As received.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// SHA-256 of the bytes received.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.0.fingerprint
    }

    /// `tbsCertificate` as received: what the issuer signed.
    pub fn tbs(&self) -> &[u8] {
        &self.0.bytes[self.0.tbs.clone()]
    }

    /// `subjectPublicKeyInfo` as received.
    pub fn spki(&self) -> &[u8] {
        &self.0.bytes[self.0.spki.clone()]
    }

    /// The content octets of `serialNumber`.
    pub fn serial(&self) -> &[u8] {
        &self.0.serial
    }

    /// The issuer's name.
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// The subject's name.
    pub fn subject(&self) -> &Name {
        &self.0.subject
    }

    /// From when to when the issuer answers for it.
    pub fn validity(&self) -> Validity {
        self.0.validity
    }

    /// The algorithm of the issuer's signature.
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm> {
        self.0.signature_algorithm.clone()
    }

    /// The subject's public key; decoded once.
    pub fn public_key(&self) -> Result<&PublicKey> {
        self.0
            .public_key
            .get_or_init(|| PublicKey::from_spki(self.spki()))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Whether `issuer`'s key made the signature on this certificate.
    pub fn is_signed_by(&self, issuer: &PublicKey) -> bool {
        let input = SignatureInput::Message(self.tbs());
        self.0
            .signature_algorithm
            .as_ref()
            .is_ok_and(|algorithm| issuer.verify(*algorithm, input, &self.0.signature))
    }

    /// Whether subject and issuer have the same name (RFC 5280 §3.2).
    pub fn is_self_issued(&self) -> bool {
        self.0.subject == self.0.issuer
    }

    /// All extensions in order.
    pub fn extensions(&self) -> &[Extension] {
        &self.0.extensions
    }

    /// The extension of type `id`.
    pub fn extension(&self, id: &Oid) -> Option<&Extension> {
        self.0.extensions.iter().find(|e| e.id == *id)
    }

    /// Extensions that do not follow their own syntax.
    pub fn malformed(&self) -> &[Oid] {
        &self.0.malformed
    }

    /// `basicConstraints`.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.basic_constraints
    }

    /// `keyUsage`.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.key_usage
    }

    /// `extKeyUsage`; empty where it is absent.
    pub fn extended_key_usage(&self) -> &[Oid] {
        &self.0.extended_key_usage
    }

    /// `subjectKeyIdentifier`.
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.0.subject_key_identifier.as_deref()
    }

    /// `authorityKeyIdentifier`.
    pub fn authority_key_identifier(&self) -> &AuthorityKeyIdentifier {
        &self.0.authority_key_identifier
    }

    /// `subjectAltName`.
    pub fn subject_alt_name(&self) -> &[GeneralName] {
        &self.0.subject_alt_name
    }

    /// The policies of `certificatePolicies`.
    pub fn policies(&self) -> &[Oid] {
        &self.0.policies
    }

    /// The version as people count it: 3 for every certificate of today.
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// Whether it has an issuerUniqueID or subjectUniqueID, which RFC 5280 §4.1.2.8 has nobody write.
    pub fn has_unique_identifiers(&self) -> bool {
        self.0.unique_identifiers
    }

    /// Whether the certificate and its extensions have the lengths that DER demands.
    pub fn is_der(&self) -> bool {
        asn1::has_der_lengths(self.bytes())
            && self
                .extensions()
                .iter()
                .all(|e| asn1::has_der_lengths(&e.value))
    }

    /// The qualifiers of `policy`, or none where they are malformed.
    pub fn policy_qualifiers(&self, policy: &Oid) -> Vec<PolicyQualifier> {
        self.extension(&names::ID_CE_CERTIFICATE_POLICIES)
            .and_then(|e| extension::policy_qualifiers(&e.value, policy).ok())
            .unwrap_or_default()
    }

    /// `policyMappings`: (issuer domain policy, subject domain policy) pairs.
    pub fn policy_mappings(&self) -> &[(Oid, Oid)] {
        &self.0.policy_mappings
    }

    /// `policyConstraints`; nothing is constrained where it is absent.
    pub fn policy_constraints(&self) -> PolicyConstraints {
        self.0.policy_constraints
    }

    /// `inhibitAnyPolicy`.
    pub fn inhibit_any_policy(&self) -> Option<u32> {
        self.0.inhibit_any_policy
    }

    /// `nameConstraints`.
    pub fn name_constraints(&self) -> Option<&NameConstraints> {
        self.0.name_constraints.as_ref()
    }

    /// `cRLDistributionPoints`.
    pub fn distribution_points(&self) -> &[DistributionPoint] {
        &self.0.distribution_points
    }

    /// URIs of OCSP responders.
    pub fn ocsp_uris(&self) -> impl Iterator<Item = &str> {
        self.access(names::ID_AD_OCSP)
    }

    /// URIs of the issuer's certificate.
    pub fn ca_issuer_uris(&self) -> impl Iterator<Item = &str> {
        self.access(names::ID_AD_CA_ISSUERS)
    }

    fn access(&self, method: Oid) -> impl Iterator<Item = &str> {
        self.0
            .authority_information_access
            .iter()
            .filter(move |(m, _)| *m == method)
            .map(|(_, uri)| uri.as_str())
    }

    /// Statement identifiers of `qcStatements`, with the types that `QcType` lists.
    pub fn qc_statements(&self) -> &[Oid] {
        &self.0.qc_statements
    }
}

impl Inner {
    fn read_extension(&mut self, extension: &Extension) -> Result<()> {
        let value = extension.value.as_slice();
        match extension.id {
            names::ID_CE_BASIC_CONSTRAINTS => {
                self.basic_constraints = Some(extension::basic_constraints(value)?)
            }
            names::ID_CE_KEY_USAGE => self.key_usage = Some(extension::key_usage(value)?),
            names::ID_CE_EXT_KEY_USAGE => {
                self.extended_key_usage = extension::extended_key_usage(value)?
            }
            names::ID_CE_SUBJECT_KEY_IDENTIFIER => {
                self.subject_key_identifier = Some(extension::subject_key_identifier(value)?);
            }
            names::ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_identifier = extension::authority_key_identifier(value)?;
            }
            names::ID_CE_SUBJECT_ALT_NAME => {
                self.subject_alt_name = extension::subject_alt_name(value)?
            }
            names::ID_CE_CERTIFICATE_POLICIES => self.policies = extension::policies(value)?,
            names::ID_CE_POLICY_MAPPINGS => {
                self.policy_mappings = extension::policy_mappings(value)?
            }
            names::ID_CE_POLICY_CONSTRAINTS => {
                self.policy_constraints = extension::policy_constraints(value)?
            }
            names::ID_CE_INHIBIT_ANY_POLICY => {
                self.inhibit_any_policy = Some(extension::inhibit_any_policy(value)?)
            }
            names::ID_CE_NAME_CONSTRAINTS => {
                self.name_constraints = Some(extension::name_constraints(value)?)
            }
            // Nothing rests on it; it is read to note whether it can be.
            names::ID_CE_ISSUER_ALT_NAME => {
                extension::subject_alt_name(value)?;
            }
            names::ID_CE_CRL_DISTRIBUTION_POINTS => {
                self.distribution_points = extension::distribution_points(value)?
            }
            names::ID_PE_AUTHORITY_INFO_ACCESS => {
                self.authority_information_access = extension::authority_information_access(value)?;
            }
            names::ID_PE_QC_STATEMENTS => self.qc_statements = extension::qc_statements(value)?,
            _ => {}
        }
        Ok(())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.fingerprint == other.0.fingerprint
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.0.subject)
    }
}
