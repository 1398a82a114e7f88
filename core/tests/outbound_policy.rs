//! Which URLs a node may be made to ask, row by row: what is no URL, what no address may be, which tier reaches what,
//! who may vouch for an exception, and what comes back. `docs/outbound.md` says which line each table proves.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

#[path = "outbound_policy/exceptions.rs"]
mod exceptions;
#[path = "outbound_policy/lab.rs"]
mod lab;

use std::{net::IpAddr, process::Command};

use dmagent::{
    error::Code,
    transport::{Grant, Request, Transport as _, http::Policy},
    wire::{AddressClass, NetworkTier},
};

use self::lab::{Dns, answering, client, listening, outcome};

use AddressClass::{Global, LinkLocal, Loopback, Never, Private};

/// An address, its class.
const ADDRESSES: &[(&str, AddressClass)] = &[
    ("127.0.0.1", Loopback),
    ("127.255.255.254", Loopback),
    ("[::1]", Loopback),
    ("10.0.0.1", Private),
    ("172.16.0.1", Private),
    ("172.31.255.255", Private),
    ("192.168.0.1", Private),
    ("100.64.0.1", Private),
    ("[fc00::1]", Private),
    ("[fdff::1]", Private),
    ("169.254.0.1", LinkLocal),
    ("[fe80::1]", LinkLocal),
    ("0.0.0.0", Never),
    ("0.1.2.3", Never),
    ("169.254.169.254", Never),
    ("[fd00:ec2::254]", Never),
    ("224.0.0.1", Never),
    ("239.77.68.77", Never),
    ("[ff02::1]", Never),
    ("255.255.255.255", Never),
    ("[::]", Never),
    ("192.0.2.1", Never),
    ("198.51.100.1", Never),
    ("203.0.113.1", Never),
    ("[2001:db8::1]", Never),
    ("198.18.0.1", Never),
    ("198.19.255.255", Never),
    ("240.0.0.1", Never),
    ("8.8.8.8", Global),
    ("[2606:4700::1111]", Global),
    // IPv4-mapped.
    ("[::ffff:127.0.0.1]", Loopback),
    ("[::ffff:10.0.0.1]", Private),
    ("[::ffff:169.254.0.1]", LinkLocal),
    ("[::ffff:169.254.169.254]", Never),
    ("[::ffff:8.8.8.8]", Global),
    // NAT64.
    ("[64:ff9b::127.0.0.1]", Loopback),
    ("[64:ff9b::192.168.0.1]", Private),
    ("[64:ff9b::169.254.169.254]", Never),
    ("[64:ff9b::8.8.8.8]", Global),
    // 6to4.
    ("[2002:7f00:1::]", Loopback),
    ("[2002:c0a8:1::]", Private),
    ("[2002:a9fe:a9fe::]", Never),
    ("[2002:808:808::]", Global),
];

/// Which classes each tier reaches with each word for a URL: loopback, private, link-local, never, global.
const TIERS: &[(NetworkTier, Grant, [bool; 5])] = &[
    (NetworkTier::Local, Grant::None, [true, false, false, false, false]),
    (NetworkTier::Local, Grant::User, [true, false, false, false, false]),
    (NetworkTier::Lan, Grant::None, [true, true, true, false, false]),
    (NetworkTier::Lan, Grant::User, [true, true, true, false, false]),
    (NetworkTier::Global, Grant::None, [false, false, false, false, true]),
    (NetworkTier::Global, Grant::User, [true, true, true, false, true]),
    (NetworkTier::Global, Grant::Peer(Loopback), [true, true, true, false, true]),
    (NetworkTier::Global, Grant::Peer(Private), [false, true, true, false, true]),
    (NetworkTier::Global, Grant::Peer(Global), [false, false, false, false, true]),
];

