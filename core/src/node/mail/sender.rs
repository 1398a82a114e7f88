//! Leaving messages with keepers when their recipient cannot be reached, and ending that when it has them.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{Inner, member, members};
use crate::{
    error::{Code, Result},
    identity::AgentId,
    messaging::{Custodian, MessageEvent, OutboxItem, compose, receipts::sent::Settlement},
    node::{forwarding, state::State},
    peers::Connection,
    store::Batch,
    wire::{
        mail::{Custody, LIFETIME, MailDraft},
        prekeys::{Bundle, KeyName, OneTimeKey, PublicKey},
        receipt::{ReceiptState, SignedReceipt},
        sealed_body,
    },
};

/// With how many keepers a message is left.
const KEEPERS: usize = 2;
/// How many messages for one recipient one round looks at.
const MESSAGES: usize = 200;
/// How long a keeper that keeps nothing for an agent is not asked about it again.
const DECLINED: Duration = Duration::from_secs(600);
/// The way that a receipt names.
const VIA: &str = "mailbox";

/// Whether the next message may be left with the same keeper.
#[derive(PartialEq)]
enum Left {
    Kept,
    /// Later ones wait, too, so that what a keeper has is in order.
    Not,
    /// The message is over.
    Gone,
}

impl Inner {
    /// Leaves with keepers what has waited long enough.
    pub(super) fn put_mail(self: &Arc<Self>) {
        let patience = Duration::from_secs(self.config.mailbox_after_secs);
        let due: Vec<AgentId> = {
            let mut state = self.state.lock();
            let patient = state.outbox.patient(self.now() - patience);
            let is_lost = |agent: &AgentId| state.peers.health(agent).failures > 0;
            let lost: Vec<_> = patient.into_iter().filter(is_lost).collect();
            lost.into_iter().filter(|agent| state.mail.putting.insert(*agent)).collect()
        };
        for to in due {
            let inner = Arc::clone(self);
            self.env.tasks.spawn("put mail", async move {
                inner.put_mail_for(to).await;
                inner.state.lock().mail.putting.remove(&to);
            });
        }
    }

    /// Goes from keeper to keeper, those first that the recipient names, until two have everything.
    async fn put_mail_for(self: &Arc<Self>, to: AgentId) {
        let keepers = {
            let state = self.state.lock();
            let named = state.bundles.get(&to).map(|bundle| bundle.mailboxes.clone()).unwrap_or_default();
            let steady = self.steady();
            let is_good = |peer: &Connection| {
                peer.agent_id != to
                    && state.peers.health(&peer.agent_id).failures == 0
                    && state.mail.declined.get(&(peer.agent_id, to)).is_none_or(|until| steady >= *until)
            };
            let mut keepers: Vec<_> = self.keepers(&state).into_iter().filter(is_good).collect();
            keepers.sort_by_key(|peer| !named.contains(&peer.agent_id));
            keepers
        };
        let mut have_all = 0;
        for keeper in keepers {
            if have_all >= KEEPERS {
                return;
            }
            have_all += usize::from(self.put_with(&keeper, to).await);
        }
    }

    /// Leaves the messages for `to` with one keeper, in order. True when it has all of them.
    async fn put_with(self: &Arc<Self>, keeper: &Connection, to: AgentId) -> bool {
        let since = self.now() - Duration::from_secs(self.config.mailbox_after_secs);
        let queue = self.state.lock().outbox.queue(&to, MESSAGES);
        let mut before: Option<String> = None;
        for item in queue {
            // Younger ones still have their patience, and so has what comes behind them.
            if item.created_at > since {
                break;
            }
            let keepers = self.state.lock().sent.keepers(&item.message_id, &to);
            let is_done = keepers.contains(&keeper.agent_id) || keepers.len() >= KEEPERS;
            if !is_done {
                let left = self.put_one(keeper, &item, before.as_deref()).await.unwrap_or_else(|error| {
                    tracing::info!(%error, keeper = keeper.agent_id.short(), "mail was not kept");
                    Left::Not
                });
                match left {
                    Left::Kept => {}
                    Left::Gone => continue,
                    Left::Not => return false,
                }
            }
            before = Some(item.message_id);
        }
        true
    }

