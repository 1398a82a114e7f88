//! Whatever the way does to parts (loses, doubles, turns around, forges them) and whenever a side restarts: the host reads
//! the reply, in order and once.

use proptest::prelude::*;

use super::{
    answering::{Frame, GATHERING},
    asking::{Refused, Step},
    *,
};
use crate::{env::Moment, error::Code, identity::AgentId, wire::limits};

fn agent(byte: u8) -> AgentId {
    AgentId::from_bytes([byte; 32])
}

const ASKER: u8 = 1;
const ANSWERER: u8 = 2;
const QUESTION: &str = "msg-1";
const STREAM: &str = "s";
const NOW: Moment = Moment::ORIGIN;

fn asking() -> Asking {
    let mut asking = Asking::default();
    asking.open(QUESTION, agent(ANSWERER)).unwrap();
    asking
}

fn take(asking: &mut Asking, first: u64, parts: &[&str]) -> std::result::Result<u64, Refused> {
    asking.take(
        &agent(ANSWERER),
        QUESTION,
        STREAM,
        first,
        &parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>(),
    )
}

fn write(answering: &mut Answering, content: &str) -> crate::error::Result<u64> {
    answering.add(agent(ASKER), QUESTION, content, true, || STREAM.into(), NOW)
}

fn read(asking: &mut Asking) -> (Vec<Part>, Step) {
    let mut parts = Vec::new();
    loop {
        match asking.next(QUESTION, None).unwrap() {
            Step::Part(part) => parts.push(part),
            step => return (parts, step),
        }
    }
}

fn summary(parts: &[&str]) -> Summary {
    let mut digest = PartsDigest::default();
    parts.iter().for_each(|part| digest.add(part));
    Summary { stream: STREAM.into(), parts: parts.len() as u64, digest: digest.text() }
}

#[test]
fn the_missing_rest_comes_out_of_the_reply() {
    let mut asking = asking();
    take(&mut asking, 0, &["a", "b"]).unwrap();
    asking.finish(QUESTION, "abcd", Some(&summary(&["a", "b", "c", "d"])), 7).unwrap();
    let (parts, step) = read(&mut asking);
    let texts: Vec<_> = parts.iter().map(|part| (part.number, part.content.as_str())).collect();
    assert_eq!((texts, step), (vec![(0, "a"), (1, "b"), (2, "cd")], Step::Over(7)));
    assert_eq!(asking.close(QUESTION, None), Some(7));
    assert_eq!(asking.next(QUESTION, None).unwrap(), Step::IsOver);
}

#[test]
fn an_answer_without_parts_is_one_part() {
    let mut asking = asking();
    assert_eq!(asking.next(QUESTION, None).unwrap(), Step::Wait);
    asking.finish(QUESTION, "whole", None, 7).unwrap();
    assert_eq!(read(&mut asking), (vec![Part { number: 0, content: "whole".into() }], Step::Over(7)));
}

#[test]
fn a_reply_that_contradicts_the_parts_is_an_error() {
    let cases: [(&[&str], &str, Option<Summary>); 6] = [
        (&["a", "b"], "ac", None),
        (&["a", "b"], "a", None),
        (&["a", "b"], "ab", Some(summary(&["ab"]))),
        (&["a", "b"], "ab", Some(summary(&["a", "b", "c"]))),
        (&["a", "b"], "ab", Some(Summary { digest: "00".repeat(32), ..summary(&["a", "b"]) })),
        (&["ab"], "abc", Some(summary(&["ab"]))),
    ];
    for (parts, reply, summary) in cases {
        let mut asking = asking();
        take(&mut asking, 0, parts).unwrap();
        assert!(asking.finish(QUESTION, reply, summary.as_ref(), 7).is_err(), "{parts:?} {reply}");
        let (_, step) = read(&mut asking);
        assert!(matches!(step, Step::Failed(Code::BadAnswer, _)), "{step:?}");
        assert_eq!(asking.close(QUESTION, None), None, "the reply is left where it is");
    }
}

#[test]
fn parts_of_others_of_nothing_asked_and_after_the_reply_are_refused() {
    let mut asking = asking();
    let part = ["x".to_owned()];
    assert_eq!(asking.take(&agent(3), QUESTION, STREAM, 0, &part), Err(Refused::Unknown));
    assert_eq!(asking.take(&agent(ANSWERER), "msg-2", STREAM, 0, &part), Err(Refused::Unknown));
    assert!(!asking.is_news(&agent(3), QUESTION, 0, 1) && asking.is_news(&agent(ANSWERER), QUESTION, 0, 1));
    asking.finish(QUESTION, "done", None, 7).unwrap();
    assert_eq!(asking.take(&agent(ANSWERER), QUESTION, STREAM, 1, &part), Err(Refused::Unknown));
    assert_eq!(read(&mut asking).0.len(), 1);
}

