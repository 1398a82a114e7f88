//! What a peer says about an agent when it is asked: the signed question, the signed answer, and what is believed of it.
//!
//! The answer names who says it (its signature), about whom, for whom, when, and which question it answers. So nobody can
//! pass on what another peer said, or said earlier, or said to somebody else.

use serde_json::{Map, Value, json};

use super::{PeerOpinion, score, sharing::Shared};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::{AgentId, Passport, Signature},
    wire::{
        canonical::{self, Domain, SIGNATURE_MEMBER},
        time,
    },
};

/// Longest note, in characters; the rest of a longer one is cut.
pub const NOTE_CHARS: usize = 2_000;

/// A question of ours.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whom we ask.
    pub peer: AgentId,
    /// Who we are.
    pub me: AgentId,
    /// Whom it is about.
    pub about: AgentId,
    /// What tells it from our other questions.
    pub nonce: &'a str,
}

impl Question<'_> {
    /// The signed question.
    ///
    /// # Errors
    ///
    /// Only when it has no canonical form, which cannot happen.
    pub fn signed(&self, passport: &Passport, at: Timestamp) -> Result<Map<String, Value>> {
        let members = json!({
            "from_agent_id": self.me, "to_agent_id": self.peer, "about": self.about, "nonce": self.nonce,
            "timestamp": at.to_wire(),
        });
        sign(Domain::ImpressionQuery, members, &self.peer, passport)
    }

    /// What is believed of a signed answer.
    ///
    /// # Errors
    ///
    /// [`Code::BadAnswer`] when it is not this peer's fresh answer to this question, or none that makes sense.
    pub fn believe(&self, mut answer: Map<String, Value>, now: Timestamp) -> Result<PeerOpinion> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let signature = text(SIGNATURE_MEMBER).and_then(Signature::parse_lenient);
        let bytes = canonical::object_v2(Domain::Opinion, &self.peer, Some(&self.me), &answer);
        let holds = matches!((bytes, signature), (Ok(bytes), Some(signature)) if self.peer.verify(&bytes, &signature));
        if !holds {
            return Err(bad("the opinion is not signed by the peer for this node"));
        }
        if text("from_agent_id") != Some(&self.peer.to_string()[..]) || text("nonce") != Some(self.nonce) {
            return Err(bad("the opinion answers another question"));
        }
        if !text("timestamp").is_some_and(|timestamp| time::is_fresh(timestamp, now)) {
            return Err(bad("the opinion is too old, or the peer's clock is wrong"));
        }
        read(&mut answer, &self.about, true)
    }

    /// What is taken from an answer of 1.1.1, which signs none.
    ///
    /// # Errors
    ///
    /// [`Code::BadAnswer`] when it is about somebody else, or none that makes sense.
    pub fn take(&self, mut answer: Map<String, Value>) -> Result<PeerOpinion> {
        read(&mut answer, &self.about, false)
    }
}

/// Our signed answer to the question of `asker` with this nonce.
///
/// # Errors
///
/// Only when it has no canonical form, which cannot happen.
pub fn answer(
    asker: &AgentId,
    about: &AgentId,
    nonce: &str,
    shared: Option<Shared<'_>>,
    passport: &Passport,
    at: Timestamp,
) -> Result<Map<String, Value>> {
    let mut members = json!({
        "from_agent_id": passport.agent_id(), "to_agent_id": asker, "agent_id": about, "nonce": nonce,
        "timestamp": at.to_wire(), "has_impression": shared.is_some(),
    });
    if let Some(Shared { score, note }) = shared {
        members["score"] = json!(score);
        members["note"] = json!(note);
    }
    sign(Domain::Opinion, members, asker, passport)
}

fn sign(domain: Domain, members: Value, to: &AgentId, passport: &Passport) -> Result<Map<String, Value>> {
    let Value::Object(mut object) = members else { return Ok(Map::new()) };
    let bytes = canonical::object_v2(domain, &passport.agent_id(), Some(to), &object)?;
    object.insert(SIGNATURE_MEMBER.into(), json!(passport.sign(&bytes)));
    Ok(object)
}

fn bad(sentence: &'static str) -> Error {
    Error::new(Code::BadAnswer, sentence)
}

