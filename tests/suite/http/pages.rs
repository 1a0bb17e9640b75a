//! The pages: in every language, without scripts, with what a screen reader and a keyboard need.

use super::office::{Answer, Form, Office, PORTAL, metadata, pdf, request};

const PAGES: [&str; 9] = [
    "/",
    "/verificar",
    "/verificar/codigo",
    "/verificar/codigo?id=2AAAAAAAAAAA&fecha=2026-11-24",
    "/hora",
    "/sellos",
    "/certificados",
    "/accesibilidad",
    "/privacidad",
];
const LANGUAGES: [(&str, &str, &str); 7] = [
    ("es", "es-ES", "Accesibilidad"),
    ("ca", "ca-ES", "Accessibilitat"),
    ("va", "ca-ES-valencia", "Accessibilitat"),
    ("gl", "gl-ES", "Accesibilidade"),
    ("eu", "eu-ES", "Irisgarritasuna"),
    ("en", "en", "Accessibility"),
    ("fr", "fr", "Accessibilité"),
];

/// The values of an attribute, wherever it stands.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let pattern = format!(" {name}=\"");
    html.split(pattern.as_str())
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

/// The start tags of these elements.
fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let pattern = format!("<{name} ");
    html.split(pattern.as_str())
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
        .collect()
}

#[track_caller]
fn assert_sound(answer: &Answer, place: &str) {
    let html = answer.text();
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8"),
        "{place}"
    );
    assert_eq!(html.matches("<h1").count(), 1, "{place}");
    for landmark in ["<header", "<main", "<footer", "<nav"] {
        assert!(html.contains(landmark), "{place} {landmark}");
    }
    for banned in [
        "<script",
        " style=\"",
        "<style",
        " onclick",
        " onload",
        "javascript:",
        "http://",
        "https://",
    ] {
        assert!(!html.contains(banned), "{place}: {banned}");
    }
    assert!(
        html.contains("<a class=\"skip\" href=\"#contenido\">"),
        "{place}"
    );
    let ids = attributes(&html, "id");
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(
        unique.len(),
        ids.len(),
        "{place}: an id is there twice: {ids:?}"
    );
    for reference in ["for", "aria-labelledby", "aria-describedby"] {
        for id in attributes(&html, reference)
            .into_iter()
            .flat_map(str::split_whitespace)
        {
            assert!(ids.contains(&id), "{place}: {reference}={id}");
        }
    }
    let labelled = attributes(&html, "for");
    for input in tags(&html, "input") {
        if input.contains("type=\"hidden\"") {
            continue;
        }
        let with_space = format!(" {input}");
        let id = attributes(&with_space, "id");
        assert!(labelled.contains(&id[0]), "{place}: {input}");
    }
    for image in tags(&html, "img") {
        assert!(image.contains("alt="), "{place}: {image}");
    }
    for local in attributes(&html, "href") {
        if let Some(id) = local.strip_prefix('#') {
            assert!(ids.contains(&id), "{place}: {local} leads nowhere");
        }
    }
}

#[test]
fn every_page_is_sound_in_every_language() {
    let office = Office::with("[limits]\nrequests_per_minute=100000\n");
    for page in PAGES {
        for (code, tag, accessibility) in LANGUAGES {
            let joint = if page.contains('?') { '&' } else { '?' };
            let path = format!("{page}{joint}lang={code}");
            let answer = office.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert_sound(&answer, &path);
            let html = answer.text();
            assert!(html.contains(&format!("<html lang=\"{tag}\">")), "{path}");
            assert_eq!(answer.header("content-language"), Some(tag));
            let footer = html.split("<footer").nth(1).unwrap();
            assert!(footer.contains(&format!(">{accessibility}</a>")), "{path}");
            for link in attributes(&html, "href") {
                let own =
                    link.starts_with('/') && !link.starts_with("/assets") && !link.contains(".cer");
                let switch = link.contains("lang=") || link == "/openapi.json";
                assert!(!own || switch, "{path}: {link} loses the language");
            }
        }
    }
}

#[test]
fn the_language_of_the_browser_is_taken_and_links_lead_somewhere() {
    let office = Office::with("[limits]\nrequests_per_minute=100000\n");
    let page = |language: &str| {
        office
            .ask("GET", "/hora")
            .header("Accept-Language", language)
            .send()
            .text()
    };
    assert!(page("de, eu;q=0.8, en;q=0.5").contains("<html lang=\"eu-ES\">"));
    assert!(page("de").contains("<html lang=\"es-ES\">"));
    let mut seen = std::collections::BTreeSet::new();
    for page in PAGES {
        let html = office.get(page).text();
        for link in attributes(&html, "href")
            .into_iter()
            .chain(attributes(&html, "src"))
        {
            if link.starts_with('/') && seen.insert(link.to_string()) {
                assert_eq!(
                    office.get(&link.replace("&amp;", "&")).status,
                    200,
                    "{page}: {link}"
                );
            }
        }
    }
    assert!(seen.len() > 20);
}

