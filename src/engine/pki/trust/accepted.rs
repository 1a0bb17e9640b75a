//! The list of accepted certificates: which ones are taken for what, by which service, from when to when, and why.
//!
//! Ley 39/2015 art. 9.2 and 10.2 (unchecked). In: rules, of which the first that applies decides, and a certificate with what is
//! known of it. Out: a [`Decision`] with the rule, its reason in words and its legal basis. A certificate that no rule is
//! about is not accepted. Pure; whether the certificate holds (path, revocation) is `validation`'s and is asked beside this:
//! an issuer's name alone proves nothing.

use crate::engine::crypto::sha256;
use crate::engine::error::{Error, Result};
use crate::engine::pki::Certificate;
use crate::engine::pki::identity::{CertificateIdentity, Class, PolicyPattern, is_issued_by};
use crate::engine::time::Time;
use jiff::ZonedDateTime;
use serde::{Deserialize, Serialize};

/// What a certificate is presented for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Usage {
    /// To identify oneself.
    Access,
    /// To sign what is handed in.
    Signing,
    /// To have a signature verified that was made with it.
    Verification,
}

impl Usage {
    /// All of them.
    pub const ALL: &[Usage] = &[Usage::Access, Usage::Signing, Usage::Verification];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Usage::Access => "access",
            Usage::Signing => "signing",
            Usage::Verification => "verification",
        }
    }
}

/// Accepted or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Effect {
    Accepted,
    Refused,
}

/// The same in two languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Words {
    pub es: String,
    pub en: String,
}

/// A rule of the list. What it leaves out, it does not ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in answers and logs.
    pub id: String,
    /// What follows.
    pub effect: Effect,
    /// What it is about, for people.
    pub title: Words,
    /// Why, for people.
    pub reason: Words,
    /// The provision it rests on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub legal_basis: String,
    /// What for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usages: Vec<Usage>,
    /// By which services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// From this instant on, itself included: RFC 3339, or date and hour in the list's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Values that must all be in the issuer's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuer: Vec<String>,
    /// SHA-256 of the `subjectPublicKeyInfo` of an authority of its path: any of these, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authority_key: Vec<String>,
    /// SHA-256 of the certificate of an authority of its path: any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authority: Vec<String>,
    /// SHA-256 of the certificate itself: any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate: Vec<String>,
    /// Certificate policies, any of these; `.*` at the end for all below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Classes of certificates, any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Class>,
    /// Whether it is qualified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified: Option<bool>,
}

/// The list as files hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The IANA zone of instants that state none.
    #[serde(default = "madrid")]
    pub zone: String,
    /// The rules, in order.
    #[serde(rename = "rule", default)]
    pub rules: Vec<Rule>,
}

fn madrid() -> String {
    "Europe/Madrid".to_string()
}

/// A rule, checked.
#[derive(Debug, Clone)]
struct Checked {
    rule: Rule,
    from: Option<Time>,
    until: Option<Time>,
    policies: Vec<PolicyPattern>,
    authority_keys: Vec<[u8; 32]>,
    authorities: Vec<[u8; 32]>,
    certificates: Vec<[u8; 32]>,
}

/// The list of accepted certificates, checked.
#[derive(Debug, Clone)]
pub struct AcceptedCertificates {
    zone: String,
    rules: Vec<Checked>,
}

/// A certificate, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// Whom it names.
    pub identity: &'a CertificateIdentity,
    /// The authorities of its path, where one was found.
    pub authorities: &'a [Certificate],
    /// Whether it is qualified, by the trusted lists or, where those were not asked, by its own word.
    pub qualified: bool,
}

impl<'a> Presented<'a> {
    /// By its own word alone.
    pub fn alone(certificate: &'a Certificate, identity: &'a CertificateIdentity) -> Presented<'a> {
        Presented {
            certificate,
            identity,
            authorities: &[],
            qualified: identity.stated.qualified,
        }
    }
}

/// What the list says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether it is accepted.
    pub accepted: bool,
    /// The rule that decided; `not-listed` where none is about it.
    pub rule: String,
    /// Why, in words.
    pub reason: Words,
    /// The provision that the rule rests on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub legal_basis: String,
    /// What it was presented for.
    pub usage: Usage,
    /// The service that it was presented to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The instant.
    pub at: Time,
}

impl Default for AcceptedCertificates {
    /// The shipped list.
    fn default() -> Self {
        let list = serde_json::from_str(include_str!("accepted.json"));
        AcceptedCertificates::new(list.expect("accepted.json is tested"))
            .expect("accepted.json is tested")
    }
}

