//! Every verb with every argument, at a node that keeps nothing and reaches nobody.
//!
//! An input is the name of a verb, a line feed, and its arguments as JSON.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use dmagent::{Node, NodeConfig, api::VERBS, error::Code};
use serde_json::Value;
use tokio::runtime::Runtime;

static NODE: LazyLock<(Runtime, Node)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let node = runtime.block_on(Node::open(NodeConfig::ephemeral())).expect("a node");
    (runtime, node)
});

/// Some verbs wait for messages, which never come.
const PATIENCE: Duration = Duration::from_millis(20);

libfuzzer_sys::fuzz_target!(|input: &str| {
    let (verb, arguments) = input.split_once('\n').unwrap_or((input, ""));
    let Ok(arguments) = serde_json::from_str::<Value>(arguments) else { return };
    let (runtime, node) = &*NODE;
    let called = runtime.block_on(async { tokio::time::timeout(PATIENCE, node.call(verb, arguments)).await });
    let Ok(called) = called else { return };
    let is_known = VERBS.iter().any(|known| known.name == verb);
    match called {
        Ok(_) => assert!(is_known, "{verb} is no verb"),
        Err(error) => {
            assert_ne!(error.code(), Code::Internal, "{verb}: {error:?}");
            assert_eq!(error.code() == Code::UnknownVerb, !is_known, "{verb}: {error:?}");
        }
    }
    assert!(!node.is_closed());
});
