//! All facts about every error code, in one table.
//!
//! Numbers come in ranges per system and are never reused. The bindings, the schema and the docs read
//! this table; nothing else decides what a code means.

/// Whether repeating the call can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call fails again until something about it, or the setup, changes.
    Never,
    /// The same call may succeed later.
    Later,
}

/// The exception class a host language raises for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostException {
    /// A bug in this library, or a broken invariant.
    Internal,
    /// An argument or input the caller controls is wrong.
    InvalidInput,
    /// A setting is wrong.
    Config,
    /// The passport or a key is unusable.
    Identity,
    /// The data folder or its database is unusable.
    Store,
    /// A peer, address or network could not be reached.
    Unreachable,
    /// Time ran out.
    Timeout,
    /// The named thing does not exist.
    NotFound,
    /// Policy, trust, consent or a signature said no.
    Refused,
    /// A queue, quota or rate is exhausted.
    Limit,
    /// The node or handle is closed.
    Closed,
}

impl HostException {
    /// Every class, in the order of the docs.
    pub const ALL: &[Self] = &[
        Self::Internal,
        Self::InvalidInput,
        Self::Config,
        Self::Identity,
        Self::Store,
        Self::Unreachable,
        Self::Timeout,
        Self::NotFound,
        Self::Refused,
        Self::Limit,
        Self::Closed,
    ];

    /// The class name in languages that have exception classes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "InternalError",
            Self::InvalidInput => "InvalidInputError",
            Self::Config => "ConfigError",
            Self::Identity => "IdentityError",
            Self::Store => "StoreError",
            Self::Unreachable => "UnreachableError",
            Self::Timeout => "TimeoutError",
            Self::NotFound => "NotFoundError",
            Self::Refused => "RefusedError",
            Self::Limit => "LimitError",
            Self::Closed => "ClosedError",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, $retry:ident, $http:literal, $host:ident;)+) => {
        /// A stable reason. The number and the name never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Code { $($(#[doc = $doc])+ $variant = $number),+ }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The number used where only integers cross a border.
            pub const fn number(self) -> u16 { self as u16 }
            /// The name used in JSON, logs and exceptions.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }
            /// Whether the same call may succeed later.
            pub const fn retry(self) -> Retry { match self { $(Self::$variant => Retry::$retry),+ } }
            /// The HTTP status when the code answers a request.
            pub const fn http_status(self) -> u16 { match self { $(Self::$variant => $http),+ } }
            /// The exception class in the bindings.
            pub const fn host(self) -> HostException { match self { $(Self::$variant => HostException::$host),+ } }
            /// What the code means.
            pub const fn doc(self) -> &'static str { match self { $(Self::$variant => concat!($($doc),+)),+ } }
        }
    };
}

