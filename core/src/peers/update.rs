//! A peer tells a new address, name or bio (§6.8).

use serde_json::json;

use super::{
    admission::{self, Told},
    handshake::{PeerAction, PeerOutcome, stored_url},
    location::LocationRecord,
    table::Peers,
    types::{PeerEvent, SelfDescription},
};
use crate::{
    env::Timestamp,
    error::Code,
    transport::{Outcome, Source},
    wire::{
        Answer,
        frame::PeerUpdate,
        time, url,
        verify::{Proof, Verified},
    },
};

/// The answer to an update that tells nothing new.
pub(crate) fn known_update() -> Answer {
    Answer::ok(json!({"success": true, "updated": false}))
}

impl Peers {
    /// Whether a peer told this before, or something newer.
    pub(crate) fn is_known_update(&self, update: &PeerUpdate) -> bool {
        let last = self.get(&update.from).and_then(|connection| connection.last_update);
        last.is_some() && time::parse(&update.timestamp) <= last
    }

    /// Applies an update whose signature held. Updates only move forward in time, so a repeated or older
    /// one changes nothing (S12).
    pub fn on_update(
        &mut self,
        update: &Verified<PeerUpdate>,
        source: &Source,
        me: &SelfDescription,
        now: Timestamp,
    ) -> PeerOutcome {
        let proof = update.proof();
        let update = update.frame();
        // Retries of 1.1.1 announce the receiver's own address as the sender's (B11).
        if url::normal(url::base(&update.new_url)) == url::base(&me.url)
            && url::scope(&update.new_url).is_none()
        {
            return Outcome::answer(Answer::refuse(
                400,
                Code::UrlInvalid,
                "That is my own address, not yours",
            ));
        }
        let Some(sent_at) = time::parse(&update.timestamp) else {
            return Outcome::answer(Answer::refuse(403, Code::Stale, "Timestamp expired"));
        };
        let known = match self.get(&update.from) {
            Some(connection) => connection,
            None => return Outcome::answer(Answer::refuse(404, Code::PeerNotConnected, "Unknown agent")),
        };
        let url = stored_url(&update.new_url);
        // A peer is posted to at the address it tells, so it must not tell one inside our walls. The one we know says
        // nothing new.
        if url != known.url && admission::points_inside(source, url::base(&url)) {
            return Outcome::answer(Answer::refuse(
                400,
                Code::UrlInvalid,
                "That address is on my side, not on yours",
            ));
        }
        if known.last_update.is_some_and(|last| sent_at <= last) {
            return Outcome::answer(known_update());
        }
        let agent = update.from;
        // A record that came by way of others may be newer than an update that was held up.
        let is_newest = known.placed_at().is_none_or(|placed| sent_at >= placed);
        let rows = self.change(&agent, |connection| {
            if is_newest {
                connection.move_to(url, Told::at(source));
                connection.keep_location(LocationRecord::of_update(update), now);
            }
            connection.last_update = Some(sent_at);
            connection.last_activity = Some(now);
            connection.identity_verified = true;
            // 1.1.1 signs neither name nor bio. They are text for people, so they are taken all the same.
            if let Some(bio) = &update.bio {
                connection.bio.clone_from(bio);
            }
            if let Some(name) = update.display_name.as_ref().filter(|name| !name.trim().is_empty()) {
                connection.display_name = Some(name.clone());
            }
            // Money and routes only under the signature that covers them (S12).
            if proof == Proof::V2 {
                if !update.wallets.is_empty() {
                    connection.wallets.clone_from(&update.wallets);
                }
                if !update.capabilities.is_empty() {
                    connection.take_capabilities(&update.capabilities);
                }
                if !update.addresses.is_empty() {
                    connection.addresses.clone_from(&update.addresses);
                }
            }
        });
        match rows {
            Err(error) => Outcome::answer(Answer::from_error(&error)),
            Ok(rows) => Outcome {
                rows,
                events: vec![PeerEvent::PeerUpdated { agent_id: agent }],
                actions: vec![PeerAction::Flush { agent }],
                answer: Answer::ok(json!({"success": true, "updated": true})),
            },
        }
    }
}
