//! The outbound URL policy: which URLs this node may be made to ask.
//!
//! URLs arrive in frames of strangers. Obeying them blindly lets anyone use the node to reach what only
//! its machine or its network can reach (S10). Two questions stand between a URL and a connection, both
//! answered without touching the network:
//!
//! 1. [`Target::parse`]: is the text a plain URL that every parser reads in the same way?
//! 2. [`Policy::check`]: may the node talk to the addresses its host stands for?
//!
//! `resolve` puts the second question at the only moment where the answer cannot change any more, between
//! the look-up of a name and the connection to exactly the addresses it gave.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

use crate::wire::{AddressClass, NetworkTier};
use crate::{
    error::{Code, Error, Result},
    transport::Grant,
    wire::limits,
};

/// Decides which addresses a request may go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How far the node reaches.
    pub tier: NetworkTier,
}

impl Policy {
    /// Whether a request may go to `host`, which stands for `addresses`: every one of them must pass, or a
    /// name with one good address would open the door to its others. `host` only serves the operator's
    /// context of the error; its sentence, which peers may see, names no address.
    pub fn check(&self, host: &str, addresses: &[IpAddr], grant: Grant) -> Result<()> {
        let refuse = |class: &str, sentence: String| {
            Err(Error::new(Code::AddressForbidden, sentence)
                .with("host", host)
                .with("class", class)
                .with("tier", self.tier.name()))
        };
        if addresses.is_empty() {
            return refuse("unresolved", "the host name stands for no address".to_owned());
        }
        match addresses.iter().find(|address| !self.admits(**address, grant)) {
            Some(address) => {
                let class = AddressClass::of(*address);
                refuse(class.name(), self.advice(class))
            }
            None => Ok(()),
        }
    }

    /// Why addresses of `class` are out of reach, and what would change that.
    fn advice(&self, class: AddressClass) -> String {
        let needed = match class {
            AddressClass::Never => {
                return "no node can be reached at this kind of address; use the one where the other node listens"
                    .to_owned();
            }
            AddressClass::Global => NetworkTier::Global,
            _ if self.tier == NetworkTier::Global => {
                return "a node that reaches the internet goes to its own network only when its user says so; \
                        connect to this address yourself"
                    .to_owned();
            }
            _ => NetworkTier::Lan,
        };
        format!(
            "the address is outside the network tier \"{}\"; to reach it set network_tier to \"{}\"",
            self.tier.name(),
            needed.name()
        )
    }

    /// Whether `address` may be asked.
    fn admits(&self, address: IpAddr, grant: Grant) -> bool {
        let class = AddressClass::of(address);
        let is_elsewhere = match grant {
            Grant::At(teller) if self.tier == NetworkTier::Global => {
                class.is_local() && address.to_canonical() != teller.to_canonical()
            }
            _ => false,
        };
        self.allows(class, grant) && !is_elsewhere
    }

    /// Whether addresses of `class` may be asked; under [`Grant::At`] those alone of them that it names.
    pub fn allows(&self, class: AddressClass, grant: Grant) -> bool {
        self.tier.allows(Some(class)) && !class.is_nearer_than(self.nearest(grant))
    }

    /// How near a request with `grant` may lead. A node that keeps to itself or its network has strangers there alone.
    pub(super) fn nearest(&self, grant: Grant) -> AddressClass {
        match grant {
            Grant::User => AddressClass::Loopback,
            Grant::Peer(class) => class,
            Grant::At(teller) => AddressClass::of(teller),
            Grant::None if self.tier == NetworkTier::Global => AddressClass::Global,
            Grant::None => AddressClass::Loopback,
        }
    }
}

/// A URL that reads the same to everyone: `http` or `https`, ASCII, no user, no fragment, no unusual
/// spelling of a port or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
}

/// Scheme, host and port: what a [`Grant`] is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether the scheme is `https`.
    pub secure: bool,
    /// Host in lower case; IPv6 in brackets.
    pub host: String,
    /// Port, also when the URL leaves it out.
    pub port: u16,
}

