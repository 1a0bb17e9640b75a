//! Wycheproof: signature verification of every algorithm that the crypto room has a row for.

use super::{Cases, Outcome, guarded, run, text};
use rubrica::engine::crypto::{DigestAlgorithm, PublicKey, SignatureAlgorithm, SignatureInput};
use serde_json::Value;
use std::path::Path;

fn hex(text: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).expect("hexadecimal") as u8;
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn digest(name: &str) -> Option<DigestAlgorithm> {
    DigestAlgorithm::ALL
        .iter()
        .copied()
        .find(|d| d.name() == name)
}

fn algorithm(group: &Value) -> Option<SignatureAlgorithm> {
    let sha = digest(text(group, "sha"));
    Some(match text(group, "type") {
        "EcdsaVerify" => SignatureAlgorithm::Ecdsa(sha?),
        "EcdsaP1363Verify" => SignatureAlgorithm::EcdsaPlain(sha?),
        "RsassaPkcs1Verify" | "RsassaPkcs1Generate" => SignatureAlgorithm::RsaPkcs1(sha?),
        "RsassaPssVerify" | "RsassaPssWithParametersVerify" => SignatureAlgorithm::RsaPss {
            digest: sha?,
            mask: digest(text(group, "mgfSha"))?,
            salt: u16::try_from(group["sLen"].as_u64()?).ok()?,
        },
        "EddsaVerify" if group["publicKey"]["curve"] == "edwards25519" => {
            SignatureAlgorithm::Ed25519
        }
        "EddsaVerify" => SignatureAlgorithm::Ed448,
        _ => return None,
    })
}

fn case(group: &Value, test: &Value) -> Outcome {
    let Some(algorithm) = algorithm(group) else {
        return Outcome::NotSupported("digest or mask without a row in the table of algorithms");
    };
    let key = ["publicKeyDer", "keyDer"]
        .iter()
        .find_map(|k| group[*k].as_str())
        .map(hex);
    let verifies = key.is_some_and(|spki| {
        let input = hex(text(test, "msg"));
        PublicKey::from_spki(&spki).is_ok_and(|key| {
            key.verify(
                algorithm,
                SignatureInput::Message(&input),
                &hex(text(test, "sig")),
            )
        })
    });
    match (text(test, "result"), verifies) {
        ("valid", true) | ("invalid", false) | ("acceptable", _) => Outcome::Agrees,
        (expected, _) => Outcome::Disagrees(format!("{expected}, verifies: {verifies}")),
    }
}

fn judge(split: &Path, manifest: &Value) -> Cases {
    let mut cases = Cases::new();
    for file in manifest["files"].as_array().expect("files") {
        let name = text(file, "file");
        let vectors = std::fs::read(split.join(name)).expect("vectors");
        let vectors: Value = serde_json::from_slice(&vectors).expect("JSON");
        for group in vectors["testGroups"].as_array().expect("groups") {
            for test in group["tests"].as_array().expect("tests") {
                let id = format!("{name}#{}", test["tcId"]);
                cases.push((id, guarded(|| case(group, test))));
            }
        }
    }
    cases
}

#[test]
fn wycheproof() {
    run("wycheproof", judge);
}
