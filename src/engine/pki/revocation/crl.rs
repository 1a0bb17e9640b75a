//! What revocation lists say about a certificate (RFC 5280 §6.3.3): each list that is about it, deltas on their bases, and
//! lists for some reasons together where they cover all.

use super::inquiry::{Inquiry, Link, Said, same_authority};
use super::status::{Answer, Kind, Status, Unchecked, Unusable, within_lifetime};
use crate::engine::crypto::SignatureAlgorithm;
use crate::engine::error::ErrorKind;
use crate::engine::pki::crl::{
    ListHeader, Reasons, RevocationList, RevocationReason, RevokedEntry,
};
use crate::engine::pki::extension::{DistributionPoint, GeneralName, KeyUsage};
use crate::engine::pki::path::SignatureChecks;
use crate::engine::pki::{Certificate, Name};
use crate::engine::time::Time;
use std::cmp::Reverse;

/// Certificates of one name that are tried as the signer of one list.
const MOST_SIGNERS: usize = 16;

/// A list that is about the certificate, and whose signature holds.
struct Consulted<'a> {
    list: &'a dyn RevocationList,
    /// For which reasons it speaks.
    reasons: Reasons,
    signer: Certificate,
    algorithm: SignatureAlgorithm,
    unchecked: Vec<Unchecked>,
    entry: Option<RevokedEntry>,
}

/// Adds to `said` what the lists at hand say about the certificate of `link`.
pub(super) fn by_lists(
    inquiry: &mut Inquiry<'_>,
    link: Link<'_>,
    checks: &mut SignatureChecks,
    said: &mut Said,
) {
    let (mut complete, mut deltas) = (Vec::new(), Vec::new());
    for list in inquiry.data().lists {
        match consult(list.as_ref(), inquiry, link, checks) {
            Ok(consulted) if list.header().is_delta() => deltas.push(consulted),
            Ok(consulted) => complete.push(consulted),
            Err(why) if why.is_of_other() => {}
            Err(why) => said.unusable.push((list.id(), why)),
        }
    }
    let mut partial = Vec::new();
    for base in &complete {
        add(Piece::of(base, None), link, said, &mut partial);
        let newest = deltas
            .iter()
            .filter(|delta| extends(delta, base))
            .max_by_key(|delta| delta.list.header().this_update());
        if let Some(delta) = newest {
            add(Piece::of(base, Some(delta)), link, said, &mut partial);
        }
    }
    for delta in &deltas {
        alone(delta, &complete, said);
    }
    together(partial, said);
}

/// A delta without its base, and not overtaken by a complete list: a revocation in it is one, whatever the base says; its
/// silence says nothing.
fn alone(delta: &Consulted<'_>, complete: &[Consulted<'_>], said: &mut Said) {
    let piece = Piece::of(delta, None);
    let header = delta.list.header();
    let settles = |base: &Consulted<'_>| {
        let complete = base.list.header();
        extends(delta, base)
            || (complete.scope() == header.scope()
                && complete.issuer() == header.issuer()
                && match (complete.number(), header.number()) {
                    (Some(complete), Some(delta)) => complete >= delta,
                    _ => complete.this_update() >= header.this_update(),
                })
    };
    if complete.iter().any(settles) {
        return;
    }
    match piece.answer.status {
        Status::Revoked { .. } => said.answers.push(piece.answer),
        _ => said.unusable.push((delta.list.id(), Unusable::Delta)),
    }
}

/// What a list, with its delta, says.
struct Piece {
    answer: Answer,
    reasons: Reasons,
    kept_since: Option<Time>,
}

impl Piece {
    fn of(base: &Consulted<'_>, delta: Option<&Consulted<'_>>) -> Piece {
        // RFC 5280 §5.2.4: the list that both make has the dates of the delta.
        let newest = delta.unwrap_or(base);
        let entry = newest.entry.as_ref().or(base.entry.as_ref());
        let status = match entry {
            None => Status::Good,
            // RFC 5280 §5.3.1: a certificate taken off a list, which says that it is not revoked.
            Some(entry) if entry.reason == Some(RevocationReason::RemoveFromCrl) => Status::Good,
            Some(entry) => Status::Revoked {
                at: entry.revocation_date,
                reason: entry.reason,
            },
        };
        let used = || std::iter::once(base).chain(delta);
        let mut unchecked: Vec<Unchecked> = Vec::new();
        for one in used().flat_map(|one| &one.unchecked) {
            if !unchecked.contains(one) {
                unchecked.push(one.clone());
            }
        }
        let header = newest.list.header();
        Piece {
            answer: Answer {
                status,
                this_update: header.this_update(),
                issued: header.this_update(),
                next_update: header.next_update(),
                invalidity_date: entry.and_then(|entry| entry.invalidity_date),
                kind: Kind::List,
                evidence: used().map(|one| one.list.id()).collect(),
                signers: used()
                    .map(|one| (one.signer.clone(), one.algorithm))
                    .collect(),
                unchecked,
            },
            reasons: base.reasons,
            kept_since: base.list.header().expired_kept_since(),
        }
    }
}

