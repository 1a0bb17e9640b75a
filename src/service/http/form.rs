//! The body of a request, taken in part by part: which parts a route takes, how many, how large, of which type.
//!
//! Everything is read and checked before a handler does anything, so that a bad request leaves nothing half done.

use super::multipart::{self, Event, Head, Multipart};
use super::problem::{Answer, Problem};
use super::spool::{Content, Limit, Spool, Spooling};
use crate::engine::Error;
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::formats::recognise;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;

/// Signatures up to this size are looked into while the request comes in: a millisecond or so.
const PEEKED: usize = 512 * 1024;

/// A part that a route takes.
#[derive(Debug, Clone, Copy)]
pub struct Takes {
    /// Its name.
    pub name: &'static str,
    /// How many of it at least.
    pub least: usize,
    /// How many of it at most.
    pub most: usize,
    /// The key of the configuration that says how many at most, where one does.
    pub most_key: Option<&'static str>,
    /// How large each may be.
    pub limit: Limit,
    /// Whether it is content that signatures of the part `document` are over, digested as it comes in.
    pub digested: bool,
    /// The media types that it may have, where it states one; the first is the right one. None: any.
    pub media_types: &'static [&'static str],
}

impl Takes {
    /// One part.
    pub fn one(name: &'static str, limit: Limit) -> Self {
        Takes {
            name,
            least: 1,
            most: 1,
            most_key: None,
            limit,
            digested: false,
            media_types: &[],
        }
    }

    /// One part or none.
    pub fn optional(name: &'static str, limit: Limit) -> Self {
        Takes {
            least: 0,
            ..Takes::one(name, limit)
        }
    }

    /// Any number of parts up to `most`, which is `key` of the configuration.
    pub fn many(name: &'static str, limit: Limit, most: usize, key: &'static str) -> Self {
        Takes {
            least: 0,
            most,
            most_key: Some(key),
            ..Takes::one(name, limit)
        }
    }

    /// Content that signatures of the part `document` are over, digested as it comes in.
    #[must_use]
    pub fn digested(self) -> Self {
        Takes {
            digested: true,
            ..self
        }
    }

    /// Of one of these media types, where the part states one; the first is the right one.
    #[must_use]
    pub fn of(self, media_types: &'static [&'static str]) -> Self {
        Takes {
            media_types,
            ..self
        }
    }

    fn too_many(&self) -> Error {
        let most = self.most;
        match self.most_key {
            Some(key) => Error::limit(element(self.name), format!("more than {key} = {most}"))
                .remedy("Send fewer, or have the operator raise that limit."),
            None => Error::invalid(element(self.name), format!("there more often than {most}"))
                .remedy("Send it once."),
        }
    }
}

fn element(name: &str) -> String {
    format!("part {name:?}")
}

/// A part of a request.
#[derive(Debug)]
pub struct Part {
    /// Which of the parts that the route takes.
    pub name: &'static str,
    /// The name of the file, as sent and without folders.
    pub file_name: Option<String>,
    /// The media type, as sent.
    pub media_type: Option<String>,
    /// The bytes.
    pub content: Content,
}

/// The parts of a request, in the order sent.
#[derive(Debug, Default)]
pub struct Form(Vec<Part>);

impl Form {
    /// The first part of this name, taken out.
    pub fn take(&mut self, name: &str) -> Option<Part> {
        let at = self.0.iter().position(|p| p.name == name)?;
        Some(self.0.remove(at))
    }

    /// The part of this name, which the route must have.
    pub fn require(&mut self, name: &'static str) -> Answer<Part> {
        self.take(name).ok_or_else(|| missing(name))
    }

    /// Every part of this name, taken out.
    pub fn take_all(&mut self, name: &str) -> Vec<Part> {
        let (taken, left) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|p| p.name == name);
        self.0 = left;
        taken
    }

    /// The text of the part of this name, trimmed; empty where it is not there.
    pub fn text(&mut self, name: &'static str) -> Answer<String> {
        let Some(part) = self.take(name) else {
            return Ok(String::new());
        };
        let text = std::str::from_utf8(&part.content).map_err(|_| {
            Problem::bad_request(Error::malformed(element(name), "is not UTF-8 text"))
        })?;
        Ok(text.trim().to_string())
    }
}

fn missing(name: &str) -> Problem {
    Problem::from(
        Error::invalid(element(name), "missing")
            .remedy("/openapi.json describes the parts of this request."),
    )
}

