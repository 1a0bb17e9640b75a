//! Extensions of certificates (RFC 5280 §4.2), read into plain values.
//!
//! A malformed extension that a check does not need is kept as raw bytes and noted in `malformed`; it never makes the
//! certificate unreadable (real Spanish certificates have such qcStatements). An extension whose meaning a check needs
//! (basicConstraints, keyUsage) is an error where it is malformed.

use super::crl::Reasons;
use super::name::Name;
use crate::engine::error::{Error, Result};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, names};

/// One extension as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its type.
    pub id: Oid,
    /// Whether whoever does not know it must refuse the certificate.
    pub critical: bool,
    /// The content of its `extnValue`.
    pub value: Vec<u8>,
}

/// `keyUsage` bits (RFC 5280 §4.2.1.3), bit 0 first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage(u16);

#[allow(missing_docs)]
impl KeyUsage {
    pub const DIGITAL_SIGNATURE: u8 = 0;
    pub const NON_REPUDIATION: u8 = 1;
    pub const KEY_ENCIPHERMENT: u8 = 2;
    pub const KEY_AGREEMENT: u8 = 4;
    pub const KEY_CERT_SIGN: u8 = 5;
    pub const CRL_SIGN: u8 = 6;

    /// Whether `bit` is set.
    pub fn has(self, bit: u8) -> bool {
        self.0 & (1 << bit) != 0
    }
}

/// `basicConstraints` (RFC 5280 §4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BasicConstraints {
    /// Whether the subject is a certification authority.
    pub ca: bool,
    /// How many intermediate certificates may follow it in a path.
    pub path_length: Option<u32>,
}

/// A `GeneralName` (RFC 5280 §4.2.1.6); forms that no check here uses keep their raw content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum GeneralName {
    Email(String),
    Dns(String),
    Directory(Name),
    Uri(String),
    Ip(Vec<u8>),
    Other { tag: u32, content: Vec<u8> },
}

/// `GeneralSubtree` (RFC 5280 §4.2.1.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneralSubtree {
    /// The name that it hangs from.
    pub base: GeneralName,
    /// Levels below the base at which it begins; 0 in every profile.
    pub minimum: u32,
    /// Levels below the base at which it ends; absent in every profile.
    pub maximum: Option<u32>,
}

/// `NameConstraints` (RFC 5280 §4.2.1.10).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct NameConstraints {
    pub permitted: Vec<GeneralSubtree>,
    pub excluded: Vec<GeneralSubtree>,
}

/// `PolicyConstraints` (RFC 5280 §4.2.1.11): certificates that may follow before each is required or inhibited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct PolicyConstraints {
    pub require_explicit_policy: Option<u32>,
    pub inhibit_policy_mapping: Option<u32>,
}

/// `PolicyQualifierInfo` (RFC 5280 §4.2.1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyQualifier {
    /// Where the certification practice statement is.
    Cps(String),
    /// The explicit text of a notice to be shown; empty where it only refers to one.
    UserNotice(String),
    /// A qualifier of another type.
    Other(Oid),
}

/// `AuthorityKeyIdentifier` (RFC 5280 §4.2.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthorityKeyIdentifier {
    /// Identifier of the issuer's key.
    pub key: Option<Vec<u8>>,
    /// Serial number of the issuer's certificate, content octets.
    pub serial: Option<Vec<u8>>,
}

/// `DistributionPoint` (RFC 5280 §4.2.1.13).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DistributionPoint {
    /// Its full names.
    pub full_name: Vec<GeneralName>,
    /// Its name as one more relative distinguished name after the issuer of its list: the content of the SET.
    pub relative_name: Option<Vec<u8>>,
    /// The only reasons that its list is for; all where absent.
    pub reasons: Option<Reasons>,
    /// The issuer of the list, where it is not the issuer of the certificate.
    pub crl_issuer: Vec<GeneralName>,
}

impl DistributionPoint {
    /// Its URIs in order.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        uris(&self.full_name)
    }
}

/// The URIs among general names.
pub fn uris(general_names: &[GeneralName]) -> impl Iterator<Item = &str> {
    general_names.iter().filter_map(|name| match name {
        GeneralName::Uri(uri) => Some(uri.as_str()),
        _ => None,
    })
}

/// Extensions of one object at most: real ones have fewer than 30, and each is held against all before it.
const MOST_EXTENSIONS: usize = 256;

