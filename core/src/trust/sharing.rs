//! Who hears what we think of others: a decision from the settings and facts about whoever asks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Impression;
use crate::identity::AgentId;

/// With whom something is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// With connected peers.
    #[default]
    Connected,
    /// With connected peers whose score is above 0.
    Trusted,
    /// With nobody.
    None,
}

impl Sharing {
    /// Whether an asker hears it.
    fn reaches(self, asker: Asker) -> bool {
        match self {
            Self::Connected => true,
            Self::Trusted => matches!(asker, Asker::Peer { score: Some(score), .. } if score > 0.0),
            Self::None => false,
        }
    }
}

/// Whoever asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asker {
    /// A peer that signed the question.
    Peer {
        /// Who.
        agent: AgentId,
        /// What we think of it.
        score: Option<f64>,
    },
    /// Somebody at the address of a peer, or on this machine: 1.1.1 signs no question.
    Unsigned,
}

/// What an asker hears of an impression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shared<'a> {
    /// The score.
    pub score: f64,
    /// The note; empty when it is not shared.
    pub note: &'a str,
}

/// What `asker` hears of what we think about `about`, if anything. Nobody hears about itself.
pub fn shared<'a>(
    impression: Option<&'a Impression>,
    about: &AgentId,
    asker: Asker,
    scores: Sharing,
    notes: Sharing,
) -> Option<Shared<'a>> {
    let is_itself = matches!(asker, Asker::Peer { agent, .. } if agent == *about);
    let impression = impression.filter(|_| !is_itself && scores.reaches(asker))?;
    let note = if notes.reaches(asker) { &impression.note[..] } else { "" };
    Some(Shared { score: impression.score, note })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> AgentId {
        AgentId::from_bytes([byte; 32])
    }

    #[test]
    fn the_settings_decide_who_hears_score_and_note() {
        use Sharing::{Connected, None as Nobody, Trusted};
        let impression = Impression { score: 0.25, note: "fine".into(), ..Impression::default() };
        let peer = |score| Asker::Peer { agent: id(1), score };
        let asked = [peer(Some(0.1)), peer(Some(0.0)), peer(None), peer(Some(-0.5)), Asker::Unsigned];
        for (scores, notes, heard) in [
            (Connected, Trusted, ["fine", "", "", "", ""].map(Some)),
            (Connected, Connected, ["fine"; 5].map(Some)),
            (Connected, Nobody, [""; 5].map(Some)),
            (Trusted, Trusted, [Some("fine"), None, None, None, None]),
            (Trusted, Connected, [Some("fine"), None, None, None, None]),
            (Trusted, Nobody, [Some(""), None, None, None, None]),
            (Nobody, Connected, [None; 5]),
        ] {
            for (asker, heard) in asked.into_iter().zip(heard) {
                let told = shared(Some(&impression), &id(2), asker, scores, notes);
                assert_eq!(
                    told,
                    heard.map(|note| Shared { score: 0.25, note }),
                    "{scores:?} {notes:?} {asker:?}"
                );
                assert_eq!(shared(None, &id(2), asker, scores, notes), None);
            }
        }
    }

    #[test]
    fn nobody_hears_about_itself() {
        let impression = Impression { score: 0.25, ..Impression::default() };
        let asker = Asker::Peer { agent: id(1), score: Some(1.0) };
        assert_eq!(shared(Some(&impression), &id(1), asker, Sharing::Connected, Sharing::Connected), None);
        assert!(shared(Some(&impression), &id(2), asker, Sharing::Connected, Sharing::Connected).is_some());
    }
}
