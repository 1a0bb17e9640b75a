//! Whether a path holds at an instant (RFC 5280 §6.1), revocation apart.
//!
//! From below the anchor to the target, in the clause's order. Dates are looked at last: a path that could never hold is not
//! one that merely does not hold now.

use super::name_constraints::{Constraints, NameFault};
use super::note::{Note, notes};
use super::policy::{Policies, PolicyOutcome};
use super::{Inputs, LONGEST, Model, SignatureChecks};
use crate::engine::error::ErrorKind;
use crate::engine::pki::extension::{KeyUsage, PolicyQualifier};
use crate::engine::pki::trust::Anchor;
use crate::engine::pki::{Certificate, Validity};
use crate::engine::syntax::asn1::{Oid, names};
use crate::engine::time::Time;

/// A path that holds: from the certificate (first) to the anchor (last). Only [`validate`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPath {
    certificates: Vec<Certificate>,
    anchor: Anchor,
    at: Time,
    policies: PolicyOutcome,
}

impl VerifiedPath {
    /// From the certificate to the anchor; just one where the certificate is itself the anchor.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Those below the anchor, the target first.
    fn below(&self) -> &[Certificate] {
        let last = self.certificates.len().saturating_sub(1);
        &self.certificates[..last]
    }

    /// The anchor that it ends at.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The instant that it was validated at.
    pub fn at(&self) -> Time {
        self.at
    }

    /// The policies that it is valid for.
    pub fn policies(&self) -> &PolicyOutcome {
        &self.policies
    }

    /// The qualifiers of the policies in the user-constrained-policy-set, up to 32 policies.
    pub fn policy_qualifiers(&self) -> Vec<(Oid, Vec<PolicyQualifier>)> {
        self.policies.qualifiers(self.below())
    }

    /// What was tolerated in its certificates, the anchor's apart.
    pub fn notes(&self) -> Vec<Note> {
        notes(self.below())
    }
}

/// What stands against a path, in the order of the clauses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// RFC 5280 §6.1.1(d): the anchor was not trusted at the instant.
    AnchorNotTrusted,
    /// RFC 5280 §4.1.2.1: a version that nobody defined.
    Version(u64),
    /// RFC 5280 §6.1.3(a)(1): the issuer's key did not make the signature.
    Signature,
    /// RFC 5280 §6.1.3(a)(1): the algorithm of the signature or of the issuer's key is not known here.
    UnsupportedAlgorithm,
    /// RFC 5280 §6.1.3(a)(2).
    NotYetValid(Validity),
    /// RFC 5280 §6.1.3(a)(2).
    Expired(Validity),
    /// RFC 5280 §6.1.3(a)(4).
    NameChaining,
    /// RFC 5280 §6.1.3(b), (c): a name of this form, and what is wrong with it.
    Name(NameFault, &'static str),
    /// RFC 5280 §6.1.3(f), §6.1.5(g): no policy is left and one is demanded.
    Policy,
    /// The graph of policies has too many nodes.
    PolicyLimit,
    /// RFC 5280 §6.1.4(a): anyPolicy is mapped.
    PolicyMappingOfAny,
    /// RFC 5280 §6.1.4(k): an issuer that is no certification authority of version 3.
    NotAuthority,
    /// RFC 5280 §6.1.4(l), (m).
    PathLength,
    /// RFC 5280 §6.1.4(n).
    KeyUsage,
    /// RFC 5280 §6.1.4(o), §6.1.5(f).
    UnknownCritical(Oid),
    /// An extension that a check needs does not follow its own syntax.
    MalformedExtension(Oid),
}

impl Problem {
    /// The clause that was not obeyed.
    pub fn clause(&self) -> &'static str {
        match self {
            Problem::AnchorNotTrusted => "RFC 5280 §6.1.1(d)",
            Problem::Version(_) => "RFC 5280 §4.1.2.1",
            Problem::Signature | Problem::UnsupportedAlgorithm => "RFC 5280 §6.1.3(a)(1)",
            Problem::NotYetValid(_) | Problem::Expired(_) => "RFC 5280 §6.1.3(a)(2)",
            Problem::NameChaining => "RFC 5280 §6.1.3(a)(4)",
            Problem::Name(NameFault::NotPermitted, _) => "RFC 5280 §6.1.3(b)",
            Problem::Name(NameFault::Excluded, _) => "RFC 5280 §6.1.3(c)",
            Problem::Name(..) => "RFC 5280 §4.2.1.10",
            Problem::Policy | Problem::PolicyLimit => "RFC 5280 §6.1.3(f)",
            Problem::PolicyMappingOfAny => "RFC 5280 §6.1.4(a)",
            Problem::NotAuthority => "RFC 5280 §6.1.4(k)",
            Problem::PathLength => "RFC 5280 §6.1.4(m)",
            Problem::KeyUsage => "RFC 5280 §6.1.4(n)",
            Problem::UnknownCritical(_) => "RFC 5280 §6.1.4(o)",
            Problem::MalformedExtension(_) => "RFC 5280 §4.2",
        }
    }

    /// Whether the path may hold at another instant.
    pub fn is_of_time(&self) -> bool {
        matches!(
            self,
            Problem::AnchorNotTrusted | Problem::NotYetValid(_) | Problem::Expired(_)
        )
    }
}

