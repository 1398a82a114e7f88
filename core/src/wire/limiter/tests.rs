//! What the limiter promises, by example and by property.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use proptest::prelude::*;

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_700_000_000);
const MINUTE: Duration = Duration::from_secs(60);

fn v4(last: u8) -> SourceKey {
    SourceKey::from(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
}

fn per_minute(count: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(count)
}

fn accepted(limiter: &mut Limiter, key: &SourceKey, class: Class, tries: usize, now: Timestamp) -> usize {
    (0..tries).filter(|_| limiter.source(key, class, now).is_ok()).count()
}

#[test]
fn a_source_gets_its_minute_at_once_and_then_waits_as_long_as_it_is_told() {
    let mut limiter = Limiter::new(Limits::default());
    assert_eq!(accepted(&mut limiter, &v4(1), Class::Stranger, 40, START), 30);
    let refused = limiter.source(&v4(1), Class::Stranger, START).unwrap_err();
    assert_eq!((refused.limit, refused.retry_after), (Limit::StrangerPerSource, Duration::from_secs(2)));

    let early = START + (refused.retry_after - Duration::from_micros(1));
    assert!(limiter.source(&v4(1), Class::Stranger, early).is_err());
    assert!(limiter.source(&v4(1), Class::Stranger, START + refused.retry_after).is_ok());
}

#[test]
fn all_strangers_share_one_allowance() {
    let mut limiter = Limiter::new(Limits::default());
    let total: usize =
        (0..20).map(|last| accepted(&mut limiter, &v4(last), Class::Stranger, 30, START)).sum();
    assert_eq!(total, 200);
    let refused = limiter.source(&v4(99), Class::Stranger, START).unwrap_err();
    assert_eq!(refused.limit, Limit::StrangersTotal);
}

#[test]
fn a_source_that_is_refused_by_itself_spends_nothing_of_the_others() {
    let mut limiter = Limiter::new(Limits::default());
    assert_eq!(accepted(&mut limiter, &v4(1), Class::Stranger, 10_000, START), 30);
    let others: usize =
        (2..9).map(|last| accepted(&mut limiter, &v4(last), Class::Stranger, 30, START)).sum();
    assert_eq!(others, 170);
}

#[test]
fn a_source_refused_because_of_others_keeps_its_own_allowance() {
    let limits = Limits { strangers_total: per_minute(60), ..Limits::default() };
    let mut limiter = Limiter::new(limits);
    for last in 1..=2 {
        accepted(&mut limiter, &v4(last), Class::Stranger, 30, START);
    }
    // A thousand refusals cost source 3 nothing: a minute later it has its full allowance.
    assert_eq!(accepted(&mut limiter, &v4(3), Class::Stranger, 1000, START), 0);
    let later = START + MINUTE;
    assert_eq!(accepted(&mut limiter, &v4(3), Class::Stranger, 100, later), 30);
}

#[test]
fn pings_are_counted_apart() {
    let mut limiter = Limiter::new(Limits::default());
    assert_eq!(accepted(&mut limiter, &v4(1), Class::Ping, 500, START), 120);
    assert_eq!(limiter.source(&v4(1), Class::Ping, START).unwrap_err().limit, Limit::Ping);
    assert_eq!(accepted(&mut limiter, &v4(1), Class::Stranger, 500, START), 30);
}

#[test]
fn one_ipv6_network_is_one_source_and_a_mapped_address_is_its_ipv4() {
    let net = |host: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 0, 0, 0, host));
    assert_eq!(SourceKey::from(net(1)), SourceKey::from(net(2)));
    let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped());
    assert_eq!(SourceKey::from(mapped), v4(7));
    assert!(SourceKey::from(IpAddr::V6(Ipv6Addr::LOCALHOST)).is_loopback());
    assert!(!SourceKey::from(net(1)).is_loopback());
}

#[test]
fn loopback_is_limited_unless_exempted() {
    let here = SourceKey::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let mut limiter = Limiter::new(Limits::default());
    assert_eq!(accepted(&mut limiter, &here, Class::Stranger, 100, START), 30);
    let mut limiter = Limiter::new(Limits { loopback: Loopback::Exempt, ..Limits::default() });
    assert_eq!(accepted(&mut limiter, &here, Class::Stranger, 1000, START), 1000);
    assert_eq!(accepted(&mut limiter, &v4(1), Class::Stranger, 100, START), 30);
}

#[test]
fn a_peer_may_have_a_limit_of_its_own() {
    let mut limiter = Limiter::new(Limits::default());
    let mut accepted = |id: u8, setting: i64| {
        let id = AgentId::from_bytes([id; 32]);
        (0..2000).filter(|_| limiter.peer(&id, PeerRate::from(setting), START).is_ok()).count()
    };
    assert_eq!((accepted(1, 0), accepted(2, -1), accepted(3, 5)), (600, 2000, 5));
    assert_eq!(accepted(3, 7), 7, "a changed limit starts anew");
    assert_eq!(PeerRate::from(i64::MAX), PeerRate::PerMinute(NonZeroU32::MAX));
}

