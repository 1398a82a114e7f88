//! The bytes of mail, against a table of our own: from fixed seeds to keys, signatures and sealed bodies.
//!
//! Where a sealed body or a key needs randomness, the table gives the bytes that are drawn. From them a key pair follows as in RFC
//! 9180, `DeriveKeyPair` of DHKEM(X25519, HKDF-SHA256); the secret stands in its clamped form.

#![expect(clippy::unwrap_used, reason = "a table that does not fit fails the test")]

use std::time::Duration;

use dmagent::{
    env::{Random, Timestamp},
    identity::Passport,
    wire::{
        mail::{Custody, KeptMessage, MailDraft, MailReceipt},
        prekeys::{Bundle, KeyKind, KeyName, OneTimeKey, PublicKey},
        seal, sealed_body,
    },
};
use serde_json::{Map, Value, json};

/// Gives the bytes of the table.
struct Drawn(Vec<u8>);

impl Random for Drawn {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0);
    }
}

fn table() -> Value {
    let path = format!("{}/tests/vectors/mail/mail.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn passport(table: &Value, name: &str) -> Passport {
    let seed: [u8; 32] = bytes(&table["seeds"][name]).try_into().unwrap();
    Passport::from_seed(seed)
}

fn moment(table: &Value, name: &str) -> Timestamp {
    Timestamp::from_micros(table[name].as_i64().unwrap())
}

/// Everything that follows from the first members of the table.
fn made(table: &Value) -> Value {
    let [sender, recipient, keeper] = ["sender", "recipient", "keeper"].map(|name| passport(table, name));
    let (sent_at, valid_until) = (moment(table, "sent_at"), moment(table, "valid_until"));
    let mut keys = Map::new();
    let mut key = |kind: KeyKind| {
        let (secret, public) = seal::key_pair(&Drawn(bytes(&table["drawn"][kind.name()])));
        let name = KeyName::of(kind, &public);
        let row = json!({"secret": hex::encode(*secret), "public": hex::encode(public), "id": name.id});
        keys.insert(kind.name().to_owned(), row);
        (secret, name, PublicKey(public))
    };
    let [rotating, one_time] = [KeyKind::Rotating, KeyKind::OneTime].map(&mut key);
    let bundle = Bundle::sign(
        &recipient,
        sent_at,
        rotating.2,
        valid_until,
        vec![keeper.agent_id(), sender.agent_id()],
    );
    let one = OneTimeKey::sign(&recipient, one_time.2, valid_until);
    assert!(bundle.is_valid() && one.is_valid(&recipient.agent_id()));

    let metadata = table["metadata"].as_object().unwrap();
    let plaintext = sealed_body::encode(table["content"].as_str().unwrap(), metadata, None);
    let draft = |after| MailDraft {
        message_id: "msg-2",
        to: recipient.agent_id(),
        sent_at,
        expires_at: sent_at + Duration::from_secs(86_400),
        hops_remaining: 10,
        after,
        plaintext: &plaintext,
    };
    let identity = recipient.x25519_secret();
    let mail: Vec<KeptMessage> = [
        (Some((&one_time.1, &one_time.2)), Some("msg-1"), &*one_time.0),
        (Some((&rotating.1, &rotating.2)), None, &*rotating.0),
        (None, None, identity.expose()),
    ]
    .into_iter()
    .map(|(key, after, secret)| {
        let mail = draft(after).seal(key, &sender, &Drawn(bytes(&table["drawn"]["ephemeral"]))).unwrap();
        assert_eq!(*mail.open(secret).unwrap(), plaintext);
        assert!(mail.is_signed());
        mail
    })
    .collect();
    let about: Vec<Value> = mail
        .iter()
        .map(|mail| {
            json!({
                "digest": mail.digest(),
                "custody": Custody::sign(&keeper, mail),
                "taken": MailReceipt::sign(&recipient, keeper.agent_id(), mail, true),
                "refused": MailReceipt::sign(&recipient, keeper.agent_id(), mail, false),
            })
        })
        .collect();
    json!({"keys": keys, "bundle": bundle, "one_time": one, "mail": mail, "about": about})
}

#[test]
fn keys_bundles_mail_custody_and_receipts_have_the_bytes_of_the_table() {
    let table = table();
    let made = made(&table);
    for (name, value) in made.as_object().unwrap() {
        assert_eq!(&table[name], value, "{name}");
    }
}

#[test]
fn what_the_table_holds_is_believed_and_with_a_changed_digit_it_is_not() {
    let table = table();
    let recipient = passport(&table, "recipient").agent_id();
    let keeper = passport(&table, "keeper").agent_id();
    let bundle: Bundle = serde_json::from_value(table["bundle"].clone()).unwrap();
    let one_time: OneTimeKey = serde_json::from_value(table["one_time"].clone()).unwrap();
    assert!(bundle.is_valid() && one_time.is_valid(&recipient));
    assert_eq!(table["mail"].as_array().unwrap().len(), 3);
    for (mail, about) in table["mail"].as_array().unwrap().iter().zip(table["about"].as_array().unwrap()) {
        let good: KeptMessage = serde_json::from_value(mail.clone()).unwrap();
        let custody: Custody = serde_json::from_value(about["custody"].clone()).unwrap();
        let taken: MailReceipt = serde_json::from_value(about["taken"].clone()).unwrap();
        assert!(good.is_signed() && custody.is_about(&keeper, &good) && taken.is_about(&keeper, &good));
        let mut changed = good.clone();
        changed.sealed.ciphertext[0] ^= 1;
        assert!(!changed.is_signed() && !custody.is_about(&keeper, &changed));
    }
}