/// Which certificate stands in the way of a path, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PathFailure {
    pub certificate: Certificate,
    pub problem: Problem,
}

/// Extensions that are processed here or by those who use the path, or that restrict nothing it relies on.
const KNOWN: &[Oid] = &[
    names::ID_CE_BASIC_CONSTRAINTS,
    names::ID_CE_KEY_USAGE,
    names::ID_CE_EXT_KEY_USAGE,
    names::ID_CE_SUBJECT_KEY_IDENTIFIER,
    names::ID_CE_AUTHORITY_KEY_IDENTIFIER,
    names::ID_CE_SUBJECT_ALT_NAME,
    names::ID_CE_ISSUER_ALT_NAME,
    names::ID_CE_CERTIFICATE_POLICIES,
    names::ID_CE_POLICY_MAPPINGS,
    names::ID_CE_POLICY_CONSTRAINTS,
    names::ID_CE_INHIBIT_ANY_POLICY,
    names::ID_CE_NAME_CONSTRAINTS,
    names::ID_CE_CRL_DISTRIBUTION_POINTS,
    names::ID_CE_FRESHEST_CRL,
    names::ID_PE_AUTHORITY_INFO_ACCESS,
    names::ID_PE_QC_STATEMENTS,
    names::ID_PKIX_OCSP_NOCHECK,
];

/// Extensions without which a path cannot be validated, critical or not.
const NEEDED: &[Oid] = &[
    names::ID_CE_BASIC_CONSTRAINTS,
    names::ID_CE_KEY_USAGE,
    names::ID_CE_NAME_CONSTRAINTS,
    names::ID_CE_POLICY_MAPPINGS,
    names::ID_CE_POLICY_CONSTRAINTS,
    names::ID_CE_INHIBIT_ANY_POLICY,
];

/// The instant at which certificate `index` of those `below` an anchor, the target first, must have been valid; `index`
/// one beyond them is the anchor.
pub fn instant_for(below: &[Certificate], index: usize, at: Time, model: Model) -> Time {
    let used = index.checked_sub(1).and_then(|user| below.get(user));
    match (model, used) {
        (Model::Chain, Some(issued)) => issued.validity().not_before,
        _ => at,
    }
}

/// Validates the path whose certificates below the anchor are `below`, the target first, at `at`. None below: the anchor
/// is itself the target. Of the anchor name and key count (RFC 5280 §6.1.1(d)), and where the inputs say so the
/// constraints of its certificate (RFC 5937 §3).
pub fn validate(
    below: &[Certificate],
    anchor: &Anchor,
    at: Time,
    inputs: &Inputs,
    checks: &mut SignatureChecks,
) -> Result<VerifiedPath, PathFailure> {
    let fail = |certificate: &Certificate, problem| PathFailure {
        certificate: certificate.clone(),
        problem,
    };
    let target = below.first().unwrap_or(anchor.as_certificate());
    if below.len() >= inputs.longest.min(LONGEST) {
        return Err(fail(target, Problem::PathLength));
    }
    if anchor.issues_nothing() && !below.is_empty() {
        return Err(fail(anchor.as_certificate(), Problem::NotAuthority));
    }
    let mut state = State::new(below, anchor, inputs);
    for (index, certificate) in below.iter().enumerate().rev() {
        let issuer = below.get(index + 1).unwrap_or(anchor.as_certificate());
        let is_target = index == 0;
        let basic = state.process(certificate, issuer, is_target, checks);
        basic.map_err(|problem| fail(certificate, problem))?;
        if !is_target {
            state.prepare(certificate).map_err(|(at_fault, problem)| {
                fail(&at_fault.unwrap_or_else(|| certificate.clone()), problem)
            })?;
        }
        // §6.1.4(o), §6.1.5(f)
        if let Some(id) = unknown_critical(certificate) {
            return Err(fail(certificate, Problem::UnknownCritical(id)));
        }
    }
    let policies = state.policies.finish(target);
    let policies = policies.map_err(|problem| fail(target, problem))?;
    if !anchor.is_trusted_at(instant_for(below, below.len(), at, inputs.model)) {
        return Err(fail(anchor.as_certificate(), Problem::AnchorNotTrusted));
    }
    // The target's own time is told first: what is known of a signature's age is held against it (EN 319 102-1 §5.5.4).
    for (index, certificate) in below.iter().enumerate() {
        if let Some(problem) =
            date_problem(certificate, instant_for(below, index, at, inputs.model))
        {
            return Err(fail(certificate, problem));
        }
    }
    let mut certificates = below.to_vec();
    certificates.push(anchor.as_certificate().clone());
    Ok(VerifiedPath {
        certificates,
        anchor: anchor.clone(),
        at,
        policies,
    })
}

