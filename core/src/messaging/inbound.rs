//! What becomes of a message whose sender is proven and admitted (§6.6, §6.7).
//!
//! The decision touches four tables in memory (inbox, log, peers, trust) and returns their rows as one
//! batch, which also claims the message id. The caller commits it and then confirms the reservation.

use serde_json::{Value, json};

use super::{
    claims,
    inbox::{Inbox, InboxLimits},
    log::{ConversationLog, Direction, EntryType, LogEntry},
    rules::Decision,
    streams,
    types::{Message, MessageEvent, MessageKind},
};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    peers::Peers,
    store::Batch,
    transport::Outcome,
    trust::Trust,
    wire::{
        Answer,
        envelope::{self, Origin},
        frame::{Body, MessageFrame, StatusBroadcast},
        time,
        verify::{Proof, Verified},
    },
};

/// What to do after a message was committed.
#[derive(Clone, Debug, PartialEq)]
pub enum MessageAction {
    /// Send it on, as a routing rule says.
    Forward {
        /// To whom.
        to: Vec<AgentId>,
        /// Its hidden place in our inbox, to give up once the copies are on our disk.
        kept: u64,
    },
    /// Answer it, as a routing rule says.
    Answer {
        /// Whom.
        to: AgentId,
        /// The id of the message that is answered.
        message_id: String,
        /// The rule that answers.
        rule_id: String,
        /// What to say.
        text: String,
        /// The hidden place of the message in our inbox, to give up once the answer is on our disk.
        kept: u64,
    },
    /// The peer says that it ended the connection.
    Disconnected {
        /// Who.
        agent: AgentId,
        /// The id of the message that says so.
        notice: String,
        /// Its text: the peer's own words.
        said: String,
    },
    /// An agent that we asked for a connection rejected the request.
    Rejected {
        /// Who.
        agent: AgentId,
        /// Its name for our request.
        request_id: String,
    },
}

/// The outcome of a message, with the reservation to confirm or cancel.
pub struct Inbound {
    /// Rows, events, actions, answer.
    pub outcome: Outcome<MessageEvent, MessageAction>,
    /// The reserved place in the inbox.
    pub reserved: Option<u64>,
    /// Whether the message was added to the counters of its sender.
    pub is_counted: bool,
    /// The place of a message that goes on to others or is answered. It is not confirmed: should the node end before the
    /// copies are on its disk, the next start finds the message in the inbox.
    pub kept: Option<u64>,
    /// Whether a message of a peer was taken and thrown away, as a rule says.
    pub is_dropped: bool,
}

impl Inbound {
    /// An outcome that leaves nothing in the inbox.
    fn without_place(outcome: Outcome<MessageEvent, MessageAction>) -> Self {
        Self { outcome, reserved: None, is_counted: false, kept: None, is_dropped: false }
    }
}

/// The tables that a message touches.
pub struct Tables<'a> {
    /// The inbox.
    pub inbox: &'a mut Inbox,
    /// The conversation log.
    pub log: &'a mut ConversationLog,
    /// Counters of the connection.
    pub peers: &'a mut Peers,
    /// Counters of the impression.
    pub trust: &'a mut Trust,
}

/// The settings that a message meets.
pub struct Rules<'a> {
    /// Now.
    pub now: Timestamp,
    /// Our id.
    pub me: AgentId,
    /// How full the inbox may get.
    pub limits: &'a InboxLimits,
    /// Whether a host is waiting for a message right now.
    pub is_awaited: bool,
    /// What the routing rules, or the host's policy, decided.
    pub decision: Decision,
    /// Who wrote the message and its way, verified.
    pub origin: Option<Origin>,
}

/// The answer to a message that was taken before.
pub fn duplicate() -> Answer {
    Answer::refuse(409, Code::Replay, "Duplicate message — already received")
}

/// Decides about a message.
pub fn receive(message: Verified<MessageFrame>, tables: Tables<'_>, rules: Rules<'_>) -> Inbound {
    match try_receive(message, tables, rules) {
        Ok(inbound) => inbound,
        Err(error) => {
            let mut answer = Answer::from_error(&error);
            if error.code() == Code::QueueFull {
                answer = answer.retry_after(std::time::Duration::from_secs(5));
            }
            Inbound::without_place(Outcome::answer(answer))
        }
    }
}

