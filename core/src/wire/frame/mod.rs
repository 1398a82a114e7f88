//! Frames: what a body says, parsed once into types.
//!
//! [`Frame::decode`] turns the bytes of an [`Endpoint`] into a frame or into the refusal that 1.1.1 peers
//! expect. After it no field is missing, too long or of the wrong type; nothing is believed yet. Belief is
//! the business of [`crate::wire::verify`].

mod fields;
mod handshake;
mod mail;
mod message;
mod opinion;
mod private;
mod query;
mod receipts;
mod routed;
mod update;

use serde_json::{Map, Value};

pub use handshake::{
    ConnectionAccepted, ConnectionProof, ConnectionReply, ConnectionRequest, HandshakeSignature, Introduction,
};
pub use mail::{HandOver, MailboxAsk, MailboxRequest};
pub use message::{Body, MessageFrame, StatusBroadcast};
pub use opinion::ImpressionQuery;
pub use private::{Cancel, Parts, PrivateBody, PrivateFrame, PrivateKind};
pub use query::{Lookup, Query, pairs};
pub use receipts::Receipts;
pub use routed::{RouteHop, RouteType, RoutedEnvelope};
pub use update::{PeerUpdate, Ping};

use crate::{
    error::Code,
    wire::{
        Answer,
        json::{self, JsonError},
        route::{Endpoint, Route},
    },
};

/// What a peer sent, parsed.
#[derive(Clone, Debug)]
pub enum Frame {
    /// §6.2.
    ConnectionRequest(Box<ConnectionRequest>),
    /// §6.3.
    ConnectionProof(ConnectionProof),
    /// §6.4.
    ConnectionAccepted(Box<ConnectionAccepted>),
    /// §6.6.
    Message(Box<MessageFrame>),
    /// §6.7.
    StatusBroadcast(Box<StatusBroadcast>),
    /// Receipts of a node of our kind.
    Receipts(Receipts),
    /// A private frame of a node of our kind.
    Private(Box<PrivateFrame>),
    /// §6.8.
    PeerUpdate(Box<PeerUpdate>),
    /// §6.9.
    Ping(Ping),
    /// §6.10.
    Routed(Box<RoutedEnvelope>),
    /// What do you think of an agent, signed.
    ImpressionQuery(Box<ImpressionQuery>),
    /// A request to a mailbox.
    Mailbox(Box<MailboxRequest>),
    /// Mail that somebody kept for us.
    Mail(Box<HandOver>),
    /// Everything that only asks.
    Query(Query),
}

/// Which sentence 1.1.1 uses for a body that is not a JSON object.
fn bad_json(endpoint: Endpoint, error: JsonError) -> Answer {
    let (status, code) = match error {
        JsonError::TooLarge => (413, Code::WireTooLarge),
        _ => (400, Code::WireMalformed),
    };
    let sentence = match endpoint {
        Endpoint::PeerUpdate | Endpoint::InboxConsume | Endpoint::SetImpression | Endpoint::Config => {
            "Invalid JSON"
        }
        _ => "Invalid JSON body",
    };
    let mut answer = Answer::refuse(status, code, sentence);
    if let super::answer::Body::Json(members) = &mut answer.body {
        members.insert("detail".into(), Value::String(error.to_string()));
    }
    answer
}

/// The object in `body`, or the refusal for `endpoint`.
pub fn object(endpoint: Endpoint, body: &[u8]) -> Result<Map<String, Value>, Answer> {
    json::parse_object(body).map_err(|error| bad_json(endpoint, error))
}

impl Frame {
    /// Parses the body or query of a request that a peer may make.
    pub fn decode(route: &Route, query: &str, body: &[u8]) -> Result<Self, Answer> {
        match route.endpoint {
            Endpoint::ConnectionRequest
            | Endpoint::ConnectionProof
            | Endpoint::ConnectionAccepted
            | Endpoint::Message
            | Endpoint::StatusBroadcast
            | Endpoint::Receipts
            | Endpoint::Cancel
            | Endpoint::Parts
            | Endpoint::PeerUpdate
            | Endpoint::Ping
            | Endpoint::ImpressionQuery
            | Endpoint::Mailbox
            | Endpoint::KeptMessage
            | Endpoint::MeshRoute => Self::from_object(route.endpoint, object(route.endpoint, body)?),
            _ => Ok(Self::Query(Query::decode(route, query, body)?)),
        }
    }

    /// Parses the object of a frame, which may have come inside an envelope.
    pub fn from_object(endpoint: Endpoint, object: Map<String, Value>) -> Result<Self, Answer> {
        Ok(match endpoint {
            Endpoint::ConnectionRequest => {
                Self::ConnectionRequest(Box::new(ConnectionRequest::decode(object)?))
            }
            Endpoint::ConnectionProof => Self::ConnectionProof(ConnectionProof::decode(object)?),
            Endpoint::ConnectionAccepted => {
                Self::ConnectionAccepted(Box::new(ConnectionAccepted::decode(object)?))
            }
            Endpoint::Message => Self::Message(Box::new(MessageFrame::decode(object)?)),
            Endpoint::StatusBroadcast => Self::StatusBroadcast(Box::new(StatusBroadcast::decode(object)?)),
            Endpoint::Receipts => Self::Receipts(Receipts::decode(object)?),
            Endpoint::Cancel => Self::Private(Box::new(PrivateFrame::decode(PrivateKind::Cancel, object)?)),
            Endpoint::Parts => Self::Private(Box::new(PrivateFrame::decode(PrivateKind::Parts, object)?)),
            Endpoint::PeerUpdate => Self::PeerUpdate(Box::new(PeerUpdate::decode(object)?)),
            Endpoint::Ping => Self::Ping(Ping::decode(object)?),
            Endpoint::ImpressionQuery => Self::ImpressionQuery(Box::new(ImpressionQuery::decode(object)?)),
            Endpoint::Mailbox => Self::Mailbox(Box::new(MailboxRequest::decode(object)?)),
            Endpoint::KeptMessage => Self::Mail(Box::new(HandOver::decode(object)?)),
            Endpoint::MeshRoute => Self::Routed(Box::new(RoutedEnvelope::decode(object)?)),
            _ => return Err(Answer::not_found()),
        })
    }
}
