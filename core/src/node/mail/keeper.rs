//! Keeping mail for others: taking their keys, taking mail for them, handing it over when they are back.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, json};

use super::{Inner, TIMEOUT, member};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{Mailbox, MailboxStatus, inbound as messages},
    store::{Table, sequence},
    transport::Sent,
    wire::{
        Answer,
        frame::{MailboxAsk, MailboxRequest},
        json as strict, limits,
        mail::{Custody, KeptMessage, MailReceipt},
        prekeys::Publication,
        receipt::SignedReceipt,
        route::Endpoint,
    },
};

/// How long a message rests that its recipient refused.
const REST: Duration = Duration::from_secs(600);

/// How the handing over of one message ended.
enum Handed {
    /// The recipient signed that it may be let go of.
    Over,
    /// It stays, for a while without another try; the next one may be tried.
    Stays,
    /// It waits for another message; the next one may be tried.
    Follows,
    /// The recipient cannot take anything now.
    Later,
}

impl Inner {
    /// How much mail is here.
    pub(crate) fn mailbox_status(&self) -> MailboxStatus {
        let state = self.state.lock();
        let (messages, bytes) = state.mailbox.used();
        let (recipients, one_time_keys) = state.bundles.served();
        MailboxStatus { offered: self.config.mailbox, recipients, one_time_keys, messages, bytes }
    }

    /// Answers a connected peer whose signature holds.
    pub(in crate::node) async fn answer_mailbox(
        self: &Arc<Self>,
        request: MailboxRequest,
        now: Timestamp,
    ) -> Answer {
        if !self.config.mailbox {
            return Answer::refuse(403, Code::PeerRefused, "This node keeps no mail for others");
        }
        if !self.state.lock().replay.claim(&request.from, &request.claim_id(), now) {
            return messages::duplicate();
        }
        let from = request.from;
        let answered = match request.ask {
            MailboxAsk::Publish(publication) => self.take_keys(from, *publication).await,
            MailboxAsk::Keys(about) => self.tell_keys(from, about).await,
            MailboxAsk::Put(mail) => self.keep(from, *mail).await,
        };
        answered.unwrap_or_else(|error| {
            let status = match error.code() {
                Code::SignatureInvalid | Code::KeyMismatch | Code::PeerNotConnected => Some(403),
                Code::Stale => Some(409),
                _ => None,
            };
            status.map_or_else(
                || Answer::from_error(&error),
                |status| Answer::refuse(status, error.code(), error.message()),
            )
        })
    }

    async fn take_keys(self: &Arc<Self>, from: AgentId, publication: Publication) -> Result<Answer> {
        let me = self.me();
        self.write(|state, now| {
            state.peers.require(&from)?;
            state.bundles.take(&from, &me, publication, now)
        })
        .await?;
        let left = self.state.lock().bundles.left(&from);
        // Whoever tells its keys is there.
        self.hand_over_mail(from);
        Ok(Answer::ok(json!({"status": "published", "one_time_left": left})))
    }

    async fn tell_keys(self: &Arc<Self>, from: AgentId, about: AgentId) -> Result<Answer> {
        let steady = self.steady();
        // On disk before it is told: a key is handed out once.
        let told = self
            .transact(
                |state, now| {
                    if !state.bundles.serves(&about) || state.blocks.contains(&about) {
                        return Err(not_served());
                    }
                    let (key, rows) = state.bundles.draw(&about, from, now, steady)?;
                    let bundle = state.bundles.get(&about).cloned();
                    Ok((rows, json!({"status": "keys", "bundle": bundle, "one_time": key})))
                },
                |_, result, told| result.map(|()| told),
            )
            .await??;
        Ok(Answer::ok(told))
    }

    /// Keeps a message. The answer is our signed word, given when it is on our disk.
    async fn keep(self: &Arc<Self>, from: AgentId, mail: KeptMessage) -> Result<Answer> {
        if mail.from != from {
            return Err(Error::new(Code::KeyMismatch, "the message is of another sender"));
        }
        if !mail.is_signed() {
            return Err(Error::new(Code::SignatureInvalid, "the message is not signed by its sender"));
        }
        self.write(|state, now| {
            if mail.sent_at.distance(now) > limits::FRESHNESS {
                return Err(Error::new(Code::Stale, "the message was not signed just now"));
            }
            if !state.bundles.serves(&mail.to)
                || state.peers.get(&mail.to).is_none()
                || state.blocks.contains(&mail.to)
            {
                return Err(not_served());
            }
            state.mailbox.put(&mail)
        })
        .await?;
        let is_there = self.state.lock().peers.health(&mail.to).failures == 0;
        if is_there {
            self.hand_over_mail(mail.to);
        }
        Ok(Answer::ok(json!({"status": "kept", "custody": Custody::sign(&self.passport, &mail)})))
    }

