//! Every kind of signature, in both directions, and timestamps.

use dmagent::{
    identity::{AgentId, Signature},
    wire::{canonical, time},
};
use serde_json::Value;

use super::{bytes, id, named, rows, table, text};

fn fields(row: &Value) -> Vec<&str> {
    row["fields"].as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect()
}

fn canonical_form(kind: &str, fields: &[&str]) -> Vec<u8> {
    match (kind, fields) {
        ("message", [from, id_, at, content]) => canonical::message(&id(from), id_, at, content),
        ("peer_update", [agent, url, at]) => canonical::peer_update(&id(agent), url, at),
        ("relay_poll", [agent, at]) => canonical::relay_poll(&id(agent), at),
        ("sdp", [agent, sdp]) => canonical::sdp(&id(agent), sdp),
        ("lan_beacon", [agent, port, at]) => {
            canonical::lan_beacon(&id(agent), port.parse().unwrap(), at.parse().unwrap())
        }
        ("challenge_response", [nonce]) => canonical::challenge(nonce),
        ("mesh_route_response", [route, source, target, agent]) => {
            canonical::route_response(route, &id(source), &id(target), agent)
        }
        other => panic!("no form for {other:?}"),
    }
}

#[test]
fn every_kind_has_the_bytes_and_the_signature_of_1_1_1() {
    let table = table("signatures");
    let mut kinds = std::collections::BTreeSet::new();
    for row in rows(&table, "signatures") {
        let kind = text(row, "kind");
        kinds.insert(kind);
        let form = canonical_form(kind, &fields(row));
        assert_eq!(form, bytes(row, "canonical_hex"), "{kind}");
        let signer = named(text(row, "signer"));
        let signature = signer.sign(&form);
        assert_eq!(signature.to_string(), text(row, "signature_hex"), "{kind}");
        assert!(signer.agent_id().verify(&form, &signature), "{kind}");
    }
    assert_eq!(kinds.len(), 7);
}

#[test]
fn a_message_verifies_exactly_when_it_does_for_1_1_1() {
    for row in rows(&table("signatures"), "message_verify_table") {
        let verifies = || {
            let key = AgentId::parse_lenient(text(row, "public_key_hex"))?;
            let signature = Signature::parse_lenient(text(row, "signature_hex"))?;
            Some(key.verify(&canonical_form("message", &fields(row)), &signature))
        };
        // The last row, a line feed inside an id, verifies here too: bytes are bytes. Such ids and
        // timestamps are refused where frames are decoded (S13).
        assert_eq!(verifies().unwrap_or(false), row["verifies"].as_bool().unwrap(), "{}", row["label"]);
    }
}

#[test]
fn timestamps_are_fresh_exactly_when_they_are_for_1_1_1() {
    let table = table("timestamps");
    let now = time::parse(text(&table, "now")).unwrap();
    assert_eq!(table["window_s"].as_u64().unwrap(), dmagent::wire::limits::FRESHNESS.as_secs());
    for row in rows(&table, "rows") {
        let stamp = text(row, "timestamp");
        assert_eq!(time::is_fresh(stamp, now), row["fresh"].as_bool().unwrap(), "{stamp}");
    }
}
