//! The local API: what programs of this machine that hold the data folder's token may ask.
//!
//! Names and shapes are those of 1.1.1 where it has them. Every request needs a loopback socket and
//! `Authorization: Bearer TOKEN`, the content of `.darkmatter/local.token` (S1, S9).

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::inner::Inner;
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{Message, MessageKind},
    peers::admission,
    transport::{Arrival, Caller},
    wire::{
        AddressClass, Answer, frame,
        route::{Endpoint, Route},
    },
};

/// The longest content that the inbox listing shows, as in 1.1.1.
const LISTED_CHARS: usize = 500;

impl Inner {
    /// Answers a request to the local API.
    pub(crate) async fn local(self: &Arc<Self>, route: &Route, arrival: &Arrival) -> Result<Answer, Answer> {
        self.check_local(arrival)?;
        self.end_overdue();
        let answered = match route.endpoint {
            Endpoint::Inbox => Ok(self.inbox_listing()),
            Endpoint::PendingRequests => Ok(self.pending_listing()),
            Endpoint::Connections => Ok(self.connection_listing()),
            endpoint => {
                self.local_post(endpoint, frame::object(endpoint, &arrival.body)?, &arrival.caller).await
            }
        };
        answered.map_err(|error| Answer::from_error(&error))
    }

    /// Lets programs of this machine pass that hold the token.
    pub(crate) fn check_local(&self, arrival: &Arrival) -> Result<(), Answer> {
        let class = admission::source_class(&arrival.source);
        if class != Some(AddressClass::Loopback) {
            return Err(local_only());
        }
        if !self.token.matches(arrival.bearer.as_deref()) {
            // Guessing is limited like everything that strangers do.
            self.limit_guess(&arrival.source)?;
            return Err(Answer::refuse(
                401,
                Code::TokenInvalid,
                "Send the token of the data folder as 'Authorization: Bearer TOKEN'",
            ));
        }
        Ok(())
    }

    async fn local_post(
        self: &Arc<Self>,
        endpoint: Endpoint,
        body: Map<String, Value>,
        caller: &Caller,
    ) -> Result<Answer> {
        match endpoint {
            Endpoint::AcceptPending => {
                let request_id = text(&body, "request_id")?;
                let pending = self.state.lock().peers.pending();
                let mutual = pending.iter().any(|request| request.request_id == request_id && request.mutual);
                let peer = self.accept(&request_id).await?;
                Ok(Answer::ok(json!({
                    "success": true, "accepted": true, "agent_id": peer.agent_id, "mutual": mutual,
                })))
            }
            Endpoint::SetImpression => {
                let (Some(agent), Some(score)) = (optional_text(&body, "agent_id")?, present(&body, "score"))
                else {
                    return Err(Error::new(Code::InvalidArgument, "agent_id and score required"));
                };
                let agent = agent.parse()?;
                let score = match score {
                    Value::Number(score) => score.as_f64(),
                    Value::String(score) => score.trim().parse().ok(),
                    _ => None,
                };
                let score =
                    score.ok_or_else(|| Error::new(Code::InvalidArgument, "score must be a number"))?;
                if !(-1.0..=1.0).contains(&score) {
                    return Err(Error::new(Code::TrustOutOfRange, "score must be between -1.0 and 1.0"));
                }
                let note = optional_text(&body, "note")?.map(str::to_owned);
                self.set_trust(agent, score, note).await?;
                Ok(Answer::ok(json!({"success": true, "agent_id": agent, "score": score})))
            }
            Endpoint::Config => {
                let mut changes = Map::new();
                let name = optional_text(&body, "display_name")?;
                // Other words are ignored, as in 1.1.1.
                if let Some(active) = match optional_text(&body, "status")? {
                    Some("active") => Some(true),
                    Some("inactive") => Some(false),
                    _ => None,
                } {
                    self.state.lock().profile.active = active;
                    changes.insert("status".into(), json!(if active { "active" } else { "inactive" }));
                }
                if let Some(name) = name {
                    self.set_profile(Some(name.chars().take(100).collect()), None).await?;
                    changes.insert("display_name".into(), json!(self.state.lock().profile.display_name));
                }
                Ok(Answer::ok(json!({"success": true, "changes": changes})))
            }
            Endpoint::InboxConsume => {
                let required = || Error::new(Code::InvalidArgument, "Required: message_ids");
                let wanted = present(&body, "message_ids").and_then(Value::as_array).ok_or_else(required)?;
                let wanted: Option<Vec<_>> = wanted.iter().map(Wanted::parse).collect();
                self.consume(wanted.filter(|wanted| !wanted.is_empty()).ok_or_else(required)?).await
            }
            Endpoint::Call => {
                let verb = text(&body, "verb")?;
                if let Some(other) = body.keys().find(|name| !["verb", "args"].contains(&name.as_str())) {
                    return Err(Error::new(
                        Code::InvalidArgument,
                        "a call has the members verb and args only",
                    )
                    .with("member", other));
                }
                let arguments = body.get("args").cloned().unwrap_or_else(|| json!({}));
                self.call_for(caller, verb, arguments).await
            }
            _ => Ok(Answer::not_found()),
        }
    }

