//! Sizes and spans of the mesh. Those of dmagent 1.1.1 keep their values, for interoperability.

use std::time::Duration;

/// Longest message content, in characters (1.1.1 counts characters, not bytes).
pub const CONTENT_CHARS: usize = 65_536;
/// Longest frame, in bytes: content of four-byte characters, escaped, with room for metadata.
pub const FRAME_BYTES: usize = 1024 * 1024;
/// Deepest nesting of a frame.
pub const FRAME_DEPTH: usize = 32;
/// Longest bio, in characters; longer ones are cut.
pub const BIO_CHARS: usize = 1000;
/// Longest display name, in characters; longer ones are cut.
pub const DISPLAY_NAME_CHARS: usize = 100;
/// Longest agent id text.
pub const AGENT_ID_CHARS: usize = 128;
/// Longest message id, in characters; longer ones are refused, since a cut one is not the signed one.
pub const MESSAGE_ID_CHARS: usize = 128;
/// Longest URL.
pub const URL_CHARS: usize = 2048;
/// Largest metadata or capabilities object, in bytes of JSON.
pub const METADATA_BYTES: usize = 64 * 1024;
/// How far a timestamp may be from now, in either direction.
pub const FRESHNESS: Duration = Duration::from_secs(300);
/// How long a seen id is remembered.
pub const REPLAY_WINDOW: Duration = Duration::from_secs(300);
/// How many seen ids are remembered.
pub const REPLAY_ENTRIES: usize = 10_000;
/// How long a challenge may be answered.
pub const CHALLENGE_LIFETIME: Duration = crate::identity::CHALLENGE_LIFETIME;
/// Most receipts in one frame.
pub const RECEIPTS: usize = 50;
/// Most messages that one frame takes back.
pub const CANCELS: usize = 50;
/// Longest reason for taking a message back, in characters.
pub const CANCEL_REASON_CHARS: usize = 500;
/// Most parts of an answer in one frame.
pub const PARTS: usize = 256;
/// Most parts of an answer.
pub const STREAM_PARTS: u64 = 16_384;
/// Hops of a message that names none, or an unusable number.
pub const DEFAULT_HOPS: u32 = 10;
/// Most hops a sender may give.
pub const MAX_HOPS: u32 = 50;
