//! The code of authenticity: right groups open the document, everything else looks the same.

use super::office::{Answer, Form, Office, PORTAL, metadata, pdf, request};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A document with a code, and the six groups read from its pages.
struct Issued {
    id: String,
    pdf: Vec<u8>,
    groups: Vec<String>,
}

/// The groups stand in the sealed document alone, as text of its XML attachment or its pages; the block that the visible
/// seal of a signed document bears is plain text.
fn issue(office: &Office) -> Issued {
    // A document that bears a signature already shows its code as text in the visible seal.
    let signed = office
        .ask("POST", "/v1/seal?seal=sede")
        .key(PORTAL)
        .body("application/pdf", &pdf());
    let form = Form::default()
        .file("document", "a.pdf", "application/pdf", &signed.body)
        .field("entity", "INSS")
        .field("type", "T")
        .field("caducidad", "30");
    let issued = office.ask("POST", "/v1/documents").key(PORTAL).form(&form);
    assert_eq!(issued.status, 201, "{}", issued.text());
    let issued = issued.json();
    let document = issued["document"].as_str().unwrap();
    let pdf = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, document).unwrap();
    Issued {
        id: issued["code_id"].as_str().unwrap().to_string(),
        groups: groups(&pdf),
        pdf,
    }
}

/// The code in the alternative text of the visible seal, which is a PDF string in UTF-16 or Latin.
fn groups(pdf: &[u8]) -> Vec<String> {
    let plain: String = pdf
        .iter()
        .filter(|b| **b != 0)
        .map(|b| char::from(*b))
        .collect();
    let hex = unhexed(&plain);
    let found = [plain, hex].into_iter().find_map(|text| {
        let words: Vec<&str> = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .collect();
        let code = words.into_iter().find(|word| {
            let groups: Vec<&str> = word.split('-').collect();
            groups.len() == 6
                && groups.iter().all(|g| {
                    g.len() == 5
                        && g.bytes()
                            .all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b))
                })
        })?;
        Some(code.split('-').map(String::from).collect())
    });
    found.expect("the code stands in the document")
}

/// What the hexadecimal strings of a PDF say in UTF-16.
fn unhexed(text: &str) -> String {
    let strings = text
        .split('<')
        .skip(1)
        .filter_map(|s| s.split_once('>'))
        .map(|(inside, _)| inside);
    let units = strings.flat_map(|hex| {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let units: Vec<u16> = digits
            .chunks_exact(4)
            .filter_map(|c| u16::from_str_radix(std::str::from_utf8(c).unwrap(), 16).ok())
            .chain([u16::from(b' ')])
            .collect();
        units
    });
    String::from_utf16_lossy(&units.collect::<Vec<u16>>())
}

fn check(office: &Office, body: &Value) -> Answer {
    office.ask("POST", "/v1/codes/check").json(body)
}

fn asked(office: &Office, id: &str) -> Vec<usize> {
    let answer = check(office, &json!({ "id": id, "date": "24/11/2026" })).json();
    assert_eq!(answer["result"], "asks");
    let groups = answer["groups"].as_array().unwrap();
    groups
        .iter()
        .map(|n| n.as_u64().unwrap() as usize)
        .collect()
}

fn attempt(office: &Office, issued: &Issued) -> Value {
    let groups: Vec<&String> = asked(office, &issued.id)
        .iter()
        .map(|n| &issued.groups[n - 1])
        .collect();
    json!({ "id": issued.id, "date": "24/11/2026", "groups": groups })
}

