//! What is limited, for whom, and how a refusal reads.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error};

/// Requests a minute, and connections at once. `null` means no limit.
///
/// # What a limit of N guarantees
///
/// The full N may come at once, and one more becomes free every 60/N seconds (GCRA). In any 60 seconds at
/// most 2 N requests are accepted, namely right after a quiet time; in the long run N a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// For each source address that has not proven to be a connected peer.
    pub stranger_per_source: Option<NonZeroU32>,
    /// For all such sources together.
    pub strangers_total: Option<NonZeroU32>,
    /// For each connected peer, unless it has a limit of its own.
    pub peer: Option<NonZeroU32>,
    /// For the pings of each source, which count nowhere else.
    pub ping: Option<NonZeroU32>,
    /// Connections that one source may hold at once; one more is answered 429. In a node all sources together have
    /// 1,024, whatever this says.
    pub connections_per_source: Option<NonZeroU32>,
    /// Whether sources on this machine are limited like others, in requests of strangers and in connections.
    pub loopback: Loopback,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            stranger_per_source: NonZeroU32::new(30),
            strangers_total: NonZeroU32::new(200),
            peer: NonZeroU32::new(600),
            ping: NonZeroU32::new(120),
            connections_per_source: NonZeroU32::new(128),
            loopback: Loopback::default(),
        }
    }
}

/// How sources with a loopback address, or inside this process, are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loopback {
    /// Like any other source.
    #[default]
    Limited,
    /// Not limited by source, and not counted among the strangers: for many nodes on one machine.
    Exempt,
}

/// A connected peer's own limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerRate {
    /// [`Limits::peer`].
    #[default]
    Standard,
    /// No limit.
    Unlimited,
    /// This many requests a minute.
    PerMinute(NonZeroU32),
}

impl From<i64> for PeerRate {
    /// Reads a connection's `rate_limit` as 1.1.1 does: 0 is the standard, negative is none.
    fn from(setting: i64) -> Self {
        if setting < 0 {
            return Self::Unlimited;
        }
        let capped = u32::try_from(setting).unwrap_or(u32::MAX);
        NonZeroU32::new(capped).map_or(Self::Standard, Self::PerMinute)
    }
}

/// Whom a request from an unproven source is counted against.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKey {
    /// An IPv4 address, also when it arrived mapped into IPv6.
    V4(Ipv4Addr),
    /// The first 64 bits of an IPv6 address: one subscriber has that many addresses of its own.
    V6([u8; 8]),
    /// This machine, by IPv6.
    Loopback6,
    /// Another node of this process, by its label.
    Process(String),
}

impl SourceKey {
    /// Whether the source is on this machine.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::V4(address) => address.is_loopback(),
            Self::V6(_) => false,
            Self::Loopback6 | Self::Process(_) => true,
        }
    }
}

impl From<IpAddr> for SourceKey {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) if address.is_loopback() => Self::Loopback6,
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

/// What kind of request an unproven source makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Anything but a ping.
    Stranger,
    /// A ping.
    Ping,
}

/// Which limit refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::stranger_per_source`].
    StrangerPerSource,
    /// [`Limits::strangers_total`].
    StrangersTotal,
    /// [`Limits::peer`], or the peer's own.
    Peer,
    /// [`Limits::ping`].
    Ping,
}

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Which limit.
    pub limit: Limit,
    /// Its requests a minute.
    pub per_minute: NonZeroU32,
    /// How long until this limit allows the next request, if none comes in between.
    pub retry_after: Duration,
}

impl From<Limited> for Error {
    fn from(limited: Limited) -> Self {
        let count = limited.per_minute;
        // The sentence for a connection is that of 1.1.1.
        let sentence = match limited.limit {
            Limit::Peer => format!("Rate limit exceeded for this connection ({count} requests per 60s)"),
            Limit::StrangerPerSource => {
                format!("Rate limit exceeded for this address ({count} requests per 60s)")
            }
            Limit::StrangersTotal => {
                format!("Rate limit exceeded for unknown senders ({count} requests per 60s)")
            }
            Limit::Ping => format!("Rate limit exceeded for pings ({count} per 60s)"),
        };
        Error::new(Code::RateLimited, sentence).with("retry_after_ms", limited.retry_after.as_millis())
    }
}
