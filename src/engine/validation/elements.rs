//! What the policy asks of the elements of a signature, of its certificate and of its time-stamps (EN 319 102-1 §5.1.4, signature
//! elements and chain constraints), as part of acceptance (§5.2.8).
//!
//! In: a signature, its path, the instant by which it is proven to have existed. Out: a finding for each thing that is asked
//! and is not so. Algorithms, and what the signature covers, are `acceptance`'s.

use super::finding::Finding;
use super::indication::SubIndication;
use super::material::id_of;
use super::policy::{
    CertificateConstraints, KeyUsageName, MinimumLevel, Policy, attributes_missing,
};
use super::qualification::{Answer, certificate_qualification};
use crate::engine::evidence::{Signature, Timestamp};
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::KeyUsage;
use crate::engine::time::Time;

const CLAUSE: &str = "EN 319 102-1 §5.2.8";
const CHAIN: &str = "EN 319 102-1 §5.2.6.4";
const DELAY: &str = "EN 319 102-1 §5.5.4";

fn negative(check: &str) -> Finding {
    Finding::negative(check, CLAUSE, SubIndication::SigConstraintsFailure)
}

/// What is asked of the elements of a signature and is not so. `stamped` is the time of its first valid signature time-stamp.
pub(super) fn accept(
    signature: &Signature,
    stamped: Option<Time>,
    policy: &Policy,
) -> Vec<Finding> {
    let asked = &policy.constraints.signature;
    let found = &signature.properties;
    let mut findings = Vec::new();
    // A counter-signature is about the signature that it signs: it has no content of its own (RFC 5652 §11.4).
    if signature.countersigns.is_some() {
        return findings;
    }
    let missing = attributes_missing(&asked.attributes_required, found);
    findings.extend(missing.map(|name| negative("attribute.missing").element(name)));
    let forbidden = asked.attributes_forbidden.iter();
    let forbidden = forbidden.filter(|name| found.is_signed(name));
    findings.extend(forbidden.map(|name| negative("attribute.forbidden").element(name)));
    findings.extend(signature_policy(signature, asked.policies.as_deref()));
    let roles = ("signer_role.missing", "signer_role.not_accepted");
    findings.extend(values(
        roles,
        &found.claimed_roles,
        asked.claimed_roles.as_deref(),
    ));
    let commitments = ("commitment.missing", "commitment.not_accepted");
    let types = asked.commitment_types.as_deref();
    findings.extend(values(commitments, &found.commitment_types, types));
    let content = ("content_type.missing", "content_type.not_accepted");
    let types = asked.content_types.as_deref();
    findings.extend(values(content, found.content_type.as_slice(), types));
    let hints = ("content_hints.missing", "content_hints.not_accepted");
    let hinted = found.content_hints.as_ref().map(|hints| hints.content_type);
    findings.extend(values(
        hints,
        hinted.as_slice(),
        asked.content_hints.as_deref(),
    ));
    let media = ("mime_type.missing", "mime_type.not_accepted");
    findings.extend(values(
        media,
        found.mime_type.as_slice(),
        asked.mime_types.as_deref(),
    ));
    if asked.counter_signature && !found.unsigned.iter().any(|one| one == "counter-signature") {
        findings.push(negative("counter_signature.missing"));
    }
    findings.extend(level(signature, asked.minimum_level));
    findings.extend(delay(signature, stamped, policy));
    findings
}

/// Of the values found, those that are not accepted; where some are asked for, one must be there.
fn values<T: PartialEq + ToString>(
    (missing, other): (&str, &str),
    found: &[T],
    accepted: Option<&[T]>,
) -> Vec<Finding> {
    let Some(accepted) = accepted else {
        return Vec::new();
    };
    if found.is_empty() {
        return vec![negative(missing).expected(listed(accepted))];
    }
    let others = found.iter().filter(|one| !accepted.contains(one));
    others
        .map(|one| {
            negative(other)
                .found(one.to_string())
                .expected(listed(accepted))
        })
        .collect()
}