/// `Extensions` (RFC 5280 §4.2). A second extension of the same type is an error there and here.
pub fn read_extensions(mut list: Reader<'_>) -> Result<Vec<Extension>> {
    let mut extensions: Vec<Extension> = Vec::new();
    while !list.is_empty() {
        if extensions.len() == MOST_EXTENSIONS {
            return Err(Error::limit("Extensions", "there are more than 256"));
        }
        let mut fields = list.sequence("Extension")?;
        let id = fields.oid("extnID")?;
        let critical = fields
            .optional(Tag::BOOLEAN, "critical")?
            .map(|b| b.boolean())
            .transpose()?
            .unwrap_or(false);
        let value = fields
            .expect(Tag::OCTET_STRING, "extnValue")?
            .octets()?
            .into_owned();
        if extensions.iter().any(|e| e.id == id) {
            return Err(Error::malformed(
                "Extensions",
                format!("{id} stands there twice"),
            ));
        }
        extensions.push(Extension {
            id,
            critical,
            value,
        });
    }
    Ok(extensions)
}

pub(super) fn key_usage(value: &[u8]) -> Result<KeyUsage> {
    let (bits, _) = Tlv::whole(Reader::ber(value), "keyUsage")?.bits()?;
    let mut usage = 0;
    for bit in 0..9u8 {
        if bits
            .get(bit as usize / 8)
            .is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0)
        {
            usage |= 1 << bit;
        }
    }
    Ok(KeyUsage(usage))
}

pub(super) fn basic_constraints(value: &[u8]) -> Result<BasicConstraints> {
    let mut fields = Reader::ber(value).whole_sequence("basicConstraints")?;
    let ca = fields
        .optional(Tag::BOOLEAN, "cA")?
        .map(|b| b.boolean())
        .transpose()?
        .unwrap_or(false);
    let path_length = match fields.optional(Tag::INTEGER, "pathLenConstraint")? {
        Some(number) => Some(u32::try_from(number.u64()?).unwrap_or(u32::MAX)),
        None => None,
    };
    fields.finish("basicConstraints")?;
    Ok(BasicConstraints { ca, path_length })
}

pub(super) fn extended_key_usage(value: &[u8]) -> Result<Vec<Oid>> {
    let mut list = Reader::ber(value).whole_sequence("extKeyUsage")?;
    let mut purposes = Vec::new();
    while !list.is_empty() {
        purposes.push(list.oid("KeyPurposeId")?);
    }
    Ok(purposes)
}

pub(super) fn subject_key_identifier(value: &[u8]) -> Result<Vec<u8>> {
    Ok(Tlv::whole(Reader::ber(value), "subjectKeyIdentifier")?
        .octets()?
        .into_owned())
}

pub(super) fn authority_key_identifier(value: &[u8]) -> Result<AuthorityKeyIdentifier> {
    let mut fields = Reader::ber(value).whole_sequence("authorityKeyIdentifier")?;
    let mut identifier = AuthorityKeyIdentifier::default();
    while let Some(field) = fields.next_element()? {
        match field.tag().context_number() {
            Some(0) => identifier.key = Some(field.octets()?.into_owned()),
            Some(2) => identifier.serial = Some(field.content().to_vec()),
            _ => {}
        }
    }
    Ok(identifier)
}

/// `GeneralNames`, given a reader of its elements.
pub fn general_names(mut list: Reader<'_>) -> Result<Vec<GeneralName>> {
    let mut all = Vec::new();
    while let Some(name) = list.next_element()? {
        all.push(general_name(&name)?);
    }
    Ok(all)
}

fn general_name(name: &Tlv<'_>) -> Result<GeneralName> {
    let text = || String::from_utf8_lossy(name.content()).into_owned();
    Ok(match name.tag().context_number() {
        Some(1) => GeneralName::Email(text()),
        Some(2) => GeneralName::Dns(text()),
        Some(4) => GeneralName::Directory(Name::from_element(
            &name.inner_of("directoryName")?.read("directoryName")?,
        )?),
        Some(6) => GeneralName::Uri(text()),
        Some(7) => GeneralName::Ip(name.content().to_vec()),
        other => GeneralName::Other {
            tag: other.unwrap_or(u32::MAX),
            content: name.content().to_vec(),
        },
    })
}

pub(super) fn subject_alt_name(value: &[u8]) -> Result<Vec<GeneralName>> {
    general_names(Reader::ber(value).whole_sequence("subjectAltName")?)
}

