//! The body of a node: its parts, and the one way in which state changes and rows are committed together.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, Semaphore, oneshot};

use super::{
    calls::LocalVerbs,
    config::NodeConfig,
    events::{EventBody, EventBus, NodeEvent},
    host::{GuardedPolicy, Policy},
    state::State,
    token::LocalToken,
};
use crate::{
    env::{Env, Moment, Now, SigningTimes, Timestamp},
    error::{Code, Error, Result},
    identity::{AgentId, Passport},
    messaging::{Sealers, cancels::Recalls},
    peers::{
        CAPABILITY_CANCEL, CAPABILITY_MAILBOX, CAPABILITY_OPINION, CAPABILITY_RECEIPTS, CAPABILITY_SEAL,
        CAPABILITY_SIGNATURE, CAPABILITY_STREAMS, SelfDescription, handshake,
    },
    store::{Batch, Owner, Store, StoreFuture, Table},
    transport::Switchboard,
    wire::{place, verify::Relation},
};

/// The row of the meta table that is written to see whether the disk works again.
const RECOVERED_AT: &str = "recovered_at";

pub(crate) struct Inner {
    pub(crate) config: NodeConfig,
    pub(crate) env: Env,
    pub(crate) passport: Passport,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) switchboard: Switchboard,
    pub(crate) sealers: Sealers,
    pub(crate) signing_times: SigningTimes,
    pub(crate) state: Mutex<State>,
    pub(crate) events: EventBus,
    pub(crate) policy: RwLock<Option<GuardedPolicy>>,
    /// Rung when a message became visible.
    pub(crate) inbox_bell: Notify,
    /// Rung when something in the outbox became due.
    pub(crate) outbox_bell: Notify,
    /// Rung when there are receipts to tell.
    pub(crate) receipt_bell: Notify,
    /// Rung when there is somebody to tell that a message was taken back.
    pub(crate) recall_bell: Notify,
    /// Rung when something came of a stream that was asked for.
    pub(crate) stream_bell: Notify,
    /// Rung when there are parts of answers to send.
    pub(crate) part_bell: Notify,
    /// Rung when a sent message came further.
    pub(crate) sent_bell: Notify,
    /// Rung when there is mail to give to keepers, or keepers to tell our keys.
    pub(crate) mail_bell: Notify,
    /// Rung when the upkeep has something to look at before its time.
    pub(crate) upkeep_bell: Notify,
    /// How many consumers wait for a message right now.
    pub(crate) waiting: AtomicUsize,
    /// The base URLs this node listens at; the first is the one told to peers when nothing better is known.
    pub(crate) addresses: RwLock<Vec<String>>,
    /// The address that others reach us at, when a port mapping or configuration says so.
    pub(crate) public_url: RwLock<Option<String>>,
    pub(crate) token: LocalToken,
    pub(crate) verbs: LocalVerbs,
    /// The places of searches for lost peers.
    pub(crate) searches: Arc<Semaphore>,
    /// The places of local calls that wait for a message.
    pub(crate) waiting_calls: Semaphore,
    pub(crate) data_dir: Option<std::path::PathBuf>,
    /// Notices of an end that are on their way, by whom they tell.
    pub(crate) partings: super::part::Partings,
    /// The mapping on the router, while there is one.
    pub(crate) port_mapping: Mutex<Option<super::portmap::PortMapping>>,
    /// Running, unless discovery is off.
    pub(crate) discovery: RwLock<Option<crate::discovery::Discovery>>,
    /// Shared with the store, which keeps the folder until its file is closed.
    pub(crate) owner: Mutex<Option<Arc<Owner>>>,
    /// The disk had no room for the files that tell others who runs here and how to ask it.
    pub(crate) unpublished: AtomicBool,
    /// The disk failed; everything that would change state is refused until it works again.
    pub(crate) stalled: AtomicBool,
    pub(crate) closed: AtomicBool,
}

/// Where `agent` is at a port with this URL: a node that shares its port has a place below it.
pub(crate) fn placed(config: &NodeConfig, agent: &AgentId, port: &str) -> String {
    if config.shared_port { format!("{port}{}", place::path(agent)) } else { port.to_owned() }
}

