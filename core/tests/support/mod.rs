//! What the tests of the HTTP surface share: a client that writes any bytes, and agents made of nothing but keys.

#![allow(dead_code, reason = "each test program uses its part")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

pub(crate) mod actor;
pub(crate) mod http;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use dmagent::{
    Node, NodeConfig, Parts,
    env::{Clock, Env, Moment, Timestamp},
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
pub(crate) struct HandClock {
    wall: Arc<AtomicI64>,
    steady: Arc<AtomicI64>,
}

impl HandClock {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self { wall: Arc::new(AtomicI64::new(now.micros())), steady: Arc::default() }
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.set_forward(seconds);
        self.steady.fetch_add(seconds.max(0), Ordering::SeqCst);
    }

    /// Sets the wall clock forward by so many seconds, or back: no time has passed.
    pub(crate) fn set_forward(&self, seconds: i64) {
        self.wall.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(crate) fn env(&self) -> Env {
        Env { clock: Arc::new(self.clone()), ..Env::system() }
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.wall.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Moment {
        Moment::ORIGIN + Duration::from_secs(self.steady.load(Ordering::SeqCst) as u64)
    }
}

/// Where a node listens.
pub(crate) fn address(node: &Node) -> std::net::SocketAddr {
    node.info().url.strip_prefix("http://").unwrap().parse().unwrap()
}
