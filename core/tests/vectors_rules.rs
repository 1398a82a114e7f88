//! The pure rules against the golden tables: trust, ranking, routing, context, rate limits.

#![expect(clippy::unwrap_used, reason = "a table of unexpected shape must fail the test")]

use dmagent::{
    env::Timestamp,
    identity::AgentId,
    messaging::{
        context::{ContextFeed, Detail, Viewer, line},
        log::{ConversationLog, LogEntry},
        rules::{Decision, MessageView, RouterMode, RoutingRule, decide, matches},
    },
    trust::{Impression, Opinion, Trust, chain, score, seed},
    wire::limiter::{Limiter, Limits, PeerRate},
};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_795_204_665);
const EARLIER: Timestamp = Timestamp::from_seconds(1_795_000_000);

fn table(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

macro_rules! vectors {
    ($file:literal) => {
        table(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/mesh/", $file)))
    };
}

/// The rows of a table; an empty one would prove nothing.
fn rows<'a>(table: &'a Value, name: &str) -> &'a [Value] {
    let rows = table[name].as_array().unwrap();
    assert!(!rows.is_empty(), "{name} has no rows");
    rows
}

/// The tables name agents `p1` or `x`; here those become ids.
fn id(name: &str) -> AgentId {
    name.parse().unwrap_or_else(|_| {
        let mut bytes = [0xee; 32];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        AgentId::from_bytes(bytes)
    })
}

#[test]
fn scores_move_as_the_table_says() {
    let trust = vectors!("trust.json");
    for row in rows(&trust, "adjust") {
        let before = Impression {
            score: row["current"].as_f64().unwrap(),
            negative_since: (row["current"].as_f64().unwrap() < 0.0).then_some(EARLIER),
            msgs_sent: 3,
            msgs_received: 4,
            note: "kept".into(),
            ..Impression::default()
        };
        let after = score::adjust(&before, row["delta"].as_f64().unwrap(), NOW).unwrap();
        assert_eq!(after.score, row["new_score"].as_f64().unwrap(), "{row}");
        let since = match row["negative_since_change"].as_str().unwrap() {
            "kept" => Some(EARLIER),
            "set" => Some(NOW),
            "none" | "cleared" => None,
            other => panic!("unknown change {other}"),
        };
        assert_eq!(after.negative_since, since, "{row}");
        assert_eq!((after.msgs_sent, after.msgs_received, after.note.as_str()), (3, 4, "kept"));
    }
}

#[test]
fn reciprocity_is_as_the_table_says() {
    let trust = vectors!("trust.json");
    for row in rows(&trust, "reciprocity") {
        let count = |name: &str| row[name].as_u64().unwrap();
        let mut known = Impression {
            msgs_sent: count("msgs_sent"),
            msgs_received: count("msgs_received"),
            ..Impression::default()
        };
        assert_eq!(score::reciprocity(&known), row["ratio"].as_f64().unwrap(), "{row}");
        known.infrastructure = true;
        assert_eq!(score::reciprocity(&known), row["ratio_infrastructure"].as_f64().unwrap(), "{row}");
    }
}

#[test]
fn one_sided_sending_stops_earning_trust() {
    let (mut trust, peer) = (Trust::new(), id("p1"));
    for row in rows(&vectors!("trust.json"), "message_sends_without_reply") {
        trust.record_sent(peer, true, NOW).unwrap();
        let known = trust.get(&peer).unwrap();
        assert_eq!(known.msgs_sent, row["after_send"].as_u64().unwrap());
        assert_eq!(score::reciprocity(known), row["ratio"].as_f64().unwrap(), "{row}");
        assert_eq!(known.score, row["score"].as_f64().unwrap(), "{row}");
    }
}

#[test]
fn a_newcomer_is_seeded_as_the_table_says() {
    for row in rows(&vectors!("trust.json"), "seeded") {
        let mine = |name: &str| row["my_impressions"][name].as_f64().unwrap_or(0.0);
        let opinions = row["opinions"].as_array().unwrap();
        let pairs = opinions.iter().map(|opinion| {
            (mine(opinion["agent_id"].as_str().unwrap()), opinion["score"].as_f64().unwrap_or(0.0))
        });
        let expected = row["seeded"].as_f64().unwrap();
        assert_eq!(seed::seeded(pairs), expected, "{row}");

        let mut trust = Trust::new();
        for (name, score) in row["my_impressions"].as_object().unwrap() {
            trust.set(id(name), score.as_f64().unwrap(), None, NOW).unwrap();
        }
        let heard: Vec<_> = opinions
            .iter()
            .map(|opinion| Opinion {
                agent_id: id(opinion["agent_id"].as_str().unwrap()),
                score: opinion["score"].as_f64(),
            })
            .collect();
        trust.seed(id("new"), &heard, NOW).unwrap();
        let stored = (expected > 0.0).then(|| (expected * 1e4).round() / 1e4);
        assert_eq!(trust.score(&id("new")), stored, "{row}");
    }
}

