//! What an author says travels unchanged, every step can only tighten it, and nobody in the way can lie about that.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::identity::Passport;

const NOW: Timestamp = Timestamp::from_seconds(1_779_162_677);
const HOUR: Duration = Duration::from_secs(3_600);
const DIGEST: &str = "0f";

fn passport(seed: u8) -> Passport {
    Passport::from_seed([seed; 32])
}

fn id(seed: u8) -> AgentId {
    passport(seed).agent_id()
}

fn budget(amount: &str) -> Option<Budget> {
    Some(Budget { unit: "usd".into(), amount: amount.parse().unwrap() })
}

fn limits(amount: &str) -> MessageLimits {
    let trace = TraceContext {
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        tracestate: None,
    };
    MessageLimits { deadline: Some(NOW + HOUR), budget: budget(amount), trace: Some(trace) }
}

fn author(to: u8, limits: &MessageLimits) -> Origin {
    let author = Author { message_id: "msg-1", to: id(to), now: NOW, hops: 10, limits, digest: DIGEST };
    Origin::sign(author, &passport(1)).unwrap()
}

/// From 1 over 2, 3, … to `last`.
fn way(last: u8, limits: &MessageLimits) -> Origin {
    (2..last).fold(author(2, limits), |origin, holder| {
        origin.pass_on(id(holder + 1), limits, None, NOW, &passport(holder)).unwrap()
    })
}

fn facts(from: u8, me: u8, hops: u32) -> Facts<'static> {
    Facts { me: id(me), from: id(from), message_id: "msg-1", hops, digest: DIGEST, now: NOW }
}

fn code(result: Result<()>) -> Option<Code> {
    result.err().map(|error| error.code())
}

#[test]
fn a_reader_at_the_end_of_the_way_believes_the_author() {
    let limits = limits("10");
    assert_eq!(code(author(2, &limits).verify(facts(1, 2, 10))), None);
    for last in 3..=11 {
        let hops = 10 - u32::from(last - 2);
        assert_eq!(code(way(last, &limits).verify(facts(last - 1, last, hops))), None, "{last}");
    }
    // The eleventh forwarder has none left.
    let full = way(12, &limits);
    let refused = full.pass_on(id(13), &limits, None, NOW, &passport(12)).unwrap_err();
    assert_eq!(refused.code(), Code::HopsExhausted);
}

#[test]
fn it_passes_through_metadata_unchanged() {
    let origin = way(5, &limits("10"));
    let mut metadata = json!({"a": 1}).as_object().unwrap().clone();
    let mut carried = origin.put(&metadata).unwrap();
    assert_eq!(Origin::find(&carried).unwrap(), Some(origin.clone()));
    assert_eq!(Origin::take(&mut carried).unwrap(), Some(origin));
    assert_eq!(carried, metadata);
    assert_eq!(Origin::take(&mut carried).unwrap(), None);
    for bad in [json!(1), json!({}), json!([]), json!(null), json!({"agent_id": "x"})] {
        metadata.insert(MEMBER.into(), bad);
        assert_eq!(Origin::find(&metadata).unwrap_err().code(), Code::OriginInvalid);
    }
}

#[test]
fn what_is_looser_than_before_is_refused() {
    let wide = limits("10");
    let later = MessageLimits { deadline: Some(NOW + HOUR + Duration::from_micros(1)), ..wide.clone() };
    let other =
        MessageLimits { budget: Some(Budget { unit: "eur".into(), ..budget("1").unwrap() }), ..wide.clone() };
    for (looser, word) in [
        (later, "later"),
        (MessageLimits { deadline: None, ..wide.clone() }, "removed"),
        (MessageLimits { budget: None, ..wide.clone() }, "removed"),
        (MessageLimits { budget: budget("10.000000000000000001"), ..wide.clone() }, "raised"),
        (other, "unit"),
        (MessageLimits::default(), "removed"),
    ] {
        let error = looser.within(&wide).unwrap_err();
        assert_eq!(error.code(), Code::LimitsLoosened);
        assert!(error.message().contains(word), "{error}");
        assert!(wide.within(&looser).is_ok() || word == "unit");
    }
    for tighter in [
        wide.clone(),
        MessageLimits { trace: None, ..wide.clone() },
        MessageLimits { budget: budget("0"), ..wide.clone() },
    ] {
        assert!(tighter.within(&wide).is_ok() && tighter.within(&MessageLimits::default()).is_ok());
    }
}

#[test]
fn an_honest_node_does_not_loosen() {
    let origin = author(2, &limits("10"));
    for looser in [limits("11"), MessageLimits::default()] {
        let refused = origin.pass_on(id(3), &looser, None, NOW, &passport(2)).unwrap_err();
        assert_eq!(refused.code(), Code::LimitsLoosened);
    }
    let late = origin.pass_on(id(3), &limits("10"), None, NOW + HOUR, &passport(2)).unwrap_err();
    assert_eq!(late.code(), Code::MessageExpired);
}

/// A forwarder that signs whatever it likes as its own step.
fn lie(origin: &Origin, liar: u8, to: u8, change: impl FnOnce(&mut Step)) -> Origin {
    let mut lied = origin.pass_on(id(to), origin.current(), None, NOW, &passport(liar)).unwrap();
    let index = lied.path.len() - 1;
    let mut step = lied.path[index].clone();
    change(&mut step);
    step.signature = passport(liar).sign(&lied.step_bytes(index, &step).unwrap());
    lied.path[index] = step;
    lied
}