#[test]
fn parts_are_taken_in_their_turn_and_once() {
    let mut asking = asking();
    assert_eq!(take(&mut asking, 1, &["b"]), Ok(0));
    assert_eq!(take(&mut asking, 0, &["a", "b"]), Ok(2));
    assert_eq!(take(&mut asking, 0, &["x", "y", "c"]), Ok(3));
    assert_eq!(take(&mut asking, u64::MAX, &["z", "z"]), Ok(3));
    let (parts, _) = read(&mut asking);
    assert_eq!(parts.iter().map(|part| part.content.as_str()).collect::<String>(), "abc");
}

#[test]
fn a_host_that_lost_a_result_asks_for_it_again() {
    let mut asking = asking();
    take(&mut asking, 0, &["a", "b"]).unwrap();
    for _ in 0..2 {
        assert!(matches!(asking.next(QUESTION, Some(0)).unwrap(), Step::Part(part) if part.content == "a"));
    }
    assert!(matches!(asking.next(QUESTION, Some(1)).unwrap(), Step::Part(part) if part.content == "b"));
    for gone in [0, 3] {
        assert_eq!(asking.next(QUESTION, Some(gone)).unwrap_err().code(), Code::InvalidArgument);
    }
    assert_eq!(asking.next(QUESTION, Some(2)).unwrap(), Step::Wait);
    assert_eq!(asking.next("msg-2", None).unwrap_err().code(), Code::MessageUnknown);
}

#[test]
fn an_answer_is_bounded_on_both_sides() {
    let long = "x".repeat(limits::CONTENT_CHARS);
    let mut asking = asking();
    assert_eq!(take(&mut asking, 0, &[long.as_str(), "y"]), Err(Refused::TooMuch));
    assert_eq!(take(&mut asking, 1, &[""]), Err(Refused::TooMuch));
    assert_eq!(read(&mut asking).0.len(), 1);
    let mut answering = Answering::default();
    assert_eq!(write(&mut answering, "").unwrap_err().code(), Code::InvalidArgument);
    write(&mut answering, &long).unwrap();
    assert_eq!(write(&mut answering, "y").unwrap_err().code(), Code::InvalidArgument);
    for number in 0..63 {
        answering.add(agent(ASKER), &number.to_string(), "x", true, || STREAM.into(), NOW).unwrap();
    }
    let error = answering.add(agent(ASKER), "one too many", "x", true, || STREAM.into(), NOW).unwrap_err();
    assert_eq!(error.code(), Code::QueueFull);
    assert!(answering.add(agent(3), "of another", "x", true, || STREAM.into(), NOW).is_ok());
    let mut asking = Asking::default();
    for number in 0..256 {
        asking.open(&number.to_string(), agent(ANSWERER)).unwrap();
    }
    assert_eq!(asking.open(QUESTION, agent(ANSWERER)).unwrap_err().code(), Code::QueueFull);
}

#[test]
fn tokens_share_a_frame_and_one_frame_is_under_way_at_a_time() {
    let mut answering = Answering::default();
    write(&mut answering, "a").unwrap();
    write(&mut answering, "b").unwrap();
    assert!(answering.due(NOW).is_empty());
    let frames = answering.due(NOW + GATHERING);
    assert_eq!(
        frames,
        [Frame {
            to: agent(ASKER),
            question: QUESTION.into(),
            stream: STREAM.into(),
            first: 0,
            parts: vec!["a".into(), "b".into()]
        }]
    );
    write(&mut answering, "c").unwrap();
    assert_eq!((answering.due(NOW + GATHERING), answering.wait(NOW)), (vec![], None));
    answering.taken(&frames[0], 2, NOW);
    assert_eq!(answering.due(NOW)[0].parts, ["c"]);
}

#[test]
fn an_asker_that_takes_nothing_gets_the_reply() {
    for takes_streams in [false, true] {
        let mut answering = Answering::default();
        answering.add(agent(ASKER), QUESTION, "a", takes_streams, || STREAM.into(), NOW).unwrap();
        let frames = answering.due(NOW + GATHERING);
        assert_eq!(frames.len(), usize::from(takes_streams));
        // It wants again what it was sent, or more than that.
        frames.first().inspect(|frame| answering.taken(frame, 0, NOW));
        write(&mut answering, "b").unwrap();
        assert_eq!(answering.wait(NOW), None);
        let (text, found) = answering.written(agent(ASKER), QUESTION).unwrap();
        assert_eq!((text, found), ("ab", takes_streams.then(|| summary(&["a", "b"]))));
    }
    let mut answering = Answering::default();
    write(&mut answering, "a").unwrap();
    let (mut now, mut tries) = (NOW + GATHERING, 0);
    while let Some(frame) = answering.due(now).first() {
        tries += 1;
        answering.postpone(frame, now, None);
        now = now + answering.wait(now).unwrap_or_default();
    }
    assert!((10..40).contains(&tries), "{tries}");
}

