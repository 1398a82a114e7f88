//! What the tests of the HTTP surface share: a client that writes any bytes, and agents made of nothing but keys.

#![allow(dead_code, reason = "each test program uses its part")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

pub(crate) mod actor;
pub(crate) mod http;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use dmagent::{
    Node, NodeConfig, Parts,
    env::{Clock, Env, Timestamp},
    identity::Passport,
    peers::AutoAccept,
};

/// A node that keeps nothing on disk, listens at a port of its own and limits nobody.
pub(crate) fn unlimited() -> NodeConfig {
    let mut config = NodeConfig::ephemeral();
    config.http = true;
    config.auto_accept = AutoAccept::None;
    config.ping_interval_secs = 0;
    config.limits.stranger_per_source = None;
    config.limits.strangers_total = None;
    config.limits.peer = None;
    config.limits.ping = None;
    config
}

/// Opens a node with the keys of `passport`.
pub(crate) async fn open(config: NodeConfig, passport: Passport) -> Node {
    open_at(config, passport, Env::system()).await
}

/// Opens a node with the keys of `passport` in the surroundings `env`.
pub(crate) async fn open_at(config: NodeConfig, passport: Passport, env: Env) -> Node {
    let parts = Parts { passport: Some(passport), env: Some(env), ..Parts::default() };
    Node::open_with(config, parts).await.unwrap()
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.micros())))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(crate) fn env(&self) -> Env {
        Env { clock: Arc::new(self.clone()), ..Env::system() }
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Where a node listens.
pub(crate) fn address(node: &Node) -> std::net::SocketAddr {
    node.info().url.strip_prefix("http://").unwrap().parse().unwrap()
}
