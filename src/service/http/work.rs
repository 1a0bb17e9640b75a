//! Work that blocks: signing, validating, the store. So many jobs at once; more wait a moment, then get 503.
//!
//! A job that has begun runs to its end even when the one who asked is gone; its place is free again only then.

use crate::engine::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The places for jobs.
#[derive(Debug, Clone)]
pub struct Work {
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Work {
    /// So many jobs at once; a job waits so long for its place.
    pub fn new(places: usize, patience: Duration) -> Self {
        Work {
            places: Arc::new(Semaphore::new(places)),
            patience,
        }
    }

    /// Runs a job that blocks.
    pub async fn run<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let place = tokio::time::timeout(self.patience, self.places.clone().acquire_owned());
        let place = match place.await {
            Ok(Ok(place)) => place,
            _ => return Err(busy()),
        };
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            span.in_scope(job)
        });
        done.await
            .unwrap_or_else(|_| Err(Error::internal("job", "ended in a panic")))
    }
}

/// The service has all the work that it takes.
pub fn busy() -> Error {
    Error::unavailable("service", "at work on as many requests as it takes at once")
        .remedy("Try again in a few seconds.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn more_jobs_than_places_are_told_to_come_back() {
        let work = Work::new(1, Duration::from_millis(20));
        let (release, wait) = mpsc::channel::<()>();
        let (begun, started) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let work = work.clone();
            async move {
                work.run(move || {
                    begun.send(()).ok();
                    wait.recv().ok();
                    Ok(1)
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || started.recv())
            .await
            .unwrap()
            .unwrap();
        assert!(work.run(|| Ok(2)).await.is_err());
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap().unwrap(), 1);
        assert_eq!(work.run(|| Ok(3)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_panic_is_a_defect_and_frees_its_place() {
        let work = Work::new(1, Duration::from_millis(20));
        let panicked = work.run(|| -> Result<()> { panic!("defect") }).await;
        assert_eq!(panicked.unwrap_err().element(), "job");
        assert!(work.run(|| Ok(())).await.is_ok());
    }
}
