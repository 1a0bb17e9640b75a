//! Whether the names of a certificate lie in what the certificates above it permit (RFC 5280 §4.2.1.10, §6.1.3(b), (c)).
//!
//! Permitted subtrees intersect: what each certificate permits is a layer of its own, and a name must satisfy every layer
//! that has subtrees of its form. Names and subtrees are prepared once, comparisons are counted. A name of a constrained form
//! that cannot be read is refused, never passed over. In spite of RFC 5280, which looks at the subject's emailAddress
//! only where there is no subjectAltName, it is always held against rfc822Name: an alternative name is no way round.

use crate::engine::pki::extension::{GeneralName, GeneralSubtree, NameConstraints};
use crate::engine::pki::{Certificate, Name};
use crate::engine::syntax::asn1::{der, names};

/// Comparisons of names with subtrees on one path, at most; real constraints have tens of subtrees. A long name counts
/// as several. All names of a certificate times all subtrees must be within it from the start.
const MOST_COMPARISONS: u32 = 250_000;

/// Bytes of a name that are compared for the price of one comparison.
const BYTES_A_COMPARISON: usize = 64;

/// Forms of names, by their number in `GeneralName`.
const FORMS: [&str; 9] = [
    "otherName",
    "rfc822Name",
    "dNSName",
    "x400Address",
    "directoryName",
    "ediPartyName",
    "uniformResourceIdentifier",
    "iPAddress",
    "registeredID",
];
const OTHER_NAME: usize = 0;
const EMAIL: usize = 1;
const DIRECTORY: usize = 4;

/// What is wrong with a name; the form of the name goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameFault {
    /// It lies in no permitted subtree.
    NotPermitted,
    /// It lies in an excluded subtree.
    Excluded,
    /// It, or a subtree that it would be held against, does not follow the syntax of its form.
    Malformed,
    /// Its form, or the way in which its form is constrained, is not processed here, so that RFC 5280 §4.2.1.10 demands
    /// refusal.
    Unsupported,
    /// The comparisons were too many.
    TooMany,
}