impl GeneralName {
    /// The number of its form in `GeneralName`; other numbers are of no form that is known.
    pub fn form(&self) -> u32 {
        match self {
            GeneralName::Email(_) => 1,
            GeneralName::Dns(_) => 2,
            GeneralName::Directory(_) => 4,
            GeneralName::Uri(_) => 6,
            GeneralName::Ip(_) => 7,
            GeneralName::Other { tag, .. } => *tag,
        }
    }
}

/// `NameConstraints` (RFC 5280 §4.2.1.10). One that restricts nothing breaks its own syntax and is an error.
pub(super) fn name_constraints(value: &[u8]) -> Result<NameConstraints> {
    let mut fields = Reader::ber(value).whole_sequence("nameConstraints")?;
    let mut constraints = NameConstraints::default();
    if let Some(list) = fields.optional(Tag::context(0), "permittedSubtrees")? {
        constraints.permitted = general_subtrees(&list)?;
    }
    if let Some(list) = fields.optional(Tag::context(1), "excludedSubtrees")? {
        constraints.excluded = general_subtrees(&list)?;
    }
    fields.finish("nameConstraints")?;
    if constraints == NameConstraints::default() {
        return Err(Error::malformed("nameConstraints", "restricts nothing"));
    }
    Ok(constraints)
}

fn general_subtrees(list: &Tlv<'_>) -> Result<Vec<GeneralSubtree>> {
    let mut list = list.inner_of("GeneralSubtrees")?;
    let mut subtrees = Vec::new();
    while !list.is_empty() {
        let mut fields = list.sequence("GeneralSubtree")?;
        let base = general_name(&fields.read("base")?)?;
        let number = |field: Tlv<'_>| Ok(u32::try_from(field.u64()?).unwrap_or(u32::MAX));
        let minimum = fields.optional(Tag::context(0), "minimum")?;
        let maximum = fields.optional(Tag::context(1), "maximum")?;
        fields.finish("GeneralSubtree")?;
        subtrees.push(GeneralSubtree {
            base,
            minimum: minimum.map(number).transpose()?.unwrap_or(0),
            maximum: maximum.map(number).transpose()?,
        });
    }
    if subtrees.is_empty() {
        return Err(Error::malformed("GeneralSubtrees", "is empty"));
    }
    Ok(subtrees)
}

/// `PolicyMappings` (RFC 5280 §4.2.1.5): (issuer domain policy, subject domain policy) pairs.
pub(super) fn policy_mappings(value: &[u8]) -> Result<Vec<(Oid, Oid)>> {
    let mut list = Reader::ber(value).whole_sequence("policyMappings")?;
    let mut mappings = Vec::new();
    while !list.is_empty() {
        let mut pair = list.sequence("policyMapping")?;
        mappings.push((
            pair.oid("issuerDomainPolicy")?,
            pair.oid("subjectDomainPolicy")?,
        ));
    }
    Ok(mappings)
}

/// `PolicyConstraints` (RFC 5280 §4.2.1.11). One that restricts nothing is an error.
pub(super) fn policy_constraints(value: &[u8]) -> Result<PolicyConstraints> {
    let mut fields = Reader::ber(value).whole_sequence("policyConstraints")?;
    let number = |field: Tlv<'_>| Ok(u32::try_from(field.u64()?).unwrap_or(u32::MAX));
    let require = fields.optional(Tag::context(0), "requireExplicitPolicy")?;
    let inhibit = fields.optional(Tag::context(1), "inhibitPolicyMapping")?;
    fields.finish("policyConstraints")?;
    let constraints = PolicyConstraints {
        require_explicit_policy: require.map(number).transpose()?,
        inhibit_policy_mapping: inhibit.map(number).transpose()?,
    };
    if constraints == PolicyConstraints::default() {
        return Err(Error::malformed("policyConstraints", "restricts nothing"));
    }
    Ok(constraints)
}