impl Target {
    /// Reads `text` strictly. The sentences of the errors are those of 1.1.1 where it has one.
    pub fn parse(text: &str) -> Result<Self> {
        if text.chars().count() > limits::URL_CHARS {
            return Err(refused("URL exceeds maximum length (2048 chars)."));
        }
        // Other parsers drop, trim, turn or cut these silently, so two of them may see two hosts.
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'#')) {
            return Err(refused("Invalid URL."));
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(|| refused("Invalid URL."))?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(refused("URL scheme must be http or https."));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (host, port) = split_authority(authority)?;
        let url = Url::parse(text).map_err(|error| refused("Invalid URL.").because(error))?;
        let same_host = match url.host() {
            // `0x7f.1`, `2130706433` and `017700000001` are spellings of one address; only one is plain.
            Some(Host::Ipv4(address)) => host == address.to_string(),
            Some(Host::Ipv6(_)) => host.starts_with('['),
            Some(Host::Domain(name)) => host.eq_ignore_ascii_case(name),
            None => false,
        };
        let same_port = port.is_none_or(|port| url.port_or_known_default() == Some(port));
        // A path that would be rewritten (`/a/../b`) is not the one that was asked for.
        let same_tail = tail == &url[url::Position::BeforePath..]
            || (!tail.starts_with('/') && url[url::Position::BeforePath..].strip_prefix('/') == Some(tail));
        if same_host && same_port && same_tail { Ok(Self { url }) } else { Err(refused("Invalid URL.")) }
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host as text; IPv6 in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The address, when the host is one and not a name.
    pub fn literal(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        }
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> Origin {
        Origin {
            secure: self.url.scheme() == "https",
            host: self.host().to_owned(),
            // `parse` lets only http and https through, and both have a usual port.
            port: self.url.port_or_known_default().unwrap_or(0),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.secure { "https" } else { "http" }, self.host, self.port)
    }
}

/// Host and port of an authority without user. The port, when given, is 1 to 65535 in plain digits.
fn split_authority(authority: &str) -> Result<(&str, Option<u16>)> {
    if authority.contains(['@', '%']) {
        return Err(refused("Invalid URL."));
    }
    let host_end = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(host_end);
    if host.is_empty() {
        return Err(refused("URL has no hostname."));
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, None)),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0') => {
            let port = digits.parse().map_err(|error| refused("Invalid URL.").because(error))?;
            Ok((host, Some(port)))
        }
        _ => Err(refused("Invalid URL.")),
    }
}

