//! `POST /v1/certificates/status` and `POST /v1/certificates/validate`: is this certificate good, for this, at that moment?
//!
//! In: DER, PEM with its chain, or JSON with either or with what a reverse proxy wrote into a header; one or many. Out: the
//! status with its evidence, or the full report. What was answered before is answered without a thread that may block.
//! A certificate that is revoked is an answer, not a problem. Nothing that is sent is kept beyond its answer.

use super::form::{self, Takes};
use super::problem::{Answer, Problem};
use super::seals::PRESENTED;
use super::service::Service;
use super::spool::{Content, Limit};
use super::validate::{in_words, instant, prefers_text, report_language};
use super::work::Work;
use crate::engine::evidence::{Object, ObjectKind, Origin};
use crate::engine::pki::CertificateList;
use crate::engine::pki::presented::Form;
use crate::engine::syntax::pem;
use crate::engine::validation::Purpose;
use crate::engine::{Error, Result, Time};
use crate::service::callers::Caller;
use crate::service::config::IfUnknown;
use crate::service::flow::{Checked, JudgedCertificate, Key, Question};
use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Certificates of one batch.
const MOST_ASKED: usize = 100;
/// Certificates of one question: its own and those beside it.
const MOST_BESIDE: usize = 20;
/// Of a batch, questions that are answered anew at the same time.
const AT_ONCE: usize = 8;
/// Bytes of a JSON request.
const JSON: Limit = Limit {
    key: "the size of a question",
    bytes: 1 << 20,
};
/// Bytes of one revocation list that comes with a question as a part.
const LIST: Limit = Limit {
    key: "the size of a revocation list given",
    bytes: 8 << 20,
};
/// Bytes of a purpose or an instant that comes as a part.
const WORD: Limit = Limit {
    key: "the size of a word",
    bytes: 64,
};
/// Bytes of a question in parts.
const PARTS: Limit = Limit {
    key: "the size of a question",
    bytes: 16 << 20,
};

/// Questions that are being answered: whoever asks the same waits for that answer, without a place among the jobs.
#[derive(Debug, Default)]
pub struct Asking(Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>);

/// A turn at a question; the last one to leave takes the question away.
struct Turn<'a>(&'a Asking, Key, Arc<tokio::sync::Mutex<()>>);

impl Asking {
    fn turn(&self, key: Key) -> Turn<'_> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Turn(self, key, asked.entry(key).or_default().clone())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut asked = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and ours.
        if Arc::strong_count(&self.2) == 2 {
            asked.remove(&self.1);
        }
    }
}

impl Service {
    /// The answer to a question, kept or new; new ones take a place of `work`.
    pub async fn check(&self, question: Question, work: &Work) -> Result<Arc<Checked>> {
        let (desk, key) = (&self.parts.certificate_desk, question.key());
        let checked = match desk.seen(&key) {
            Some(kept) => kept,
            None => {
                let turn = self.asking.turn(key);
                let _mine = turn.2.lock().await;
                match desk.seen(&key) {
                    Some(kept) => kept,
                    None => {
                        let desk = desk.clone();
                        work.run(move || desk.check(&question)).await?
                    }
                }
            }
        };
        self.metrics.checked(&checked.report.status);
        Ok(checked)
    }

    /// The full answer to a question at an instant, with `given` beside.
    pub async fn judge_certificate(
        &self,
        question: Question,
        given: Vec<Given>,
        at: Option<Time>,
    ) -> Result<JudgedCertificate> {
        let desk = self.parts.certificate_desk.clone();
        let job = move || {
            let given: Vec<Object> = given.iter().map(Given::object).collect::<Result<_>>()?;
            desk.judge(&question, &given, at)
        };
        let judged = self.judging.run(job).await?;
        for outage in &judged.outages {
            tracing::warn!(element = outage.element(), "a source did not answer");
        }
        self.metrics.checked(&judged.report.status);
        Ok(judged)
    }
}

/// Revocation data that comes with a question, not read yet.
#[derive(Debug)]
pub enum Given {
    /// A revocation list, PEM or DER.
    List(Content),
    /// An OCSP response, DER.
    Ocsp(Content),
}

impl Given {
    fn object(&self) -> Result<Object> {
        Ok(match self {
            Given::List(bytes) => {
                let list = CertificateList::from_pem_or_der(bytes).map_err(|_| {
                    Error::malformed("crl", "not a revocation list")
                        .remedy("Send it as DER or PEM.")
                })?;
                Object::new(
                    ObjectKind::CertificateRevocationList,
                    list.bytes(),
                    Origin::Given,
                )
            }
            Given::Ocsp(bytes) => {
                Object::new(ObjectKind::OcspResponse, bytes.to_vec(), Origin::Given)
            }
        })
    }
}

