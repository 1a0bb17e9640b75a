//! What is counted, in the text format of Prometheus (version 0.0.4). No label holds personal data.

use crate::service::flow::Baseline;
use crate::service::sources::RefreshState;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The counters of one service.
#[derive(Debug, Default)]
pub struct Metrics {
    /// By method, route pattern and status.
    requests: Mutex<BTreeMap<(String, String, u16), Requests>>,
    /// Requests that are being answered.
    pub(super) in_flight: AtomicU64,
    /// Receipts made, and seals and documents beside them.
    pub(super) receipts: AtomicU64,
    pub(super) seals: AtomicU64,
    pub(super) documents: AtomicU64,
    /// Documents signed, and raised to a level.
    pub(super) signatures: AtomicU64,
    pub(super) augmented: AtomicU64,
    /// Debts that were paid, and tries that failed.
    pub(super) paid: AtomicU64,
    pub(super) put_off: AtomicU64,
    /// Validations by their indication: passed, indeterminate, failed, nothing signed.
    validations: [AtomicU64; 4],
    /// Answers about certificates by their status.
    certificates: [AtomicU64; 9],
    /// Checks of codes by their outcome: right, not right, expired.
    pub(super) codes: [AtomicU64; 3],
}

#[derive(Debug, Default, Clone, Copy)]
struct Requests {
    count: u64,
    time: Duration,
}

/// How a validation ended, in the order of the labels.
const VALIDATIONS: [&str; 4] = ["passed", "indeterminate", "failed", "unsigned"];
const CERTIFICATES: [&str; 9] = [
    "good",
    "revoked",
    "authority-revoked",
    "expired",
    "not-yet-valid",
    "not-trusted",
    "not-for-purpose",
    "unknown",
    "could-not-check",
];
const CODES: [&str; 3] = ["right", "not_right", "expired"];

impl Metrics {
    /// Notes an answer.
    pub(super) fn answered(&self, method: &str, route: &str, status: u16, time: Duration) {
        let key = (method.to_string(), route.to_string(), status);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = requests.entry(key).or_default();
        entry.count += 1;
        entry.time += time;
    }

    /// Notes a validation; `None` where nothing was signed.
    pub fn validated(&self, indication: Option<crate::engine::validation::Indication>) {
        use crate::engine::validation::Indication as I;
        let index = match indication {
            Some(I::TotalPassed) => 0,
            Some(I::Indeterminate) => 1,
            Some(I::TotalFailed) => 2,
            None => 3,
        };
        self.validations[index].fetch_add(1, Ordering::Relaxed);
    }

