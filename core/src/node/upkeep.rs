//! Upkeep: the few things a node does unasked.
//!
//! | task | does |
//! |---|---|
//! | outbox | delivers what is due, peer by peer |
//! | receipts | tells senders what became of their messages |
//! | mail | leaves our keys and messages with those who keep mail, hands over what we keep (`mail`) |
//! | upkeep | pings idle peers, looks for lost ones (`healing`), tells all once a day where we are, ends connections of lasting distrust, expires requests, claimed ids and idempotency keys, saves counters |
//! | discovery | tells who was found, keeps connections to entry nodes |

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{events::NodeEvent, inner::Inner};
use crate::{
    discovery::{Discovery, Finding},
    env::{Moment, Now},
    error::Result,
    identity::AgentId,
    messaging,
    peers::Connection,
    store::{Range, Table},
    transport::Grant,
};

/// How often the slow parts of upkeep run.
const ROUND: Duration = Duration::from_secs(60);
/// How long a ping may take. Silence is found after an interval, two of these, and the second that lies between two tries.
const PING_TIMEOUT: Duration = Duration::from_secs(4);
/// How often peers are told where we are though nothing changed: a record of it is believed for 30 days.
const RENEWAL: Duration = Duration::from_secs(86_400);
/// How many claimed ids one round looks at.
const CLAIM_PAGE: usize = 2_000;

/// By how much the wall clock may get ahead of the steady one between two rounds, before it counts as set.
const DRIFT: Duration = Duration::from_secs(60);
/// How long no claimed id is forgotten after the wall clock was set forward: it may be set back.
const CLAIMS_HELD: Duration = Duration::from_secs(3600);

/// How far the table of claimed ids has been looked through, and from when on it is again.
struct ClaimPages {
    after: Option<String>,
    last_round: Now,
    held_until: Moment,
}

impl ClaimPages {
    /// Whether claims may be forgotten by the wall clock. A message whose claim is gone too early is taken twice, so a
    /// clock that was set forward is not believed at once.
    fn may_expire(&mut self, now: Now) -> bool {
        let last = std::mem::replace(&mut self.last_round, now);
        if now.wall.since(last.wall) > now.steady.since(last.steady) + DRIFT {
            self.held_until = now.steady + CLAIMS_HELD;
        }
        now.steady >= self.held_until
    }
}

impl Inner {
    /// Starts the tasks that run while the node is open.
    pub(crate) fn start_upkeep(self: &Arc<Self>) {
        let inner = Arc::clone(self);
        self.env.tasks.spawn("outbox", async move { inner.run_outbox().await });
        let inner = Arc::clone(self);
        self.env.tasks.spawn("receipts", async move { inner.run_receipts().await });
        let inner = Arc::clone(self);
        self.env.tasks.spawn("mail", async move { inner.run_mail().await });
        let inner = Arc::clone(self);
        self.env.tasks.spawn("parts", async move { inner.run_parts().await });
        let inner = Arc::clone(self);
        self.env.tasks.spawn("recalls", async move { inner.run_recalls().await });
        let inner = Arc::clone(self);
        self.env.tasks.spawn("upkeep", async move { inner.run_upkeep().await });
        let inner = Arc::clone(self);
        self.env.tasks.spawn("announce", async move { inner.announce_self().await });
    }

    async fn run_outbox(self: &Arc<Self>) {
        loop {
            let (due, next) = {
                let now = self.both();
                let mut state = self.state.lock();
                let due = if self.ready().is_ok() { state.outbox.due(now) } else { Vec::new() };
                let next = state.outbox.wait(now);
                (due, next)
            };
            for item in due {
                let inner = Arc::clone(self);
                self.env.tasks.spawn("deliver", async move {
                    inner.deliver(item).await;
                });
            }
            // Messages expire by the wall clock: one that is set must not make the outbox sleep for ever, nor spin.
            let wait = next.unwrap_or(ROUND).clamp(Duration::from_millis(10), ROUND);
            tokio::select! {
                biased;
                () = tokio::time::sleep(wait) => {}
                () = self.outbox_bell.notified() => {}
            }
        }
    }

    async fn run_upkeep(self: &Arc<Self>) {
        let start = self.both();
        let mut next_round = start.steady + ROUND;
        let mut next_renewal = start.steady + RENEWAL;
        let mut claims = ClaimPages { after: None, last_round: start, held_until: Moment::PAST };
        if self.ready().is_ok()
            && let Err(error) = self.look_at_ages().await
        {
            tracing::warn!(%error, "the ages of requests were not looked at");
        }
        loop {
            let now = self.steady();
            if now >= next_round {
                next_round = now + ROUND;
                if self.ready().is_ok()
                    && let Err(error) = self.round(&mut claims).await
                {
                    tracing::warn!(%error, "a round of upkeep failed");
                }
            }
            if now >= next_renewal {
                next_renewal = now + RENEWAL;
                let inner = Arc::clone(self);
                self.env.tasks.spawn("announce", async move { inner.announce_self().await });
            }
            let dues = [self.ping_due(now), self.search_due(now), Some(next_round)];
            let wait = dues.into_iter().flatten().map(|at| at.since(now)).min().unwrap_or(ROUND);
            tokio::select! {
                biased;
                () = tokio::time::sleep(wait.clamp(Duration::from_millis(50), ROUND)) => {}
                () = self.upkeep_bell.notified() => {}
            }
        }
    }