    /// Takes messages out for good and answers with them. Senders choose their ids, so two of them may use the same:
    /// then the id alone takes neither, lest somebody's message goes unread in the place of another. What another
    /// consumer has stays with it, lest it is handled twice.
    async fn consume(self: &Arc<Self>, wanted: Vec<Wanted<'_>>) -> Result<Answer> {
        let (mut consumed, mut ambiguous, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for wanted in wanted {
            let message = match self.take(&wanted) {
                Taken::Ours(message) => message,
                Taken::Unknown => continue,
                Taken::Ambiguous => {
                    ambiguous.push(wanted.message_id);
                    continue;
                }
                Taken::Held => {
                    held.push(wanted.message_id);
                    continue;
                }
            };
            match self.acknowledge(message.sequence).await {
                Ok(_) => consumed.push(listed(&message, usize::MAX)),
                // Taken from us, by its number alone.
                Err(error) if error.code() == Code::MessageUnknown => held.push(wanted.message_id),
                Err(error) => {
                    self.release(message.sequence, Some(message.redeliveries), Duration::ZERO);
                    if consumed.is_empty() {
                        return Err(error);
                    }
                    // What was taken so far is nowhere but in this answer.
                    break;
                }
            }
        }
        let mut answer = json!({"consumed": consumed.len(), "messages": consumed});
        for (name, ids) in [("ambiguous", ambiguous), ("held", held)] {
            if !ids.is_empty() {
                answer[name] = json!(ids);
            }
        }
        Ok(Answer::ok(answer))
    }

    /// Leases the message that `wanted` means. Of several of one sender it is the first that nobody has.
    fn take(&self, wanted: &Wanted<'_>) -> Taken {
        let mut state = self.state.lock();
        let found: Vec<_> = state.inbox.list().into_iter().filter(|message| wanted.is(message)).collect();
        let Some(message) = found.first() else { return Taken::Unknown };
        if found.iter().any(|other| other.from != message.from) {
            return Taken::Ambiguous;
        }
        let leased = found.iter().find_map(|message| state.inbox.lease(message.sequence));
        leased.map_or(Taken::Held, |message| Taken::Ours(Box::new(message)))
    }

    fn inbox_listing(&self) -> Answer {
        let messages: Vec<_> =
            self.state.lock().inbox.list().iter().map(|m| listed(m, LISTED_CHARS)).collect();
        Answer::ok(json!({"count": messages.len(), "messages": messages}))
    }

    fn pending_listing(&self) -> Answer {
        let requests: Vec<_> = self
            .state
            .lock()
            .peers
            .pending()
            .iter()
            .map(|request| {
                json!({
                    "request_id": request.request_id,
                    "from_agent_id": request.agent_id,
                    "from_agent_display_name": request.display_name,
                    "from_agent_url": request.url,
                    "from_agent_bio": request.bio,
                    "requested_at": request.requested_at.to_wire(),
                })
            })
            .collect();
        Answer::ok(json!({"count": requests.len(), "requests": requests}))
    }

    fn connection_listing(&self) -> Answer {
        let state = self.state.lock();
        let connections: Vec<_> = state
            .peers
            .iter()
            .map(|peer| {
                let mut entry = json!({
                    "agent_id": peer.agent_id,
                    "display_name": peer.shown_name(),
                    "agent_url": peer.url,
                    "bio": peer.bio.chars().take(250).collect::<String>(),
                    "connected_at": peer.connected_at.to_wire(),
                    "last_activity": peer.last_activity.map(crate::env::Timestamp::to_wire),
                    "messages_sent": peer.messages_sent,
                    "messages_received": peer.messages_received,
                    "connectivity_level": 0,
                    "connectivity_method": "",
                });
                if let (Some(impression), Some(entry)) =
                    (state.trust.get(&peer.agent_id), entry.as_object_mut())
                {
                    entry.insert(
                        "impression".into(),
                        json!({"score": impression.score, "note": impression.note}),
                    );
                }
                entry
            })
            .collect();
        Answer::ok(json!({"count": connections.len(), "connections": connections}))
    }
}

/// What came of taking a message.
enum Taken {
    /// It is leased to us.
    Ours(Box<Message>),
    /// It is not here.
    Unknown,
    /// Several senders use its id.
    Ambiguous,
    /// Somebody else has it.
    Held,
}

/// A message to consume: its id as in 1.1.1, or an object as the listing shows it, which names the sender, too.
struct Wanted<'a> {
    message_id: &'a str,
    from: Option<AgentId>,
}

