//! Certificates as reverse proxies write them into a header: the client's, and its chain where there is one.
//!
//! In: the value of the header, and which program wrote it. Out: DER, the client's first; nothing where the client showed
//! none. Every form is read strictly: what a program would not have written is refused, never guessed at, since whoever
//! confuses this reader might be taken for somebody else. Whether the header may be believed is the service's concern.

use crate::engine::crypto::sha256;
use crate::engine::error::{Error, Result};
use crate::engine::syntax::asn1::Reader;
use crate::engine::syntax::hex::hex;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Characters of a header that are looked at: a chain of ten certificates of RSA-4096, percent-encoded, has fewer.
const MOST_CHARACTERS: usize = 128 * 1024;
/// Certificates of one header. Real chains have up to five.
const MOST_CERTIFICATES: usize = 10;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// How a header holds certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// PEM, percent-encoded: `$ssl_client_escaped_cert` of nginx.
    Nginx,
    /// PEM on one line, white space in place of line ends: `SSL_CLIENT_CERT` of Apache; and, with tabs,
    /// `$ssl_client_cert` of nginx.
    Apache,
    /// DER in base64: `%[ssl_c_der,base64]` of HAProxy; a chain is one DER after the other.
    HAProxy,
    /// `x-forwarded-client-cert` of Envoy, with `Cert` or `Chain`.
    Envoy,
    /// PEM without its markers and line ends, several with commas between them: Traefik.
    Traefik,
    /// A Byte Sequence, the chain a List of them: `Client-Cert` and `Client-Cert-Chain` (RFC 9440 §2.2, §2.3).
    Rfc9440,
}

impl Form {
    /// All of them.
    pub const ALL: &[Form] = &[
        Form::Nginx,
        Form::Apache,
        Form::HAProxy,
        Form::Envoy,
        Form::Traefik,
        Form::Rfc9440,
    ];

    /// Its name in configurations and requests.
    pub fn name(self) -> &'static str {
        match self {
            Form::Nginx => "nginx",
            Form::Apache => "apache",
            Form::HAProxy => "haproxy",
            Form::Envoy => "envoy",
            Form::Traefik => "traefik",
            Form::Rfc9440 => "rfc9440",
        }
    }

    /// The header that the program writes by itself, or that its manual proposes.
    pub fn header(self) -> &'static str {
        match self {
            Form::Nginx | Form::HAProxy => "x-ssl-client-cert",
            Form::Apache => "ssl-client-cert",
            Form::Envoy => "x-forwarded-client-cert",
            Form::Traefik => "x-forwarded-tls-client-cert",
            Form::Rfc9440 => "client-cert",
        }
    }

    /// The header that holds the chain apart from the client's certificate, where the form has one.
    pub fn chain_header(self) -> Option<&'static str> {
        match self {
            Form::HAProxy => Some("x-ssl-client-chain"),
            Form::Rfc9440 => Some("client-cert-chain"),
            _ => None,
        }
    }

    /// The certificates of the header: DER, the client's first; none where the client showed none.
    ///
    /// Errors: `Malformed` for what the program would not have written, `LimitExceeded` for too much of it.
    pub fn read(self, value: &str) -> Result<Vec<Vec<u8>>> {
        let value = trimmed(value)?;
        if value.is_empty() || (self == Form::Apache && value == "(null)") {
            return Ok(Vec::new());
        }
        let found = match self {
            Form::Nginx => pem(&percent_decoded(value)?)?,
            Form::Apache => pem(value)?,
            Form::HAProxy => one_after_the_other(&base64(value)?)?,
            Form::Envoy => envoy(value)?,
            Form::Traefik => traefik(value)?,
            Form::Rfc9440 => vec![byte_sequence(value)?],
        };
        counted(found)
    }

    /// The certificates of the header of the chain.
    pub fn read_chain(self, value: &str) -> Result<Vec<Vec<u8>>> {
        let value = trimmed(value)?;
        match self {
            _ if value.is_empty() => Ok(Vec::new()),
            Form::Rfc9440 => counted(
                value
                    .split(',')
                    .take(MOST_CERTIFICATES + 1)
                    .map(|item| byte_sequence(item.trim_matches(is_blank)))
                    .collect::<Result<_>>()?,
            ),
            _ => self.read(value),
        }
    }
}

