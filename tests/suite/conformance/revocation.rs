//! Revocation lists, OCSP responses and requests: what they come to for a certificate, and what they are read to say.

use super::{Cases, Outcome, guarded, run, text, timestamps};
use rubrica::engine::Time;
use rubrica::engine::crypto::{DigestAlgorithm, SignatureAlgorithm};
use rubrica::engine::pki::crl::RevocationReason;
use rubrica::engine::pki::ocsp::{
    CertStatus, NonceMatch, ResponderId, ResponseStatus, read_request, response_status,
};
use rubrica::engine::pki::path::{Inputs, Search, SignatureChecks, validate};
use rubrica::engine::pki::revocation::{
    Conclusion, Data, Inquiry, Link, Memory, Paths, Rules, judge,
};
use rubrica::engine::pki::trust::{Anchor, Anchors};
use rubrica::engine::pki::{
    Certificate, CertificateList, Certificates, OcspResponse, RevocationList,
};
use rubrica::engine::syntax::asn1::names;
use serde_json::Value;
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// Paths under the anchors of a case.
struct Case<'a> {
    pool: &'a Certificates,
    anchors: &'a Anchors,
}

impl Paths for Case<'_> {
    fn paths(
        &mut self,
        certificate: &Certificate,
        at: Time,
        checks: &mut SignatureChecks,
    ) -> Vec<Vec<Certificate>> {
        let inputs = Inputs::default();
        let mut found = Vec::new();
        Search {
            pool: self.pool,
            anchors: self.anchors,
            inputs: &inputs,
            at,
            checks,
            steps: 1_000,
        }
        .paths(certificate, &mut |chain, checks| {
            let holds = self
                .anchors
                .end_of(chain, at)
                .is_some_and(|(below, anchor)| {
                    validate(below, anchor, at, &inputs, checks).is_ok()
                });
            if holds {
                found.push(chain.to_vec());
            }
            ControlFlow::Continue(())
        });
        found
    }
}

/// What is at hand in a case.
struct Hand<'a> {
    lists: &'a [Box<dyn RevocationList>],
    responses: &'a [OcspResponse],
    pool: &'a Certificates,
    anchors: &'a Anchors,
    oldest: Option<Duration>,
}

impl Hand<'_> {
    fn conclude(&self, link: Link<'_>, at: Time) -> Conclusion {
        let data = Data {
            lists: self.lists,
            responses: self.responses,
            pool: self.pool,
        };
        let mut case = Case {
            pool: self.pool,
            anchors: self.anchors,
        };
        let (mut memory, steps) = (Memory::default(), Cell::new(1_000));
        let mut inquiry = Inquiry::new(data, &mut case, &mut memory, &steps);
        let said = inquiry.said(link, &mut SignatureChecks::default());
        let rules = Rules {
            at,
            now: at,
            tolerance: Duration::from_secs(60),
            oldest: self.oldest,
            acceptable: &|_, _, _| true,
            proofs: None,
        };
        judge(&said, &rules).conclusion
    }
}

fn certificate(split: &Path, name: &str) -> Certificate {
    let bytes = std::fs::read(split.join(name)).expect("certificate file");
    Certificate::from_pem_or_der(&bytes)
        .expect("certificate")
        .remove(0)
}

fn certificates(split: &Path, entry: &Value, key: &str) -> Vec<Certificate> {
    strings(entry, key)
        .map(|name| certificate(split, name))
        .collect()
}

fn strings<'v>(entry: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    let list = entry[key].as_array();
    list.into_iter().flatten().filter_map(Value::as_str)
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect()
}

