//! What we think of other agents: one impression each, and the rules that move its score.
//!
//! A score lies between -1 and 1 and belongs to us alone. Exchanging messages raises it a little, as long
//! as the exchange is mutual ([`score`]); what our peers say about a newcomer gives it a start ([`seed`]);
//! the host may set it. The score then orders peers, carries mesh routes over several hops ([`chain`]) and
//! ends connections that stay negative ([`gate`]). Peers ask each other ([`opinion`]), and hear what the settings
//! allow ([`sharing`]).
//!
//! [`Trust`] is the table of all impressions. It lives in memory, reads no clock and does no I/O: each
//! change returns the rows to store, so that they can be committed together with what caused them.

pub mod chain;
pub mod gate;
pub mod opinion;
pub mod score;
pub mod seed;
pub mod sharing;
mod table;
mod types;

pub use sharing::Sharing;
pub use table::{COUNTERS_ALONE_LIMIT, Trust};
pub use types::{Impression, Opinion, PeerOpinion};
