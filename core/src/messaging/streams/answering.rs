//! The answerer: what a host writes is gathered for a few milliseconds, goes out in one frame after another, and is there
//! to the end for the reply.

use std::{collections::BTreeMap, time::Duration};

use super::{PartsDigest, Summary};
use crate::{
    env::Moment,
    error::{Code, Error, Result},
    identity::AgentId,
    wire::limits,
};

/// How long the first part of a frame waits for others.
pub const GATHERING: Duration = Duration::from_millis(5);
/// The first and the longest wait after a frame was not taken.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// After how long in vain nothing is streamed any more: the reply carries everything.
const PERSISTENCE: Duration = Duration::from_secs(30);
/// How long an answer is kept that nobody writes on.
const IDLE: Duration = Duration::from_secs(3_600);
/// How many answers may be under way: in all, and for one peer.
const OPEN: usize = 256;
const OPEN_PER_PEER: usize = 64;

/// An answer that is being written.
#[derive(Debug)]
struct Answer {
    /// What tells it from the same answer before a restart.
    stream: String,
    text: String,
    chars: usize,
    digest: PartsDigest,
    count: u64,
    /// Those that the asker has not taken; the first has the number `taken`.
    waiting: Vec<String>,
    taken: u64,
    /// When to send; nothing while a frame is under way, or when there is nothing.
    due: Option<Moment>,
    is_busy: bool,
    failures: u32,
    failing_since: Option<Moment>,
    /// Whether the asker waits for parts.
    is_wanted: bool,
    /// Whether parts are sent, still.
    is_streaming: bool,
    touched: Moment,
}

impl Answer {
    fn new(is_streaming: bool, stream: String, now: Moment) -> Self {
        Self {
            stream,
            text: String::new(),
            chars: 0,
            digest: PartsDigest::default(),
            count: 0,
            waiting: Vec::new(),
            taken: 0,
            due: None,
            is_busy: false,
            failures: 0,
            failing_since: None,
            is_wanted: is_streaming,
            is_streaming,
            touched: now,
        }
    }
}

/// Parts to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// To whom.
    pub to: AgentId,
    /// The question.
    pub question: String,
    /// Which stream.
    pub stream: String,
    /// The number of the first part.
    pub first: u64,
    /// In order.
    pub parts: Vec<String>,
}

/// The answers that a node is writing.
#[derive(Debug, Default)]
pub struct Answering(BTreeMap<(AgentId, String), Answer>);

impl Answering {
    /// The host writes a part; it is sent when the asker takes streams. Returns its number.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] for an empty part, and when the answer gets longer than a message may be;
    /// [`Code::QueueFull`] when too many answers are under way.
    pub fn add(
        &mut self,
        to: AgentId,
        question: &str,
        content: &str,
        takes_streams: bool,
        stream: impl FnOnce() -> String,
        now: Moment,
    ) -> Result<u64> {
        self.0.retain(|_, answer| answer.is_busy || now.since(answer.touched) < IDLE);
        let key = (to, question.to_owned());
        let is_new = !self.0.contains_key(&key);
        let of_peer = self.0.keys().filter(|(peer, _)| *peer == to).count();
        if is_new && (self.0.len() >= OPEN || of_peer >= OPEN_PER_PEER) {
            return Err(Error::new(Code::QueueFull, "too many answers are under way; finish some"));
        }
        let chars = content.chars().count();
        let (written, count) = self.0.get(&key).map_or((0, 0), |answer| (answer.chars, answer.count));
        let invalid = |sentence: String| Err(Error::new(Code::InvalidArgument, sentence));
        if chars == 0 {
            return invalid("content must have at least 1 character".into());
        }
        if written + chars > limits::CONTENT_CHARS {
            return invalid(format!(
                "an answer has at most {} characters in all; {written} are written",
                limits::CONTENT_CHARS
            ));
        }
        if count >= limits::STREAM_PARTS {
            return invalid(format!(
                "an answer has at most {} parts; write more at a time",
                limits::STREAM_PARTS
            ));
        }
        let answer = self.0.entry(key).or_insert_with(|| Answer::new(takes_streams, stream(), now));
        answer.text.push_str(content);
        answer.chars += chars;
        answer.digest.add(content);
        answer.count += 1;
        answer.touched = now;
        if answer.is_streaming {
            answer.waiting.push(content.to_owned());
            if !answer.is_busy {
                answer.due.get_or_insert(now + GATHERING);
            }
        }
        Ok(count)
    }

