//! Challenge and proof: a node asks an agent to sign a fresh nonce, so it sees that the key is there.
//!
//! 1.1.1 keeps its challenges in a store it purges before it looks, so their lifetime never bites. Here
//! the verifier keeps the [`Challenge`] itself, and an old one is refused.

use std::time::Duration;

use super::{AgentId, Passport, Signature};
use crate::{
    env::{Random, Timestamp},
    error::{Code, Error},
};

/// How long a challenge may be answered.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_secs(60);

/// A question to one agent that only its key can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `ch-` and 16 hexadecimal digits.
    pub id: String,
    /// What is to be signed, sent as 64 lower-case hexadecimal digits.
    pub nonce: [u8; 32],
    /// Who is asked.
    pub agent: AgentId,
    /// When it was asked.
    pub issued_at: Timestamp,
}

/// Why a proof does not answer a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeError {
    /// The challenge was put to another agent.
    WrongAgent,
    /// The challenge is older than [`CHALLENGE_LIFETIME`], or from the future.
    Expired,
    /// The signature does not hold.
    BadProof,
}

impl Challenge {
    /// A fresh challenge to `agent`.
    pub fn issue(agent: AgentId, now: Timestamp, random: &dyn Random) -> Self {
        let (mut id, mut nonce) = ([0; 8], [0; 32]);
        random.fill(&mut id);
        random.fill(&mut nonce);
        Self { id: format!("ch-{}", hex::encode(id)), nonce, agent, issued_at: now }
    }

    /// The nonce as it is sent and signed.
    pub fn hex(&self) -> String {
        hex::encode(self.nonce)
    }

    /// Checks the answer that arrived at `now` from someone who claims to be `claimed`. A proof is good
    /// for as long as the challenge lives; whoever wants it only once drops the challenge afterwards.
    pub fn check(&self, claimed: AgentId, proof: &Signature, now: Timestamp) -> Result<(), ChallengeError> {
        if claimed != self.agent {
            return Err(ChallengeError::WrongAgent);
        }
        if now.distance(self.issued_at) > CHALLENGE_LIFETIME {
            return Err(ChallengeError::Expired);
        }
        if !self.agent.verify(&signed_bytes(&self.hex()), proof) {
            return Err(ChallengeError::BadProof);
        }
        Ok(())
    }
}

/// Answers a challenge. `challenge_hex` is signed as it came, because the text is what 1.1.1 verifies.
pub fn prove(passport: &Passport, challenge_hex: &str) -> Signature {
    passport.sign(&signed_bytes(challenge_hex))
}

/// What a proof signs: the domain line and the hexadecimal text, joined by a line feed.
pub fn signed_bytes(challenge_hex: &str) -> Vec<u8> {
    format!("darkmatter.challenge_response.v1\n{challenge_hex}").into_bytes()
}

impl From<ChallengeError> for Error {
    fn from(reason: ChallengeError) -> Self {
        match reason {
            ChallengeError::WrongAgent => {
                Self::new(Code::KeyMismatch, "the challenge was put to another agent; ask for your own")
            }
            ChallengeError::Expired => {
                Self::new(Code::Stale, "the challenge expired; send the request again for a fresh one")
            }
            ChallengeError::BadProof => {
                Self::new(Code::SignatureInvalid, "the proof does not hold; sign the challenge as sent")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SeededRandom;

    #[test]
    fn a_proof_holds_for_sixty_seconds_and_only_for_the_agent_asked() {
        let random = SeededRandom::new(7);
        let (passport, other) = (Passport::generate(&random), Passport::generate(&random));
        let issued = Timestamp::from_seconds(1_000);
        let challenge = Challenge::issue(passport.agent_id(), issued, &random);
        let proof = prove(&passport, &challenge.hex());
        let check = |agent, proof, second| challenge.check(agent, &proof, Timestamp::from_seconds(second));

        assert_eq!(check(passport.agent_id(), proof, 1_060), Ok(()));
        assert_eq!(check(passport.agent_id(), proof, 1_061), Err(ChallengeError::Expired));
        // A clock that was set back must not stretch the lifetime.
        assert_eq!(check(passport.agent_id(), proof, 900), Err(ChallengeError::Expired));
        assert_eq!(check(other.agent_id(), proof, 1_000), Err(ChallengeError::WrongAgent));
        let forged = prove(&other, &challenge.hex());
        assert_eq!(check(passport.agent_id(), forged, 1_000), Err(ChallengeError::BadProof));
    }

    #[test]
    fn every_challenge_is_new() {
        let random = SeededRandom::new(8);
        let agent = Passport::generate(&random).agent_id();
        let [first, second] = [1, 2].map(|at| Challenge::issue(agent, Timestamp::from_seconds(at), &random));
        assert!(first.id != second.id && first.nonce != second.nonce);
        assert!(first.id.starts_with("ch-") && first.id.len() == 19, "{}", first.id);
    }
}