#[test]
fn chain_trust_is_as_the_table_says_except_for_links_above_one() {
    for row in rows(&vectors!("trust.json"), "chain_trust") {
        let links: Vec<_> = row["trust_chain"]
            .as_array()
            .unwrap()
            .iter()
            .map(|link| link.get("trust_to_next").and_then(Value::as_f64))
            .collect();
        let trust = chain::chain_trust(links.iter().copied());
        // A link above 1 counts as 1 here; 1.1.1 lets it repair weak ones.
        let expected = row["chain_trust"].as_f64().unwrap().min(1.0);
        assert_eq!(trust, expected, "{row}");
        assert_eq!(chain::passes(trust), row["passes_floor_0.01"].as_bool().unwrap(), "{row}");
    }
}

#[test]
fn peers_are_ranked_as_recorded() {
    let recorded = vectors!("get_peers.json");
    for row in rows(&recorded, "rows") {
        let ranked: Vec<_> = row["response"]["peers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|peer| id(peer["agent_id"].as_str().unwrap()))
            .collect();
        // B 0.1, C 0.9, D without impression, in the order they connected.
        let connected = ["29acbae1", "2543b92f", "174553b4"].map(|start| {
            let peers = recorded["rows"][0]["response"]["peers"].as_array().unwrap();
            let peer = peers.iter().find(|peer| peer["agent_id"].as_str().unwrap().starts_with(start));
            id(peer.unwrap()["agent_id"].as_str().unwrap())
        });
        let mut trust = Trust::new();
        trust.set(connected[0], 0.1, None, NOW).unwrap();
        trust.set(connected[1], 0.9, None, NOW).unwrap();
        let ours = trust.ranking(connected);
        assert!(!ranked.is_empty());
        assert_eq!(ours[..ranked.len()], ranked[..], "{}", row["request"]);
    }
}

fn rule(row: &Value) -> RoutingRule {
    let mut row = row.as_object().unwrap().clone();
    row.entry("rule_id").or_insert(json!("r"));
    row.entry("action").or_insert(json!("handle"));
    if let Some(from) = row.get("from_agent_id").and_then(Value::as_str).map(id) {
        row.insert("from_agent_id".into(), json!(from));
    }
    if let Some(to) = row.get("forward_to").and_then(Value::as_array) {
        let to: Vec<_> = to.iter().map(|name| id(name.as_str().unwrap())).collect();
        row.insert("forward_to".into(), json!(to));
    }
    serde_json::from_value(Value::Object(row)).unwrap()
}

#[test]
fn rules_match_as_the_table_says() {
    for row in rows(&vectors!("router.json"), "rule_matches") {
        let from = id(row["message"]["from_agent_id"].as_str().unwrap());
        let message = MessageView {
            content: row["message"]["content"].as_str().unwrap(),
            from: &from,
            metadata: row["message"]["metadata"].as_object().unwrap(),
            is_reply: false,
        };
        assert_eq!(matches(&rule(&row["rule"]), message), row["matches"].as_bool().unwrap(), "{row}");
    }
}

#[test]
fn every_mode_decides_as_the_table_says() {
    let (from, metadata) = (id("p1"), Map::new());
    let message = MessageView { content: "Hello World", from: &from, metadata: &metadata, is_reply: false };
    for row in rows(&vectors!("router.json"), "decisions") {
        let rules: Vec<_> = row["rules"].as_array().unwrap().iter().map(rule).collect();
        let expected = match row["action"].as_str().unwrap() {
            "handle" => Decision::Handle,
            "drop" => Decision::Drop,
            "pass" => Decision::Pass,
            "forward" => {
                let to = row["forward_to"].as_array().unwrap();
                Decision::Forward { to: to.iter().map(|name| id(name.as_str().unwrap())).collect() }
            }
            other => panic!("unknown action {other}"),
        };
        let name = row["mode"].as_str().unwrap();
        assert_eq!(decide(RouterMode::from_name(name), &rules, message), expected, "{row}");
        // Our settings refuse an unknown mode instead of taking it for another one.
        if let Ok(by_serde) = serde_json::from_value::<RouterMode>(row["mode"].clone()) {
            assert_eq!(by_serde, RouterMode::from_name(name));
        }
    }
}

const OWN: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
const BETA: &str = "29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7";

fn name_of(peer: &AgentId) -> Option<String> {
    (*peer == id(BETA)).then(|| String::from("beta"))
}

#[test]
fn entries_read_as_the_table_says() {
    let own = id(OWN);
    let viewer = Viewer { own: &own, name_of: &name_of };
    for row in rows(&vectors!("context.json"), "format_entry") {
        let entry: LogEntry = serde_json::from_value(row["entry"].clone()).unwrap();
        assert_eq!(line(&entry, Detail::Brief, viewer), row["piggyback"].as_str().unwrap());
        assert_eq!(line(&entry, Detail::Full, viewer), row["full"].as_str().unwrap());
    }
}

#[test]
fn every_member_of_an_entry_survives_reading_and_writing() {
    for row in rows(&vectors!("context.json"), "format_entry") {
        let entry: LogEntry = serde_json::from_value(row["entry"].clone()).unwrap();
        assert_eq!(serde_json::to_value(&entry).unwrap(), row["entry"]);
    }
}

fn inbound(content: String, time: &str, kind: &str) -> LogEntry {
    serde_json::from_value(json!({
        "message_id": "m", "content": content, "from_agent_id": BETA, "to_agent_ids": [OWN],
        "timestamp": format!("2026-05-19T{time}.000000+00:00"), "entry_type": kind, "direction": "inbound",
    }))
    .unwrap()
}

#[test]
fn a_session_is_told_what_is_new_as_the_table_says() {
    let own = id(OWN);
    let viewer = Viewer { own: &own, name_of: &name_of };
    let context = vectors!("context.json");
    let (mut feed, mut log) = (ContextFeed::new(), ConversationLog::new());
    for row in rows(&context, "get_context_sequence") {
        let (step, session) = match row["step"].as_str().unwrap() {
            step @ "no session id" => (step, None),
            step => (step, Some("s1")),
        };
        let entries: Vec<_> = match step {
            "first call, 30 entries" => {
                (0..30).map(|n| inbound(format!("msg {n}"), &format!("12:00:{n:02}"), "direct")).collect()
            }
            "3 new" => (0..3).map(|n| inbound(format!("new {n}"), "12:34:56", "direct")).collect(),
            "7 new" => (0..7).map(|n| inbound(format!("newer {n}"), "12:34:56", "direct")).collect(),
            "no new entries" | "no session id" => vec![],
            other => panic!("unknown step {other}"),
        };
        for entry in entries {
            log.append(entry).unwrap();
        }
        assert_eq!(feed.context(session, &log, viewer), row["out"].as_str().unwrap(), "{step}");
    }
}

#[test]
fn hints_read_as_the_table_says() {
    let (mut feed, mut log) = (ContextFeed::new(), ConversationLog::new());
    let mut broadcasts = 0;
    for row in rows(&vectors!("context.json"), "activity_hint") {
        // Our log only grows, so the rows in which the count falls simply bring nothing new.
        while broadcasts < row["inbound_broadcasts"].as_u64().unwrap() {
            log.append(inbound("b".into(), "12:34:56", "broadcast")).unwrap();
            broadcasts += 1;
        }
        let unread = usize::try_from(row["queue"].as_u64().unwrap()).unwrap();
        assert_eq!(
            feed.hint(row["session_id"].as_str(), unread, &log),
            row["hint"].as_str().unwrap(),
            "{row}"
        );
    }
}

/// The count allowed at once and the sentence are those of 1.1.1. The difference: its window gives the
/// whole allowance back 60 s later, ours gives one request back every 60/N s. And there is no limit for all
/// connected peers together, so the row about one shows only that -1 means unlimited.
#[test]
fn a_connection_is_limited_as_recorded() {
    let mut seen = 0;
    let mut small = Limiter::new(Limits::default());
    for row in rows(&vectors!("rate_limit.json"), "rows") {
        let ask = |limiter: &mut Limiter, rate: i64| {
            let answer = limiter.peer(&id(BETA), PeerRate::from(rate), NOW);
            answer.err().map(|refused| dmagent::error::Error::from(refused).message().to_owned())
        };
        if let Some(first_refused) = row["first_refused_call_of_one_connection"].as_u64() {
            let mut limiter = Limiter::new(Limits::default());
            for call in 1..first_refused {
                assert_eq!(ask(&mut limiter, 0), None, "call {call}");
            }
            assert_eq!(ask(&mut limiter, 0).as_deref(), row["error"].as_str());
        } else if row.get("call").is_some() {
            assert_eq!(
                ask(&mut small, row["conn_limit"].as_i64().unwrap()).as_deref(),
                row["error"].as_str()
            );
        } else {
            let mut limiter = Limiter::new(Limits::default());
            let unlimited = (0..row["first_refused_call_global"].as_u64().unwrap())
                .all(|_| ask(&mut limiter, row["conn_limit"].as_i64().unwrap()).is_none());
            assert!(unlimited);
        }
        seen += 1;
    }
    assert_eq!(seen, 7);
}
