//! One attempt to give a message to a peer, and what its answer means.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{
    inner::Inner,
    outbound::DELIVERY_TIMEOUT,
    relay::{self, Fate},
};
use crate::{
    error::Code,
    identity::AgentId,
    messaging::{
        Delivery, DeliveryState, OutboxItem, Reason, TAKEN_BACK, THROWN_AWAY,
        compose::{self, Draft, Form},
        forwarding,
    },
    transport::{Reply, Sent},
    wire::{
        json, limits,
        receipt::{ReceiptState, ReceiptText, SignedReceipt},
    },
};

/// What became of one attempt.
pub(super) enum Attempt {
    Accepted {
        via: &'static str,
        proof: Option<SignedReceipt>,
    },
    /// It will not be delivered: failed, expired or refused.
    Over {
        state: DeliveryState,
        reason: Reason,
        proof: Option<SignedReceipt>,
    },
    /// No answer, or one that may change.
    Later {
        reason: Reason,
        hint: Option<Duration>,
        reached: bool,
    },
}

impl Attempt {
    /// The end, for a reason that will not pass.
    pub(super) fn over(reason: Reason) -> Self {
        let is = |code: Code| reason.code == code.name();
        let state = if is(Code::MessageExpired) {
            DeliveryState::Expired
        } else if is(Code::PeerRefused) {
            DeliveryState::Refused
        } else {
            DeliveryState::Failed
        };
        Self::Over { state, reason, proof: None }
    }

    /// The same, with what the peer signed about it. A message that it took and threw away is not accepted.
    fn with_proof(self, found: Option<SignedReceipt>) -> Self {
        match (self, found) {
            (Self::Accepted { .. }, Some(proof)) if proof.state == ReceiptState::Refused => {
                let reason = Reason::new(Code::PeerRefused, THROWN_AWAY);
                Self::Over { state: DeliveryState::Refused, reason, proof: Some(proof) }
            }
            // Our taking it back overtook it.
            (Self::Accepted { .. }, Some(proof)) if proof.state == ReceiptState::Cancelled => {
                let reason = Reason::new(Code::MessageCancelled, TAKEN_BACK);
                Self::Over { state: DeliveryState::Failed, reason, proof: Some(proof) }
            }
            (Self::Accepted { via, .. }, proof) => Self::Accepted { via, proof },
            (other, _) => other,
        }
    }

    /// What a host is told about it.
    pub(super) fn delivery(&self, to: AgentId) -> Delivery {
        let stored = Delivery::stored(to);
        match self {
            Self::Accepted { via, proof } => Delivery {
                state: DeliveryState::Accepted,
                via: Some((*via).to_owned()),
                proof: proof.clone().map(ReceiptText),
                ..stored
            },
            Self::Over { state, reason, proof } => Delivery {
                state: *state,
                reason: Some(reason.clone()),
                proof: proof.clone().map(ReceiptText),
                ..stored
            },
            Self::Later { reason, .. } => Delivery { reason: Some(reason.clone()), ..stored },
        }
    }
}

