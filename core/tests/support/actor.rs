//! An agent that is only a key: it signs whatever a test wants to send.

use std::time::Duration;

use dmagent::{
    AgentId,
    env::{Env, SystemRandom, Timestamp},
    identity::{Passport, challenge},
    messaging::compose::{self, Draft, Form},
    wire::{
        canonical::{self, Domain},
        mail::{KeptMessage, MailDraft},
        prekeys::{Bundle, PublicKey},
        receipt::{ReceiptState, Statement},
        sealed_body,
    },
};
use serde_json::{Map, Value, json};

pub(crate) type Object = Map<String, Value>;

/// The members of a JSON object.
pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(members) => members,
        other => panic!("no object: {other}"),
    }
}

pub(crate) struct Actor {
    pub(crate) passport: Passport,
    pub(crate) env: Env,
}

impl Actor {
    /// The agent whose seed is 32 times `seed`.
    pub(crate) fn new(seed: u8) -> Self {
        Self::at(seed, Env::system())
    }

    /// The same, with another clock.
    pub(crate) fn at(seed: u8, env: Env) -> Self {
        Self { passport: Passport::from_seed([seed; 32]), env }
    }

    /// Somebody nobody has met before.
    pub(crate) fn stranger() -> Self {
        Self { passport: Passport::generate(&SystemRandom), env: Env::system() }
    }