/// DER or PEM of a certificate, with its chain behind it where it is there.
pub fn certificates_of(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let unreadable = || {
        Error::malformed("certificate", "neither DER nor PEM of one")
            .remedy("Send the certificate as your reader exports it (.cer, .crt, .pem).")
    };
    let all = match bytes.first() {
        Some(0x30) => vec![bytes.to_vec()],
        _ => pem::blocks(bytes, "CERTIFICATE").map_err(|_| unreadable())?,
    };
    bounded(all)
}

fn bounded(all: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
    if all.len() > MOST_BESIDE {
        let problem = format!("more than {MOST_BESIDE} of one question");
        return Err(Error::limit("certificates", problem)
            .remedy("Send the certificate and its chain only."));
    }
    Ok(all)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CertificateQuery {
    purpose: Option<String>,
    at: Option<String>,
    lang: Option<String>,
    if_unknown: Option<IfUnknown>,
}

type Asked = Result<Query<CertificateQuery>, QueryRejection>;

fn query(query: Asked, allowed: &'static str) -> Answer<CertificateQuery> {
    let Query(query) = query.map_err(|_| {
        Problem::bad_request(
            Error::invalid("query", "holds something that is not asked here").remedy(allowed),
        )
    })?;
    Ok(query)
}

/// A question as JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonQuestion {
    /// PEM, DER in base64 or, with `form`, the value of a header.
    certificate: String,
    /// How a reverse proxy wrote it.
    form: Option<Form>,
    /// The value of the header of the chain, with `form`; else nothing.
    chain_header: Option<String>,
    /// Further certificates: PEM, or DER in base64.
    #[serde(default)]
    chain: Vec<String>,
    purpose: Option<Purpose>,
    /// Revocation lists: PEM, or DER in base64.
    #[serde(default)]
    crls: Vec<String>,
    /// OCSP responses: DER in base64.
    #[serde(default)]
    ocsp: Vec<String>,
    at: Option<Time>,
}

/// One question has `certificate`, many have `certificates`.
#[derive(Debug, Deserialize)]
struct Which {
    certificates: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonBatch {
    certificates: Vec<JsonQuestion>,
    purpose: Option<Purpose>,
}

impl JsonQuestion {
    fn certificates(&self) -> Result<Vec<Vec<u8>>> {
        let mut all = match self.form {
            Some(form) => {
                let mut all = form.read(&self.certificate)?;
                if all.is_empty() {
                    return Err(Error::invalid("certificate", "empty")
                        .remedy("Send what the header holds."));
                }
                all.extend(form.read_chain(self.chain_header.as_deref().unwrap_or_default())?);
                all
            }
            None if self.chain_header.is_some() => {
                return Err(Error::invalid("chain_header", "without form")
                    .remedy("Say in which form it is."));
            }
            None => one(&self.certificate, "certificate")?,
        };
        for text in &self.chain {
            all.extend(one(text, "chain")?);
        }
        bounded(all)
    }

    fn given(&self) -> Result<Vec<Given>> {
        if self.crls.len() + self.ocsp.len() > MOST_BESIDE {
            let problem = format!("more than {MOST_BESIDE} lists and responses");
            return Err(Error::limit("question", problem).remedy("Send those of the chain only."));
        }
        let lists = self.crls.iter().map(|text| {
            let pem = text.contains("-----BEGIN");
            let bytes = if pem {
                text.clone().into_bytes()
            } else {
                base64_of(text, "crls")?
            };
            Ok(Given::List(Content::from(bytes)))
        });
        let responses = self
            .ocsp
            .iter()
            .map(|text| Ok(Given::Ocsp(Content::from(base64_of(text, "ocsp")?))));
        lists.chain(responses).collect()
    }
}

/// PEM, or DER in base64.
fn one(text: &str, element: &'static str) -> Result<Vec<Vec<u8>>> {
    if text.contains("-----BEGIN") {
        return certificates_of(text.as_bytes());
    }
    Ok(vec![base64_of(text, element)?])
}

fn base64_of(text: &str, element: &'static str) -> Result<Vec<u8>> {
    STANDARD.decode(text.trim()).map_err(|_| {
        Error::malformed(element, "neither PEM nor base64")
            .remedy("Send PEM, or DER in base64 with its padding.")
    })
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Answer<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        // The message of the parser may quote what was sent; its place does not.
        let problem = format!(
            "not as described, at line {} column {}",
            error.line(),
            error.column()
        );
        Problem::bad_request(
            Error::malformed("request body", problem).remedy("/openapi.json describes it."),
        )
    })
}

