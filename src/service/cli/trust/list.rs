//! `rubrica trust list`: territories, numbers, dates, whether each list is believed, and its services by status.

use super::Where;
use crate::engine::pki::trust::{Authenticity, Service, TrustedLists};
use crate::engine::report::one_line;
use crate::engine::{Result, Time};
use crate::service::cli::exit::Exit;
use crate::service::cli::verify::say;
use crate::service::clock::{Clock, SystemClock};
use crate::service::trust::{Entry, Role, Trust, digest_text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    at: Where,
    /// Show the services too
    #[arg(long)]
    services: bool,
    /// Show this territory only: ES
    #[arg(long, value_name = "TERRITORY")]
    territory: Option<String>,
    /// Show the status of services at this time (RFC 3339) instead of now
    #[arg(long, value_name = "TIME")]
    as_of: Option<Time>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let trust = arguments.at.open()?;
    let now = SystemClock.now();
    let shown = shown(&trust, arguments, now);
    let text = match arguments.at.json {
        true => format!("{shown:#}\n"),
        false => text(&shown),
    };
    say(text.as_bytes())?;
    Ok(match trust.check_ready() {
        Ok(()) => Exit::Passed,
        Err(_) => Exit::Indeterminate,
    })
}

/// What is shown, as JSON.
fn shown(trust: &Trust, arguments: &Arguments, now: Time) -> Value {
    let (snapshot, damage) = trust.snapshot();
    let wanted = |e: &&Entry| {
        let territory = arguments.territory.as_deref();
        e.note.role == Role::List && territory.is_none_or(|t| t.eq_ignore_ascii_case(e.territory()))
    };
    let at = arguments.as_of.unwrap_or(now);
    let lists = trust.lists();
    let entries = snapshot.entries.iter().filter(wanted);
    let all: Vec<Value> = entries
        .map(|entry| {
            let mut one = summary(entry, authenticity(entry, &lists), at, now);
            if arguments.services {
                one["service"] = services(entry, at);
            }
            one
        })
        .collect();
    let damage: Vec<String> = damage.iter().map(ToString::to_string).collect();
    json!({ "snapshot": lists.digest().map(digest_text), "lists": all, "damaged": damage })
}

/// By the lists in use, where the newest believed list of a territory counts alone.
fn authenticity(entry: &Entry, lists: &TrustedLists) -> &'static str {
    let mut found = lists
        .iter()
        .filter(|one| one.list.digest == entry.list.digest);
    found.next().map_or(Authenticity::Unverified.name(), |one| {
        one.authenticity.name()
    })
}

fn summary(entry: &Entry, authenticity: &str, at: Time, now: Time) -> Value {
    let scheme = &entry.list.scheme;
    let mut statuses: BTreeMap<String, u32> = BTreeMap::new();
    for (_, service) in entry.list.services() {
        *statuses.entry(status(service, at)).or_default() += 1;
    }
    json!({
        "territory": entry.territory(),
        "sequence": entry.sequence(),
        "version": scheme.version,
        "digest": entry.note.digest,
        "authenticity": authenticity,
        "issued": scheme.issued,
        "next_update": scheme.next_update,
        "expired": entry.list.is_expired(now),
        "received": entry.note.received,
        "url": entry.note.url,
        "providers": entry.list.providers.len(),
        "pointers": scheme.pointers.len(),
        "services": statuses,
        "faults": entry.list.faults,
    })
}

fn status(service: &Service, at: Time) -> String {
    let status = service.status_at(at);
    status.map_or("none", |status| status.name()).to_string()
}

fn services(entry: &Entry, at: Time) -> Value {
    let one = |(provider, service): (&crate::engine::pki::trust::Provider, &Service)| {
        let state = service.at(at);
        json!({
            "provider": provider.name.in_language("es"),
            "name": state.unwrap_or(service.current()).name.in_language("es"),
            "type": state.unwrap_or(service.current()).service_type.name(),
            "status": status(service, at),
            "since": state.and_then(|state| state.since),
            "certificates": service.certificates().iter()
                .map(|c| digest_text(&c.fingerprint())).collect::<Vec<_>>(),
        })
    };
    entry.list.services().map(one).collect()
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_string(),
        Value::String(text) => one_line(text),
        other => other.to_string(),
    }
}

fn text(shown: &Value) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "snapshot {}", word(&shown["snapshot"]));
    for list in shown["lists"].as_array().into_iter().flatten() {
        let expired = if list["expired"] == true {
            " (expired)"
        } else {
            ""
        };
        let statuses = list["services"].as_object().into_iter().flatten();
        let statuses: Vec<String> = statuses
            .map(|(status, n)| format!("{n} {}", one_line(status)))
            .collect();
        let _ = writeln!(
            out,
            "{:4} {:>4}  {:10}  issued {}  next {}{expired}  {}",
            word(&list["territory"]),
            word(&list["sequence"]),
            word(&list["authenticity"]),
            word(&list["issued"]),
            word(&list["next_update"]),
            statuses.join(", "),
        );
        let _ = writeln!(out, "     sha256 {}", word(&list["digest"]));
        for one in list["service"].as_array().into_iter().flatten() {
            let _ = writeln!(
                out,
                "     {:12} {:22} since {:20}  {}: {}",
                word(&one["type"]),
                word(&one["status"]),
                word(&one["since"]),
                word(&one["provider"]),
                word(&one["name"]),
            );
        }
    }
    for damaged in shown["damaged"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "damaged: {}", word(damaged));
    }
    out
}
