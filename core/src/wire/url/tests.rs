//! Tests of `url`.

use proptest::prelude::*;

use super::*;

const ID: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

#[test]
fn finds_scheme_host_and_port() {
    for (text, origin) in [
        ("http://127.0.0.1:8100/x?y=1", "http://127.0.0.1:8100"),
        ("HTTP://Node.Example", "http://node.example:80"),
        ("https://[2001:DB8:0::1]/", "https://[2001:db8::1]:443"),
        ("http://[::ffff:10.0.0.1]:1", "http://[::ffff:10.0.0.1]:1"),
        ("http://xn--bcher-kva.example:080/a%20b", "http://xn--bcher-kva.example:80"),
        ("http://my_host:65535", "http://my_host:65535"),
    ] {
        let url = parse(text).unwrap();
        assert_eq!((url.as_str(), url.origin().as_str()), (text, origin));
    }
}

#[test]
fn refuses_what_readers_disagree_on() {
    for text in [
        "http://user@host/",
        "http://user:password@host/",
        "http://good.example@evil.example/",
        "http://host/#",
        "http://host#@other/",
        "http://host/a b",
        "http://host\\@other/",
        "http://ho\tst/",
        "http://host/\n",
        "http://host/\u{e9}",
        "http://h\u{f6}st/",
        "http://host:0/",
        "http://host:65536/",
        "http://host:/",
        "http://host:+80/",
        "http://host:8x/",
        "http://host:80:80/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0X7F.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://127.0.0.1./",
        "http://example.com./",
        "http://a..b/",
        "http://%31%32%37.0.0.1/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://[127.0.0.1]/",
        "http://host/a/../b",
        "http://host/a/%2e%2E/b",
        "http://host/./b",
        "http://[::1]:80:80/",
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::UrlInvalid, "Invalid URL."), "{text}");
        assert_eq!(error.context()[0].0, "reason", "{text}");
    }
}

#[test]
fn says_what_1_1_1_says() {
    for (text, sentence) in [
        ("javascript:alert(1)", "URL scheme must be http or https, got 'javascript'."),
        ("host:8100", "URL scheme must be http or https, got 'host'."),
        ("127.0.0.1:8100", "URL scheme must be http or https, got ''."),
        (" http://host", "URL scheme must be http or https, got ''."),
        ("http:/host", "URL has no hostname."),
        ("http://:80/", "URL has no hostname."),
        ("http:///path", "URL has no hostname."),
    ] {
        assert_eq!(parse(text).unwrap_err().message(), sentence, "{text}");
    }
    // Characters count, not bytes.
    let long = format!("http://host/{}", "\u{e9}".repeat(limits::URL_CHARS - 12));
    assert_eq!(parse(&long).unwrap_err().message(), "Invalid URL.");
    assert_eq!(parse(&format!("{long}x")).unwrap_err().message(), "URL exceeds maximum length (2048 chars).");
}

#[test]
fn another_scheme_is_read_by_the_same_rules() {
    let url = parse_any("memory://Alice/__darkmatter__").unwrap();
    assert_eq!((url.base(), url.origin().as_str()), ("memory://Alice", "memory://alice:0"));
    assert_eq!(parse_any("memory://127.0.0.1").unwrap().class(), Some(AddressClass::Loopback));
    assert!(parse_any("memory://a@b").is_err() && parse("memory://a").is_err());
    let error = parse_any("ftp://host").unwrap_err();
    assert_eq!(error.message(), "URL scheme must be http or https, got 'ftp'.", "offers what everybody has");
}

#[test]
fn scheme_and_host_are_stored_in_lower_case() {
    for (given, stored) in [
        ("HTTP://Host.Example:8100/Path?Q", "http://host.example:8100/Path?Q"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("memory://Alice/X", "memory://alice/X"),
        ("http://host", "http://host"),
    ] {
        assert_eq!(normal(given), stored);
        assert_eq!(parse_any(given).unwrap().origin(), parse_any(stored).unwrap().origin());
    }
}

#[test]
fn an_address_without_a_scheme_is_completed() {
    for text in ["127.0.0.1:8101", "localhost:8101", "localhost", "mesh.example", "host:1", "[::1]:9"] {
        assert_eq!(with_scheme(text), Some(format!("http://{text}")));
    }
    for text in ["", "8101", ":8101", "alice", "ftp://host", "http//host.example", "host:0", "mailto:a@b.c"] {
        assert_eq!(with_scheme(text), None, "{text}");
    }
}

#[test]
fn a_scoped_url_names_its_agent() {
    let scoped = format!("http://host/prefix/__darkmatter__/{ID}");
    assert_eq!(scope(&scoped).unwrap().to_string(), ID);
    assert_eq!(parse(&scoped).unwrap().base(), "http://host/prefix");
    // 1.1.1 may append a path to a scoped URL once more.
    assert_eq!(scope(&format!("{scoped}/__darkmatter__/ping")).unwrap().to_string(), ID);
    for other in ["http://host", "http://host/__darkmatter__", "http://host/__darkmatter__/message"] {
        assert_eq!(scope(other), None, "{other}");
    }
}

#[test]
fn local_is_this_machine_and_the_local_network() {
    for local in ["http://LOCALHOST:1", "https://[::1]", "http://[fe80::1]", "http://10.0.0.1"] {
        assert!(is_local(local), "{local}");
    }
    for other in
        ["http://localhost.example", "http://100.64.0.1", "http://0.0.0.0", "http://192.0.2.1", "nothing"]
    {
        assert!(!is_local(other), "{other}");
    }
    assert!(is_secure("HTTPS://host") && !is_secure("http://host") && !is_secure("https://"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text: String, near in "(http|https)://[a-z0-9.:@/\\[\\]?#%_~-]{0,40}") {
        for text in [text, near] {
            let _ = (parse(&text), base(&text), scope(&text), normal(&text), with_scheme(&text));
        }
    }

    #[test]
    fn what_it_accepts_the_http_client_reads_alike(text in "https?://[a-zA-Z0-9.:@/\\[\\]?%x-]{1,24}") {
        if let Ok(url) = parse(&text) {
            let other = ::url::Url::parse(&text).unwrap();
            prop_assert_eq!(url.host().to_string(), other.host_str().unwrap());
            prop_assert_eq!(Some(url.port()), other.port_or_known_default());
            prop_assert!(other.username().is_empty() && other.password().is_none());
            prop_assert_eq!(parse(url.base()).unwrap().origin(), url.origin());
        }
    }
}