/// What is no plain URL of a node.
const MALFORMED: &[&str] = &[
    "ftp://8.8.8.8",
    "file:///etc/passwd",
    "gopher://8.8.8.8",
    "//8.8.8.8",
    "http:8.8.8.8",
    "http://",
    "http:///x",
    "http://user@8.8.8.8",
    "http://user:word@8.8.8.8",
    "http://8.8.8.8@127.0.0.1",
    "http://8.8.8.8#x",
    "http://8.8.8.8\\@127.0.0.1",
    "http://8.8.8.8/\r\nX: y",
    "http://8.8.8.8\t",
    " http://8.8.8.8",
    "http://b\u{fc}cher.example",
    "http://8.8.8.8/\u{0}",
    "http://8.8.8.8:0",
    "http://8.8.8.8:",
    "http://8.8.8.8:65536",
    "http://8.8.8.8:0080",
    "http://8.8.8.8:-1",
    // An IPv4 address as an integer, in octal, in hexadecimal, with parts left out.
    "http://2130706433",
    "http://017700000001",
    "http://0177.0.0.1",
    "http://0x7f000001",
    "http://0x7f.0.0.1",
    "http://0X7F.1",
    "http://127.1",
    "http://127.0.1",
    "http://127.0.0.1.",
    "http://%31%32%37.0.0.1",
    "http://[::1",
    "http://[fe80::1%25eth0]",
];

fn address(host: &str) -> IpAddr {
    host.trim_matches(['[', ']']).parse().unwrap()
}

#[tokio::test]
async fn every_class_meets_every_tier_by_its_address_and_by_a_name() {
    for (host, class) in ADDRESSES {
        assert_eq!(AddressClass::of(address(host)), *class, "{host}");
        let column = [Loopback, Private, LinkLocal, Never, Global].iter().position(|c| c == class).unwrap();
        for (tier, grant, reached) in TIERS {
            let said = Policy { tier: *tier }.check(host, &[address(host)], *grant);
            assert_eq!(said.is_ok(), reached[column], "{host} {tier:?} {grant:?}");
            // What is refused is refused before a connection; what is allowed is not tried here.
            if reached[column] {
                continue;
            }
            let by_address = client(*tier, Dns::none()).await;
            assert_eq!(
                outcome(&by_address, &format!("http://{host}:9"), *grant).await,
                Err(Code::AddressForbidden)
            );
            let dns = Dns::giving(&[&[address(host)]]);
            let by_name = client(*tier, dns.clone()).await;
            let error = outcome(&by_name, "http://name.example:9", *grant).await;
            assert_eq!((error, dns.asked()), (Err(Code::AddressForbidden), 1), "{host} {tier:?} {grant:?}");
        }
    }
}