fn listed<T: ToString>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// An implied policy is none that could be accepted by its name.
fn signature_policy(signature: &Signature, accepted: Option<&[String]>) -> Option<Finding> {
    let accepted = accepted?;
    let named = signature
        .policy
        .as_ref()
        .map(|policy| policy.id.to_string());
    let own = named.as_deref().unwrap_or("none");
    if accepted.iter().any(|one| one == own) {
        return None;
    }
    let finding = match &named {
        Some(id) => negative("signature_policy.not_accepted").found(id),
        None => negative("signature_policy.missing"),
    };
    Some(finding.expected(listed(accepted)))
}

fn level(signature: &Signature, minimum: Option<MinimumLevel>) -> Option<Finding> {
    let minimum = minimum?;
    let own = MinimumLevel::of(signature.level.tier);
    (own < Some(minimum)).then(|| {
        let finding = negative("level.too_low").found(signature.level);
        finding.expected(minimum.name())
    })
}

/// §5.5.4, time-stamp delay (unchecked): the first signature time-stamp must be soon after the signing time that is claimed, and
/// nothing is known where none is.
fn delay(signature: &Signature, stamped: Option<Time>, policy: &Policy) -> Option<Finding> {
    let longest = policy.constraints.signature.timestamp_delay?;
    let stamped = stamped?;
    let negative = |check| Finding::negative(check, DELAY, SubIndication::SigConstraintsFailure);
    match signature.claimed_time {
        None => Some(negative("timestamp.delay_unknown").found(stamped)),
        Some(claimed) if stamped > claimed.plus(longest) => {
            Some(negative("timestamp.delay").found(stamped).expected(claimed))
        }
        Some(_) => None,
    }
}

/// What is asked of the certificate of a signature and is not so; `chain` goes up to the anchor, `at` is when it is known to
/// have been used.
pub(super) fn accept_certificate(
    certificate: &Certificate,
    chain: &[Certificate],
    at: Time,
    policy: &Policy,
) -> Vec<Finding> {
    let asked = &policy.constraints.certificate;
    let negative = |check| {
        Finding::negative(check, CHAIN, SubIndication::ChainConstraintsFailure)
            .object(id_of(certificate))
            .element(certificate.subject().common_name())
    };
    let mut findings = Vec::new();
    if !is_for_usage(certificate, asked) {
        findings.push(negative("certificate.key_usage"));
    }
    let missing = asked.extensions.iter();
    let missing = missing.filter(|id| certificate.extension(id).is_none());
    findings.extend(missing.map(|id| negative("certificate.extension_missing").expected(id)));
    if asked.qualified || asked.qscd {
        let authorities = chain.get(1..).unwrap_or_default();
        let found = certificate_qualification(certificate, authorities, policy, at);
        if asked.qualified && found.qualified != Answer::Yes {
            findings.push(negative("certificate.not_qualified").found(found.qualified.key()));
        }
        if asked.qscd && found.qscd != Answer::Yes {
            findings.push(negative("certificate.no_qscd").found(found.qscd.key()));
        }
    }
    findings
}

/// A certificate without the extension is for every usage (RFC 5280 §4.2.1.3), which is not what one that is asked for means.
fn is_for_usage(certificate: &Certificate, asked: &CertificateConstraints) -> bool {
    let bit = |usage: &KeyUsageName| match usage {
        KeyUsageName::DigitalSignature => KeyUsage::DIGITAL_SIGNATURE,
        KeyUsageName::NonRepudiation => KeyUsage::NON_REPUDIATION,
    };
    let own = certificate.key_usage();
    let by_usage = asked
        .key_usages
        .as_ref()
        .is_none_or(|usages| own.is_some_and(|own| usages.iter().any(|usage| own.has(bit(usage)))));
    let extended = certificate.extended_key_usage();
    let by_extended = asked
        .extended_key_usages
        .as_ref()
        .is_none_or(|usages| usages.iter().any(|usage| extended.contains(usage)));
    by_usage && by_extended
}

/// Whether a time-stamp states a policy that is accepted.
pub(super) fn accept_timestamp(timestamp: &Timestamp, policy: &Policy) -> Option<Finding> {
    let accepted = policy.constraints.timestamp.policies.as_ref()?;
    (!accepted.contains(&timestamp.policy)).then(|| {
        let finding = negative("timestamp.policy_not_accepted").object(timestamp.token);
        finding.found(timestamp.policy).expected(listed(accepted))
    })
}