/// `InhibitAnyPolicy` (RFC 5280 §4.2.1.14).
pub(super) fn inhibit_any_policy(value: &[u8]) -> Result<u32> {
    let number = Tlv::whole(Reader::ber(value), "inhibitAnyPolicy")?.u64()?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The qualifiers that `certificatePolicies` gives to `policy` (RFC 5280 §4.2.1.4).
pub(super) fn policy_qualifiers(value: &[u8], policy: &Oid) -> Result<Vec<PolicyQualifier>> {
    let mut list = Reader::ber(value).whole_sequence("certificatePolicies")?;
    let mut qualifiers = Vec::new();
    while !list.is_empty() {
        let mut information = list.sequence("PolicyInformation")?;
        if information.oid("policyIdentifier")? != *policy || information.is_empty() {
            continue;
        }
        let mut inside = information.sequence("policyQualifiers")?;
        while !inside.is_empty() {
            qualifiers.push(policy_qualifier(inside.sequence("PolicyQualifierInfo")?)?);
        }
    }
    Ok(qualifiers)
}

fn policy_qualifier(mut fields: Reader<'_>) -> Result<PolicyQualifier> {
    let id = fields.oid("policyQualifierId")?;
    let value = fields.read("qualifier")?;
    Ok(match id {
        names::ID_QT_CPS => PolicyQualifier::Cps(value.text()),
        names::ID_QT_UNOTICE => {
            let mut notice = value.inner_of("UserNotice")?;
            // NoticeReference is the one SEQUENCE, DisplayText a string.
            notice.optional(Tag::SEQUENCE, "noticeRef")?;
            let text = notice.next_element()?.map(|text| text.text());
            PolicyQualifier::UserNotice(text.unwrap_or_default())
        }
        id => PolicyQualifier::Other(id),
    })
}

pub(super) fn policies(value: &[u8]) -> Result<Vec<Oid>> {
    let mut list = Reader::ber(value).whole_sequence("certificatePolicies")?;
    let mut policies = Vec::new();
    while !list.is_empty() {
        policies.push(
            list.sequence("PolicyInformation")?
                .oid("policyIdentifier")?,
        );
    }
    Ok(policies)
}

/// `CRLDistributionPoints` or `FreshestCRL` (RFC 5280 §4.2.1.13, §4.2.1.15).
pub fn distribution_points(value: &[u8]) -> Result<Vec<DistributionPoint>> {
    let mut list = Reader::ber(value).whole_sequence("cRLDistributionPoints")?;
    let mut points = Vec::new();
    while !list.is_empty() {
        let mut fields = list.sequence("DistributionPoint")?;
        let mut point = DistributionPoint::default();
        while let Some(field) = fields.next_element()? {
            match field.tag().context_number() {
                Some(0) => {
                    (point.full_name, point.relative_name) = distribution_point_name(&field)?;
                }
                Some(1) => point.reasons = Some(Reasons::from_element(&field)?),
                Some(2) => point.crl_issuer = general_names(field.inner_of("cRLIssuer")?)?,
                _ => {}
            }
        }
        points.push(point);
    }
    Ok(points)
}

/// The full names of a `[0] DistributionPointName`, or the content of the SET that is relative to its issuer.
pub(super) fn distribution_point_name(
    field: &Tlv<'_>,
) -> Result<(Vec<GeneralName>, Option<Vec<u8>>)> {
    let mut inner = field.inner_of("distributionPoint")?;
    let name = inner.read("DistributionPointName")?;
    inner.finish("distributionPoint")?;
    match name.tag().context_number() {
        Some(0) => Ok((general_names(name.inner_of("fullName")?)?, None)),
        Some(1) => Ok((Vec::new(), Some(name.content().to_vec()))),
        _ => Err(Error::malformed(
            "DistributionPointName",
            "is neither a full nor a relative name",
        )),
    }
}

/// `AuthorityInfoAccess` (RFC 5280 §4.2.2.1): (access method, URI) pairs.
pub(super) fn authority_information_access(value: &[u8]) -> Result<Vec<(Oid, String)>> {
    let mut list = Reader::ber(value).whole_sequence("authorityInfoAccess")?;
    let mut all = Vec::new();
    while !list.is_empty() {
        let mut fields = list.sequence("AccessDescription")?;
        let method = fields.oid("accessMethod")?;
        if let GeneralName::Uri(uri) = general_name(&fields.read("accessLocation")?)? {
            all.push((method, uri));
        }
    }
    Ok(all)
}

/// The statement identifiers of `qcStatements` (RFC 3739 §3.2.6), and the types of EN 319 412-5 §4.2.3.
pub(super) fn qc_statements(value: &[u8]) -> Result<Vec<Oid>> {
    let mut list = Reader::ber(value).whole_sequence("qcStatements")?;
    let mut all = Vec::new();
    while !list.is_empty() {
        let mut statement = list.sequence("QCStatement")?;
        let id = statement.oid("statementId")?;
        all.push(id);
        if id == names::ID_ETSI_QCS_QC_TYPE
            && let Some(types) = statement.next_element()?
        {
            let mut types = types.inner_of("QcType")?;
            while !types.is_empty() {
                all.push(types.oid("QcType")?);
            }
        }
    }
    Ok(all)
}