/// Reads `multipart/form-data`: the parts that `takes` says, within `whole` bytes in all.
pub async fn read_form(
    spool: &Spool,
    headers: &HeaderMap,
    body: Body,
    whole: Limit,
    takes: &[Takes],
) -> Answer<Form> {
    let content_type = header_text(headers);
    let boundary = multipart::boundary(content_type)
        .ok_or_else(|| Problem::media_type(content_type, "multipart/form-data"))?
        .map_err(Problem::bad_request)?;
    let mut pieces = Pieces::new(headers, body, whole)?;
    let mut reader = Multipart::new(&boundary);
    let mut form = Incoming {
        spool,
        takes,
        parts: Vec::new(),
        open: None,
    };
    loop {
        match reader.next().map_err(Problem::bad_request)? {
            Some(event) => form.take_in(event).await?,
            None => match pieces.next().await? {
                Some(piece) => reader.push(&piece),
                None => break,
            },
        }
    }
    reader.finish().map_err(Problem::bad_request)?;
    form.complete()
}

/// Parts on their way in.
struct Incoming<'a> {
    spool: &'a Spool,
    takes: &'a [Takes],
    parts: Vec<Part>,
    open: Option<(&'static str, Head, Spooling)>,
}

impl Incoming<'_> {
    async fn take_in(&mut self, event: Event) -> Answer<()> {
        match event {
            Event::Part(head) => {
                let takes = self.expected(&head)?;
                let mut spooling = self.spool.start(element(takes.name), takes.limit);
                if takes.digested {
                    spooling = spooling.digested(&self.digests_wanted());
                }
                self.open = Some((takes.name, head, spooling));
            }
            Event::Data(data) => {
                if let Some((_, _, spooling)) = &mut self.open {
                    spooling.write(&data).await?;
                }
            }
            Event::PartEnd => {
                if let Some((name, head, spooling)) = self.open.take() {
                    self.parts.push(Part {
                        name,
                        file_name: head.file_name.as_deref().map(base_name),
                        media_type: head.media_type,
                        content: spooling.finish().await?,
                    });
                }
            }
        }
        Ok(())
    }

    /// The algorithms that the signatures of the document ask for, where it came before and is small enough to be looked into
    /// here; else the one that nearly all do. Others are computed later, from the file.
    fn digests_wanted(&self) -> Vec<DigestAlgorithm> {
        let mut parts = self.parts.iter();
        let document = parts.find(|p| p.name == "document" && p.content.len() <= PEEKED);
        let wanted = document.and_then(|part| {
            let format = recognise(&part.content).ok()?;
            Some(format.digests_wanted(&part.content))
        });
        wanted.unwrap_or(vec![DigestAlgorithm::Sha256])
    }

    /// The part that the route takes under the name of `head`, if it may come (again).
    fn expected(&self, head: &Head) -> Answer<Takes> {
        let found = self.takes.iter().find(|t| t.name == head.name);
        let Some(takes) = found.copied() else {
            let known: Vec<&str> = self.takes.iter().map(|t| t.name).collect();
            let name: String = head.name.chars().take(60).collect();
            return Err(Error::invalid(element(&name), "not a part of this request")
                .remedy(format!("Send {}.", known.join(", ")))
                .into());
        };
        if self.parts.iter().filter(|p| p.name == takes.name).count() >= takes.most {
            return Err(takes.too_many().into());
        }
        let fits = |stated: &str| takes.media_types.iter().any(|m| is_media_type(stated, m));
        if let (Some(wanted), Some(stated)) = (takes.media_types.first(), &head.media_type)
            && !fits(stated)
        {
            let stated: String = stated.chars().take(60).collect();
            let problem = format!("its Content-Type is {stated:?}");
            return Err(Problem::with_status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Error::unsupported(element(takes.name), problem)
                    .remedy(format!("Send it as {wanted}.")),
            ));
        }
        Ok(takes)
    }

    fn complete(self) -> Answer<Form> {
        for takes in self.takes {
            let count = self.parts.iter().filter(|p| p.name == takes.name).count();
            if count < takes.least {
                return Err(missing(takes.name));
            }
        }
        Ok(Form(self.parts))
    }
}

/// Reads a body that is one document.
pub async fn read_document(
    spool: &Spool,
    headers: &HeaderMap,
    body: Body,
    limit: Limit,
) -> Answer<Content> {
    let content = read_body(spool, headers, body, limit).await?;
    if content.is_empty() {
        return Err(Problem::bad_request(
            Error::invalid("request body", "empty").remedy("Send the document as the body."),
        ));
    }
    Ok(content)
}

