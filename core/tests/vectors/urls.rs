//! URLs and network tiers.

use std::net::IpAddr;

use dmagent::{
    error::Code,
    wire::{AddressClass, NetworkTier, url},
};
use serde_json::Value;

use super::{rows, table, text};

/// 1.1.1 takes user info; readers disagree about where it ends.
const REFUSED_URLS: &[&str] = &["http://user:pw@127.0.0.1:1/x"];

/// Local for 1.1.1, which counts every special-purpose network as private. No peer lives there.
const NOT_LOCAL: &[&str] =
    &["http://0.0.0.0:1", "http://192.0.2.2:8100", "http://198.51.100.1", "http://203.0.113.9"];

#[test]
fn a_url_is_refused_with_the_sentence_of_1_1_1() {
    let table = table("urls");
    let mut refused = Vec::new();
    for row in rows(&table, "urls") {
        let Some(given) = row["url"].as_str() else {
            // The one too long to be written down.
            let long = format!("http://h/{}", "x".repeat(row["url_len"].as_u64().unwrap() as usize - 9));
            let error = url::parse(&long).unwrap_err();
            assert_eq!(error.message(), text(row, "validate_url_error"));
            continue;
        };
        match (url::parse(given), row["validate_url_error"].as_str()) {
            (Ok(parsed), None) => assert_eq!(parsed.base(), text(row, "strip_base_url")),
            (Err(error), Some(sentence)) => {
                assert_eq!((error.code(), error.message()), (Code::UrlInvalid, sentence));
            }
            (Err(_), None) => refused.push(given),
            (Ok(_), Some(_)) => panic!("accepted, unlike 1.1.1: {given}"),
        }
        assert_eq!(url::base(given), text(row, "strip_base_url"));
    }
    assert_eq!(refused, REFUSED_URLS);
}

#[test]
fn locality_and_security_are_those_of_1_1_1() {
    let table = table("urls");
    let mut not_local = Vec::new();
    for row in rows(&table, "urls") {
        let Some(given) = row["url"].as_str().filter(|given| !REFUSED_URLS.contains(given)) else { continue };
        assert_eq!(url::is_secure(given), row["assess_url_security"]["secure"].as_bool().unwrap(), "{given}");
        let local = row["is_local_url"].as_bool().unwrap();
        if url::is_local(given) != local {
            assert!(local, "local, unlike 1.1.1: {given}");
            not_local.push(given);
        }
    }
    assert_eq!(not_local, NOT_LOCAL);
    assert!(REFUSED_URLS.iter().all(|given| !url::is_local(given)));
}

/// Which of the three tiers differ from the row, as (tier, ours).
fn differences(row: &Value, class: Option<AddressClass>) -> Vec<(&'static str, bool)> {
    [("local", NetworkTier::Local), ("lan", NetworkTier::Lan), ("global", NetworkTier::Global)]
        .into_iter()
        .map(|(name, tier)| (name, tier.allows(class)))
        .filter(|(name, ours)| row[name].as_bool().unwrap() != *ours)
        .collect()
}

/// No peer lives there, so no tier takes it.
const NEVER: &[(&str, bool)] = &[("lan", false), ("global", false)];
/// A carrier's shared network is private here.
const SHARED: &[(&str, bool)] = &[("lan", true)];

#[test]
fn tiers_take_the_urls_that_they_take_in_1_1_1() {
    for row in rows(&table("urls"), "urls") {
        // What is no URL is refused before its tier is asked; for 1.1.1 it is a name it cannot place.
        let given = row["url"].as_str().unwrap_or_default();
        let Ok(parsed) = url::parse(given) else { continue };
        let expected = match given {
            "http://100.64.0.1" => SHARED,
            given if NOT_LOCAL.contains(&given) => NEVER,
            _ => &[],
        };
        assert_eq!(differences(&row["tier"], parsed.class()), expected, "{given}");
    }
}

#[test]
fn tiers_take_the_addresses_that_they_take_in_1_1_1() {
    for row in rows(&table("urls"), "ip_tiers") {
        let given = text(row, "ip");
        let class = given.parse::<IpAddr>().ok().map(AddressClass::of);
        let expected: &[_] = match given {
            "192.0.2.1" => NEVER,
            "100.64.0.1" => SHARED,
            // 1.1.1 looks at the outer form only, and calls that private.
            "::ffff:127.0.0.1" => &[("local", true)],
            _ => &[],
        };
        assert_eq!(differences(row, class), expected, "{given}");
    }
}
