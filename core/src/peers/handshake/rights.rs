//! Tests of what a proven requester may do that an unproven one may not.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    env::{Moment, Now, SeededRandom, SigningTimes},
    error::Code,
    peers::{LocationRecord, PENDING_LIMIT, Verdict},
    transport::{Grant, Source},
    wire::{
        AddressClass,
        frame::Frame,
        route::Endpoint,
        verify::{Believed, Relation, Verified, Verifier},
    },
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

struct Side {
    passport: Passport,
    me: SelfDescription,
    random: SeededRandom,
    times: SigningTimes,
    peers: Peers,
    now: Timestamp,
}

impl Side {
    fn new(seed: u8) -> Self {
        let passport = Passport::from_seed([seed; 32]);
        let me = SelfDescription {
            agent_id: passport.agent_id(),
            display_name: format!("agent-{seed}"),
            bio: String::new(),
            active: true,
            url: format!("http://127.0.0.1:{}", 8000 + u16::from(seed)),
            created_at: NOW,
            capabilities: Map::from_iter([("signature".into(), json!(2)), ("seal".into(), json!(1))]),
        };
        Self {
            passport,
            me,
            random: SeededRandom::new(u64::from(seed)),
            times: SigningTimes::new(crate::wire::limits::FRESHNESS),
            peers: Peers::default(),
            now: NOW,
        }
    }

    fn context(&self, auto_accept: AutoAccept) -> Context<'_> {
        Context {
            now: self.now,
            steady: Moment::ORIGIN,
            me: &self.me,
            passport: &self.passport,
            times: &self.times,
            random: &self.random,
            auto_accept,
            max_connections: 50,
            request_expiry: Duration::from_secs(3600),
        }
    }

    fn verified(&self, endpoint: Endpoint, object: Map<String, Value>) -> Result<Believed, Answer> {
        let verifier = Verifier { passport: &self.passport, now: NOW, relation: &|_| Relation::Stranger };
        verifier.verify(Frame::from_object(endpoint, object)?).map(Verified::sort)
    }

    fn ask(&mut self, object: Map<String, Value>, auto_accept: AutoAccept) -> PeerOutcome {
        self.ask_from("127.0.0.1:5", object, auto_accept)
    }

    fn ask_from(&mut self, source: &str, object: Map<String, Value>, auto_accept: AutoAccept) -> PeerOutcome {
        let Ok(Believed::ConnectionRequest(request)) = self.verified(Endpoint::ConnectionRequest, object)
        else {
            panic!("the request is well formed");
        };
        let source = Source::Socket(source.parse().unwrap());
        let mut peers = std::mem::take(&mut self.peers);
        let outcome = peers.on_request(&request, &source, &Verdict::Default, &self.context(auto_accept));
        self.peers = peers;
        outcome
    }
}

fn near() -> Source {
    Source::Socket("127.0.0.1:5".parse().unwrap())
}

/// `agent` does not answer `side` any more.
fn lose(side: &mut Side, agent: &AgentId) {
    for seconds in 0..60 {
        let span = Duration::from_secs(seconds);
        side.peers.note_reached(agent, false, Now { wall: NOW + span, steady: Moment::ORIGIN + span });
    }
    assert!(side.peers.health(agent).is_unreachable());
}

/// A request with or without the second signature.
fn request(from: &Side, to: &Side, signed: bool) -> Map<String, Value> {
    let mut object = from.context(AutoAccept::None).request(Some(&to.me.agent_id), "nonce", false).unwrap();
    if !signed {
        object.remove("signature_v2");
    }
    object
}

#[test]
fn only_a_proven_request_makes_us_expect_second_signatures() {
    for (signed, expected) in [(false, false), (true, true)] {
        let (alice, mut bob) = (Side::new(1), Side::new(2));
        let outcome = bob.ask(request(&alice, &bob, signed), AutoAccept::Loopback);
        assert!(outcome.answer.is_ok());
        let connection = bob.peers.get(&alice.me.agent_id).unwrap();
        assert_eq!((connection.signs_v2(), connection.identity_verified), (expected, expected));
    }
}

