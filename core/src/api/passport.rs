//! Verbs about the passport: signatures of this agent, and the check of anybody's.
//!
//! What is signed is not the data alone but a form with a domain of its own, so that no signature made here can
//! ever pass as a frame of the mesh.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Code, Error, Result},
    identity::{AgentId, Signature},
    node::Node,
    wire::canonical::{self, Domain},
};

/// Most bytes of a text to sign.
const LONGEST: usize = 1024 * 1024;

/// What to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignArgs {
    /// The text; at most 1 MiB. Encode bytes as base64 or hexadecimal first.
    pub data: String,
    /// What the signature is for, at most 200 characters: a signature for one purpose is none for another.
    #[serde(default)]
    pub context: String,
}

/// A signature of this agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signed {
    /// Who signed.
    pub agent_id: AgentId,
    /// Ed25519, 128 hexadecimal digits.
    pub signature: Signature,
}

/// A signature to check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyArgs {
    /// Who is said to have signed.
    pub agent: AgentId,
    /// The text.
    pub data: String,
    /// What the signature is for.
    #[serde(default)]
    pub context: String,
    /// Ed25519, 128 hexadecimal digits.
    pub signature: String,
}

/// Whether a signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// True when exactly this text was signed by this agent for this purpose.
    pub valid: bool,
}

/// The noun `passport`.
pub struct Signing<'a>(&'a Node);

impl Node {
    /// Verbs about the passport.
    pub fn passport(&self) -> Signing<'_> {
        Signing(self)
    }
}

fn signed_bytes(data: &str, context: &str) -> Result<Vec<u8>> {
    if data.len() > LONGEST || context.chars().count() > 200 {
        return Err(Error::new(
            Code::InvalidArgument,
            "data must be at most 1 MiB and context at most 200 characters",
        ));
    }
    Ok(canonical::v2(Domain::Application, &[context.as_bytes(), data.as_bytes()]))
}

impl Signing<'_> {
    /// Signs a text as this agent.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] when text or context are too long.
    pub async fn sign(&self, args: SignArgs) -> Result<Signed> {
        let inner = self.0.inner();
        let bytes = signed_bytes(&args.data, &args.context)?;
        Ok(Signed { agent_id: inner.me(), signature: inner.passport.sign(&bytes) })
    }

    /// Checks a signature made by [`Signing::sign`] of any agent.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] when text or context are too long. A signature that does not hold is an
    /// answer, not an error.
    pub async fn verify(&self, args: VerifyArgs) -> Result<Verdict> {
        let bytes = signed_bytes(&args.data, &args.context)?;
        let valid = Signature::parse_lenient(&args.signature)
            .is_some_and(|signature| args.agent.verify(&bytes, &signature));
        Ok(Verdict { valid })
    }
}
