//! The sample: a citizen's signed request, registered over HTTP like any other, its acuse fetched and validated.

use super::super::Exit;
use super::setup::{Setup, failed, read};
use crate::engine::formats::pades::Pades;
use crate::engine::formats::{Options, PadesOptions};
use crate::engine::{Error, Result};
use crate::service::clock::{Clock, SystemClock};
use crate::service::config::{SealSettings, WhenTsaFails};
use crate::service::flow::{Order, seal};
use crate::service::keys::Seal;
use serde_json::Value;
use std::fs;
use std::time::Duration;

const METADATA: &str = include_str!("metadata.json");
const ANNEX: &str = "Libro de familia: este archivo hace las veces de uno.\n";
const BOUNDARY: &str = "rubrica-demo-7f3a91c2";
/// The caller's own name for the sample: the same on every run, so that it is registered once.
const IDEMPOTENCY_KEY: &str = "demo-sample-1";

/// Registers the sample, fetches and validates its acuse, says what came of it, and what to try.
pub(super) fn show(setup: &Setup) -> Result<Exit> {
    write_sample(setup)?;
    let client = Client::new(setup);
    let receipt = client.register(setup)?;
    let number = text(&receipt, "number");
    let acuse = client.get(&format!("/v1/receipts/{number}/acuse"))?;
    let path = setup.path("acuse.zip");
    fs::write(&path, &acuse).map_err(|error| failed(&path, &error))?;
    let report = client.validate(&acuse)?;
    let indication = text(&report, "indication");

    println!("\nThe sample, registered and validated over HTTP:\n");
    println!("  number      {number}");
    println!("  presented   {}", text(&receipt, "presented_local"));
    println!(
        "  sealed      {} ({})",
        text(&receipt, "sealed_local"),
        text(&receipt, "level")
    );
    if let Some(why) = receipt["degraded"].as_str() {
        println!("  degraded    {why}");
    }
    println!(
        "  code        {} (its groups stand in the justificante alone)",
        text(&receipt, "code_id")
    );
    println!("  acuse       {} ({} bytes)", path.display(), acuse.len());
    println!(
        "  validated   {indication}, {} signatures",
        signatures(&report)
    );
    print_lines(setup, number, text(&receipt, "code_id"));
    Ok(match indication {
        "TOTAL-PASSED" => Exit::Passed,
        "TOTAL-FAILED" => Exit::Failed,
        _ => Exit::Indeterminate,
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Signatures of a report and of the documents inside.
fn signatures(report: &Value) -> usize {
    let own = report["signatures"].as_array().map_or(0, Vec::len);
    let inside = report["inside"].as_array().into_iter().flatten();
    own + inside
        .map(|nested| signatures(&nested["report"]))
        .sum::<usize>()
}

fn print_lines(setup: &Setup, number: &str, code_id: &str) {
    let (url, key) = (setup.base_url(), &setup.key);
    let at = |name: &str| setup.path(name).display().to_string();
    println!("\nPages:\n");
    println!("  {url}/                       what can be done");
    println!("  {url}/verificar              check {}", at("acuse.zip"));
    println!("  {url}/verificar/codigo?id={code_id}");
    println!("                               check the code at the foot of the justificante");
    println!("  {url}/sellos                 the seals");
    println!("  {url}/certificados           check a certificate");
    println!("  {url}/hora                   the official time");
    println!("\nLines to paste:\n");
    println!("  curl -s -H 'Authorization: Bearer {key}' -H 'Idempotency-Key: mine-1' \\");
    println!(
        "       -F 'metadata=@{};type=application/json' \\",
        at("metadata.json")
    );
    println!(
        "       -F request=@{} -F attachment=@{} {url}/v1/receipts",
        at("solicitud.pdf"),
        at("anexo.txt")
    );
    println!("  curl -s -H 'Authorization: Bearer {key}' {url}/v1/receipts/{number}");
    println!(
        "  curl -s -H 'Authorization: Bearer {key}' -o justificante.pdf {url}/v1/receipts/{number}/justificante"
    );
    println!("  curl -s -H 'Authorization: Bearer {key}' -H 'Content-Type: application/pdf' \\");
    println!(
        "       --data-binary @{} -o sealed.pdf '{url}/v1/seal?seal=sede&visible=true'",
        at("solicitud.pdf")
    );
    println!("  curl -s -H 'Content-Type: application/zip' -H 'Accept: text/plain' \\");
    println!(
        "       --data-binary @{} {url}/v1/validate",
        at("acuse.zip")
    );
    let program = program();
    println!(
        "  {program} verify {} --config {}",
        at("acuse.zip"),
        at("rubrica.toml")
    );
    println!(
        "  {program} verify {} --offline --trust {} --crl {} --crl {}",
        at("acuse.zip"),
        at("pki/root.pem"),
        at("pki/ca.crl"),
        at("pki/root.crl")
    );
}

/// What this program was started as, so that the lines can be pasted where it is on no path.
fn program() -> String {
    let started = std::env::args_os().next();
    started.map_or_else(|| "rubrica".into(), |p| p.to_string_lossy().into_owned())
}

/// The request, signed by the demo's citizen, its attachment and its metadata; what is there stays.
fn write_sample(setup: &Setup) -> Result<()> {
    let put = |name: &str, bytes: &[u8]| {
        let path = setup.path(name);
        fs::write(&path, bytes).map_err(|error| failed(&path, &error))
    };
    if !setup.path("solicitud.pdf").exists() {
        put("solicitud.pdf", &signed_request(setup)?)?;
    }
    if !setup.path("anexo.txt").exists() {
        put("anexo.txt", ANNEX.as_bytes())?;
    }
    if !setup.path("metadata.json").exists() {
        put("metadata.json", METADATA.as_bytes())?;
    }
    Ok(())
}

fn signed_request(setup: &Setup) -> Result<Vec<u8>> {
    let citizen = Seal::load(&SealSettings {
        name: "citizen".into(),
        key: setup.path("pki/citizen.p12"),
        certificate: None,
        passphrase_file: Some(setup.path("pki/passphrase")),
        passphrase_env: None,
        rsa_pss: false,
        digest: None,
        tsa: Vec::new(),
        when_tsa_fails: WhenTsaFails::Degrade,
        reason: None,
        location: None,
    })?;
    let options = Options::Pades(PadesOptions {
        reason: Some("Solicitud".into()),
        location: None,
        name: Some(citizen.certificate.subject().common_name()),
        field: None,
        visible: None,
    });
    let order = Order {
        seal: &citizen,
        format: &Pades,
        options: &options,
        timestamping: None,
        when_tsa_fails: WhenTsaFails::Degrade,
    };
    Ok(seal(&request_pdf(), &order, SystemClock.now())?.bytes)
}

/// A page with a few lines, as a form would make it.
fn request_pdf() -> Vec<u8> {
    let lines = [
        "SOLICITUD DE DEMOSTRACI\\323N",
        "Prestaci\\363n por nacimiento y cuidado de menor",
        "Interesada: MAR\\315A ESPA\\321OL IB\\301\\321EZ",
        "Este documento es un ejemplo y no produce ning\\372n efecto.",
    ];
    let shown: String = lines
        .iter()
        .map(|line| format!("({line}) Tj T*\n"))
        .collect();
    let content = format!("BT /F1 14 Tf 22 TL 72 760 Td\n{shown}ET\n");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R/Lang(es-ES)>>".to_string(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_string(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>".to_string(),
        format!("<</Length {}>>\nstream\n{content}endstream", content.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_string(),
    ];
    let mut pdf = String::from("%PDF-1.7\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = pdf.len();
    let size = objects.len() + 1;
    pdf.push_str(&format!(
        "xref\n0 {size}\n{table}trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    ));
    pdf.into_bytes()
}

/// A caller like any other.
struct Client {
    agent: ureq::Agent,
    base: String,
    authorization: String,
}

impl Client {
    fn new(setup: &Setup) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Client {
            agent: agent.into(),
            base: setup.base_url(),
            authorization: format!("Bearer {}", setup.key),
        }
    }

    fn register(&self, setup: &Setup) -> Result<Value> {
        let mut body = Vec::new();
        let parts = [
            ("metadata", "metadata.json", "application/json"),
            ("request", "solicitud.pdf", "application/pdf"),
            ("attachment", "anexo.txt", "text/plain"),
        ];
        for (name, file, media_type) in parts {
            let path = setup.path(file);
            let bytes = match media_type {
                "application/pdf" => fs::read(&path).map_err(|error| failed(&path, &error))?,
                _ => read(&path)?.into_bytes(),
            };
            body.extend(
                format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
                     Content-Type: {media_type}\r\n\r\n"
                )
                .into_bytes(),
            );
            body.extend(bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        let answer = self
            .agent
            .post(format!("{}/v1/receipts?attachments=inside", self.base))
            .header("Authorization", &self.authorization)
            .header("Idempotency-Key", IDEMPOTENCY_KEY)
            .header(
                "Content-Type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .send(&body[..]);
        json(&taken("/v1/receipts", answer)?)
    }

    fn get(&self, path: &str) -> Result<Vec<u8>> {
        let answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization)
            .call();
        taken(path, answer)
    }

    fn validate(&self, acuse: &[u8]) -> Result<Value> {
        let answer = self
            .agent
            .post(format!("{}/v1/validate", self.base))
            .header("Content-Type", "application/zip")
            .send(acuse);
        json(&taken("/v1/validate", answer)?)
    }
}

/// The body of an answer that is no problem.
fn taken(
    path: &str,
    answer: std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Vec<u8>> {
    let gone = |error: ureq::Error| Error::unavailable(path.to_string(), error.to_string());
    let mut answer = answer.map_err(gone)?;
    let body = answer
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_vec()
        .map_err(gone)?;
    if answer.status().is_success() {
        return Ok(body);
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem["detail"]
        .as_str()
        .unwrap_or("no reason given")
        .to_string();
    let error = Error::unavailable(path.to_string(), detail);
    Err(match problem["remedy"].as_str() {
        Some(remedy) => error.remedy(remedy.to_string()),
        None => error,
    })
}

fn json(bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|_| Error::internal("answer", "is not JSON"))
}