impl Inner {
    pub(crate) fn me(&self) -> AgentId {
        self.passport.agent_id()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// The time to sign something with now.
    pub(crate) fn signing_time(&self) -> Timestamp {
        self.signing_times.next(self.now())
    }

    /// For waits and ages within the process, which a wall clock that is set must not touch.
    pub(crate) fn steady(&self) -> Moment {
        self.env.steady()
    }

    pub(crate) fn both(&self) -> Now {
        self.env.both()
    }

    /// Where we are at a port with this URL, which we may share with others.
    pub(crate) fn placed(&self, port: &str) -> String {
        placed(&self.config, &self.me(), port)
    }

    /// The URL told to others.
    pub(crate) fn own_url(&self) -> String {
        self.public_url
            .read()
            .clone()
            .or_else(|| self.addresses.read().first().cloned())
            .unwrap_or_else(|| format!("memory://{}", self.me().short()))
    }

    /// What we tell others about ourselves.
    pub(crate) fn describe(&self, state: &State) -> SelfDescription {
        let mut capabilities = self.config.capabilities.clone();
        capabilities.insert(CAPABILITY_SIGNATURE.into(), json!(2));
        capabilities.insert(CAPABILITY_OPINION.into(), json!(1));
        capabilities.insert(CAPABILITY_CANCEL.into(), json!(1));
        capabilities.insert(CAPABILITY_STREAMS.into(), json!(1));
        if self.config.seal {
            capabilities.insert(CAPABILITY_SEAL.into(), json!(1));
        }
        if self.config.mailbox {
            capabilities.insert(CAPABILITY_MAILBOX.into(), json!(1));
        }
        if self.config.receipts {
            capabilities.insert(CAPABILITY_RECEIPTS.into(), json!(1));
        }
        SelfDescription {
            agent_id: self.me(),
            display_name: state.profile.display_name.clone(),
            bio: state.profile.bio.clone(),
            active: state.profile.active,
            url: self.own_url(),
            created_at: state.profile.created_at,
            capabilities,
        }
    }

    /// What the handshake needs to know.
    pub(crate) fn handshake<'a>(&'a self, me: &'a SelfDescription, now: Timestamp) -> handshake::Context<'a> {
        handshake::Context {
            now,
            steady: self.steady(),
            me,
            passport: &self.passport,
            times: &self.signing_times,
            random: &*self.env.random,
            auto_accept: if self.config.bootstrap_mode {
                crate::peers::AutoAccept::All
            } else {
                self.config.auto_accept
            },
            max_connections: self.config.max_connections,
            request_expiry: self.config.request_expiry(),
        }
    }

    /// What is known of a claimed sender.
    pub(crate) fn relation(&self, agent: &AgentId) -> Relation {
        match self.state.lock().peers.get(agent) {
            Some(connection) => Relation::Connected { signs_v2: connection.signs_v2() },
            None => Relation::Stranger,
        }
    }

    pub(crate) fn publish(&self, events: impl IntoIterator<Item = impl Into<EventBody>>) {
        let now = self.now();
        for event in events {
            self.events.publish(now, event);
        }
    }

    /// Fails when the node is closed or its disk does not work.
    pub(crate) fn ready(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(Code::Closed, "the node is closed; open a new one"));
        }
        if self.stalled.load(Ordering::Acquire) {
            return Err(Error::new(
                Code::StoreUnavailable,
                "the disk failed and nothing can be stored; free space or repair it, the node recovers by itself",
            ));
        }
        Ok(())
    }

    /// Changes the state and commits the rows of the change.
    ///
    /// `work` runs under the lock, and its batch is queued before the lock is released, so the disk sees
    /// changes in the order of memory. `after` runs once the batch is durable or refused, also when the
    /// caller no longer waits: dropping the future leaves the state before or after, never between.
    pub(crate) async fn transact<T, R>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut State, Timestamp) -> Result<(Batch, T)>,
        after: impl FnOnce(&Arc<Self>, Result<()>, T) -> R + Send + 'static,
    ) -> Result<R>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let done = self.begin(work, after)?;
        done.await.map_err(|_| Error::new(Code::Closed, "the node was closed while the change was under way"))
    }

    /// [`Inner::transact`] for the inbound path: `after` runs here instead of in a task of its own, because the
    /// future of a [`Receiver`](crate::transport::Receiver) runs to its end in any case.
    pub(crate) async fn settle<T, R>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut State, Timestamp) -> Result<(Batch, T)>,
        after: impl FnOnce(&Arc<Self>, Result<()>, T) -> R,
    ) -> Result<R> {
        let (ticket, value) = self.change(work)?;
        let result = match ticket {
            Some(ticket) => ticket.await.inspect_err(|error| self.note_storage_error(error)),
            None => Ok(()),
        };
        Ok(after(self, result, value))
    }

    /// Changes memory and queues the rows; the ticket tells when they are durable.
    fn change<T>(
        &self,
        work: impl FnOnce(&mut State, Timestamp) -> Result<(Batch, T)>,
    ) -> Result<(Option<StoreFuture<()>>, T)> {
        // Asked under the lock: while a recovery replaces the state, nothing may be built on the old one.
        let mut state = self.state.lock();
        self.ready()?;
        let (rows, value) = work(&mut state, self.now())?;
        Ok((if rows.is_empty() { None } else { Some(self.store.commit(rows)) }, value))
    }

    /// [`Inner::transact`] without waiting: memory has changed and the batch is queued when this returns.
    pub(crate) fn begin<T, R>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut State, Timestamp) -> Result<(Batch, T)>,
        after: impl FnOnce(&Arc<Self>, Result<()>, T) -> R + Send + 'static,
    ) -> Result<oneshot::Receiver<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let (ticket, value) = self.change(work)?;
        let Some(ticket) = ticket else {
            let _ = sender.send(after(self, Ok(()), value));
            return Ok(receiver);
        };
        let inner = Arc::clone(self);
        self.env.tasks.spawn("commit", async move {
            let result = ticket.await;
            if let Err(error) = &result {
                inner.note_storage_error(error);
            }
            let _ = sender.send(after(&inner, result, value));
        });
        Ok(receiver)
    }

    /// Commits rows and waits; for changes without anything to do afterwards.
    pub(crate) async fn write(
        self: &Arc<Self>,
        work: impl FnOnce(&mut State, Timestamp) -> Result<Batch>,
    ) -> Result<()> {
        self.transact(|state, now| Ok((work(state, now)?, ())), |_, result, ()| result).await?
    }

    /// A failed commit means that memory is ahead of the disk: stop, then start again from the disk.
    fn note_storage_error(self: &Arc<Self>, error: &Error) {
        if matches!(error.code(), Code::StorePrecondition | Code::Closed)
            || self.stalled.swap(true, Ordering::AcqRel)
        {
            return;
        }
        tracing::error!(%error, "a commit failed; the node refuses changes until the disk works again");
        self.publish([NodeEvent::StorageFailed { error: error.to_string() }]);
        let inner = Arc::clone(self);
        self.env.tasks.spawn("storage recovery", async move { inner.recover().await });
    }

    async fn recover(self: &Arc<Self>) {
        let mut wait = std::time::Duration::from_secs(1);
        loop {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(std::time::Duration::from_secs(30));
            match self.reload().await {
                Err(error) => tracing::warn!(%error, "the disk still does not work"),
                Ok(fresh) => break self.resume(fresh),
            }
        }
        super::compose::publish_late(self);
        if let Err(error) = self.write_owed().await {
            tracing::warn!(%error, "acknowledgements are still in memory alone");
        }
    }

    /// Goes on with the state that the disk has.
    fn resume(&self, mut fresh: State) {
        let mut state = self.state.lock();
        // Late ends of attempts and acknowledgements must not meet a number that was given twice.
        fresh.outbox.succeed(&state.outbox);
        fresh.inbox.succeed(&state.inbox);
        fresh.sent.succeed(&state.sent);
        fresh.mailbox.succeed(&state.mailbox);
        fresh.given.succeed(&state.given, self.steady());
        fresh.recalls = Recalls::load(&fresh.sent, self.steady());
        fresh.peers.succeed(&state.peers);
        fresh.trust.succeed(&state.trust);
        let old = std::mem::replace(&mut *state, fresh);
        state.profile.active = old.profile.active;
        state.limiter = old.limiter;
        state.proven = old.proven;
        state.feed = old.feed;
        state.adrift = old.adrift;
        state.mail = old.mail;
        state.ahead = old.ahead;
        state.asking = old.asking;
        state.answering = old.answering;
        drop(state);
        self.stalled.store(false, Ordering::Release);
        self.publish([NodeEvent::StorageRecovered]);
        self.inbox_bell.notify_waiters();
        self.outbox_bell.notify_one();
        self.receipt_bell.notify_one();
        self.recall_bell.notify_one();
    }

    /// The state as the disk has it, once the disk takes rows again.
    async fn reload(&self) -> Result<State> {
        let mut proof = Batch::new();
        proof.put(Table::Meta, RECOVERED_AT, &self.now())?;
        self.store.commit(proof).await?;
        State::load(&*self.store, &self.config, &self.env, self.me()).await
    }

    /// Asks `policy` from now on.
    pub(crate) fn set_policy(&self, policy: Option<Arc<dyn Policy>>) {
        let patience = std::time::Duration::from_millis(self.config.policy_timeout_ms);
        *self.policy.write() = policy.map(|policy| GuardedPolicy { policy, patience });
    }

    /// A random id.
    pub(crate) fn id(&self, prefix: &str, bytes: usize) -> String {
        self.env.id(prefix, bytes)
    }

    /// An object with our id, for bodies that name the sender.
    pub(crate) fn own_object(&self) -> Map<String, Value> {
        Map::from_iter([(String::from("agent_id"), json!(self.me()))])
    }
}