fn read(answer: &mut Map<String, Value>, about: &AgentId, signed: bool) -> Result<PeerOpinion> {
    if answer.get("agent_id").and_then(Value::as_str) != Some(&about.to_string()[..]) {
        return Err(bad("the opinion is about another agent"));
    }
    let none =
        PeerOpinion { agent_id: *about, has_impression: false, score: None, note: String::new(), signed };
    match answer.get("has_impression") {
        Some(Value::Bool(false)) => return Ok(none),
        Some(Value::Bool(true)) => {}
        _ => return Err(bad("the peer's answer is no opinion")),
    }
    let score = answer.get("score").and_then(Value::as_f64).and_then(|score| score::checked(score).ok());
    let score = score.ok_or_else(|| bad("the peer's score is no number from -1 to 1"))?;
    let note = match answer.remove("note") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(note)) => note.chars().take(NOTE_CHARS).collect(),
        Some(_) => return Err(bad("the peer's note is no text")),
    };
    Ok(PeerOpinion { has_impression: true, score: Some(score), note, ..none })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const SHARED: Option<Shared<'static>> = Some(Shared { score: 0.25, note: "fine" });

    fn passport(seed: u8) -> Passport {
        Passport::from_seed([seed; 32])
    }

    fn question(nonce: &str) -> Question<'_> {
        Question {
            peer: passport(2).agent_id(),
            me: passport(1).agent_id(),
            about: passport(3).agent_id(),
            nonce,
        }
    }

    fn said(by: u8, to: u8, about: u8, nonce: &str, at: Timestamp) -> Map<String, Value> {
        let (to, about) = (passport(to).agent_id(), passport(about).agent_id());
        answer(&to, &about, nonce, SHARED, &passport(by), at).unwrap()
    }

    #[test]
    fn a_signed_opinion_is_believed() {
        let told = question("n").believe(said(2, 1, 3, "n", NOW), NOW).unwrap();
        let about = passport(3).agent_id();
        let note = "fine".to_owned();
        assert_eq!(
            told,
            PeerOpinion { agent_id: about, has_impression: true, score: Some(0.25), note, signed: true }
        );
        let nothing = answer(&passport(1).agent_id(), &about, "n", None, &passport(2), NOW).unwrap();
        assert!(!question("n").believe(nothing, NOW).unwrap().has_impression);
    }

    #[test]
    fn what_another_said_or_said_before_or_to_others_is_not_believed() {
        for (answer, why) in [
            (said(4, 1, 3, "n", NOW), "not signed by the peer"),
            (said(2, 4, 3, "n", NOW), "not signed by the peer for this node"),
            (said(2, 1, 4, "n", NOW), "about another agent"),
            (said(2, 1, 3, "earlier", NOW), "answers another question"),
            (said(2, 1, 3, "n", NOW - Duration::from_secs(301)), "too old"),
            (said(2, 1, 3, "n", NOW + Duration::from_secs(301)), "too old"),
        ] {
            let error = question("n").believe(answer, NOW).unwrap_err();
            assert_eq!(error.code(), Code::BadAnswer);
            assert!(error.message().contains(why), "{why}: {error}");
        }
        let mut unsigned = said(2, 1, 3, "n", NOW);
        unsigned.remove(SIGNATURE_MEMBER);
        assert!(question("n").believe(unsigned, NOW).is_err());
        for (member, value) in [("score", json!(0.5)), ("note", json!("x")), ("has_impression", json!(false))]
        {
            let mut changed = said(2, 1, 3, "n", NOW);
            changed.insert(member.into(), value);
            assert!(question("n").believe(changed, NOW).is_err(), "{member}");
        }
        // What was signed for another purpose is no opinion.
        let asked = question("n").signed(&passport(2), NOW).unwrap();
        assert!(question("n").believe(asked, NOW).is_err());
    }

    #[test]
    fn a_score_or_note_that_makes_no_sense_is_refused_signed_or_not() {
        let about = passport(3).agent_id();
        for (member, value) in [
            ("score", json!(7)),
            ("score", json!(-1.000_1)),
            ("score", json!("1")),
            ("score", Value::Null),
            ("note", json!(["x"])),
            ("has_impression", json!(1)),
        ] {
            let mut members = json!({"from_agent_id": question("n").peer, "agent_id": about, "nonce": "n",
                "timestamp": NOW.to_wire(), "has_impression": true, "score": 1, "note": "x"});
            assert!(question("n").take(members.as_object().unwrap().clone()).is_ok());
            members[member] = value;
            let plain = members.as_object().unwrap().clone();
            assert_eq!(question("n").take(plain).unwrap_err().code(), Code::BadAnswer, "{member}");
            let signed = sign(Domain::Opinion, members, &passport(1).agent_id(), &passport(2)).unwrap();
            assert_eq!(question("n").believe(signed, NOW).unwrap_err().code(), Code::BadAnswer, "{member}");
        }
    }

    #[test]
    fn a_long_note_is_cut() {
        let note = "\u{e9}".repeat(NOTE_CHARS + 1);
        let shared = Some(Shared { score: 0.0, note: &note });
        let said = answer(&passport(1).agent_id(), &passport(3).agent_id(), "n", shared, &passport(2), NOW);
        assert_eq!(question("n").believe(said.unwrap(), NOW).unwrap().note.chars().count(), NOTE_CHARS);
    }
}
