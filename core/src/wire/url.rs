//! URLs of peers: what 1.1.1 accepts, without what two readers could read differently.
//!
//! A node gives out its URL in three forms: the base, `{base}/mcp`, and a scoped form
//! `{base}/__darkmatter__/{agent_id}`. Everything is sent to [`base`] plus a path.

use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{AddressClass, limits};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
};

/// The path below which everything of the mesh lives.
const ROOT: &str = "/__darkmatter__";
/// The schemes of peers.
const SCHEMES: &[&str] = &["http", "https"];
/// The scheme of nodes within one process. No error offers it: only a program that made such a transport knows it.
const IN_PROCESS: &str = "memory";

/// The URL of a peer, as it was given. Every reader finds the same host, port and path in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerUrl {
    text: String,
    scheme: String,
    host: Host,
    port: Option<u16>,
}

/// The host of a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// An IP address.
    Ip(IpAddr),
    /// A name, in lower case.
    Name(String),
}

/// Reads the URL of a peer.
///
/// # Errors
///
/// `UrlInvalid` with the sentence that 1.1.1 gives. What 1.1.1 accepts and this refuses (user info,
/// fragments, characters outside RFC 3986, port 0, dot segments, odd spellings of IPv4 addresses) is an
/// `Invalid URL.` too, and the context names the reason.
pub fn parse(text: &str) -> Result<PeerUrl> {
    read(text, |scheme| SCHEMES.contains(&scheme))
}

/// Like [`parse`], and takes the addresses of nodes within this process too.
///
/// # Errors
///
/// Those of [`parse`].
pub fn parse_any(text: &str) -> Result<PeerUrl> {
    read(text, |scheme| scheme == IN_PROCESS || SCHEMES.contains(&scheme))
}

fn read(text: &str, is_scheme: impl Fn(&str) -> bool) -> Result<PeerUrl> {
    let refuse = |sentence: Cow<'static, str>| Err(Error::new(Code::UrlInvalid, sentence));
    if text.chars().count() > limits::URL_CHARS {
        return refuse(format!("URL exceeds maximum length ({} chars).", limits::URL_CHARS).into());
    }
    let (scheme, rest) = split_scheme(text);
    if !is_scheme(&scheme) {
        return refuse(format!("URL scheme must be {}, got '{scheme}'.", SCHEMES.join(" or ")).into());
    }
    let rest = rest.strip_prefix("//").unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.is_empty() || authority.starts_with(':') {
        return refuse("URL has no hostname.".into());
    }
    let invalid = |reason| Error::new(Code::UrlInvalid, "Invalid URL.").with("reason", reason);
    if !text.bytes().all(is_url_byte) {
        return Err(invalid("a character that URLs must escape"));
    }
    if text.contains('#') {
        return Err(invalid("a fragment"));
    }
    let (host, port) = split_authority(authority).map_err(invalid)?;
    let url = PeerUrl { text: text.to_owned(), scheme, host, port };
    if !url.is_read_alike(path) {
        return Err(invalid("a spelling that is not the plain one"));
    }
    Ok(url)
}

/// The part of `text` that paths are appended to: without trailing slashes, and cut at
/// `/__darkmatter__/`, or before a last `/mcp` or `/__darkmatter__`. Works on any text, as in 1.1.1.
pub fn base(text: &str) -> &str {
    let text = text.trim_end_matches('/');
    if let Some((base, _)) = text.split_once("/__darkmatter__/") {
        return base;
    }
    text.strip_suffix("/mcp").or_else(|| text.strip_suffix(ROOT)).unwrap_or(text)
}

/// The spelling in which URLs are stored and compared: scheme and host in lower case. Works on any text, as
/// [`base`] does.
pub fn normal(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
    let (origin, path) = text.split_at(end);
    origin.to_ascii_lowercase() + path
}

/// What to write instead of an address that lacks its scheme, such as `127.0.0.1:8101`.
pub fn with_scheme(text: &str) -> Option<String> {
    let is_address = text.contains(['.', ':']) || text.starts_with("localhost");
    let whole = format!("http://{text}");
    (is_address && !text.contains("//") && parse(&whole).is_ok()).then_some(whole)
}

/// The agent that a scoped URL names.
pub fn scope(text: &str) -> Option<AgentId> {
    let (_, scoped) = text.split_once("/__darkmatter__/")?;
    scoped.split(['/', '?', '#']).next()?.parse().ok()
}

/// Whether `text` is the URL of a peer on this machine or the local network (see [`PeerUrl::is_local`]).
pub fn is_local(text: &str) -> bool {
    parse(text).is_ok_and(|url| url.is_local())
}

