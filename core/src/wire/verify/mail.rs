//! Mail is believed for its sender's signature, whoever brings it.

use super::{INVALID, Relation, Verified, Verifier, refuse};
use crate::{
    error::Code,
    wire::{
        Answer,
        frame::{Body, HandOver, MessageFrame},
    },
};

impl Verified<HandOver> {
    /// The message in opened mail: proven by its sender's signature, which covers the sealed body.
    pub fn opened(self, body: Body) -> Verified<MessageFrame> {
        let mail = self.frame.mail;
        let frame = MessageFrame {
            message_id: mail.message_id,
            from: mail.from,
            presented_key: None,
            timestamp: mail.sent_at.to_wire(),
            hops_remaining: mail.hops_remaining,
            body,
            signature: None,
            to: Some(mail.to),
            signature_v2: Some(mail.signature),
        };
        Verified { frame, sender: self.sender, proof: mail.key.kind.into() }
    }
}

impl Verifier<'_> {
    /// Mail is of its sender, whoever brings it. Its time may be a day ago: it says itself when it is over.
    pub(super) fn mail(&self, hand: &HandOver) -> Result<(), Answer> {
        let mail = &hand.mail;
        if mail.to != self.passport.agent_id() {
            return Err(refuse(Code::KeyMismatch, "This message is signed for another recipient"));
        }
        if (self.relation)(&mail.from) == Relation::Stranger {
            return Err(refuse(Code::PeerNotConnected, "Not connected"));
        }
        if !mail.is_signed() {
            return Err(refuse(Code::SignatureInvalid, INVALID));
        }
        if !mail.is_current(self.now) {
            return Err(refuse(Code::Stale, "This kept message is over, or from the future"));
        }
        Ok(())
    }
}