fn refused(sentence: &'static str) -> Error {
    Error::new(Code::UrlInvalid, sentence)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLASSES: [(&str, AddressClass); 5] = [
        ("127.0.0.1", AddressClass::Loopback),
        ("192.168.1.5", AddressClass::Private),
        ("169.254.7.7", AddressClass::LinkLocal),
        ("169.254.169.254", AddressClass::Never),
        ("8.8.8.8", AddressClass::Global),
    ];

    /// Which of `CLASSES` each tier allows, without and with a grant.
    #[test]
    fn tiers_and_grants_open_exactly_their_classes() {
        let table = [
            (NetworkTier::Local, Grant::None, [true, false, false, false, false]),
            (NetworkTier::Local, Grant::User, [true, false, false, false, false]),
            (NetworkTier::Lan, Grant::None, [true, true, true, false, false]),
            (NetworkTier::Lan, Grant::Peer(AddressClass::Loopback), [true, true, true, false, false]),
            (NetworkTier::Lan, Grant::Peer(AddressClass::LinkLocal), [false, true, true, false, false]),
            (NetworkTier::Lan, Grant::Peer(AddressClass::Global), [false, false, false, false, false]),
            (NetworkTier::Global, Grant::None, [false, false, false, false, true]),
            (NetworkTier::Global, Grant::User, [true, true, true, false, true]),
            (NetworkTier::Global, Grant::Peer(AddressClass::Loopback), [true, true, true, false, true]),
            (NetworkTier::Global, Grant::Peer(AddressClass::Private), [false, true, true, false, true]),
            (NetworkTier::Global, Grant::Peer(AddressClass::Global), [false, false, false, false, true]),
        ];
        for (tier, grant, allowed) in table {
            for ((text, class), allowed) in CLASSES.iter().zip(allowed) {
                let address = text.parse().unwrap();
                assert_eq!(AddressClass::of(address), *class);
                let verdict = Policy { tier }.check(text, &[address], grant);
                assert_eq!(verdict.is_ok(), allowed, "{tier:?} {grant:?} {text}");
            }
        }
    }

    #[test]
    fn a_refusal_says_what_would_help() {
        for (tier, address, advice) in [
            (NetworkTier::Lan, "8.8.8.8", "set network_tier to \"global\""),
            (NetworkTier::Local, "192.168.1.5", "set network_tier to \"lan\""),
            (NetworkTier::Global, "0.0.0.0", "where the other node listens"),
            (NetworkTier::Global, "127.0.0.1", "connect to this address yourself"),
        ] {
            let error = Policy { tier }.check(address, &[address.parse().unwrap()], Grant::None).unwrap_err();
            assert!(error.message().contains(advice), "{address}: {error}");
        }
    }

    #[test]
    fn one_forbidden_address_forbids_the_name() {
        let addresses = ["8.8.8.8".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        let error = Policy::default().check("two.example", &addresses, Grant::None).unwrap_err();
        assert_eq!(error.code(), Code::AddressForbidden);
        assert!(Policy::default().check("none.example", &[], Grant::User).is_err());
    }

    #[test]
    fn what_a_peer_may_read_of_a_refusal_names_no_address() {
        let error =
            Policy::default().check("10.1.2.3", &["10.1.2.3".parse().unwrap()], Grant::None).unwrap_err();
        assert!(!error.message().contains("10."));
        assert!(error.to_string().contains("10.1.2.3"));
    }

    #[test]
    fn plain_urls_are_read_with_their_origin() {
        for (text, origin) in [
            ("http://127.0.0.1:8100", "http://127.0.0.1:8100"),
            ("https://Mesh.Example/", "https://mesh.example:443"),
            ("HTTP://h", "http://h:80"),
            ("http://h:80/a?b=%20c", "http://h:80"),
            ("http://h?x", "http://h:80"),
            ("http://[::1]:9/x", "http://[::1]:9"),
            ("http://[0:0::1]", "http://[::1]:80"),
            ("http://xn--bcher-kva.example/__darkmatter__/ab", "http://xn--bcher-kva.example:80"),
        ] {
            assert_eq!(Target::parse(text).unwrap().origin().to_string(), origin, "{text}");
        }
    }

    #[test]
    fn unusual_spellings_are_refused() {
        let long = format!("http://h/{}", "a".repeat(limits::URL_CHARS));
        for text in [
            "",
            "h",
            "//h/x",
            "ftp://h",
            "file:///etc/passwd",
            "http:/h",
            "http:h",
            "http:///h",
            "http://",
            "http://?x",
            "http://user@h",
            "http://user:pw@h",
            "http://@h",
            "http://h@127.0.0.1",
            "http://h#f",
            "http://h/ x",
            " http://h",
            "http://h\n",
            "ht\ttp://h",
            "http://h\\@evil",
            "http:\\\\h",
            "http://bücher.example",
            "http://%3127.0.0.1",
            "http://0x7f.0.0.1",
            "http://0x7f000001",
            "http://2130706433",
            "http://017700000001",
            "http://0177.0.0.1",
            "http://127.1",
            "http://127.0.0.1.",
            "http://1.2.3.4.5",
            "http://256.1.1.1",
            "http://[::1",
            "http://[::1%25eth0]",
            "http://::1",
            "http://h:0",
            "http://h:",
            "http://h:65536",
            "http://h:080",
            "http://h:+80",
            "http://h:8x",
            "http://[::1]x",
            "http://h/a/../b",
            "http://h/%2e%2e/b",
            "http://h/\"",
            &long,
        ] {
            assert_eq!(Target::parse(text).unwrap_err().code(), Code::UrlInvalid, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_url_is_sent_as_it_was_written(text in "[hH]ttps?:/{1,3}[a-z0-9.:@\\[\\]%x-]{0,12}[/?]?[ -~]{0,12}") {
            if let Ok(target) = Target::parse(&text) {
                let again = Target::parse(target.url().as_str()).unwrap();
                prop_assert_eq!(target.origin(), again.origin());
                prop_assert!(text.ends_with(target.url()[url::Position::BeforePath..].trim_start_matches('/')));
            }
        }

        #[test]
        fn reading_any_text_gives_a_verdict(text in any::<String>()) {
            let _ = Target::parse(&text);
        }
    }
}