fn try_receive(message: Verified<MessageFrame>, tables: Tables<'_>, rules: Rules<'_>) -> Result<Inbound> {
    let proof = message.proof();
    let MessageFrame { message_id, from, hops_remaining, body, timestamp, .. } = message.into_frame();
    // The verifier opened what was sealed.
    let Body::Plain { content, mut metadata, in_reply_to } = body else {
        let answer = Answer::refuse(403, Code::SealBroken, "The sealed body was not opened");
        return Ok(Inbound::without_place(Outcome::answer(answer)));
    };
    metadata.remove(envelope::MEMBER);
    let kind = metadata.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let connected = tables.peers.get(&from).is_some();

    let mut rows = Batch::new();
    claims::claim(&mut rows, &from, &message_id, proof, rules.now)?;
    // The same message may come over several forwarders, and from its author.
    if let Some(author) = rules.origin.as_ref().map(|origin| origin.agent_id).filter(|author| *author != from)
    {
        claims::claim(&mut rows, &author, &message_id, Proof::V2, rules.now)?;
    }

    let entry = |entry_type| LogEntry {
        message_id: message_id.clone(),
        content: content.clone(),
        from_agent_id: from,
        to_agent_ids: vec![rules.me],
        timestamp: rules.now.to_wire(),
        entry_type,
        direction: Direction::Inbound,
        trust_at_time: tables.trust.score(&from).unwrap_or(0.0),
        metadata: metadata.clone(),
    };
    let finish =
        |rows, events, actions, answer| Ok(Inbound::without_place(Outcome { rows, events, actions, answer }));
    let event = |kind| vec![MessageEvent::MessageReceived { message_id: message_id.clone(), from, kind }];

    match kind.as_str() {
        // Strangers have no say in what is logged without asking the inbox for room (S11, S16).
        "broadcast" if !connected => {
            let answer = Answer::refuse(403, Code::PeerNotConnected, "Not connected");
            return Ok(Inbound::without_place(Outcome::answer(answer)));
        }
        // The older form of a status broadcast: logged, not queued.
        "broadcast" => {
            rows.append(tables.log.append(entry(EntryType::Broadcast))?);
            let events = vec![MessageEvent::BroadcastReceived {
                message_id: message_id.clone(),
                from,
                content: content.clone(),
            }];
            return finish(rows, events, Vec::new(), Answer::ok(json!({"status": "broadcast_received"})));
        }
        // In 1.1.1 any signer could switch our settings with this (S8). It is taken and has no effect.
        "security_push" => {
            let answer = Answer::ok(json!({"status": "security_push_ignored"}));
            if !connected {
                // What has no effect needs no claim; strangers, whose ids cost nothing, could fill the disk (S16).
                return Ok(Inbound::without_place(Outcome::answer(answer)));
            }
            return finish(rows, Vec::new(), Vec::new(), answer);
        }
        // 1.1.1 signs no notice of this kind, and its signature covers no metadata: under it anybody could make a notice
        // of a recorded message (S13). One that names a request rejects that, and nothing else: it may arrive long after
        // the request has become a connection.
        "trust_disconnect_notice" if proof >= Proof::V2 && metadata.contains_key("request_id") => {
            let named = metadata.get("request_id").and_then(Value::as_str);
            let Some(request_id) = named.filter(|request_id| tables.peers.asks(&from, request_id)) else {
                // It may also have overtaken the answer that tells us the name of our request: the sender tries again.
                let answer = Answer::refuse(404, Code::RequestUnknown, "No request of mine has that ID");
                return Ok(Inbound::without_place(Outcome::answer(answer)));
            };
            let actions = vec![MessageAction::Rejected { agent: from, request_id: request_id.to_owned() }];
            let answer = received(&message_id, "dropped", tables.inbox.waiting());
            return finish(rows, Vec::new(), actions, answer);
        }
        // The pinned key says that the connection is over (B10).
        "trust_disconnect_notice" if proof >= Proof::V2 && connected => {
            // What the peer signed since made the connection anew, or confirmed it. Both times are from its clock; a
            // handshake that was not signed tells none, and then ours would be no measure for it.
            let agreed_at = tables.peers.get(&from).and_then(|connection| connection.agreed_at);
            if time::parse(&timestamp) < agreed_at {
                let sentence = "The connection was made after this notice of its end";
                return Ok(Inbound::without_place(Outcome::answer(Answer::refuse(
                    409,
                    Code::Stale,
                    sentence,
                ))));
            }
            // The row goes with the claim of the notice, which will not be taken twice: a crash must not leave the
            // connection. Memory, and what waits for the peer, follow once that is on disk; a copy of the notice that
            // the disk refuses must not end a connection that was made since.
            let Some(removal) = tables.peers.leave(&from, &message_id) else {
                return Ok(Inbound::without_place(Outcome::answer(duplicate())));
            };
            rows.append(removal);
            let actions =
                vec![MessageAction::Disconnected { agent: from, notice: message_id.clone(), said: content }];
            let answer = received(&message_id, "dropped", tables.inbox.waiting());
            return finish(rows, Vec::new(), actions, answer);
        }
        _ => {}
    }

    let logged = entry(EntryType::Direct);
    let mut actions = Vec::new();
    let mut reserved = None;
    let kind = if connected { MessageKind::Peer } else { MessageKind::Stranger };
    let mut place = |inbox: &mut Inbox| {
        let message = Message {
            message_id: message_id.clone(),
            from,
            content: content.clone(),
            metadata: metadata.clone(),
            in_reply_to: in_reply_to
                .clone()
                .or_else(|| metadata.get("in_reply_to").and_then(Value::as_str).map(str::to_owned)),
            hops_remaining,
            kind,
            verification: proof.into(),
            received_at: rules.now,
            limits: rules.origin.as_ref().and_then(|origin| origin.current().clone().some()),
            origin: rules.origin.clone(),
            forwarded_to: Vec::new(),
            sequence: 0,
            redeliveries: 0,
            // What 1.1.1 signs leaves the metadata out.
            wants_stream: proof >= Proof::V2 && streams::is_wanted(&metadata),
        };
        let (sequence, inbox_rows) = inbox.reserve(message, rules.limits)?;
        rows.append(inbox_rows);
        Ok::<_, Error>(sequence)
    };
    let mut kept = None;
    let (events, routed_to) = match rules.decision {
        // As for a push that has no effect.
        Decision::Drop if !connected => {
            let answer = received(&message_id, "dropped", tables.inbox.waiting());
            return Ok(Inbound::without_place(Outcome::answer(answer)));
        }
        Decision::Drop => (Vec::new(), "dropped"),
        Decision::Forward { to } if hops_remaining > 0 => {
            let sequence = place(tables.inbox)?;
            kept = Some(sequence);
            actions.push(MessageAction::Forward { to, kept: sequence });
            (Vec::new(), "forwarded")
        }
        // Nobody answers a stranger: it has no address that we believe.
        Decision::Answer { rule_id, text } if connected => {
            let sequence = place(tables.inbox)?;
            kept = Some(sequence);
            let message_id = message_id.clone();
            actions.push(MessageAction::Answer { to: from, message_id, rule_id, text, kept: sequence });
            (Vec::new(), "answered")
        }
        // Out of hops: it stays with us, so that nothing is lost and nothing runs in circles.
        Decision::Forward { .. } | Decision::Answer { .. } | Decision::Handle | Decision::Pass => {
            reserved = Some(place(tables.inbox)?);
            (event(kind), if rules.is_awaited { "agent" } else { "queued" })
        }
    };
    // After the reservation, which may refuse: a refused message leaves no trace.
    rows.append(tables.log.append(logged)?);
    if connected {
        rows.append(tables.peers.count_received(&from, proof, rules.now)?);
        let is_new = tables.trust.get(&from).is_none();
        rows.append(tables.trust.count_received(from, rules.now)?);
        if is_new {
            rows.append(tables.trust.trim(|agent| tables.peers.get(agent).is_some()));
        }
    }
    let answer = received(&message_id, routed_to, tables.inbox.waiting() + usize::from(reserved.is_some()));
    let outcome = Outcome { rows, events, actions, answer };
    let is_dropped = reserved.or(kept).is_none();
    Ok(Inbound { outcome, reserved, kept, is_counted: connected, is_dropped })
}