/// Whether `text` is the URL of a peer behind TLS.
pub fn is_secure(text: &str) -> bool {
    parse(text).is_ok_and(|url| url.is_secure())
}

impl PeerUrl {
    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part that paths are appended to (see [`base`]).
    pub fn base(&self) -> &str {
        base(&self.text)
    }

    /// The agent that a scoped URL names (see [`scope`]).
    pub fn scope(&self) -> Option<AgentId> {
        scope(&self.text)
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port; that of the scheme when none is given, 0 for a scheme that has none.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => 0,
        })
    }

    /// Scheme, host and port in one spelling: two URLs lead to the same server if these are equal.
    pub fn origin(&self) -> String {
        format!("{}://{}:{}", self.scheme, self.host, self.port())
    }

    /// The class of the host's address; `None` for a name other than `localhost`, which must be resolved.
    pub fn class(&self) -> Option<AddressClass> {
        match &self.host {
            Host::Ip(address) => Some(AddressClass::of(*address)),
            Host::Name(name) => (name == "localhost").then_some(AddressClass::Loopback),
        }
    }

    /// Whether the host is `localhost` or an address on this machine or the local network. Never true for
    /// other names.
    ///
    /// This says where the URL *points*; where a request came from, only its socket says (S17). Unlike
    /// 1.1.1, addresses where no peer lives (unspecified, documentation, reserved) are not local.
    pub fn is_local(&self) -> bool {
        use AddressClass::{LinkLocal, Loopback, Private};
        // Strangers are neighbours in a carrier's network, 100.64/10; 1.1.1 does not call it local either.
        let shared = matches!(self.host, Host::Ip(IpAddr::V4(address)) if address.octets()[0] == 100);
        matches!(self.class(), Some(Loopback | Private | LinkLocal)) && !shared
    }

    /// Whether TLS protects the way.
    pub fn is_secure(&self) -> bool {
        self.scheme == "https"
    }

    /// Whether the reader inside the HTTP client finds the same host, port and path as this one.
    fn is_read_alike(&self, path: &str) -> bool {
        let Ok(url) = ::url::Url::parse(&self.text) else { return false };
        let same_host = match url.host() {
            Some(::url::Host::Ipv4(address)) => self.host == Host::Ip(address.into()),
            Some(::url::Host::Ipv6(address)) => self.host == Host::Ip(address.into()),
            Some(::url::Host::Domain(name)) => {
                // Schemes it does not know keep the letters and IPv4 addresses as they are written.
                self.host.to_string() == name.to_ascii_lowercase()
            }
            None => false,
        };
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let same_path = url.path() == path || (path.is_empty() && url.path() == "/");
        same_host && same_path && url.query() == query && url.port().is_none_or(|port| port == self.port())
    }
}

/// The scheme in lower case, empty when there is none, and what follows its colon.
fn split_scheme(text: &str) -> (String, &str) {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), text),
    }
}

/// Host and port, or why they are refused.
fn split_authority(authority: &str) -> Result<(Host, Option<u16>), &'static str> {
    if authority.contains('@') {
        return Err("user info");
    }
    let (host, port) = if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']').ok_or("an open bracket")?;
        let address: Ipv6Addr = address.parse().map_err(|_| "not an IPv6 address")?;
        let port = rest.strip_prefix(':');
        if port.is_none() && !rest.is_empty() {
            return Err("text behind the address");
        }
        (Host::Ip(address.into()), port)
    } else {
        let (name, port) =
            authority.split_once(':').map_or((authority, None), |(name, port)| (name, Some(port)));
        (read_name(name)?, port)
    };
    let port = port.map(|port| match port.parse() {
        Ok(number @ 1_u16..) if port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        _ => Err("not a port from 1 to 65535"),
    });
    Ok((host, port.transpose()?))
}

fn read_name(name: &str) -> Result<Host, &'static str> {
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(address.into()));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err("not a host name");
    }
    // 127.1, 0x7f000001 and 017700000001 are addresses to some readers and names to others.
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    if last.bytes().all(|byte| byte.is_ascii_digit())
        || hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err("an odd spelling of an IPv4 address");
    }
    Ok(Host::Name(name.to_ascii_lowercase()))
}

/// What RFC 3986 lets stand unescaped, and the escape sign.
fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for PeerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PeerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl FromStr for PeerUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text)
    }
}

impl Serialize for PeerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PeerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse(&Cow::<'de, str>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for PeerUrl {
    fn schema_name() -> Cow<'static, str> {
        "PeerUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "uri", "maxLength": limits::URL_CHARS})
    }
}

#[cfg(test)]
mod tests;