impl Inner {
    pub(super) async fn attempt(self: &Arc<Self>, item: &OutboxItem) -> Attempt {
        let Some(peer) = self.state.lock().peers.get(&item.to).cloned() else {
            let pending = self.state.lock().peers.outstanding().any(|request| request.agent_id == item.to);
            let reason =
                Reason::new(Code::PeerNotConnected, "the other side has not accepted the connection yet");
            return if pending {
                Attempt::Later { reason, hint: None, reached: true }
            } else {
                Attempt::over(Reason::new(Code::PeerNotConnected, "no longer connected to that agent"))
            };
        };
        let form = Form::for_peer(&peer, self.config.seal);
        // A node that signs as 1.1.1 does is told only what would be lost otherwise.
        let told = item.origin.as_ref().filter(|origin| form != Form::V1 || origin.says_more_than_hops());
        let mut metadata = item.metadata.clone();
        if let Some(origin) = told.filter(|origin| form == Form::V1 && !origin.path.is_empty()) {
            metadata.extend(forwarding::told(origin.agent_id, &item.message_id, &self.me()));
        }
        let metadata = match told.map(|origin| origin.put(&metadata)).transpose() {
            Ok(metadata) => metadata,
            Err(error) => return Attempt::over(Reason::new(error.code(), error.message())),
        };
        let draft = Draft {
            message_id: &item.message_id,
            content: &item.content,
            metadata: metadata.as_ref().unwrap_or(&item.metadata),
            in_reply_to: item.in_reply_to.as_deref(),
            hops: item.hops,
        };
        let sealer = || self.sealers.take(&item.to);
        let body =
            match compose::message_with(draft, &item.to, form, &self.passport, self.signing_time(), sealer) {
                Ok(body) => body,
                Err(error) => return Attempt::over(Reason::new(error.code(), error.message())),
            };
        let around = self.may_go_around(&item.to, &item.message_id).then(|| body.clone());
        match self.post_to_peer(&peer, "message", body, DELIVERY_TIMEOUT).await {
            Err(error) => {
                let fate = match around {
                    Some(body) => self.send_around(&item.to, &item.message_id, body).await,
                    None => Fate::Lost,
                };
                let text = match fate {
                    Fate::Taken => return Attempt::Accepted { via: relay::VIA, proof: None },
                    Fate::Refused(text) => {
                        format!("{}; through the mesh the peer refused it: {text}", error.message())
                    }
                    Fate::Unknown => format!(
                        "{}; it went through the mesh and may have arrived, but the peer's own answer did not come back",
                        error.message()
                    ),
                    Fate::Lost => error.message().to_owned(),
                };
                Attempt::Later { reason: Reason::new(error.code(), text), hint: None, reached: false }
            }
            // A node of ours claims an id when it has the message; 1.1.1 does it before it looks at the rate limit.
            Ok(sent) if sent.reply.status == 409 && !peer.signs_v2() && item.was_limited => Attempt::Later {
                reason: Reason::new(
                    Code::RateLimited,
                    "the peer refused it for its rate limit and does not look at it again for five minutes",
                ),
                hint: Some(limits::REPLAY_WINDOW),
                reached: true,
            },
            Ok(sent) => judge(&sent).with_proof(self.proof_in(&sent, item)),
        }
    }

    /// What the peer signed in its answer, when that is about this message and what we said in it.
    fn proof_in(&self, sent: &Sent, item: &OutboxItem) -> Option<SignedReceipt> {
        if !self.config.receipts {
            return None;
        }
        let mut object = json::parse_object(&sent.reply.body).ok()?;
        let receipt: SignedReceipt = serde_json::from_value(object.remove("receipt")?).ok()?;
        let is_ours =
            receipt.to == item.to && receipt.from == self.me() && receipt.message_id == item.message_id;
        let is_ours = is_ours
            && (receipt.state != ReceiptState::Cancelled
                || self.state.lock().sent.is_recalled(&item.message_id, &item.to));
        if is_ours && item.digest().is_ok_and(|digest| digest == receipt.digest) && receipt.is_valid() {
            return Some(receipt);
        }
        tracing::warn!(
            peer = item.to.short(),
            "a peer answered with a receipt that is none for this message"
        );
        None
    }
}

/// Whether a refusal says that the time of the message is over.
fn is_over(answer: Option<&Map<String, Value>>) -> bool {
    let code = answer.and_then(|object| object.get("code")?.as_str());
    code == Some(Code::MessageExpired.name())
}

/// What a peer's answer means for a message.
fn judge(sent: &Sent) -> Attempt {
    let Reply { status, body, retry_after } = &sent.reply;
    let object = json::parse_object(body).ok();
    let words = object
        .as_ref()
        .and_then(|object| object.get("error").and_then(Value::as_str))
        .map(|text| text.chars().take(200).collect::<String>());
    let later = |code, text: String| Attempt::Later {
        reason: Reason::new(code, text),
        hint: *retry_after,
        reached: true,
    };
    let said = words.clone().unwrap_or_else(|| format!("status {status}"));
    match status {
        200..=299 if object.is_some() => Attempt::Accepted { via: sent.via, proof: None },
        // Our ids are random: a peer that saw this one has our message from an earlier attempt.
        409 => Attempt::Accepted { via: sent.via, proof: None },
        429 => later(Code::RateLimited, format!("the peer is busy: {said}")),
        // Without a JSON object it is not the mesh that answered.
        _ if object.is_none() => {
            later(Code::BadAnswer, format!("something else than the peer answered ({said})"))
        }
        410 if is_over(object.as_ref()) => {
            Attempt::over(Reason::new(Code::MessageExpired, format!("the peer refused: {said}")))
        }
        408 | 500..=599 => later(Code::Unreachable, format!("the peer cannot take it now: {said}")),
        _ => Attempt::over(Reason::new(Code::PeerRefused, format!("the peer refused: {said}"))),
    }
}