#[derive(Clone, Debug)]
enum Doing {
    Write(u8),
    /// A frame leaves; what becomes of it and of its answer is decided by the way.
    Send {
        is_lost: bool,
        is_answer_lost: bool,
    },
    /// A frame of before comes again.
    Repeat(usize),
    Forge(u64),
    Read,
    AnswererRestarts,
    Reply,
}

fn doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        4 => (1..4_u8).prop_map(Doing::Write),
        4 => (any::<bool>(), any::<bool>())
            .prop_map(|(is_lost, is_answer_lost)| Doing::Send { is_lost, is_answer_lost }),
        2 => any::<usize>().prop_map(Doing::Repeat),
        1 => (0..9_u64).prop_map(Doing::Forge),
        2 => Just(Doing::Read),
        1 => Just(Doing::AnswererRestarts),
        1 => Just(Doing::Reply),
    ]
}

proptest! {
    #[test]
    fn the_host_reads_the_reply_in_order_and_once(steps in prop::collection::vec(doing(), 0..60), is_summed in any::<bool>()) {
        let (mut asking, mut answering, mut now) = (asking(), Answering::default(), NOW);
        // The agent knows what it says, also when its node forgets what it streamed.
        let (mut says, mut sent, mut heard) = (String::new(), Vec::<Frame>::new(), String::new());
        let (mut numbers, mut has_replied, mut restarts) = (0, false, 0);
        for step in steps {
            now = now + GATHERING;
            match step {
                Doing::Write(count) if !has_replied => {
                    for _ in 0..count {
                        let word = format!("{} ", says.len());
                        answering.add(agent(ASKER), QUESTION, &word, true, || format!("s{restarts}"), now).unwrap();
                        says.push_str(&word);
                    }
                }
                Doing::Send { is_lost, is_answer_lost } => {
                    for frame in answering.due(now) {
                        sent.push(frame.clone());
                        let next = (!is_lost)
                            .then(|| asking.take(&agent(ANSWERER), QUESTION, &frame.stream, frame.first, &frame.parts));
                        match next.filter(|_| !is_answer_lost) {
                            None => answering.postpone(&frame, now, None),
                            Some(Ok(next)) => answering.taken(&frame, next, now),
                            Some(Err(_)) => answering.give_up(&frame),
                        }
                    }
                }
                Doing::Repeat(which) if !sent.is_empty() => {
                    let frame = &sent[which % sent.len()];
                    let _ = asking.take(&agent(ANSWERER), QUESTION, &frame.stream, frame.first, &frame.parts);
                }
                Doing::Forge(first) => {
                    let forged = vec!["forged".to_owned(); 3];
                    prop_assert!(asking.take(&agent(3), QUESTION, "s0", first, &forged).is_err());
                }
                Doing::Read => {
                    let (parts, _) = read(&mut asking);
                    for part in parts {
                        prop_assert_eq!(part.number, numbers);
                        numbers += 1;
                        heard.push_str(&part.content);
                    }
                    prop_assert!(says.starts_with(&heard));
                }
                // The question is handed out again, and answered anew with the same words, as one part.
                Doing::AnswererRestarts if !has_replied => {
                    answering = Answering::default();
                    restarts += 1;
                    if !says.is_empty() {
                        let stream = || format!("s{restarts}");
                        answering.add(agent(ASKER), QUESTION, &says, true, stream, now).unwrap();
                    }
                }
                Doing::Reply if !has_replied && !says.is_empty() => {
                    let written = answering.written(agent(ASKER), QUESTION);
                    let summary = written.filter(|(text, _)| is_summed && *text == says).and_then(|(_, summary)| summary);
                    prop_assert!(asking.finish(QUESTION, &says, summary.as_ref(), 7).is_ok());
                    answering.close(agent(ASKER), QUESTION);
                    has_replied = true;
                }
                _ => {}
            }
        }
        if !has_replied && !says.is_empty() {
            prop_assert!(asking.finish(QUESTION, &says, None, 7).is_ok());
        }
        let (parts, step) = read(&mut asking);
        for part in parts {
            prop_assert_eq!(part.number, numbers);
            numbers += 1;
            heard.push_str(&part.content);
        }
        if says.is_empty() {
            prop_assert_eq!(step, Step::Wait);
        } else {
            prop_assert_eq!(&heard, &says);
            prop_assert_eq!(step, Step::Over(7));
        }
    }
}