const BARE: [&str; 5] = [
    "application/pkix-cert",
    "application/octet-stream",
    "application/x-x509-ca-cert",
    "application/x-pem-file",
    "application/pem-certificate-chain",
];

fn is_bare(kind: &str) -> bool {
    BARE.iter().any(|known| form::is_media_type(kind, known))
}

/// `POST /v1/certificates/status`.
pub(super) async fn status(
    State(service): State<Arc<Service>>,
    asked: Asked,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let asked = query(asked, "Send ?purpose= and ?if_unknown= or nothing.")?;
    if asked.at.is_some() || asked.lang.is_some() {
        let error = Error::invalid("query", "asks for more than the status");
        return Err(Problem::bad_request(
            error.remedy("POST /v1/certificates/validate answers that."),
        ));
    }
    let purpose = purpose(asked.purpose.as_deref())?.unwrap_or(Purpose::Any);
    let if_unknown = asked.if_unknown.unwrap_or_default();
    let work = if caller.is_some() {
        &service.work
    } else {
        &service.judging
    };
    let kind = form::header_text(&headers);
    if is_bare(kind) {
        let bytes = form::read_bytes(&headers, body, PRESENTED).await?;
        let question = Question::new(certificates_of(&bytes)?, purpose)?;
        return told(&*service.check(question, work).await?, if_unknown);
    }
    if !form::is_media_type(kind, "application/json") {
        return Err(Problem::media_type(
            kind,
            "application/pkix-cert, application/x-pem-file or application/json",
        ));
    }
    let bytes = form::read_bytes(&headers, body, JSON).await?;
    if json::<Which>(&bytes)?.certificates.is_some() {
        let many: JsonBatch = json(&bytes)?;
        return batch(
            &service,
            many.certificates,
            many.purpose.unwrap_or(purpose),
            if_unknown,
            work,
        )
        .await;
    }
    let one: JsonQuestion = json(&bytes)?;
    told(
        &*service.check(plain(&one, purpose)?, work).await?,
        if_unknown,
    )
}

fn purpose(name: Option<&str>) -> Answer<Option<Purpose>> {
    Ok(name.map(str::parse).transpose()?)
}

/// A question for a status, which takes neither revocation data nor an instant.
fn plain(one: &JsonQuestion, purpose: Purpose) -> Result<Question> {
    if !one.crls.is_empty() || !one.ocsp.is_empty() || one.at.is_some() {
        return Err(
            Error::invalid("question", "comes with revocation data or an instant")
                .remedy("POST /v1/certificates/validate takes them."),
        );
    }
    Question::new(one.certificates()?, one.purpose.unwrap_or(purpose))
}

/// The kept JSON, with whether the certificate is to be admitted before the rest.
fn with_admission(checked: &Checked, if_unknown: IfUnknown) -> Vec<u8> {
    let admit = checked.is_admitted(if_unknown);
    let head: &[u8] = if admit {
        b"{\"admit\":true,"
    } else {
        b"{\"admit\":false,"
    };
    [head, checked.json.get(1..).unwrap_or(b"}")].concat()
}

fn told(checked: &Checked, if_unknown: IfUnknown) -> Answer {
    if checked.report.status.is_open() && if_unknown == IfUnknown::Unavailable {
        return Err(could_not_check());
    }
    let json = with_admission(checked, if_unknown);
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}

/// 503 where whoever asks would rather wait.
pub(super) fn could_not_check() -> Problem {
    let error = Error::unavailable(
        "revocation status",
        "could not be checked; that does not mean revoked",
    );
    Problem::from(error.remedy("Try again in a few seconds."))
}

