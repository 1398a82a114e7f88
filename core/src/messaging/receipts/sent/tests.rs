//! The ladder of a sent message: any sequence of news against a small model, and what is forgotten first.

use proptest::prelude::*;

use super::*;
use crate::{error::Code, identity::Passport};

const NOW: Timestamp = Timestamp::from_seconds(100);
const DIGEST: &str = "00";

fn peer() -> Passport {
    Passport::from_seed([2; 32])
}

fn me() -> AgentId {
    Passport::from_seed([1; 32]).agent_id()
}

fn begun(message_ids: &[&str], gives_receipts: bool) -> Sent {
    let mut sent = Sent::default();
    for message_id in message_ids {
        sent.begin(Departure { message_id, to: peer().agent_id(), digest: DIGEST, gives_receipts });
    }
    sent
}

fn receipt(message_id: &str, state: ReceiptState) -> SignedReceipt {
    let statement = crate::wire::receipt::Statement {
        message_id: message_id.into(),
        from: me(),
        state,
        at: NOW,
        digest: DIGEST.into(),
        reply_id: None,
    };
    statement.sign(&peer())
}

fn accept(sent: &mut Sent, message_id: &str) -> Batch {
    let end = Settlement::Accepted { via: "http".into(), proof: None };
    sent.settle(message_id, &peer().agent_id(), NOW, end).unwrap()
}

fn fail(sent: &mut Sent, message_id: &str, state: DeliveryState) {
    let end = Settlement::Over { state, reason: Reason::new(Code::Timeout, "why"), proof: None };
    sent.settle(message_id, &peer().agent_id(), NOW, end).unwrap();
}

fn state(sent: &Sent, message_id: &str) -> DeliveryState {
    sent.status(message_id).unwrap().state
}

fn stored(rows: &mut BTreeMap<String, String>, batch: Batch) {
    for op in batch.ops {
        match op {
            crate::store::Op::Put { key, value, .. } => rows.insert(key, value),
            crate::store::Op::Delete { key, .. } => rows.remove(&key),
        };
    }
}

#[test]
fn news_that_overtakes_the_acceptance_is_not_lost() {
    let mut sent = begun(&["m"], true);
    let (_, risen) = sent.note(&receipt("m", ReceiptState::Handled)).unwrap();
    assert_eq!(risen, Some(DeliveryState::Handled));
    accept(&mut sent, "m");
    assert_eq!(state(&sent, "m"), DeliveryState::Handled);
}

#[test]
fn a_receipt_for_other_words_or_of_another_message_changes_nothing() {
    let mut sent = begun(&["m"], true);
    let other = SignedReceipt { digest: "11".into(), ..receipt("m", ReceiptState::Handled) };
    for receipt in [other, receipt("n", ReceiptState::Handled)] {
        let (rows, risen) = sent.note(&receipt).unwrap();
        assert!(rows.is_empty() && risen.is_none());
    }
    assert_eq!(state(&sent, "m"), DeliveryState::Stored);
}

#[test]
fn a_message_that_expired_here_and_was_handled_there_was_handled() {
    for end in [DeliveryState::Expired, DeliveryState::Failed] {
        let mut sent = begun(&["m"], true);
        fail(&mut sent, "m", end);
        assert_eq!(state(&sent, "m"), end);
        sent.note(&receipt("m", ReceiptState::Handled)).unwrap();
        let copy = &sent.status("m").unwrap().deliveries[0];
        assert_eq!((copy.state, &copy.reason), (DeliveryState::Handled, &None));
    }
}

#[test]
fn what_an_agent_has_seen_is_not_refused_any_more() {
    let mut sent = begun(&["m", "n"], true);
    sent.note(&receipt("m", ReceiptState::Delivered)).unwrap();
    sent.note(&receipt("m", ReceiptState::Refused)).unwrap();
    assert_eq!(state(&sent, "m"), DeliveryState::Delivered);
    sent.note(&receipt("n", ReceiptState::Refused)).unwrap();
    assert_eq!(state(&sent, "n"), DeliveryState::Refused);
}

#[test]
fn an_answer_counts_without_receipts_and_its_proof_follows() {
    let mut sent = begun(&["m"], false);
    accept(&mut sent, "m");
    let (rows, risen) = sent.answered("m", &peer().agent_id(), "r", NOW).unwrap();
    assert!(!rows.is_empty());
    assert_eq!(risen, Some(DeliveryState::Answered));
    assert!(
        sent.answered("m", &peer().agent_id(), "r2", NOW).unwrap().0.is_empty(),
        "the first answer stays"
    );
    sent.note(&receipt("m", ReceiptState::Answered)).unwrap();
    let copy = &sent.status("m").unwrap().deliveries[0];
    assert_eq!(copy.reply_id.as_deref(), Some("r"));
    assert!(copy.proof.as_ref().unwrap().0.is_valid());
}

