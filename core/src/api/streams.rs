//! Verbs of answers that come in parts, and what makes them pleasant: a stream to read, and an answer to write.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    AskArgs, CancelArgs, Messages, SendArgs,
    ask::{NOBODY_WAITS, end_of_hope, late, undelivered},
    messages::{LONGEST_WAIT, default_wait, seconds},
};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{Filter, Message, Part, Receipt, streams},
    node::{
        Inner, Node,
        events::{EventStream, Observed},
    },
};

/// A stream to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenedStream {
    /// The id of the question: for `messages.next_part`, and for `messages.cancel`, which ends it.
    pub stream_id: String,
}

/// Which part of which stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextPartArgs {
    /// The stream, as `messages.ask_stream` named it.
    pub stream_id: String,
    /// The number of the part; those before it are let go. Default: the one after the last that was handed out. Whoever
    /// may lose a result on the way names it.
    #[serde(default)]
    pub number: Option<u64>,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartArgs {
    /// Who asked.
    pub to: AgentId,
    /// The question, which this program has in its hands.
    pub in_reply_to: String,
    /// At least 1 character; an answer has at most 65,536 in all, and 16,384 parts.
    pub content: String,
}

/// A part was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WrittenPart {
    /// Its place in the answer, from 0.
    pub number: u64,
    /// Whether it is sent now. False when the asker waits for the whole answer, or knows no streams.
    pub streamed: bool,
}

/// The end of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishArgs {
    /// Who asked.
    pub to: AgentId,
    /// The question.
    pub in_reply_to: String,
    /// The last part, when there is one more.
    #[serde(default)]
    pub content: String,
    /// What travels along: a JSON object of at most 64 KiB.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// How long this call waits for the first attempt, in seconds. Default: 10.
    #[serde(default = "default_wait")]
    #[schemars(range(min = 0.0, max = LONGEST_WAIT))]
    pub timeout_secs: f64,
}

/// A question that is about to leave. When nobody waits for that, there is no stream.
struct Opening {
    inner: Arc<Inner>,
    question: Option<String>,
    runtime: tokio::runtime::Handle,
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(question) = self.question.take() {
            let _inside = self.runtime.enter();
            self.inner.close_stream(&question, None);
            self.inner.abandon(question, NOBODY_WAITS);
        }
    }
}

