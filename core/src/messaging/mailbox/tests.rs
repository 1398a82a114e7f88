//! A mailbox that is flooded, restarted and emptied.

use std::time::Duration;

use super::*;
use crate::{
    env::SeededRandom,
    identity::Passport,
    store::Op,
    wire::mail::{LIFETIME, MailDraft},
};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn mail(from: u8, to: u8, message_id: &str, size: usize) -> KeptMessage {
    let draft = MailDraft {
        message_id,
        to: Passport::from_seed([to; 32]).agent_id(),
        sent_at: NOW,
        expires_at: NOW + LIFETIME,
        hops_remaining: 0,
        after: None,
        plaintext: &vec![0; size],
    };
    draft.seal(None, &Passport::from_seed([from; 32]), &SeededRandom::new(1)).unwrap()
}

fn id(seed: u8) -> AgentId {
    Passport::from_seed([seed; 32]).agent_id()
}

fn order(mailbox: &Mailbox, to: u8) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    while let Some(kept) = mailbox.next_for(&id(to), after) {
        ids.push(kept.message_id.clone());
        after = Some(kept.sequence);
    }
    ids
}

#[test]
fn mail_is_handed_over_in_the_order_in_which_it_came_also_after_a_restart() {
    let (mut mailbox, mut rows) = (Mailbox::default(), Vec::new());
    for (from, to, name) in [(1, 3, "b"), (2, 3, "a"), (1, 4, "x"), (1, 3, "c")] {
        let batch = mailbox.put(&mail(from, to, name, 10)).unwrap();
        let [Op::Put { key, value, .. }] = &batch.ops[..] else { panic!("{batch:?}") };
        rows.push(Row { key: key.clone(), value: value.clone() });
    }
    let mut again = Mailbox::load(&rows).unwrap();
    again.succeed(&mailbox);
    for mailbox in [&mailbox, &again] {
        assert_eq!(order(mailbox, 3), ["b", "a", "c"]);
        assert_eq!(order(mailbox, 4), ["x"]);
        assert_eq!(mailbox.used(), (4, 4 * 26));
    }
    let place = again.next_for(&id(4), None).unwrap().sequence;
    let read = Mailbox::read(place, rows[2].value.clone()).unwrap();
    assert_eq!(read, mail(1, 4, "x", 10));
}

#[test]
fn a_copy_that_was_sealed_anew_takes_the_place_of_the_earlier_one() {
    let mut mailbox = Mailbox::default();
    for name in ["a", "b", "a"] {
        mailbox.put(&mail(1, 3, name, 10)).unwrap();
    }
    assert_eq!(order(&mailbox, 3), ["a", "b"]);
    // Another sender's message of the same name is another message.
    mailbox.put(&mail(2, 3, "a", 10)).unwrap();
    assert_eq!(order(&mailbox, 3), ["a", "b", "a"]);
}

#[test]
fn a_sender_that_floods_leaves_room_for_others() {
    let mut mailbox = Mailbox::default();
    for number in 0..PER_SENDER.messages {
        mailbox.put(&mail(1, 3, &number.to_string(), 0)).unwrap();
    }
    let before = mailbox.used();
    assert_eq!(mailbox.put(&mail(1, 3, "more", 0)).unwrap_err().code(), Code::QueueFull);
    assert_eq!(mailbox.put(&mail(1, 4, "more", 0)).unwrap_err().code(), Code::QueueFull);
    assert_eq!(mailbox.used(), before, "what is refused leaves no trace");
    mailbox.put(&mail(1, 3, "0", 0)).expect("a copy of what is there");
    mailbox.put(&mail(2, 3, "more", 0)).expect("another sender has its own");
    let first = mailbox.next_for(&id(3), None).unwrap().sequence;
    assert_eq!(mailbox.remove(first).ops.len(), 1);
    mailbox.put(&mail(1, 3, "more", 0)).expect("there is room again");
}

#[test]
fn bytes_count_too_and_a_larger_copy_does_not_slip_through() {
    let mut mailbox = Mailbox::default();
    let large = 512 * 1024 - 16;
    for number in 0..8 {
        mailbox.put(&mail(1, 3, &number.to_string(), large)).unwrap();
    }
    assert_eq!(mailbox.used(), (8, PER_SENDER.bytes));
    assert!(mailbox.put(&mail(1, 3, "8", 0)).is_err());
    assert!(mailbox.put(&mail(1, 3, "0", large + 1)).is_err(), "it does not fit in the place of the first");
    assert_eq!(order(&mailbox, 3).len(), 8, "the first is still there");
    assert_eq!(mailbox.used(), (8, PER_SENDER.bytes));
}

#[test]
fn a_recipient_has_a_quota_however_many_write_to_it() {
    let mut mailbox = Mailbox::default();
    for number in 0..PER_RECIPIENT.messages {
        let from = 10 + u8::try_from(number / 100).unwrap();
        mailbox.put(&mail(from, 3, &number.to_string(), 0)).unwrap();
    }
    assert!(mailbox.put(&mail(9, 3, "one more", 0)).is_err());
    mailbox.put(&mail(9, 4, "one more", 0)).expect("for somebody else");
}

#[test]
fn mail_leaves_when_it_is_over_and_with_those_who_leave() {
    let mut mailbox = Mailbox::default();
    for (from, to, name) in [(1, 3, "a"), (2, 3, "b"), (3, 1, "c"), (2, 4, "d")] {
        mailbox.put(&mail(from, to, name, 5)).unwrap();
    }
    assert!(mailbox.tidy(NOW + LIFETIME).is_empty());
    assert_eq!(mailbox.part(&id(1)).ops.len(), 2);
    assert_eq!(mailbox.recipients().copied().collect::<BTreeSet<_>>(), [id(3), id(4)].into());
    assert_eq!(mailbox.tidy(NOW + LIFETIME + Duration::from_micros(1)).ops.len(), 2);
    assert_eq!(mailbox.used(), (0, 0));
    assert!(mailbox.senders.is_empty() && mailbox.recipients.is_empty() && mailbox.by_message.is_empty());
}
