//! Step 6 of the inbound path: who is let in. Activity and access tiers first, then the host's policy.

use super::{
    host::{ConnectionQuestion, MessageQuestion},
    inbound::{Metered, SourcePass},
    inner::Inner,
};
use crate::{
    error::Code,
    identity::AgentId,
    messaging::{MessageKind, rules},
    peers::{Verdict, admission},
    transport::Source,
    wire::{
        AddressClass, Answer,
        envelope::{self, Origin},
        frame::{Body, Frame, MessageFrame},
        route::{Access, Endpoint},
        verify::{Proof, Verified},
    },
};

/// Let in.
pub(super) struct Admitted {
    verified: Verified<Frame>,
    verdict: Verdict,
    decision: Option<rules::Decision>,
    origin: Option<Origin>,
}

impl Admitted {
    /// The frame, what the host said about a request, and where it wants a message, with who wrote that.
    pub(super) fn into_parts(self) -> (Verified<Frame>, Verdict, (Option<rules::Decision>, Option<Origin>)) {
        (self.verified, self.verdict, (self.decision, self.origin))
    }
}

impl Inner {
    /// Step 6: activity, access tier, then the host's policy.
    pub(super) async fn admit(
        &self,
        metered: Metered,
        endpoint: Endpoint,
        pass: &SourcePass,
        source: &Source,
    ) -> Result<Admitted, Answer> {
        let verified = metered.into_verified();
        let needs_active =
            matches!(verified.frame(), Frame::Message(_) | Frame::Mail(_) | Frame::ConnectionRequest(_));
        if needs_active && !self.state.lock().profile.active {
            return Err(Answer::refuse(503, Code::Inactive, "Agent is currently inactive"));
        }
        // What is for programs of this machine alone met their check when it came; an envelope has met none.
        if !pass.is_direct && self.config.access(endpoint) == Access::Local {
            return Err(super::local::local_only());
        }
        // The carrier of an envelope met the tier when it was opened.
        if pass.is_direct {
            self.check_tier(endpoint, source)?;
        }
        self.check_access(endpoint, verified.proven(), source)?;
        let origin = match verified.frame() {
            Frame::Message(message) => self
                .believed_origin(message, verified.proof())
                .map_err(|error| Answer::refuse(error.code().http_status(), error.code(), error.message()))?,
            _ => None,
        };
        let policy = self.policy.read().clone();
        let mut admitted = Admitted { verified, verdict: Verdict::Default, decision: None, origin };
        let Some(policy) = policy else { return Ok(admitted) };
        match admitted.verified.frame() {
            Frame::ConnectionRequest(request) => {
                let trust = self.state.lock().trust.score(&request.from);
                let said = policy
                    .connection(ConnectionQuestion {
                        agent_id: request.from,
                        display_name: request.introduction.display_name.clone(),
                        bio: request.introduction.bio.clone(),
                        url: request.url.clone(),
                        source: describe_source(source),
                        identity_verified: admitted.verified.proof() != Proof::None,
                        trust,
                    })
                    .await;
                if said != Verdict::Default {
                    admitted.verdict = said;
                }
            }
            Frame::Message(message) => admitted.decision = self.ask_policy(message).await?,
            _ => {}
        }
        Ok(admitted)
    }

    /// Whether the host lets a message in, and where it wants it.
    pub(super) async fn ask_policy(&self, message: &MessageFrame) -> Result<Option<rules::Decision>, Answer> {
        let policy = self.policy.read().clone();
        let (Some(policy), Some(question)) = (policy, self.question(message)) else { return Ok(None) };
        policy.message(question.clone()).await?;
        Ok(policy.route(question).await)
    }

    fn question(&self, message: &MessageFrame) -> Option<MessageQuestion> {
        let Body::Plain { content, metadata, in_reply_to } = &message.body else { return None };
        let mut metadata = metadata.clone();
        metadata.remove(envelope::MEMBER);
        let state = self.state.lock();
        let connected = state.peers.get(&message.from).is_some();
        Some(MessageQuestion {
            message_id: message.message_id.clone(),
            from: message.from,
            content: content.clone(),
            metadata,
            in_reply_to: in_reply_to.clone(),
            kind: if connected { MessageKind::Peer } else { MessageKind::Stranger },
            trust: state.trust.score(&message.from),
        })
    }

    /// §5.4, by the socket's address (S1).
    pub(super) fn check_tier(&self, endpoint: Endpoint, source: &Source) -> Result<(), Answer> {
        let class = admission::source_class(source);
        if matches!(endpoint, Endpoint::ConnectionRequest | Endpoint::WellKnown)
            && !self.config.network_tier.allows(class)
        {
            let tier = self.config.network_tier.name();
            return Err(Answer::with_status(
                403,
                serde_json::json!({"error": "tier_restricted", "tier": tier, "code": Code::TierRestricted.name()}),
            ));
        }
        Ok(())
    }

    /// §5.3, by the socket's address (S1).
    fn check_access(
        &self,
        endpoint: Endpoint,
        proven: Option<AgentId>,
        source: &Source,
    ) -> Result<(), Answer> {
        let is_peer = || {
            admission::source_class(source) == Some(AddressClass::Loopback)
                || proven.is_some_and(|sender| self.state.lock().peers.get(&sender).is_some())
                || self.comes_from_a_peer(source)
        };
        match self.config.access(endpoint) {
            Access::Peer if !is_peer() => {
                Err(Answer::refuse(403, Code::PeerNotConnected, "This endpoint requires a peer connection"))
            }
            _ => Ok(()),
        }
    }

    /// The address of a peer that proved itself; a claimed URL is not enough.
    fn comes_from_a_peer(&self, source: &Source) -> bool {
        match source {
            Source::Socket(address) => self.state.lock().peers.listens_at(address.ip()),
            Source::Process(_) => true,
            Source::Unknown => false,
        }
    }
}

fn describe_source(source: &Source) -> String {
    match source {
        Source::Socket(address) => address.to_string(),
        Source::Process(label) => label.clone(),
        Source::Unknown => "unknown".into(),
    }
}