    /// Pings the peers that are due; returns when the next one is.
    fn ping_due(self: &Arc<Self>, now: Moment) -> Option<Moment> {
        let interval = Duration::from_secs(self.config.ping_interval_secs);
        if interval.is_zero() {
            return None;
        }
        let (due, next) = self.state.lock().peers.pings_due(now, interval, &*self.env.random);
        for peer in due {
            let inner = Arc::clone(self);
            self.env.tasks.spawn("ping", async move { inner.ping(peer).await });
        }
        next
    }

    async fn ping(self: &Arc<Self>, peer: Connection) {
        let mut body = self.own_object();
        body.insert("timestamp".into(), json!(self.now().to_wire()));
        let sent = self.post_to_peer(&peer, "ping", body, PING_TIMEOUT).await.ok();
        let answer = sent.and_then(|sent| crate::wire::json::parse_object(&sent.reply.body).ok());
        let answer = answer.filter(|answer| {
            answer.get("agent_id").and_then(Value::as_str) == Some(&peer.agent_id.to_string()[..])
        });
        let answered = answer.is_some();
        if let Some(answer) = answer {
            self.note_sighting(&peer, answer.get("your_ip").and_then(Value::as_str));
        }
        if answered {
            self.wake(&mut self.state.lock(), &peer.agent_id);
        }
        self.note_reached(&peer.agent_id, answered);
        if answered {
            self.announce_missed(&peer.agent_id);
        }
    }

    /// Ends requests that waited too long, moves what lies in the future of the wall clock, and names the peers that
    /// were distrusted for too long.
    async fn look_at_ages(self: &Arc<Self>) -> Result<Vec<AgentId>> {
        let lifetime = self.config.request_expiry();
        let negative = Duration::from_secs(self.config.negative_trust_secs);
        let mut distrusted = Vec::new();
        self.write(|state, _| {
            let now = self.both();
            let mut rows = state.peers.expire(now, lifetime)?;
            rows.append(state.outbox.correct(now)?);
            let (due, more) = state.trust.due_for_disconnect(now, negative)?;
            rows.append(more);
            distrusted.extend(due.into_iter().filter(|agent| state.peers.get(agent).is_some()));
            Ok(rows)
        })
        .await?;
        Ok(distrusted)
    }

    /// Once a minute.
    async fn round(self: &Arc<Self>, claims: &mut ClaimPages) -> Result<()> {
        super::compose::publish_late(self);
        self.look_at_interfaces();
        self.write_owed().await?;
        self.end_overdue();
        let distrusted = self.look_at_ages().await?;
        self.write(|state, _| state.save_counters()).await?;
        self.expire_claims(claims).await?;
        for agent in distrusted {
            self.disconnect(&agent, "trust stayed negative").await?;
            let metadata = Map::from_iter([
                (String::from("type"), json!("trust_disconnect")),
                (String::from("peer_id"), json!(agent)),
            ]);
            let text = format!("Disconnected from {}: trust stayed negative for too long.", agent.short());
            self.notice(agent, self.id("trust-disconnect-", 6), text, metadata).await?;
        }
        Ok(())
    }

    /// Forgets claimed ids whose lifetime is over, a page a round, and idempotency keys.
    async fn expire_claims(self: &Arc<Self>, claims: &mut ClaimPages) -> Result<()> {
        let now = self.both();
        if !claims.may_expire(now) {
            return Ok(());
        }
        let after = &mut claims.after;
        let range = Range { after: after.take(), limit: Some(CLAIM_PAGE), ..Range::default() };
        let page = self.store.scan(Table::Seen, range).await?;
        if page.len() == CLAIM_PAGE {
            *after = page.last().map(|row| row.key.clone());
            // More to look at: the next page needs no minute.
            self.upkeep_bell.notify_one();
        }
        let mut rows = messaging::claims::expired(&page, now.wall)?;
        self.write(|state, _| {
            rows.append(state.keys.expire(now.wall));
            Ok(rows)
        })
        .await
    }

    /// Handles what discovery finds, until the node closes.
    pub(crate) async fn run_findings(
        self: &Arc<Self>,
        discovery: Discovery,
        mut findings: tokio::sync::mpsc::Receiver<Finding>,
    ) {
        while let Some(finding) = findings.recv().await {
            match finding {
                Finding::Agent(found) => self.publish([NodeEvent::AgentDiscovered { found }]),
                Finding::BootstrapDue { base } => {
                    let inner = Arc::clone(self);
                    let discovery = discovery.clone();
                    self.env.tasks.spawn("bootstrap", async move {
                        let accepted = inner.bootstrap(&base).await;
                        discovery.bootstrap_result(&base, accepted);
                    });
                }
            }
        }
    }

    async fn bootstrap(self: &Arc<Self>, base: &str) -> bool {
        match self.connect(base, None, Grant::User).await {
            Ok(peer) => {
                let agent = peer.agent_id;
                // An entry node is not expected to answer as much as it receives (§14.4).
                let marked = self.write(|state, now| state.trust.mark_infrastructure(agent, now)).await;
                marked.is_ok() && peer.state == crate::peers::PeerState::Connected
            }
            Err(error) => {
                tracing::info!(%error, base, "the entry node did not accept");
                false
            }
        }
    }
}
