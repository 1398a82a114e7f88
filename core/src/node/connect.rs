//! Connecting, as the side that acts; `part` is about the end.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{actions::Action, inner::Inner, state::State};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    peers::{Peer, PeerOutcome, PeerState, Peers, handshake, not_connected},
    transport::{Grant, Method, Sent},
    wire::{
        frame::{ConnectionAccepted, ConnectionReply},
        json as strict,
        route::{MESH_PREFIX, WELL_KNOWN},
        url,
        verify::{Proof, Verified, Verifier},
    },
};

/// How long the document that introduces a node may take.
const INTRODUCTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer to a request may take: 1.1.1 asks its peers before it answers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What the well-known document says about whoever listens at a URL. Unproven.
struct Listener {
    agent: Option<AgentId>,
    signs_v2: bool,
}

/// Who will decide about our request.
struct Asked {
    agent: AgentId,
    request_id: String,
    signs_v2: bool,
}

impl Inner {
    /// Asks the node at `text`, a URL, for a connection, or the agent of that id, through the mesh.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        text: &str,
        expect: Option<AgentId>,
        grant: Grant,
    ) -> Result<Peer> {
        self.ready()?;
        if let Ok(agent) = text.parse::<AgentId>() {
            return match expect {
                Some(expect) if expect != agent => Err(mismatch(&expect, &agent)),
                _ => self.ask_around(agent).await,
            };
        }
        url::parse_any(text).map_err(|error| match url::with_scheme(text) {
            Some(whole) => Error::new(Code::UrlInvalid, format!("the URL has no scheme; write {whole}")),
            None => Error::new(error.code(), format!("url cannot be used: {}", error.message())),
        })?;
        let base = url::normal(url::base(text));
        let scope = url::scope(text);
        if base == url::base(&self.own_url()) && scope.is_none_or(|agent| agent == self.me()) {
            return Err(Error::new(Code::InvalidArgument, "the url is this node's own address"));
        }
        let listener = self.who_listens(&base, scope, grant).await?;
        let expected = expect.or(scope).or(listener.agent);
        if let (Some(expect), Some(found)) = (expect, scope.or(listener.agent))
            && expect != found
        {
            return Err(mismatch(&expect, &found));
        }
        if expected == Some(self.me()) {
            return Err(Error::new(Code::InvalidArgument, "the url is this node's own address"));
        }
        if let Some(agent) = &expected {
            self.state.lock().blocks.check(agent)?;
            self.notice_told(agent).await;
        }
        let nonce = self.id("", 16);
        let body = {
            let state = self.state.lock();
            let me = self.describe(&state);
            self.handshake(&me, self.now()).request(expected.as_ref(), &nonce, false)?
        };
        let prefix = scope.map_or_else(String::new, |agent| format!("{agent}/"));
        let path = format!("{MESH_PREFIX}{prefix}connection_request");
        let sent = self.request(&base, Method::Post, path, Some(body), REQUEST_TIMEOUT, grant).await?;
        let reply = decode_reply(&sent)?;
        let from = match &reply {
            ConnectionReply::Accepted(accepted) => accepted.from,
            ConnectionReply::Pending { from, .. } => *from,
        };
        if let Some(expected) = expected
            && expected != from
        {
            return Err(mismatch(&expected, &from));
        }
        if from == self.me() {
            return Err(Error::new(Code::InvalidArgument, "the url is this node's own address"));
        }
        let dialled = match scope {
            Some(agent) => format!("{base}{MESH_PREFIX}{agent}"),
            None => base.clone(),
        };
        // Only a request signed for its reader proves us. Now that we know who that is, ask again.
        if expected.is_none()
            && let ConnectionReply::Accepted(accepted) = &reply
            && accepted.signed.is_some()
        {
            return Box::pin(self.connect(text, Some(from), grant)).await;
        }
        match reply {
            ConnectionReply::Accepted(accepted) => {
                let accepted = self.believe_reply(*accepted)?;
                if listener.signs_v2 && accepted.proof() == Proof::None {
                    return Err(Error::new(
                        Code::PeerMismatch,
                        "the node says that it signs replies, but this one is unsigned; somebody may be in between",
                    ));
                }
                self.connected(&dialled, accepted, &nonce).await
            }
            ConnectionReply::Pending { from, request_id, challenge } => {
                // Signed for a reader that checks it, the request has proven us. The answer to a challenge names no
                // reader: whoever gets it can show it to somebody else.
                let challenge = challenge.filter(|_| expected.is_none() || !listener.signs_v2);
                let asked = Asked { agent: from, request_id, signs_v2: listener.signs_v2 };
                self.pended(&dialled, prefix, asked, challenge, grant).await
            }
        }
    }

    /// Repeats a request of ours in the background: whoever accepted it, and could not say so, says it now.
    pub(crate) fn ask_again(self: &Arc<Self>, agent: AgentId, url: String) {
        let inner = Arc::clone(self);
        self.env.tasks.spawn("ask again", async move {
            if let Err(error) = inner.connect(&url, Some(agent), Grant::User).await {
                tracing::info!(%error, peer = agent.short(), "a request could not be repeated");
            }
        });
    }

    pub(super) fn believe_reply(&self, reply: ConnectionAccepted) -> Result<Verified<ConnectionAccepted>> {
        let relation = |agent: &AgentId| self.relation(agent);
        let verifier = Verifier { passport: &self.passport, now: self.now(), relation: &relation };
        verifier.verify_reply(reply).map_err(|_| {
            Error::new(
                Code::PeerMismatch,
                "the reply is not signed by the agent it names; do not trust this address",
            )
        })
    }

    async fn connected(
        self: &Arc<Self>,
        dialled: &str,
        accepted: Verified<ConnectionAccepted>,
        nonce: &str,
    ) -> Result<Peer> {
        let agent = accepted.frame().from;
        self.join(agent, |peers, now| peers.on_reply(dialled, &accepted, nonce, now)).await
    }

    /// Stores the connection that a reply of `agent` makes, if there is room for it.
    pub(super) async fn join(
        self: &Arc<Self>,
        agent: AgentId,
        take: impl FnOnce(&mut Peers, Timestamp) -> Result<PeerOutcome>,
    ) -> Result<Peer> {
        self.transact(
            |state, now| {
                state.blocks.check(&agent)?;
                if state.peers.get(&agent).is_none() && state.peers.len() >= self.config.max_connections {
                    return Err(Error::new(
                        Code::ConnectionLimit,
                        format!(
                            "the limit of {} connections is reached; disconnect a peer first",
                            self.config.max_connections
                        ),
                    ));
                }
                let outcome = take(&mut state.peers, now)?;
                Ok((outcome.rows, (outcome.events, outcome.actions)))
            },
            move |inner, result, (events, actions)| {
                result?;
                inner.publish(events);
                actions.into_iter().for_each(|action| inner.act(Action::from(action)));
                inner.peer(&agent)
            },
        )
        .await?
    }

    async fn pended(
        self: &Arc<Self>,
        dialled: &str,
        prefix: String,
        Asked { agent, request_id, signs_v2 }: Asked,
        challenge: Option<(String, String)>,
        grant: Grant,
    ) -> Result<Peer> {
        // Remembered before the proof is sent: the acceptance may come at once (B6).
        self.write(|state, now| {
            state.blocks.check(&agent)?;
            state.peers.on_pending_reply(dialled, agent, request_id, signs_v2, now)
        })
        .await?;
        if let Some((challenge_id, challenge_hex)) = challenge {
            let body = handshake::proof_body(&self.passport, &challenge_id, &challenge_hex);
            let path = format!("{MESH_PREFIX}{prefix}connection_proof");
            // 1.1.1 accepts without proof, so its failure is no failure of the request.
            if let Err(error) =
                self.request(url::base(dialled), Method::Post, path, Some(body), REQUEST_TIMEOUT, grant).await
            {
                tracing::warn!(%error, "the proof of identity could not be delivered");
            }
        }
        // Not what we may remember of an earlier connection: the other side has just said that there is none.
        let waits = waiting(&self.state.lock(), &agent);
        waits.map_or_else(|| self.peer(&agent), Ok)
    }

    /// The document that introduces whoever listens at `base`. A node without one is asked all the same.
    async fn who_listens(&self, base: &str, scope: Option<AgentId>, grant: Grant) -> Result<Listener> {
        let sent =
            self.request(base, Method::Get, WELL_KNOWN.to_owned(), None, INTRODUCTION_TIMEOUT, grant).await?;
        let unknown = Listener { agent: None, signs_v2: false };
        let Ok(document) = strict::parse_object(&sent.reply.body) else { return Ok(unknown) };
        if sent.reply.status != 200 || document.get("darkmatter") != Some(&Value::Bool(true)) {
            return Ok(unknown);
        }
        let agent = document.get("agent_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let signs_v2 = document
            .get("capabilities")
            .and_then(|capabilities| capabilities.get(crate::peers::CAPABILITY_SIGNATURE))
            .and_then(Value::as_u64)
            .is_some_and(|version| version >= 2);
        // The document speaks for the default agent; a scoped one may be somebody else.
        Ok(if scope.is_some() && scope != agent { unknown } else { Listener { agent, signs_v2 } })
    }

    /// Accepts a pending request.
    pub(crate) async fn accept(self: &Arc<Self>, request_id: &str) -> Result<Peer> {
        self.transact(
            |state, now| {
                let me = self.describe(state);
                let waiting = state.peers.pending().into_iter().find(|asked| asked.request_id == request_id);
                let settled = state.peers.settled_with(request_id);
                let agent = waiting.map(|asked| asked.agent_id).or(settled);
                let outcome = state.peers.accept(request_id, &self.handshake(&me, now))?;
                Ok((outcome.rows, (outcome.events, outcome.actions, agent)))
            },
            |inner, result, (events, actions, agent)| {
                result?;
                inner.publish(events);
                actions.into_iter().for_each(|action| inner.act(Action::from(action)));
                agent.map_or_else(
                    || Err(Error::new(Code::Internal, "the accepted request names nobody")),
                    |agent| inner.peer(&agent),
                )
            },
        )
        .await?
    }

    /// A connected or asked peer, as the host sees it.
    pub(crate) fn peer(&self, agent: &AgentId) -> Result<Peer> {
        let state = self.state.lock();
        view(&state, agent).ok_or_else(|| not_connected(agent))
    }

    /// Every connected and asked peer.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let state = self.state.lock();
        let connected = state.peers.iter().map(|peer| peer.agent_id);
        let asked = state
            .peers
            .outstanding()
            .map(|request| request.agent_id)
            .filter(|id| state.peers.get(id).is_none());
        connected.chain(asked).filter_map(|agent| view(&state, &agent)).collect()
    }
}