    /// What is to be sent now: for each answer one frame, which is under way until [`Answering::taken`],
    /// [`Answering::postpone`] or [`Answering::give_up`].
    pub fn due(&mut self, now: Moment) -> Vec<Frame> {
        let mut frames = Vec::new();
        for ((to, question), answer) in &mut self.0 {
            if answer.due.is_none_or(|due| due > now) {
                continue;
            }
            answer.due = None;
            answer.is_busy = true;
            let parts: Vec<_> = answer.waiting.iter().take(limits::PARTS).cloned().collect();
            let (question, stream) = (question.clone(), answer.stream.clone());
            frames.push(Frame { to: *to, question, stream, first: answer.taken, parts });
        }
        frames
    }

    /// How long until something is due.
    pub fn wait(&self, now: Moment) -> Option<Duration> {
        self.0.values().filter_map(|answer| answer.due).map(|due| due.since(now)).min()
    }

    fn find(&mut self, frame: &Frame) -> Option<&mut Answer> {
        self.0.get_mut(&(frame.to, frame.question.clone())).filter(|answer| answer.is_busy)
    }

    /// The asker wants the part `next` now. One that wants nothing of what it was sent gets the reply.
    pub fn taken(&mut self, frame: &Frame, next: u64, now: Moment) {
        let Some(answer) = self.find(frame) else { return };
        let took = next.checked_sub(answer.taken).and_then(|took| usize::try_from(took).ok());
        match took.filter(|took| *took > 0 && *took <= frame.parts.len()) {
            None => self.give_up(frame),
            Some(took) => {
                answer.waiting.drain(..took);
                answer.taken = next;
                answer.is_busy = false;
                answer.failures = 0;
                answer.failing_since = None;
                // What was written meanwhile has waited for long enough.
                answer.due = (!answer.waiting.is_empty()).then_some(now);
            }
        }
    }

    /// The frame was not taken, for a reason that may pass.
    pub fn postpone(&mut self, frame: &Frame, now: Moment, hint: Option<Duration>) {
        let Some(answer) = self.find(frame) else { return };
        let since = *answer.failing_since.get_or_insert(now);
        if now.since(since) >= PERSISTENCE {
            return self.give_up(frame);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << answer.failures.min(16)).min(LONGEST_WAIT);
        answer.failures += 1;
        answer.is_busy = false;
        answer.due = Some(now + wait.max(hint.unwrap_or_default().min(PERSISTENCE)));
    }

    /// The asker takes no parts of this answer: it gets the reply.
    pub fn give_up(&mut self, frame: &Frame) {
        if let Some(answer) = self.find(frame) {
            answer.is_busy = false;
            answer.is_streaming = false;
            answer.due = None;
            answer.waiting = Vec::new();
        }
    }

    /// What was written so far, and what the reply says about its parts to an asker that waits for parts.
    pub fn written(&self, to: AgentId, question: &str) -> Option<(&str, Option<Summary>)> {
        let answer = self.0.get(&(to, question.to_owned()))?;
        let summary =
            || Summary { stream: answer.stream.clone(), parts: answer.count, digest: answer.digest.text() };
        Some((&answer.text, answer.is_wanted.then(summary)))
    }

    /// The reply is on its way, or there will be none.
    pub fn close(&mut self, to: AgentId, question: &str) {
        self.0.remove(&(to, question.to_owned()));
    }

    /// The asker is no peer any more.
    pub fn part(&mut self, agent: &AgentId) {
        self.0.retain(|(to, _), _| to != agent);
    }
}
