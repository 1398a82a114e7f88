//! Receipts: what both sides know about a message on its way.
//!
//! ```text
//! sender:     stored → accepted → delivered → handled → answered     or refused, expired, failed
//! recipient:           accepted → delivered → handled → answered     each step signed
//! ```
//!
//! The first receipt comes with the answer to the message itself. The later ones are told in frames of their own, many in
//! one when there is much to tell: a step that is overtaken by the next is not told any more.
//!
//! | file | story |
//! |---|---|
//! | [`sent`] | what the sender knows: a ladder that only goes up |
//! | [`given`] | what the recipient said, and what it still has to tell |

pub mod given;
pub mod sent;

pub use given::Given;
pub use sent::Sent;