impl std::str::FromStr for Form {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Form::ALL
            .iter()
            .copied()
            .find(|form| form.name() == name)
            .ok_or_else(|| {
                Error::invalid("form", "not one that certificates come in")
                    .remedy("Use nginx, apache, haproxy, envoy, traefik or rfc9440.")
            })
    }
}

fn malformed(problem: &'static str) -> Error {
    Error::malformed("client certificate", problem)
        .remedy("Let the reverse proxy write it in the form that is configured.")
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_white(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn trimmed(value: &str) -> Result<&str> {
    if value.len() > MOST_CHARACTERS {
        let problem = format!("more than {MOST_CHARACTERS} characters");
        return Err(Error::limit("client certificate", problem));
    }
    Ok(value.trim_matches(is_white))
}

fn counted(found: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
    if found.len() > MOST_CERTIFICATES {
        let problem = format!("more than {MOST_CERTIFICATES} certificates");
        return Err(Error::limit("client certificate", problem));
    }
    Ok(found)
}

/// Base64 as it is written: padded, nothing else in it.
fn base64(text: &str) -> Result<Vec<u8>> {
    let bytes = STANDARD.decode(text).map_err(|_| malformed("not base64"))?;
    if bytes.is_empty() {
        return Err(malformed("empty"));
    }
    Ok(bytes)
}

/// `%XX`, and the characters that programs leave as they are. A plus sign is a plus sign.
fn percent_decoded(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                match (digit(bytes.next()), digit(bytes.next())) {
                    (Some(high), Some(low)) => (high * 16 + low) as u8,
                    _ => return Err(malformed("a percent sign without two hexadecimal digits")),
                }
            }
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'+'
            | b'/'
            | b'=' => byte,
            _ => return Err(malformed("a character that must be percent-encoded")),
        });
    }
    String::from_utf8(out).map_err(|_| malformed("not text"))
}

/// Blocks of PEM with nothing but white space around them.
fn pem(text: &str) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(is_white);
    while !rest.is_empty() {
        let body = rest
            .strip_prefix(BEGIN)
            .ok_or_else(|| malformed("no PEM certificate where one must begin"))?;
        let (body, after) = body
            .split_once(END)
            .ok_or_else(|| malformed("a PEM certificate without its end"))?;
        let body: String = body.chars().filter(|c| !is_white(*c)).collect();
        found.push(base64(&body)?);
        if found.len() > MOST_CERTIFICATES {
            break;
        }
        rest = after.trim_start_matches(is_white);
    }
    Ok(found)
}

/// DER values without anything between or behind them.
fn one_after_the_other(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut reader = Reader::der(bytes);
    let mut found = Vec::new();
    while let Some(element) = reader.next_element().map_err(|_| malformed("not DER"))? {
        found.push(element.bytes().to_vec());
        if found.len() > MOST_CERTIFICATES {
            break;
        }
    }
    Ok(found)
}

fn traefik(value: &str) -> Result<Vec<Vec<u8>>> {
    let plain;
    let value = match value.contains('%') {
        true => {
            plain = percent_decoded(value)?;
            &plain
        }
        false => value,
    };
    value
        .split(',')
        .take(MOST_CERTIFICATES + 1)
        .map(base64)
        .collect()
}

/// RFC 8941 §3.3.5; RFC 9440 gives its items no parameters.
fn byte_sequence(item: &str) -> Result<Vec<u8>> {
    let inner = item
        .strip_prefix(':')
        .and_then(|item| item.strip_suffix(':'));
    base64(inner.ok_or_else(|| malformed("not a Byte Sequence of RFC 8941"))?)
}

