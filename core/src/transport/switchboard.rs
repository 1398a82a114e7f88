//! Chooses the way of a request: transports in the order of their priority, falling back on failure.

use std::sync::Arc;

use super::{Receiver, Reply, Request, Transport};
use crate::error::{Code, Error, Result};

/// All transports of a node.
pub struct Switchboard {
    // By priority, lower first; equal ones in the order they were given.
    transports: Vec<Arc<dyn Transport>>,
}

/// An answer, and the way it took.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What the other node said.
    pub reply: Reply,
    /// The name of the transport.
    pub via: &'static str,
}

impl Switchboard {
    /// A switchboard over `transports`, in any order.
    pub fn new(mut transports: Vec<Arc<dyn Transport>>) -> Self {
        transports.sort_by_key(|transport| transport.priority());
        Self { transports }
    }

    /// Listens on every transport and returns the base URLs of all. When one fails, all are closed: a
    /// node that cannot be reached as configured should not run unnoticed.
    pub async fn listen(&self, receiver: Arc<dyn Receiver>) -> Result<Vec<String>> {
        let mut bases = Vec::new();
        for transport in &self.transports {
            match transport.listen(Arc::clone(&receiver)).await {
                Ok(listening) => bases.extend(listening),
                Err(error) => {
                    self.close().await;
                    return Err(error.with("transport", transport.name()));
                }
            }
        }
        Ok(bases)
    }

    /// Sends `request` to the node at `base`, by the first transport that brings an answer back. A status
    /// of refusal is an answer. Each attempt has the request's whole timeout.
    ///
    /// An attempt without an answer may still have arrived, so the other node may get the request more
    /// than once; frames carry ids for that. The error is that of the last attempt, with all in context.
    pub async fn send(&self, base: &str, request: Request) -> Result<Sent> {
        let mut tried = String::new();
        let mut last = None;
        for transport in self.transports.iter().filter(|transport| transport.can_reach(base)) {
            match transport.send(base, request.clone()).await {
                Ok(reply) => return Ok(Sent { reply, via: transport.name() }),
                Err(error) => {
                    tracing::debug!(via = transport.name(), %error, "no answer");
                    let separator = if tried.is_empty() { "" } else { ", " };
                    tried.push_str(&format!("{separator}{} {}", transport.name(), error.code().name()));
                    last = Some(error);
                }
            }
        }
        Err(last.map_or_else(
            || {
                Error::new(Code::Unreachable, "no transport of this node can dial the address")
                    .with("to", base)
            },
            |error| error.with("tried", tried),
        ))
    }

    /// Closes every transport, all at once.
    pub async fn close(&self) {
        futures_util::future::join_all(self.transports.iter().map(|transport| transport.close())).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use bytes::Bytes;
    use parking_lot::Mutex;

    use super::*;
    use crate::{transport::Arrival, wire::Answer};

    /// Gives a fixed answer or failure, and writes down that it was asked.
    struct Scripted {
        name: &'static str,
        priority: u8,
        result: Result<u16, Code>,
        log: Arc<Mutex<Vec<&'static str>>>,
    }

    #[async_trait]
    impl Transport for Scripted {
        fn name(&self) -> &'static str {
            self.name
        }
        fn priority(&self) -> u8 {
            self.priority
        }
        fn can_reach(&self, base: &str) -> bool {
            base.starts_with("any:") || base.starts_with(self.name)
        }
        async fn listen(&self, _: Arc<dyn Receiver>) -> Result<Vec<String>> {
            self.result.map(|_| vec![format!("{}:", self.name)]).map_err(|code| Error::new(code, "no"))
        }
        async fn send(&self, _: &str, _: Request) -> Result<Reply> {
            self.log.lock().push(self.name);
            let reply = |status| Reply { status, body: Bytes::new(), retry_after: Some(Duration::ZERO) };
            self.result.map(reply).map_err(|code| Error::new(code, "no"))
        }
        async fn close(&self) {
            self.log.lock().push("closed");
        }
    }

    struct Silent;

    #[async_trait]
    impl Receiver for Silent {
        async fn receive(&self, _: Arrival) -> Answer {
            Answer::not_found()
        }
    }

    fn board(
        parts: &[(&'static str, u8, Result<u16, Code>)],
    ) -> (Switchboard, Arc<Mutex<Vec<&'static str>>>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let transports = parts.iter().cloned().map(|(name, priority, result)| {
            let log = Arc::clone(&log);
            Arc::new(Scripted { name, priority, result, log }) as Arc<dyn Transport>
        });
        (Switchboard::new(transports.collect()), log)
    }

    #[tokio::test]
    async fn the_lowest_priority_number_goes_first() {
        let (board, log) = board(&[("slow", 50, Ok(200)), ("fast", 5, Ok(200))]);
        assert_eq!(board.send("any:", Request::get("/")).await.unwrap().via, "fast");
        assert_eq!(*log.lock(), ["fast"]);
    }

    #[tokio::test]
    async fn a_failure_falls_back_and_a_refusal_does_not() {
        let (falling, log) = board(&[("a", 1, Err(Code::Timeout)), ("b", 2, Ok(403)), ("c", 3, Ok(200))]);
        let sent = falling.send("any:", Request::get("/")).await.unwrap();
        assert_eq!((sent.via, sent.reply.status), ("b", 403));
        assert_eq!(*log.lock(), ["a", "b"]);
    }

    #[tokio::test]
    async fn transports_that_cannot_dial_the_address_are_left_out() {
        let (board, log) = board(&[("a", 1, Ok(200)), ("b", 2, Ok(200))]);
        assert_eq!(board.send("b:", Request::get("/")).await.unwrap().via, "b");
        assert_eq!(board.send("c:", Request::get("/")).await.unwrap_err().code(), Code::Unreachable);
        assert_eq!(*log.lock(), ["b"]);
    }

    #[tokio::test]
    async fn the_last_failure_tells_what_was_tried() {
        let (board, _) = board(&[("a", 1, Err(Code::Timeout)), ("b", 2, Err(Code::Unreachable))]);
        let error = board.send("any:", Request::get("/")).await.unwrap_err();
        assert_eq!(error.code(), Code::Unreachable);
        assert!(error.context().contains(&("tried", "a timeout, b unreachable".into())), "{error}");
    }

    #[tokio::test]
    async fn listening_gathers_all_addresses_or_closes_everything() {
        let (whole, _) = board(&[("b", 2, Ok(200)), ("a", 1, Ok(200))]);
        assert_eq!(whole.listen(Arc::new(Silent)).await.unwrap(), ["a:", "b:"]);
        let (broken, log) = board(&[("a", 1, Ok(200)), ("b", 2, Err(Code::BindFailed))]);
        let error = broken.listen(Arc::new(Silent)).await.unwrap_err();
        assert_eq!(error.code(), Code::BindFailed);
        assert_eq!(*log.lock(), ["closed", "closed"]);
    }
}
