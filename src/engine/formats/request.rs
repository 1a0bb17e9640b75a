//! What is asked for when signing, and what travels between its steps.

use super::Patch;
use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm};
use crate::engine::pki::Certificate;
use crate::engine::pki::signature_policy::KnownPolicy;
use crate::engine::syntax::asn1::{Oid, names};
use crate::engine::time::Time;

/// A request to sign.
#[derive(Debug, Clone)]
pub struct SignRequest {
    /// The signer's certificate.
    pub certificate: Certificate,
    /// Its issuers, for whoever verifies; without or with the root.
    pub chain: Vec<Certificate>,
    /// The algorithm of the key that will sign.
    pub algorithm: SignatureAlgorithm,
    /// The digest of the content.
    pub digest: DigestAlgorithm,
    /// Room to leave for a time-stamp token, in bytes; 0 for none. Formats that can grow ignore it.
    pub timestamp_reserve: usize,
    /// What is signed beside the content.
    pub properties: Properties,
    /// What only one format knows.
    pub options: Options,
}

/// What is signed beside the content (EN 319 122-1 §5.2). A format refuses what it has no place for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// The time of signing that the signer claims.
    pub signing_time: SigningTime,
    /// The signature policy that the signature follows.
    pub policy: Option<PolicyIdentifier>,
    /// What the signature commits the signer to.
    pub commitment_types: Vec<CommitmentType>,
    /// Roles that the signer claims and nobody certifies.
    pub claimed_roles: Vec<String>,
    /// Where it is signed.
    pub production_place: Option<ProductionPlace>,
    /// What the content is, for whoever shows it.
    pub content_hints: Option<ContentHints>,
    /// The media type of the content (RFC 2045).
    pub mime_type: Option<String>,
    /// Time-stamp tokens over the content, made before it is signed.
    pub content_timestamps: Vec<Vec<u8>>,
    /// Whether the algorithms are protected too (RFC 6211).
    pub algorithm_protection: bool,
}

/// The time of signing that a signature claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SigningTime {
    /// The time that `prepare` is told.
    #[default]
    Now,
    /// Another.
    At(Time),
    /// None. Without it a CMS signature is of no baseline level (EN 319 122-1 §6.3).
    Absent,
}

/// An explicit signature policy (EN 319 122-1 §5.2.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyIdentifier {
    /// What it is called.
    pub id: Oid,
    /// The digest of the policy document.
    pub digest: (DigestAlgorithm, Vec<u8>),
    /// Where the document can be had.
    pub uri: Option<String>,
    /// What is to be shown to whoever relies on the signature.
    pub user_notice: Option<String>,
}

impl PolicyIdentifier {
    /// A policy that is known by name, by the digest of its document; none where that digest is not known.
    pub fn of(policy: &KnownPolicy, algorithm: DigestAlgorithm) -> Option<PolicyIdentifier> {
        Some(PolicyIdentifier {
            id: policy.id,
            digest: (algorithm, policy.digest(algorithm)?.to_vec()),
            uri: Some(policy.uri.to_string()),
            user_notice: None,
        })
    }
}

/// What a signature commits its signer to (EN 319 122-1 §5.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CommitmentType {
    ProofOfOrigin,
    ProofOfReceipt,
    ProofOfDelivery,
    ProofOfSender,
    ProofOfApproval,
    ProofOfCreation,
    /// One that a policy defines.
    Other(Oid),
}

impl CommitmentType {
    /// Its object identifier.
    pub fn oid(self) -> Oid {
        match self {
            CommitmentType::ProofOfOrigin => names::ID_CTI_ETS_PROOF_OF_ORIGIN,
            CommitmentType::ProofOfReceipt => names::ID_CTI_ETS_PROOF_OF_RECEIPT,
            CommitmentType::ProofOfDelivery => names::ID_CTI_ETS_PROOF_OF_DELIVERY,
            CommitmentType::ProofOfSender => names::ID_CTI_ETS_PROOF_OF_SENDER,
            CommitmentType::ProofOfApproval => names::ID_CTI_ETS_PROOF_OF_APPROVAL,
            CommitmentType::ProofOfCreation => names::ID_CTI_ETS_PROOF_OF_CREATION,
            CommitmentType::Other(oid) => oid,
        }
    }
}

