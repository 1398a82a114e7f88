//! Beacons against recorded datagrams.

use dmagent::{
    discovery::beacon::{self, Ignored},
    env::Timestamp,
    identity::AgentId,
};
use serde_json::Value;

fn recorded() -> Value {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/mesh/lan_multicast.json"));
    serde_json::from_str(text).expect("the table is JSON")
}

fn datagram(row: &Value) -> &[u8] {
    row["datagram_text"].as_str().expect("a datagram").as_bytes()
}

const NOBODY: AgentId = AgentId::from_bytes([7; 32]);

#[test]
fn recorded_beacons_are_believed_while_they_are_fresh() {
    let table = recorded();
    let beacons = table["beacons"].as_array().unwrap();
    assert_eq!(beacons.len(), 2);
    for row in beacons {
        let parsed = &row["parsed"];
        let ts = parsed["ts"].as_i64().unwrap();
        let heard = beacon::verify(datagram(row), &NOBODY, Timestamp::from_seconds(ts + 1)).unwrap();
        assert_eq!(heard.agent_id.to_string(), parsed["agent_id"].as_str().unwrap());
        assert_eq!(u64::from(heard.port), parsed["port"].as_u64().unwrap());
        assert_eq!(heard.display_name, parsed["display_name"].as_str().unwrap());
        assert_eq!(heard.bio, parsed["bio"].as_str().unwrap());
        assert!(heard.accepting);

        let signed = beacon::signed_bytes(&heard.agent_id, heard.port, heard.ts);
        assert_eq!(signed, row["canonical"].as_str().unwrap().as_bytes());
        let late = Timestamp::from_seconds(ts + 301);
        assert_eq!(beacon::verify(datagram(row), &NOBODY, late), Err(Ignored::Stale));
        let own = heard.agent_id;
        assert_eq!(beacon::verify(datagram(row), &own, late), Err(Ignored::Own));
    }
}

#[test]
fn our_beacon_has_the_members_of_a_recorded_one() {
    let table = recorded();
    let parsed = table["beacons"][0]["parsed"].as_object().unwrap();
    let announcement = dmagent::discovery::Announcement {
        agent_id: parsed["agent_id"].as_str().unwrap().parse().unwrap(),
        display_name: parsed["display_name"].as_str().unwrap().into(),
        bio: parsed["bio"].as_str().unwrap().into(),
        port: u16::try_from(parsed["port"].as_u64().unwrap()).unwrap(),
        shares_port: false,
        active: true,
        accepting: true,
    };
    let mut signature = [0; 64];
    hex::decode_to_slice(parsed["beacon_signature_hex"].as_str().unwrap(), &mut signature).unwrap();
    let now = Timestamp::from_seconds(parsed["ts"].as_i64().unwrap());
    let ours = beacon::encode(&announcement, now, |_| signature);
    assert_eq!(&serde_json::from_slice::<serde_json::Map<_, _>>(&ours).unwrap(), parsed);
}

#[test]
fn session_descriptions_in_the_same_group_are_left_alone() {
    let table = recorded();
    for name in ["sdp_offer_datagram", "sdp_answer_datagram"] {
        let answer = beacon::verify(datagram(&table[name]), &NOBODY, Timestamp::from_seconds(1_795_204_665));
        assert_eq!(answer, Err(Ignored::OtherKind), "{name}");
    }
}
