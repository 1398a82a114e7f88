//! Answers in parts, in motion: parts that are written go out, parts that arrive are handed to whoever asked.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, json};

use super::inner::Inner;
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{
        Message, Part,
        inbox::InHands,
        streams::{
            Summary,
            answering::Frame,
            asking::{Refused, Step},
        },
    },
    peers::Connection,
    wire::{
        Answer,
        frame::{Parts, PrivateKind},
        json as strict,
    },
};

/// How long a frame may take.
const PART_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest sleep between two looks at what is to be sent.
const ROUND: Duration = Duration::from_secs(60);

impl Inner {
    /// Whether an agent sends its answers in parts.
    pub(crate) fn streams_with(&self, agent: &AgentId) -> bool {
        self.state.lock().peers.get(agent).is_some_and(Connection::takes_streams)
    }

    /// The next part of a stream; `None` when all was read, which acknowledges the reply.
    pub(crate) async fn next_part(
        self: &Arc<Self>,
        question: &str,
        number: Option<u64>,
    ) -> Result<Option<Part>> {
        loop {
            // Registered before looking, so that no ring between looking and waiting is lost.
            let mut bell = std::pin::pin!(self.stream_bell.notified());
            bell.as_mut().enable();
            let step = self.state.lock().asking.next(question, number)?;
            match step {
                Step::Part(part) => return Ok(Some(part)),
                Step::IsOver => return Ok(None),
                Step::Over(sequence) => {
                    // Whoever does not wait for this reads the end again.
                    self.acknowledge_reply(sequence).await?;
                    self.state.lock().asking.close(question, None);
                    return Ok(None);
                }
                Step::Failed(code, sentence) => {
                    self.close_stream(question, Some((code, &sentence)));
                    return Err(Error::new(code, sentence).with("stream_id", question));
                }
                Step::Wait => {}
            }
            if self.closed.load(std::sync::atomic::Ordering::Acquire) {
                return Err(closed());
            }
            tokio::select! {
                biased;
                () = bell => {}
                () = self.env.tasks.stopped() => return Err(closed()),
            }
        }
    }

    async fn acknowledge_reply(self: &Arc<Self>, sequence: u64) -> Result<()> {
        match self.acknowledge(sequence).await {
            // A recovery of the disk may have brought it back, or it was acknowledged by its number.
            Err(error) if error.code() == Code::MessageUnknown => Ok(()),
            acknowledged => acknowledged.map(|_| ()),
        }
    }

    /// Nobody reads a stream any more. A reply that came is over with it.
    pub(crate) fn close_stream(self: &Arc<Self>, question: &str, why: Option<(Code, &str)>) {
        let reply = self.state.lock().asking.close(question, why);
        if let Some(sequence) = reply {
            let inner = Arc::clone(self);
            self.env.tasks.spawn("reply of a stream", async move {
                if let Err(error) = inner.acknowledge_reply(sequence).await {
                    tracing::warn!(%error, "the reply of a stream that was closed may come as a message");
                }
            });
        }
        self.stream_bell.notify_waiters();
    }

    /// The reply to a question arrived, in the hands of whoever asked.
    pub(crate) fn finish_stream(self: &Arc<Self>, question: &str, reply: &Message) {
        let summary = Summary::find(&reply.metadata);
        let finished = {
            let mut state = self.state.lock();
            let is_open = state.asking.is_open(question);
            let (content, sequence) = (reply.content.as_str(), reply.sequence);
            is_open && state.asking.finish(question, content, summary.as_ref(), sequence).is_ok()
        };
        // Whatever the host cannot read as a stream it reads as a message.
        if !finished {
            self.release(reply.sequence, Some(reply.redeliveries), Duration::ZERO);
        }
        self.stream_bell.notify_waiters();
    }

    /// There will be no reply.
    pub(crate) fn fail_stream(&self, question: &str, error: &Error) {
        self.state.lock().asking.fail(question, error.code(), error.message());
        self.stream_bell.notify_waiters();
    }