#[test]
fn a_clock_that_steps_back_neither_frees_nor_locks_anybody() {
    let mut limiter = Limiter::new(Limits::default());
    accepted(&mut limiter, &v4(1), Class::Stranger, 30, START);
    let past = START - Duration::from_secs(86_400);
    assert!(limiter.source(&v4(1), Class::Stranger, past).is_err());
    assert!(limiter.source(&v4(1), Class::Stranger, past + Duration::from_secs(2)).is_ok());
}

#[test]
fn extreme_clocks_are_harmless() {
    let mut limiter = Limiter::new(Limits::default());
    for micros in [i64::MIN, i64::MAX, i64::MIN, 0, i64::MAX] {
        let now = Timestamp::from_micros(micros);
        assert!(limiter.source(&v4(1), Class::Stranger, now).is_ok());
    }
}

#[test]
fn a_flood_of_sources_does_not_grow_memory() {
    let limits = Limits { strangers_total: None, ..Limits::default() };
    let mut limiter = Limiter::new(limits);
    for number in 0..(TRACKED as u32 * 2) {
        let key = SourceKey::from(IpAddr::V4(Ipv4Addr::from(number)));
        limiter.source(&key, Class::Stranger, START).unwrap();
        limiter.source(&key, Class::Ping, START).unwrap();
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_le_bytes());
        limiter.peer(&AgentId::from_bytes(id), PeerRate::Standard, START).unwrap();
    }
    assert_eq!(limiter.tracked(), (TRACKED, TRACKED, TRACKED));
}

#[test]
fn a_source_that_was_never_accepted_is_not_remembered() {
    let mut limiter = Limiter::new(Limits { strangers_total: per_minute(1), ..Limits::default() });
    limiter.source(&v4(1), Class::Stranger, START).unwrap();
    for last in 2..50 {
        limiter.source(&v4(last), Class::Stranger, START).unwrap_err();
    }
    assert_eq!(limiter.tracked(), (1, 0, 0));
}

#[test]
fn limits_read_null_as_unlimited_and_refuse_zero() {
    let limits: Limits = serde_json::from_str(r#"{"peer": null, "ping": 5}"#).unwrap();
    assert_eq!(limits, Limits { peer: None, ping: per_minute(5), ..Limits::default() });
    assert!(serde_json::from_str::<Limits>(r#"{"ping": 0}"#).is_err());
}

proptest! {
    #[test]
    fn never_more_than_twice_the_limit_in_any_minute_nor_more_than_the_rate_in_the_long_run(
        limit in 1u32..40,
        gaps in prop::collection::vec(0u64..4_000, 1..400),
    ) {
        let limits = Limits { stranger_per_source: per_minute(limit), strangers_total: None, ..Limits::default() };
        let mut limiter = Limiter::new(limits);
        let mut now = START;
        let mut times = Vec::new();
        for gap in gaps {
            now = now + Duration::from_millis(gap);
            if limiter.source(&v4(1), Class::Stranger, now).is_ok() {
                times.push(now);
            }
        }
        for (index, first) in times.iter().enumerate() {
            let inside = times[index..].iter().filter(|time| time.since(*first) < MINUTE).count();
            prop_assert!(inside <= 2 * limit as usize);
        }
        let span = now.since(START).as_secs_f64();
        prop_assert!(times.len() as f64 <= f64::from(limit) * (1.0 + span / 60.0) + 1e-6);
    }

    #[test]
    fn a_refusal_changes_no_later_answer(
        requests in prop::collection::vec((0u8..4, 0u64..3_000, 0usize..3), 1..120),
    ) {
        let limits = Limits { stranger_per_source: per_minute(5), strangers_total: per_minute(12), ..Limits::default() };
        let (mut plain, mut pestered) = (Limiter::new(limits), Limiter::new(limits));
        let mut now = START;
        for (source, gap, extra) in requests {
            now = now + Duration::from_millis(gap);
            let answer = plain.source(&v4(source), Class::Stranger, now);
            prop_assert_eq!(pestered.source(&v4(source), Class::Stranger, now), answer);
            if answer.is_err() {
                for _ in 0..extra {
                    prop_assert_eq!(pestered.source(&v4(source), Class::Stranger, now), answer);
                }
            }
        }
    }

    #[test]
    fn waiting_as_long_as_told_is_enough(
        limit in 1u32..1000, tries in 1usize..40, gap in 0u64..500,
    ) {
        let limits = Limits { stranger_per_source: per_minute(limit), strangers_total: None, ..Limits::default() };
        let mut limiter = Limiter::new(limits);
        let mut now = START;
        for _ in 0..tries {
            now = now + Duration::from_micros(gap);
            if let Err(refused) = limiter.source(&v4(1), Class::Stranger, now) {
                now = now + refused.retry_after + Duration::from_micros(1);
                prop_assert!(limiter.source(&v4(1), Class::Stranger, now).is_ok());
            }
        }
    }
}