impl Messages<'_> {
    /// Sends a question whose answer may come in parts, and returns when it is on the disk. Read the parts with
    /// [`Messages::next_part`]. A peer that knows no streams, or an agent that answers at once, gives one part: the reply.
    /// The stream ends when time runs out, and its question is taken back then.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::send`]; [`Code::QueueFull`] when 256 streams are open, too; [`Code::InvalidArgument`] for an
    /// `idempotency_key`: a stream has one reader, and `ask` may be repeated.
    pub async fn ask_stream(&self, args: AskArgs) -> Result<OpenedStream> {
        let inner = Arc::clone(self.node().inner());
        let patience =
            args.timeout_secs.map(|secs| seconds("timeout_secs", secs, LONGEST_WAIT)).transpose()?;
        if args.idempotency_key.is_some() {
            let sentence = "ask_stream takes no idempotency_key: a stream has one reader; use ask, which may be repeated";
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        let (question, to) = (inner.new_message_id(), args.to);
        // Whoever reads the stream waits, not this call.
        let mut sending = SendArgs { timeout_secs: 0.0, ..args.into_question() };
        if inner.streams_with(&to) {
            streams::want(&mut sending.metadata);
        }
        inner.state.lock().asking.open(&question, to)?;
        let runtime = tokio::runtime::Handle::current();
        let mut opening = Opening { inner: Arc::clone(&inner), question: Some(question.clone()), runtime };
        // Before the question leaves, so that no news about it is missed.
        let events = self.node().events();
        let follower = Arc::clone(&inner);
        let id = question.clone();
        let (is_sent, sent) = tokio::sync::oneshot::channel();
        inner
            .env
            .tasks
            .spawn("stream", async move { follow(follower, id, to, patience, events, sent).await });
        let receipt = self.send_as(question.clone(), sending).await?;
        if receipt.state.is_failure() {
            let reason = receipt.deliveries.into_iter().find_map(|delivery| delivery.reason);
            return Err(undelivered(reason));
        }
        let _ = is_sent.send(());
        opening.question = None;
        Ok(OpenedStream { stream_id: question })
    }

    /// Waits for the next part of an answer; null after the last one. All parts together are the reply, which is
    /// acknowledged with the null.
    ///
    /// # Errors
    ///
    /// Once there is no more: [`Code::Timeout`]; [`Code::PeerRefused`] when the question cannot be delivered;
    /// [`Code::PeerNotConnected`] when the connection ends before the reply; [`Code::MessageCancelled`] when the question
    /// is taken back; [`Code::BadAnswer`] when the reply says something else than its parts: then it is a message in
    /// the inbox. [`Code::MessageUnknown`] for a stream that was never opened, or is over for long;
    /// [`Code::InvalidArgument`] for a number that was let go, or whose turn it is not; [`Code::Closed`].
    pub async fn next_part(&self, args: NextPartArgs) -> Result<Option<Part>> {
        self.node().inner().next_part(&args.stream_id, args.number).await
    }

    /// Writes a part of the answer to a question that this program has in its hands. It is sent within milliseconds
    /// when the asker waits for parts; otherwise it is kept for [`Messages::finish`], as all parts are.
    ///
    /// # Errors
    ///
    /// [`Code::MessageUnknown`] when the question is not in hands: not taken, acknowledged, or given back;
    /// [`Code::MessageCancelled`] when its asker took it back: stop; [`Code::InvalidArgument`] for an empty part, or an
    /// answer that gets too long; [`Code::QueueFull`] when 256 answers are under way, or 64 for one peer.
    pub async fn part(&self, args: PartArgs) -> Result<WrittenPart> {
        let (number, streamed) = self.node().inner().write_part(args.to, &args.in_reply_to, &args.content)?;
        Ok(WrittenPart { number, streamed })
    }

    /// Sends what was written as the reply: an ordinary durable message with the whole text. Acknowledge the question
    /// after it.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::send`], also when nothing was written; those of [`Messages::part`] for a last part.
    pub async fn finish(&self, args: FinishArgs) -> Result<Receipt> {
        let inner = self.node().inner();
        let mut metadata = args.metadata;
        if !args.content.is_empty() {
            inner.write_part(args.to, &args.in_reply_to, &args.content)?;
        }
        let (content, summary) = inner.written(args.to, &args.in_reply_to).unwrap_or_default();
        // Whoever does not wait for parts gets a reply as any other.
        if let Some(summary) = summary {
            summary.write(&mut metadata);
        }
        let reply = SendArgs {
            metadata,
            in_reply_to: Some(args.in_reply_to.clone()),
            timeout_secs: args.timeout_secs,
            ..SendArgs::new(args.to, content)
        };
        let receipt = self.send(reply).await?;
        inner.state.lock().answering.close(args.to, &args.in_reply_to);
        Ok(receipt)
    }
}

/// Waits for the reply, or for the reason why there will be none.
async fn follow(
    inner: Arc<Inner>,
    question: String,
    to: AgentId,
    patience: Option<std::time::Duration>,
    mut events: EventStream,
    sent: tokio::sync::oneshot::Receiver<()>,
) {
    let _expected = inner.expect_answer(&question, to);
    let filter = Filter { from: vec![to], in_reply_to: Some(question.clone()), ..Filter::default() };
    let answer = inner.next_message(&filter, patience);
    tokio::pin!(answer, sent);
    let mut is_sent = false;
    let ended = loop {
        let mut bell = std::pin::pin!(inner.stream_bell.notified());
        bell.as_mut().enable();
        if !inner.state.lock().asking.is_open(&question) {
            return;
        }
        tokio::select! {
            biased;
            answer = &mut answer => break answer,
            // Whoever could not send it has closed the stream.
            result = &mut sent, if !is_sent => match result {
                Ok(()) => is_sent = true,
                Err(_) => return,
            },
            observed = events.next() => {
                let over = match observed {
                    Some(Observed::Event(event)) => end_of_hope(event.body, &question, &to),
                    // What was missed may have been about the peer.
                    Some(Observed::Missed { .. }) => inner.peer(&to).err(),
                    // The node closes, which the inbox tells.
                    None => return,
                };
                if let Some(error) = over {
                    break Err(error);
                }
            }
            () = bell => {}
        }
    };
    match ended {
        Ok(Some(reply)) => inner.finish_stream(&question, &reply),
        Ok(None) => {
            inner.fail_stream(&question, &late());
            inner.abandon(question, NOBODY_WAITS);
        }
        Err(error) => inner.fail_stream(&question, &error),
    }
}

