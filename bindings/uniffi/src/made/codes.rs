//! The error codes, and the kinds of errors.
//!
//! Made by `cargo xtask gen` from the schema; do not edit.

use dmagent::error::{Code as CoreCode, HostException};

use crate::failure::Failure;

/// A stable reason. The number and the name never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
#[repr(u16)]
pub enum Code {
    /// A broken invariant inside the library; please report it.
    Internal = 1,
    /// An argument is missing, has the wrong type or is out of range.
    InvalidArgument = 2,
    /// Time ran out before the call finished.
    Timeout = 3,
    /// The node is closed; open a new one.
    Closed = 4,
    /// No verb has that name.
    UnknownVerb = 5,
    /// A call on the blocking twin was made from inside an async runtime.
    BlockingInAsync = 6,
    /// The process forked after the node was opened; the child cannot use it.
    Forked = 7,
    /// A handle was freed before, or is another kind of handle.
    InvalidHandle = 8,
    /// A setting or environment variable has a value that is not allowed.
    ConfigInvalid = 100,
    /// No passport exists where one was required.
    PassportMissing = 200,
    /// The passport file does not hold 64 hexadecimal digits.
    PassportMalformed = 201,
    /// Other users can read the passport file.
    PassportExposed = 202,
    /// The passport file cannot be read or written.
    PassportUnreadable = 203,
    /// Text is not an agent id: 64 lower-case hexadecimal digits of an Ed25519 public key.
    AgentIdInvalid = 204,
    /// The database in the data folder belongs to another passport.
    PassportMismatch = 205,
    /// Bytes are not the JSON object that the endpoint takes.
    WireMalformed = 300,
    /// A field is missing or has the wrong type.
    WireField = 301,
    /// A frame or field is larger than allowed.
    WireTooLarge = 302,
    /// A signature is missing.
    SignatureMissing = 303,
    /// A signature does not hold.
    SignatureInvalid = 304,
    /// A presented key is not the one pinned, or is not the agent's id.
    KeyMismatch = 305,
    /// A timestamp is outside the freshness window; check the clock.
    Stale = 306,
    /// The same signed thing arrived before.
    Replay = 307,
    /// A sealed body cannot be opened with our key.
    SealBroken = 308,
    /// A URL is not acceptable.
    UrlInvalid = 309,
    /// The database cannot be opened, read or written.
    StoreUnavailable = 400,
    /// The database is damaged; it was left as it is.
    StoreCorrupt = 401,
    /// The database was written by a newer version; it was left as it is.
    StoreNewer = 402,
    /// The disk is full.
    StoreFull = 403,
    /// Another process runs the node of this data folder.
    StoreOwned = 404,
    /// A row was not in the state the commit required.
    StorePrecondition = 405,
    /// The address could not be reached.
    Unreachable = 500,
    /// The peer answered, but not as the protocol requires.
    BadAnswer = 501,
    /// The outbound policy forbids the address.
    AddressForbidden = 502,
    /// The port cannot be bound.
    BindFailed = 503,
    /// Discovery cannot use the network as asked.
    DiscoveryFailed = 600,
    /// A trust score is outside -1 to 1 or not finite.
    TrustOutOfRange = 700,
    /// The agent is not connected.
    PeerNotConnected = 900,
    /// No such pending request.
    RequestUnknown = 901,
    /// The connection limit is reached.
    ConnectionLimit = 902,
    /// The peer answered with another identity than expected.
    PeerMismatch = 903,
    /// The other side refused.
    PeerRefused = 904,
    /// The node is inactive and accepts nothing.
    Inactive = 905,
    /// The peer's address class is outside the network tier.
    TierRestricted = 906,
    /// The host's policy said no, failed or did not answer in time.
    PolicyRefused = 907,
    /// The agent is on the block list, here or at the other side.
    PeerBlocked = 908,
    /// There is no group of that name.
    GroupUnknown = 909,
    /// The receiver's queue is full.
    QueueFull = 1000,
    /// Too many requests from this source or peer.
    RateLimited = 1001,
    /// The message does not exist or was acknowledged before.
    MessageUnknown = 1002,
    /// The message expired before it could be delivered.
    MessageExpired = 1003,
    /// The peer gives no receipts: beyond accepted nothing is known but an answer.
    NoReceipts = 1004,
    /// The sender took the message back.
    MessageCancelled = 1005,
    /// An idempotency key stands for another message.
    IdempotencyKeyReused = 1010,
    /// A limit of the message is looser than its author or a forwarder signed.
    LimitsLoosened = 1011,
    /// What the message says about its author or its way does not hold.
    OriginInvalid = 1012,
    /// The message may not be forwarded any more.
    HopsExhausted = 1013,
    /// The agent has the message already, as far as is known here.
    AlreadyReceived = 1014,
    /// A local request lacks the token of the data folder.
    TokenInvalid = 1400,
}