fn received(message_id: &str, routed_to: &str, position: usize) -> Answer {
    Answer::ok(json!({
        "status": "received",
        "message_id": message_id,
        "routed_to": routed_to,
        "queue_position": position,
    }))
}

/// Takes back in memory what [`receive`] counted for a message whose rows the store refused as a duplicate.
pub fn retract(from: &AgentId, message_id: &str, was_counted: bool, tables: Tables<'_>) {
    tables.log.retract(message_id, from);
    if was_counted && tables.peers.get(from).is_some() {
        tables.trust.retract_received(from);
        tables.peers.retract_received(from);
    }
}

/// Decides about a status broadcast: it is logged, and neither queued nor counted.
pub fn observe(
    broadcast: &Verified<StatusBroadcast>,
    tables: Tables<'_>,
    now: Timestamp,
    me: AgentId,
    made_up_id: String,
) -> Outcome<MessageEvent, MessageAction> {
    let proof = broadcast.proof();
    let broadcast = broadcast.frame();
    let message_id = broadcast.message_id.clone().unwrap_or(made_up_id);
    let mut build = || -> Result<Batch> {
        let mut rows = Batch::new();
        claims::claim(&mut rows, &broadcast.from, &broadcast.claim_id(), proof, now)?;
        rows.append(tables.log.append(LogEntry {
            message_id: message_id.clone(),
            content: broadcast.content.clone(),
            from_agent_id: broadcast.from,
            to_agent_ids: vec![me],
            timestamp: now.to_wire(),
            entry_type: EntryType::MeshObservation,
            direction: Direction::Inbound,
            trust_at_time: tables.trust.score(&broadcast.from).unwrap_or(0.0),
            metadata: broadcast.metadata.clone(),
        })?);
        rows.append(tables.peers.change(&broadcast.from, |connection| {
            connection.last_activity = Some(now);
            connection.identity_verified = true;
        })?);
        Ok(rows)
    };
    match build() {
        Err(error) => Outcome::answer(Answer::from_error(&error)),
        Ok(rows) => Outcome {
            rows,
            events: vec![MessageEvent::BroadcastReceived {
                message_id,
                from: broadcast.from,
                content: broadcast.content.clone(),
            }],
            actions: Vec::new(),
            answer: Answer::ok(json!({"status": "received", "logged": true})),
        },
    }
}