#[test]
fn the_settled_are_forgotten_first_and_what_waits_never() {
    let mut sent = begun(&["a", "b", "c", "d"], true);
    let mut rows = BTreeMap::new();
    for id in ["b", "c", "d"] {
        let batch = accept(&mut sent, id);
        stored(&mut rows, batch);
    }
    let (batch, _) = sent.note(&receipt("c", ReceiptState::Handled)).unwrap();
    stored(&mut rows, batch);
    stored(&mut rows, sent.trim(3, |_, _| {}));
    assert!(sent.status("c").is_none());
    let mut gone = Vec::new();
    stored(&mut rows, sent.trim(0, |id, fate| gone.push((id.to_owned(), fate.state))));
    assert_eq!(
        gone,
        [("b", DeliveryState::Accepted), ("d", DeliveryState::Accepted)]
            .map(|(id, state)| (id.to_owned(), state))
    );
    assert_eq!(sent.list(10).len(), 1);
    assert_eq!(state(&sent, "a"), DeliveryState::Stored);
    assert!(rows.is_empty(), "{rows:?}");
}

#[test]
fn what_the_disk_did_not_take_is_not_on_its_way() {
    let mut sent = begun(&["m"], true);
    sent.forget_waiting("m");
    assert!(sent.status("m").is_none());
    let mut sent = begun(&["m"], true);
    accept(&mut sent, "m");
    sent.forget_waiting("m");
    assert_eq!(state(&sent, "m"), DeliveryState::Accepted);
}

#[derive(Clone, Debug)]
enum News {
    Accepted,
    Over(DeliveryState),
    Receipt(ReceiptState),
    TakenBack,
    LetGo,
    Answered,
    Restart,
}

fn news() -> impl Strategy<Value = News> {
    use DeliveryState::{Expired, Failed, Refused};
    prop_oneof![
        Just(News::Accepted),
        prop::sample::select(vec![Failed, Expired, Refused]).prop_map(News::Over),
        prop::sample::select(vec![
            ReceiptState::Accepted,
            ReceiptState::Delivered,
            ReceiptState::Handled,
            ReceiptState::Answered
        ])
        .prop_map(News::Receipt),
        Just(News::TakenBack),
        Just(News::LetGo),
        Just(News::Answered),
        Just(News::Restart),
    ]
}

proptest! {
    #[test]
    fn the_ladder_never_goes_down_and_the_disk_has_what_memory_has(sequence in prop::collection::vec(news(), 0..20)) {
        let (mut sent, mut rows) = (begun(&["m"], true), BTreeMap::new());
        // The model: the best that anybody said, and whether it left the ladder before the peer had it.
        let (mut best, mut is_over) = (DeliveryState::Stored, None);
        // Whether we took it back, and whether the peer signed that it let go of it.
        let (mut is_taken_back, mut is_let_go) = (false, false);
        for news in sequence {
            let before = state(&sent, "m");
            match &news {
                News::Accepted => {
                    stored(&mut rows, accept(&mut sent, "m"));
                    best = best.max(DeliveryState::Accepted);
                }
                News::Over(end) => {
                    let reason = Reason::new(Code::Timeout, "why");
                    let end_of_copy = Settlement::Over { state: *end, reason, proof: None };
                    stored(&mut rows, sent.settle("m", &peer().agent_id(), NOW, end_of_copy).unwrap());
                    if best == DeliveryState::Stored {
                        is_over = Some(*end);
                    }
                }
                News::Receipt(state) => {
                    stored(&mut rows, sent.note(&receipt("m", *state)).unwrap().0);
                    best = best.max((*state).into());
                }
                News::TakenBack => {
                    stored(&mut rows, sent.recall("m", &peer().agent_id(), None, NOW).unwrap());
                    is_taken_back = true;
                }
                News::LetGo => {
                    stored(&mut rows, sent.note(&receipt("m", ReceiptState::Cancelled)).unwrap().0);
                    is_let_go |= is_taken_back;
                }
                News::Answered => {
                    stored(&mut rows, sent.answered("m", &peer().agent_id(), "r", NOW).unwrap().0);
                    best = DeliveryState::Answered;
                }
                News::Restart => {
                    let loaded: Vec<_> =
                        rows.iter().map(|(key, value)| Row { key: key.clone(), value: value.clone() }).collect();
                    sent = Sent::load(&loaded).unwrap();
                    sent.begin(Departure { message_id: "m", to: peer().agent_id(), digest: DIGEST, gives_receipts: true });
                }
            }
            let expected = if best >= DeliveryState::Handled {
                best
            } else if is_let_go {
                DeliveryState::Failed
            } else if best > DeliveryState::Stored {
                best
            } else {
                is_over.unwrap_or(best)
            };
            prop_assert_eq!(state(&sent, "m"), expected, "after {:?}", news);
            prop_assert!(expected >= before || before.is_failure() || expected.is_failure());
            prop_assert!(rows.len() <= 1);
        }
    }
}