/// Where a signature is made (EN 319 122-1 §5.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductionPlace {
    /// The country, as two letters of ISO 3166.
    pub country: Option<String>,
    /// The town.
    pub locality: Option<String>,
    /// The lines of the postal address, six at most.
    pub postal_address: Vec<String>,
}

/// What the content is (RFC 2634 §2.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentHints {
    /// For people.
    pub description: Option<String>,
    /// For programs.
    pub content_type: Oid,
}

/// What only one format knows.
#[derive(Debug, Clone)]
pub enum Options {
    /// CAdES.
    Cades(CadesOptions),
    /// PAdES.
    Pades(PadesOptions),
}

/// What a new CMS signature signs, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CadesOptions {
    /// The document, in a message of its own that carries it.
    Attached,
    /// The document, in a message of its own that does not carry it.
    Detached,
    /// The content of the message that the document is, beside the signatures that are there.
    Parallel {
        /// The digest of the content where the message does not carry it, by the algorithm of
        /// [`content_digest_algorithm`](super::cades::content_digest_algorithm).
        content_digest: Option<Vec<u8>>,
    },
    /// The value of a signature in the message that the document is: a counter-signature (RFC 5652 §11.4).
    Counter {
        /// Which signature, as `inspect` counts them, from 0.
        signature: usize,
    },
}

/// What a PDF signature says beside itself.
#[derive(Debug, Clone, Default)]
pub struct PadesOptions {
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/Name`.
    pub name: Option<String>,
    /// The name of the form field; one that is free where none is given.
    pub field: Option<String>,
    /// The seal that people see; an invisible signature where there is none.
    pub visible: Option<VisibleSeal>,
}

/// The seal that people see on a page.
#[derive(Debug, Clone)]
pub struct VisibleSeal {
    /// The page, from 0.
    pub page: usize,
    /// Left, bottom, right, top in points of the page.
    pub rectangle: [f32; 4],
    /// The lines of text, the first as a title.
    pub lines: Vec<String>,
    /// What a screen reader says.
    pub alternative: String,
    /// The bytes of a TrueType font, of which a subset goes into the document.
    pub font: &'static [u8],
    /// The identifier of the structure element that takes the seal, in a tagged document.
    pub structure_element: Option<String>,
}

/// What is to be signed, and how to go on.
#[derive(Debug)]
pub struct Prepared {
    /// The message that the private key signs.
    pub to_be_signed: Vec<u8>,
    /// What `embed` needs beside the document. It never holds the document.
    pub resume: Resume,
}

/// What `embed` needs beside the document.
#[derive(Debug, Clone)]
pub struct Resume {
    /// The request without which the structure cannot be written again.
    pub request: SignRequest,
    /// The signed attributes, as DER SET, that the value is over.
    pub signed_attributes: Vec<u8>,
    /// For formats that append: the document with room for the signature, and where the room is in it.
    pub patch: Patch,
    /// Where the room for the signature begins in the patched document, and its length.
    pub room: std::ops::Range<usize>,
}

/// What a signature is augmented with. Signatures are counted as `inspect` does, from 0.
#[derive(Debug, Clone)]
pub enum Material {
    /// A time-stamp token over the value of a signature: level T.
    SignatureTimestamp {
        /// Which signature.
        signature: usize,
        /// The token.
        token: Vec<u8>,
    },
    /// What validation needs of a signature and its time-stamps: level LT. What is there already is not put there again.
    ValidationData {
        /// Which signature.
        signature: usize,
        /// Certificates.
        certificates: Vec<Certificate>,
        /// DER of `CertificateList`s.
        crls: Vec<Vec<u8>>,
        /// DER of `OCSPResponse`s.
        ocsp_responses: Vec<Vec<u8>>,
    },
    /// A time-stamp token over what [`Format::archive_imprint`](super::Format::archive_imprint) gave for the same
    /// document: level LTA.
    ArchiveTimestamp {
        /// Which signature.
        signature: usize,
        /// The token.
        token: Vec<u8>,
    },
}

impl Material {
    /// Which signature is augmented.
    pub fn signature(&self) -> usize {
        match self {
            Material::SignatureTimestamp { signature, .. }
            | Material::ValidationData { signature, .. }
            | Material::ArchiveTimestamp { signature, .. } => *signature,
        }
    }
}