    async fn put_one(
        self: &Arc<Self>,
        keeper: &Connection,
        item: &OutboxItem,
        after: Option<&str>,
    ) -> Result<Left> {
        let Some((name, key)) = self.key_from(keeper, item.to).await? else { return Ok(Left::Not) };
        let now = self.signing_time();
        if self.state.lock().outbox.waiting(&item.message_id, &item.to).is_none() || item.expires_at <= now {
            return Ok(Left::Gone);
        }
        let told = item.origin.as_ref().map(|origin| origin.put(&item.metadata)).transpose()?;
        let metadata = compose::metadata_with_reply(
            told.as_ref().unwrap_or(&item.metadata),
            item.in_reply_to.as_deref(),
        );
        let plaintext = sealed_body::encode(&item.content, &metadata, item.in_reply_to.as_deref());
        let draft = MailDraft {
            message_id: &item.message_id,
            to: item.to,
            sent_at: now,
            expires_at: item.expires_at.min(now + LIFETIME),
            hops_remaining: item.hops,
            after,
            plaintext: &plaintext,
        };
        let key = key.as_ref().map(|key| (&name, key));
        let mail = draft.seal(key, &self.passport, &*self.env.random)?;
        let sent = self.ask_keeper(keeper, ("put", json!(mail))).await?;
        let custody: Option<Custody> = members(&sent).and_then(|answer| member(&answer, "custody"));
        // Its word counts only for exactly what it was given.
        let Some(custody) = custody.filter(|custody| custody.is_about(&keeper.agent_id, &mail)) else {
            tracing::info!(
                keeper = keeper.agent_id.short(),
                status = sent.reply.status,
                "a keeper did not say that it has the message"
            );
            return Ok(Left::Not);
        };
        let (message_id, to, by) = (item.message_id.clone(), item.to, keeper.agent_id);
        let sealed_to = mail.key.kind;
        let custodian = Custodian {
            agent_id: by,
            until: mail.expires_at,
            sealed_to,
            proof: serde_json::to_string(&custody).unwrap_or_default(),
        };
        self.transact(
            |state, _| Ok((state.sent.kept(&message_id, &to, custodian)?, message_id)),
            move |inner, result, message_id| {
                result?;
                inner.publish([MessageEvent::MessageKept { message_id, to, by, sealed_to }]);
                Ok(Left::Kept)
            },
        )
        .await?
    }

    /// The best key that a keeper has for `to`; the identity is named when there is none that may be used. Nothing when the
    /// keeper keeps no mail for it, or serves keys that are none.
    async fn key_from(
        self: &Arc<Self>,
        keeper: &Connection,
        to: AgentId,
    ) -> Result<Option<(KeyName, Option<PublicKey>)>> {
        let sent = self.ask_keeper(keeper, ("keys_of", json!(to))).await?;
        let answer = members(&sent);
        let Some(bundle) = answer.as_ref().and_then(|answer| member::<Bundle>(answer, "bundle")) else {
            if ![408, 429].contains(&sent.reply.status) && sent.reply.status < 500 {
                self.decline(keeper.agent_id, to);
            }
            return Ok(None);
        };
        let is_named = bundle.agent_id == to && bundle.mailboxes.contains(&keeper.agent_id);
        if !is_named {
            self.decline(keeper.agent_id, to);
            return Ok(None);
        }
        // An older bundle than we know is refused: its secret may have been stolen since.
        if let Err(error) = self.write(|state, _| state.bundles.learn(&bundle)).await {
            if matches!(error.code(), Code::Stale | Code::SignatureInvalid) {
                tracing::warn!(%error, keeper = keeper.agent_id.short(), "a keeper serves bad pre-keys");
                self.decline(keeper.agent_id, to);
                return Ok(None);
            }
            return Err(error);
        }
        let now = self.now();
        let one_time: Option<OneTimeKey> = answer.and_then(|answer| member(&answer, "one_time"));
        let one_time = one_time.filter(|key| key.is_valid(&to) && now <= key.valid_until);
        Ok(Some(match one_time {
            Some(key) => (key.name(), Some(key.key)),
            None if bundle.is_usable(now) => (bundle.name(), Some(bundle.key)),
            None => (KeyName::IDENTITY, None),
        }))
    }

    fn decline(&self, keeper: AgentId, about: AgentId) {
        let until = self.steady() + DECLINED;
        self.state.lock().mail.declined.insert((keeper, about), until);
    }

    /// The recipient signed that it has a message which still waits here: it is over.
    pub(in crate::node) fn end_by_receipt(
        &self,
        state: &mut State,
        receipt: &SignedReceipt,
    ) -> Result<(Batch, Option<MessageEvent>)> {
        let waiting = state.outbox.waiting(&receipt.message_id, &receipt.to).cloned();
        let Some(item) = waiting else { return Ok((Batch::new(), None)) };
        let (to, now) = (item.to, self.now());
        let mut rows = state.outbox.finish(item.sequence);
        if receipt.state == ReceiptState::Refused {
            return Ok((rows, None));
        }
        let end = Settlement::Accepted { via: VIA.to_owned(), proof: Some(receipt.clone()) };
        rows.append(state.sent.settle(&item.message_id, &to, now, end)?);
        rows.append(state.trim_sent(self.config.sent_limit)?);
        let (passed, over) = forwarding::arrived(state, item.passing, to)?;
        rows.append(passed);
        if let Some(sequence) = over {
            state.inbox.handed_over(sequence);
        }
        if let Some(answered) = &item.in_reply_to {
            rows.append(state.given.answered(&to, answered, &item.message_id, self.both())?);
            self.receipt_bell.notify_one();
        }
        self.outbox_bell.notify_one();
        let message_id = item.message_id;
        Ok((rows, Some(MessageEvent::MessageAccepted { message_id, to, via: VIA.to_owned() })))
    }
}
