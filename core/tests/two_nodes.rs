//! Two nodes talk over real HTTP on loopback: handshake, message, reply, acknowledgement, restart.

use std::time::Duration;

use dmagent::{
    AgentId, ConnectArgs, DeliveryState, Node, NodeConfig, SendArgs, UpdateArgs,
    api::{AgentArgs, DisconnectArgs, NextArgs, NoArgs, RequestArgs},
    error::Code,
    messaging::{Filter, MessageKind, Verification},
    node::events::Observed,
    peers::{AutoAccept, PeerEvent, PeerState},
};

const PATIENCE: Duration = Duration::from_secs(20);

fn config(folder: &std::path::Path, name: &str) -> NodeConfig {
    let mut config = NodeConfig::new();
    config.project_dir = Some(folder.to_owned());
    config.display_name = Some(name.to_owned());
    config
}

fn messages() -> Filter {
    Filter { kinds: vec![MessageKind::Peer, MessageKind::Stranger], ..Filter::default() }
}

async fn connect(from: &Node, to: &Node) -> AgentId {
    let url = to.info().url;
    let peer = from.peers().connect(ConnectArgs::new(url)).await.expect("two nodes of one machine connect");
    assert_eq!((peer.state, peer.agent_id), (PeerState::Connected, to.agent_id()));
    assert!(peer.identity_verified, "our nodes prove themselves in the handshake");
    peer.agent_id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_could_not_open_leaves_its_folder_free() {
    let folder = tempfile::tempdir().unwrap();
    let taken = Node::open(config(tempfile::tempdir().unwrap().path(), "other")).await.unwrap();
    let port = taken.info().url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
    for _ in 0..10 {
        let mut settings = config(folder.path(), "alice");
        settings.port = port;
        assert_eq!(Node::open(settings).await.unwrap_err().code(), Code::BindFailed);
        let node = Node::open(config(folder.path(), "alice")).await.expect("another port will do");
        node.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_travels_is_answered_and_acknowledged() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(folders[0].path(), "alice")).await.unwrap();
    let bob = Node::open(config(folders[1].path(), "bob")).await.unwrap();
    let bob_id = connect(&alice, &bob).await;

    let receipt = alice.send(bob_id, "What is the SOL price?").await.unwrap();
    assert_eq!(receipt.state, DeliveryState::Accepted, "{receipt:?}");
    assert_eq!(receipt.deliveries[0].via.as_deref(), Some("http"));

    let inbox = bob.inbox().filtered(messages());
    let message = inbox.next_within(PATIENCE).await.unwrap().unwrap();
    assert_eq!(message.content, "What is the SOL price?");
    assert_eq!((message.from, message.verification), (alice.agent_id(), Verification::Sealed));
    bob.messages().send(SendArgs::reply(&message, "42")).await.unwrap();
    inbox.acknowledge(&message).await.unwrap();

    let answer = alice.inbox().filtered(Filter { in_reply_to: Some(receipt.message_id), ..messages() });
    assert_eq!(answer.next_within(PATIENCE).await.unwrap().unwrap().content, "42");
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_refused_before_it_is_too_deep_for_the_other_side() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for seal in [true, false] {
        let open = |folder: &tempfile::TempDir, name| {
            let mut config = config(folder.path(), name);
            config.seal = seal;
            Node::open(config)
        };
        let alice = open(&folders[0], "alice").await.unwrap();
        let bob = open(&folders[1], "bob").await.unwrap();
        let bob_id = connect(&alice, &bob).await;
        let nested = |levels| {
            let value = (1..levels).fold(serde_json::json!({}), |inner, _| serde_json::json!({"a": inner}));
            let metadata = value.as_object().unwrap().clone();
            SendArgs { metadata, ..SendArgs::new(bob_id, "deep") }
        };
        let receipt = alice.messages().send(nested(31)).await.unwrap();
        assert_eq!(receipt.state, DeliveryState::Accepted, "{receipt:?}");
        let message = bob.inbox().filtered(messages()).next_within(PATIENCE).await.unwrap().unwrap();
        assert_eq!(message.metadata, nested(31).metadata);
        let error = alice.messages().send(nested(32)).await.unwrap_err();
        assert_eq!(error.code(), Code::WireField);
        assert!(error.message().contains("is nested too deeply to be signed"), "{error}");
        alice.close().await.unwrap();
        bob.close().await.unwrap();
    }
}

#[tokio::test]
async fn nobody_waits_for_an_answer_to_what_no_message_can_be_called() {
    let node = Node::open(NodeConfig::ephemeral()).await.unwrap();
    let wait = async |id: String| {
        let inbox = node.inbox().filtered(Filter { in_reply_to: Some(id), ..messages() });
        inbox.next_within(Duration::ZERO).await
    };
    assert_eq!(wait("x".repeat(128)).await.unwrap(), None);
    for (id, length) in [(String::new(), "not of 0"), ("é".repeat(129), "not of 129")] {
        let error = wait(id.clone()).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().starts_with("in_reply_to must be"), "{error}");
        assert!(error.message().ends_with(length), "{error}");
        let args = NextArgs { in_reply_to: Some(id), ..NextArgs::default() };
        assert_eq!(node.messages().next(args).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_comes_back_after_a_restart_and_the_rest_does_not() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(folders[0].path(), "alice")).await.unwrap();
    let bob = Node::open(config(folders[1].path(), "bob")).await.unwrap();
    let bob_id = connect(&alice, &bob).await;
    for content in ["first", "second"] {
        alice.send(bob_id, content).await.unwrap();
    }
    let inbox = bob.inbox().filtered(messages());
    let first = inbox.next_within(PATIENCE).await.unwrap().unwrap();
    inbox.acknowledge(&first).await.unwrap();
    let second = inbox.next_within(PATIENCE).await.unwrap().unwrap();
    assert_eq!(second.content, "second");
    // Dropped without a word, like a crash.
    drop((inbox, bob));
    let bob = Node::open(config(folders[1].path(), "bob")).await.unwrap();
    assert_eq!(bob.agent_id(), bob_id);
    let inbox = bob.inbox().filtered(messages());
    assert_eq!(inbox.next_within(PATIENCE).await.unwrap().unwrap().content, "second");
    assert_eq!(inbox.next_within(Duration::from_millis(50)).await.unwrap(), None);
    assert_eq!(bob.peers().list(NoArgs {}).await.unwrap().len(), 1, "peers are restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_for_a_peer_that_is_down_waits_and_arrives_once() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(folders[0].path(), "alice")).await.unwrap();
    let mut bob_config = config(folders[1].path(), "bob");
    let bob = Node::open(bob_config.clone()).await.unwrap();
    let bob_id = connect(&alice, &bob).await;
    bob_config.port = url::Url::parse(&bob.info().url).unwrap().port().unwrap();
    bob.close().await.unwrap();

    let receipt = alice.send(bob_id, "are you there?").await.unwrap();
    assert_eq!(receipt.state, DeliveryState::Stored);
    assert!(receipt.deliveries[0].reason.is_some());
    assert_eq!(alice.info().outbox, 1);

    let bob = Node::open(bob_config).await.unwrap();
    let inbox = bob.inbox().filtered(messages());
    let message = inbox.next_within(PATIENCE).await.unwrap().expect("delivered when the peer comes back");
    assert_eq!((message.content.as_str(), message.message_id), ("are you there?", receipt.message_id));
    assert_eq!(inbox.next_within(Duration::from_millis(100)).await.unwrap(), None, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_on_the_same_folder_is_told_who_owns_it() {
    let folder = tempfile::tempdir().unwrap();
    let alice = Node::open(config(folder.path(), "alice")).await.unwrap();
    let error = Node::open(config(folder.path(), "impostor")).await.unwrap_err();
    assert_eq!(error.code(), dmagent::error::Code::StoreOwned);
    assert!(error.to_string().contains(&alice.info().url), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_was_down_is_told_what_it_missed_when_it_returns() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut settings = config(folders[0].path(), "alice");
    settings.ping_interval_secs = 1;
    let alice = Node::open(settings).await.unwrap();
    let bob = Node::open(config(folders[1].path(), "bob")).await.unwrap();
    connect(&alice, &bob).await;
    bob.close().await.unwrap();
    drop(bob);
    alice.update(UpdateArgs { bio: Some("I moved on.".into()), ..UpdateArgs::default() }).await.unwrap();

    let bob = Node::open(config(folders[1].path(), "bob")).await.unwrap();
    let told = async {
        while bob.peers().get(AgentArgs { agent: alice.agent_id() }).await.unwrap().bio != "I moved on." {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("the peer is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preferred_folder_is_used_when_it_has_a_passport() {
    let folder = tempfile::tempdir().unwrap();
    let alice = Node::open(config(folder.path(), "alice")).await.unwrap();
    let id = alice.agent_id();
    alice.close().await.unwrap();
    let mut config = NodeConfig::new();
    config.preferred_dir = Some(folder.path().to_owned());
    let again = Node::open(config).await.unwrap();
    assert_eq!(again.agent_id(), id);
    again.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_passport_does_not_speak_for_the_agent_of_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let alice = Node::open(config(folder.path(), "alice")).await.unwrap();
    alice.close().await.unwrap();
    let passport = folder.path().join(".darkmatter/passport.key");
    let own = std::fs::read_to_string(&passport).unwrap();

    std::fs::remove_file(&passport).unwrap();
    let error = Node::open(config(folder.path(), "alice")).await.unwrap_err();
    assert_eq!(error.code(), dmagent::error::Code::PassportMissing, "{error}");
    assert!(!passport.exists(), "no new identity was made");

    let other = tempfile::tempdir().unwrap();
    Node::open(config(other.path(), "other")).await.unwrap().close().await.unwrap();
    std::fs::copy(other.path().join(".darkmatter/passport.key"), &passport).unwrap();
    let error = Node::open(config(folder.path(), "alice")).await.unwrap_err();
    assert_eq!(error.code(), dmagent::error::Code::PassportMismatch, "{error}");

    std::fs::write(&passport, own).unwrap();
    let again = Node::open(config(folder.path(), "alice")).await.unwrap();
    assert_eq!(again.agent_id(), alice.agent_id());
    let status = dmagent::BroadcastArgs { content: "x".into(), metadata: serde_json::Map::new(), top: None };
    let nobody = again.messages().broadcast(status).await;
    assert_eq!(nobody.unwrap_err().code(), dmagent::error::Code::PeerNotConnected);
    again.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_rejected_hears_it_and_may_ask_again() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(folders[0].path(), "alice")).await.unwrap();
    let mut settings = config(folders[1].path(), "bob");
    settings.auto_accept = AutoAccept::None;
    let bob = Node::open(settings).await.unwrap();
    let mut events = alice.events();
    let url = bob.info().url;

    let asked = alice.peers().connect(ConnectArgs::new(&url)).await.unwrap();
    assert_eq!(asked.state, PeerState::Pending);
    let receipt = alice.send(asked.agent_id, "let me in").await.unwrap();
    assert_eq!((receipt.state, alice.info().outbox), (DeliveryState::Stored, 1));
    let request = bob.peers().pending(NoArgs {}).await.unwrap().remove(0);
    bob.peers().reject(RequestArgs { request_id: request.request_id.clone() }).await.unwrap();

    let told = async {
        let rejection = PeerEvent::ConnectionRejected { agent_id: bob.agent_id() };
        while !matches!(events.next().await, Some(Observed::Event(event)) if event.body == rejection.clone().into())
        {
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("the event comes");
    assert_eq!(alice.peers().list(NoArgs {}).await.unwrap(), []);
    assert_eq!(alice.info().outbox, 0, "what waited has failed");
    assert_eq!(alice.inbox().filtered(messages()).next_within(Duration::ZERO).await.unwrap(), None);

    let again = alice.peers().connect(ConnectArgs::new(&url)).await.unwrap();
    assert_eq!(again.state, PeerState::Pending);
    assert_ne!(bob.peers().pending(NoArgs {}).await.unwrap()[0].request_id, request.request_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_kept_in_one_spelling_and_a_missing_scheme_is_told() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(folders[0].path(), "alice")).await.unwrap();
    let bob = Node::open(config(folders[1].path(), "bob")).await.unwrap();
    let port = bob.info().url.rsplit(':').next().unwrap().to_owned();
    let peer = alice.peers().connect(ConnectArgs::new(format!("HTTP://LocalHost:{port}/"))).await.unwrap();
    assert_eq!(peer.url, format!("http://localhost:{port}"));
    let bare = alice.peers().connect(ConnectArgs::new(format!("127.0.0.1:{port}"))).await.unwrap_err();
    assert!(bare.message().ends_with(&format!("write http://127.0.0.1:{port}")), "{bare}");

    let long = DisconnectArgs { agent: peer.agent_id, reason: Some("x".repeat(201)) };
    let error = alice.peers().disconnect(long).await.unwrap_err();
    assert!(error.message().contains("reason must have 1 to 200"), "{error}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_taken_away_neither_share_an_identity_nor_swallow_messages() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(folders[0].path(), "alice")).await.unwrap();
    let bob = Node::open(config(folders[1].path(), "bob")).await.unwrap();
    let to = connect(&alice, &bob).await;
    let data = folders[1].path().join(".darkmatter");

    std::fs::remove_file(data.join("node.lock")).unwrap();
    let second = Node::open(config(folders[1].path(), "bob")).await.unwrap_err();
    assert_eq!(second.code(), Code::StoreOwned, "{second}");
    // What cannot be kept is not accepted, and goes on when the disk is as it was.
    let short = |text: &str| SendArgs { timeout_secs: 2.0, ..SendArgs::new(to, text) };
    let receipt = alice.messages().send(short("without a lock")).await.unwrap();
    assert_eq!(receipt.state, DeliveryState::Stored, "{receipt:?}");
    bob.close().await.unwrap();

    let bob = Node::open(config(folders[1].path(), "bob")).await.unwrap();
    connect(&alice, &bob).await;
    let (database, aside) = (data.join("node.db"), data.join("aside"));
    std::fs::rename(&database, &aside).unwrap();
    let receipt = alice.messages().send(short("without a database")).await.unwrap();
    assert_eq!(receipt.state, DeliveryState::Stored, "{receipt:?}");
    std::fs::rename(&aside, &database).unwrap();
    let inbox = bob.inbox().filtered(messages());
    let mut found = Vec::new();
    while found.len() < 2 {
        let message =
            inbox.next_within(PATIENCE).await.unwrap().expect("both come when the disk works again");
        inbox.acknowledge(&message).await.unwrap();
        found.push(message.content);
    }
    assert_eq!(found, ["without a lock", "without a database"]);
}