fn instant(text: &str, zone: &str) -> Result<Time> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let zoned = format!("{text}[{zone}]").parse::<ZonedDateTime>();
    zoned.map(|z| Time::from_zoned(&z)).map_err(|_| {
        Error::invalid(
            "instant of the list of accepted certificates",
            "not a date and hour, or its zone is not known",
        )
        .remedy("Write it as 2016-09-17T00:00:00, in the list's zone, or with an offset.")
    })
}

fn digests(all: &[String]) -> Result<Vec<[u8; 32]>> {
    let one = |text: &String| {
        let clean: Vec<u8> = text.bytes().filter(|b| *b != b':').collect();
        let digit = |b: &u8| char::from(*b).to_digit(16);
        let bytes: Option<Vec<u8>> = clean
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some((digit(high)? * 16 + digit(low)?) as u8),
                _ => None,
            })
            .collect();
        bytes.and_then(|b| b.try_into().ok()).ok_or_else(|| {
            Error::invalid(
                "fingerprint of the list of accepted certificates",
                "not 64 hexadecimal digits",
            )
            .remedy("Give the SHA-256, as `openssl x509 -fingerprint -sha256` prints it.")
        })
    };
    all.iter().map(one).collect()
}

impl AcceptedCertificates {
    /// From a list as files hold it. Errors name the rule.
    pub fn new(list: List) -> Result<AcceptedCertificates> {
        let List { zone, rules } = list;
        let mut checked: Vec<Checked> = Vec::new();
        for rule in rules {
            let id = rule.id.clone();
            if id.is_empty() || checked.iter().any(|other| other.rule.id == id) {
                return Err(
                    Error::invalid(format!("rule {id:?}"), "has no name of its own")
                        .remedy("Give each rule of the list of accepted certificates its own id."),
                );
            }
            let one = check(rule, &zone).map_err(|error| {
                Error::invalid(format!("rule {id:?}"), error.problem().to_string())
                    .remedy("Mend the list of accepted certificates.")
            })?;
            checked.push(one);
        }
        Ok(AcceptedCertificates {
            zone,
            rules: checked,
        })
    }

    /// As files hold it.
    pub fn list(&self) -> List {
        List {
            zone: self.zone.clone(),
            rules: self.rules().cloned().collect(),
        }
    }

    /// Its rules in order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|one| &one.rule)
    }

    /// What it says of a certificate that is presented for `usage` to `service` at `at`.
    ///
    /// For `Verification`, `at` is when the signature is proven to have existed.
    pub fn decide(
        &self,
        presented: Presented<'_>,
        usage: Usage,
        service: Option<&str>,
        at: Time,
    ) -> Decision {
        let found = self
            .rules
            .iter()
            .find(|one| one.is_about(presented, usage, service, at));
        let decision = |accepted, rule: &str, reason, legal_basis: &str| Decision {
            accepted,
            rule: rule.to_string(),
            reason,
            legal_basis: legal_basis.to_string(),
            usage,
            service: service.map(str::to_string),
            at,
        };
        match found {
            Some(Checked { rule, .. }) => decision(
                rule.effect == Effect::Accepted,
                &rule.id,
                rule.reason.clone(),
                &rule.legal_basis,
            ),
            None => decision(
                false,
                "not-listed",
                Words {
                    es: "El certificado no está en la lista de certificados admitidos para este uso.".to_string(),
                    en: "The certificate is not in the list of accepted certificates for this use.".to_string(),
                },
                "",
            ),
        }
    }
}

fn check(rule: Rule, zone: &str) -> Result<Checked> {
    let time = |text: &Option<String>| text.as_deref().map(|t| instant(t, zone)).transpose();
    let policies = rule
        .policies
        .iter()
        .map(|p| PolicyPattern::read(p))
        .collect::<Result<_>>()?;
    Ok(Checked {
        from: time(&rule.from)?,
        until: time(&rule.until)?,
        policies,
        authority_keys: digests(&rule.authority_key)?,
        authorities: digests(&rule.authority)?,
        certificates: digests(&rule.certificate)?,
        rule,
    })
}

