//! What a connection beyond its source's share hears: one constant 429, so that an honest caller comes back later.
//!
//! Nothing of the request is looked at, and only a few connections at a time get this far: a flood must not make the
//! node write. All others are hung up on without a word.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How many are turned away with an answer at once.
const AT_ONCE: usize = 32;
/// How long each of the two waits may take: for the caller to say something, and for it to hang up.
const PATIENCE: Duration = Duration::from_millis(500);
/// How much of a request is read and thrown away. Ending a connection with unread bytes would tear down the answer,
/// too.
const DRAIN_BYTES: usize = 64 * 1024;

/// The whole answer.
const ANSWER: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\n\
    content-type: application/json\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    content-length: 128\r\n\
    \r\n\
    {\"code\":\"rate_limited\",\"error\":\"Too many connections from this address; close some, or set limits.connections_per_source there\"}";

/// The places of those that are being turned away.
pub(super) struct Turnaway(Arc<Semaphore>);

impl Turnaway {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// How to turn one more away; `None` when it is only to be hung up on.
    pub(super) fn turn(&self, stream: TcpStream) -> Option<impl Future<Output = ()> + Send + use<>> {
        let place = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(answer(stream, place))
    }
}

async fn answer(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    let mut thrown_away = [0; 4096];
    // A client that hears something before it asked takes it for an error of the connection.
    let first = timeout(PATIENCE, stream.read(&mut thrown_away)).await;
    if matches!(first, Ok(Ok(0) | Err(_))) {
        return;
    }
    let farewell = async {
        stream.write_all(ANSWER).await?;
        stream.shutdown().await?;
        let mut total = 0;
        while total < DRAIN_BYTES {
            match stream.read(&mut thrown_away).await? {
                0 => break,
                read => total += read,
            }
        }
        std::io::Result::Ok(())
    };
    // How it ends makes no difference: the connection is over.
    let _ = timeout(PATIENCE, farewell).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Code, transport::http::HttpConfig};

    #[test]
    fn the_constant_answer_is_what_it_says() {
        let text = std::str::from_utf8(ANSWER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.lines().any(|line| line == format!("content-length: {}", body.len())), "{}", body.len());
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["code"], Code::RateLimited.name());
        assert!(body["error"].is_string());
    }

    #[tokio::test]
    async fn only_so_many_are_turned_away_at_once() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (turnaway, mut turned) = (Turnaway::new(), Vec::new());
        for _ in 0..AT_ONCE + 8 {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            turned.extend(turnaway.turn(stream));
        }
        assert_eq!(turned.len(), AT_ONCE);
        drop(turned.pop());
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(turnaway.turn(stream).is_some(), "a place is free again");
        let config = HttpConfig::new(listener.local_addr().unwrap());
        assert!(AT_ONCE < config.connections_per_source && AT_ONCE < config.connections);
    }
}