fn view(state: &State, agent: &AgentId) -> Option<Peer> {
    let trust = state.trust.score(agent);
    if let Some(peer) = state.peers.get(agent) {
        let health = state.peers.health(agent);
        return Some(Peer {
            agent_id: *agent,
            state: PeerState::Connected,
            url: peer.url.clone(),
            display_name: peer.display_name.clone(),
            bio: peer.bio.clone(),
            identity_verified: peer.identity_verified,
            trust,
            connected_at: Some(peer.connected_at),
            last_activity: peer.last_activity.max(health.last_heard),
            messages_sent: peer.messages_sent,
            messages_received: peer.messages_received,
            unreachable: health.is_unreachable(),
            health: Some(health.word()),
            capabilities: peer.capabilities.clone(),
            mailboxes: state.bundles.get(agent).map(|bundle| bundle.mailboxes.clone()).unwrap_or_default(),
        });
    }
    waiting(state, agent)
}

/// An agent that was asked and has not decided, as the host sees it.
fn waiting(state: &State, agent: &AgentId) -> Option<Peer> {
    let asked = state.peers.outstanding().find(|request| request.agent_id == *agent)?;
    Some(Peer {
        agent_id: *agent,
        state: PeerState::Pending,
        url: asked.url.clone(),
        display_name: None,
        bio: String::new(),
        identity_verified: false,
        trust: state.trust.score(agent),
        connected_at: None,
        last_activity: None,
        messages_sent: 0,
        messages_received: 0,
        unreachable: false,
        health: None,
        capabilities: Map::new(),
        mailboxes: Vec::new(),
    })
}

