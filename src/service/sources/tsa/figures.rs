//! What is counted of each authority, in the text format of Prometheus. Its label is the name in the configuration.

use super::breaker::BreakerState;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of latency, in milliseconds.
const BUCKETS: [u64; 7] = [50, 100, 250, 500, 1000, 2500, 5000];

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A token that was checked.
    Stamped,
    /// No token, or one that did not pass.
    Failed,
    /// It does not stamp such a digest.
    Declined,
}

/// The counters of one authority.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<Figures>);

/// A copy of the counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Figures {
    pub stamped: u64,
    pub failed: u64,
    pub declined: u64,
    /// Requests that went to the next because it was left alone.
    pub passed_over: u64,
    /// Answers by how long they took: up to each bound, not cumulated, and longer.
    buckets: [u64; BUCKETS.len() + 1],
    time: Duration,
}

/// How one authority does.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Health {
    pub name: String,
    pub breaker: BreakerState,
    pub failures_in_a_row: u32,
    pub figures: Figures,
}

impl Counters {
    pub(super) fn asked(&self, outcome: Outcome, time: Duration) {
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Stamped => figures.stamped += 1,
            Outcome::Failed => figures.failed += 1,
            Outcome::Declined => figures.declined += 1,
        }
        let bucket = BUCKETS
            .iter()
            .position(|most| time <= Duration::from_millis(*most));
        figures.buckets[bucket.unwrap_or(BUCKETS.len())] += 1;
        figures.time += time;
    }

    pub(super) fn passed_over(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .passed_over += 1;
    }

    pub(super) fn figures(&self) -> Figures {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The metrics of all of them.
pub fn print(all: &[Health]) -> String {
    let mut text = String::new();
    if all.is_empty() {
        return text;
    }
    type Value = fn(&Figures) -> u64;
    let outcomes: [(&str, Value); 4] = [
        ("stamped", |f| f.stamped),
        ("failed", |f| f.failed),
        ("declined", |f| f.declined),
        ("passed-over", |f| f.passed_over),
    ];
    let name = "rubrica_tsa_requests_total";
    head(
        &mut text,
        name,
        "counter",
        "Requests for time-stamps by authority and outcome.",
    );
    for one in all {
        for (outcome, value) in outcomes {
            let (tsa, count) = (&one.name, value(&one.figures));
            let _ = writeln!(text, "{name}{{tsa={tsa:?},outcome=\"{outcome}\"}} {count}");
        }
    }
    let name = "rubrica_tsa_breaker_state";
    let help = "0 is asked, 1 one request tries it, 2 is left alone.";
    head(&mut text, name, "gauge", help);
    for one in all {
        let _ = writeln!(text, "{name}{{tsa={:?}}} {}", one.name, one.breaker as u8);
    }
    latency(&mut text, all);
    text
}

fn latency(text: &mut String, all: &[Health]) {
    let name = "rubrica_tsa_seconds";
    head(text, name, "histogram", "How long authorities take.");
    for Health {
        name: tsa, figures, ..
    } in all
    {
        let mut sum = 0;
        for (most, count) in BUCKETS.iter().zip(figures.buckets) {
            sum += count;
            let bound = *most as f64 / 1000.0;
            let _ = writeln!(text, "{name}_bucket{{tsa={tsa:?},le=\"{bound}\"}} {sum}");
        }
        let count: u64 = figures.buckets.iter().sum();
        let _ = writeln!(text, "{name}_bucket{{tsa={tsa:?},le=\"+Inf\"}} {count}");
        let seconds = figures.time.as_secs_f64();
        let _ = writeln!(text, "{name}_sum{{tsa={tsa:?}}} {seconds:.6}");
        let _ = writeln!(text, "{name}_count{{tsa={tsa:?}}} {count}");
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_printed_by_authority() {
        let counters = Counters::default();
        counters.asked(Outcome::Stamped, Duration::from_millis(60));
        counters.asked(Outcome::Failed, Duration::from_secs(9));
        counters.passed_over();
        let text = print(&[Health {
            name: "official".into(),
            breaker: BreakerState::Open,
            failures_in_a_row: 3,
            figures: counters.figures(),
        }]);
        for line in [
            "rubrica_tsa_requests_total{tsa=\"official\",outcome=\"stamped\"} 1",
            "rubrica_tsa_requests_total{tsa=\"official\",outcome=\"passed-over\"} 1",
            "rubrica_tsa_breaker_state{tsa=\"official\"} 2",
            "rubrica_tsa_seconds_bucket{tsa=\"official\",le=\"0.05\"} 0",
            "rubrica_tsa_seconds_bucket{tsa=\"official\",le=\"0.1\"} 1",
            "rubrica_tsa_seconds_bucket{tsa=\"official\",le=\"+Inf\"} 2",
            "rubrica_tsa_seconds_sum{tsa=\"official\"} 9.060000",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
