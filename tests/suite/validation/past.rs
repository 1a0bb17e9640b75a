//! Signatures of long ago, as a user checks them: a seal of 2019 by the trusted list as of then, one of February 2010 by a
//! historical anchor whose provenance the report shows.

use super::*;
use crate::trust::Operator;
use base64::Engine;
use rubrica::engine::crypto::sha256;
use serde_json::Value;
use std::fs;

const NOW: &str = "2026-11-24T12:00:00Z";
const TYPES: &str = "http://uri.etsi.org/TrstSvc/Svctype";
const STATUS: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus";

/// An authority that seals of its time come from, and one of time-stamps that is trusted to this day.
struct Era {
    authority: Certificate,
    authority_key: Key,
    seal: Certificate,
    stamps: Certificate,
    stamps_key: Key,
    tsa: Certificate,
}

fn self_signed(name: &str, from: &str, to: &str) -> (Certificate, Key) {
    let key = Key::new();
    let (spki, extensions) = (key.spki(), authority_extensions(&key, None));
    let profile = Profile {
        name,
        serial: 1,
        from,
        to,
        extensions,
    };
    let certificate = issue_self_signed(&to_be_issued(&profile, &spki, &[1]), &key);
    (certificate.unwrap(), key)
}

impl Era {
    /// Seals are good for eight years from `from`, authorities until long after.
    fn new(from: &str, to: &str) -> Era {
        let (authority, authority_key) = self_signed("AC de la Seguridad Social", from, to);
        let (stamps, stamps_key) =
            self_signed("AC de sellos de tiempo", from, "2045-01-01T00:00:00Z");
        let seal = Profile {
            from,
            to,
            ..seal_profile()
        };
        let seal = certify(&seal, &world().seal_key, &authority, &authority_key);
        let tsa = Profile {
            name: "TSA",
            serial: 0x22,
            from,
            to: "2045-01-01T00:00:00Z",
            extensions: vec![
                ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
                ext::extended_key_usage(&[names::ID_KP_TIME_STAMPING], true),
            ],
        };
        let tsa = certify(&tsa, &world().tsa_key, &stamps, &stamps_key);
        Era {
            authority,
            authority_key,
            seal,
            stamps,
            stamps_key,
            tsa,
        }
    }

    /// What was sealed and time-stamped at `at`.
    fn sealed(&self, at: &str) -> Vec<u8> {
        let request = SignRequest {
            certificate: self.seal.clone(),
            chain: vec![self.authority.clone()],
            algorithm: world().seal_key.algorithm(),
            digest: DigestAlgorithm::Sha256,
            timestamp_reserve: 0,
            properties: Properties::default(),
            options: Options::Cades(CadesOptions::Attached),
        };
        let content = b"resolucion";
        let prepared = Cades.prepare(content.into(), &request, t(at)).unwrap();
        let value = world().seal_key.sign(&prepared.to_be_signed).unwrap();
        let token = token_by(&self.tsa, &value.0, at);
        let signed = Cades.embed(content, prepared.resume, value).unwrap();
        let signed = signed.apply(content).unwrap();
        let stamp = Material::SignatureTimestamp {
            signature: 0,
            token,
        };
        Cades
            .augment(&signed, &stamp)
            .unwrap()
            .apply(&signed)
            .unwrap()
    }

    /// Verifies at [`NOW`] what was sealed at `at`, with a list of then that was kept and one of time-stamps of today.
    fn verify(&self, operator: &Operator, at: &str) -> (i32, String, Value) {
        let until = t(at).plus(Duration::from_secs(7 * 86_400)).to_string();
        let then = list(&self.authority, &self.authority_key, &[], None, at, &until);
        let today = ("2026-11-24T00:00:00Z", "2026-12-01T00:00:00Z");
        let today = list(&self.stamps, &self.stamps_key, &[], None, today.0, today.1);
        for (name, bytes) in [
            ("sealed.p7s", &self.sealed(at)[..]),
            ("then.crl", &then.bytes[..]),
            ("today.crl", &today.bytes[..]),
            ("stamps.pem", self.stamps.bytes()),
        ] {
            fs::write(operator.path(name), bytes).unwrap();
        }
        let [file, then, today, stamps] =
            ["sealed.p7s", "then.crl", "today.crl", "stamps.pem"].map(|name| operator.path(name));
        let arguments = |more: &[&'static str]| {
            let mut all = vec!["verify", "--offline", "--at", NOW, "--certificate", &stamps];
            all.extend(["--crl", &then, "--crl", &today]);
            all.extend(more);
            all.push(&file);
            operator.run(&all)
        };
        let (code, text, err) = arguments(&["--lang", "es"]);
        assert!(err.is_empty(), "{err}");
        let (_, json, _) = arguments(&["--json"]);
        (code, text, serde_json::from_str(&json).unwrap())
    }
}

/// A service of a trusted list: its certificate, its type, and its statuses, the latest first.
fn service(certificate: &Certificate, kind: &str, statuses: &[(&str, &str)]) -> String {
    let identity = base64::engine::general_purpose::STANDARD.encode(certificate.bytes());
    let state = |(status, since): &(&str, &str)| {
        format!(
            "<ServiceTypeIdentifier>{TYPES}/{kind}</ServiceTypeIdentifier>\
             <ServiceName><Name xml:lang='es'>Servicio {kind}</Name></ServiceName>\
             <ServiceDigitalIdentity><DigitalId><X509Certificate>{identity}</X509Certificate></DigitalId></ServiceDigitalIdentity>\
             <ServiceStatus>{STATUS}/{status}</ServiceStatus><StatusStartingTime>{since}</StatusStartingTime>"
        )
    };
    let former = |one| {
        format!(
            "<ServiceHistoryInstance>{}</ServiceHistoryInstance>",
            state(one)
        )
    };
    let history: String = statuses[1..].iter().map(former).collect();
    format!(
        "<TSPService><ServiceInformation>{}</ServiceInformation><ServiceHistory>{history}</ServiceHistory></TSPService>",
        state(&statuses[0])
    )
}

