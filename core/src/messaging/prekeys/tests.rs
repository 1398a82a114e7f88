//! Pre-keys over days: rotated, handed out, used, destroyed, and found again after a restart.

use std::collections::BTreeSet;

use super::*;
use crate::{
    env::SeededRandom,
    store::{MemoryStore, Op, Range, Store as _},
    wire::mail::{LIFETIME, MailDraft},
};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
const HOUR: Duration = Duration::from_secs(3600);

struct Bench {
    keys: PreKeys,
    passport: Passport,
    random: SeededRandom,
    store: MemoryStore,
}

impl Bench {
    fn new() -> Self {
        Self {
            keys: PreKeys::default(),
            passport: Passport::from_seed([1; 32]),
            random: SeededRandom::new(1),
            store: MemoryStore::new(),
        }
    }

    fn publish(&mut self, left: usize, now: Timestamp) -> Publication {
        let mailboxes = vec![AgentId::from_bytes([9; 32])];
        let (publication, rows) =
            self.keys.publish(mailboxes, left, now, &self.passport, &self.random).unwrap();
        self.commit(rows);
        publication
    }

    fn commit(&self, rows: Batch) {
        futures_lite(self.store.commit(rows)).unwrap();
    }

    fn rows(&self) -> Vec<Row> {
        futures_lite(self.store.scan(Table::PreKeys, Range::all())).unwrap()
    }

    fn restart(&mut self) {
        self.keys = PreKeys::load(&self.rows()).unwrap();
    }
}

fn futures_lite<T>(future: crate::store::StoreFuture<T>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_key_serves_for_a_day_and_opens_for_as_long_as_mail_may_be_in_flight() {
    let mut bench = Bench::new();
    let first = bench.publish(PER_MAILBOX, NOW).bundle;
    assert!(first.is_valid() && first.valid_until == NOW + VALIDITY);
    assert_eq!(bench.publish(PER_MAILBOX, NOW + PERIOD - HOUR).bundle.key, first.key);
    let second = bench.publish(PER_MAILBOX, NOW + PERIOD).bundle;
    assert_ne!(second.key, first.key);

    bench.restart();
    // A sender may use the first key at its last moment, and the mail may live for a day from then on.
    let last = first.valid_until + LIFETIME;
    assert!(bench.keys.tidy(last).is_empty());
    assert!(bench.keys.secret(&first.name()).is_some());
    let rows = bench.keys.tidy(first.valid_until + OVERLAP + HOUR);
    assert!(matches!(&rows.ops[..], [Op::Delete { table: Table::PreKeys, .. }]), "{rows:?}");
    assert!(bench.keys.secret(&first.name()).is_none() && bench.keys.secret(&second.name()).is_some());
    bench.commit(rows);
    bench.restart();
    assert!(bench.keys.secret(&first.name()).is_none());
}

#[test]
fn a_one_time_key_is_given_to_one_mailbox_and_is_gone_after_one_message() {
    let mut bench = Bench::new();
    let one = bench.publish(0, NOW).one_time;
    let other = bench.publish(PER_MAILBOX - 2, NOW).one_time;
    assert_eq!((one.len(), other.len()), (PER_MAILBOX, 2));
    let names: BTreeSet<_> = one.iter().chain(&other).map(OneTimeKey::name).collect();
    assert_eq!(names.len(), PER_MAILBOX + 2);
    assert!(one.iter().all(|key| key.is_valid(&bench.passport.agent_id())));

    let (name, key) = (one[0].name(), one[0].key);
    let draft = MailDraft {
        message_id: "msg-1",
        to: bench.passport.agent_id(),
        sent_at: NOW,
        expires_at: NOW + LIFETIME,
        hops_remaining: 0,
        after: None,
        plaintext: b"hi",
    };
    let from = Passport::from_seed([2; 32]);
    let mail = draft.seal(Some((&name, &key)), &from, &bench.random).unwrap();
    bench.restart();
    let secret = bench.keys.secret(&name).unwrap();
    assert_eq!(mail.open(secret).unwrap().as_slice(), b"hi");
    let rows = bench.keys.used(&name);
    bench.commit(rows);
    assert!(bench.keys.secret(&name).is_none());
    bench.restart();
    assert!(bench.keys.secret(&name).is_none());
    assert!(bench.rows().iter().all(|row| !row.key.ends_with(&name.id)), "it is nowhere on the disk");
    assert!(bench.keys.used(&name).is_empty(), "once");
}

#[test]
fn the_rotating_key_and_the_identity_outlive_a_message() {
    let mut bench = Bench::new();
    let bundle = bench.publish(PER_MAILBOX, NOW).bundle;
    assert!(bench.keys.used(&bundle.name()).is_empty());
    assert!(bench.keys.used(&KeyName::IDENTITY).is_empty());
    assert!(bench.keys.secret(&bundle.name()).is_some());
}

#[test]
fn bundles_only_go_forward_whatever_the_clock_and_restarts_do() {
    let mut bench = Bench::new();
    let mut last = Timestamp::default();
    for hours in [0_i64, 0, 5, -7, 100, -100, 0] {
        let now = Timestamp::from_seconds(NOW.seconds() + hours * 3600);
        let bundle = bench.publish(PER_MAILBOX, now).bundle;
        assert!(bundle.issued_at > last, "{hours}");
        // A clock that was set back does not lengthen the life of a key.
        assert!(bundle.valid_until <= now + VALIDITY, "{hours}");
        last = bundle.issued_at;
        bench.restart();
    }
}

#[test]
fn secrets_are_bounded_also_when_nobody_uses_them() {
    let mut bench = Bench::new();
    for _ in 0..MOST {
        bench.publish(0, NOW);
    }
    assert!(bench.keys.len() <= MOST && bench.rows().len() <= MOST + 1);
    bench.keys.tidy(NOW + VALIDITY + OVERLAP + HOUR);
    assert!(bench.keys.is_empty());
}

#[test]
fn a_row_that_is_no_key_is_told_and_not_used() {
    for secret in ["", "00", "zz"] {
        let value = serde_json::json!({
            "name": {"kind": "rotating", "id": "0123456789abcdef"}, "secret": secret,
            "made_at": 1, "valid_until": 2,
        });
        let row = Row { key: "rotating 0123456789abcdef".into(), value: value.to_string() };
        assert_eq!(PreKeys::load(&[row]).err().map(|error| error.code()), Some(Code::StoreCorrupt));
    }
}