#[test]
fn a_hostile_forwarder_is_caught_by_the_next_reader() {
    // 1 gives it to 2, who lowers the budget; 3 wants it back.
    let lowered = author(2, &limits("10")).pass_on(id(3), &limits("5"), None, NOW, &passport(2)).unwrap();
    let caught = |change: fn(&mut Step)| code(lie(&lowered, 3, 4, change).verify(facts(3, 4, 8)));
    assert_eq!(caught(|_| {}), None);
    for change in [
        (|step: &mut Step| step.limits.budget = budget("5.1")) as fn(&mut Step),
        |step| step.limits.budget = budget("10"),
        |step| step.limits.budget = None,
        |step| step.limits.deadline = None,
        |step| step.limits.deadline = Some(NOW + HOUR + HOUR),
        |step| step.hops = 9,
        |step| step.hops = 50,
    ] {
        assert_eq!(caught(change), Some(Code::LimitsLoosened));
    }
    // More hops in the frame than in what was signed.
    let honest = lie(&lowered, 3, 4, |_| {});
    assert_eq!(code(honest.verify(facts(3, 4, 9))), Some(Code::LimitsLoosened));
    assert_eq!(code(honest.verify(facts(3, 4, 0))), None);
}

#[test]
fn nobody_shortens_or_changes_the_way() {
    let lowered = author(2, &limits("10")).pass_on(id(3), &limits("5"), None, NOW, &passport(2)).unwrap();
    let refused = |origin: &Origin, from, me| {
        assert_eq!(code(origin.verify(facts(from, me, 0))), Some(Code::OriginInvalid));
    };
    // 3 leaves out the step of 2, to win the budget back, and acts as if the author had sent to it.
    let mut shorter = author(2, &limits("10"));
    let step = lie(&shorter, 3, 4, |_| {}).path;
    refused(&Origin { path: step, ..shorter.clone() }, 3, 4);
    shorter.to = id(3);
    refused(&lie(&shorter, 3, 4, |_| {}), 3, 4);
    // Whoever overhears a copy is no holder.
    refused(&lowered, 2, 5);
    refused(&lowered, 9, 3);
    refused(&author(2, &limits("10")), 1, 3);
    // Another message, other content.
    let fine = facts(2, 3, 9);
    assert_eq!(code(lowered.verify(fine)), None);
    assert_eq!(code(lowered.verify(Facts { message_id: "msg-2", ..fine })), Some(Code::OriginInvalid));
    assert_eq!(code(lowered.verify(Facts { digest: "00", ..fine })), Some(Code::OriginInvalid));
    let late = Facts { now: NOW + HOUR, ..fine };
    assert_eq!(code(lowered.verify(late)), Some(Code::MessageExpired));
    // A step that was signed for another message, or another place.
    let mut other = author(2, &limits("9"));
    other.path = lowered.path.clone();
    refused(&other, 2, 3);
}

#[test]
fn a_way_that_is_too_long_or_has_bad_limits_is_no_way() {
    let mut long = author(2, &limits("1"));
    long.path = vec![way(3, &limits("1")).path[0].clone(); 51];
    assert_eq!(code(long.verify_way()), Some(Code::OriginInvalid));
    for bad in [
        MessageLimits {
            budget: Some(Budget { unit: "x y".into(), ..budget("1").unwrap() }),
            ..MessageLimits::default()
        },
        MessageLimits { deadline: Some(Timestamp::from_micros(-1)), ..MessageLimits::default() },
    ] {
        assert_eq!(bad.check().unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(code(author(2, &bad).verify_way()), Some(Code::OriginInvalid));
    }
}

#[test]
fn the_nodes_part_of_metadata_has_a_bound_of_its_own() {
    let host = |size: usize| {
        let around = json!({"a": ""}).to_string().len();
        json!({"a": "x".repeat(size - around)}).as_object().unwrap().clone()
    };
    let most = bounds::METADATA_BYTES;
    assert!(fits(&host(most)) && !fits(&host(most + 1)));
    let origin = way(11, &limits("1"));
    assert!(fits(&origin.put(&host(most)).unwrap()));
    assert!(!fits(&origin.put(&host(most + 1)).unwrap()));
    let mut metadata = host(100);
    metadata.insert(MEMBER.into(), json!("x".repeat(BYTES)));
    assert!(!fits(&metadata));
}

proptest! {
    /// Any change of any text or number in an origin makes it invalid, or is one that the reader may see.
    #[test]
    fn any_changed_member_is_noticed(which in 0_usize..400, bump in 1_u64..9) {
        let origin = way(5, &limits("10"));
        let mut value = serde_json::to_value(&origin).unwrap();
        let mut leaves = Vec::new();
        collect(&value, String::new(), &mut leaves);
        let pointer = &leaves[which % leaves.len()];
        let leaf = value.pointer_mut(pointer).unwrap();
        *leaf = match leaf {
            Value::Number(number) => json!(number.as_u64().unwrap() + bump),
            Value::String(text) => {
                let last = text.pop().unwrap();
                json!(format!("{text}{}", if last == '2' { '3' } else { '2' }))
            }
            _ => json!("x"),
        };
        let is_believed = serde_json::from_value::<Origin>(value)
            .is_ok_and(|changed| changed != origin && changed.verify(facts(4, 5, 7)).is_ok());
        prop_assert!(!is_believed, "{pointer}");
    }
}

fn collect(value: &Value, at: String, leaves: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, inner)| collect(inner, format!("{at}/{name}"), leaves));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, inner)| collect(inner, format!("{at}/{n}"), leaves));
        }
        Value::Null => {}
        _ => leaves.push(at),
    }
}