/// An answer in parts, as it comes. Dropping it before the end takes the question back.
pub struct AskStream {
    node: Node,
    question: Option<String>,
    next: u64,
    runtime: tokio::runtime::Handle,
}

impl AskStream {
    /// The next part; `None` after the last. Cancel-safe. After an error there is nothing more.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::next_part`].
    pub async fn next(&mut self) -> Option<Result<Part>> {
        let stream_id = self.question.clone()?;
        let part = self.node.messages().next_part(NextPartArgs { stream_id, number: Some(self.next) }).await;
        match part {
            Ok(Some(part)) => {
                self.next = part.number + 1;
                Some(Ok(part))
            }
            Ok(None) => {
                self.question = None;
                None
            }
            Err(error) => {
                self.question = None;
                Some(Err(error))
            }
        }
    }

    /// The id of the question.
    pub fn id(&self) -> Option<&str> {
        self.question.as_deref()
    }

    /// Ends it before its end: the question is taken back.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::cancel`].
    pub async fn cancel(mut self) -> Result<()> {
        let Some(message_id) = self.question.take() else { return Ok(()) };
        let reason = Some(NOBODY_WAITS.to_owned());
        self.node.messages().cancel(CancelArgs { message_id, reason }).await.map(drop)
    }
}

impl Drop for AskStream {
    fn drop(&mut self) {
        if let Some(question) = self.question.take() {
            let _inside = self.runtime.enter();
            let inner = self.node.inner();
            inner.close_stream(&question, None);
            inner.abandon(question, NOBODY_WAITS);
        }
    }
}

/// An answer that is being written.
pub struct AnswerStream<'a> {
    node: &'a Node,
    to: AgentId,
    question: String,
}

impl AnswerStream<'_> {
    /// Writes a part.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::part`].
    pub async fn write(&self, content: impl Into<String>) -> Result<WrittenPart> {
        let (to, in_reply_to, content) = (self.to, self.question.clone(), content.into());
        self.node.messages().part(PartArgs { to, in_reply_to, content }).await
    }

    /// Sends the reply.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::finish`].
    pub async fn finish(self) -> Result<Receipt> {
        let (metadata, content) = (Map::new(), String::new());
        let args = FinishArgs {
            to: self.to,
            in_reply_to: self.question,
            content,
            metadata,
            timeout_secs: default_wait(),
        };
        self.node.messages().finish(args).await
    }
}

impl Node {
    /// Asks one peer, and reads the answer as it comes: see [`Messages::ask_stream`].
    ///
    /// # Errors
    ///
    /// Those of [`Messages::ask_stream`].
    pub async fn ask_stream(&self, args: AskArgs) -> Result<AskStream> {
        let opened = self.messages().ask_stream(args).await?;
        let runtime = tokio::runtime::Handle::current();
        Ok(AskStream { node: self.clone(), question: Some(opened.stream_id), next: 0, runtime })
    }

    /// Answers a question that is in hands part by part, whether its asker waits for parts or not.
    pub fn answer(&self, question: &Message) -> AnswerStream<'_> {
        AnswerStream { node: self, to: question.from, question: question.message_id.clone() }
    }
}