#[test]
fn a_repeated_request_moves_the_url_only_when_it_is_proven_s4() {
    let (mut alice, mut bob) = (Side::new(1), Side::new(2));
    bob.ask(request(&alice, &bob, true), AutoAccept::Loopback);
    let url = |bob: &Side| bob.peers.get(&Side::new(1).me.agent_id).unwrap().url.clone();
    alice.me.url = "http://127.0.0.1:9999".into();
    alice.now = NOW + Duration::from_secs(1);
    bob.ask(request(&alice, &bob, false), AutoAccept::Loopback);
    assert_eq!(url(&bob), "http://127.0.0.1:8001");
    bob.ask(request(&alice, &bob, true), AutoAccept::Loopback);
    assert_eq!(url(&bob), "http://127.0.0.1:9999");
}

#[test]
fn a_url_leads_as_near_as_whoever_told_it_s10() {
    let (mut alice, mut bob) = (Side::new(1), Side::new(2));
    let id = alice.me.agent_id;
    let mut tell = |bob: &mut Side, seconds, source: &str, url: &str| {
        (alice.me.url, alice.now) = (url.to_owned(), NOW + Duration::from_secs(seconds));
        bob.ask_from(source, request(&alice, bob, true), AutoAccept::None);
    };
    let grant = |bob: &Side| bob.peers.get(&id).unwrap().grant();
    tell(&mut bob, 0, "9.9.9.9:5", "http://alice.example:8100");
    let [waiting] = &bob.peers.pending()[..] else { panic!("it waits") };
    let mut peers = std::mem::take(&mut bob.peers);
    peers.accept(&waiting.request_id, &bob.context(AutoAccept::None)).unwrap();
    bob.peers = peers;
    assert_eq!(grant(&bob), Grant::Peer(AddressClass::Global));
    let at = |address: &str| Grant::At(address.parse().unwrap());
    tell(&mut bob, 1, "192.168.1.7:5", "http://alice.example:8100");
    assert_eq!(grant(&bob), at("192.168.1.7"), "nobody here looked at it");
    tell(&mut bob, 2, "9.9.9.9:5", "http://alice.example:8100");
    assert_eq!(grant(&bob), at("192.168.1.7"), "nothing new");
    tell(&mut bob, 3, "9.9.9.9:5", "http://other.example:8100");
    assert_eq!(grant(&bob), Grant::Peer(AddressClass::Global));
    let _rows = bob.peers.change(&id, |peer| peer.move_to(peer.url.clone(), Told::DIALLED)).unwrap();
    assert_eq!(grant(&bob), Grant::Peer(AddressClass::Loopback), "we dialled it ourselves");
}

#[test]
fn an_answered_challenge_shows_the_key_and_not_who_asks() {
    let (alice, mut bob) = (Side::new(1), Side::new(2));
    let id = alice.me.agent_id;
    let mut claim = request(&alice, &bob, false);
    claim.insert("from_agent_url".into(), json!("http://127.0.0.1:6666"));
    let crate::wire::Body::Json(pending) = bob.ask(claim, AutoAccept::None).answer.body else {
        panic!("an object")
    };
    // Whoever claims to be Alice passes our challenge on to her.
    let text = |name: &str| pending[name].as_str().unwrap();
    let proof = proof_body(&alice.passport, text("challenge_id"), text("challenge_hex"));
    let Ok(Believed::ConnectionProof(proof)) = bob.verified(Endpoint::ConnectionProof, proof) else {
        panic!("the proof is well formed");
    };
    assert!(bob.peers.on_proof(proof.frame(), NOW).answer.is_ok());
    let waiting = bob.peers.pending().remove(0);
    assert_eq!((waiting.challenge_answered, waiting.identity_verified), (true, false));
    // Unproven, nobody changes what a key was shown for.
    bob.ask(request(&alice, &bob, false), AutoAccept::None);
    assert_eq!(bob.peers.pending(), std::slice::from_ref(&waiting));
    let mut peers = std::mem::take(&mut bob.peers);
    peers.accept(&waiting.request_id, &bob.context(AutoAccept::None)).unwrap();
    assert!(!peers.get(&id).unwrap().identity_verified);
}

#[test]
fn a_crowd_of_unproven_requests_does_not_keep_a_proven_one_out_s16() {
    let mut bob = Side::new(200);
    for seed in 0..PENDING_LIMIT as u8 {
        assert!(bob.ask(request(&Side::new(seed), &bob, false), AutoAccept::None).answer.is_ok());
    }
    let unproven = bob.ask(request(&Side::new(100), &bob, false), AutoAccept::None);
    assert_eq!(unproven.answer.status, 429);
    let proven = bob.ask(request(&Side::new(101), &bob, true), AutoAccept::None);
    assert!(proven.answer.is_ok());
    assert_eq!(bob.peers.pending().len(), PENDING_LIMIT);
    assert!(bob.peers.pending().iter().any(|pending| pending.agent_id == Side::new(101).me.agent_id));
}