impl Checked {
    fn is_about(
        &self,
        presented: Presented<'_>,
        usage: Usage,
        service: Option<&str>,
        at: Time,
    ) -> bool {
        let rule = &self.rule;
        let Presented {
            certificate,
            identity,
            authorities,
            qualified,
        } = presented;
        let any_policy = |p: &PolicyPattern| certificate.policies().iter().any(|own| p.is_of(own));
        (rule.usages.is_empty() || rule.usages.contains(&usage))
            && (rule.services.is_empty()
                || service.is_some_and(|s| rule.services.iter().any(|one| one == s)))
            && self.from.is_none_or(|from| from <= at)
            && self.until.is_none_or(|until| at < until)
            && (rule.classes.is_empty() || rule.classes.contains(&identity.class))
            && rule.qualified.is_none_or(|wanted| wanted == qualified)
            && is_issued_by(certificate.issuer(), &rule.issuer)
            && (self.policies.is_empty() || self.policies.iter().any(any_policy))
            && (self.certificates.is_empty()
                || self.certificates.contains(&certificate.fingerprint()))
            && (self.authorities.is_empty()
                || authorities
                    .iter()
                    .any(|c| self.authorities.contains(&c.fingerprint())))
            && (self.authority_keys.is_empty()
                || authorities
                    .iter()
                    .any(|c| self.authority_keys.contains(&sha256(c.spki()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::authority::certificate::distinguished_name;
    use crate::engine::authority::extension::{self as ext, QcStatement};
    use crate::engine::pki::identity::testing::issued;
    use crate::engine::syntax::asn1::{Oid, names};

    const SGI: &[(Oid, &str)] = &[
        (names::AT_COUNTRY, "ES"),
        (names::AT_ORGANIZATION, "Seg-social"),
        (names::AT_ORGANIZATIONAL_UNIT, "SGI"),
    ];
    const OTHER: &[(Oid, &str)] = &[(names::AT_ORGANIZATION, "SGI de otros")];

    fn silcon() -> (Certificate, Certificate) {
        let name = [(
            names::AT_COMMON_NAME,
            "ESPAÑOL ESPAÑOL JUAN - NIF 00019174S",
        )];
        issued(SGI, distinguished_name(&name).unwrap(), Vec::new())
    }

    fn qualified(kind: Oid) -> (Certificate, Certificate) {
        let name = [
            (names::AT_GIVEN_NAME, "JUAN"),
            (names::AT_SURNAME, "ESPAÑOL"),
            (names::AT_SERIAL_NUMBER, "IDCES-00000000T"),
            (names::AT_COMMON_NAME, "JUAN ESPAÑOL"),
        ];
        let statements = [QcStatement::Compliance, QcStatement::Type(kind)];
        issued(
            OTHER,
            distinguished_name(&name).unwrap(),
            vec![ext::qc_statements(&statements)],
        )
    }

    fn decide(
        list: &AcceptedCertificates,
        certificate: &Certificate,
        usage: Usage,
        service: Option<&str>,
        at: &str,
    ) -> Decision {
        let identity = CertificateIdentity::of(certificate);
        list.decide(
            Presented::alone(certificate, &identity),
            usage,
            service,
            at.parse().unwrap(),
        )
    }

    #[test]
    fn silcon_ends_with_the_16th_of_september_2016_in_madrid_to_the_second() {
        let (list, (certificate, _)) = (AcceptedCertificates::default(), silcon());
        let at = |usage, at| {
            let decision = decide(&list, &certificate, usage, None, at);
            (decision.accepted, decision.rule)
        };
        let before = (true, "silcon-until-2016".to_string());
        let after = (false, "silcon-access".to_string());
        assert_eq!(at(Usage::Access, "2016-09-16T23:59:59+02:00"), before);
        assert_eq!(at(Usage::Access, "2016-09-16T21:59:59Z"), before);
        assert_eq!(at(Usage::Access, "2016-09-16T22:00:00Z"), after);
        assert_eq!(at(Usage::Access, "2016-09-17T00:00:00+02:00"), after);
        assert_eq!(at(Usage::Access, "2026-01-01T00:00:00Z"), after);
        for when in ["2010-02-26T10:00:00Z", "2026-01-01T00:00:00Z"] {
            assert!(at(Usage::Verification, when).0);
        }
        // Whoever has one of the two values in the name is not that issuer.
        let (other, _) = issued(OTHER, certificate.subject().clone(), Vec::new());
        let decision = decide(&list, &other, Usage::Access, None, "2016-01-01T00:00:00Z");
        assert_eq!(
            (decision.accepted, decision.rule.as_str()),
            (false, "not-listed")
        );
    }

    #[test]
    fn a_qualified_person_is_accepted_and_a_seal_does_not_identify_itself() {
        let list = AcceptedCertificates::default();
        let (person, _) = qualified(names::ID_ETSI_QCT_ESIGN);
        let (seal, _) = qualified(names::ID_ETSI_QCT_ESEAL);
        for (certificate, usage, rule) in [
            (&person, Usage::Access, "qualified-person"),
            (&person, Usage::Signing, "qualified-person"),
            (&seal, Usage::Access, "not-of-a-person"),
            (&seal, Usage::Signing, "qualified-seal"),
            (&seal, Usage::Verification, "verification"),
        ] {
            let decision = decide(&list, certificate, usage, None, "2026-01-01T00:00:00Z");
            assert_eq!(decision.rule, rule);
            assert_eq!(decision.accepted, rule != "not-of-a-person");
        }
        // What the trusted lists say outweighs what it says itself.
        let identity = CertificateIdentity::of(&person);
        let presented = Presented {
            qualified: false,
            ..Presented::alone(&person, &identity)
        };
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        assert!(!list.decide(presented, Usage::Access, None, at).accepted);
    }

    fn one_rule(more: &str) -> Result<AcceptedCertificates> {
        let words = r#"{"es":"a","en":"b"}"#;
        let text = format!(
            r#"{{"rule":[{{"id":"x","effect":"accepted","title":{words},"reason":{words}{more}}}]}}"#
        );
        AcceptedCertificates::new(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn rules_go_by_service_authority_fingerprint_and_policy() {
        let hex = |bytes: [u8; 32]| {
            bytes
                .iter()
                .map(|b| format!("{b:02X}"))
                .collect::<Vec<_>>()
                .join(":")
        };
        let name = distinguished_name(&[(names::AT_COMMON_NAME, "x")]).unwrap();
        let policies = ext::policies(&[(names::ES_SEAL_HIGH, None)]);
        let (certificate, authority) = issued(OTHER, name, vec![policies]);
        let identity = CertificateIdentity::of(&certificate);
        let authorities = [authority.clone()];
        let presented = Presented {
            authorities: &authorities,
            ..Presented::alone(&certificate, &identity)
        };
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let is = |more: &str, service| {
            one_rule(more)
                .unwrap()
                .decide(presented, Usage::Access, service, at)
                .accepted
        };
        assert!(is("", None));
        assert!(is(r#","services":["tesol"]"#, Some("tesol")));
        assert!(
            !is(r#","services":["tesol"]"#, Some("red")) && !is(r#","services":["tesol"]"#, None)
        );
        assert!(is(r#","policies":["2.16.724.1.3.5.6.*"]"#, None));
        assert!(!is(r#","policies":["2.16.724.1.3.5.7.*"]"#, None));
        assert!(is(
            &format!(r#","authority":["{}"]"#, hex(authority.fingerprint())),
            None
        ));
        assert!(!is(
            &format!(r#","authority":["{}"]"#, hex(certificate.fingerprint())),
            None
        ));
        assert!(is(
            &format!(r#","authority_key":["{}"]"#, hex(sha256(authority.spki()))),
            None
        ));
        assert!(is(
            &format!(r#","certificate":["{}"]"#, hex(certificate.fingerprint())),
            None
        ));
        assert!(is(r#","classes":["seal"]"#, None) && !is(r#","classes":["sede"]"#, None));
        assert!(
            is(r#","from":"2026-01-01T00:00:00Z""#, None)
                && !is(r#","until":"2026-01-01T00:00:00Z""#, None)
        );
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said_with_its_rule() {
        for more in [
            r#","from":"tomorrow""#,
            r#","from":"2026-13-01T00:00:00""#,
            r#","policies":["1.x"]"#,
            r#","authority":["abc"]"#,
            r#","certificate":["zz"]"#,
        ] {
            let error = one_rule(more).unwrap_err();
            assert!(error.to_string().contains("\"x\""), "{error}");
        }
        let mut list = AcceptedCertificates::default().list();
        list.rules.push(list.rules[0].clone());
        assert!(AcceptedCertificates::new(list.clone()).is_err());
        list.rules.pop();
        list.zone = "Mars/Olympus".into();
        assert!(AcceptedCertificates::new(list).is_err());
    }

    #[test]
    fn every_shipped_rule_is_worded_in_both_languages() {
        for rule in AcceptedCertificates::default().rules() {
            for words in [&rule.title, &rule.reason] {
                assert!(!words.es.is_empty() && !words.en.is_empty(), "{}", rule.id);
            }
        }
    }
}