    /// Notes an answer about a certificate.
    pub fn checked(&self, status: &crate::engine::validation::CertificateStatus) {
        let at = CERTIFICATES.iter().position(|word| *word == status.name());
        if let Some(counter) = at.and_then(|at| self.certificates.get(at)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All of them as text.
    pub(super) fn print(&self) -> String {
        let mut text = String::new();
        let requests = self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        head(
            &mut text,
            "rubrica_requests_total",
            "counter",
            "Requests answered.",
        );
        for ((method, route, status), entry) in &requests {
            let count = entry.count;
            let _ = writeln!(
                text,
                "rubrica_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {count}"
            );
        }
        head(
            &mut text,
            "rubrica_request_seconds_total",
            "counter",
            "Time spent on requests.",
        );
        for ((method, route, status), entry) in &requests {
            let seconds = entry.time.as_secs_f64();
            let _ = writeln!(
                text,
                "rubrica_request_seconds_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {seconds:.6}"
            );
        }
        let rejected: u64 = requests
            .iter()
            .filter(|((_, _, status), _)| *status >= 400)
            .map(|(_, entry)| entry.count)
            .sum();
        simple(
            &mut text,
            "rubrica_rejected_total",
            "counter",
            "Requests answered with a problem.",
            rejected,
        );
        let load = |n: &AtomicU64| n.load(Ordering::Relaxed);
        simple(
            &mut text,
            "rubrica_requests_in_flight",
            "gauge",
            "Requests being answered.",
            load(&self.in_flight),
        );
        simple(
            &mut text,
            "rubrica_receipts_total",
            "counter",
            "Receipts handed out.",
            load(&self.receipts),
        );
        simple(
            &mut text,
            "rubrica_seals_total",
            "counter",
            "Documents sealed.",
            load(&self.seals),
        );
        simple(
            &mut text,
            "rubrica_documents_total",
            "counter",
            "Documents sealed with a code.",
            load(&self.documents),
        );
        simple(
            &mut text,
            "rubrica_signatures_total",
            "counter",
            "Documents signed.",
            load(&self.signatures),
        );
        simple(
            &mut text,
            "rubrica_augmented_total",
            "counter",
            "Documents whose signatures were raised to a level.",
            load(&self.augmented),
        );
        simple(
            &mut text,
            "rubrica_owed_paid_total",
            "counter",
            "Documents raised to the level that was owed.",
            load(&self.paid),
        );
        simple(
            &mut text,
            "rubrica_owed_put_off_total",
            "counter",
            "Tries to raise a document to the level owed that failed.",
            load(&self.put_off),
        );
        labelled(
            &mut text,
            "rubrica_validations_total",
            "Validations by indication.",
            "indication",
            &VALIDATIONS,
            &self.validations,
        );
        labelled(
            &mut text,
            "rubrica_certificate_checks_total",
            "Answers about certificates by status.",
            "status",
            &CERTIFICATES,
            &self.certificates,
        );
        labelled(
            &mut text,
            "rubrica_code_checks_total",
            "Checks of codes by outcome.",
            "outcome",
            &CODES,
            &self.codes,
        );
        text
    }
}

/// How what is refreshed ahead of its end is doing.
pub(super) fn refreshes(states: &BTreeMap<&'static str, RefreshState>) -> String {
    let mut text = String::new();
    type Value = fn(&RefreshState) -> u64;
    let metrics: [(&str, &str, &str, Value); 5] = [
        (
            "rubrica_refreshable",
            "gauge",
            "Lists and answers kept up to date.",
            |s| s.kept as u64,
        ),
        (
            "rubrica_refreshes_overdue",
            "gauge",
            "Those that should have been refreshed by now.",
            |s| s.overdue as u64,
        ),
        (
            "rubrica_refreshes_failing",
            "gauge",
            "Those whose last refresh failed.",
            |s| s.failing as u64,
        ),
        (
            "rubrica_refreshes_total",
            "counter",
            "Refreshes that came to an end.",
            |s| s.refreshed,
        ),
        (
            "rubrica_refreshes_failed_total",
            "counter",
            "Refreshes that failed.",
            |s| s.failed,
        ),
    ];
    for (name, kind, help, value) in metrics {
        head(&mut text, name, kind, help);
        for (of, state) in states {
            let _ = writeln!(text, "{name}{{kind=\"{of}\"}} {}", value(state));
        }
    }
    text
}

/// The answers of the service's own time-stamping authority.
pub(super) fn timestamps_made(outcomes: &BTreeMap<&'static str, u64>) -> String {
    let (mut text, name) = (String::new(), "rubrica_timestamps_total");
    let help = "Time-stamp requests answered by the service's own authority, by outcome.";
    head(&mut text, name, "counter", help);
    for (outcome, count) in outcomes {
        let _ = writeln!(text, "{name}{{outcome=\"{outcome}\"}} {count}");
    }
    text
}

/// What is owed, by level; every level is there, so that the last payment shows.
pub(super) fn owed(owed: &BTreeMap<String, u64>) -> String {
    let mut text = String::new();
    let help =
        "Documents that were handed out below the level asked for, and are to be raised to it.";
    head(&mut text, "rubrica_owed", "gauge", help);
    for level in Baseline::ALL.iter().skip(1) {
        let count = owed.get(level.name()).copied().unwrap_or_default();
        let _ = writeln!(text, "rubrica_owed{{level=\"{level}\"}} {count}");
    }
    text
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

pub(super) fn simple(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    head(text, name, kind, help);
    let _ = writeln!(text, "{name} {value}");
}

fn labelled(
    text: &mut String,
    name: &str,
    help: &str,
    label: &str,
    values: &[&str],
    counters: &[AtomicU64],
) {
    head(text, name, "counter", help);
    for (value, counter) in values.iter().zip(counters) {
        let count = counter.load(Ordering::Relaxed);
        let _ = writeln!(text, "{name}{{{label}=\"{value}\"}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_print_in_the_format_of_prometheus() {
        let metrics = Metrics::default();
        metrics.answered("GET", "/v1/time", 200, Duration::from_millis(2));
        metrics.answered("GET", "/v1/time", 200, Duration::from_millis(3));
        metrics.answered("POST", "/v1/receipts", 401, Duration::ZERO);
        metrics.validated(None);
        let text = metrics.print();
        for line in [
            "rubrica_requests_total{method=\"GET\",route=\"/v1/time\",status=\"200\"} 2",
            "rubrica_request_seconds_total{method=\"GET\",route=\"/v1/time\",status=\"200\"} 0.005000",
            "rubrica_rejected_total 1",
            "rubrica_validations_total{indication=\"unsigned\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
