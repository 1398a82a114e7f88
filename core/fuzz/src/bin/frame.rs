//! The way of a request up to belief: path, query and body in, a frame or a refusal out.
//!
//! An input is the path, a line feed, the query, a line feed, and the body.

#![no_main]

use std::sync::LazyLock;

use dmagent::{
    env::Timestamp,
    identity::Passport,
    wire::{
        Answer, Body, Method, Route,
        frame::Frame,
        json,
        verify::{Proof, Relation, Verifier},
    },
};

/// The keys and the time of the recorded requests among the seeds.
static US: LazyLock<Passport> = LazyLock::new(|| Passport::from_seed(std::array::from_fn(|n| 32 + n as u8)));
const NOW: Timestamp = Timestamp::from_seconds(1_795_204_416);

/// A refusal blames the sender, in a JSON object with a sentence and a code.
fn check(refusal: &Answer) {
    assert!((400..500).contains(&refusal.status), "{refusal:?}");
    if let Body::Json(members) = &refusal.body {
        assert!(members.contains_key("error") && members.contains_key("code"), "{refusal:?}");
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(3, |byte| *byte == b'\n');
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (path, query) = (text(), text());
    let body = parts.next().unwrap_or_default();
    let read = json::parse_object(body);
    for (method, root) in [(Method::Get, false), (Method::Post, false), (Method::Post, true)] {
        let Ok(route) = Route::parse(method, &path, root) else { continue };
        let frame = match Frame::decode(&route, &query, body) {
            Ok(frame) => frame,
            Err(refusal) => {
                check(&refusal);
                continue;
            }
        };
        if let Frame::Message(message) = &frame {
            assert!(read.is_ok());
            // What was understood is written so that it is understood again.
            let again = Frame::from_object(route.endpoint, message.encode());
            assert!(matches!(again, Ok(Frame::Message(_))), "{message:?}");
        }
        for relation in [Relation::Stranger, Relation::Connected { signs_v2: false }] {
            let verifier = Verifier { passport: &US, now: NOW, relation: &|_| relation };
            match verifier.verify(frame.clone()) {
                Ok(verified) => assert!(verified.proof() == Proof::None || verified.sender().is_some()),
                Err(refusal) => check(&refusal),
            }
        }
    }
});
