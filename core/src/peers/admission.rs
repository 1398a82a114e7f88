//! Who is let in: one pure decision from facts that nobody can forge.

use std::net::IpAddr;

use super::types::AutoAccept;
use crate::{transport::Source, wire::AddressClass};

/// What the host's policy says about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the settings decide.
    #[default]
    Default,
    /// Connect.
    Accept,
    /// Let a person decide.
    Ask,
    /// Refuse, with a sentence for the other side.
    Refuse(String),
}

/// The facts about a request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Where it came from.
    pub source: &'a Source,
    /// The URL it claims, already stripped.
    pub url: &'a str,
    /// Whether the connection limit is reached.
    pub full: bool,
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Connect; the text is 1.1.1's explanation.
    Accept(&'static str),
    /// Queue it for a decision.
    Pend,
    /// Refuse, with a sentence.
    Refuse(String),
}

/// Decides. Both the socket's address and the claimed URL must be near for a near rule to apply; an unknown source is
/// near nobody.
pub fn admit(rule: AutoAccept, verdict: &Verdict, facts: Facts<'_>) -> Admission {
    match verdict {
        Verdict::Refuse(sentence) => return Admission::Refuse(sentence.clone()),
        Verdict::Ask => return Admission::Pend,
        Verdict::Accept | Verdict::Default => {}
    }
    // At the limit a person may still accept after disconnecting somebody.
    if facts.full {
        return Admission::Pend;
    }
    if *verdict == Verdict::Accept {
        return Admission::Accept("Accepted by policy.");
    }
    let near = |source: Option<AddressClass>, url: AddressClass| match (rule, source) {
        (AutoAccept::None | AutoAccept::All, _) | (_, None) => false,
        (AutoAccept::Loopback, Some(source)) => {
            source == AddressClass::Loopback && url == AddressClass::Loopback
        }
        (AutoAccept::Lan, Some(source)) => source.is_local() && url.is_local(),
    };
    match rule {
        // Even an open door needs a person when the address is one of ours (S10).
        AutoAccept::All if points_inside(facts.source, facts.url) => Admission::Pend,
        AutoAccept::All => Admission::Accept("Auto-accepted (bootstrap mode)."),
        _ if near(source_class(facts.source), url_class(facts.url)) => {
            Admission::Accept("Auto-accepted (local network).")
        }
        _ => Admission::Pend,
    }
}

/// Whether somebody at `source` names a URL that lies nearer to us than it does itself: our own machine for
/// everyone else, our own network for those outside, who may be anywhere when their address is unknown. Asking there
/// would be asking in our name (S10).
pub fn points_inside(source: &Source, url: &str) -> bool {
    leads_inside(source_class(source).unwrap_or_default(), url_class(url))
}

/// [`points_inside`], for classes of addresses: what somebody at `from` tells leads to `to`.
pub fn leads_inside(from: AddressClass, to: AddressClass) -> bool {
    match (from, to) {
        (AddressClass::Loopback, _) => false,
        (_, AddressClass::Never) => true,
        (from, to) => to.is_nearer_than(from),
    }
}

/// How near the URL of a peer may lead that was told from an address of class `told_from`. An address in it was looked at
/// when the URL was taken and stays what it is. What a name stands for may change at any time, so it leads to nothing
/// nearer than where it was told (S10).
pub fn reach(url: &str, told_from: AddressClass) -> AddressClass {
    let class = url_class(url);
    if class.is_nearer_than(told_from) { class } else { told_from }
}

/// Where a URL was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// How near that is.
    pub(super) from: AddressClass,
    /// The very address, when it lies on our network and nobody here looked at what it told.
    pub(super) by: Option<IpAddr>,
}

impl Told {
    /// The user of this node named it.
    pub(super) const DIALLED: Self = Self::looked_at(AddressClass::Loopback);

    /// Somebody at `source` told it.
    pub(super) fn at(source: &Source) -> Self {
        let from = source_class(source).unwrap_or_default();
        let by = match source {
            Source::Socket(address) if from.is_local() && from != AddressClass::Loopback => {
                Some(address.ip())
            }
            _ => None,
        };
        Self { from, by }
    }

    /// Somebody that near told it, and a person let it in.
    pub(super) const fn looked_at(from: AddressClass) -> Self {
        Self { from, by: None }
    }
}

/// The class of the address a request came from; `None` when that is unknown.
pub fn source_class(source: &Source) -> Option<AddressClass> {
    match source {
        Source::Socket(address) => Some(AddressClass::of(address.ip())),
        Source::Process(_) => Some(AddressClass::Loopback),
        Source::Unknown => None,
    }
}

