//! Nodes of one process that talk without a socket, because their settings say so.

use dmagent::{
    AgentId, ConnectArgs, DeliveryState, Node, NodeConfig,
    error::Code,
    identity::Passport,
    messaging::{Filter, MessageKind},
    node::Parts,
};

fn config(memory: bool) -> NodeConfig {
    let mut config = NodeConfig::ephemeral();
    config.memory = memory;
    config
}

fn url(agent: AgentId) -> String {
    format!("memory://agent-{:.32}", agent.to_string())
}

#[tokio::test]
async fn two_nodes_of_a_process_talk_without_a_socket() {
    let (alice, bob) = (Node::open(config(true)).await.unwrap(), Node::open(config(true)).await.unwrap());
    assert_eq!(bob.info().url, url(bob.agent_id()), "that is what peers are told");
    let peer = alice.peers().connect(ConnectArgs::new(url(bob.agent_id()))).await.unwrap();
    assert_eq!(peer.agent_id, bob.agent_id());
    let receipt = alice.send(bob.agent_id(), "hello").await.unwrap();
    assert_eq!(receipt.state, DeliveryState::Accepted);
    let from_peers = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    let message = bob.inbox().filtered(from_peers).next().await.unwrap();
    assert_eq!((message.from, message.content.as_str()), (alice.agent_id(), "hello"));
    bob.close().await.unwrap();
    assert_eq!(alice.send(bob.agent_id(), "?").await.unwrap().state, DeliveryState::Stored);
    alice.close().await.unwrap();
}

#[tokio::test]
async fn a_node_whose_settings_do_not_say_so_is_not_reached() {
    let (alice, bob) = (Node::open(config(true)).await.unwrap(), Node::open(config(false)).await.unwrap());
    for (one, other) in [(&alice, &bob), (&bob, &alice)] {
        let refused = one.peers().connect(ConnectArgs::new(url(other.agent_id()))).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unreachable);
    }
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test]
async fn one_identity_has_one_place_which_its_next_life_takes() {
    let open = || {
        let passport = Some(Passport::from_seed([7; 32]));
        Node::open_with(config(true), Parts { passport, ..Parts::default() })
    };
    let first = open().await.unwrap();
    let refused = open().await.err().unwrap();
    assert_eq!(refused.code(), Code::BindFailed);
    assert!(refused.message().contains("another node"), "{refused}");
    first.close().await.unwrap();
    open().await.unwrap().close().await.unwrap();
}