impl<'a> Wanted<'a> {
    fn parse(entry: &'a Value) -> Option<Self> {
        match entry {
            Value::String(message_id) => Some(Self { message_id, from: None }),
            Value::Object(shown) => Some(Self {
                message_id: shown.get("message_id")?.as_str()?,
                from: Some(shown.get("from_agent_id")?.as_str()?.parse().ok()?),
            }),
            _ => None,
        }
    }

    fn is(&self, message: &Message) -> bool {
        message.message_id == self.message_id && self.from.is_none_or(|from| message.from == from)
    }
}

/// The refusal of whoever is not on this machine.
pub(crate) fn local_only() -> Answer {
    Answer::refuse(403, Code::TokenInvalid, "This endpoint is only accessible from localhost")
}

fn listed(message: &Message, most: usize) -> Value {
    json!({
        "message_id": message.message_id,
        "content": message.content.chars().take(most).collect::<String>(),
        "from_agent_id": message.from,
        "hops_remaining": message.hops_remaining,
        "verified": message.kind != MessageKind::Notice,
        "metadata": message.metadata,
        "received_at": message.received_at.to_wire(),
    })
}

/// A member; `null` counts as absent.
fn present<'body>(body: &'body Map<String, Value>, name: &str) -> Option<&'body Value> {
    body.get(name).filter(|value| !value.is_null())
}

/// An optional text; another type is refused rather than overlooked (B26).
fn optional_text<'body>(body: &'body Map<String, Value>, name: &str) -> Result<Option<&'body str>> {
    match present(body, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::new(Code::InvalidArgument, format!("{name} must be text"))),
    }
}

fn text(body: &Map<String, Value>, name: &str) -> Result<String> {
    match optional_text(body, name)?.filter(|text| !text.is_empty()) {
        Some(text) => Ok(text.to_owned()),
        None => Err(Error::new(Code::InvalidArgument, format!("Missing {name}"))),
    }
}