/// Reads a body that may be a document, and may be empty.
pub(super) async fn read_body(
    spool: &Spool,
    headers: &HeaderMap,
    body: Body,
    limit: Limit,
) -> Answer<Content> {
    let mut pieces = Pieces::new(headers, body, limit)?;
    let mut spooling = spool.start("request body".into(), limit);
    while let Some(piece) = pieces.next().await? {
        spooling.write(&piece).await?;
    }
    Ok(spooling.finish().await?)
}

/// Reads a small body into memory.
pub async fn read_bytes(headers: &HeaderMap, body: Body, limit: Limit) -> Answer<Vec<u8>> {
    let mut pieces = Pieces::new(headers, body, limit)?;
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The body of a request, piece by piece and within a limit.
struct Pieces {
    body: Body,
    limit: Limit,
    seen: u64,
}

impl Pieces {
    /// Refuses at once what says that it is too long.
    fn new(headers: &HeaderMap, body: Body, limit: Limit) -> Answer<Self> {
        let stated = headers
            .get(CONTENT_LENGTH)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.parse::<u64>().ok());
        if stated.is_some_and(|length| length > limit.bytes) {
            return Err(limit.exceeded("request body").into());
        }
        Ok(Pieces {
            body,
            limit,
            seen: 0,
        })
    }

    async fn next(&mut self) -> Answer<Option<axum::body::Bytes>> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|_| {
                Problem::bad_request(
                    Error::malformed("request body", "ended before it was complete")
                        .remedy("Send it again."),
                )
            })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            self.seen = self.seen.saturating_add(data.len() as u64);
            if self.seen > self.limit.bytes {
                return Err(self.limit.exceeded("request body").into());
            }
            return Ok(Some(data));
        }
        Ok(None)
    }
}

/// The value of `Content-Type`; empty where there is none that can be read.
pub fn header_text(headers: &HeaderMap) -> &str {
    headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default()
        .trim()
}

/// Whether a stated media type, without its parameters, is `wanted`.
pub fn is_media_type(stated: &str, wanted: &str) -> bool {
    let essence = stated.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(wanted)
}

/// The name without folders: browsers of old sent whole paths.
fn base_name(name: &str) -> String {
    name.rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        key: "limits.document_bytes",
        bytes: 20,
    };
    const WHOLE: Limit = Limit {
        key: "limits.request_bytes",
        bytes: 1000,
    };

    async fn read(body: &str, takes: &[Takes]) -> Answer<Form> {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let kind = "multipart/form-data; boundary=b".parse().unwrap();
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        read_form(&spool, &headers, Body::from(body.to_string()), WHOLE, takes).await
    }

    fn part(name: &str, content: &str) -> String {
        format!(
            "--b\r\nContent-Disposition: form-data; name={name}; filename=\"C:\\x/y.pdf\"\r\nContent-Type: text/plain\r\n\r\n{content}\r\n"
        )
    }

    #[tokio::test]
    async fn parts_are_counted_and_measured() {
        let takes = [
            Takes::one("metadata", LIMIT),
            Takes::many("attachment", LIMIT, 2, "limits.attachments"),
        ];
        let body = |parts: &[&str]| parts.concat() + "--b--\r\n";
        let (meta, att) = (part("metadata", "{}"), part("attachment", "x"));
        let mut form = read(&body(&[&meta, &att, &att]), &takes).await.unwrap();
        assert_eq!(form.take_all("attachment").len(), 2);
        let metadata = form.require("metadata").unwrap();
        assert_eq!(metadata.file_name.as_deref(), Some("y.pdf"));

        let fails = async |parts: &[&str]| read(&body(parts), &takes).await.unwrap_err();
        assert_eq!(fails(&[&att]).await.error.problem(), "missing");
        let twice = fails(&[&meta, &meta]).await;
        assert_eq!(twice.error.element(), "part \"metadata\"");
        assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
        let many = fails(&[&meta, &att, &att, &att]).await;
        assert_eq!(many.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(many.error.problem().contains("limits.attachments = 2"));
        let unknown = fails(&[&meta, &part("other", "x")]).await;
        assert!(
            unknown
                .error
                .remedy_text()
                .unwrap()
                .contains("metadata, attachment")
        );
        let long = fails(&[&part("metadata", &"x".repeat(21))]).await;
        assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
        let whole = fails(&[&meta, &"x".repeat(2000)]).await;
        assert!(whole.error.problem().contains("limits.request_bytes"));
        let typed = [Takes::one("metadata", LIMIT).of(&["application/json"])];
        let wrong = read(&body(&[&meta]), &typed).await.unwrap_err();
        assert_eq!(wrong.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
