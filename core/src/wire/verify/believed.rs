//! What is believed, sorted by what it is.

use super::Verified;
use crate::wire::frame::{
    ConnectionAccepted, ConnectionProof, ConnectionRequest, Frame, HandOver, ImpressionQuery, MailboxRequest,
    MessageFrame, PeerUpdate, Ping, PrivateFrame, Query, Receipts, RoutedEnvelope, StatusBroadcast,
};

/// A verified frame, by what it is.
#[derive(Clone, Debug)]
pub enum Believed {
    /// §6.2.
    ConnectionRequest(Verified<ConnectionRequest>),
    /// §6.3.
    ConnectionProof(Verified<ConnectionProof>),
    /// §6.4.
    ConnectionAccepted(Verified<ConnectionAccepted>),
    /// §6.6.
    Message(Verified<MessageFrame>),
    /// §6.7.
    StatusBroadcast(Verified<StatusBroadcast>),
    /// Receipts of a node of our kind.
    Receipts(Verified<Receipts>),
    /// A private frame of a node of our kind, opened.
    Private(Verified<PrivateFrame>),
    /// §6.8.
    PeerUpdate(Verified<PeerUpdate>),
    /// §6.9.
    Ping(Verified<Ping>),
    /// §6.10.
    Routed(Verified<RoutedEnvelope>),
    /// A signed question.
    ImpressionQuery(Verified<ImpressionQuery>),
    /// A request to a mailbox.
    Mailbox(Verified<MailboxRequest>),
    /// Mail that somebody kept for us.
    Mail(Verified<HandOver>),
    /// Everything that only asks.
    Query(Verified<Query>),
}

impl Verified<Frame> {
    /// Sorts by what it is; the proof stays with it.
    pub fn sort(self) -> Believed {
        let Self { frame, sender, proof } = self;
        macro_rules! keep {
            ($frame:expr) => {
                Verified { frame: $frame, sender, proof }
            };
        }
        match frame {
            Frame::ConnectionRequest(frame) => Believed::ConnectionRequest(keep!(*frame)),
            Frame::ConnectionProof(frame) => Believed::ConnectionProof(keep!(frame)),
            Frame::ConnectionAccepted(frame) => Believed::ConnectionAccepted(keep!(*frame)),
            Frame::Message(frame) => Believed::Message(keep!(*frame)),
            Frame::StatusBroadcast(frame) => Believed::StatusBroadcast(keep!(*frame)),
            Frame::Receipts(frame) => Believed::Receipts(keep!(frame)),
            Frame::Private(frame) => Believed::Private(keep!(*frame)),
            Frame::PeerUpdate(frame) => Believed::PeerUpdate(keep!(*frame)),
            Frame::Ping(frame) => Believed::Ping(keep!(frame)),
            Frame::Routed(frame) => Believed::Routed(keep!(*frame)),
            Frame::ImpressionQuery(frame) => Believed::ImpressionQuery(keep!(*frame)),
            Frame::Mailbox(frame) => Believed::Mailbox(keep!(*frame)),
            Frame::Mail(frame) => Believed::Mail(keep!(*frame)),
            Frame::Query(frame) => Believed::Query(keep!(frame)),
        }
    }
}