#[tokio::test]
async fn one_address_out_of_reach_closes_a_name() {
    let (good, bad) = (address("8.8.8.8"), address("10.0.0.1"));
    for addresses in [[good, bad], [bad, good]] {
        let client = client(NetworkTier::Global, Dns::giving(&[&addresses])).await;
        let error = outcome(&client, "http://name.example:9", Grant::None).await;
        assert_eq!(error, Err(Code::AddressForbidden), "{addresses:?}");
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_refused() {
    for dns in [Dns::none(), Dns::giving(&[&[]])] {
        let client = client(NetworkTier::Global, dns).await;
        assert_eq!(outcome(&client, "http://name.example:9", Grant::User).await, Err(Code::Unreachable));
    }
}

#[tokio::test]
async fn a_name_leads_where_it_was_checked_whatever_it_says_next() {
    let server = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await;
    // The second look-up leads elsewhere. One request makes one look-up and goes to what that gave.
    let turns: [&[IpAddr]; 2] = [&[address("127.0.0.1")], &[address("169.254.169.254")]];
    let dns = Dns::giving(&turns);
    let client = client(NetworkTier::Local, dns.clone()).await;
    let url = format!("http://name.example:{}", server.port);
    assert_eq!(outcome(&client, &url, Grant::None).await, Ok(200));
    assert_eq!((dns.asked(), server.connections()), (1, 1));
    let head = server.heads().remove(0).to_lowercase();
    assert!(head.contains(&format!("host: name.example:{}", server.port)), "{head}");
    assert_eq!(outcome(&client, &url, Grant::None).await, Err(Code::AddressForbidden));
    assert_eq!((dns.asked(), server.connections()), (2, 1));
}

#[tokio::test]
async fn a_checked_address_keeps_the_name_for_tls() {
    let server = answering(b"").await;
    let client = client(NetworkTier::Local, Dns::giving(&[&[address("127.0.0.1")]])).await;
    let url = format!("https://pinned.example:{}", server.port);
    assert_eq!(outcome(&client, &url, Grant::None).await, Err(Code::Unreachable));
    assert!(server.heads()[0].contains("pinned.example"), "the name stands in the first words of TLS");
}

#[tokio::test]
async fn what_is_no_plain_url_is_not_asked() {
    let dns = Dns::giving(&[&[address("127.0.0.1")]]);
    let client = client(NetworkTier::Local, dns.clone()).await;
    for url in MALFORMED {
        assert_eq!(outcome(&client, url, Grant::User).await, Err(Code::UrlInvalid), "{url:?}");
        // Frames of 1.1.1 may have a port with zeros before it, which every reader drops. Nobody is asked there.
        let is_taken = dmagent::wire::url::parse(url).is_ok();
        assert_eq!(is_taken, url.ends_with(":0080"), "{url:?}: taken from a frame");
    }
    assert_eq!(dns.asked(), 0);
    let base = format!("http://name.example/{}", "a".repeat(2048 - "http://name.example//x".len()));
    assert_ne!(outcome(&client, &base, Grant::User).await, Err(Code::UrlInvalid), "2,048 characters");
    assert_eq!(outcome(&client, &format!("{base}a"), Grant::User).await, Err(Code::UrlInvalid));
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let inside = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 x"] {
        let head = format!("HTTP/1.1 {status}\r\nLocation: {}/x\r\nContent-Length: 0\r\n\r\n", inside.url());
        let outside = answering(head.as_bytes()).await;
        let client = client(NetworkTier::Local, Dns::none()).await;
        assert_eq!(outcome(&client, &outside.url(), Grant::None).await, Ok(status[..3].parse().unwrap()));
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn an_answer_over_one_mebibyte_is_given_up() {
    let client = client(NetworkTier::Local, Dns::none()).await;
    let whole = |length: usize| {
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes(), vec![b'1'; length]]
            .concat()
    };
    let endless = {
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..17 {
            bytes.extend_from_slice(b"10000\r\n");
            bytes.extend_from_slice(&[b'1'; 0x10000]);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    };
    for (answer, expected) in [
        (whole(1 << 20), Ok(200)),
        (whole((1 << 20) + 1), Err(Code::BadAnswer)),
        (endless, Err(Code::BadAnswer)),
    ] {
        let server = answering(&answer).await;
        assert_eq!(outcome(&client, &server.url(), Grant::None).await, expected, "{} bytes", answer.len());
    }
}

#[tokio::test]
async fn a_refusal_names_neither_address_nor_body() {
    let secret = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nroot:x:0:0";
    let server = answering(secret).await;
    let client = client(NetworkTier::Local, Dns::giving(&[&[address("10.1.2.3")]])).await;
    for url in [server.url(), "http://name.example:9".into(), "http://10.1.2.3:9".into()] {
        let request = Request::get("/x").grant(Grant::None);
        let error = client.send(&url, request).await.unwrap_err();
        for word in ["127.0.0.1", "10.1.2.3", "name.example", "root"] {
            assert!(!error.message().contains(word), "{url}: {}", error.message());
        }
    }
}

#[tokio::test]
async fn a_forwarding_header_of_somebody_untrusted_is_only_text() {
    for (trusted, expected) in [(false, "127.0.0.1"), (true, "203.0.113.9")] {
        let (server, seen) = listening(trusted).await;
        let mut caller = support::http::Client::new(server.local_addr());
        caller.send("GET", "/x", &[("x-forwarded-for", "10.0.0.1, 203.0.113.9")], b"").await;
        assert_eq!(seen.lock().as_slice(), [expected.parse::<IpAddr>().unwrap()]);
        server.close().await;
    }
}

const PROXIES: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "CGI_HTTP_PROXY",
    "PROXY",
];

#[tokio::test]
async fn proxies_in_the_environment_are_ignored() {
    let proxy = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--ignored", "--exact", "inside_an_environment_with_proxies"]);
    PROXIES.iter().for_each(|name| {
        again.env(name, proxy.url());
    });
    again.env_remove("NO_PROXY").env_remove("no_proxy");
    let inside = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&inside.stdout);
    assert!(inside.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
#[ignore = "run by the test above, in an environment of its own"]
async fn inside_an_environment_with_proxies() {
    let server = answering(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}").await;
    let client = client(NetworkTier::Local, Dns::giving(&[&[address("127.0.0.1")]])).await;
    for url in [server.url(), format!("http://name.example:{}", server.port)] {
        assert_eq!(outcome(&client, &url, Grant::None).await, Ok(201), "straight to the server");
    }
}
