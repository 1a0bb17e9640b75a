//! A simple report as text for people, and as one line for lists of files.

use super::message::{Language, label, named};
use super::simple::{FindingReport, ScopeReport, SignatureReport, SimpleReport, TimestampReport};
use crate::engine::evidence::ScopeKind;
use crate::engine::pki::trust::Provenance;
use crate::engine::time::Time;
use crate::engine::validation::{Indication, TrustBasis};
use std::fmt::Write;

pub(super) const UTC: &str = "UTC";

/// An instant in a zone: `2026-03-01 11:00:00 +01:00`; in UTC where the zone is not known.
pub(super) fn instant(time: Time, zone: &str) -> String {
    let zoned = time.in_zone(zone).unwrap_or_else(|_| time.in_utc());
    zoned.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// What a name must not bring into a report: control characters, which forge lines; marks that turn the direction of text
/// around or are not seen at all, which forge words.
fn forges(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// `text` with a space for every character that could forge.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if forges(c) { ' ' } else { c })
        .collect()
}

pub(super) fn word(indication: Option<Indication>, language: Language) -> &'static str {
    let key = match indication {
        Some(Indication::TotalPassed) => "passed",
        Some(Indication::Indeterminate) => "indeterminate",
        Some(Indication::TotalFailed) => "failed",
        None => "unsigned",
    };
    label(language, key)
}

/// Writes lines of a report.
pub(super) struct Page {
    pub out: String,
    pub language: Language,
    pub zone: String,
    pub now: Time,
    pub indent: usize,
}

impl Page {
    pub(super) fn new(language: Language, zone: &str, now: Time) -> Page {
        Page {
            out: String::new(),
            language,
            zone: zone.to_string(),
            now,
            indent: 0,
        }
    }

    /// What `body` writes, two columns further in.
    pub(super) fn inside(&mut self, body: impl FnOnce(&mut Page)) {
        self.indent += 2;
        body(self);
        self.indent -= 2;
    }

    pub(super) fn line(&mut self, text: &str) {
        let _ = writeln!(
            self.out,
            "{:indent$}{}",
            "",
            one_line(text),
            indent = self.indent
        );
    }

    pub(super) fn field(&mut self, key: &'static str, value: &str) {
        if !value.is_empty() {
            let label = label(self.language, key);
            self.line(&format!("{label}: {value}"));
        }
    }

