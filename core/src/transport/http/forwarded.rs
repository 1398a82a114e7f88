//! Who really asks, when a reverse proxy stands in front of the node (S1).
//!
//! `X-Forwarded-For` is text that anyone may send; 1.1.1 believed it and so opened its local API to
//! whoever wrote `127.0.0.1` into it. Here the socket decides. Only when the socket belongs to a proxy
//! that the operator configured does the header count, and of it only the right-most entry that is not
//! itself such a proxy: everything further left was written by someone we do not know.

use std::net::{IpAddr, SocketAddr};

use hyper::header::HeaderMap;
use ipnet::IpNet;

use crate::error::{Code, Error, Result};

/// The proxies whose `X-Forwarded-For` is believed. Empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads addresses (`10.0.0.7`) and ranges (`10.0.0.0/8`).
    pub fn parse<'text>(entries: impl IntoIterator<Item = &'text str>) -> Result<Self> {
        let range = |entry: &str| {
            let entry = entry.trim();
            entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)).map_err(|error| {
                Error::new(Code::ConfigInvalid, "a trusted proxy is an IP address or a range like 10.0.0.0/8")
                    .with("value", entry)
                    .because(error)
            })
        };
        entries.into_iter().map(range).collect::<Result<_>>().map(Self)
    }

    /// Whether `address` is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }

    /// Who sent a request that came over a socket from `peer` with `headers`; `None` when the header is unreadable.
    /// The port is 0 when only a header told the address.
    pub(super) fn source(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<SocketAddr> {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        if self.0.is_empty() || !self.contains(peer.ip()) {
            return Some(peer);
        }
        let mut source = peer;
        for value in headers.get_all("x-forwarded-for").iter().rev() {
            // A text that nobody can read must not pass for the proxy's own address, which may be loopback.
            let value = value.to_str().ok()?;
            for entry in value.rsplit(',') {
                source = read(entry.trim())?;
                if !self.contains(source.ip()) {
                    return Some(source);
                }
            }
        }
        Some(source)
    }
}

/// An entry of the header: an address, perhaps in brackets, perhaps with a port.
fn read(entry: &str) -> Option<SocketAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let (address, port) = match bare.parse::<IpAddr>() {
        Ok(address) => (address, 0),
        Err(_) => entry.parse::<SocketAddr>().map(|address| (address.ip(), address.port())).ok()?,
    };
    Some(SocketAddr::new(address.to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn source(trusted: &[&str], peer: &str, headers: &[&'static str]) -> String {
        let headers = headers
            .iter()
            .map(|value| ("x-forwarded-for".parse().unwrap(), value.parse().unwrap()))
            .collect();
        let proxies = TrustedProxies::parse(trusted.iter().copied()).unwrap();
        proxies.source(peer.parse().unwrap(), &headers).unwrap().to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(source(&[], "203.0.113.9:5", &["127.0.0.1"]), "203.0.113.9:5");
        assert_eq!(source(&["10.0.0.1"], "203.0.113.9:5", &["127.0.0.1"]), "203.0.113.9:5");
    }

    #[test]
    fn a_proxy_tells_the_right_most_address_that_is_not_a_proxy() {
        let trusted = &["10.0.0.0/8", "::1"];
        for (headers, told) in [
            (&["198.51.100.7"][..], "198.51.100.7:0"),
            (&["127.0.0.1, 198.51.100.7"], "198.51.100.7:0"),
            (&["127.0.0.1", "198.51.100.7 , 10.2.2.2"], "198.51.100.7:0"),
            (&["198.51.100.7:4711"], "198.51.100.7:4711"),
            (&["[2001:db8::7]:99"], "[2001:db8::7]:99"),
            (&["[2001:db8::7]"], "[2001:db8::7]:0"),
            (&["::ffff:198.51.100.7"], "198.51.100.7:0"),
            (&["10.3.3.3, 10.2.2.2"], "10.3.3.3:0"),
            (&[], "10.0.0.1:5"),
        ] {
            assert_eq!(source(trusted, "10.0.0.1:5", headers), told, "{headers:?}");
            let mapped = source(trusted, "[::ffff:10.0.0.1]:5", headers);
            assert_eq!(mapped, told, "{headers:?}");
        }
    }

    #[test]
    fn an_unreadable_entry_has_no_rights() {
        let entries =
            ["unknown", "", "127.0.0.1, ", "127.0.0.1, _hidden", "127.0.0.1 10.0.0.1", "127.0.0.1, \u{e9}"];
        for entry in entries {
            let value = HeaderValue::from_bytes(entry.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), value)]);
            let proxies = TrustedProxies::parse(["127.0.0.1"]).unwrap();
            assert_eq!(proxies.source("127.0.0.1:5".parse().unwrap(), &headers), None, "{entry:?}");
        }
    }

    #[test]
    fn a_range_that_is_none_is_a_wrong_setting() {
        for entry in ["", "localhost", "10.0.0.0/33", "10.0.0"] {
            assert_eq!(TrustedProxies::parse([entry]).unwrap_err().code(), Code::ConfigInvalid, "{entry:?}");
        }
    }
}
