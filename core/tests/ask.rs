//! A question and its answer over real HTTP: the answer is for whoever asked, and a late one is for everybody.

#![expect(clippy::disallowed_methods, reason = "the tests wait for what they spawn")]

use std::time::Duration;

use dmagent::{
    ConnectArgs, Message, Node, NodeConfig, SendArgs,
    api::{AskArgs, DisconnectArgs},
    error::Code,
    messaging::{Filter, MessageKind},
};

const PATIENCE: Duration = Duration::from_secs(20);

async fn pair() -> (Node, Node) {
    let open = |name: &str| {
        let settings = format!(r#"{{"display_name": "{name}", "ephemeral": true}}"#);
        Node::open(NodeConfig::preset("agent", &settings).expect("these settings exist"))
    };
    let (alice, bob) = (open("alice").await, open("bob").await);
    let [alice, bob] = [alice, bob].map(|node| node.expect("a node opens"));
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.expect("two nodes connect");
    (alice, bob)
}

/// The next message of a peer, for a consumer that waits for nothing in particular.
async fn next(node: &Node, patience: Duration) -> Option<Message> {
    let filter = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    node.inbox().filtered(filter).next_within(patience).await.expect("the node is open")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_goes_to_whoever_asked_and_to_nobody_else() {
    let (alice, bob) = pair().await;
    let asker = alice.clone();
    let to = bob.agent_id();
    let asked = tokio::spawn(async move { asker.messages().ask(AskArgs::new(to, "6 times 7?")).await });
    let consumer = alice.clone();
    let consumed = tokio::spawn(async move { next(&consumer, PATIENCE).await });

    let question = next(&bob, PATIENCE).await.unwrap();
    bob.messages().send(SendArgs::reply(&question, "42")).await.unwrap();
    let answer = asked.await.unwrap().unwrap();
    assert_eq!((answer.content.as_str(), answer.in_reply_to), ("42", Some(question.message_id)));
    alice.inbox().acknowledge(&bob_said(&alice, "42").await).await.unwrap();

    bob.messages().send(SendArgs::new(alice.agent_id(), "by the way")).await.unwrap();
    assert_eq!(consumed.await.unwrap().unwrap().content, "by the way");
}

async fn bob_said(node: &Node, content: &str) -> Message {
    let listed = node.messages().list(dmagent::api::NoArgs {}).await.expect("the node is open");
    listed.into_iter().find(|message| message.content == content).expect("it stays until it is acknowledged")
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_answer_in_the_name_of_another() {
    let (alice, bob) = pair().await;
    let mallory = Node::open(NodeConfig::preset("agent", r#"{"ephemeral": true}"#).unwrap()).await.unwrap();
    mallory.peers().connect(ConnectArgs::new(alice.info().url)).await.unwrap();
    let asker = alice.clone();
    let to = bob.agent_id();
    let asked = tokio::spawn(async move { asker.messages().ask(AskArgs::new(to, "6 times 7?")).await });
    let question = next(&bob, PATIENCE).await.unwrap();
    let forged =
        SendArgs { in_reply_to: Some(question.message_id.clone()), ..SendArgs::new(alice.agent_id(), "43") };
    mallory.messages().send(forged).await.unwrap();
    // It is a message as any other.
    assert_eq!(next(&alice, PATIENCE).await.unwrap().content, "43");
    bob.messages().send(SendArgs::reply(&question, "42")).await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap().content, "42");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_is_a_message_as_any_other() {
    let (alice, bob) = pair().await;
    let question = AskArgs { timeout_secs: Some(2.0), ..AskArgs::new(bob.agent_id(), "anybody?") };
    let asker = alice.clone();
    let asked = tokio::spawn(async move { asker.messages().ask(question).await });
    // Whoever has the question in hands may finish, although nobody waits any more.
    let question = next(&bob, PATIENCE).await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap_err().code(), Code::Timeout);
    bob.messages().send(SendArgs::reply(&question, "here")).await.unwrap();
    assert_eq!(next(&alice, PATIENCE).await.unwrap().content, "here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_delivered_is_an_error_at_once() {
    let (alice, bob) = pair().await;
    let stranger = Node::open(NodeConfig::ephemeral()).await.unwrap();
    let error = alice.messages().ask(AskArgs::new(stranger.agent_id(), "?")).await.unwrap_err();
    assert_eq!(error.code(), Code::PeerNotConnected);
    let negative = AskArgs { timeout_secs: Some(-1.0), ..AskArgs::new(bob.agent_id(), "?") };
    assert_eq!(alice.messages().ask(negative).await.unwrap_err().code(), Code::InvalidArgument);
}

/// Whoever waits without a limit hears it when waiting is of no use any more.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_connection_ends_the_wait() {
    // One error, whether or not the question had arrived: that news and the end of the connection can cross.
    for is_stored in [true, false] {
        let (alice, bob) = pair().await;
        if is_stored {
            bob.close().await.unwrap();
        }
        let asker = alice.clone();
        let to = bob.agent_id();
        let asked = tokio::spawn(async move { asker.messages().ask(AskArgs::new(to, "6 times 7?")).await });
        if is_stored {
            while alice.info().outbox == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } else {
            next(&bob, PATIENCE).await.unwrap();
        }
        alice.peers().disconnect(DisconnectArgs { agent: to, reason: None }).await.unwrap();
        assert_eq!(asked.await.unwrap().unwrap_err().code(), Code::PeerNotConnected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_node_ends_the_wait() {
    let (alice, bob) = pair().await;
    let asker = alice.clone();
    let to = bob.agent_id();
    let asked = tokio::spawn(async move { asker.messages().ask(AskArgs::new(to, "?")).await });
    next(&bob, PATIENCE).await.unwrap();
    alice.close().await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap_err().code(), Code::Closed);
}
