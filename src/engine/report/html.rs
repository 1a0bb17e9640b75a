//! The detailed report as one HTML page that needs nothing else: no script, no address, its style inside (EN 301 549,
//! WCAG 2.2 AA).
//!
//! In: the detailed report. Out: the page, in one language. It is well-formed XML too, so that a test can read it. What
//! documents and certificates say is text and nothing else, each piece isolated from the direction of the next.

use super::detailed::{
    BlockReport, DetailedDocument, DetailedReport, DetailedSignature, DetailedTimestamp,
    ProcessReport, RecordReport,
};
use super::detailed_text::{
    Names, intact, names, object_kind, object_name, origin, outcome, process_word, proof_text,
    stamp_kind, stated,
};
use super::markup::Markup;
use super::message::{Language, label, named};
use super::object::ObjectReport;
use super::simple::{FindingReport, SignatureReport};
use super::text::{Page, instant, provenance, scope_text, word};
use crate::engine::evidence::ObjectId;
use crate::engine::validation::{Indication, Outcome};
use std::collections::BTreeSet;

/// A page that got through with markup of somebody else could still load and run nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; color: #1b1b1b; background: #fff }
h1, h2, h3, h4 { line-height: 1.25 }
section { margin-top: 2rem; border-top: 1px solid #767676 }
dl { display: grid; grid-template-columns: minmax(10rem, 1fr) 3fr; gap: .25rem 1rem; margin: 1rem 0 }
dt { font-weight: bold }
dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
caption { text-align: start; font-weight: bold; padding: .25rem 0 }
th, td { border: 1px solid #767676; padding: .25rem .5rem; text-align: start; vertical-align: top; overflow-wrap: anywhere }
.verdict { border-inline-start: .5rem solid #767676; padding: .5rem 1rem; font-weight: bold }
.passed { border-color: #146c2e }
.failed { border-color: #a8071a }
.indeterminate, .warning { border-color: #8a5a00 }
a { color: #0b4f9e }
a:focus-visible { outline: .2rem solid #0b4f9e; outline-offset: .1rem }
.skip { position: absolute; inset-inline-start: -100rem }
.skip:focus { position: static }
@media (prefers-color-scheme: dark) { body { color: #f2f2f2; background: #16181b } a { color: #8ec2ff } }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr } }
@media print { body { max-width: none } section { break-inside: auto } }
";

/// What a page is written with.
struct Writing {
    words: Page,
    names: Names,
    /// Objects whose row has the identifier that links lead to.
    objects: BTreeSet<ObjectId>,
    /// Sections so far, for identifiers that are there once.
    sections: u32,
}

/// `report` in `language`, its instants in the IANA zone `zone`.
pub fn html(report: &DetailedReport, language: Language, zone: &str) -> Vec<u8> {
    let mut writing = Writing {
        words: Page::new(language, zone, report.validation_time),
        names: names(report, language),
        objects: report.objects.iter().map(|object| object.id).collect(),
        sections: 0,
    };
    let title = label(language, "report_title");
    let mut out = Markup::new("<!DOCTYPE html>\n");
    out.element("html", &[("lang", language.code())], |out| {
        out.element("head", &[], |out| {
            out.empty("meta", &[("charset", "utf-8")]);
            out.empty(
                "meta",
                &[
                    ("http-equiv", "Content-Security-Policy"),
                    ("content", POLICY),
                ],
            );
            out.empty(
                "meta",
                &[
                    ("name", "viewport"),
                    ("content", "width=device-width, initial-scale=1"),
                ],
            );
            out.leaf(
                "title",
                &format!(
                    "{title}: {}",
                    word(report.document.conclusion.indication, language)
                ),
            );
            out.element("style", &[], |out| out.raw(STYLE));
        });
        out.element("body", &[], |out| {
            out.element("a", &[("class", "skip"), ("href", "#main")], |out| {
                out.text(label(language, "skip"))
            });
            out.element("header", &[], |out| out.leaf("h1", title));
            out.element(
                "nav",
                &[("aria-label", label(language, "contents"))],
                |out| writing.contents(report, out),
            );
            out.element("main", &[("id", "main")], |out| {
                writing.head(report, out);
                writing.document(&report.document, out);
                writing.objects(&report.objects, out);
            });
        });
    });
    out.finish()
}

impl Writing {
    fn label(&self, key: &'static str) -> &'static str {
        self.words.label(key)
    }

    fn language(&self) -> Language {
        self.words.language
    }

    fn contents(&self, report: &DetailedReport, out: &mut Markup) {
        let mut count = 0;
        out.element("ul", &[], |out| {
            self.entries(&report.document, &mut count, out);
            out.element("li", &[], |out| {
                out.element("a", &[("href", "#objects")], |out| {
                    out.text(self.label("objects"))
                });
            });
        });
    }

    /// Numbers sections in the order in which they are written.
    fn entries(&self, one: &DetailedDocument, count: &mut u32, out: &mut Markup) {
        let mut entry = |text: &str| {
            *count += 1;
            out.element("li", &[], |out| {
                out.element("a", &[("href", &format!("#s{count}"))], |out| {
                    out.leaf("bdi", text)
                });
            });
        };
        entry(&self.document_title(one));
        for (index, signature) in one.signatures.iter().enumerate() {
            entry(&self.signature_title(index, signature));
        }
        one.inside
            .iter()
            .for_each(|inside| self.entries(inside, count, out));
    }

    fn document_title(&self, one: &DetailedDocument) -> String {
        match &one.name {
            Some(name) => format!("{}: {name}", self.label("inside")),
            None => self.label("document").to_string(),
        }
    }

    fn signature_title(&self, index: usize, one: &DetailedSignature) -> String {
        let who = one
            .conclusion
            .signed_by
            .as_deref()
            .unwrap_or(self.label("none"));
        format!("{} {}: {who}", self.label("signature"), index + 1)
    }

    fn section(
        &mut self,
        title: &str,
        out: &mut Markup,
        body: impl FnOnce(&mut Self, &mut Markup),
    ) {
        self.sections += 1;
        let id = format!("s{}", self.sections);
        let heading = format!("{id}h");
        out.element(
            "section",
            &[("id", &id), ("aria-labelledby", &heading)],
            |out| {
                out.element("h2", &[("id", &heading)], |out| out.leaf("bdi", title));
                body(self, out);
            },
        );
    }

    fn fact(&self, key: &'static str, value: &str, out: &mut Markup) {
        if !value.is_empty() {
            out.leaf("dt", self.label(key));
            out.element("dd", &[], |out| out.leaf("bdi", value));
        }
    }

    fn verdict(&self, indication: Option<Indication>, words: &str, out: &mut Markup) {
        let tone = match indication {
            Some(Indication::TotalPassed) => "verdict passed",
            Some(Indication::TotalFailed) => "verdict failed",
            Some(Indication::Indeterminate) => "verdict indeterminate",
            None => "verdict",
        };
        let verdict = word(indication, self.language());
        out.element("p", &[("class", tone)], |out| {
            out.text(&format!("{verdict}. {words}"))
        });
    }

    fn head(&self, report: &DetailedReport, out: &mut Markup) {
        let zone = &self.words.zone;
        out.element("dl", &[], |out| {
            self.fact("validated_at", &instant(report.validation_time, zone), out);
            self.fact("policy", &report.policy.name, out);
            self.fact(
                "policy_digest",
                &format!("SHA-256 {}", report.policy.digest),
                out,
            );
            if let Some(trust) = &report.trust {
                self.fact("trust", &format!("SHA-256 {}", trust.digest), out);
                for list in &trust.lists {
                    self.fact(
                        "trusted_list",
                        &format!("{} {}", list.territory, list.sequence),
                        out,
                    );
                }
            }
        });
    }

    fn document(&mut self, one: &DetailedDocument, out: &mut Markup) {
        let title = self.document_title(one);
        self.section(&title, out, |page, out| {
            let conclusion = &one.conclusion;
            let words = conclusion.explanation.in_language(page.language());
            page.verdict(conclusion.indication, words, out);
            out.element("dl", &[], |out| {
                page.fact("document", &conclusion.format, out);
                page.fact("size", &conclusion.size.to_string(), out);
                page.fact("fingerprint", &conclusion.sha256.to_string(), out);
            });
            if !one.findings.is_empty() {
                let caption = page.label("document_findings");
                page.table(caption, out, |page, out| {
                    out.element("tbody", &[], |out| {
                        for finding in &one.findings {
                            out.element("tr", &[], |out| {
                                out.element("th", &[("scope", "row")], |out| {
                                    out.text(page.label("document"))
                                });
                                page.finding(finding, out);
                            });
                        }
                    });
                });
            }
            one.records
                .iter()
                .for_each(|record| page.record(record, out));
            one.timestamps
                .iter()
                .for_each(|stamp| page.timestamp(stamp, out));
        });
        for (index, signature) in one.signatures.iter().enumerate() {
            let title = self.signature_title(index, signature);
            self.section(&title, out, |page, out| page.signature(signature, out));
        }
        one.inside
            .iter()
            .for_each(|inside| self.document(inside, out));
    }

    fn signature(&mut self, one: &DetailedSignature, out: &mut Markup) {
        let conclusion = &one.conclusion;
        let words = conclusion.explanation.in_language(self.language());
        self.verdict(Some(conclusion.indication), words, out);
        out.element("dl", &[], |out| self.facts(one, conclusion, out));
        self.processes(&one.processes, out);
        one.timestamps
            .iter()
            .for_each(|stamp| self.timestamp(stamp, out));
    }

    fn facts(&self, one: &DetailedSignature, conclusion: &SignatureReport, out: &mut Markup) {
        let (language, zone) = (self.language(), &self.words.zone);
        let sub = conclusion
            .sub_indication
            .map(|sub| format!(", {sub}"))
            .unwrap_or_default();
        self.fact("verdict", &format!("{}{sub}", conclusion.indication), out);
        self.fact(
            "concluded_by",
            process_word(one.concluded_by, language),
            out,
        );
        self.fact("name", &conclusion.name, out);
        self.fact("identifier", &conclusion.id.to_string(), out);
        if let Some(signer) = &conclusion.signer {
            self.fact("signed_by", &signer.name, out);
            self.fact("number", signer.number.as_deref().unwrap_or_default(), out);
            if let Some(entity) = &signer.on_behalf_of {
                let number = entity.number.as_deref().unwrap_or_default();
                self.fact(
                    "on_behalf_of",
                    format!("{} {number}", entity.name).trim(),
                    out,
                );
            }
            self.fact("issued_by", &signer.issuer, out);
        }
        let by = conclusion.trusted_by.as_ref();
        self.fact(
            "trusted_by",
            &by.map(|by| provenance(by, language)).unwrap_or_default(),
            out,
        );
        if let Some(qualification) = &conclusion.qualification {
            self.fact(
                "qualification",
                named(language, "qualification", &qualification.level),
                out,
            );
        }
        self.fact("level", &conclusion.level, out);
        self.fact(
            "algorithm",
            conclusion.algorithm.as_deref().unwrap_or_default(),
            out,
        );
        let mathematics = match conclusion.mathematics {
            Some(true) => "mathematics.intact",
            Some(false) => "mathematics.altered",
            None => "mathematics.not_checked",
        };
        self.fact("mathematics", self.label(mathematics), out);
        let claimed = conclusion.claimed_time.map(|time| instant(time, zone));
        self.fact(
            "claimed_time",
            claimed.as_deref().unwrap_or(self.label("none")),
            out,
        );
        let best = instant(conclusion.best_signature_time, zone);
        match conclusion.best_signature_time < self.words.now {
            true => self.fact("proven_time", &best, out),
            false => self.fact(
                "proven_time",
                &format!("{best} ({})", self.label("not_proven")),
                out,
            ),
        }
        self.fact(
            "reason",
            conclusion.reason.as_deref().unwrap_or_default(),
            out,
        );
        for scope in &conclusion.scopes {
            self.fact("scope", &scope_text(scope, &self.words), out);
        }
        for (key, value) in stated(one) {
            self.fact(key, &value, out);
        }
        if let Some(of) = one.countersigns {
            self.fact("countersigns", &of.to_string(), out);
        }
        for id in &one.path {
            out.leaf("dt", self.label("path"));
            out.element("dd", &[], |out| self.link(id, out));
        }
        for proof in &one.proofs {
            out.leaf("dt", self.label("exists_since"));
            out.element("dd", &[], |out| {
                self.link(&proof.of, out);
                out.text(": ");
                out.leaf(
                    "bdi",
                    &proof_text(proof.at, proof.by, &self.names, &self.words),
                );
            });
        }
    }

    fn timestamp(&mut self, one: &DetailedTimestamp, out: &mut Markup) {
        let (language, zone) = (self.language(), self.words.zone.clone());
        let kind = stamp_kind(one, language);
        out.leaf("h3", &format!("{} {kind}", self.label("timestamp")));
        let sub = one
            .conclusion
            .sub_indication
            .map(|s| s.to_string())
            .unwrap_or_default();
        self.verdict(Some(one.conclusion.indication), &sub, out);
        out.element("dl", &[], |out| {
            self.fact("from", &instant(one.conclusion.time, &zone), out);
            self.fact(
                "signed_by",
                one.conclusion.signed_by.as_deref().unwrap_or_default(),
                out,
            );
            self.fact(
                "concluded_by",
                process_word(one.concluded_by, language),
                out,
            );
            out.leaf("dt", self.label("object"));
            out.element("dd", &[], |out| self.link(&one.token, out));
            for id in one.covers.iter().chain(&one.signatures) {
                out.leaf("dt", self.label("covers"));
                out.element("dd", &[], |out| self.link(id, out));
            }
        });
        self.processes(&one.processes, out);
    }

    fn record(&self, one: &RecordReport, out: &mut Markup) {
        out.leaf("h3", self.label("proof.evidence_record"));
        out.element("dl", &[], |out| {
            self.fact("name", &one.name, out);
            self.fact("identifier", &one.id.to_string(), out);
            self.fact("mathematics", self.label(intact(one.intact)), out);
            for (_, at) in &one.timestamps {
                self.fact("timestamp", &instant(*at, &self.words.zone), out);
            }
        });
    }

    fn processes(&mut self, all: &[ProcessReport], out: &mut Markup) {
        for process in all {
            let caption = format!(
                "{} [{}]",
                process.name.in_language(self.language()),
                process.clause
            );
            self.table(&caption, out, |page, out| {
                process
                    .blocks
                    .iter()
                    .for_each(|block| page.block(block, out));
            });
        }
    }

    fn table(
        &mut self,
        caption: &str,
        out: &mut Markup,
        body: impl FnOnce(&mut Self, &mut Markup),
    ) {
        out.element("table", &[], |out| {
            out.leaf("caption", caption);
            out.element("thead", &[], |out| {
                out.element("tr", &[], |out| {
                    for key in ["block", "outcome", "finding", "clause", "about"] {
                        out.element("th", &[("scope", "col")], |out| out.text(self.label(key)));
                    }
                });
            });
            body(self, out);
        });
    }

    fn block(&self, one: &BlockReport, out: &mut Markup) {
        let rows = one.findings.len().max(1).to_string();
        let name = format!("{} [{}]", one.name.in_language(self.language()), one.clause);
        let heading = |out: &mut Markup| {
            out.element("th", &[("scope", "rowgroup"), ("rowspan", &rows)], |out| {
                out.text(&name)
            });
        };
        out.element("tbody", &[], |out| {
            if one.findings.is_empty() {
                out.element("tr", &[], |out| {
                    heading(out);
                    out.leaf("td", outcome(None, self.language()));
                    (0..3).for_each(|_| out.leaf("td", "–"));
                });
            }
            for (index, finding) in one.findings.iter().enumerate() {
                out.element("tr", &[], |out| {
                    if index == 0 {
                        heading(out);
                    }
                    self.finding(finding, out);
                });
            }
        });
    }

    fn finding(&self, one: &FindingReport, out: &mut Markup) {
        let finding = &one.finding;
        let tone = match finding.outcome {
            Outcome::Failed => "failed",
            Outcome::Indeterminate => "indeterminate",
            Outcome::Warning => "warning",
            Outcome::Passed => "passed",
            Outcome::Note => "note",
        };
        out.element("td", &[("class", tone)], |out| {
            out.text(outcome(Some(finding.outcome), self.language()));
            if let Some(sub) = finding.sub_indication {
                out.text(&format!(" ({sub})"));
            }
        });
        out.element("td", &[], |out| {
            out.leaf("bdi", one.message.in_language(self.language()));
            if let Some(remedy) = &one.remedy {
                out.leaf("p", remedy.in_language(self.language()));
            }
        });
        out.leaf("td", &finding.clause);
        out.element("td", &[], |out| match &finding.object {
            Some(id) => self.link(id, out),
            None => out.leaf("bdi", &finding.element),
        });
    }

    /// An object by name, which leads to its row where it has one.
    fn link(&self, id: &ObjectId, out: &mut Markup) {
        let name = object_name(id, &self.names);
        if self.objects.contains(id) {
            out.element("a", &[("href", &format!("#o{id}"))], |out| {
                out.leaf("bdi", &name)
            });
        } else {
            out.leaf("bdi", &name);
        }
    }

    fn objects(&self, all: &[ObjectReport], out: &mut Markup) {
        let columns = [
            "object",
            "kind",
            "issued_by",
            "serial_number",
            "from",
            "until",
            "origin",
            "exists_since",
        ];
        out.element(
            "section",
            &[("id", "objects"), ("aria-labelledby", "objectsh")],
            |out| {
                out.element("h2", &[("id", "objectsh")], |out| {
                    out.text(self.label("objects"))
                });
                out.element("table", &[], |out| {
                    out.leaf("caption", self.label("objects"));
                    out.element("thead", &[], |out| {
                        out.element("tr", &[], |out| {
                            for key in columns {
                                out.element("th", &[("scope", "col")], |out| {
                                    out.text(self.label(key))
                                });
                            }
                        });
                    });
                    out.element("tbody", &[], |out| {
                        all.iter().for_each(|one| self.object(one, out))
                    });
                });
            },
        );
    }

    fn object(&self, one: &ObjectReport, out: &mut Markup) {
        let zone = &self.words.zone;
        let mut kind = object_kind(one, self.language());
        if one.anchor {
            kind += &format!(", {}", self.label("anchor"));
        }
        let time = |at: Option<crate::engine::time::Time>| {
            at.map(|at| instant(at, zone)).unwrap_or_default()
        };
        let proof = one.proof.as_ref();
        let proof = proof.map(|p| proof_text(p.at, p.by, &self.names, &self.words));
        out.element("tr", &[("id", &format!("o{}", one.id))], |out| {
            out.element("th", &[("scope", "row")], |out| {
                out.leaf("bdi", &one.name);
                out.text(&format!(" SHA-256 {}", one.id));
            });
            let cells = [
                kind,
                one.issuer.clone().unwrap_or_default(),
                one.number.clone().unwrap_or_default(),
                time(one.from),
                time(one.until),
                origin(one, &self.words),
                proof.unwrap_or_default(),
            ];
            for cell in cells {
                let cell = if cell.is_empty() { "–" } else { &cell };
                out.element("td", &[], |out| out.leaf("bdi", cell));
            }
        });
    }
}