/// The state variables of §6.1.2 that are more than the issuer's name and key.
struct State {
    names: Constraints,
    policies: Policies,
    max_path_length: u32,
    /// The certificate that the path length is restricted by.
    restricted_by: Option<Certificate>,
}

impl State {
    fn new(below: &[Certificate], anchor: &Anchor, inputs: &Inputs) -> State {
        let constraining = anchor.certificate().filter(|_| inputs.anchor_constraints);
        let n = below.len() as u32;
        let mut state = State {
            names: Constraints::new(&inputs.permitted_subtrees, &inputs.excluded_subtrees),
            policies: Policies::new(inputs, n, constraining),
            max_path_length: inputs.max_path_length.unwrap_or(n).min(n),
            restricted_by: None,
        };
        if let Some(certificate) = constraining {
            if let Some(constraints) = certificate.name_constraints() {
                state.names.add(constraints);
            }
            state.restrict_length(certificate);
        }
        state
    }

    /// §6.1.3, its letter (a)(3) and the dates apart.
    fn process(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        is_target: bool,
        checks: &mut SignatureChecks,
    ) -> Result<(), Problem> {
        if certificate.version() > 3 {
            return Err(Problem::Version(certificate.version()));
        }
        // (a)(1)
        if !checks.is_signed_by(certificate, issuer) {
            return Err(if is_unsupported(certificate, issuer) {
                Problem::UnsupportedAlgorithm
            } else {
                Problem::Signature
            });
        }
        // (a)(4)
        if certificate.issuer() != issuer.subject() {
            return Err(Problem::NameChaining);
        }
        if let Some(id) = self.malformed(certificate) {
            return Err(Problem::MalformedExtension(id));
        }
        // (b), (c): not of self-issued certificates, "unless the certificate is the final certificate in the path".
        if is_target || !certificate.is_self_issued() {
            let check = self.names.check(certificate);
            check.map_err(|(fault, form)| Problem::Name(fault, form))?;
        }
        // (d), (e), (f)
        self.policies.process(certificate, is_target)
    }

    /// An extension that is malformed and needed: always, because it is critical, or because names are constrained.
    fn malformed(&self, certificate: &Certificate) -> Option<Oid> {
        let needed = |id: &&Oid| {
            NEEDED.contains(id)
                || certificate.extension(id).is_some_and(|e| e.critical)
                || (**id == names::ID_CE_SUBJECT_ALT_NAME && self.names.are_any())
        };
        certificate.malformed().iter().find(needed).copied()
    }

    /// §6.1.4(a) to (n); the certificate at fault where it is another.
    fn prepare(&mut self, certificate: &Certificate) -> Result<(), (Option<Certificate>, Problem)> {
        // (a), (b), (h), (i), (j)
        let policies = self.policies.prepare(certificate);
        policies.map_err(|problem| (None, problem))?;
        // (c) to (f): the issuer's name and key are those of the certificate; (g)
        if let Some(constraints) = certificate.name_constraints() {
            self.names.add(constraints);
        }
        // (k): "If certificate i is a version 1 or version 2 certificate", an authority would have to be known as one by other
        // means; those means are anchors.
        let is_authority = certificate.basic_constraints().is_some_and(|c| c.ca);
        if !is_authority || certificate.version() != 3 {
            return Err((None, Problem::NotAuthority));
        }
        // (l)
        if !certificate.is_self_issued() {
            self.max_path_length = self
                .max_path_length
                .checked_sub(1)
                .ok_or_else(|| (self.restricted_by.clone(), Problem::PathLength))?;
        }
        // (m)
        self.restrict_length(certificate);
        // (n)
        let usage = certificate.key_usage();
        if usage.is_some_and(|usage| !usage.has(KeyUsage::KEY_CERT_SIGN)) {
            return Err((None, Problem::KeyUsage));
        }
        Ok(())
    }

    fn restrict_length(&mut self, certificate: &Certificate) {
        let length = certificate.basic_constraints().and_then(|c| c.path_length);
        if let Some(length) = length.filter(|length| *length < self.max_path_length) {
            self.max_path_length = length;
            self.restricted_by = Some(certificate.clone());
        }
    }
}

fn is_unsupported(certificate: &Certificate, issuer: &Certificate) -> bool {
    let kinds = [
        certificate.signature_algorithm().err().map(|e| e.kind()),
        issuer.public_key().err().map(|e| e.kind()),
    ];
    kinds.contains(&Some(ErrorKind::Unsupported))
}

fn unknown_critical(certificate: &Certificate) -> Option<Oid> {
    let unknown = |id: &Oid| !KNOWN.contains(id);
    let mut extensions = certificate.extensions().iter();
    extensions
        .find(|e| e.critical && unknown(&e.id))
        .map(|e| e.id)
}

fn date_problem(certificate: &Certificate, at: Time) -> Option<Problem> {
    let validity = certificate.validity();
    // A certificate is good to the end of the second that notAfter names (RFC 5280 §4.1.2.5).
    if at < validity.not_before {
        Some(Problem::NotYetValid(validity))
    } else if at.truncated_to_seconds() > validity.not_after {
        Some(Problem::Expired(validity))
    } else {
        None
    }
}