/// An answer where the piece is one by itself; else kept for [`together`].
fn add(piece: Piece, link: Link<'_>, said: &mut Said, partial: &mut Vec<Piece>) {
    let answer = &piece.answer;
    if answer.status != Status::Good {
        said.answers.push(piece.answer);
        return;
    }
    let (this, next) = (answer.this_update, answer.next_update);
    match within_lifetime(link.certificate, this, next, piece.kept_since) {
        Err(why) => said.unusable.push((answer.evidence[0], why)),
        Ok(()) if piece.reasons.contains(Reasons::ALL) => said.answers.push(piece.answer),
        Ok(()) => partial.push(piece),
    }
}

/// RFC 5280 §6.3.3(d), (e), (l): lists for some reasons make an answer when they cover all; the newest are taken.
fn together(mut partial: Vec<Piece>, said: &mut Said) {
    partial.sort_by_key(|piece| Reverse(piece.answer.this_update));
    let mut pieces = partial.into_iter();
    let Some(Piece {
        mut answer,
        mut reasons,
        ..
    }) = pieces.next()
    else {
        return;
    };
    for piece in pieces {
        if reasons.contains(Reasons::ALL) {
            break;
        }
        if reasons.contains(piece.reasons) {
            continue;
        }
        reasons = reasons.union(piece.reasons);
        let other = piece.answer;
        answer.this_update = answer.this_update.min(other.this_update);
        answer.issued = answer.issued.max(other.issued);
        answer.next_update = match (answer.next_update, other.next_update) {
            (Some(a), Some(b)) => Some(a.min(b)),
            _ => None,
        };
        answer.evidence.extend(other.evidence);
        answer.signers.extend(other.signers);
        answer.unchecked.extend(other.unchecked);
    }
    if reasons.contains(Reasons::ALL) {
        said.answers.push(answer);
    } else {
        let ids = answer.evidence.iter();
        said.unusable
            .extend(ids.map(|id| (*id, Unusable::PartialReasons)));
    }
}

/// RFC 5280 §5.2.4, §6.3.3(c), (h): whether `delta` lists changes to `base`.
fn extends(delta: &Consulted<'_>, base: &Consulted<'_>) -> bool {
    let (changes, complete) = (delta.list.header(), base.list.header());
    let in_sequence = match (complete.number(), changes.base_number(), changes.number()) {
        (Some(number), Some(from), Some(to)) => from <= number && number < to,
        _ => false,
    };
    in_sequence
        && changes.issuer() == complete.issuer()
        && changes.scope() == complete.scope()
        && changes.authority_key_identifier() == complete.authority_key_identifier()
        && delta.signer.spki() == base.signer.spki()
}

fn consult<'a>(
    list: &'a dyn RevocationList,
    inquiry: &mut Inquiry<'_>,
    link: Link<'_>,
    checks: &mut SignatureChecks,
) -> Result<Consulted<'a>, Unusable> {
    let header = list.header();
    let reasons = in_scope(link.certificate, header)?;
    if header.unknown_critical().is_some() {
        return Err(Unusable::UnknownCritical);
    }
    let algorithm = header
        .signature_algorithm()
        .map_err(|_| Unusable::Signature)?;
    let (signer, unchecked) = signer(list, inquiry, link, checks)?;
    let entry = list
        .entry(link.certificate.issuer(), link.certificate.serial())
        .map_err(|error| match error.kind() {
            ErrorKind::Unsupported => Unusable::UnknownCritical,
            _ => Unusable::Malformed,
        })?;
    Ok(Consulted {
        list,
        reasons,
        signer,
        algorithm,
        unchecked,
        entry,
    })
}

