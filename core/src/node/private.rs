//! Private frames in motion: signed, sealed when the peer opens seals, and taken once.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{inner::Inner, state::State};
use crate::{
    error::Result,
    messaging::{compose, inbound as messages},
    peers::Connection,
    transport::Sent,
    wire::{
        Answer,
        frame::{PrivateBody, PrivateFrame, PrivateKind},
        time,
        verify::Verified,
    },
};

impl Inner {
    /// Posts a private frame to a peer that knows its kind.
    pub(super) async fn post_private(
        &self,
        peer: &Connection,
        kind: PrivateKind,
        body: Map<String, Value>,
        timeout: Duration,
    ) -> Result<Sent> {
        let (me, to) = (self.me(), &peer.agent_id);
        let nonce = self.id("", 16);
        let is_sealed = self.config.seal && peer.opens_seals();
        let body = if is_sealed {
            let plain = Value::Object(body).to_string();
            json!(self.sealers.take(to)?.seal(&me, &kind.claim_id(&nonce), plain.as_bytes())?)
        } else {
            Value::Object(body)
        };
        let timestamp = self.signing_time().to_wire();
        let mut object = PrivateFrame::members(&me, &nonce, &timestamp, body, is_sealed);
        compose::sign_object(kind.domain(), to, &self.passport, &mut object)?;
        self.post_to_peer(peer, kind.endpoint().name(), object, timeout).await
    }

    /// A private frame of a peer; one that was recorded and is sent again is refused.
    pub(super) async fn hear_private(
        self: &Arc<Self>,
        verified: Verified<PrivateFrame>,
    ) -> std::result::Result<Answer, Answer> {
        let frame = verified.into_frame();
        if !claim(&mut self.state.lock(), &frame, self.now()) {
            return Err(messages::duplicate());
        }
        match frame.body {
            PrivateBody::Cancels(cancels) => self.hear_cancels(frame.from, cancels).await,
            PrivateBody::Parts(parts) => self.hear_parts(&frame.from, &parts),
            // The verifier opened what was sealed.
            PrivateBody::Sealed(_) => Err(Answer::not_found()),
        }
    }
}

fn claim(state: &mut State, frame: &PrivateFrame, now: crate::env::Timestamp) -> bool {
    let dated = time::parse(&frame.timestamp).unwrap_or(now);
    state.replay.claim_dated(&frame.from, &frame.claim_id(), dated, now)
}