fn decode_reply(sent: &Sent) -> Result<ConnectionReply> {
    let body = strict::parse_object(&sent.reply.body);
    let words = |object: &Map<String, Value>| {
        object
            .get("error")
            .and_then(Value::as_str)
            .unwrap_or("no reason given")
            .chars()
            .take(200)
            .collect::<String>()
    };
    match (sent.reply.status, body) {
        (200, Ok(object)) => ConnectionReply::decode(object).map_err(|_| {
            Error::new(Code::BadAnswer, "the node answered, but not as a mesh node; check the address")
        }),
        (429, Ok(object)) => Err(Error::new(
            Code::RateLimited,
            format!("the node is busy; try again later: {}", words(&object)),
        )),
        (503, Ok(object)) => {
            Err(Error::new(Code::Inactive, format!("the node does not accept now: {}", words(&object))))
        }
        (_, Ok(object)) => {
            Err(Error::new(Code::PeerRefused, format!("the node refused: {}", words(&object))))
        }
        (status, Err(_)) => Err(Error::new(Code::BadAnswer, "no mesh node answers there; check the address")
            .with("status", status)),
    }
}

fn mismatch(expected: &AgentId, found: &AgentId) -> Error {
    Error::new(Code::PeerMismatch, "another agent answers at that address; check it before you trust it")
        .with("expected", expected.short())
        .with("found", found.short())
}
