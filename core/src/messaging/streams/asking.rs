//! The asker: parts are taken in order and once, and handed to the host; the reply ends the stream.

use std::collections::{BTreeMap, VecDeque};

use super::{Part, PartsDigest, Summary};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    wire::limits,
};

/// How many streams may be open at a time.
const OPEN: usize = 256;
/// How many streams that are over are remembered.
const REMEMBERED: usize = 256;

/// How a stream ends.
#[derive(Clone, Debug, PartialEq)]
enum End {
    /// With the reply, in this place of the inbox.
    Answered(u64),
    /// Without.
    Failed(Code, String),
}

/// One question and what came of its answer.
#[derive(Debug)]
struct Asked {
    peer: AgentId,
    /// The stream whose parts are taken: the first that came.
    stream: Option<String>,
    /// Everything that was taken.
    text: String,
    chars: usize,
    taken: u64,
    digest: PartsDigest,
    /// What the host has not asked beyond.
    unread: VecDeque<Part>,
    /// The number of the part that the host gets next.
    next: u64,
    end: Option<End>,
}

/// What a host gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A part.
    Part(Part),
    /// Nothing yet.
    Wait,
    /// All was read; the reply is in this place of the inbox.
    Over(u64),
    /// All was read and was over before.
    IsOver,
    /// Why there is no more.
    Failed(Code, String),
}

/// Why parts are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nobody waits for them: never asked, not by this peer, over, or not of the stream that began.
    Unknown,
    /// More than an answer may have.
    TooMuch,
}

/// The answer and what came before it do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction;

/// The streams of a node that asks.
#[derive(Debug, Default)]
pub struct Asking {
    asked: BTreeMap<String, Asked>,
    /// Those that are over, oldest first, and how.
    over: VecDeque<(String, Option<(Code, String)>)>,
}

impl Asking {
    /// A question is about to leave.
    ///
    /// # Errors
    ///
    /// [`Code::QueueFull`] when too many streams are open.
    pub fn open(&mut self, question: &str, peer: AgentId) -> Result<()> {
        if self.asked.len() >= OPEN {
            let sentence = "too many streams are open; read them to the end, or take their questions back";
            return Err(Error::new(Code::QueueFull, sentence).with("open", self.asked.len()));
        }
        let asked = Asked {
            peer,
            stream: None,
            text: String::new(),
            chars: 0,
            taken: 0,
            digest: PartsDigest::default(),
            unread: VecDeque::new(),
            next: 0,
            end: None,
        };
        self.asked.insert(question.to_owned(), asked);
        Ok(())
    }

    fn expected(&self, from: &AgentId, question: &str) -> Option<&Asked> {
        self.asked.get(question).filter(|asked| asked.peer == *from && asked.end.is_none())
    }

    /// Whether the parts from `first` on bring something new. What does not counts as any request.
    pub fn is_news(&self, from: &AgentId, question: &str, first: u64, count: usize) -> bool {
        let end = first.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.expected(from, question).is_some_and(|asked| first <= asked.taken && asked.taken < end)
    }

    /// Parts from `first` on arrived. Returns the number of the part that is wanted next: what was taken before is
    /// passed over, and so is what comes before its turn.
    ///
    /// # Errors
    ///
    /// Nothing beyond what is allowed is taken.
    pub fn take(
        &mut self,
        from: &AgentId,
        question: &str,
        stream: &str,
        first: u64,
        parts: &[String],
    ) -> std::result::Result<u64, Refused> {
        self.expected(from, question).ok_or(Refused::Unknown)?;
        let asked = self.asked.get_mut(question).ok_or(Refused::Unknown)?;
        // An answerer that restarted begins anew, with other parts.
        if asked.stream.get_or_insert_with(|| stream.to_owned()) != stream {
            return Err(Refused::Unknown);
        }
        let mut number = first;
        for content in parts {
            if number == asked.taken {
                let chars = content.chars().count();
                if chars == 0
                    || asked.chars + chars > limits::CONTENT_CHARS
                    || asked.taken >= limits::STREAM_PARTS
                {
                    return Err(Refused::TooMuch);
                }
                asked.add(content.clone(), chars);
            }
            number = number.saturating_add(1);
        }
        Ok(asked.taken)
    }