#[test]
fn the_right_groups_open_the_document_and_compare_what_is_held() {
    let office = Office::open();
    let issued = issue(&office);
    assert_eq!(asked(&office, &issued.id).len(), 3);
    assert_eq!(
        asked(&office, &issued.id),
        asked(&office, &issued.id.to_lowercase())
    );
    let right = check(&office, &attempt(&office, &issued)).json();
    assert_eq!(right["result"], "right", "{right}");
    assert_eq!(right["document"]["entity_name"], "Instituto");
    let ticket = right["ticket"].as_str().unwrap();

    let original = office
        .ask("POST", "/v1/codes/original")
        .json(&json!({ "ticket": ticket }));
    assert_eq!(original.body, issued.pdf);
    let compare = |held: &[u8]| {
        let form = Form::default().field("ticket", ticket).file(
            "document",
            "x.pdf",
            "application/pdf",
            held,
        );
        office.ask("POST", "/v1/codes/compare").form(&form).json()["comparison"].clone()
    };
    assert_eq!(compare(&issued.pdf), "same");
    assert_eq!(
        compare(&[&issued.pdf[..], b"\n% more"].concat()),
        "extended"
    );
    assert_eq!(compare(&issued.pdf[..100]), "different");
    let forged = format!("{}x", ticket);
    let refused = office
        .ask("POST", "/v1/codes/original")
        .json(&json!({ "ticket": forged }));
    assert_eq!(refused.remedied(403), "ticket");
    office.clock.advance(Duration::from_secs(16 * 60));
    let late = office
        .ask("POST", "/v1/codes/original")
        .json(&json!({ "ticket": ticket }));
    assert_eq!(late.remedied(403), "ticket");
}

#[test]
fn unknown_id_wrong_date_and_wrong_groups_get_the_same_answer_after_the_same_time() {
    let office = Office::open();
    let issued = issue(&office);
    let good = attempt(&office, &issued);
    let mut cases = vec![good.clone(); 3];
    cases[0]["id"] = json!("2AAAAAAAAAAA");
    cases[1]["date"] = json!("25/11/2026");
    cases[2]["groups"][0] = json!("AAAAA");
    let answers: Vec<(Vec<u8>, Duration)> = cases
        .iter()
        .map(|case| {
            let started = Instant::now();
            let answer = check(&office, case);
            assert_eq!(answer.status, 200);
            (answer.body, started.elapsed())
        })
        .collect();
    for (body, time) in &answers {
        assert_eq!(body, b"{\"result\":\"not_right\"}");
        assert!(*time >= Duration::from_millis(250), "{time:?}");
    }

    // The page: the same but for what was typed.
    let page = |id: &str, date: &str, groups: &[String]| {
        let groups: String = groups.iter().map(|g| format!("&grupo={g}")).collect();
        let body = format!("id={id}&fecha={date}{groups}");
        let answer = office
            .ask("POST", "/verificar/codigo")
            .body("application/x-www-form-urlencoded", body.as_bytes());
        assert_eq!(answer.status, 422);
        answer
            .text()
            .replace(id, "ID")
            .replace(date, "DATE")
            .replace(&date.replace('/', "%2F"), "DATE")
    };
    let wrong = vec!["AAAAA".to_string(); 3];
    let known = page(&issued.id, "24/11/2026", &wrong);
    assert_eq!(known, page(&issued.id, "25/11/2026", &wrong));
    // An id that nobody has, of which the same groups are asked.
    let same = (0..1000).map(|n| format!("2AAAAAAAA{n:03}"));
    let same = same
        .into_iter()
        .find(|id| asked(&office, id) == asked(&office, &issued.id))
        .unwrap();
    assert_eq!(known, page(&same, "24/11/2026", &wrong));
}

#[test]
fn attempts_are_limited_by_id_whether_it_exists_or_not() {
    let office = Office::with("[code]\nattempts_per_id=2\nattempts_per_address=100\n");
    let issued = issue(&office);
    for id in [issued.id.as_str(), "2AAAAAAAAAAA"] {
        let wrong =
            json!({ "id": id, "date": "24/11/2026", "groups": ["AAAAA", "AAAAA", "AAAAA"] });
        let statuses: Vec<u16> = (0..3).map(|_| check(&office, &wrong).status).collect();
        assert_eq!(statuses, [200, 200, 429], "{id}");
    }
    // The right groups do not help any more, until the window has passed.
    let good = attempt(&office, &issued);
    let limited = check(&office, &good);
    assert_eq!(limited.remedied(429), "attempts");
    assert!(limited.header("retry-after").is_some());
    office.clock.advance(Duration::from_secs(3700));
    assert_eq!(
        check(&office, &attempt(&office, &issued)).json()["result"],
        "right"
    );
}

