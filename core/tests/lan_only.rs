//! LAN-only discovery contacts the local network and nothing else, counted by the kernel.
//!
//! The test runs itself again in a network namespace of its own, with two interfaces: one of a private network, one
//! that leads to everything else. What leaves through the second one is counted. Making such a namespace needs Linux,
//! the rights of the administrator and the programs `unshare` and `ip`; without them the test says so and passes.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

use std::process::Command;

use dmagent::{ConnectArgs, Node, NodeConfig, discovery, error::Code, wire::NetworkTier};
use serde_json::json;

const SKIPPED: &str = "skipped:";
const MEASURED: &str = "measured in a namespace";

#[test]
fn lan_only_discovery_sends_nothing_beyond_the_local_network() {
    let again = std::env::current_exe().unwrap();
    let inside = Command::new("unshare")
        .args(["--net", "--"])
        .arg(again)
        .args(["--ignored", "--exact", "inside_the_namespace", "--nocapture"])
        .output();
    let Ok(inside) = inside else {
        println!("{SKIPPED} there is no program `unshare`");
        return;
    };
    let said = String::from_utf8_lossy(&inside.stdout) + String::from_utf8_lossy(&inside.stderr);
    if inside.status.success() && said.contains(MEASURED) {
        return;
    }
    // Without the rights the namespace is never entered.
    assert!(said.contains(SKIPPED) || said.contains("unshare failed"), "{said}");
    println!("{SKIPPED} {said}");
}

/// Runs `ip`, and says why it cannot.
fn ip(arguments: &str) -> Result<(), String> {
    let ran = Command::new("ip").args(arguments.split(' ')).output().map_err(|error| error.to_string())?;
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned()) }
}

fn interfaces() -> Result<(), String> {
    // Only what programs send is to be counted, not what the kernel says by itself.
    for scope in ["all", "default"] {
        let setting = format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6");
        std::fs::write(setting, "1").map_err(|error| error.to_string())?;
    }
    for step in [
        "link set lo up",
        "link add lan0 type veth peer name lan1",
        "addr add 10.77.0.2/28 dev lan0",
        "link set lan0 up",
        "link set lan1 up",
        "link add wan0 type veth peer name wan1",
        "addr add 5.5.5.2/24 dev wan0",
        "link set wan0 up",
        "link set wan1 up",
        "route add default dev wan0",
    ] {
        ip(step)?;
    }
    Ok(())
}

/// How many packets were sent through an interface.
fn sent(interface: &str) -> u64 {
    let table = std::fs::read_to_string("/proc/net/dev").unwrap();
    let line = table.lines().find_map(|line| line.trim().strip_prefix(&format!("{interface}:"))).unwrap();
    line.split_whitespace().nth(9).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test above, in a namespace of its own"]
async fn inside_the_namespace() {
    if let Err(why) = interfaces() {
        println!("{SKIPPED} {why}");
        return;
    }
    let before = (sent("lan0"), sent("wan0"));
    let mut config = NodeConfig::internet();
    config.ephemeral = true;
    config.port = 0;
    config.network_tier = NetworkTier::Lan;
    config.discovery = discovery::Mode::Lan;
    config.bootstrap_peers = vec!["http://8.8.8.8:8100".into(), "http://entry.example:8100".into()];
    let node = Node::open(config).await.unwrap();
    node.call("discovery.scan", json!({})).await.unwrap();
    // Asking for it by hand does not help either: the tier is the tier.
    for url in ["http://8.8.8.8:8100", "http://9.9.9.9"] {
        let refused = node.peers().connect(ConnectArgs::new(url)).await.unwrap_err();
        assert!([Code::AddressForbidden, Code::TierRestricted].contains(&refused.code()), "{refused}");
    }
    let after = (sent("lan0"), sent("wan0"));
    assert_eq!(after.1, before.1, "packets left for elsewhere");
    assert!(after.0 > before.0, "the local network heard of the node");
    node.close().await.unwrap();

    // The counter counts: one datagram that does leave is seen.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.send_to(b"x", "8.8.8.8:9").unwrap();
    assert!(sent("wan0") > after.1);
    println!("{MEASURED}");
}
