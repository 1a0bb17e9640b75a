//! Judges exported evidence again with the library alone, and prints the SHA-256 of every report on it: the same that
//! `rubrica replay --digest` prints. Run: `cargo run --no-default-features --features vendored-openssl --example replay -- EVIDENCE ANCHOR…`

use rubrica::engine::evidence::{ObjectId, import};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::report::{Judged, Language, ReportForm, write};
use rubrica::engine::validation::{Policy, validate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = std::env::args().skip(1);
    let (evidence, judgement) = import(&std::fs::read(paths.next().ok_or("which evidence?")?)?)?;
    let anchors = paths.map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
    let policy = Policy::baseline(Anchors::read(anchors.iter().map(Vec::as_slice))?);
    let now = judgement
        .at
        .ok_or("the evidence does not say when it was judged")?;
    let verdict = validate(&evidence, &policy, now);
    let judged = Judged {
        evidence: &evidence,
        verdict: &verdict,
        policy: &policy,
    };
    for (name, form) in [
        ("simple", ReportForm::Simple),
        ("detailed", ReportForm::Detailed),
        ("etsi", ReportForm::Etsi),
        ("html", ReportForm::Html),
    ] {
        let report = write(&judged, form, Language::Es, "Europe/Madrid")?;
        println!("{name} {}", ObjectId::of(&report.bytes));
    }
    Ok(())
}