/// One element of `x-forwarded-client-cert`. Several are of several proxies, and nobody can say which to believe.
fn envoy(value: &str) -> Result<Vec<Vec<u8>>> {
    let (mut cert, mut chain, mut hash) = (None, None, None);
    let mut rest = value;
    loop {
        let (key, after) = rest
            .split_once('=')
            .ok_or_else(|| malformed("a key without a value"))?;
        let (content, after) = envoy_value(after)?;
        let place = match key.to_ascii_lowercase().as_str() {
            "cert" => &mut cert,
            "chain" => &mut chain,
            "hash" => &mut hash,
            "by" | "subject" | "uri" | "dns" => &mut None,
            _ => {
                return Err(malformed(
                    "a key that x-forwarded-client-cert does not have",
                ));
            }
        };
        if place.replace(content).is_some() {
            return Err(malformed("a key that is there twice"));
        }
        match after.chars().next() {
            None => break,
            Some(';') => rest = &after[1..],
            Some(',') => {
                return Err(malformed(
                    "of several proxies; let the first one set the header anew (SANITIZE_SET)",
                ));
            }
            Some(_) => return Err(malformed("something behind a quoted value")),
        }
    }
    let read = |text: String| pem(&percent_decoded(&text)?);
    let (cert, chain) = (cert.map(read).transpose()?, chain.map(read).transpose()?);
    let found = match (cert, chain) {
        (Some(cert), _) if cert.len() != 1 => {
            return Err(malformed("more or less than one certificate as Cert"));
        }
        (Some(cert), Some(chain)) if chain.first() != cert.first() => {
            return Err(malformed("Cert is not the first of Chain"));
        }
        (_, Some(chain)) => chain,
        (Some(cert), None) => cert,
        (None, None) => {
            return Err(malformed(
                "neither Cert nor Chain; set_current_client_cert_details must ask for one",
            ));
        }
    };
    let own = found.first().map(|der| hex(&sha256(der)));
    if hash.is_some_and(|hash| Some(hash.to_ascii_lowercase()) != own) {
        return Err(malformed("Hash is not that of the certificate"));
    }
    Ok(found)
}

