//! What becomes of a message whose sender is proven and admitted (§6.6, §6.7).
//!
//! The decision touches four tables in memory (inbox, log, peers, trust) and returns their rows as one
//! batch, which also claims the message id. The caller commits it and then confirms the reservation.

use serde_json::{Map, Value, json};

use super::{
    inbox::{Inbox, InboxLimits},
    log::{ConversationLog, Direction, EntryType, LogEntry},
    rules::Decision,
    types::{Message, MessageEvent, MessageKind},
};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    peers::Peers,
    store::{Batch, Table},
    transport::Outcome,
    trust::Trust,
    wire::{
        Answer,
        frame::{Body, MessageFrame, StatusBroadcast},
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
        /// The original sender.
        from: AgentId,
        /// The id of the original.
        message_id: String,
        /// Its text.
        content: String,
        /// Its metadata.
        metadata: Map<String, Value>,
        /// How often the copy may be forwarded further.
        hops: u32,
        /// Its hidden place in our inbox, to give up once the copies are on our disk.
        kept: u64,
    },
    /// The peer says that it ended the connection.
    Disconnected {
        /// Who.
        agent: AgentId,
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
    /// The place of a message that goes on to others. It is not confirmed: should the node end before the
    /// copies are on its disk, the next start finds the message in the inbox.
    pub kept: Option<u64>,
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
}

/// The claim of a message id: present means that the message was taken before.
pub fn claim_key(from: &AgentId, message_id: &str) -> String {
    format!("{from}/{message_id}")
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
            Inbound { outcome: Outcome::answer(answer), reserved: None, kept: None, is_counted: false }
        }
    }
}

fn try_receive(message: Verified<MessageFrame>, tables: Tables<'_>, rules: Rules<'_>) -> Result<Inbound> {
    let proof = message.proof();
    let MessageFrame { message_id, from, hops_remaining, body, .. } = message.into_frame();
    // The verifier opened what was sealed.
    let Body::Plain { content, metadata, in_reply_to } = body else {
        let answer = Answer::refuse(403, Code::SealBroken, "The sealed body was not opened");
        return Ok(Inbound {
            outcome: Outcome::answer(answer),
            reserved: None,
            kept: None,
            is_counted: false,
        });
    };
    let kind = metadata.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let connected = tables.peers.get(&from).is_some();

    let mut rows = Batch::new();
    let claim = claim_key(&from, &message_id);
    rows.require_absent(Table::Seen, claim.clone());
    rows.put(Table::Seen, claim, &rules.now)?;

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
    let finish = |rows, events, actions, answer, reserved| {
        Ok(Inbound {
            outcome: Outcome { rows, events, actions, answer },
            reserved,
            kept: None,
            is_counted: false,
        })
    };
    let event = |kind| vec![MessageEvent::MessageReceived { message_id: message_id.clone(), from, kind }];

    match kind.as_str() {
        // Strangers have no say in what is logged without asking the inbox for room (S11, S16).
        "broadcast" if !connected => {
            let answer = Answer::refuse(403, Code::PeerNotConnected, "Not connected");
            return Ok(Inbound {
                outcome: Outcome::answer(answer),
                reserved: None,
                kept: None,
                is_counted: false,
            });
        }
        // The older form of a status broadcast: logged, not queued.
        "broadcast" => {
            rows.append(tables.log.append(entry(EntryType::Broadcast))?);
            let events = vec![MessageEvent::BroadcastReceived {
                message_id: message_id.clone(),
                from,
                content: content.clone(),
            }];
            return finish(
                rows,
                events,
                Vec::new(),
                Answer::ok(json!({"status": "broadcast_received"})),
                None,
            );
        }
        // In 1.1.1 any signer could switch our settings with this (S8). It is taken and has no effect.
        "security_push" => {
            return finish(
                rows,
                Vec::new(),
                Vec::new(),
                Answer::ok(json!({"status": "security_push_ignored"})),
                None,
            );
        }
        // The pinned key says that the connection is over (B10). 1.1.1 signs no such notice, and its signature
        // covers no metadata: under it anybody could make a notice of a recorded message (S13).
        "trust_disconnect_notice" if connected && proof >= Proof::V2 => {
            let actions = vec![MessageAction::Disconnected { agent: from }];
            let answer = received(&message_id, "dropped", tables.inbox.waiting());
            return finish(rows, Vec::new(), actions, answer, None);
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
            sequence: 0,
            redeliveries: 0,
        };
        let (sequence, inbox_rows) = inbox.reserve(message, rules.limits)?;
        rows.append(inbox_rows);
        Ok::<_, Error>(sequence)
    };
    let mut kept = None;
    let (events, routed_to) = match rules.decision {
        Decision::Drop => (Vec::new(), "dropped"),
        Decision::Forward { to } if hops_remaining > 0 => {
            let sequence = place(tables.inbox)?;
            kept = Some(sequence);
            actions.push(MessageAction::Forward {
                to,
                from,
                message_id: message_id.clone(),
                content: content.clone(),
                metadata: metadata.clone(),
                hops: hops_remaining - 1,
                kept: sequence,
            });
            (Vec::new(), "forwarded")
        }
        // Out of hops: it stays with us, so that nothing is lost and nothing runs in circles.
        Decision::Forward { .. } | Decision::Handle | Decision::Pass => {
            reserved = Some(place(tables.inbox)?);
            (event(kind), if rules.is_awaited { "agent" } else { "queued" })
        }
    };
    // After the reservation, which may refuse: a refused message leaves no trace.
    rows.append(tables.log.append(logged)?);
    if connected {
        let now = rules.now;
        rows.append(tables.peers.change(&from, |connection| {
            connection.messages_received += 1;
            connection.last_activity = Some(now);
            // A good signature is the proof that a 1.1.1 handshake leaves out (S6).
            connection.identity_verified = true;
            connection.learn_abilities(proof);
        })?);
        rows.append(tables.trust.record_received(from, now)?);
    }
    let answer = received(&message_id, routed_to, tables.inbox.waiting() + usize::from(reserved.is_some()));
    let outcome = Outcome { rows, events, actions, answer };
    Ok(Inbound { outcome, reserved, kept, is_counted: connected })
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
        // The row on disk holds the old number; the next change of the connection writes this one.
        let _ = tables.peers.change(from, |connection| {
            connection.messages_received = connection.messages_received.saturating_sub(1)
        });
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
    let broadcast = broadcast.frame();
    let message_id = broadcast.message_id.clone().unwrap_or(made_up_id);
    let mut build = || -> Result<Batch> {
        let mut rows = Batch::new();
        let claim = claim_key(&broadcast.from, &broadcast.claim_id());
        rows.require_absent(Table::Seen, claim.clone());
        rows.put(Table::Seen, claim, &now)?;
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
