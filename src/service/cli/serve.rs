//! `rubrica serve`: the service. Starts, completes what a crash left over, listens; ends when told, once requests are done.

use super::Exit;
use crate::engine::{Error, Result};
use crate::service::clock::SystemClock;
use crate::service::config::Config;
use crate::service::http::{self, Parts, Service, Settings};
use crate::service::keys::random;
use crate::service::web;
use axum::Router;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How long requests may still take after the service was told to end.
const DRAIN: Duration = Duration::from_secs(30);
/// Connections for each request that may be at work: most are idle.
const CONNECTIONS_A_REQUEST: usize = 4;
/// How often entries that could not be completed are tried again.
const RETRY: Duration = Duration::from_secs(60);
/// In which of these rounds seals are asked about again: every ten minutes.
const SEALS_EVERY: u64 = 10;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "RUBRICA_CONFIG")]
    config: PathBuf,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    let config = Config::read(&arguments.config)?;
    log_to_standard_output(&config.log)?;
    let started = Started::new(config)?;
    prepare(&started.service);
    runtime()?.block_on(async {
        let listeners = started.listen(Router::new()).await?;
        tracing::info!(address = %started.service.config().listen, version = env!("CARGO_PKG_VERSION"), "listening");
        let told = told_to_end()?;
        started.serve(listeners, told).await;
        tracing::info!("ended");
        Ok(Exit::Passed)
    })
}

/// A service that is ready to listen.
pub(super) struct Started {
    pub(super) service: Arc<Service>,
}

impl Started {
    /// Assembles the service.
    pub(super) fn new(config: Config) -> Result<Self> {
        let parts = Parts::of(config, Arc::new(SystemClock))?;
        let service = Service::new(parts)?;
        Ok(Started { service })
    }

    /// Binds the addresses; `extra` is served beside the public pages.
    pub(super) async fn listen(&self, extra: Router) -> Result<Vec<(TcpListener, Router)>> {
        let config = self.service.config();
        let routers = http::routers(&self.service, web::pages(), extra);
        let mut listeners = vec![(bind(config.listen).await?, routers.public)];
        if let (Some(address), Some(router)) = (config.callers_listen, routers.callers) {
            listeners.push((bind(address).await?, router));
        }
        Ok(listeners)
    }

    /// Serves until `told` is done.
    pub(super) async fn serve(
        &self,
        listeners: Vec<(TcpListener, Router)>,
        told: impl Future<Output = ()>,
    ) {
        let limits = &self.service.config().limits;
        let settings = Settings {
            head: Duration::from_secs(limits.header_seconds),
            connections: limits
                .concurrent_requests
                .saturating_mul(CONNECTIONS_A_REQUEST),
            drain: DRAIN,
        };
        self.service.refresh_ahead();
        let upkeep = tokio::spawn(keep_up(self.service.clone()));
        let trust = tokio::spawn(keep_trust(self.service.clone()));
        let debts = tokio::spawn(keep_paying(self.service.clone()));
        http::serve(listeners, settings, told).await;
        debts.abort();
        upkeep.abort();
        trust.abort();
    }
}

/// Now and then: seals that were revoked since seal no more, what could not be completed before is tried again, and lists
/// that the command line put into the index are used.
async fn keep_up(service: Arc<Service>) {
    for round in 1_u64.. {
        tokio::time::sleep(RETRY).await;
        let service = service.clone();
        let look = move || {
            if round.is_multiple_of(SEALS_EVERY) {
                check_seals(&service);
            }
            complete(&service);
            service.follow_lists();
        };
        let _ = tokio::task::spawn_blocking(look).await;
    }
}

/// What is owed is paid, a document after the other, at unequal pauses.
async fn keep_paying(service: Arc<Service>) {
    let Some(every) = service.config().owed.every() else {
        return;
    };
    loop {
        let part = random::<1>().map_or(0, |[byte]| byte);
        tokio::time::sleep(every - every / 2 * u32::from(part) / 255).await;
        let service = service.clone();
        let pay = move || match service.settle_debts() {
            Ok(Some(settled)) => {
                if settled.paid > 0 {
                    tracing::info!(documents = settled.paid, "raised to the level owed");
                }
                for (id, error) in &settled.left {
                    tracing::warn!(owed = %id, %error, "is still owed");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "what is owed cannot be paid"),
        };
        let _ = tokio::task::spawn_blocking(pay).await;
    }
}

/// A snapshot of trusted lists that somebody else wrote is taken over; at SIGHUP the files of `[trust]` are read again. Work that began goes on by
/// the policy it began with.
async fn keep_trust(service: Arc<Service>) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut told = match signal(SignalKind::hangup()) {
        Ok(told) => told,
        Err(error) => {
            tracing::error!(%error, "SIGHUP cannot be listened to");
            return;
        }
    };
    let mut reload = false;
    loop {
        let trust = service.parts.trust.clone();
        let news = service.parts.certificate_desk.news();
        let look = move || {
            if reload {
                // Files of lists may be others too.
                news.note_everything();
                match trust.reload() {
                    Ok(()) => tracing::info!("trust is read again"),
                    Err(error) => tracing::error!(%error, "trust stays as it was"),
                }
            }
            if let Err(error) = trust.reload_if_changed() {
                tracing::error!(%error, "trust stays as it was");
            }
        };
        let _ = tokio::task::spawn_blocking(look).await;
        reload = tokio::select! {
            told = told.recv() => told.is_some(),
            () = tokio::time::sleep(RETRY) => false,
        };
    }
}

/// What is done before anything is served: revoked seals are found out, and what a crash left without a receipt gets one
/// under its number.
pub(super) fn prepare(service: &Service) {
    check_seals(service);
    complete(service);
}

/// Asks whether seals were revoked. One that cannot be asked about stays in use, and the log says so.
fn check_seals(service: &Service) {
    for (name, error) in service.check_seals() {
        tracing::info!(seal = name, %error, "whether it is revoked is not known");
    }
    for seal in &service.parts.seals {
        if let Some(at) = seal.revoked.get() {
            tracing::error!(seal = seal.name(), %at, "is revoked and seals nothing");
        }
    }
}

fn complete(service: &Service) {
    let Some(reception) = &service.parts.reception else {
        return;
    };
    match reception.complete_all() {
        Ok(completed) => {
            if completed.done > 0 {
                tracing::info!(entries = completed.done, "completed");
            }
            for (number, error) in &completed.left {
                tracing::warn!(%number, %error, "has its number and no receipt yet");
            }
        }
        Err(error) => tracing::warn!(%error, "entries cannot be completed"),
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Error::unavailable(
            address.to_string(),
            format!("cannot be listened on: {error}"),
        )
        .remedy("End what listens there, or choose another address in the configuration.")
    })
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::unavailable("threads", error.to_string()))
}

/// Done at SIGTERM or SIGINT.
pub(super) fn told_to_end() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| Error::unavailable("signals", error.to_string());
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Structured logs on standard output, a JSON object a line.
pub(super) fn log_to_standard_output(directives: &str) -> Result<()> {
    log(directives, std::io::stdout)
}

/// The same on standard error.
pub(super) fn log_to_standard_error(directives: &str) -> Result<()> {
    log(directives, std::io::stderr)
}

fn log<W>(directives: &str, to: W) -> Result<()>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = directives.parse::<EnvFilter>().map_err(|error| {
        Error::invalid("log", error.to_string()).remedy(
            "Write error, warn, info, debug, trace, or directives such as info,rubrica=debug.",
        )
    })?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(to)
        .try_init()
        .map_err(|error| Error::internal("log", error.to_string()))
}