#[test]
fn an_unsigned_reply_does_not_move_a_peer_that_signs_s4() {
    let (mut alice, mut bob) = (Side::new(1), Side::new(2));
    let reply = |bob: &mut Side, signed: bool| {
        let outcome = bob.ask(request(&Side::new(1), bob, true), AutoAccept::Loopback);
        let crate::wire::Body::Json(mut object) = outcome.answer.body else { panic!("an object") };
        if !signed {
            object.remove("signature_v2");
        }
        crate::wire::frame::ConnectionAccepted::decode(object).unwrap()
    };
    let believe = |alice: &Side, reply| {
        let verifier = Verifier { passport: &alice.passport, now: NOW, relation: &|_| Relation::Stranger };
        verifier.verify_reply(reply).unwrap()
    };
    let genuine = believe(&alice, reply(&mut bob, true));
    alice.peers.on_reply("http://127.0.0.1:8002", &genuine, "nonce", NOW).unwrap();
    let forged = believe(&alice, reply(&mut bob, false));
    let error = alice.peers.on_reply("http://127.0.0.1:6666", &forged, "nonce", NOW).unwrap_err();
    assert_eq!(error.code(), Code::PeerMismatch);
    assert_eq!(alice.peers.get(&bob.me.agent_id).unwrap().url, "http://127.0.0.1:8002");
}

#[test]
fn an_unsigned_acceptance_in_the_name_of_a_signing_agent_is_refused_s6() {
    let (mut alice, bob) = (Side::new(1), Side::new(2));
    let _rows =
        alice.peers.on_pending_reply(&bob.me.url, bob.me.agent_id, "req-1".into(), true, NOW).unwrap();
    let mut forged = bob.context(AutoAccept::None).accepted(&alice.me.agent_id).unwrap();
    let genuine = forged.clone();
    forged.remove("signature_v2");
    let mut take = |object| {
        let Ok(Believed::ConnectionAccepted(accepted)) = alice.verified(Endpoint::ConnectionAccepted, object)
        else {
            panic!("the acceptance is well formed");
        };
        let mut peers = std::mem::take(&mut alice.peers);
        let outcome = peers.on_accepted(&accepted, &near(), &alice.context(AutoAccept::None));
        alice.peers = peers;
        outcome.answer
    };
    assert_eq!(
        take(forged),
        Answer::refuse(403, Code::SignatureMissing, "Signature required — this agent signs what it accepts")
    );
    assert!(take(genuine).is_ok());
    assert!(alice.peers.get(&bob.me.agent_id).unwrap().identity_verified);
}

#[test]
fn an_unsigned_reply_does_not_move_a_proven_peer_of_1_1_1_s4() {
    let (mut alice, bob) = (Side::new(1), Side::new(2));
    let id = bob.me.agent_id;
    let mut object = Map::new();
    object.insert("auto_accepted".into(), json!(true));
    object.insert("agent_id".into(), json!(id));
    object.insert("agent_url".into(), json!(bob.me.url));
    let reply = || {
        let verifier = Verifier { passport: &bob.passport, now: NOW, relation: &|_| Relation::Stranger };
        let reply = crate::wire::frame::ConnectionAccepted::decode(object.clone()).unwrap();
        verifier.verify_reply(reply).unwrap()
    };
    let url = |alice: &Side| alice.peers.get(&id).unwrap().url.clone();
    let dial = |alice: &mut Side, url: &str| alice.peers.on_reply(url, &reply(), "nonce", NOW).map(|_| ());

    // Nothing is proven yet: the newest address is as good as the first.
    dial(&mut alice, "http://127.0.0.1:8002").unwrap();
    dial(&mut alice, "http://127.0.0.1:8003").unwrap();
    assert_eq!(url(&alice), "http://127.0.0.1:8003");

    let _rows = alice.peers.change(&id, |connection| connection.identity_verified = true).unwrap();
    dial(&mut alice, "http://127.0.0.1:6666").unwrap();
    assert_eq!(url(&alice), "http://127.0.0.1:8003");
    lose(&mut alice, &id);
    assert_eq!(dial(&mut alice, "http://127.0.0.1:6666").unwrap_err().code(), Code::PeerMismatch);
    assert_eq!(url(&alice), "http://127.0.0.1:8003");
}