/// A fault with the form of the name that it is about, in the word of RFC 5280 §4.2.1.6.
pub(super) type Fault = (NameFault, &'static str);

/// What the certificates above permit and exclude.
#[derive(Debug)]
pub(super) struct Constraints {
    layers: Vec<Layer>,
    left: u32,
}

#[derive(Debug, Default)]
struct Layer {
    permitted: [Vec<Subtree>; FORMS.len()],
    excluded: [Vec<Subtree>; FORMS.len()],
}

/// A name or the base of a subtree, prepared.
#[derive(Debug, PartialEq, Eq)]
enum Prepared {
    Directory(Name),
    /// A host, in lower case; `*` may be the first label of a dNSName.
    Host(String),
    /// The host of a URI, in lower case.
    UriHost(String),
    /// Hosts below this one, which may be empty: all.
    HostsBelow(String),
    /// Every name of the form.
    All,
    /// A mailbox: local part, host in lower case.
    Mailbox(String, String),
    Ip(Vec<u8>),
    /// Address and mask, of the same length.
    Network(Vec<u8>, Vec<u8>),
    Malformed,
    Unsupported,
}

#[derive(Debug)]
struct Subtree {
    base: Prepared,
    cost: u32,
}

fn cost(name: &GeneralName) -> u32 {
    let bytes = match name {
        GeneralName::Email(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => text.len(),
        GeneralName::Directory(name) => name.bytes().len(),
        GeneralName::Ip(_) | GeneralName::Other { .. } => 0,
    };
    1 + (bytes / BYTES_A_COMPARISON) as u32
}

impl Constraints {
    /// Nothing constrained but by the initial subtrees (RFC 5280 §6.1.1(h), (i)).
    pub(super) fn new(permitted: &[GeneralSubtree], excluded: &[GeneralSubtree]) -> Constraints {
        let mut constraints = Constraints {
            layers: Vec::new(),
            left: MOST_COMPARISONS,
        };
        if !permitted.is_empty() || !excluded.is_empty() {
            constraints.layers.push(Layer::new(permitted, excluded));
        }
        constraints
    }

    /// §6.1.4(g): what this extension permits is intersected, what it excludes is added.
    pub(super) fn add(&mut self, extension: &NameConstraints) {
        self.layers
            .push(Layer::new(&extension.permitted, &extension.excluded));
    }

    /// §6.1.3(b), (c): subject and alternative names.
    pub(super) fn check(&mut self, certificate: &Certificate) -> Result<(), Fault> {
        if !self.are_any() {
            return Ok(());
        }
        let subject = certificate.subject();
        let count = 1 + subject.attributes().len() + certificate.subject_alt_name().len();
        let comparisons = count.saturating_mul(self.layers.iter().map(Layer::len).sum());
        if comparisons > self.left as usize {
            return Err((NameFault::TooMany, FORMS[DIRECTORY]));
        }
        if !subject.is_empty() {
            self.check_name(&GeneralName::Directory(subject.clone()))?;
        }
        for attribute in subject.attributes() {
            if attribute.kind == names::AT_EMAIL_ADDRESS {
                self.check_name(&GeneralName::Email(attribute.value.clone()))?;
            }
        }
        for name in certificate.subject_alt_name() {
            self.check_name(name)?;
        }
        Ok(())
    }

    fn check_name(&mut self, name: &GeneralName) -> Result<(), Fault> {
        let form = name.form() as usize;
        if form == OTHER_NAME && is_utf8_mailbox(name) && self.constrains(EMAIL) {
            return Err((NameFault::Unsupported, FORMS[EMAIL]));
        }
        if form >= FORMS.len() || !self.constrains(form) {
            return Ok(());
        }
        let (prepared, cost) = (name_of(name), cost(name));
        let left = &mut self.left;
        for layer in &self.layers {
            let check = layer.check(&prepared, form, cost, left);
            check.map_err(|fault| (fault, FORMS[form]))?;
        }
        Ok(())
    }

    /// Whether any name is constrained.
    pub(super) fn are_any(&self) -> bool {
        !self.layers.is_empty()
    }

    fn constrains(&self, form: usize) -> bool {
        let constrains =
            |layer: &Layer| !layer.permitted[form].is_empty() || !layer.excluded[form].is_empty();
        self.layers.iter().any(constrains)
    }
}

impl Layer {
    fn new(permitted: &[GeneralSubtree], excluded: &[GeneralSubtree]) -> Layer {
        let mut layer = Layer::default();
        for (subtrees, into) in [
            (permitted, &mut layer.permitted),
            (excluded, &mut layer.excluded),
        ] {
            for subtree in subtrees {
                if let Some(into) = into.get_mut(subtree.base.form() as usize) {
                    into.push(Subtree {
                        base: base_of(subtree),
                        cost: cost(&subtree.base),
                    });
                }
            }
        }
        layer
    }

    fn len(&self) -> usize {
        let count = |subtrees: &[Vec<Subtree>]| -> usize { subtrees.iter().map(Vec::len).sum() };
        count(&self.permitted) + count(&self.excluded)
    }

    fn check(
        &self,
        name: &Prepared,
        form: usize,
        cost: u32,
        left: &mut u32,
    ) -> Result<(), NameFault> {
        let mut holds = |subtree: &Subtree, excluded| {
            let price = cost.min(subtree.cost);
            *left = left.checked_sub(price).ok_or(NameFault::TooMany)?;
            is_in(name, &subtree.base, excluded)
        };
        // Excluded subtrees first: "any name matching a restriction in the excludedSubtrees field is invalid regardless of
        // information appearing in the permittedSubtrees".
        for subtree in &self.excluded[form] {
            if holds(subtree, true)? {
                return Err(NameFault::Excluded);
            }
        }
        let permitted = &self.permitted[form];
        for subtree in permitted {
            if holds(subtree, false)? {
                return Ok(());
            }
        }
        if permitted.is_empty() {
            Ok(())
        } else {
            Err(NameFault::NotPermitted)
        }
    }
}

/// Whether the name lies in the subtree; for an excluded one, whether it may stand for a name that does.
fn is_in(name: &Prepared, base: &Prepared, excluded: bool) -> Result<bool, NameFault> {
    use Prepared::{
        All, Directory, Host, HostsBelow, Ip, Mailbox, Malformed, Network, Unsupported, UriHost,
    };
    Ok(match (name, base) {
        (Unsupported, _) | (_, Unsupported) => return Err(NameFault::Unsupported),
        (Malformed, _) | (_, Malformed) => return Err(NameFault::Malformed),
        (_, All) => true,
        (Directory(name), Directory(base)) => name.is_within(base),
        (Host(name), Host(base)) => {
            let parent = |host: &str| host.split_once('.').map(|(_, rest)| rest.to_string());
            name == base
                || is_below(name, base)
                // *.example.org may stand for the host or for one label above what is excluded.
                || excluded && name.starts_with("*.") && parent(name) == parent(base)
        }
        // A mailbox is permitted by its host, a URI by its host, neither by a host above it without a leading dot.
        (UriHost(host) | Mailbox(_, host), Host(base)) => host == base,
        (Host(host) | UriHost(host) | Mailbox(_, host), HostsBelow(base)) => is_below(host, base),
        (Mailbox(local, host), Mailbox(base_local, base_host)) => {
            (local, host) == (base_local, base_host)
        }
        (Ip(address), Network(base, mask)) => {
            address.len() == base.len()
                && (address.iter().zip(base).zip(mask)).all(|((a, b), m)| a & m == b & m)
        }
        _ => false,
    })
}

/// Whether `host` has at least one label more than `base`, and ends with it.
fn is_below(host: &str, base: &str) -> bool {
    host.strip_suffix(base)
        .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn name_of(name: &GeneralName) -> Prepared {
    match name {
        GeneralName::Directory(name) => Prepared::Directory(name.clone()),
        GeneralName::Dns(text) => host(text, true).map_or(Prepared::Malformed, Prepared::Host),
        GeneralName::Email(text) => mailbox(text).map_or(Prepared::Malformed, |(local, host)| {
            Prepared::Mailbox(local, host)
        }),
        GeneralName::Uri(text) => uri_host(text).map_or(Prepared::Malformed, Prepared::UriHost),
        GeneralName::Ip(bytes) if matches!(bytes.len(), 4 | 16) => Prepared::Ip(bytes.clone()),
        GeneralName::Ip(_) => Prepared::Malformed,
        GeneralName::Other { .. } => Prepared::Unsupported,
    }
}

fn base_of(subtree: &GeneralSubtree) -> Prepared {
    // "Within this profile, the minimum and maximum fields are not used with any name forms": who meets them must process
    // them or reject.
    if subtree.minimum != 0 || subtree.maximum.is_some() {
        return Prepared::Unsupported;
    }
    match &subtree.base {
        GeneralName::Directory(name) => Prepared::Directory(name.clone()),
        GeneralName::Email(text) if text.contains('@') => mailbox(text)
            .map_or(Prepared::Malformed, |(local, host)| {
                Prepared::Mailbox(local, host)
            }),
        GeneralName::Email(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => {
            host_base(text)
        }
        GeneralName::Ip(bytes) => network(bytes).unwrap_or(Prepared::Malformed),
        GeneralName::Other { .. } => Prepared::Unsupported,
    }
}

fn host_base(text: &str) -> Prepared {
    match text.strip_prefix('.') {
        _ if text.is_empty() => Prepared::All,
        Some(below) => host(below, false).map_or(Prepared::Malformed, Prepared::HostsBelow),
        None => host(text, false).map_or(Prepared::Malformed, Prepared::Host),
    }
}

/// A host name in lower case: labels of letters, digits, hyphens and the underscore that is met in practice. International
/// names are in their ASCII form (RFC 5280 §7.2), so that anything else is malformed.
fn host(text: &str, wildcard: bool) -> Option<String> {
    let rest = match text.strip_prefix("*.") {
        Some(rest) if wildcard => rest,
        _ => text,
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed);
    (text.len() <= 253 && rest.split('.').all(label)).then(|| text.to_ascii_lowercase())
}

/// Local part, its quotes removed, and host of a mailbox (RFC 5280 §4.2.1.6: `Local-part@Domain`).
pub(super) fn mailbox(text: &str) -> Option<(String, String)> {
    let (local, domain) = text.rsplit_once('@')?;
    let domain = host(domain, false)?;
    if let Some(quoted) = local.strip_prefix('"') {
        return Some((unquoted(quoted.strip_suffix('"')?)?, domain));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    let atoms = local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.bytes().all(allowed));
    atoms.then(|| (local.to_string(), domain))
}

fn unquoted(quoted: &str) -> Option<String> {
    let mut out = String::new();
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => out.push(characters.next().filter(|c| matches!(c, ' '..='~'))?),
            '"' => return None,
            ' '..='~' => out.push(c),
            _ => return None,
        }
    }
    Some(out)
}

/// The host of a URI. One without a host, or with an address in its place, must be refused where URIs are constrained (RFC
/// 5280 §4.2.1.10), as what is malformed is.
fn uri_host(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let named = scheme.bytes().next()?.is_ascii_alphabetic()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let authority = rest.strip_prefix("//")?.split(['/', '?', '#']).next()?;
    let place = authority
        .rsplit_once('@')
        .map_or(authority, |(_, place)| place);
    let (name, port) = place.split_once(':').unwrap_or((place, ""));
    let is_address = || {
        let last = name.rsplit('.').next().unwrap_or("");
        last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x")
    };
    if !named || !port.bytes().all(|b| b.is_ascii_digit()) || is_address() {
        return None;
    }
    host(name, false)
}

/// Address and mask (in bytes, as RFC 5280 §4.2.1.10 has them); a mask with a gap is no mask.
fn network(bytes: &[u8]) -> Option<Prepared> {
    if !matches!(bytes.len(), 8 | 32) {
        return None;
    }
    let (base, mask) = bytes.split_at(bytes.len() / 2);
    let bits = mask.iter().fold(0u128, |n, b| n << 8 | u128::from(*b)) << (128 - 8 * mask.len());
    (bits.leading_ones() + bits.trailing_zeros() >= 128)
        .then(|| Prepared::Network(base.to_vec(), mask.to_vec()))
}

/// Whether an otherName is a mailbox beyond ASCII, which rfc822Name constraints bind too (RFC 9598 §6, unchecked).
fn is_utf8_mailbox(name: &GeneralName) -> bool {
    let id = der::oid(&names::ID_ON_SMTP_UTF8_MAILBOX);
    matches!(name, GeneralName::Other { content, .. } if content.starts_with(&id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(name: GeneralName, base: GeneralName, excluded: bool) -> Result<bool, NameFault> {
        let subtree = GeneralSubtree {
            base,
            minimum: 0,
            maximum: None,
        };
        is_in(&name_of(&name), &base_of(&subtree), excluded)
    }

    type Make = fn(String) -> GeneralName;

    fn permitted(make: Make, name: &str, base: &str) -> Result<bool, NameFault> {
        holds(make(name.to_string()), make(base.to_string()), false)
    }

    #[test]
    fn hosts() {
        let dns = |name, base| permitted(GeneralName::Dns, name, base);
        assert_eq!(dns("host.example.org", "host.example.org"), Ok(true));
        assert_eq!(dns("my.host.example.org", "Host.Example.ORG"), Ok(true));
        assert_eq!(dns("myhost.example.org", "host.example.org"), Ok(false));
        assert_eq!(dns("example.org", ".example.org"), Ok(false));
        assert_eq!(dns("a.example.org", ".example.org"), Ok(true));
        assert_eq!(dns("anything", ""), Ok(true));
        assert_eq!(dns("*.example.org", "example.org"), Ok(true));
        assert_eq!(dns("*.example.org", "a.example.org"), Ok(false));
        assert_eq!(dns("xn--niez-7ra.es", "XN--NIEZ-7RA.es"), Ok(true));
        let malformed = [
            "niñez.es",
            "a..es",
            "a.es.",
            ".a.es",
            "a b.es",
            "",
            "f*.a.es",
            "a\0.es",
        ];
        for name in malformed {
            assert_eq!(dns(name, "es"), Err(NameFault::Malformed), "{name:?}");
        }
        assert_eq!(dns("a.es", "*.es"), Err(NameFault::Malformed));
        let excluded = |name: &str, base: &str| {
            let make = |text: &str| GeneralName::Dns(text.to_string());
            holds(make(name), make(base), true)
        };
        assert_eq!(excluded("*.example.org", "a.example.org"), Ok(true));
        assert_eq!(excluded("*.example.org", "a.b.example.org"), Ok(false));
        assert_eq!(excluded("*.b.example.org", "a.example.org"), Ok(false));
    }

    #[test]
    fn mailboxes() {
        let email = |name, base| permitted(GeneralName::Email, name, base);
        assert_eq!(email("a@example.org", "example.org"), Ok(true));
        assert_eq!(email("a@EXAMPLE.org", "a@example.ORG"), Ok(true));
        assert_eq!(email("A@example.org", "a@example.org"), Ok(false));
        assert_eq!(email("a@sub.example.org", "example.org"), Ok(false));
        assert_eq!(email("a@sub.example.org", ".example.org"), Ok(true));
        assert_eq!(email("a@example.org", ".example.org"), Ok(false));
        assert_eq!(email("\"a@b\"@example.org", "example.org"), Ok(true));
        assert_eq!(email("\"a\"@example.org", "a@example.org"), Ok(true));
        for name in [
            "a",
            "@example.org",
            "a@b@example.org",
            "a@",
            "a b@example.org",
            "é@example.org",
            "\"a@example.org",
        ] {
            assert_eq!(
                email(name, "example.org"),
                Err(NameFault::Malformed),
                "{name}"
            );
        }
    }

    #[test]
    fn uris() {
        let uri = |name: &str, base: &str| permitted(GeneralName::Uri, name, base);
        assert_eq!(
            uri("https://host.example.org:8443/a?b@c", "host.example.org"),
            Ok(true)
        );
        assert_eq!(
            uri("https://a@host.example.org/", "host.example.org"),
            Ok(true)
        );
        assert_eq!(
            uri("https://example.org@evil.example/", "example.org"),
            Ok(false)
        );
        assert_eq!(uri("https://host.example.org", "example.org"), Ok(false));
        assert_eq!(uri("https://host.example.org", ".example.org"), Ok(true));
        assert_eq!(uri("https://example.org", ".example.org"), Ok(false));
        for name in [
            "urn:oid:1.2",
            "https://192.0.2.1/",
            "https://[2001:db8::1]/",
            "//example.org",
            "https:///a",
            "https://a%2eorg/",
            "https://example.org:a/",
        ] {
            assert_eq!(
                uri(name, "example.org"),
                Err(NameFault::Malformed),
                "{name}"
            );
        }
    }

    #[test]
    fn addresses() {
        let ip = |name: &[u8], base: &[u8]| {
            holds(
                GeneralName::Ip(name.to_vec()),
                GeneralName::Ip(base.to_vec()),
                false,
            )
        };
        let network = [192, 0, 2, 0, 255, 255, 255, 128];
        assert_eq!(ip(&[192, 0, 2, 127], &network), Ok(true));
        assert_eq!(ip(&[192, 0, 2, 128], &network), Ok(false));
        assert_eq!(ip(&[9, 9, 9, 9], &[0; 8]), Ok(true));
        let mut six = [0; 32];
        (six[0], six[16]) = (0x20, 0xf0);
        let mut host = [0; 16];
        host[0] = 0x2f;
        assert_eq!(ip(&host, &six), Ok(true));
        host[0] = 0x3f;
        assert_eq!(ip(&host, &six), Ok(false));
        assert_eq!(ip(&[192, 0, 2, 1], &six), Ok(false));
        assert_eq!(ip(&[192, 0, 2, 1, 0], &network), Err(NameFault::Malformed));
        let gap = [192, 0, 2, 0, 255, 0, 255, 0];
        assert_eq!(ip(&[192, 0, 2, 1], &gap), Err(NameFault::Malformed));
        assert_eq!(
            ip(&[192, 0, 2, 1], &network[..7]),
            Err(NameFault::Malformed)
        );
    }
}