/// A value, quoted or not, and what comes after it.
fn envoy_value(text: &str) -> Result<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        if value.contains(['"', '=', '\\']) {
            return Err(malformed("a value that must be quoted"));
        }
        return Ok((value.to_string(), after));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((value, &quoted[at + 1..])),
            // Envoy puts a backslash before a quote, and doubles none.
            '\\' if quoted[at + 1..].starts_with('"') => {
                characters.next();
                value.push('"');
            }
            c => value.push(c),
        }
    }
    Err(malformed("a quoted value without its end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::error::ErrorKind;
    use crate::engine::pki::Certificate;
    use crate::engine::syntax::pem::block;

    fn certificates() -> Vec<Vec<u8>> {
        let read = |name: &str| {
            let path = format!("{}/certs/test/{name}.pem", env!("CARGO_MANIFEST_DIR"));
            Certificate::from_pem_or_der(&std::fs::read(path).unwrap()).unwrap()[0]
                .bytes()
                .to_vec()
        };
        vec![read("citizen"), read("ca")]
    }

    fn escaped(text: &str) -> String {
        text.bytes().fold(String::new(), |out, b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out + &char::from(b).to_string()
            }
            b => out + &format!("%{b:02X}"),
        })
    }

    fn pem_of(all: &[Vec<u8>]) -> String {
        all.iter().map(|der| block("CERTIFICATE", der)).collect()
    }

    #[test]
    fn each_form_gives_back_what_was_put_in() {
        let all = certificates();
        let one = pem_of(&all[..1]);
        let both = pem_of(&all);
        let base = |der: &[u8]| STANDARD.encode(der);
        let hash = hex(&sha256(&all[0]));
        let quoted = format!(
            "By=spiffe://a/b;Hash={hash};Subject=\"CN=\\\"x\\\",O=\\\\,y;z\";Cert=\"{}\"",
            escaped(&one)
        );
        for (form, value, count) in [
            (Form::Nginx, escaped(&one), 1),
            (Form::Nginx, escaped(&both), 2),
            (Form::Apache, one.replace('\n', " "), 1),
            (Form::Apache, one.trim_end().replace('\n', "\n\t"), 1),
            (Form::Apache, both.replace('\n', "\r\n"), 2),
            (Form::HAProxy, base(&all[0]), 1),
            (Form::HAProxy, base(&all.concat()), 2),
            (Form::Envoy, quoted.clone(), 1),
            (
                Form::Envoy,
                format!("{quoted};chain=\"{}\"", escaped(&both)),
                2,
            ),
            (
                Form::Envoy,
                format!("URI=;URI=a;Chain=\"{}\"", escaped(&both)),
                2,
            ),
            (Form::Traefik, base(&all[0]), 1),
            (
                Form::Traefik,
                format!("{},{}", base(&all[0]), base(&all[1])),
                2,
            ),
            (
                Form::Traefik,
                escaped(&format!("{},{}", base(&all[0]), base(&all[1]))),
                2,
            ),
            (Form::Rfc9440, format!(":{}:", base(&all[0])), 1),
        ] {
            assert_eq!(form.read(&value).unwrap(), all[..count], "{form:?}");
        }
        let list = format!(":{}: ,\t:{}:", base(&all[0]), base(&all[1]));
        assert_eq!(Form::Rfc9440.read_chain(&list).unwrap(), all);
        assert_eq!(Form::HAProxy.read_chain(&base(&all.concat())).unwrap(), all);
    }

    #[test]
    fn no_certificate_is_none_and_not_a_fault() {
        for form in Form::ALL {
            assert!(form.read("").unwrap().is_empty());
            assert!(form.read(" ").unwrap().is_empty());
            assert!(form.read_chain("").unwrap().is_empty());
            assert_eq!(form.name().parse::<Form>().unwrap(), *form);
        }
        assert!(Form::Apache.read("(null)").unwrap().is_empty());
        assert!(Form::Nginx.read("(null)").is_err());
    }

    #[test]
    fn what_no_program_writes_is_refused() {
        let all = certificates();
        let one = pem_of(&all[..1]);
        let (nginx, base) = (escaped(&one), STANDARD.encode(&all[0]));
        let other = escaped(&pem_of(&all[1..]));
        let thousand = escaped(&block("CERTIFICATE", b"0").repeat(1000));
        for (form, value) in [
            (Form::Nginx, one.clone()),
            (Form::Nginx, nginx.replace("%0A", "\n")),
            (Form::Nginx, nginx.replace("%20", "+")),
            (Form::Nginx, nginx.replacen("%0A", "%00", 1)),
            (Form::Nginx, nginx.replacen("%0A", "%250A", 1)),
            (Form::Nginx, nginx.replacen("%0A", "%0", 1)),
            (Form::Nginx, nginx.replacen("%0A", "%+A", 1)),
            (Form::Nginx, format!("{nginx}%")),
            (Form::Nginx, format!("{nginx}x")),
            (Form::Nginx, format!("x{nginx}")),
            (Form::Nginx, format!("{nginx},{nginx}")),
            (
                Form::Nginx,
                escaped("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"),
            ),
            (
                Form::Nginx,
                escaped(&format!("{BEGIN}{BEGIN}{base}{END}{END}")),
            ),
            (Form::Nginx, thousand),
            (Form::Apache, one.replace("END", "END\0")),
            (Form::Apache, one.replace('\n', "\u{a0}")),
            (
                Form::Apache,
                one.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
            ),
            (Form::HAProxy, format!("{base}=")),
            (
                Form::HAProxy,
                base.trim_end_matches('=').to_string() + " " + &base,
            ),
            (
                Form::HAProxy,
                STANDARD.encode([&all[0][..], b"\0"].concat()),
            ),
            (Form::HAProxy, STANDARD.encode(&all[0][1..])),
            (Form::Envoy, "Hash=00".into()),
            (Form::Envoy, format!("Cert={nginx};Cert={nginx}")),
            (Form::Envoy, format!("Cert=\"{nginx}")),
            (Form::Envoy, format!("Cert=\"{nginx}\"x")),
            (Form::Envoy, format!("Cert=\"\"{nginx}\"\"")),
            (Form::Envoy, format!("Cert=\"{nginx}\",Cert=\"{nginx}\"")),
            (Form::Envoy, format!("By=a,Cert=\"{nginx}\"")),
            (Form::Envoy, format!("Cert=\"{nginx}\";Chain=\"{other}\"")),
            (Form::Envoy, format!("Hash=00;Cert=\"{nginx}\"")),
            (Form::Envoy, format!("Subject=\"\\\";Cert=\"{nginx}\"")),
            (Form::Envoy, format!("Cert=\"{nginx}\";")),
            (Form::Traefik, format!("{base},")),
            (Form::Traefik, format!("{base},,{base}")),
            (Form::Traefik, one.clone()),
            (Form::Rfc9440, base.clone()),
            (Form::Rfc9440, format!(":{base}")),
            (Form::Rfc9440, format!(":{base}:;a=1")),
            (Form::Rfc9440, format!(":{base}:, :{base}:")),
            (Form::Rfc9440, "::".into()),
        ] {
            let read = form.read(&value);
            assert!(read.is_err(), "{form:?} {value:.60}");
        }
        assert!(Form::Rfc9440.read_chain(&format!(":{base}:,")).is_err());
        let huge = "A".repeat(10 << 20);
        for form in Form::ALL {
            assert_eq!(
                form.read(&huge).unwrap_err().kind(),
                ErrorKind::LimitExceeded
            );
        }
    }
}
