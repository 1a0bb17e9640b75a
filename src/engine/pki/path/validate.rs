//! Whether a path holds at an instant (RFC 5280 §6.1), revocation apart.

use super::{Inputs, SignatureChecks};
use crate::engine::pki::extension::KeyUsage;
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
}

impl VerifiedPath {
    /// From the certificate to the anchor; just one where the certificate is itself the anchor.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The anchor that it ends at.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The instant that it was validated at.
    pub fn at(&self) -> Time {
        self.at
    }
}

/// What stands against a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Problem {
    /// RFC 5280 §6.1.3(a)(2).
    NotYetValid(Validity),
    /// RFC 5280 §6.1.3(a)(2).
    Expired(Validity),
    /// The anchor was not trusted at the instant.
    AnchorNotTrusted,
    /// RFC 5280 §6.1.3(a)(1).
    Signature,
    /// RFC 5280 §6.1.3(a)(4).
    NameChaining,
    /// RFC 5280 §6.1.4(k).
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
            Problem::NotYetValid(_) | Problem::Expired(_) => "RFC 5280 §6.1.3(a)(2)",
            Problem::AnchorNotTrusted => "RFC 5280 §6.1.1(d)",
            Problem::Signature => "RFC 5280 §6.1.3(a)(1)",
            Problem::NameChaining => "RFC 5280 §6.1.3(a)(4)",
            Problem::NotAuthority => "RFC 5280 §6.1.4(k)",
            Problem::PathLength => "RFC 5280 §6.1.4(m)",
            Problem::KeyUsage => "RFC 5280 §6.1.4(n)",
            Problem::UnknownCritical(_) => "RFC 5280 §6.1.4(o)",
            Problem::MalformedExtension(_) => "RFC 5280 §4.2",
        }
    }
}

/// Which certificate stands in the way of a path, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PathFailure {
    pub certificate: Certificate,
    pub problem: Problem,
}

/// Extensions that this version processes, or that restrict nothing it relies on.
const KNOWN: &[Oid] = &[
    names::ID_CE_BASIC_CONSTRAINTS,
    names::ID_CE_KEY_USAGE,
    names::ID_CE_EXT_KEY_USAGE,
    names::ID_CE_SUBJECT_KEY_IDENTIFIER,
    names::ID_CE_AUTHORITY_KEY_IDENTIFIER,
    names::ID_CE_SUBJECT_ALT_NAME,
    names::ID_CE_ISSUER_ALT_NAME,
    names::ID_CE_CERTIFICATE_POLICIES,
    names::ID_CE_CRL_DISTRIBUTION_POINTS,
    names::ID_CE_FRESHEST_CRL,
    names::ID_PE_AUTHORITY_INFO_ACCESS,
    names::ID_PE_QC_STATEMENTS,
    names::ID_PKIX_OCSP_NOCHECK,
];

/// Validates the path whose certificates below the anchor are `below`, the target first, at `at`. None below: the anchor
/// is itself the target. Of the anchor only name and key count (RFC 5280 §6.1.1(d)).
///
/// Structure is told before dates: a path that could never hold is not one that merely does not hold now.
pub fn validate(
    below: &[Certificate],
    anchor: &Anchor,
    at: Time,
    _inputs: &Inputs,
    checks: &mut SignatureChecks,
) -> Result<VerifiedPath, PathFailure> {
    let mut path = below.to_vec();
    path.push(anchor.as_certificate().clone());
    if anchor.issues_nothing() && !below.is_empty() {
        return Err(PathFailure {
            certificate: anchor.as_certificate().clone(),
            problem: Problem::NotAuthority,
        });
    }
    let mut authorities_below = 0;
    for (index, pair) in path.windows(2).enumerate() {
        let (certificate, issuer) = (&pair[0], &pair[1]);
        let fail = |problem| {
            Err(PathFailure {
                certificate: certificate.clone(),
                problem,
            })
        };
        if certificate.issuer() != issuer.subject() {
            return fail(Problem::NameChaining);
        }
        if !checks.is_signed_by(certificate, issuer) {
            return fail(Problem::Signature);
        }
        if let Some(problem) = extension_problem(certificate) {
            return fail(problem);
        }
        if index > 0 {
            if let Some(problem) = authority_problem(certificate, authorities_below) {
                return fail(problem);
            }
            // RFC 5280 §6.1.4(l): only certificates that are not self-issued count.
            authorities_below += u32::from(!certificate.is_self_issued());
        }
    }
    for certificate in below {
        if let Some(problem) = date_problem(certificate, at) {
            return Err(PathFailure {
                certificate: certificate.clone(),
                problem,
            });
        }
    }
    if !anchor.is_trusted_at(at) {
        return Err(PathFailure {
            certificate: anchor.as_certificate().clone(),
            problem: Problem::AnchorNotTrusted,
        });
    }
    Ok(VerifiedPath {
        certificates: path,
        anchor: anchor.clone(),
        at,
    })
}

fn extension_problem(certificate: &Certificate) -> Option<Problem> {
    let needed = [names::ID_CE_BASIC_CONSTRAINTS, names::ID_CE_KEY_USAGE];
    let malformed = certificate
        .malformed()
        .iter()
        .find(|id| needed.contains(id) || certificate.extension(id).is_some_and(|e| e.critical));
    if let Some(id) = malformed {
        return Some(Problem::MalformedExtension(*id));
    }
    certificate
        .extensions()
        .iter()
        .find(|e| e.critical && !KNOWN.contains(&e.id))
        .map(|e| Problem::UnknownCritical(e.id))
}

fn authority_problem(certificate: &Certificate, authorities_below: u32) -> Option<Problem> {
    let Some(constraints) = certificate.basic_constraints().filter(|c| c.ca) else {
        return Some(Problem::NotAuthority);
    };
    if constraints
        .path_length
        .is_some_and(|most| authorities_below > most)
    {
        return Some(Problem::PathLength);
    }
    let may_sign = certificate
        .key_usage()
        .is_none_or(|usage| usage.has(KeyUsage::KEY_CERT_SIGN));
    (!may_sign).then_some(Problem::KeyUsage)
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