/// Alice, who knows Bob, was made to ask at another address, which says that it is Bob and will decide later.
fn asked_elsewhere(signed: bool) -> (Side, Side) {
    let (mut alice, mut bob) = (Side::new(1), Side::new(2));
    alice.ask(request(&bob, &alice, signed), AutoAccept::Loopback);
    if !signed {
        let id = bob.me.agent_id;
        let _rows = alice.peers.change(&id, |connection| connection.identity_verified = true).unwrap();
    }
    let dialled = "http://127.0.0.1:6666";
    let _rows = alice.peers.on_pending_reply(dialled, bob.me.agent_id, "req-1".into(), false, NOW).unwrap();
    bob.me.url = dialled.into();
    (alice, bob)
}

fn accept(alice: &mut Side, bob: &Side, signed: bool) -> u16 {
    let mut object = bob.context(AutoAccept::None).accepted(&alice.me.agent_id).unwrap();
    if !signed {
        object.remove("signature_v2");
    }
    let Ok(Believed::ConnectionAccepted(accepted)) = alice.verified(Endpoint::ConnectionAccepted, object)
    else {
        panic!("the acceptance is well formed");
    };
    let mut peers = std::mem::take(&mut alice.peers);
    let outcome = peers.on_accepted(&accepted, &near(), &alice.context(AutoAccept::None));
    alice.peers = peers;
    outcome.answer.status
}

#[test]
fn a_proven_acceptance_of_a_known_peer_ends_our_request_and_moves_it_to_where_we_asked() {
    let (mut alice, bob) = asked_elsewhere(true);
    assert_eq!(accept(&mut alice, &bob, true), 200);
    assert_eq!(alice.peers.outstanding().count(), 0);
    assert_eq!(url::base(&alice.peers.get(&bob.me.agent_id).unwrap().url), "http://127.0.0.1:6666");
}

#[test]
fn an_unsigned_acceptance_takes_nothing_from_a_peer_that_has_proven_itself_s4() {
    for (signs, status) in [(true, 403), (false, 200)] {
        let (mut alice, bob) = asked_elsewhere(signs);
        let before = alice.peers.get(&bob.me.agent_id).unwrap().clone();
        assert_eq!(accept(&mut alice, &bob, false), status);
        let after = alice.peers.get(&bob.me.agent_id).unwrap();
        assert_eq!(
            (&after.url, &after.capabilities, after.identity_verified),
            (&before.url, &before.capabilities, true)
        );
    }
}

#[test]
fn a_recorded_acceptance_does_not_bring_old_abilities_back_s12() {
    let (mut alice, mut bob) = (Side::new(1), Side::new(2));
    bob.now = NOW + Duration::from_secs(1);
    alice.ask(request(&bob, &alice, true), AutoAccept::Loopback);
    let _rows = alice.peers.change(&bob.me.agent_id, |peer| peer.last_update = Some(bob.now)).unwrap();
    let seals = |alice: &Side| alice.peers.get(&bob.me.agent_id).unwrap().capabilities.clone();
    let known = seals(&alice);
    for (now, is_taken) in [(NOW, false), (NOW + Duration::from_secs(2), true)] {
        let mut told = Side::new(2);
        told.now = now;
        told.me.capabilities.insert("new".into(), json!(1));
        assert_eq!(accept(&mut alice, &told, true), 200);
        assert_eq!(seals(&alice) != known, is_taken);
    }
}

