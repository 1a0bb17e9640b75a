//! A connection that neither waits for ever nor hangs up rudely.
//!
//! Two things that the HTTP library does not do: a client that stops reading is given up after a while, and when the
//! service has answered before it took the whole request (413), what is still on its way is read and thrown away for a
//! moment, so that the client gets to read the answer instead of a reset (RFC 9112 §9.6).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may leave what was written to it unread.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// How long what is still on its way is read after the answer, at most.
const LINGER: Duration = Duration::from_secs(5);
/// How long nothing may come before the connection is closed for good.
const QUIET: Duration = Duration::from_millis(300);

/// A TCP stream with a bound on stalled writes, and a close that lingers.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    stalled: Option<Pin<Box<Sleep>>>,
    lingering: Option<Lingering>,
}

/// Between the end of what we say and the end of what the client says.
#[derive(Debug)]
struct Lingering {
    end: Instant,
    quiet: Pin<Box<Sleep>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Socket {
            stream,
            stalled: None,
            lingering: None,
        }
    }

    /// Gives up once a write has been pending for too long.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timer = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(WRITE_PATIENCE)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.lingering = Some(Lingering {
                end: Instant::now() + LINGER,
                quiet: Box::pin(sleep(QUIET)),
            });
        }
        let Socket {
            stream,
            lingering: Some(lingering),
            ..
        } = &mut *self
        else {
            return Poll::Ready(Ok(()));
        };
        let mut waste = [0; 16 * 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut waste);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(Err(_)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {
                    let now = Instant::now();
                    if now >= lingering.end {
                        return Poll::Ready(Ok(()));
                    }
                    lingering.quiet.as_mut().reset(now + QUIET);
                }
                Poll::Pending => return lingering.quiet.as_mut().poll(context).map(Ok),
            }
        }
    }
}