/// The class of a URL's host without looking names up: a name other than `localhost` counts as global.
pub fn url_class(url: &str) -> AddressClass {
    match url::Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "memory" => AddressClass::Loopback,
        Ok(parsed) => match parsed.host() {
            Some(url::Host::Ipv4(ip)) => AddressClass::of(ip.into()),
            Some(url::Host::Ipv6(ip)) => AddressClass::of(ip.into()),
            Some(url::Host::Domain("localhost")) => AddressClass::Loopback,
            _ => AddressClass::Global,
        },
        Err(_) => AddressClass::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket; no text stands for an unknown source.
    fn source(text: &str) -> Source {
        if text.is_empty() { Source::Unknown } else { Source::Socket(text.parse().unwrap()) }
    }

    fn decide(rule: AutoAccept, from: &str, url: &str) -> bool {
        let source = source(from);
        let facts = Facts { source: &source, url, full: false };
        matches!(admit(rule, &Verdict::Default, facts), Admission::Accept(_))
    }

    #[test]
    fn a_claimed_local_url_opens_nothing_from_outside_s17() {
        assert!(!decide(AutoAccept::Lan, "203.0.113.9:1", "http://127.0.0.1:8101"));
        assert!(!decide(AutoAccept::Loopback, "10.0.0.9:1", "http://127.0.0.1:8101"));
        assert!(!decide(AutoAccept::Loopback, "127.0.0.1:1", "http://example.com"));
    }

    #[test]
    fn nobody_names_what_is_nearer_to_us_than_itself_s10() {
        for (from, url, inside) in [
            ("9.9.9.9:1", "http://127.0.0.1:8545", true),
            ("9.9.9.9:1", "http://localhost:8545", true),
            ("9.9.9.9:1", "http://[::1]:1", true),
            ("9.9.9.9:1", "http://192.168.1.1", true),
            ("9.9.9.9:1", "http://169.254.169.254", true),
            ("9.9.9.9:1", "http://8.8.8.8:8100", false),
            ("192.168.1.7:1", "http://127.0.0.1:1", true),
            ("192.168.1.7:1", "memory://x", true),
            ("192.168.1.7:1", "http://192.168.1.9:8100", false),
            ("127.0.0.1:1", "http://127.0.0.1:8100", false),
            ("", "http://127.0.0.1:8100", true),
            ("", "http://192.168.1.9:8100", true),
            ("", "http://8.8.8.8:8100", false),
        ] {
            assert_eq!(points_inside(&source(from), url), inside, "{from} {url}");
        }
    }

    #[test]
    fn a_name_leads_no_nearer_than_where_it_was_told_s10() {
        use AddressClass::{Global, LinkLocal, Loopback, Never, Private};
        for (url, told_from, expected) in [
            ("http://name.example:8100", Global, Global),
            ("http://name.example:8100", Private, Private),
            ("http://name.example:8100", LinkLocal, LinkLocal),
            ("http://name.example:8100", Loopback, Loopback),
            ("http://name.example:8100", Never, Never),
            ("http://x.localhost:8100", Global, Global),
            ("http://localhost:8100", Global, Loopback),
            ("http://127.0.0.1:8100", Global, Loopback),
            ("http://192.168.1.7:8100", Global, Private),
            ("http://[fe80::1]:8100", Global, LinkLocal),
            ("http://192.168.1.7:8100", Loopback, Loopback),
            ("http://8.8.8.8:8100", Private, Private),
            ("http://169.254.169.254", Global, Global),
        ] {
            assert_eq!(reach(url, told_from), expected, "{url} {told_from:?}");
        }
    }

    #[test]
    fn near_requests_are_accepted_by_the_rule_that_covers_them() {
        assert!(decide(AutoAccept::Loopback, "127.0.0.1:1", "http://localhost:8101"));
        assert!(decide(AutoAccept::Lan, "192.168.1.7:1", "http://192.168.1.7:8101"));
        assert!(!decide(AutoAccept::None, "127.0.0.1:1", "http://127.0.0.1:8101"));
        assert!(decide(AutoAccept::All, "8.8.8.8:1", "http://8.8.8.8:1"));
        assert!(!decide(AutoAccept::All, "8.8.8.8:1", "http://127.0.0.1:8545"));
        assert!(decide(AutoAccept::All, "", "http://8.8.8.8:1"));
        for rule in [AutoAccept::Loopback, AutoAccept::Lan, AutoAccept::All] {
            assert!(!decide(rule, "", "http://127.0.0.1:8101"), "{rule:?}");
        }
    }

    #[test]
    fn the_policy_overrides_the_rule_but_not_the_limit() {
        let source = Source::Socket("8.8.8.8:1".parse().unwrap());
        let facts = |full| Facts { source: &source, url: "http://8.8.8.8:1", full };
        let accept = |full| admit(AutoAccept::None, &Verdict::Accept, facts(full));
        assert!(matches!(accept(false), Admission::Accept(_)));
        assert_eq!(accept(true), Admission::Pend);
        assert_eq!(admit(AutoAccept::All, &Verdict::Ask, facts(false)), Admission::Pend);
        let refuse = Verdict::Refuse("no".into());
        assert_eq!(admit(AutoAccept::All, &refuse, facts(true)), Admission::Refuse("no".into()));
    }
}