/// RFC 5280 §6.3.3(b), (d): for which reasons a list of this scope speaks about `certificate`.
fn in_scope(certificate: &Certificate, header: &ListHeader) -> Result<Reasons, Unusable> {
    let own = header.issuer() == certificate.issuer();
    let scope = header.scope();
    if !own && !scope.is_some_and(|scope| scope.indirect) {
        return Err(Unusable::OtherIssuer);
    }
    let is_authority = certificate.basic_constraints().is_some_and(|c| c.ca);
    if scope.is_some_and(|scope| {
        scope.only_attribute_certificates
            || (scope.only_user_certificates && is_authority)
            || (scope.only_ca_certificates && !is_authority)
    }) {
        return Err(Unusable::OtherScope);
    }
    // A list of the issuer that no distribution point names: RFC 5280 §6.3.3, at its end.
    let unnamed = DistributionPoint {
        full_name: vec![GeneralName::Directory(certificate.issuer().clone())],
        ..Default::default()
    };
    let points = certificate.distribution_points().iter();
    let reasons = points
        .chain(std::iter::once(&unnamed))
        .filter(|point| is_of(point, header, certificate))
        .map(|point| point.reasons.unwrap_or(Reasons::ALL))
        .fold(Reasons::NONE, Reasons::union);
    let listed = scope.and_then(|scope| scope.only_some_reasons);
    match reasons.intersection(listed.unwrap_or(Reasons::ALL)) {
        Reasons::NONE => Err(Unusable::OtherScope),
        reasons => Ok(reasons),
    }
}

/// RFC 5280 §6.3.3(b)(1), (b)(2)(i): whether the list is that of a distribution point.
fn is_of(point: &DistributionPoint, header: &ListHeader, certificate: &Certificate) -> bool {
    let issuer = header.issuer();
    let named = |names: &[GeneralName]| names.iter().any(|n| is_directory(n, issuer));
    let issued = match point.crl_issuer.as_slice() {
        [] => issuer == certificate.issuer(),
        names => named(names) && header.is_indirect(),
    };
    let Some(scope) = header.scope().filter(|_| issued) else {
        return issued;
    };
    let listed = names(&scope.full_name, scope.relative_name.as_deref(), issuer);
    if listed.is_empty() {
        return scope.full_name.is_empty() && scope.relative_name.is_none();
    }
    // A relative name is relative to the issuer of the list, which is that of the certificate where none is named.
    let own = names(&point.full_name, point.relative_name.as_deref(), issuer);
    let candidates = if own.is_empty() {
        &point.crl_issuer
    } else {
        &own
    };
    listed.iter().any(|name| candidates.contains(name))
}

fn is_directory(general_name: &GeneralName, name: &Name) -> bool {
    matches!(general_name, GeneralName::Directory(directory) if directory == name)
}

/// The names of a distribution point, a relative one after `issuer`.
fn names(full: &[GeneralName], relative: Option<&[u8]>, issuer: &Name) -> Vec<GeneralName> {
    let relative = relative.and_then(|relative| issuer.with_relative(relative).ok());
    full.iter()
        .cloned()
        .chain(relative.map(GeneralName::Directory))
        .collect()
}

/// RFC 5280 §6.3.3(f), (g): who signed the list, entitled to and with a path to the same anchor.
fn signer(
    list: &dyn RevocationList,
    inquiry: &mut Inquiry<'_>,
    link: Link<'_>,
    checks: &mut SignatureChecks,
) -> Result<(Certificate, Vec<Unchecked>), Unusable> {
    let header = list.header();
    let id = list.id();
    let mut why = Unusable::Signature;
    for candidate in candidates(header, inquiry, link) {
        if candidate != *link.issuer {
            inquiry.step()?;
        }
        let signed = checks.check(id, candidate.fingerprint(), || {
            candidate
                .public_key()
                .is_ok_and(|key| list.is_signed_by(key))
        });
        if !signed {
            continue;
        }
        let may_sign = candidate
            .key_usage()
            .is_none_or(|usage| usage.has(KeyUsage::CRL_SIGN));
        if !may_sign {
            why = Unusable::NotEntitled;
            continue;
        }
        if same_authority(&candidate, link.issuer) || same_authority(&candidate, link.anchor) {
            return Ok((candidate, Vec::new()));
        }
        if same_authority(&candidate, link.certificate) {
            why = Unusable::Circular;
            continue;
        }
        match inquiry.vouch(&candidate, link.anchor, header.this_update(), checks) {
            Ok(unchecked) => return Ok((candidate, unchecked)),
            Err(other) => why = other,
        }
    }
    Err(why)
}

/// Certificates of the name of the list's issuer: that of the path first, then those whose key identifier fits.
fn candidates(header: &ListHeader, inquiry: &Inquiry<'_>, link: Link<'_>) -> Vec<Certificate> {
    let wanted = header.authority_key_identifier().key.as_deref();
    let mut of_pool = inquiry.data().pool.named(header.issuer());
    of_pool.sort_by_key(|candidate| {
        matches!((wanted, candidate.subject_key_identifier()), (Some(a), Some(b)) if a != b)
    });
    let mut found: Vec<Certificate> = Vec::new();
    let of_path = [link.issuer, link.anchor];
    for candidate in of_path.into_iter().chain(of_pool) {
        if candidate.subject() == header.issuer() && !found.contains(candidate) {
            found.push(candidate.clone());
        }
        if found.len() == MOST_SIGNERS {
            break;
        }
    }
    found
}
