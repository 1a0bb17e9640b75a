//! The objects of an ETSI validation report (TS 119 102-2 §4.4, unchecked): each by digest, small ones whole, with the
//! proof of their existence; time-stamps with their own validation.

use super::etsi::{Report, data_name, digest, instant};
use super::judged::stamps;
use super::markup::Markup;
use super::object::ObjectReport;
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::evidence::{ObjectId, ObjectKind, Origin, Proof, Reference, Timestamp};
use crate::engine::pki::crl::RevocationList;
use crate::engine::pki::revocation::index::Excerpt;
use crate::engine::validation::TimestampVerdict;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, BTreeSet};

/// Objects up to this many bytes stand whole in the report: certificates, tokens, responses, small lists.
const WHOLE: usize = 32 << 10;

type Stamps<'j> = BTreeMap<ObjectId, (&'j Timestamp, &'j TimestampVerdict)>;

pub(super) fn write(report: &Report<'_>, out: &mut Markup) {
    let mut of_tokens = Stamps::new();
    for (found, verdict) in report.judged.parts().into_iter().flat_map(stamps) {
        of_tokens.entry(verdict.token).or_insert((found, verdict));
    }
    if report.objects.is_empty() && report.data.is_empty() && records(report).is_empty() {
        return;
    }
    out.element("SignatureValidationObjects", &[], |out| {
        for object in &report.objects {
            one(report, object, &of_tokens, out);
        }
        for id in records(report) {
            record(report, id, out);
        }
        for (name, reference) in &report.data {
            data(name, reference, out);
        }
    });
}

fn one(report: &Report<'_>, object: &ObjectReport, of_tokens: &Stamps<'_>, out: &mut Markup) {
    let Some(id) = report.name(&object.id) else {
        return;
    };
    out.element("ValidationObject", &[("id", id)], |out| {
        out.leaf("ObjectType", object_type(object.kind));
        out.element("ValidationObjectRepresentation", &[], |out| {
            representation(report, object, out)
        });
        out.element("POE", &[], |out| {
            let (at, by) = match object.proof {
                Some(proof) => match proof.by {
                    Proof::Timestamp(id) | Proof::EvidenceRecord(id) => (proof.at, Some(id)),
                    Proof::Validation => (proof.at, None),
                },
                None => (report.judged.verdict.now, None),
            };
            report.proof(at, by, out);
        });
        if let Some((found, verdict)) = of_tokens.get(&object.id) {
            provisioning(report, found, out);
            out.element("ValidationReport", &[], |out| {
                report.timestamp(found, verdict, out)
            });
        }
    });
}

fn representation(report: &Report<'_>, object: &ObjectReport, out: &mut Markup) {
    let found = report.judged.evidence.object(&object.id);
    let mut own = object.id;
    if let Some(found) = found {
        // An excerpt is ours; what others know is the list that it was made from.
        if object.kind == ObjectKind::RevocationListExcerpt {
            own = Excerpt::from_der(&found.bytes).map_or(own, |excerpt| ObjectId(excerpt.id()));
        } else if found.bytes.len() <= WHOLE {
            out.leaf("base64", &STANDARD.encode(&*found.bytes));
        }
    }
    out.element("DigestAlgAndValue", &[], |out| {
        digest(DigestAlgorithm::Sha256, &own.0, out)
    });
    if let Some(Origin::Fetched { url, .. }) = &object.origin
        && let Some(uri) = uri(url)
    {
        out.leaf("URI", &uri);
    }
}

/// What the token proves to have existed.
fn provisioning(report: &Report<'_>, found: &Timestamp, out: &mut Markup) {
    out.element("POEProvisioning", &[], |out| {
        out.leaf("POETime", &instant(found.gen_time));
        for id in &found.covers {
            report.refer("ValidationObject", [*id], out);
        }
        for signature in found.signatures.iter().collect::<BTreeSet<_>>() {
            out.element("SignatureReference", &[], |out| {
                out.leaf("DigestMethod", DigestAlgorithm::Sha256.xml_uri());
                out.leaf("DigestValue", &STANDARD.encode(signature.0));
            });
        }
    });
}

/// The evidence records, each once.
fn records(report: &Report<'_>) -> BTreeSet<ObjectId> {
    let parts = report.judged.parts();
    let records = parts.iter().flat_map(|part| &part.evidence.records);
    records.map(|record| record.id).collect()
}

fn record(report: &Report<'_>, id: ObjectId, out: &mut Markup) {
    let Some(name) = report.name(&id).filter(|name| name.starts_with('E')) else {
        return;
    };
    out.element("ValidationObject", &[("id", name)], |out| {
        out.leaf(
            "ObjectType",
            "urn:etsi:019102:validationObject:evidencerecord",
        );
        out.element("ValidationObjectRepresentation", &[], |out| {
            out.element("DigestAlgAndValue", &[], |out| {
                digest(DigestAlgorithm::Sha256, &id.0, out);
            });
        });
        out.element("POE", &[], |out| {
            report.proof(report.judged.verdict.now, None, out);
        });
    });
}

fn data(name: &str, reference: &Reference, out: &mut Markup) {
    let Some(value) = &reference.actual else {
        return;
    };
    debug_assert_eq!(name, data_name(reference));
    out.element("ValidationObject", &[("id", name)], |out| {
        out.leaf("ObjectType", "urn:etsi:019102:validationObject:signedData");
        out.element("ValidationObjectRepresentation", &[], |out| {
            out.element("DigestAlgAndValue", &[], |out| {
                digest(reference.algorithm, value, out)
            });
        });
    });
}

/// TS 119 102-2 §4.4.4 (unchecked).
fn object_type(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Certificate => "urn:etsi:019102:validationObject:certificate",
        ObjectKind::CertificateRevocationList | ObjectKind::RevocationListExcerpt => {
            "urn:etsi:019102:validationObject:CRL"
        }
        ObjectKind::OcspResponse => "urn:etsi:019102:validationObject:OCSPResponse",
        ObjectKind::TimestampToken => "urn:etsi:019102:validationObject:timestamp",
    }
}

/// An address as `anyURI`: whoever made the certificate may have called it anything. None where it is none.
fn uri(url: &str) -> Option<String> {
    const SCHEMES: &[&str] = &["http://", "https://", "ldap://", "ldaps://", "file://"];
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?@!$&'()*+,;=%".contains(c);
    let escaped = |after: &str| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    let sound = SCHEMES.iter().any(|scheme| url.starts_with(scheme))
        && url.chars().all(plain)
        && url.split('%').skip(1).all(escaped);
    sound.then(|| url.to_string())
}