/// A certificate judged by lists or a response.
fn status(split: &Path, entry: &Value) -> Outcome {
    let at: Time = text(entry, "time").parse().expect("time");
    let target = certificate(split, text(entry, "target"));
    let issuer = certificate(split, text(entry, "issuer"));
    let extra = certificates(split, entry, "extra_certs");
    // The anchor is the issuer, unless another certificate of the case signed it.
    let known = text(entry, "issuer").ends_with("gen/pki/sub-ca.crt");
    let above = known.then(|| certificate(split, "gen/pki/ca.crt"));
    let signed = |c: &&Certificate| {
        let key = c.public_key();
        **c != issuer && c.subject() == issuer.issuer() && key.is_ok_and(|k| issuer.is_signed_by(k))
    };
    let above = above.or_else(|| extra.iter().find(signed).cloned());
    let anchor = above.unwrap_or_else(|| issuer.clone());
    let mut anchors = vec![anchor.clone()];
    anchors.extend(certificates(split, entry, "extra_anchors"));
    let anchors = Anchors::new(anchors.into_iter().map(Anchor::of_certificate));
    let pool: Certificates = extra.into_iter().chain([issuer.clone()]).collect();
    let (mut lists, mut responses) = (Vec::new(), Vec::new());
    let mut files = vec![text(entry, "file")];
    files.extend(entry["delta"].as_str());
    files.extend(strings(entry, "other_crls"));
    for file in files {
        let bytes = std::fs::read(split.join(file)).expect("file of the case");
        if text(entry, "type") == "ocsp" {
            responses.extend(OcspResponse::from_der(&bytes));
        } else if let Ok(list) = CertificateList::from_pem_or_der(&bytes) {
            lists.push(Box::new(list) as Box<dyn RevocationList>);
        }
    }
    if let Some(nonce) = entry["request_nonce"].as_str() {
        responses.retain(|r: &OcspResponse| r.nonce_match(&hex(nonce)) != NonceMatch::Other);
    }
    let days = entry["max_age_days"].as_u64();
    let hand = Hand {
        lists: &lists,
        responses: &responses,
        pool: &pool,
        anchors: &anchors,
        oldest: days.map(|days| Duration::from_secs(days * 86_400)),
    };
    let link = Link {
        certificate: &target,
        issuer: &issuer,
        anchor: &anchor,
    };
    compare(&hand.conclude(link, at), &entry["expected"], at)
}

fn compare(conclusion: &Conclusion, expected: &Value, at: Time) -> Outcome {
    let (found, revoked) = match conclusion {
        // Whoever sets the oldest age by itself holds nextUpdate against the clock too.
        Conclusion::Good(answer) if answer.next_update.is_some_and(|next| next < at) => {
            ("undetermined", None)
        }
        Conclusion::Good(_) => ("good", None),
        Conclusion::Revoked { at, reason, .. } => ("revoked", Some((*at, *reason))),
        Conclusion::Unknown(_) => ("unknown", None),
        Conclusion::CouldNotCheck(_) => ("undetermined", None),
    };
    let mut wanted = text(expected, "status").split("-or-");
    let mut differences = Vec::new();
    if !wanted.any(|one| one == found || (found == "good" && one == "good-by-base-alone")) {
        differences.push(format!("{}, here {found}", text(expected, "status")));
    }
    if let Some((date, reason)) = revoked {
        if let Some(wanted) = expected["revocation_date"].as_str()
            && wanted.parse::<Time>().ok() != Some(date)
        {
            differences.push(format!("revoked at {wanted}, here {date}"));
        }
        let reason = reason.unwrap_or(RevocationReason::Unspecified);
        if let Some(wanted) = expected["reason"].as_str()
            && !wanted.eq_ignore_ascii_case(&format!("{reason:?}"))
        {
            differences.push(format!("reason {wanted}, here {reason:?}"));
        }
    }
    Outcome::of(differences)
}

/// A whole path, each certificate judged by the responses.
fn path(split: &Path, entry: &Value) -> Outcome {
    let at: Time = text(entry, "time").parse().expect("time");
    let target = certificate(split, text(entry, "target"));
    let root = certificate(split, text(entry, "root"));
    let anchors = Anchors::new([Anchor::of_certificate(root)]);
    let extra = certificates(split, entry, "extra_certs");
    let pool: Certificates = extra.into_iter().collect();
    let read = |name| std::fs::read(split.join(name)).expect("response");
    let responses: Vec<OcspResponse> = strings(entry, "ocsps")
        .filter_map(|name| OcspResponse::from_der(&unarmoured(&read(name))).ok())
        .collect();
    let hand = Hand {
        lists: &[],
        responses: &responses,
        pool: &pool,
        anchors: &anchors,
        oldest: None,
    };
    let mut case = Case {
        pool: &pool,
        anchors: &anchors,
    };
    let paths = case.paths(&target, at, &mut SignatureChecks::default());
    let good = |path: &Vec<Certificate>| {
        let anchor = path.last().expect("a path has an end");
        path.windows(2).all(|pair| {
            let link = Link {
                certificate: &pair[0],
                issuer: &pair[1],
                anchor,
            };
            matches!(hand.conclude(link, at), Conclusion::Good(_))
        })
    };
    let (wanted, found) = (entry["expected"]["valid"] == true, paths.iter().any(good));
    match wanted == found {
        true => Outcome::Agrees,
        false => Outcome::Disagrees(format!("valid: {wanted}, here {found}")),
    }
}