    pub(crate) fn id(&self) -> AgentId {
        self.passport.agent_id()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// A fresh id.
    pub(crate) fn fresh(&self, prefix: &str) -> String {
        self.env.id(prefix, 8)
    }

    /// Adds time, audience and our signature.
    pub(crate) fn sign(&self, domain: Domain, to: &AgentId, mut members: Object) -> Object {
        members.insert("timestamp".into(), json!(self.now().to_wire()));
        members.insert("to_agent_id".into(), json!(to));
        compose::sign_object(domain, to, &self.passport, &mut members).unwrap();
        members
    }

    /// A connection request as 1.1.1 makes it: unsigned.
    pub(crate) fn plain_request(&self, url: &str) -> Object {
        object(json!({
            "from_agent_id": self.id(), "from_agent_url": url, "from_agent_bio": "bio",
            "from_agent_public_key_hex": self.id(), "from_agent_display_name": "name",
            "wallets": {"solana": "w"}, "capabilities": {"extra": 1},
            "created_at": "2026-05-01T00:00:00+00:00", "mutual": true,
        }))
    }

    /// A connection request as our nodes make it.
    pub(crate) fn request(&self, to: &AgentId, url: &str, signs_v2: bool) -> Object {
        let mut members = self.plain_request(url);
        if signs_v2 {
            members.insert("capabilities".into(), json!({"signature": 2, "seal": 1}));
        }
        members.insert("nonce".into(), json!("n0"));
        self.sign(Domain::ConnectionRequest, to, members)
    }

    /// The late acceptance of a request.
    pub(crate) fn acceptance(&self, to: &AgentId, url: &str) -> Object {
        let members = json!({
            "agent_id": self.id(), "agent_url": url, "agent_bio": "bio", "agent_public_key_hex": self.id(),
            "agent_display_name": "name", "wallets": {"solana": "w"}, "capabilities": {"signature": 2},
            "created_at": "2026-05-01T00:00:00+00:00", "nonce": "n0",
        });
        self.sign(Domain::ConnectionAccepted, to, object(members))
    }

    /// The proof for a challenge.
    pub(crate) fn proof(&self, challenge_id: &str, challenge_hex: &str) -> Object {
        object(json!({
            "challenge_id": challenge_id, "proof_hex": challenge::prove(&self.passport, challenge_hex),
            "agent_id": self.id(), "public_key_hex": self.id(),
        }))
    }

    /// A message in `form`, with a fresh id.
    pub(crate) fn message(&self, to: &AgentId, form: Form, content: &str) -> Object {
        self.message_called(&self.fresh("msg-"), to, form, content)
    }

    /// A message in `form`, with an id of one's choice.
    pub(crate) fn message_called(&self, message_id: &str, to: &AgentId, form: Form, content: &str) -> Object {
        let metadata = object(json!({"topic": "t", "nested": {"n": [1, 2]}}));
        let draft = Draft { message_id, content, metadata: &metadata, in_reply_to: Some("msg-0"), hops: 7 };
        let now = self.now();
        compose::message(draft, to, form, &self.passport, now, &*self.env.random).unwrap()
    }

    /// The request that a mailbox keeps our mail.
    pub(crate) fn publication(&self, keeper: &AgentId) -> Object {
        let now = self.now();
        let bundle = Bundle::sign(
            &self.passport,
            now,
            PublicKey([5; 32]),
            now + Duration::from_secs(3600),
            vec![*keeper],
        );
        let members = json!({
            "from_agent_id": self.id(), "nonce": self.fresh("n"),
            "publish": {"bundle": bundle, "one_time": []},
        });
        self.sign(Domain::Mailbox, keeper, object(members))
    }

    /// A message as a mailbox keeps it, sealed to the identity of its recipient.
    pub(crate) fn mail(&self, to: &AgentId, content: &str) -> KeptMessage {
        let draft = MailDraft {
            message_id: &self.fresh("msg-"),
            to: *to,
            sent_at: self.now(),
            expires_at: self.now() + Duration::from_secs(3600),
            hops_remaining: 7,
            after: None,
            plaintext: &sealed_body::encode(content, &Map::new(), None),
        };
        draft.seal(None, &self.passport, &*self.env.random).unwrap()
    }

    /// An answer to a message.
    pub(crate) fn reply(&self, to: &AgentId, form: Form, question: &str, content: &str) -> Object {
        let (id, metadata) = (self.fresh("msg-"), Object::new());
        let draft =
            Draft { message_id: &id, content, metadata: &metadata, in_reply_to: Some(question), hops: 0 };
        compose::message(draft, to, form, &self.passport, self.now(), &*self.env.random).unwrap()
    }

    /// A status broadcast.
    pub(crate) fn broadcast(&self, to: &AgentId, form: Form, content: &str) -> Object {
        let metadata = object(json!({"topic": "t"}));
        let id = self.fresh("status-");
        let draft = Draft { message_id: &id, content, metadata: &metadata, in_reply_to: None, hops: 0 };
        compose::broadcast(draft, to, form, &self.passport, self.now()).unwrap()
    }

    /// Receipts for messages of `to`: id, state and digest.
    pub(crate) fn receipts(&self, to: &AgentId, about: &[(&str, ReceiptState, String)]) -> Object {
        let signed = about.iter().map(|(message_id, state, digest)| {
            let statement = Statement {
                message_id: (*message_id).to_owned(),
                from: *to,
                state: *state,
                at: self.now(),
                digest: digest.clone(),
                reply_id: None,
            };
            json!(statement.sign(&self.passport))
        });
        object(json!({"receipts": signed.collect::<Vec<_>>()}))
    }

    /// Takes a message of ours back.
    pub(crate) fn cancel(&self, to: &AgentId, message_id: &str, digest: &str) -> Object {
        let cancels = json!({"cancels": [{"message_id": message_id, "digest": digest, "reason": "why"}]});
        let members = json!({"from_agent_id": self.id(), "nonce": self.fresh(""), "body": cancels});
        self.sign(Domain::Cancel, to, object(members))
    }

    /// Parts of an answer.
    pub(crate) fn parts(&self, to: &AgentId, in_reply_to: &str, first: u64, parts: &[&str]) -> Object {
        let body = json!({"in_reply_to": in_reply_to, "stream": "s", "first": first, "parts": parts});
        let members = json!({"from_agent_id": self.id(), "nonce": self.fresh(""), "body": body});
        self.sign(Domain::Parts, to, object(members))
    }

    /// The question what somebody thinks of `about`.
    pub(crate) fn impression_query(&self, to: &AgentId, about: &AgentId) -> Object {
        let members = json!({"from_agent_id": self.id(), "about": about, "nonce": self.fresh("")});
        self.sign(Domain::ImpressionQuery, to, object(members))
    }

    /// A new address, in our form.
    pub(crate) fn update(&self, to: &AgentId, url: &str) -> Object {
        let members = json!({
            "agent_id": self.id(), "new_url": url, "public_key_hex": self.id(), "bio": "bio 2",
            "display_name": "name 2", "addresses": {"http": url}, "wallets": {"solana": "w2"},
        });
        self.sign(Domain::PeerUpdate, to, object(members))
    }

    /// A new address, as 1.1.1 signs it.
    pub(crate) fn plain_update(&self, url: &str) -> Object {
        let timestamp = self.now().to_wire();
        let bytes = canonical::peer_update(&self.id(), url, &timestamp);
        object(json!({
            "agent_id": self.id(), "new_url": url, "timestamp": timestamp, "public_key_hex": self.id(),
            "signature": self.passport.sign(&bytes),
        }))
    }

    /// An envelope that carries `payload` to `target`.
    pub(crate) fn envelope(&self, target: &AgentId, payload: Object) -> Object {
        object(json!({
            "route_id": self.fresh("route-"), "route_type": "message", "target_agent_id": target,
            "source_agent_id": Self::stranger().id(), "hops_remaining": 5, "visited": [self.id()],
            "trust_chain": [{"agent_id": self.id(), "trust_to_next": 0.5}], "payload": payload,
            "original_path": "/__darkmatter__/message",
        }))
    }
}
