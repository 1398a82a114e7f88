//! Taking messages out of the inbox: wait, acknowledge, release; and the small changes of a host.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{events::NodeEvent, inner::Inner, outgoing::check_reply};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{Acknowledged, Filter, Message},
    trust::Impression,
    wire::limits,
};

/// Counts a waiting consumer for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Keeps the answer to a question for whoever asked, for as long as it lives.
pub(crate) struct Question<'a> {
    inner: &'a Inner,
    message_id: String,
    agent: AgentId,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.inner.state.lock().inbox.unasked(&self.message_id, self.agent);
        // It may have come meanwhile, and is for everybody now.
        self.inner.inbox_bell.notify_waiters();
    }
}

impl Inner {
    /// Keeps the answer of `agent` to a message of ours for those who ask for it.
    pub(crate) fn expect_answer(&self, message_id: &str, agent: AgentId) -> Question<'_> {
        self.state.lock().inbox.asked(message_id, agent);
        Question { inner: self, message_id: message_id.to_owned(), agent }
    }

    /// Whether an answer of `agent` to a message of ours is in the inbox.
    pub(crate) fn has_answer(&self, message_id: &str, agent: &AgentId) -> bool {
        self.state.lock().inbox.has_answer(message_id, agent)
    }

    /// The next message that `filter` wants, leased to the caller; `None` when time runs out first.
    /// Cancel-safe: a message is leased in the same poll that returns it.
    pub(crate) async fn next_message(
        self: &Arc<Self>,
        filter: &Filter,
        patience: Option<Duration>,
    ) -> Result<Option<Message>> {
        check_reply(filter.in_reply_to.as_deref())?;
        let deadline = patience.map(|patience| tokio::time::Instant::now() + patience);
        let _waiting = Waiting::new(&self.waiting);
        loop {
            // Registered before looking, so that no ring between looking and waiting is lost.
            let mut bell = std::pin::pin!(self.inbox_bell.notified());
            bell.as_mut().enable();
            if self.closed.load(Ordering::Acquire) {
                return Err(Error::new(Code::Closed, "the node is closed; open a new one"));
            }
            self.end_overdue();
            let now = self.steady();
            let available = {
                let mut state = self.state.lock();
                if let Some(message) = state.inbox.next(filter, now) {
                    self.note_delivered(&mut state, &message);
                    return Ok(Some(message));
                }
                state.inbox.next_available(filter)
            };
            let released = async {
                match available {
                    Some(at) => tokio::time::sleep(at.since(now).max(Duration::from_millis(1))).await,
                    None => std::future::pending().await,
                }
            };
            let late = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = bell => {}
                () = released => {}
                () = late => return Ok(None),
                () = self.env.tasks.stopped() => {
                    return Err(Error::new(Code::Closed, "the node was closed while waiting"));
                }
            }
        }
    }

    /// Removes a handled message for good. Also when the disk takes nothing: then it is over for this life of the
    /// node, and its row goes when the disk works again.
    pub(crate) async fn acknowledge(self: &Arc<Self>, sequence: u64) -> Result<Acknowledged> {
        let acknowledged = self.transact(
            |state, now| {
                let origin = state.inbox.origin(sequence);
                let mut rows = state.inbox.acknowledge(sequence)?;
                if let Some((from, message_id)) = &origin {
                    rows.append(state.given.handled(from, message_id, now)?);
                }
                Ok((rows, origin))
            },
            move |inner, result, origin| match result {
                Ok(()) => {
                    let mut state = inner.state.lock();
                    state.inbox.forget(sequence);
                    if let Some((from, message_id)) = origin
                        && state.given.confirm(&from, &message_id, inner.steady())
                    {
                        inner.receipt_bell.notify_one();
                    }
                    Ok(Acknowledged { stored: true })
                }
                Err(error) if error.code() == Code::Closed => Err(error),
                Err(_) => inner.owe(sequence),
            },
        );
        match acknowledged.await {
            // The disk failed before: nothing was queued.
            Err(error) if error.code() == Code::StoreUnavailable => self.owe(sequence),
            acknowledged => acknowledged?,
        }
    }

    fn owe(&self, sequence: u64) -> Result<Acknowledged> {
        let now = self.now();
        let mut state = self.state.lock();
        // Its sender is told once the disk knows it.
        if let Some((from, message_id)) = state.inbox.origin(sequence) {
            state.given.handled(&from, &message_id, now)?;
        }
        state.inbox.owe(sequence)?;
        Ok(Acknowledged { stored: false })
    }

    /// Writes down the acknowledgements that only memory has. When that fails, the next recovery tries again.
    pub(crate) async fn write_owed(self: &Arc<Self>) -> Result<()> {
        self.transact(
            |state, _| {
                let (owed, mut rows) = state.inbox.owed();
                rows.append(state.given.held()?);
                Ok((rows, owed))
            },
            |inner, result, owed| {
                result.map(|()| {
                    let mut state = inner.state.lock();
                    state.inbox.settle(&owed);
                    state.given.release(inner.steady());
                    inner.receipt_bell.notify_one();
                })
            },
        )
        .await?
    }

    /// Gives a message back, to be handed out again after `delay`; with `redeliveries` only that hand-out of it.
    pub(crate) fn release(&self, sequence: u64, redeliveries: Option<u32>, delay: Duration) -> bool {
        let now = self.steady();
        let mut state = self.state.lock();
        let origin = state.inbox.origin(sequence);
        let is_recalled = self.return_recalled(&mut state, sequence, redeliveries);
        let released = is_recalled || state.inbox.release(sequence, redeliveries, now, delay);
        // Whoever gets it next begins its answer anew.
        if let Some((from, message_id)) = origin.filter(|_| released) {
            state.answering.close(from, &message_id);
        }
        drop(state);
        if released && !is_recalled {
            self.inbox_bell.notify_waiters();
        }
        released
    }

    /// Sets what we think of an agent, and returns that. Messages on their way may move it before this is done.
    pub(crate) async fn set_trust(
        self: &Arc<Self>,
        agent: AgentId,
        score: f64,
        note: Option<String>,
    ) -> Result<Impression> {
        if note.as_ref().is_some_and(|note| note.chars().count() > 2_000) {
            return Err(Error::new(Code::InvalidArgument, "note must have at most 2,000 characters"));
        }
        let set = self
            .transact(
                |state, now| {
                    let rows = state.trust.set(agent, score, note, now)?;
                    Ok((rows, state.trust.get(&agent).cloned().unwrap_or_default()))
                },
                |_, result, set| result.map(|()| set),
            )
            .await??;
        self.publish([NodeEvent::TrustChanged { agent_id: agent, score: set.score }]);
        Ok(set)
    }

    /// Changes name and bio, and tells the peers.
    pub(crate) async fn set_profile(
        self: &Arc<Self>,
        display_name: Option<String>,
        bio: Option<String>,
    ) -> Result<()> {
        if display_name
            .as_ref()
            .is_some_and(|name| name.trim().is_empty() || name.chars().count() > limits::DISPLAY_NAME_CHARS)
        {
            return Err(Error::new(Code::InvalidArgument, "display_name must have 1 to 100 characters"));
        }
        if bio.as_ref().is_some_and(|bio| bio.chars().count() > limits::BIO_CHARS) {
            return Err(Error::new(Code::InvalidArgument, "bio must have at most 1,000 characters"));
        }
        self.write(|state, _| {
            if let Some(name) = display_name {
                state.profile.display_name = name;
            }
            if let Some(bio) = bio {
                state.profile.bio = bio;
            }
            state.profile.rows()
        })
        .await?;
        let inner = Arc::clone(self);
        self.env.tasks.spawn("announce", async move { inner.announce_self().await });
        Ok(())
    }
}
