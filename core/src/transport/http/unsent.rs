//! Which answers of a connection have left the node.
//!
//! hyper takes an answer and keeps it for itself until the socket takes it. An answer counts as sent when, after its
//! body was taken, a flush of the stream succeeded: hyper flushes the stream only once it holds nothing any more.
//! When the connection ends before, the callers of the rest are gone. A socket takes an answer also when the other
//! side has closed it, so the end is looked for before an answer is written whose loss would matter.

use std::{
    convert::Infallible,
    io,
    mem::{self, MaybeUninit},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::transport::caller::Line;

/// The answers that a connection has taken and not sent.
#[derive(Clone, Default)]
pub(super) struct Unsent(Arc<Mutex<Vec<Line>>>);

impl Unsent {
    /// A body whose caller learns whether it was sent.
    pub(super) fn body(&self, bytes: Vec<u8>, line: Option<Line>) -> Told {
        Told { bytes: Some(Bytes::from(bytes)), line, unsent: self.clone() }
    }

    /// The stream of this connection. `has_ended` tells whether the other side has hung up.
    pub(super) fn watch<S>(&self, stream: S, has_ended: fn(&S) -> bool) -> Watched<S> {
        Watched { stream, has_ended, unsent: self.clone() }
    }
}

/// The body of an answer: one piece.
pub(super) struct Told {
    bytes: Option<Bytes>,
    line: Option<Line>,
    unsent: Unsent,
}

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.bytes.take();
        if let Some(line) = self.line.take() {
            self.unsent.0.lock().push(line);
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// A stream that notices when everything was sent.
pub(super) struct Watched<S> {
    stream: S,
    has_ended: fn(&S) -> bool,
    unsent: Unsent,
}

impl<S> Watched<S> {
    /// Fails when an answer that matters would go to nobody.
    fn check(&self) -> io::Result<()> {
        let matters = self.unsent.0.lock().iter().any(Line::matters);
        if matters && (self.has_ended)(&self.stream) {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the caller has hung up"));
        }
        Ok(())
    }
}

/// Whether the other side of a socket has hung up, also when the runtime has not heard of it yet.
pub(super) fn has_ended(stream: &TcpStream) -> bool {
    match SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            let sent = mem::take(&mut *self.unsent.0.lock());
            sent.into_iter().for_each(Line::answered);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use hyper::{Response, server::conn::http1, service::service_fn};
    use hyper_util::rt::TokioIo;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        sync::oneshot,
    };

    use super::*;

    /// Asks, reads `most` bytes of an answer of 64 KiB, and hangs up. Whether the answer counts as unsent.
    async fn is_undone(most: u64) -> bool {
        let (ours, mut theirs) = duplex(1024);
        let (unsent, (line, caller)) = (Unsent::default(), Line::open());
        let (undo, mut undone) = oneshot::channel();
        caller.or_undo(move || undo.send(()).unwrap());
        let line = Mutex::new(Some(line));
        let service = service_fn(|_| {
            let body = unsent.body(vec![b'x'; 65_536], line.lock().take());
            async { Ok::<_, Infallible>(Response::new(body)) }
        });
        let stream = TokioIo::new(unsent.watch(ours, |_| false));
        let asking = async {
            theirs.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
            (&mut theirs).take(most).read_to_end(&mut Vec::new()).await.unwrap();
            drop(theirs);
        };
        let (_, ()) = tokio::join!(http1::Builder::new().serve_connection(stream, service), asking);
        drop(unsent);
        undone.try_recv().is_ok()
    }

    #[tokio::test]
    async fn an_answer_that_matters_is_not_written_to_a_socket_whose_other_side_has_closed_it() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        for matters in [true, false] {
            let theirs = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (ours, _) = listener.accept().await.unwrap();
            assert!(!has_ended(&ours));
            drop(theirs);
            let (unsent, (line, caller)) = (Unsent::default(), Line::open());
            if matters {
                caller.or_undo(|| {});
            }
            unsent.0.lock().push(line);
            assert_eq!(unsent.watch(ours, has_ended).write_all(b"x").await.is_err(), matters);
        }
    }

    #[tokio::test]
    async fn an_answer_is_sent_when_the_stream_took_all_of_it() {
        assert!(!is_undone(u64::MAX).await);
        for most in [0, 1, 512, 60_000] {
            assert!(is_undone(most).await, "{most} bytes were read");
        }
    }
}