impl From<CoreCode> for Code {
    fn from(code: CoreCode) -> Self {
        match code {
            CoreCode::Internal => Self::Internal,
            CoreCode::InvalidArgument => Self::InvalidArgument,
            CoreCode::Timeout => Self::Timeout,
            CoreCode::Closed => Self::Closed,
            CoreCode::UnknownVerb => Self::UnknownVerb,
            CoreCode::BlockingInAsync => Self::BlockingInAsync,
            CoreCode::Forked => Self::Forked,
            CoreCode::InvalidHandle => Self::InvalidHandle,
            CoreCode::ConfigInvalid => Self::ConfigInvalid,
            CoreCode::PassportMissing => Self::PassportMissing,
            CoreCode::PassportMalformed => Self::PassportMalformed,
            CoreCode::PassportExposed => Self::PassportExposed,
            CoreCode::PassportUnreadable => Self::PassportUnreadable,
            CoreCode::AgentIdInvalid => Self::AgentIdInvalid,
            CoreCode::PassportMismatch => Self::PassportMismatch,
            CoreCode::WireMalformed => Self::WireMalformed,
            CoreCode::WireField => Self::WireField,
            CoreCode::WireTooLarge => Self::WireTooLarge,
            CoreCode::SignatureMissing => Self::SignatureMissing,
            CoreCode::SignatureInvalid => Self::SignatureInvalid,
            CoreCode::KeyMismatch => Self::KeyMismatch,
            CoreCode::Stale => Self::Stale,
            CoreCode::Replay => Self::Replay,
            CoreCode::SealBroken => Self::SealBroken,
            CoreCode::UrlInvalid => Self::UrlInvalid,
            CoreCode::StoreUnavailable => Self::StoreUnavailable,
            CoreCode::StoreCorrupt => Self::StoreCorrupt,
            CoreCode::StoreNewer => Self::StoreNewer,
            CoreCode::StoreFull => Self::StoreFull,
            CoreCode::StoreOwned => Self::StoreOwned,
            CoreCode::StorePrecondition => Self::StorePrecondition,
            CoreCode::Unreachable => Self::Unreachable,
            CoreCode::BadAnswer => Self::BadAnswer,
            CoreCode::AddressForbidden => Self::AddressForbidden,
            CoreCode::BindFailed => Self::BindFailed,
            CoreCode::DiscoveryFailed => Self::DiscoveryFailed,
            CoreCode::TrustOutOfRange => Self::TrustOutOfRange,
            CoreCode::PeerNotConnected => Self::PeerNotConnected,
            CoreCode::RequestUnknown => Self::RequestUnknown,
            CoreCode::ConnectionLimit => Self::ConnectionLimit,
            CoreCode::PeerMismatch => Self::PeerMismatch,
            CoreCode::PeerRefused => Self::PeerRefused,
            CoreCode::Inactive => Self::Inactive,
            CoreCode::TierRestricted => Self::TierRestricted,
            CoreCode::PolicyRefused => Self::PolicyRefused,
            CoreCode::PeerBlocked => Self::PeerBlocked,
            CoreCode::GroupUnknown => Self::GroupUnknown,
            CoreCode::QueueFull => Self::QueueFull,
            CoreCode::RateLimited => Self::RateLimited,
            CoreCode::MessageUnknown => Self::MessageUnknown,
            CoreCode::MessageExpired => Self::MessageExpired,
            CoreCode::NoReceipts => Self::NoReceipts,
            CoreCode::MessageCancelled => Self::MessageCancelled,
            CoreCode::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            CoreCode::LimitsLoosened => Self::LimitsLoosened,
            CoreCode::OriginInvalid => Self::OriginInvalid,
            CoreCode::HopsExhausted => Self::HopsExhausted,
            CoreCode::AlreadyReceived => Self::AlreadyReceived,
            CoreCode::TokenInvalid => Self::TokenInvalid,
            // The core and this file are made from one table.
            _ => Self::Internal,
        }
    }
}