    /// The reply arrived, in this place of the inbox. What it says beyond the parts that were taken is the last part.
    ///
    /// # Errors
    ///
    /// When it says something else than they do; then the stream has failed.
    pub fn finish(
        &mut self,
        question: &str,
        content: &str,
        summary: Option<&Summary>,
        sequence: u64,
    ) -> std::result::Result<(), Contradiction> {
        let Some(asked) = self.asked.get_mut(question).filter(|asked| asked.end.is_none()) else {
            return Ok(());
        };
        let rest = content.strip_prefix(asked.text.as_str());
        let summary =
            summary.filter(|summary| asked.stream.as_deref().is_none_or(|own| own == summary.stream));
        let fits = |rest: &str| match summary {
            None => true,
            Some(summary) if summary.parts == asked.taken => {
                rest.is_empty() && summary.digest == asked.digest.text()
            }
            Some(summary) => summary.parts > asked.taken && !rest.is_empty(),
        };
        let Some(rest) = rest.filter(|rest| fits(rest)) else {
            let sentence =
                "the reply says something else than the parts that came before it; it is in the inbox";
            asked.end = Some(End::Failed(Code::BadAnswer, sentence.to_owned()));
            return Err(Contradiction);
        };
        if !rest.is_empty() {
            asked.add(rest.to_owned(), rest.chars().count());
        }
        asked.end = Some(End::Answered(sequence));
        Ok(())
    }

    /// There will be no reply.
    pub fn fail(&mut self, question: &str, code: Code, sentence: &str) {
        if let Some(asked) = self.asked.get_mut(question) {
            asked.end.get_or_insert(End::Failed(code, sentence.to_owned()));
        }
    }

    /// What the host gets: the part `number`, or the one after the last that it got. Parts before that are let go, so
    /// whoever lost a result may ask for it again.
    ///
    /// # Errors
    ///
    /// [`Code::MessageUnknown`] when no such stream is open; [`Code::InvalidArgument`] for a part that was let go.
    pub fn next(&mut self, question: &str, number: Option<u64>) -> Result<Step> {
        let Some(asked) = self.asked.get_mut(question) else {
            let over = self.over.iter().find(|(id, _)| id == question);
            return match over {
                Some((_, None)) => Ok(Step::IsOver),
                Some((_, Some((code, sentence)))) => Ok(Step::Failed(*code, sentence.clone())),
                None => Err(Error::new(Code::MessageUnknown, "no stream is open for such a question")
                    .with("stream_id", question)),
            };
        };
        let number = number.unwrap_or(asked.next);
        let first = asked.unread.front().map_or(asked.taken, |part| part.number);
        if number < first {
            let sentence = format!("number must be {first} or more: the parts before it were let go");
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        if number > asked.taken {
            let sentence = format!("number must be {} or less: parts come one after another", asked.taken);
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        while asked.unread.front().is_some_and(|part| part.number < number) {
            asked.unread.pop_front();
        }
        if let Some(part) = asked.unread.front() {
            asked.next = number + 1;
            return Ok(Step::Part(part.clone()));
        }
        Ok(match &asked.end {
            None => Step::Wait,
            Some(End::Answered(sequence)) => Step::Over(*sequence),
            Some(End::Failed(code, sentence)) => Step::Failed(*code, sentence.clone()),
        })
    }

    /// The host has read everything, or wants no more. Returns the place of the reply in the inbox when it is there.
    pub fn close(&mut self, question: &str, why: Option<(Code, &str)>) -> Option<u64> {
        let asked = self.asked.remove(question)?;
        self.over.push_back((question.to_owned(), why.map(|(code, sentence)| (code, sentence.to_owned()))));
        if self.over.len() > REMEMBERED {
            self.over.pop_front();
        }
        match asked.end {
            Some(End::Answered(sequence)) => Some(sequence),
            _ => None,
        }
    }

    /// Whether the host has not closed it.
    pub fn is_open(&self, question: &str) -> bool {
        self.asked.contains_key(question)
    }
}

impl Asked {
    fn add(&mut self, content: String, chars: usize) {
        self.text.push_str(&content);
        self.chars += chars;
        self.digest.add(&content);
        self.unread.push_back(Part { number: self.taken, content });
        self.taken += 1;
    }
}
