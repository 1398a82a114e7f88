//! What mail withstands on its way through hands that nobody trusts.

use proptest::prelude::*;

use super::*;
use crate::env::SeededRandom;

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn passport(seed: u8) -> Passport {
    Passport::from_seed([seed; 32])
}

fn draft<'a>(plaintext: &'a [u8], to: &Passport) -> MailDraft<'a> {
    MailDraft {
        message_id: "msg-1",
        to: to.agent_id(),
        sent_at: NOW,
        expires_at: NOW + LIFETIME,
        hops_remaining: 10,
        after: Some("msg-0"),
        plaintext,
    }
}

fn pre_key(kind: KeyKind) -> (Zeroizing<[u8; 32]>, KeyName, PublicKey) {
    let (secret, public) = seal::key_pair(&SeededRandom::new(7));
    (secret, KeyName::of(kind, &public), PublicKey(public))
}

fn mail() -> KeptMessage {
    let (_, name, public) = pre_key(KeyKind::OneTime);
    draft(b"hi", &passport(2)).seal(Some((&name, &public)), &passport(1), &SeededRandom::new(1)).unwrap()
}

#[test]
fn mail_opens_with_the_key_it_names_and_with_no_other() {
    let (secret, ..) = pre_key(KeyKind::OneTime);
    let (from, to) = (passport(1), passport(2));
    let mail = mail();
    assert!(mail.check().is_ok() && mail.is_signed() && mail.has_forward_secrecy());
    assert_eq!(mail.open(&secret).unwrap().as_slice(), b"hi");
    for other in [from.x25519_secret(), to.x25519_secret()] {
        assert_eq!(mail.open(other.expose()).unwrap_err().code(), Code::SealBroken);
    }
    // The same key in another role, another message, another sender.
    for change in [
        (|mail| mail.key.kind = KeyKind::Rotating) as fn(&mut KeptMessage),
        |mail| mail.message_id.push('0'),
        |mail| mail.from = passport(3).agent_id(),
        |mail| mail.to = passport(3).agent_id(),
    ] {
        let mut changed = mail.clone();
        change(&mut changed);
        assert!(changed.open(&secret).is_err() && !changed.is_signed());
    }
}

#[test]
fn without_a_pre_key_it_is_sealed_to_the_identity_and_says_so() {
    let to = passport(2);
    let mail = draft(b"hi", &to).seal(None, &passport(1), &SeededRandom::new(1)).unwrap();
    assert_eq!(mail.key, KeyName::IDENTITY);
    assert!(!mail.has_forward_secrecy());
    assert_eq!(mail.open(to.x25519_secret().expose()).unwrap().as_slice(), b"hi");
}

#[test]
fn whatever_is_changed_on_the_way_breaks_the_signature_of_the_sender() {
    let changes: [fn(&mut KeptMessage); 9] = [
        |mail| mail.sent_at = NOW + LIFETIME,
        |mail| mail.expires_at = NOW,
        |mail| mail.hops_remaining = 11,
        |mail| mail.after = None,
        |mail| mail.after = Some(String::new()),
        |mail| mail.key.id = "0123456789abcdef".into(),
        |mail| mail.key.kind = KeyKind::Rotating,
        |mail| mail.sealed.enc[0] ^= 1,
        |mail| mail.sealed.ciphertext[0] ^= 1,
    ];
    for change in changes {
        let mut changed = mail();
        change(&mut changed);
        assert!(!changed.is_signed(), "{changed:?}");
    }
}

#[test]
fn mail_is_of_the_present_until_it_is_over_give_or_take_a_clock() {
    let mail = mail();
    let second = Duration::from_secs(1);
    for (at, is_current) in [
        (NOW - limits::FRESHNESS - second, false),
        (NOW - limits::FRESHNESS, true),
        (NOW + LIFETIME + limits::FRESHNESS, true),
        (NOW + LIFETIME + limits::FRESHNESS + second, false),
    ] {
        assert_eq!(mail.is_current(at), is_current, "{at}");
    }
}

/// A second copy cannot be believed after the claim of the first is forgotten, however the clocks differ.
#[test]
fn mail_is_over_before_its_claim_is_forgotten() {
    let first_taken = NOW - limits::FRESHNESS;
    let last_believed = NOW + LIFETIME + limits::FRESHNESS;
    assert!(last_believed.since(first_taken) < Duration::from_secs(25 * 3600));
}

#[test]
fn what_no_node_sends_is_refused_before_any_cryptography() {
    let changes: [fn(&mut KeptMessage); 8] = [
        |mail| mail.message_id.clear(),
        |mail| mail.message_id = "x".repeat(129),
        |mail| mail.message_id.push('\n'),
        |mail| mail.after = Some(String::new()),
        |mail| mail.key.id.clear(),
        |mail| mail.hops_remaining = 51,
        |mail| mail.expires_at = mail.sent_at,
        |mail| mail.expires_at = mail.sent_at + LIFETIME + Duration::from_micros(1),
    ];
    for change in changes {
        let mut changed = mail();
        change(&mut changed);
        assert_eq!(changed.check().unwrap_err().status, 400, "{changed:?}");
    }
    let mut large = mail();
    large.sealed.ciphertext = vec![0; SEALED_BYTES + 1];
    assert_eq!(large.check().unwrap_err().status, 413);
}

#[test]
fn custody_and_receipt_are_about_one_message_between_three_agents() {
    let (keeper, to, mail) = (passport(3), passport(2), mail());
    let custody = Custody::sign(&keeper, &mail);
    assert!(custody.is_about(&keeper.agent_id(), &mail));
    assert!(!custody.is_about(&to.agent_id(), &mail));
    let receipt = MailReceipt::sign(&to, keeper.agent_id(), &mail, true);
    assert!(receipt.is_about(&keeper.agent_id(), &mail));
    assert!(!receipt.is_about(&to.agent_id(), &mail));
    assert!(!MailReceipt { is_taken: false, ..receipt.clone() }.is_about(&keeper.agent_id(), &mail));
    // Nobody but the recipient lets a keeper delete something.
    let forged = MailReceipt::sign(&passport(4), keeper.agent_id(), &mail, true);
    assert!(!forged.is_about(&keeper.agent_id(), &mail));
    assert!(!MailReceipt { to: to.agent_id(), ..forged }.is_about(&keeper.agent_id(), &mail));

    let other = KeptMessage { message_id: "msg-2".into(), ..mail };
    assert!(!custody.is_about(&keeper.agent_id(), &other));
    assert!(!receipt.is_about(&keeper.agent_id(), &other));
}

#[test]
fn a_key_of_small_order_seals_nothing() {
    let weak = PublicKey([0; 32]);
    let name = KeyName::of(KeyKind::Rotating, &weak.0);
    let sealed = draft(b"hi", &passport(2)).seal(Some((&name, &weak)), &passport(1), &SeededRandom::new(1));
    assert_eq!(sealed.unwrap_err().code(), Code::AgentIdInvalid);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_text_survives_the_way_and_the_json_form_is_exact(plaintext: Vec<u8>, seed: u64) {
        let (secret, public) = seal::key_pair(&SeededRandom::new(seed));
        let (name, public) = (KeyName::of(KeyKind::Rotating, &public), PublicKey(public));
        let mail = draft(&plaintext, &passport(2))
            .seal(Some((&name, &public)), &passport(1), &SeededRandom::new(seed)).unwrap();
        let text = serde_json::to_string(&mail).unwrap();
        let copy: KeptMessage = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&copy, &mail);
        prop_assert_eq!(&*copy.open(&secret).unwrap(), &plaintext);
    }
}
