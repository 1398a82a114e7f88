//! Being away: leaving our keys with keepers, and taking what they kept.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{Inner, Published, member, members};
use crate::{
    error::{Code, Result},
    identity::AgentId,
    messaging::{
        claims,
        prekeys::{PER_MAILBOX, PERIOD},
    },
    node::settle::Settled,
    peers::{Connection, PeerAction, PeerEvent, blocks},
    store::{Batch, Table},
    transport::Outcome,
    wire::{
        Answer, Body as AnswerBody,
        frame::HandOver,
        mail::{KeptMessage, MailReceipt},
        prekeys::{KeyKind, KeyName, MAILBOXES},
        sealed_body,
        verify::Verified,
    },
};

/// How long mail waits for the message that it follows. A keeper that holds that one back delays the others by no more.
const ORDER_PATIENCE: Duration = Duration::from_secs(600);
/// Of how many messages it is remembered that they came too early.
const EARLY: usize = 1_000;

impl Inner {
    /// Leaves our keys with the peers that keep mail, when they are to have newer ones.
    pub(super) async fn publish_keys(self: &Arc<Self>) {
        let keepers: Vec<Connection> = {
            let state = self.state.lock();
            let mut keepers = self.keepers(&state);
            keepers.truncate(MAILBOXES);
            keepers
        };
        let mailboxes: Vec<AgentId> = keepers.iter().map(|peer| peer.agent_id).collect();
        for keeper in keepers {
            let is_known = self.state.lock().mail.published.get(&keeper.agent_id).is_some_and(|known| {
                let age = self.now().since(known.at);
                known.mailboxes == mailboxes
                    && age < PERIOD
                    && known.at <= self.now()
                    && known.used < PER_MAILBOX / 2
            });
            let is_there = self.state.lock().peers.health(&keeper.agent_id).failures == 0;
            if is_known || !is_there {
                continue;
            }
            // First the keys for all and the question how many one-time keys there are, then as many as it lacks. What it
            // says is asked once a day: a keeper that always has none gets no more of them.
            let told = match self.publish_with(&keeper, mailboxes.clone(), PER_MAILBOX).await {
                Ok(Some(has)) if has < PER_MAILBOX => {
                    self.publish_with(&keeper, mailboxes.clone(), has).await.map(|_| ())
                }
                told => told.map(|_| ()),
            };
            if let Err(error) = told {
                tracing::info!(%error, keeper = keeper.agent_id.short(), "our pre-keys were not taken");
            }
        }
    }

    /// Returns how many one-time keys the keeper has now.
    async fn publish_with(
        self: &Arc<Self>,
        keeper: &Connection,
        mailboxes: Vec<AgentId>,
        left: usize,
    ) -> Result<Option<usize>> {
        let (passport, random) = (&self.passport, &*self.env.random);
        let publication = self
            .transact(
                |state, now| {
                    let (publication, rows) =
                        state.prekeys.publish(mailboxes.clone(), left, now, passport, random)?;
                    Ok((rows, publication))
                },
                // A secret that is not on our disk must not be used by anybody.
                |_, result, publication| result.map(|()| publication),
            )
            .await??;
        let sent = self.ask_keeper(keeper, ("publish", json!(publication))).await?;
        let has: Option<usize> = members(&sent).and_then(|answer| member(&answer, "one_time_left"));
        if has.is_some() {
            let published = Published { at: self.now(), mailboxes, used: 0 };
            self.state.lock().mail.published.insert(keeper.agent_id, published);
        }
        Ok(has)
    }