    pub(super) fn label(&self, key: &'static str) -> &'static str {
        label(self.language, key)
    }
}

/// `report` in `language`, its instants in the IANA zone `zone`.
pub fn text(report: &SimpleReport, language: Language, zone: &str) -> String {
    let mut page = Page::new(language, zone, report.validation_time);
    document(report, &mut page);
    page.out
}

fn document(report: &SimpleReport, page: &mut Page) {
    let verdict = word(report.indication, page.language);
    let explanation = report.explanation.in_language(page.language);
    page.line(&format!("{verdict}. {explanation}"));
    page.field(
        "validated_at",
        &instant(report.validation_time, &page.zone.clone()),
    );
    page.field(
        "policy",
        &format!("{}, SHA-256 {}", report.policy, report.policy_digest),
    );
    if let Some(basis) = &report.trust {
        trust(basis, page);
    }
    page.field(
        "document",
        &format!("{}, SHA-256 {}", report.format, report.document),
    );
    findings(&report.findings, page);
    for (index, one) in report.signatures.iter().enumerate() {
        page.line("");
        page.line(&format!(
            "{} {}: {}",
            page.label("signature"),
            index + 1,
            one.name
        ));
        page.indent += 2;
        signature(one, page);
        page.indent -= 2;
    }
    for stamp in &report.timestamps {
        page.line("");
        timestamp(stamp, page);
    }
    for nested in &report.inside {
        page.line("");
        page.line(&format!("{}: {}", page.label("inside"), nested.name));
        page.indent += 2;
        document(&nested.report, page);
        page.indent -= 2;
    }
}

/// What was trusted: the digest of it all, and the trusted lists.
pub(super) fn trust(basis: &TrustBasis, page: &mut Page) {
    page.field("trust", &format!("SHA-256 {}", basis.digest));
    let Some(snapshot) = &basis.snapshot else {
        return;
    };
    page.field("trust_snapshot", &format!("SHA-256 {snapshot}"));
    page.indent += 2;
    for list in &basis.lists {
        let mut text = format!("{} {}", list.territory, list.sequence);
        if let Some(issued) = list.issued {
            let _ = write!(text, ", {}", instant(issued, &page.zone));
        }
        if list.expired {
            let _ = write!(text, ", {}", page.label("trusted_list_expired"));
        }
        page.field("trusted_list", &text);
    }
    page.indent -= 2;
}

/// By whose word an anchor is trusted.
pub(super) fn provenance(by: &Provenance, language: Language) -> String {
    match by {
        Provenance::Configured => label(language, "trusted_by_operator").to_string(),
        Provenance::TrustedList {
            territory,
            provider,
            service,
            ..
        } => format!(
            "{} {territory}: {provider}, {service}",
            label(language, "trusted_list")
        ),
        Provenance::Historical { note } => {
            format!("{}: {note}", label(language, "trusted_by_historical"))
        }
    }
}

fn signature(one: &SignatureReport, page: &mut Page) {
    facts(one, page);
    findings(&one.findings, page);
    for stamp in &one.timestamps {
        timestamp(stamp, page);
    }
}

/// What there is to be said of a signature beside its findings.
pub(super) fn facts(one: &SignatureReport, page: &mut Page) {
    let mut verdict = format!(
        "{} ({}",
        word(Some(one.indication), page.language),
        one.indication
    );
    if let Some(sub) = one.sub_indication {
        let _ = write!(verdict, ", {sub}");
    }
    let explanation = one.explanation.in_language(page.language);
    page.field("verdict", &format!("{verdict}). {explanation}"));
    if let Some(signer) = &one.signer {
        page.field("signed_by", &signer.name);
        page.field("number", signer.number.as_deref().unwrap_or_default());
        if let Some(entity) = &signer.on_behalf_of {
            let number = entity.number.as_deref().unwrap_or_default();
            page.field("on_behalf_of", format!("{} {number}", entity.name).trim());
        }
        page.field("issued_by", &signer.issuer);
    }
    let trusted_by = one
        .trusted_by
        .as_ref()
        .map(|by| provenance(by, page.language));
    page.field("trusted_by", &trusted_by.unwrap_or_default());
    if let Some(qualification) = &one.qualification {
        let words = named(page.language, "qualification", &qualification.level).to_string();
        page.field("qualification", &words);
    }
    page.field("level", &one.level);
    let zone = page.zone.clone();
    let claimed = one.claimed_time.map(|time| instant(time, &zone));
    let none = page.label("none");
    page.field("claimed_time", claimed.as_deref().unwrap_or(none));
    let proven = one.best_signature_time < page.now;
    let best = instant(one.best_signature_time, &zone);
    if proven {
        page.field("proven_time", &best);
    } else {
        page.field(
            "proven_time",
            &format!("{best} ({})", page.label("not_proven")),
        );
    }
    page.field("reason", one.reason.as_deref().unwrap_or_default());
    for scope in &one.scopes {
        page.field("scope", &scope_text(scope, page));
    }
}

pub(super) fn scope_text(scope: &ScopeReport, page: &Page) -> String {
    // What formats call their content where it has no name of its own.
    let name = match scope.name.as_str() {
        "document" => page.label("scope_document"),
        "content" => page.label("scope_content"),
        name => name,
    };
    let mut text = format!(
        "{name} ({}",
        page.label(match scope.scope {
            ScopeKind::Full => "scope_full",
            ScopeKind::Partial => "scope_partial",
        })
    );
    if let Some((which, of)) = scope.revision {
        let revision = page.label("revision");
        let _ = write!(
            text,
            ", {}",
            revision
                .replace("{0}", &which.to_string())
                .replace("{1}", &of.to_string())
        );
    }
    text.push(')');
    text
}

fn timestamp(stamp: &TimestampReport, page: &mut Page) {
    let by = stamp.signed_by.as_deref().unwrap_or_default();
    let verdict = word(Some(stamp.indication), page.language);
    let at = instant(stamp.time, &page.zone.clone());
    page.field("timestamp", &format!("{at}, {by}: {verdict}"));
    page.indent += 2;
    let negative: Vec<_> = stamp
        .findings
        .iter()
        .filter(|f| f.finding.is_negative())
        .cloned()
        .collect();
    findings(&negative, page);
    page.indent -= 2;
}

fn findings(all: &[FindingReport], page: &mut Page) {
    for one in all.iter().filter(|f| f.finding.is_negative()) {
        page.field(
            "why",
            &format!(
                "{} [{}]",
                one.message.in_language(page.language),
                one.finding.clause
            ),
        );
        if let Some(remedy) = &one.remedy {
            page.indent += 2;
            page.field("remedy", remedy.in_language(page.language));
            page.indent -= 2;
        }
    }
    for one in all.iter().filter(|f| !f.finding.is_negative()) {
        page.field("notes", one.message.in_language(page.language));
    }
}

/// One line for a list of files: indication, sub-indication, levels, signers.
pub fn line(report: &SimpleReport) -> String {
    let indication = report.indication.map_or("NO_SIGNATURE", Indication::name);
    let sub = report.signatures.iter().find_map(|s| s.sub_indication);
    let who: Vec<&str> = report
        .signatures
        .iter()
        .filter_map(|s| s.signed_by.as_deref())
        .collect();
    let levels: Vec<&str> = report.signatures.iter().map(|s| s.level.as_str()).collect();
    let parts = [
        indication.to_string(),
        sub.map(|s| s.to_string()).unwrap_or_default(),
        levels.join(" "),
        who.join("; "),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|p| !p.is_empty())
        .map(|p| one_line(p))
        .collect();
    parts.join(" · ")
}