/// Something of dmagent failed. There is a kind for what a caller can do about it; the code tells more.
#[derive(Clone, Debug, PartialEq, uniffi::Error)]
pub enum DmError {
    /// For these codes: `internal`.
    InternalError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `invalid_argument`, `unknown_verb`, `blocking_in_async`, `invalid_handle`,
    /// `agent_id_invalid`, `wire_malformed`, `wire_field`, `url_invalid`, `trust_out_of_range`,
    /// `idempotency_key_reused`.
    InvalidInputError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `config_invalid`.
    ConfigError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `passport_missing`, `passport_malformed`, `passport_exposed`,
    /// `passport_unreadable`, `passport_mismatch`.
    IdentityError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `store_unavailable`, `store_corrupt`, `store_newer`, `store_full`,
    /// `store_owned`, `store_precondition`.
    StoreError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `unreachable`, `bad_answer`, `bind_failed`, `discovery_failed`.
    UnreachableError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `timeout`, `message_expired`.
    TimeoutError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `peer_not_connected`, `request_unknown`, `group_unknown`, `message_unknown`.
    NotFoundError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `signature_missing`, `signature_invalid`, `key_mismatch`, `stale`, `replay`,
    /// `seal_broken`, `address_forbidden`, `peer_mismatch`, `peer_refused`, `inactive`,
    /// `tier_restricted`, `policy_refused`, `peer_blocked`, `no_receipts`, `message_cancelled`,
    /// `limits_loosened`, `origin_invalid`, `hops_exhausted`, `already_received`, `token_invalid`.
    RefusedError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `wire_too_large`, `connection_limit`, `queue_full`, `rate_limited`.
    LimitError {
        /// What went wrong.
        failure: Failure,
    },
    /// For these codes: `closed`, `forked`.
    ClosedError {
        /// What went wrong.
        failure: Failure,
    },
    /// The program cancelled the call.
    CancelledError {
        /// What was cancelled.
        reason: String,
    },
}

impl DmError {
    /// The kind that belongs to a code.
    pub(crate) fn of(kind: HostException, failure: Failure) -> Self {
        match kind {
            HostException::InvalidInput => Self::InvalidInputError { failure },
            HostException::Config => Self::ConfigError { failure },
            HostException::Identity => Self::IdentityError { failure },
            HostException::Store => Self::StoreError { failure },
            HostException::Unreachable => Self::UnreachableError { failure },
            HostException::Timeout => Self::TimeoutError { failure },
            HostException::NotFound => Self::NotFoundError { failure },
            HostException::Refused => Self::RefusedError { failure },
            HostException::Limit => Self::LimitError { failure },
            HostException::Closed => Self::ClosedError { failure },
            _ => Self::InternalError { failure },
        }
    }

    /// What went wrong, unless the call was cancelled.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::InternalError { failure }
            | Self::InvalidInputError { failure }
            | Self::ConfigError { failure }
            | Self::IdentityError { failure }
            | Self::StoreError { failure }
            | Self::UnreachableError { failure }
            | Self::TimeoutError { failure }
            | Self::NotFoundError { failure }
            | Self::RefusedError { failure }
            | Self::LimitError { failure }
            | Self::ClosedError { failure } => Some(failure),
            Self::CancelledError { .. } => None,
        }
    }
}