#[test]
fn attempts_are_limited_by_address_and_a_proxy_of_ours_is_believed() {
    let office = Office::with("trusted_proxies=['127.0.0.1']\n[code]\nattempts_per_address=2\n");
    let from = |address: &str, n: u32| {
        let wrong = json!({ "id": format!("2AAAAAAAAAA{n}"), "date": "24/11/2026", "groups": ["AAAAA", "AAAAA", "AAAAA"] });
        office
            .ask("POST", "/v1/codes/check")
            .header("X-Forwarded-For", address)
            .json(&wrong)
            .status
    };
    assert_eq!(
        [
            from("203.0.113.1", 2),
            from("203.0.113.1", 3),
            from("203.0.113.1", 4)
        ],
        [200, 200, 429]
    );
    assert_eq!(from("203.0.113.2", 5), 200);
    assert_eq!(from("9.9.9.9, 203.0.113.1", 6), 429);
}

#[test]
fn an_expired_code_says_so_only_to_who_has_it() {
    let office = Office::open();
    let issued = issue(&office);
    office.clock.set("2026-12-25T12:00:00Z".parse().unwrap());
    let mut attempt = attempt(&office, &issued);
    let expired = check(&office, &attempt).json();
    assert_eq!(expired["result"], "expired");
    assert!(
        expired["remedy"]
            .as_str()
            .unwrap()
            .contains("body that issued it")
    );
    let groups: String = attempt["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| format!("&grupo={}", g.as_str().unwrap()))
        .collect();
    let body = format!("id={}&fecha=24/11/2026{groups}", issued.id);
    let page = office
        .ask("POST", "/verificar/codigo")
        .body("application/x-www-form-urlencoded", body.as_bytes());
    assert!(
        page.text().contains("Solicítelo al órgano emisor"),
        "{}",
        page.text()
    );
    attempt["groups"][0] = json!("AAAAA");
    assert_eq!(check(&office, &attempt).json()["result"], "not_right");
}

#[test]
fn the_code_of_a_justificante_leads_to_it() {
    let office = Office::open();
    let receipt = office.register(PORTAL, "k", &request(&metadata())).json();
    let id = receipt["code_id"].as_str().unwrap();
    assert_eq!(asked(&office, id).len(), 3);
    let page = office.get(&format!("/verificar/codigo?id={id}&fecha=2026-11-24"));
    assert_eq!(page.status, 200);
    assert_eq!(page.text().matches("name=\"grupo\"").count(), 3);
}

#[test]
fn what_is_plainly_mistyped_is_said_at_its_field_and_counts_as_no_attempt() {
    let office = Office::with("[code]\nattempts_per_id=1\nattempts_per_address=1\n");
    for _ in 0..3 {
        let page = office.get("/verificar/codigo?id=abc&fecha=31/02/2026");
        assert_eq!(page.status, 422);
        let text = page.text();
        assert!(
            text.contains("href=\"#id\"") && text.contains("id=\"id-error\""),
            "{text}"
        );
        assert!(text.contains("href=\"#fecha\"") && text.contains("aria-invalid=\"true\""));
        let body = "id=2AAAAAAAAAAA&fecha=24/11/2026&grupo=A0B1C&grupo=AAAAA&grupo=AAAAA";
        let page = office
            .ask("POST", "/verificar/codigo")
            .body("application/x-www-form-urlencoded", body.as_bytes());
        assert!(
            page.text().contains("AOBIC"),
            "what looks alike is suggested"
        );
    }
    for body in [
        json!([]),
        json!({ "id": 3 }),
        json!({ "id": "a", "date": "b", "groups": vec!["x"; 7] }),
    ] {
        assert!(matches!(check(&office, &body).status, 400 | 422), "{body}");
    }
}