#[test]
fn a_verified_file_is_explained_in_plain_words() {
    let office = Office::open();
    let receipt = office.register(PORTAL, "k", &request(&metadata())).json();
    let acuse = receipt["links"]["acuse"].as_str().unwrap();
    let acuse = office.ask("GET", acuse).key(PORTAL).send().body;
    let verify = |language: &str, name: &str, bytes: &[u8]| {
        let form = Form::default()
            .file("document", name, "application/octet-stream", bytes)
            // A file field that was left alone.
            .file("content", "", "application/octet-stream", b"");
        office
            .ask("POST", &format!("/verificar?lang={language}"))
            .form(&form)
    };
    for (code, tag, _) in LANGUAGES {
        let answer = verify(code, "acuse.zip", &acuse);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.text().contains(&format!("<html lang=\"{tag}\">")));
        assert!(answer.text().contains("banner good"), "{}", answer.text());
    }
    let passed = verify("es", "<b>acuse</b>.zip", &acuse);
    assert_sound(&passed, "result");
    let html = passed.text();
    for words in [
        "Todas las firmas son válidas",
        "SELLO",
        "TOTAL-PASSED",
        "download=\"evidencia.json\"",
        "justificante.pdf",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!html.contains("<b>acuse"), "a file name is text");

    let mut altered = acuse.clone();
    let inside = altered.len() / 2;
    altered[inside] ^= 0xFF;
    let answer = verify("es", "acuse.zip", &altered);
    assert!(!answer.text().contains("banner good"));

    let unsigned = verify("es", "a.pdf", &pdf());
    assert!(unsigned.text().contains("no lleva ninguna firma"));
    assert_sound(&unsigned, "unsigned");
}

#[test]
fn what_cannot_be_verified_is_said_at_the_field() {
    let office = Office::open();
    let verify = |bytes: &[u8]| {
        let form = Form::default().file("document", "x.pdf", "application/pdf", bytes);
        office.ask("POST", "/verificar").form(&form)
    };
    for bytes in [&b""[..], b"not a pdf"] {
        let answer = verify(bytes);
        assert_eq!(answer.status, 422);
        assert_sound(&answer, "error");
        let html = answer.text();
        assert!(html.contains("<title>Error: "), "{html}");
        assert!(html.contains("role=\"alert\"") && html.contains("href=\"#document\""));
        assert!(html.contains("id=\"document-error\"") && html.contains("aria-invalid=\"true\""));
    }
    let wrong = office.ask("POST", "/verificar").body("text/plain", b"x");
    assert_eq!(wrong.status, 415);
    assert_sound(&wrong, "problem");
}

#[test]
fn a_browser_is_told_of_what_is_not_there_in_a_page_and_a_program_in_json() {
    let office = Office::open();
    let browser = office
        .ask("GET", "/nada?lang=gl")
        .header("Accept", "text/html,*/*")
        .send();
    assert_eq!(browser.status, 404);
    assert_sound(&browser, "not found");
    assert!(browser.text().contains("Esta páxina non existe"));
    assert_eq!(office.get("/nada").remedied(404), "path");
    let cer = office.get("/sellos/00.cer");
    assert_eq!(cer.status, 404);
}

#[test]
fn a_presented_certificate_is_compared_with_those_of_the_sede() {
    let office = Office::open();
    let certs = format!("{}/certs/test", env!("CARGO_MANIFEST_DIR"));
    let check = |file: &str| {
        let bytes = std::fs::read(format!("{certs}/{file}")).unwrap();
        let form = Form::default().file("certificate", file, "application/x-x509-ca-cert", &bytes);
        office.ask("POST", "/sellos").form(&form)
    };
    assert!(
        check("seal.pem")
            .text()
            .contains("Es un sello de esta sede")
    );
    assert!(
        check("website.pem")
            .text()
            .contains("Es el certificado de la página de esta sede")
    );
    assert!(
        check("citizen.pem")
            .text()
            .contains("No es un certificado de esta sede")
    );
    let wrong = check("passphrase");
    assert_eq!(wrong.status, 422);
    assert_sound(&wrong, "certificate");

    let listed = office.get("/v1/seals").json();
    let sha256 = listed["certificates"][0]["sha256"]
        .as_str()
        .unwrap()
        .to_string();
    let downloaded = office.get(&format!("/sellos/{sha256}.cer"));
    assert_eq!(
        downloaded.header("content-type"),
        Some("application/pkix-cert")
    );
    assert_eq!(downloaded.body[0], 0x30);
}