#[test]
fn a_signed_reply_that_was_fetched_elsewhere_moves_nobody_s4() {
    let (mut alice, mut bob) = (Side::new(1), Side::new(2));
    let mut reply = |nonce: Option<&str>| {
        let asker = Side::new(1);
        let asking = match nonce {
            Some(nonce) => {
                asker.context(AutoAccept::None).request(Some(&bob.me.agent_id), nonce, false).unwrap()
            }
            // Who asks in the name of another cannot sign, and is answered without a nonce.
            None => request(&asker, &bob, false),
        };
        let crate::wire::Body::Json(object) = bob.ask(asking, AutoAccept::Loopback).answer.body else {
            panic!("an object")
        };
        let verifier =
            Verifier { passport: &Side::new(1).passport, now: NOW, relation: &|_| Relation::Stranger };
        verifier.verify_reply(crate::wire::frame::ConnectionAccepted::decode(object).unwrap()).unwrap()
    };
    let url = |alice: &Side| alice.peers.get(&Side::new(2).me.agent_id).unwrap().url.clone();
    let answered = reply(Some("nonce"));
    alice.peers.on_reply("http://127.0.0.1:8002", &answered, "nonce", NOW).unwrap();
    for nonce in [None, Some("another")] {
        let error = alice.peers.on_reply("http://127.0.0.1:6666", &reply(nonce), "nonce", NOW).unwrap_err();
        assert_eq!(error.code(), Code::PeerMismatch);
    }
    // It says itself that it is still where it was.
    alice.peers.on_reply("http://127.0.0.1:6666", &answered, "nonce", NOW).unwrap();
    assert_eq!(url(&alice), "http://127.0.0.1:8002");
    // When it is gone there, the user's word is all there is.
    let id = Side::new(2).me.agent_id;
    lose(&mut alice, &id);
    alice.peers.on_reply("http://127.0.0.1:6666", &answered, "nonce", NOW).unwrap();
    assert_eq!(url(&alice), "http://127.0.0.1:6666");
}

#[test]
fn a_request_between_a_notice_and_its_end_makes_a_connection_that_the_notice_does_not_end() {
    let (mut alice, mut bob) = (Side::new(1), Side::new(2));
    let id = alice.me.agent_id;
    bob.ask(request(&alice, &bob, true), AutoAccept::Loopback);
    alice.now = NOW + Duration::from_secs(1);
    let count = |outcome: PeerOutcome| outcome.events.len();

    assert!(!bob.peers.leave(&id, "notice-1").unwrap().is_empty());
    assert_eq!(bob.peers.leave(&id, "notice-1"), None, "a copy");
    assert_eq!(count(bob.ask(request(&alice, &bob, true), AutoAccept::Loopback)), 1, "connected anew");
    assert!(bob.peers.left(&id, "notice-1").is_none());
    assert!(bob.peers.staying(&id).is_some());

    // The disk refuses a notice that it knows, and takes another one.
    for notice in ["notice-1", "notice-2"] {
        let _rows = bob.peers.leave(&id, notice).unwrap();
    }
    bob.peers.stay(&id, "notice-1");
    assert!(bob.peers.left(&id, "notice-1").is_none() && bob.peers.staying(&id).is_none());
    assert!(bob.peers.left(&id, "notice-2").is_some() && bob.peers.get(&id).is_none());
}

#[test]
fn a_handshake_brings_a_location_record_that_others_can_check_and_older_words_do_not_undo_a_newer_one() {
    let (mut alice, mut bob) = (Side::new(1), Side::new(2));
    let id = alice.me.agent_id;
    let later = |seconds| NOW + Duration::from_secs(seconds);
    bob.ask(request(&alice, &bob, true), AutoAccept::Loopback);
    let record = bob.peers.get(&id).unwrap().location.clone().unwrap();
    assert!(record.check(&id, NOW).is_ok());
    assert_eq!(record.url(), alice.me.url);
    // An address that somebody else passed on, and a request from before that was held up.
    (alice.me.url, alice.now) = ("http://127.0.0.1:7001".into(), later(10));
    let held_up = request(&alice, &bob, true);
    let newer = LocationRecord::sign(&alice.passport, "http://127.0.0.1:7002", &alice.times, later(20));
    let moved = bob.peers.on_location(&id, &newer, AddressClass::Loopback, later(20)).unwrap();
    assert_eq!(moved.1, [PeerEvent::PeerUpdated { agent_id: id }]);
    bob.ask(held_up, AutoAccept::Loopback);
    let known = bob.peers.get(&id).unwrap();
    assert_eq!((known.url.as_str(), known.location.as_ref()), ("http://127.0.0.1:7002", Some(&newer)));
    (alice.me.url, alice.now) = ("http://127.0.0.1:7003".into(), later(30));
    bob.ask(request(&alice, &bob, true), AutoAccept::Loopback);
    assert_eq!(bob.peers.get(&id).unwrap().url, "http://127.0.0.1:7003");
}