    /// Parts of an answer arrived. Each frame is answered with the number of the part that is wanted next.
    pub(super) fn hear_parts(&self, from: &AgentId, parts: &Parts) -> std::result::Result<Answer, Answer> {
        let Parts { in_reply_to, stream, first, parts } = parts;
        let taken = self.state.lock().asking.take(from, in_reply_to, stream, *first, parts);
        self.stream_bell.notify_waiters();
        match taken {
            Ok(next) => Ok(Answer::ok(json!({"status": "received", "next": next}))),
            Err(Refused::Unknown) => {
                Err(Answer::refuse(404, Code::MessageUnknown, "Nobody waits for these parts"))
            }
            Err(Refused::TooMuch) => {
                Err(Answer::refuse(413, Code::WireTooLarge, "An answer has at most 65536 characters"))
            }
        }
    }

    /// The host writes a part of its answer. Returns its number, and whether it is sent before the reply.
    pub(crate) fn write_part(&self, to: AgentId, question: &str, content: &str) -> Result<(u64, bool)> {
        self.ready()?;
        let now = self.steady();
        let mut state = self.state.lock();
        let takes_streams = match state.inbox.in_hands(&to, question) {
            Some(InHands::Held(message)) => message.wants_stream,
            Some(InHands::Recalled) => {
                let sentence = "the question was taken back; acknowledge or release it";
                return Err(Error::new(Code::MessageCancelled, sentence).with("in_reply_to", question));
            }
            None => {
                let sentence = "no such question is in your hands; take it from the inbox, and answer before you \
                                acknowledge it";
                return Err(Error::new(Code::MessageUnknown, sentence).with("in_reply_to", question));
            }
        };
        let takes_streams = takes_streams && state.peers.get(&to).is_some_and(Connection::takes_streams);
        let number = state.answering.add(to, question, content, takes_streams, || self.id("", 8), now)?;
        drop(state);
        self.part_bell.notify_one();
        Ok((number, takes_streams))
    }

    /// What the reply says: the whole text, and the members of its metadata.
    pub(crate) fn written(&self, to: AgentId, question: &str) -> Option<(String, Option<Summary>)> {
        let state = self.state.lock();
        state.answering.written(to, question).map(|(text, summary)| (text.to_owned(), summary))
    }

    /// Sends what was written, until the node closes.
    pub(crate) async fn run_parts(self: &Arc<Self>) {
        loop {
            let (due, next) = {
                let now = self.steady();
                let mut state = self.state.lock();
                (state.answering.due(now), state.answering.wait(now))
            };
            for frame in due {
                let inner = Arc::clone(self);
                self.env.tasks.spawn("parts", async move { inner.send_parts(frame).await });
            }
            let wait = next.unwrap_or(ROUND).clamp(Duration::from_millis(1), ROUND);
            tokio::select! {
                biased;
                () = tokio::time::sleep(wait) => {}
                () = self.part_bell.notified() => {}
            }
        }
    }

    async fn send_parts(self: &Arc<Self>, frame: Frame) {
        let peer = self.state.lock().peers.get(&frame.to).cloned();
        let Some(peer) = peer else { return self.state.lock().answering.give_up(&frame) };
        let body = Map::from_iter([
            (String::from("in_reply_to"), json!(frame.question)),
            (String::from("stream"), json!(frame.stream)),
            (String::from("first"), json!(frame.first)),
            (String::from("parts"), json!(frame.parts)),
        ]);
        let sent = self.post_private(&peer, PrivateKind::Parts, body, PART_TIMEOUT).await;
        let now = self.steady();
        let mut state = self.state.lock();
        match sent {
            Ok(sent) if sent.reply.status < 300 => {
                let object = strict::parse_object(&sent.reply.body).unwrap_or_default();
                let next = object.get("next").and_then(serde_json::Value::as_u64).unwrap_or(frame.first);
                state.answering.taken(&frame, next, now);
            }
            Ok(sent) if sent.reply.status < 500 && ![408, 429].contains(&sent.reply.status) => {
                state.answering.give_up(&frame);
            }
            Ok(sent) => state.answering.postpone(&frame, now, sent.reply.retry_after),
            Err(_) => state.answering.postpone(&frame, now, None),
        }
        drop(state);
        self.part_bell.notify_one();
    }
}

fn closed() -> Error {
    Error::new(Code::Closed, "the node was closed while waiting")
}