    /// Hands over to everybody who has mail here and did not fail to answer last.
    pub(super) fn hand_over_all(self: &Arc<Self>) {
        let there: Vec<AgentId> = {
            let state = self.state.lock();
            let is_there = |agent: &&AgentId| state.peers.health(agent).failures == 0;
            state.mailbox.recipients().filter(is_there).copied().collect()
        };
        there.into_iter().for_each(|agent| self.hand_over_mail(agent));
    }

    /// Hands over what there is for `to`, oldest first, one task for each recipient at a time.
    fn hand_over_mail(self: &Arc<Self>, to: AgentId) {
        {
            let mut state = self.state.lock();
            if state.mailbox.next_for(&to, None).is_none() || !state.mail.handing.insert(to) {
                return;
            }
        }
        let inner = Arc::clone(self);
        self.env.tasks.spawn("hand over", async move {
            let mut after = None;
            loop {
                let (place, is_resting) = {
                    let state = inner.state.lock();
                    let Some(kept) = state.mailbox.next_for(&to, after) else { break };
                    let until = state.mail.resting.get(&kept.sequence);
                    (kept.sequence, until.is_some_and(|until| inner.steady() < *until))
                };
                if is_resting {
                    after = Some(place);
                    continue;
                }
                match inner.hand_over_one(to, place).await {
                    Ok(Handed::Over) => after = Some(place),
                    Ok(Handed::Stays) => {
                        after = Some(place);
                        let until = inner.steady() + REST;
                        inner.state.lock().mail.resting.insert(place, until);
                    }
                    Ok(Handed::Follows) => after = Some(place),
                    Ok(Handed::Later) => break,
                    Err(error) => {
                        tracing::warn!(%error, "mail could not be handed over");
                        break;
                    }
                }
            }
            inner.state.lock().mail.handing.remove(&to);
        });
    }

    async fn hand_over_one(self: &Arc<Self>, to: AgentId, place: u64) -> Result<Handed> {
        let Some(peer) = self.state.lock().peers.get(&to).cloned() else { return Ok(Handed::Later) };
        let Some(row) = self.store.read(Table::Mailbox, &sequence::key(place)).await? else {
            return Ok(Handed::Stays);
        };
        let mail = Mailbox::read(place, row)?;
        let body =
            Map::from_iter([(String::from("keeper"), json!(self.me())), (String::from("mail"), json!(mail))]);
        let sent = self.post_to_peer(&peer, Endpoint::KeptMessage.name(), body, TIMEOUT).await;
        self.note_reached(&to, sent.is_ok());
        let Ok(sent) = sent else { return Ok(Handed::Later) };
        self.judge_hand_over(&mail, place, &sent).await
    }

    async fn judge_hand_over(
        self: &Arc<Self>,
        mail: &KeptMessage,
        place: u64,
        sent: &Sent,
    ) -> Result<Handed> {
        let Ok(answer) = strict::parse_object(&sent.reply.body) else { return Ok(Handed::Later) };
        let receipt: Option<MailReceipt> = member(&answer, "mail_receipt");
        if receipt.is_some_and(|receipt| receipt.is_about(&self.me(), mail)) {
            let message_id = &mail.message_id;
            self.write(|state, _| {
                // A copy that was sealed anew meanwhile is the same message.
                let is_it = state
                    .mailbox
                    .next_for(&mail.to, place.checked_sub(1))
                    .is_some_and(|kept| kept.sequence == place && kept.message_id == *message_id);
                Ok(if is_it { state.mailbox.remove(place) } else { crate::store::Batch::new() })
            })
            .await?;
            self.relay_receipt(mail, member(&answer, "receipt"));
            return Ok(Handed::Over);
        }
        Ok(match sent.reply.status {
            _ if answer.contains_key("follows") => Handed::Follows,
            408 | 429 | 500..=599 => Handed::Later,
            _ => Handed::Stays,
        })
    }

    /// Tells the sender what the recipient signed for it. A courtesy: it also hears it from the recipient.
    fn relay_receipt(self: &Arc<Self>, mail: &KeptMessage, receipt: Option<SignedReceipt>) {
        let said = (mail.to, mail.from, &mail.message_id);
        let Some(receipt) = receipt.filter(|told| (told.to, told.from, &told.message_id) == said) else {
            return;
        };
        let Some(sender) = self.state.lock().peers.get(&mail.from).cloned() else { return };
        let inner = Arc::clone(self);
        self.env.tasks.spawn("relay receipt", async move {
            let body = Map::from_iter([(String::from("receipts"), json!([receipt]))]);
            let _ = inner.post_to_peer(&sender, Endpoint::Receipts.name(), body, TIMEOUT).await;
        });
    }
}

fn not_served() -> Error {
    Error::new(Code::PeerNotConnected, "no mail is kept here for that agent")
}
