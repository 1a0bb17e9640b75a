//! trusted-lists: real lists, pivots and damaged ones (TS 119 612): what each says, and who may sign it.

use super::{Cases, Outcome, guarded, run, text};
use rubrica::engine::Time;
use rubrica::engine::limits::Budget;
use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::trust::{
    Anchors, Authenticity, Listing, Service, ServiceStatus, ServiceType, TrustedList, TrustedLists,
    believed_signers, pivots,
};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// What differs between a value of ours and the manifest's.
fn differs(name: &str, ours: impl ToString, theirs: &Value) -> Option<String> {
    let ours = ours.to_string();
    let theirs = match theirs {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (ours != theirs).then(|| format!("{name} is {ours:?}, not {theirs:?}"))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

/// As an instant, since the manifest writes seconds and lists may write fractions.
fn differs_in_time(name: &str, ours: Option<Time>, theirs: &Value) -> Option<String> {
    let theirs: Option<Time> = theirs.as_str().map(|t| t.parse().unwrap());
    (ours != theirs).then(|| format!("{name} is {ours:?}, not {theirs:?}"))
}

fn compared(list: &TrustedList, entry: &Value) -> Vec<String> {
    let scheme = &list.scheme;
    let kind = scheme.list_type.as_deref().unwrap_or_default();
    let services: Vec<_> = list.services().map(|(_, s)| s).collect();
    let history: usize = services.iter().map(|s| s.states.len() - 1).sum();
    [
        differs("digest", hex(&list.digest), &entry["sha256"]),
        differs(
            "territory",
            shown(scheme.territory.as_ref()),
            &entry["territory"],
        ),
        differs("version", shown(scheme.version), &entry["version"]),
        differs("sequence", shown(scheme.sequence), &entry["sequence"]),
        differs(
            "type",
            kind.rsplit('/').next().unwrap_or(kind),
            &entry["type"],
        ),
        differs_in_time("issued", scheme.issued, &entry["issued"]),
        differs_in_time("next update", scheme.next_update, &entry["next_update"]),
        differs("providers", list.providers.len(), &entry["providers"]),
        differs("services", services.len(), &entry["services"]),
        differs("history", history, &entry["history"]),
        differs("pointers", scheme.pointers.len(), &entry["pointers"]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether `lotl` names `signer` for the territory of `list`.
fn is_listed(lotl: &TrustedList, list: &TrustedList, signer: &str) -> bool {
    let pointers = lotl.scheme.pointers.iter();
    let of = pointers.filter(|p| p.territory == list.scheme.territory);
    of.flat_map(|p| &p.signers)
        .any(|c| hex(&c.fingerprint()) == signer)
}

fn case(entry: &Value, bytes: &[u8], lotl: &TrustedList) -> Outcome {
    let read = TrustedList::read(bytes, &mut Budget::default());
    if entry.get("xml_error").is_some() {
        return match read {
            Ok(_) => Outcome::Disagrees("is read, and is not XML".to_string()),
            Err(error) if error.element() == "trusted list" => Outcome::Agrees,
            Err(error) => Outcome::Disagrees(error.to_string()),
        };
    }
    let list = match read {
        Ok(list) => list,
        Err(error) => return Outcome::Disagrees(error.to_string()),
    };
    let mut differences = compared(&list, entry);
    if let Some(expected) = entry["signer_listed_in_lotl"].as_bool() {
        let signer = text(entry, "signer_sha256");
        if is_listed(lotl, &list, signer) != expected {
            differences.push(format!(
                "signer listed in the list of lists: not {expected}"
            ));
        }
    }
    if list.faults.iter().any(|f| f.contains("certificate")) {
        differences.push(list.faults.join("; "));
    }
    Outcome::of(differences)
}

fn judge(split: &Path, manifest: &Value) -> Cases {
    let read = |file: &str| fs::read(split.join("files").join(file)).unwrap();
    let lotl = read(text(manifest, "lotl"));
    let lotl = TrustedList::read(&lotl, &mut Budget::default()).unwrap();
    let entries = manifest["entries"].as_array().unwrap();
    let one = |entry: &Value| {
        let bytes = fs::read(split.join(text(entry, "file"))).unwrap();
        let outcome = guarded(|| case(entry, &bytes, &lotl));
        (text(entry, "id").to_string(), outcome)
    };
    entries.iter().map(one).collect()
}

#[test]
fn trusted_lists_say_what_they_say() {
    run("trusted-lists", judge);
}

fn corpus_list(name: &str) -> Option<TrustedList> {
    let file = super::corpora()?.join("trusted-lists/dev/files").join(name);
    let bytes = fs::read(file).ok()?;
    Some(TrustedList::read(&bytes, &mut Budget::default()).unwrap())
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

/// The certificate of the Spanish list whose service of this type has this text in a name.
fn certificate(list: &TrustedList, kind: &ServiceType, text: &str) -> Certificate {
    let mut services = list.services().map(|(_, service)| service);
    let named = |service: &&Service| {
        service.current().service_type == *kind
            && service
                .certificates()
                .iter()
                .any(|c| c.subject().to_string().contains(text))
    };
    let found = services.find(named).expect("the service is in the list");
    found.certificates()[0].clone()
}

/// The Social Security's authorities by the Spanish list of 2019 (its number 88).
#[test]
fn the_social_security_is_trusted_in_the_times_of_its_services() {
    let Some(list) = corpus_list("lotlCache/ES.xml") else {
        return;
    };
    let old = certificate(&list, &ServiceType::CaQc, "SGI");
    let new = certificate(&list, &ServiceType::CaQc, "GISS01");
    let believe = |authenticity| {
        TrustedLists::new(vec![Listing {
            list: Arc::new(list.clone()),
            authenticity,
        }])
    };
    let lists = believe(Authenticity::Vouched);
    let types = [ServiceType::CaQc, ServiceType::TsaQtst];
    let anchors = Anchors::new(lists.anchors(&types));
    let trusted = |certificate: &Certificate, instant: &str| {
        let anchor = anchors.of_at(certificate, at(instant));
        anchor.is_some_and(|anchor| anchor.is_trusted_at(at(instant)))
    };
    for (instant, by_old, by_new) in [
        ("2010-02-26T12:00:00Z", false, false),
        ("2012-06-01T12:00:00Z", true, false),
        ("2016-06-23T12:00:00Z", true, false),
        ("2017-06-01T12:00:00Z", true, true),
        ("2019-06-01T12:00:00Z", false, true),
    ] {
        assert_eq!(trusted(&old, instant), by_old, "SGI {instant}");
        assert_eq!(trusted(&new, instant), by_new, "GISS01 {instant}");
    }
    let listed = lists.services_for(&old, at("2019-06-01T12:00:00Z"));
    let state = listed[0].state.unwrap();
    assert_eq!(state.status, ServiceStatus::Withdrawn);
    assert_eq!(state.since, Some(at("2018-05-03T00:00:00Z")), "{state:?}");
    let nobody = believe(Authenticity::Unverified);
    assert!(nobody.anchors(&types).is_empty());
    assert!(
        nobody
            .services_for(&old, at("2012-06-01T12:00:00Z"))
            .is_empty()
    );
    assert_eq!(nobody.digest(), None);
}

/// Whoever signed each made-up list of lists is named by the chain from the Official Journal to it.
#[test]
fn pivots_lead_from_the_journal_to_the_newest_signers() {
    let Some(root) = super::corpora() else { return };
    let split = root.join("trusted-lists/dev");
    let manifest: Value =
        serde_json::from_slice(&fs::read(split.join("manifest.json")).unwrap()).unwrap();
    let signer = |id: &str| {
        let entries = manifest["entries"].as_array().unwrap();
        let entry = entries.iter().find(|e| text(e, "id") == id).unwrap();
        text(entry, "signer_sha256").to_string()
    };
    let list = |name: &str| corpus_list(name).unwrap();
    let journal = |file: &str| {
        let pem = fs::read(split.join("certs").join(file)).unwrap();
        Certificate::from_pem_or_der(&pem).unwrap()
    };
    let may = |signers: &[Certificate], id: &str| {
        signers.iter().any(|c| hex(&c.fingerprint()) == signer(id))
    };
    let names = [
        "pivots/lotl_test_OJ_1_pivot_01.xml",
        "pivots/lotl_test_OJ_1_pivot_02.xml",
        "pivots/lotl_test_OJ_1_pivot_03.xml",
    ];
    let chain: Vec<TrustedList> = names.iter().map(|n| list(n)).collect();
    let pivots = pivots(&chain[2], None).unwrap();
    assert_eq!(pivots.len(), 3, "{pivots:?}");
    assert!(pivots[0].ends_with("pivot_01.xml") && pivots[2].ends_with("pivot_03.xml"));
    let mut told = Vec::new();
    for (length, name) in names.iter().enumerate() {
        let before = chain.iter().take(length);
        let signers = believed_signers(&journal("OJ1.pem"), before, |_, _| true).unwrap();
        told.push(may(&signers, name));
    }
    assert_eq!(told, [true, true, true]);
    let refused = believed_signers(&journal("OJ1.pem"), &chain, |pivot, _| {
        pivot.digest != chain[1].digest
    });
    assert!(refused.unwrap_err().to_string().contains("nobody vouches"));
    let other = pivots_of_other_journal(&chain[2]);
    assert!(other.to_string().contains("publication"), "{other}");
}

fn pivots_of_other_journal(lotl: &TrustedList) -> rubrica::engine::Error {
    pivots(lotl, Some("https://eur-lex.europa.eu/another")).unwrap_err()
}

/// Real pivots of 2016 to 2018: each is signed by a certificate that the one before names.
#[test]
fn real_pivots_name_their_successors_signers() {
    let Some(list) = corpus_list("lotlCache/tl_pivot_247_mp.xml") else {
        return;
    };
    let addresses = pivots(&list, None).unwrap();
    let numbers: Vec<&str> = addresses
        .iter()
        .map(|a| a.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(
        numbers,
        [
            "tl-pivot-172-mp.xml",
            "tl-pivot-191-mp.xml",
            "tl-pivot-226-mp.xml",
            "tl-pivot-247-mp.xml"
        ]
    );
    let mutual = corpus_list("mra-lotl.xml").unwrap();
    let pointer = mutual
        .scheme
        .pointers
        .iter()
        .find(|p| p.recognition.is_some())
        .unwrap();
    assert_eq!(pointer.territory.as_deref(), Some("XX"));
    let equivalence = &pointer.recognition.as_ref().unwrap().equivalences[0];
    assert_eq!(equivalence.legal_identifier, "QCForESig");
    assert!(equivalence.is_enacted(at("2020-06-01T00:00:00Z")));
    assert!(!equivalence.is_enacted(at("2020-05-01T00:00:00Z")));
    assert_eq!(
        (equivalence.valid.len(), equivalence.contents.len()),
        (1, 3)
    );
    assert_eq!(equivalence.qualifiers.len(), 8);
    let history = corpus_list("mra-zz-lotl-history.xml").unwrap();
    let pointers = history.scheme.pointers.iter();
    let with_history = pointers.filter_map(|p| p.recognition.as_ref());
    assert!(
        with_history
            .flat_map(|r| &r.equivalences)
            .any(|e| e.history.len() == 1)
    );
    let twice = corpus_list("mra-zz-lotl-duplicated-equivalence-context.xml").unwrap();
    assert!(
        twice
            .scheme
            .pointers
            .iter()
            .all(|p| p.recognition.is_none())
    );
    assert!(twice.faults.iter().any(|f| f.contains("one context")));
}