/// Answers in the order of the questions; a question that cannot be answered has a problem in its place.
async fn batch(
    service: &Arc<Service>,
    questions: Vec<JsonQuestion>,
    purpose: Purpose,
    if_unknown: IfUnknown,
    work: &Work,
) -> Answer {
    if questions.len() > MOST_ASKED {
        let error = Error::limit(
            "certificates",
            format!("more than {MOST_ASKED} in one request"),
        );
        return Err(error.remedy("Send them in several requests.").into());
    }
    let mut answers: Vec<Vec<u8>> = vec![Vec::new(); questions.len()];
    for (part, group) in questions.chunks(AT_ONCE).enumerate() {
        let mut jobs = tokio::task::JoinSet::new();
        for (at, one) in group.iter().enumerate() {
            let (service, work, question) = (service.clone(), work.clone(), plain(one, purpose));
            jobs.spawn(async move {
                let checked = match question {
                    Ok(question) => service.check(question, &work).await,
                    Err(error) => Err(error),
                };
                (part * AT_ONCE + at, checked)
            });
        }
        while let Some(done) = jobs.join_next().await {
            let (at, checked) = done.map_err(|_| Error::internal("job", "ended in a panic"))?;
            answers[at] = match checked {
                Ok(checked) => with_admission(&checked, if_unknown),
                Err(error) => serde_json::json!({ "problem": Problem::from(error).to_json() })
                    .to_string()
                    .into_bytes(),
            };
        }
    }
    let body = [
        b"{\"answers\":[".to_vec(),
        answers.join(&b','),
        b"]}".to_vec(),
    ]
    .concat();
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// `POST /v1/certificates/validate`.
pub(super) async fn validate(
    State(service): State<Arc<Service>>,
    asked: Asked,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let asked = query(asked, "Send ?purpose=, ?at= and ?lang= or nothing.")?;
    if asked.if_unknown.is_some() {
        let error = Error::invalid("if_unknown", "of a status, not of a report");
        return Err(Problem::bad_request(error.remedy("Leave it out.")));
    }
    let wished = purpose(asked.purpose.as_deref())?.unwrap_or(Purpose::Any);
    let at = asked.at.as_deref().map(instant).transpose()?;
    let (question, given, own_at) = sent(&service, wished, &headers, body).await?;
    let judged = service
        .judge_certificate(question, given, at.or(own_at))
        .await?;
    if !prefers_text(&headers) {
        let report = judged.report.to_json()?;
        return Ok(([(CONTENT_TYPE, "application/json")], report).into_response());
    }
    let language = report_language(asked.lang.as_deref(), &headers);
    let text = judged.report.text(language, &service.config().sede.zone);
    Ok(in_words(text, language))
}

/// What a full question comes with: the certificates, what is given beside, the instant.
type Sent = (Question, Vec<Given>, Option<Time>);

async fn sent(
    service: &Service,
    purpose: Purpose,
    headers: &HeaderMap,
    body: Body,
) -> Answer<Sent> {
    let kind = form::header_text(headers);
    if is_bare(kind) {
        let bytes = form::read_bytes(headers, body, PRESENTED).await?;
        return Ok((
            Question::new(certificates_of(&bytes)?, purpose)?,
            Vec::new(),
            None,
        ));
    }
    if form::is_media_type(kind, "application/json") {
        let bytes = form::read_bytes(headers, body, JSON).await?;
        let one: JsonQuestion = json(&bytes)?;
        let question = Question::new(one.certificates()?, one.purpose.unwrap_or(purpose))?;
        return Ok((question, one.given()?, one.at));
    }
    let takes = [
        Takes::one("certificate", PRESENTED),
        Takes::many(
            "chain",
            PRESENTED,
            MOST_BESIDE,
            "the certificates of a question",
        ),
        Takes::many(
            "crl",
            LIST,
            MOST_BESIDE,
            "the revocation lists of a question",
        ),
        Takes::many(
            "ocsp",
            PRESENTED,
            MOST_BESIDE,
            "the OCSP responses of a question",
        ),
        Takes::optional("purpose", WORD),
        Takes::optional("at", WORD),
    ];
    let mut parts = form::read_form(&service.spool, headers, body, PARTS, &takes).await?;
    let mut certificates = certificates_of(&parts.require("certificate")?.content)?;
    for part in parts.take_all("chain") {
        certificates.extend(certificates_of(&part.content)?);
    }
    let lists = parts
        .take_all("crl")
        .into_iter()
        .map(|part| Given::List(part.content));
    let mut given: Vec<Given> = lists.collect();
    given.extend(
        parts
            .take_all("ocsp")
            .into_iter()
            .map(|part| Given::Ocsp(part.content)),
    );
    let (own, at) = (parts.text("purpose")?, parts.text("at")?);
    let own = self::purpose(Some(own.as_str()).filter(|word| !word.is_empty()))?;
    let at = (!at.is_empty()).then(|| instant(&at)).transpose()?;
    let question = Question::new(bounded(certificates)?, own.unwrap_or(purpose))?;
    Ok((question, given, at))
}
