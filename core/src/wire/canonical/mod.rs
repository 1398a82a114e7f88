//! The bytes that signatures cover.
//!
//! 1.1.1 joins fields by line feeds ([`message`], [`peer_update`], …). Those forms are reproduced to the
//! byte, because its nodes verify them. They leave out the recipient, the metadata and the hops, and a
//! field with a line feed can be read in two ways (S13). Our nodes therefore add a second signature over
//! [`v2`]: a domain and length-prefixed fields, which can be read in one way only.

mod first;
mod second;

pub use first::{challenge, lan_beacon, message, peer_update, relay_poll, route_response, sdp};
pub(in crate::wire) use second::framed;
pub use second::{BodyDigest, Domain, SIGNATURE_MEMBER, message_v2, object_v2, v2};