fn list_of(services: &[String]) -> String {
    format!(
        "<TrustServiceStatusList xmlns='http://uri.etsi.org/02231/v2#'><SchemeInformation>\
         <TSLVersionIdentifier>6</TSLVersionIdentifier><TSLSequenceNumber>120</TSLSequenceNumber>\
         <TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</TSLType><SchemeTerritory>ES</SchemeTerritory>\
         <ListIssueDateTime>2026-11-01T00:00:00Z</ListIssueDateTime>\
         <NextUpdate><dateTime>2027-05-01T00:00:00Z</dateTime></NextUpdate></SchemeInformation>\
         <TrustServiceProviderList><TrustServiceProvider><TSPInformation><TSPName>\
         <Name xml:lang='es'>Seguridad Social</Name></TSPName></TSPInformation><TSPServices>{}</TSPServices>\
         </TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>",
        services.concat()
    )
}

fn checks(report: &Value) -> String {
    report["signatures"][0]["findings"].to_string()
}

#[test]
fn a_seal_of_2019_is_judged_by_the_trusted_list_as_of_then() {
    let era = Era::new("2016-07-01T00:00:00Z", "2024-07-01T00:00:00Z");
    let list = list_of(&[
        service(
            &era.authority,
            "CA/QC",
            &[
                ("withdrawn", "2022-03-01T00:00:00Z"),
                ("granted", "2017-01-01T00:00:00Z"),
            ],
        ),
        service(
            &era.stamps,
            "TSA/QTST",
            &[("granted", "2017-01-01T00:00:00Z")],
        ),
    ]);
    let digest = rubrica::engine::syntax::hex::hex(&sha256(list.as_bytes()));
    let operator = Operator::new("[trust.lists]");
    operator.write("es.xml", &list);
    let imported = operator.run(&[
        "trust",
        "import",
        &operator.path("es.xml"),
        "--vouch",
        &digest,
    ]);
    assert_eq!(imported.0, 0, "{imported:?}");

    let (code, text, report) = era.verify(&operator, "2019-06-03T10:00:00Z");
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("Lista de confianza ES: Seguridad Social, Servicio CA/QC"),
        "{text}"
    );
    let snapshot = report["trust"]["snapshot"].as_str().unwrap_or_default();
    assert!(snapshot.len() == 64 && text.contains(snapshot), "{text}");
    assert!(report.to_string().contains(&digest), "{report}");

    // The certificate by itself, at that moment, says as much.
    fs::write(operator.path("seal.pem"), era.seal.bytes()).unwrap();
    let lists = [operator.path("then.crl"), operator.path("seal.pem")];
    let then = [
        "--offline",
        "--at",
        "2019-06-03T10:00:00Z",
        "--crl",
        &lists[0],
        &lists[1],
    ];
    let (code, text, err) = operator.run(&[&["cert", "check", "--lang", "es"], &then[..]].concat());
    assert_eq!(code, 0, "{text}{err}");
    assert!(
        text.contains("Seguridad Social, Servicio CA/QC") && text.contains(snapshot),
        "{text}"
    );
    assert!(text.contains("Sello: no revocado, CRL"), "{text}");
    let (_, json, _) = operator.run(&[&["cert", "check", "--json"], &then[..]].concat());
    assert!(json.contains(snapshot) && json.contains(&digest), "{json}");

    // By a second: the last at which the service was trusted, and the first at which it was not any more.
    let (code, text, _) = era.verify(&operator, "2022-02-28T23:59:59Z");
    assert_eq!(code, 0, "{text}");
    for refused in ["2022-03-01T00:00:00Z", "2016-12-31T23:59:59Z"] {
        let (code, text, report) = era.verify(&operator, refused);
        assert_eq!(code, 2, "{refused} {text}");
        assert!(
            checks(&report).contains("path.anchor_not_trusted"),
            "{report}"
        );
    }
}

#[test]
fn a_seal_of_february_2010_is_judged_by_a_historical_anchor_whose_provenance_is_shown() {
    let era = Era::new("2003-02-14T00:00:00Z", "2015-02-14T00:00:00Z");
    let with = |historical: &str| {
        let operator = Operator::new(&format!("anchors = ['stamps.pem']\n{historical}"));
        fs::write(operator.path("stamps.pem"), era.stamps.bytes()).unwrap();
        fs::write(operator.path("authority.pem"), era.authority.bytes()).unwrap();
        operator
    };
    let operator = with(
        "[[trust.historical]]\ncertificate = 'authority.pem'\nfrom = '2003-02-14T00:00:00Z'\n\
         until = '2010-04-20T00:00:00Z'\nprovenance = 'Copia del archivo de la TGSS'",
    );
    let (code, text, report) = era.verify(&operator, "2010-02-26T12:00:00Z");
    assert_eq!(code, 0, "{text}");
    let shown = "certificado histórico configurado por el operador: Copia del archivo de la TGSS";
    assert!(text.contains(shown), "{text}");
    assert!(
        report.to_string().contains("Copia del archivo de la TGSS"),
        "{report}"
    );

    let (code, text, report) = era.verify(&operator, "2010-04-20T00:00:00Z");
    assert_eq!(code, 2, "{text}");
    assert!(
        checks(&report).contains("path.anchor_not_trusted"),
        "{report}"
    );
    let (code, text, _) = era.verify(&with(""), "2010-02-26T12:00:00Z");
    assert_eq!(code, 2, "{text}");
}