    /// Mail, whose sender is proven. It is taken once, whoever brings it, and however often.
    pub(in crate::node) async fn take_mail(
        self: &Arc<Self>,
        hand: Verified<HandOver>,
    ) -> Result<Answer, Answer> {
        let (keeper, mail) = (hand.frame().keeper, hand.frame().mail.clone());
        let failed = |error: crate::error::Error| Answer::from_error(&error);
        if self.is_taken(&mail.from, &mail.message_id).await.map_err(failed)? {
            return Ok(self.known_mail(hand.frame()));
        }
        if let Some(before) = &mail.after
            && !self.is_taken(&mail.from, before).await.map_err(failed)?
            && self.has_to_wait(&mail)
        {
            let answer =
                Answer::refuse(503, Code::Unreachable, "An earlier message of this sender comes first");
            return Err(with_member(answer, "follows", json!(before)));
        }
        let secret = match mail.key.kind {
            KeyKind::Identity => Some((*self.passport.x25519_secret().expose()).into()),
            KeyKind::Rotating | KeyKind::OneTime => self.state.lock().prekeys.secret(&mail.key).cloned(),
        };
        let opened = secret.ok_or_else(|| {
            let sentence = "The key that this message is sealed to was destroyed";
            Answer::refuse(403, Code::SealBroken, sentence)
        });
        let opened = opened.and_then(|secret| mail.open(&secret).map_err(failed));
        let body = match opened.and_then(|plaintext| sealed_body::decode(&plaintext)) {
            Ok(body) => body,
            // It will not open another time, either: the keeper need not keep it.
            Err(refusal) => return Err(self.with_mail_receipt(refusal, keeper, &mail, false)),
        };
        let message = hand.opened(body);
        let origin = match self.believed_origin(message.frame(), message.proof()) {
            Ok(origin) => origin,
            // It will not hold another time, either.
            Err(error) => {
                let refusal = Answer::refuse(error.code().http_status(), error.code(), error.message());
                return Err(self.with_last_word(refusal, keeper, &mail));
            }
        };
        let decision = match self.ask_policy(message.frame()).await {
            Ok(decision) => decision,
            Err(refusal) => return Err(self.with_last_word(refusal, keeper, &mail)),
        };
        let answered = self
            .settle(
                |state, now| {
                    if state.blocks.contains(&mail.from) {
                        let refused = Outcome::answer(blocks::refusal());
                        return Ok(Settled::new::<PeerEvent, PeerAction>(refused).split());
                    }
                    let settled = self.settle_message(state, message, (decision, origin), now);
                    Ok(settled.along_with(|| state.prekeys.used(&mail.key)).split())
                },
                |inner, result, settled| inner.conclude(result, settled),
            )
            .await
            .unwrap_or_else(|error| Err(Answer::from_error(&error)));
        let answer = answered.unwrap_or_else(|refusal| refusal);
        if self.is_taken(&mail.from, &mail.message_id).await.map_err(failed)? {
            if mail.key.kind == KeyKind::OneTime {
                self.note_key_used(&keeper);
            }
            if answer.status != 200 {
                // Another copy was faster, and the batch that would have destroyed the key was not applied.
                self.destroy_keys(vec![mail.key.clone()]).await;
            }
            self.mail_bell.notify_one();
            return Ok(self.with_mail_receipt(answer, keeper, &mail, true));
        }
        Ok(self.with_last_word(answer, keeper, &mail))
    }

    /// A refusal that will not pass: the keeper need not keep the message.
    fn with_last_word(&self, answer: Answer, keeper: AgentId, mail: &KeptMessage) -> Answer {
        match answer.status {
            200..=299 | 408 | 429 | 500..=599 => answer,
            _ => self.with_mail_receipt(answer, keeper, mail, false),
        }
    }

    async fn is_taken(&self, from: &AgentId, message_id: &str) -> Result<bool> {
        if self.state.lock().replay.contains(from, message_id, self.now()) {
            return Ok(true);
        }
        Ok(self.store.read(Table::Seen, &claims::key(from, message_id)).await?.is_some())
    }

    /// Whether the message that comes before this one is still waited for.
    fn has_to_wait(&self, mail: &KeptMessage) -> bool {
        let now = self.steady();
        let mut state = self.state.lock();
        let early = &mut state.mail.early;
        early.retain(|_, since| now < *since + 2 * ORDER_PATIENCE);
        let name = (mail.from, mail.message_id.clone());
        if early.len() >= EARLY && !early.contains_key(&name) {
            return false;
        }
        let since = early.entry(name).or_insert(now);
        now < *since + ORDER_PATIENCE
    }

    /// Destroys one-time keys that nobody needs any more.
    pub(super) async fn destroy_keys(self: &Arc<Self>, names: Vec<KeyName>) {
        let destroyed = self
            .write(|state, _| {
                let mut rows = Batch::new();
                names.iter().for_each(|name| {
                    rows.append(state.prekeys.destroy(name));
                });
                Ok(rows)
            })
            .await;
        if let Err(error) = destroyed {
            tracing::warn!(%error, "a pre-key that is not needed any more is still there");
        }
    }

    fn note_key_used(&self, keeper: &AgentId) {
        if let Some(published) = self.state.lock().mail.published.get_mut(keeper) {
            published.used += 1;
        }
    }

    /// The answer to mail that was taken before. This copy may be sealed to a key of its own, which nobody needs any more.
    pub(in crate::node) fn known_mail(&self, hand: &HandOver) -> Answer {
        let key = &hand.mail.key;
        {
            let mut state = self.state.lock();
            if key.kind == KeyKind::OneTime && state.prekeys.secret(key).is_some() {
                state.mail.spent.insert(key.clone());
                self.mail_bell.notify_one();
            }
        }
        let answer = self.known_message(&hand.mail.from, &hand.mail.message_id);
        self.with_mail_receipt(answer, hand.keeper, &hand.mail, true)
    }

    fn with_mail_receipt(
        &self,
        answer: Answer,
        keeper: AgentId,
        mail: &KeptMessage,
        is_taken: bool,
    ) -> Answer {
        let receipt = MailReceipt::sign(&self.passport, keeper, mail, is_taken);
        with_member(answer, "mail_receipt", json!(receipt))
    }
}

fn with_member(mut answer: Answer, name: &str, value: serde_json::Value) -> Answer {
    if let AnswerBody::Json(members) = &mut answer.body {
        members.insert(name.to_owned(), value);
    }
    answer
}