codes! {
    /// A broken invariant inside the library; please report it.
    Internal = 1, "internal", Never, 500, Internal;
    /// An argument is missing, has the wrong type or is out of range.
    InvalidArgument = 2, "invalid_argument", Never, 400, InvalidInput;
    /// Time ran out before the call finished.
    Timeout = 3, "timeout", Later, 504, Timeout;
    /// The node is closed; open a new one.
    Closed = 4, "closed", Never, 503, Closed;
    /// No verb has that name.
    UnknownVerb = 5, "unknown_verb", Never, 404, InvalidInput;
    /// A call on the blocking twin was made from inside an async runtime.
    BlockingInAsync = 6, "blocking_in_async", Never, 500, InvalidInput;
    /// The process forked after the node was opened; the child cannot use it.
    Forked = 7, "forked", Never, 500, Closed;
    /// A handle was freed before, or is another kind of handle.
    InvalidHandle = 8, "invalid_handle", Never, 500, InvalidInput;

    /// A setting or environment variable has a value that is not allowed.
    ConfigInvalid = 100, "config_invalid", Never, 500, Config;

    /// No passport exists where one was required.
    PassportMissing = 200, "passport_missing", Never, 500, Identity;
    /// The passport file does not hold 64 hexadecimal digits.
    PassportMalformed = 201, "passport_malformed", Never, 500, Identity;
    /// Other users can read the passport file.
    PassportExposed = 202, "passport_exposed", Never, 500, Identity;
    /// The passport file cannot be read or written.
    PassportUnreadable = 203, "passport_unreadable", Never, 500, Identity;
    /// Text is not an agent id: 64 lower-case hexadecimal digits of an Ed25519 public key.
    AgentIdInvalid = 204, "agent_id_invalid", Never, 400, InvalidInput;
    /// The database in the data folder belongs to another passport.
    PassportMismatch = 205, "passport_mismatch", Never, 500, Identity;

    /// Bytes are not the JSON object that the endpoint takes.
    WireMalformed = 300, "wire_malformed", Never, 400, InvalidInput;
    /// A field is missing or has the wrong type.
    WireField = 301, "wire_field", Never, 400, InvalidInput;
    /// A frame or field is larger than allowed.
    WireTooLarge = 302, "wire_too_large", Never, 413, Limit;
    /// A signature is missing.
    SignatureMissing = 303, "signature_missing", Never, 403, Refused;
    /// A signature does not hold.
    SignatureInvalid = 304, "signature_invalid", Never, 403, Refused;
    /// A presented key is not the one pinned, or is not the agent's id.
    KeyMismatch = 305, "key_mismatch", Never, 403, Refused;
    /// A timestamp is outside the freshness window; check the clock.
    Stale = 306, "stale", Never, 403, Refused;
    /// The same signed thing arrived before.
    Replay = 307, "replay", Never, 409, Refused;
    /// A sealed body cannot be opened with our key.
    SealBroken = 308, "seal_broken", Never, 403, Refused;
    /// A URL is not acceptable.
    UrlInvalid = 309, "url_invalid", Never, 400, InvalidInput;

    /// The database cannot be opened, read or written.
    StoreUnavailable = 400, "store_unavailable", Later, 503, Store;
    /// The database is damaged; it was left as it is.
    StoreCorrupt = 401, "store_corrupt", Never, 503, Store;
    /// The database was written by a newer version; it was left as it is.
    StoreNewer = 402, "store_newer", Never, 503, Store;
    /// The disk is full.
    StoreFull = 403, "store_full", Later, 503, Store;
    /// Another process runs the node of this data folder.
    StoreOwned = 404, "store_owned", Never, 409, Store;
    /// A row was not in the state the commit required.
    StorePrecondition = 405, "store_precondition", Never, 409, Store;

    /// The address could not be reached.
    Unreachable = 500, "unreachable", Later, 502, Unreachable;
    /// The peer answered, but not as the protocol requires.
    BadAnswer = 501, "bad_answer", Never, 502, Unreachable;
    /// The outbound policy forbids the address.
    AddressForbidden = 502, "address_forbidden", Never, 403, Refused;
    /// The port cannot be bound.
    BindFailed = 503, "bind_failed", Later, 500, Unreachable;

    /// Discovery cannot use the network as asked.
    DiscoveryFailed = 600, "discovery_failed", Later, 500, Unreachable;

    /// A trust score is outside -1 to 1 or not finite.
    TrustOutOfRange = 700, "trust_out_of_range", Never, 400, InvalidInput;

    /// The agent is not connected.
    PeerNotConnected = 900, "peer_not_connected", Never, 403, NotFound;
    /// No such pending request.
    RequestUnknown = 901, "request_unknown", Never, 404, NotFound;
    /// The connection limit is reached.
    ConnectionLimit = 902, "connection_limit", Later, 429, Limit;
    /// The peer answered with another identity than expected.
    PeerMismatch = 903, "peer_mismatch", Never, 403, Refused;
    /// The other side refused.
    PeerRefused = 904, "peer_refused", Never, 403, Refused;
    /// The node is inactive and accepts nothing.
    Inactive = 905, "inactive", Later, 503, Refused;
    /// The peer's address class is outside the network tier.
    TierRestricted = 906, "tier_restricted", Never, 403, Refused;
    /// The host's policy said no, failed or did not answer in time.
    PolicyRefused = 907, "policy_refused", Never, 403, Refused;
    /// The agent is on the block list, here or at the other side.
    PeerBlocked = 908, "peer_blocked", Never, 403, Refused;
    /// There is no group of that name.
    GroupUnknown = 909, "group_unknown", Never, 404, NotFound;

    /// The receiver's queue is full.
    QueueFull = 1000, "queue_full", Later, 429, Limit;
    /// Too many requests from this source or peer.
    RateLimited = 1001, "rate_limited", Later, 429, Limit;
    /// The message does not exist or was acknowledged before.
    MessageUnknown = 1002, "message_unknown", Never, 404, NotFound;
    /// The message expired before it could be delivered.
    MessageExpired = 1003, "message_expired", Never, 410, Timeout;
    /// The peer gives no receipts: beyond accepted nothing is known but an answer.
    NoReceipts = 1004, "no_receipts", Never, 409, Refused;
    /// The sender took the message back.
    MessageCancelled = 1005, "message_cancelled", Never, 410, Refused;
    /// An idempotency key stands for another message.
    IdempotencyKeyReused = 1010, "idempotency_key_reused", Never, 409, InvalidInput;
    /// A limit of the message is looser than its author or a forwarder signed.
    LimitsLoosened = 1011, "limits_loosened", Never, 403, Refused;
    /// What the message says about its author or its way does not hold.
    OriginInvalid = 1012, "origin_invalid", Never, 403, Refused;
    /// The message may not be forwarded any more.
    HopsExhausted = 1013, "hops_exhausted", Never, 409, Refused;
    /// The agent has the message already, as far as is known here.
    AlreadyReceived = 1014, "already_received", Never, 409, Refused;

    /// A local request lacks the token of the data folder.
    TokenInvalid = 1400, "token_invalid", Never, 401, Refused;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_ordered() {
        let numbers: Vec<_> = Code::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn every_code_has_an_error_status_and_a_sentence() {
        for code in Code::ALL {
            assert!((400..600).contains(&code.http_status()), "{code:?}");
            assert!(code.doc().trim().ends_with('.'), "{code:?}");
        }
    }
}
