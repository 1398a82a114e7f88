//! Whether a request from this machine was meant for this node.
//!
//! A web page may lie on a name that leads to 127.0.0.1 once the page is loaded (DNS rebinding). Its questions then come
//! from a loopback socket, and the browser counts them as questions to the page's own server, so they carry no
//! `Origin`. What gives them away is `Host`: it still says the name of the page.

use std::net::{IpAddr, Ipv6Addr};

/// Whether `authority`, the `Host` of a request, names this machine: by an address, as `localhost`, or as one of `names`,
/// under which the node is known. Nobody can make a browser say one of those for a page of their own.
pub(super) fn names_us(authority: &str, names: &[String]) -> bool {
    let (host, port) = match authority.rfind(']') {
        Some(bracket) => authority.split_at(bracket + 1),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if !port.is_empty()
        && !port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
    {
        return false;
    }
    if let Some(inside) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inside.parse::<Ipv6Addr>().is_ok();
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host.parse::<IpAddr>().is_ok()
        || host == "localhost"
        || host.ends_with(".localhost")
        || names.iter().any(|name| name.eq_ignore_ascii_case(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_localhost_and_our_own_name_are_us_and_every_other_name_is_not() {
        let names = ["mesh.example".to_owned()];
        for (authority, is_us) in [
            ("127.0.0.1:8100", true),
            ("127.0.0.1", true),
            ("192.168.1.5:8100", true),
            ("[::1]:8100", true),
            ("[::1]", true),
            ("localhost", true),
            ("LocalHost.:8100", true),
            ("a.localhost:8100", true),
            ("mesh.example", true),
            ("Mesh.Example.:443", true),
            ("page.example", false),
            ("page.example:8100", false),
            ("mesh.example.page.example", false),
            ("evil-mesh.example", false),
            ("notlocalhost", false),
            ("localhost.page.example", false),
            ("127.0.0.1.page.example:8100", false),
            ("127.0.0.1:8100.page.example", false),
            ("[page.example]", false),
            ("[::1].page.example", false),
            ("127.0.0.1@page.example", false),
            ("", false),
        ] {
            assert_eq!(names_us(authority, &names), is_us, "{authority:?}");
        }
    }
}