/// OpenSSL keeps responses in base64 without armour.
fn unarmoured(bytes: &[u8]) -> Vec<u8> {
    use base64::Engine;
    if bytes.first() == Some(&0x30) {
        return bytes.to_vec();
    }
    let text: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64")
}

/// Collects what differs.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn hold(&mut self, fact: &str, wanted: &Value, found: Value) {
        if !wanted.is_null() && *wanted != found {
            self.0.push(format!("{fact}: {wanted}, here {found}"));
        }
    }
}

/// `2020-04-11 11:38:20+00:00`, as the facts write it.
fn moment(time: Time) -> String {
    let text = time.to_string();
    format!("{}+00:00", text.trim_end_matches('Z').replace('T', " "))
}

fn signature_name(algorithm: SignatureAlgorithm) -> String {
    let digest = |d: DigestAlgorithm| d.name().to_lowercase().replace('-', "");
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(d) => format!("{}_rsa", digest(d)),
        SignatureAlgorithm::RsaPss { .. } => "rsassa_pss".to_string(),
        SignatureAlgorithm::Ecdsa(d) => format!("{}_ecdsa", digest(d)),
        other => format!("{other:?}"),
    }
}

/// A magnitude in decimal.
fn decimal(magnitude: &[u8]) -> String {
    let mut digits = vec![0u8];
    for byte in magnitude {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let value = u32::from(*digit) * 256 + carry;
            *digit = (value % 10) as u8;
            carry = value / 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    digits.iter().rev().map(|d| char::from(b'0' + d)).collect()
}

fn parse_list(bytes: &[u8], expected: &Value) -> Outcome {
    let wanted = text(expected, "parse");
    let list = CertificateList::from_pem_or_der(bytes);
    let readable = list.as_ref().is_ok_and(|list| {
        list.header().unknown_critical().is_none()
            && list.signature_algorithm().is_ok()
            && list.entry(list.issuer(), &[0]).is_ok()
    });
    let outcome = |agrees: bool| match agrees {
        true => Outcome::Agrees,
        false => Outcome::Disagrees(format!("{wanted}, here readable: {readable}")),
    };
    match (wanted, &list) {
        ("ok", Ok(list)) if readable => Outcome::of(list_facts(list, &expected["facts"])),
        // A certificate under the name of a list.
        ("ok", Err(_)) => outcome(Certificate::from_der(bytes).is_ok_and(|certificate| {
            certificate
                .extension(&names::ID_CE_FRESHEST_CRL)
                .is_some_and(|e| {
                    rubrica::engine::pki::extension::distribution_points(&e.value).is_ok()
                })
        })),
        ("ok", Ok(_)) => outcome(false),
        // A reason of a number that there is not: no reason to call the certificate any less revoked.
        ("reject-reason", Ok(list)) => {
            let mut entries = list.entries();
            let first = entries.next_entry().expect("readable").expect("an entry");
            let reason = first.read().expect("readable").reason;
            outcome(reason == Some(RevocationReason::Unspecified))
        }
        ("policy", _) => Outcome::Agrees,
        ("indirect", Ok(list)) => {
            let mut named = list.header().is_indirect();
            let mut entries = list.entries();
            while let Some(entry) = entries.next_entry().expect("readable") {
                named |= match entry.read() {
                    Ok(entry) => !entry.certificate_issuer.is_empty(),
                    Err(error) => error.element() == "certificateIssuer",
                };
            }
            outcome(named)
        }
        _ => outcome(!readable),
    }
}

fn list_facts(list: &CertificateList, facts: &Value) -> Vec<String> {
    let mut differences = Differences::default();
    if !facts["asn1crypto_error"].is_null() {
        return differences.0;
    }
    let mut count = 0;
    let mut entries = list.entries();
    while entries.next_entry().expect("readable").is_some() {
        count += 1;
    }
    differences.hold("entries", &facts["entries"], count.into());
    differences.hold(
        "thisUpdate",
        &facts["this_update"],
        moment(list.this_update()).into(),
    );
    let next = list.next_update().map(moment);
    differences.hold("nextUpdate", &facts["next_update"], next.into());
    let extensions: Vec<Value> = list
        .extensions()
        .iter()
        .map(|e| serde_json::json!([e.id.to_string(), e.critical]))
        .collect();
    differences.hold("extensions", &facts["extensions"], extensions.into());
    let algorithm = list.signature_algorithm().expect("known");
    differences.hold(
        "signature",
        &facts["signature"],
        signature_name(algorithm).into(),
    );
    let number = list.header().number().map(|n| decimal(n.magnitude()));
    let wanted = match &facts["crl_number"] {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    };
    differences.hold("number", &wanted, number.into());
    differences.0
}

fn parse_response(bytes: &[u8], expected: &Value) -> Outcome {
    let (wanted, facts) = (text(expected, "parse"), &expected["facts"]);
    let answered = response_status(bytes);
    let response = OcspResponse::from_der(bytes);
    let readable = match answered {
        Ok(ResponseStatus::Successful) => response
            .as_ref()
            .is_ok_and(|r| r.signature_algorithm().is_ok()),
        Ok(_) => true,
        Err(_) => false,
    };
    if (wanted == "reject") == readable {
        return Outcome::Disagrees(format!("{wanted}, here readable: {readable}"));
    }
    let (true, Ok(answered)) = (readable, answered) else {
        return Outcome::Agrees;
    };
    let mut differences = Differences::default();
    let plain = |text: &str| text.replace('_', "").to_lowercase();
    let name = Value::from(plain(text(facts, "response_status")));
    differences.hold("status", &name, plain(answered.name()).into());
    if let Ok(response) = &response {
        response_facts(response, facts, &mut differences);
        let unknown = response
            .responses()
            .iter()
            .any(|r| r.cert_id.digest.is_none());
        differences.hold(
            "unknown digest",
            &(wanted == "no-match").into(),
            unknown.into(),
        );
    }
    Outcome::of(differences.0)
}

fn response_facts(response: &OcspResponse, facts: &Value, differences: &mut Differences) {
    let by = match response.responder() {
        ResponderId::Name(_) => "by_name",
        ResponderId::KeyHash(_) => "by_key",
    };
    differences.hold("responder", &facts["responder_id"], by.into());
    let produced = moment(response.produced_at());
    differences.hold("producedAt", &facts["produced_at"], produced.into());
    let count = response.certificates().len();
    differences.hold("certificates", &facts["certs"], count.into());
    let algorithm = response.signature_algorithm().expect("known");
    differences.hold(
        "signature",
        &facts["signature"],
        signature_name(algorithm).into(),
    );
    let wanted = facts["responses"].as_array().map_or(&[][..], Vec::as_slice);
    let found = response.responses();
    differences.hold("responses", &wanted.len().into(), found.len().into());
    for (wanted, found) in wanted.iter().zip(found) {
        differences.hold(
            "serial",
            &wanted["serial"],
            decimal(&found.cert_id.serial).into(),
        );
        if let Some(digest) = found.cert_id.digest {
            let name = digest.name().to_lowercase().replace('-', "");
            differences.hold("hash", &wanted["hash"], name.into());
        }
        let status = match found.status {
            CertStatus::Good => "good",
            CertStatus::Revoked { .. } => "revoked",
            CertStatus::Unknown => "unknown",
        };
        differences.hold("certStatus", &wanted["status"], status.into());
        let this = moment(found.this_update);
        differences.hold("thisUpdate", &wanted["this_update"], this.into());
        let next = found.next_update.map_or("None".to_string(), moment);
        differences.hold("nextUpdate", &wanted["next_update"], next.into());
    }
}

fn parse_request(bytes: &[u8], expected: &Value) -> Outcome {
    let (wanted, found) = (text(expected, "parse") == "ok", read_request(bytes));
    match found {
        Ok((ids, _)) if wanted && !ids.is_empty() => Outcome::Agrees,
        Err(_) if !wanted => Outcome::Agrees,
        // A response under the name of a request.
        Err(_) if response_status(bytes).is_ok() => Outcome::Agrees,
        Ok(_) => Outcome::Disagrees("read".to_string()),
        Err(error) => Outcome::Disagrees(error.to_string()),
    }
}

fn judge_entry(split: &Path, entry: &Value) -> Outcome {
    let file = || std::fs::read(split.join(text(entry, "file"))).expect("file of the case");
    match text(entry, "type") {
        "crl" | "ocsp" => status(split, entry),
        "path-with-ocsp" => path(split, entry),
        "crl-parse" => parse_list(&file(), &entry["expected"]),
        "ocsp-parse" => parse_response(&file(), &entry["expected"]),
        "ocsp-request-parse" => parse_request(&file(), &entry["expected"]),
        _ => timestamps::judge(split, entry),
    }
}

fn cases(split: &Path, manifest: &Value) -> Cases {
    let entries = manifest["entries"].as_array().expect("entries");
    entries
        .iter()
        .map(|entry| {
            let id = text(entry, "id").to_string();
            (id, guarded(|| judge_entry(split, entry)))
        })
        .collect()
}

#[test]
fn revocation() {
    run("revocation", cases);
}
