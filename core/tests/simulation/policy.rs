//! Hosts that decide badly, late or not at all: the answers are the safe ones.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use dmagent::{
    AgentId, DeliveryState,
    api::NoArgs,
    error::{Code, Error, Result},
    node::host::{
        ConnectionQuestion, ConnectionVerdict, MessageQuestion, MessageVerdict, Policy, RouteVerdict,
    },
    peers::PeerState,
};
use tokio::time::sleep;

use crate::{
    actors::messages,
    world::{World, simulate},
};

/// How a host fails.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Error,
    Silence,
}

impl Trouble {
    async fn happen<T>(self) -> Result<T> {
        match self {
            Self::Error => Err(Error::new(Code::Internal, "the host stumbled")),
            Self::Silence => std::future::pending().await,
        }
    }
}

/// Fails at one kind of question and takes everything else.
pub(crate) struct Host {
    connections: Option<Trouble>,
    messages: Option<Trouble>,
    routes: Option<Trouble>,
}

pub(crate) const WILLING: Host = Host { connections: None, messages: None, routes: None };

#[async_trait]
impl Policy for Host {
    async fn admit_connection(&self, _: ConnectionQuestion) -> Result<ConnectionVerdict> {
        match self.connections {
            Some(trouble) => trouble.happen().await,
            None => Ok(ConnectionVerdict::Accept),
        }
    }

    async fn admit_message(&self, _: MessageQuestion) -> Result<MessageVerdict> {
        match self.messages {
            Some(trouble) => trouble.happen().await,
            None => Ok(MessageVerdict::Accept),
        }
    }

    async fn route(&self, _: MessageQuestion) -> Result<RouteVerdict> {
        match self.routes {
            Some(trouble) => trouble.happen().await,
            None => Ok(RouteVerdict::Keep),
        }
    }
}

#[test]
fn a_host_that_cannot_decide_about_a_connection_keeps_the_request_for_later() {
    for trouble in [Trouble::Error, Trouble::Silence] {
        simulate(1, |seed| async move {
            let world = World::started(seed, 2).await;
            let [asker, answerer] = [&world.machines[0], &world.machines[1]];
            let host = Host { connections: Some(trouble), ..WILLING };
            answerer.node().set_policy(Some(Arc::new(host)));
            let peer = asker.connect(answerer).await.expect("it is answered");
            assert_eq!(peer.state, PeerState::Pending, "{trouble:?} opened the door");
            assert_eq!(answerer.node().peers().pending(NoArgs {}).await.expect("it runs").len(), 1);
            // The host comes to its senses, and the requester asks again.
            answerer.node().set_policy(Some(Arc::new(WILLING)));
            let peer = asker.connect(answerer).await.expect("it is answered");
            assert_eq!(peer.state, PeerState::Connected);
            assert!(answerer.node().peers().pending(NoArgs {}).await.expect("it runs").is_empty());
        });
    }
}

#[test]
fn a_message_that_the_host_cannot_decide_about_stays_with_its_sender_and_arrives_once() {
    for trouble in [Trouble::Error, Trouble::Silence] {
        simulate(1, |seed| async move {
            let world = World::started(seed, 2).await;
            let [sender, receiver] = [&world.machines[0], &world.machines[1]];
            sender.connect(receiver).await.expect("nothing is broken");
            receiver.node().set_policy(Some(Arc::new(Host { messages: Some(trouble), ..WILLING })));
            let receipt = sender.node().send(receiver.id, "what now?").await.expect("it is kept");
            assert_eq!(receipt.state, DeliveryState::Stored, "{trouble:?}: {receipt:?}");
            let inbox = receiver.node().inbox().filtered(messages());
            assert_eq!(inbox.next_within(Duration::from_secs(300)).await.expect("it runs"), None);
            receiver.node().set_policy(None);
            let patience = Duration::from_secs(330);
            let message = inbox.next_within(patience).await.expect("it runs").expect("it is tried again");
            assert_eq!(message.message_id, receipt.message_id);
            inbox.acknowledge(&message).await.expect("it was just handed out");
            assert_eq!(inbox.next_within(Duration::from_secs(600)).await.expect("it runs"), None);
        });
    }
}

#[test]
fn a_host_that_cannot_decide_where_a_message_goes_gets_it_itself() {
    for trouble in [Trouble::Error, Trouble::Silence] {
        simulate(1, |seed| async move {
            let world = World::started(seed, 2).await;
            let [sender, receiver] = [&world.machines[0], &world.machines[1]];
            sender.connect(receiver).await.expect("nothing is broken");
            receiver.node().set_policy(Some(Arc::new(Host { routes: Some(trouble), ..WILLING })));
            let receipt = sender.node().send(receiver.id, "for whom?").await.expect("it is taken");
            assert_eq!(receipt.state, DeliveryState::Accepted, "{trouble:?}: {receipt:?}");
            let message = receiver.node().inbox().filtered(messages()).next().await.expect("it is there");
            assert_eq!(message.message_id, receipt.message_id);
        });
    }
}

/// Sends what one peer says to another, and refuses what a third says.
struct Switch {
    from: AgentId,
    to: AgentId,
    unwanted: AgentId,
}

#[async_trait]
impl Policy for Switch {
    async fn admit_message(&self, question: MessageQuestion) -> Result<MessageVerdict> {
        Ok(if question.from == self.unwanted {
            MessageVerdict::Refuse { reason: "not from you".into() }
        } else {
            MessageVerdict::Accept
        })
    }

    async fn route(&self, question: MessageQuestion) -> Result<RouteVerdict> {
        Ok(if question.from == self.from {
            RouteVerdict::Forward { to: vec![self.to] }
        } else {
            RouteVerdict::Default
        })
    }
}

#[test]
fn a_host_refuses_and_forwards_as_it_likes() {
    simulate(1, |seed| async move {
        let world = World::started(seed, 4).await;
        let [switch, from, to, unwanted] = [0, 1, 2, 3].map(|index| &world.machines[index]);
        for other in [from, to, unwanted] {
            other.connect(switch).await.expect("nothing is broken");
        }
        let policy = Switch { from: from.id, to: to.id, unwanted: unwanted.id };
        switch.node().set_policy(Some(Arc::new(policy)));
        let refused = unwanted.node().send(switch.id, "hello").await.expect("it is answered");
        assert_eq!(refused.state, DeliveryState::Refused);
        let reason = refused.deliveries[0].reason.clone().expect("a failure has a reason");
        assert!(
            reason.code == Code::PeerRefused.name() && reason.text.contains("not from you"),
            "{reason:?}"
        );

        to.die();
        let receipt = from.node().send(switch.id, "pass it on").await.expect("it is taken");
        assert_eq!(receipt.state, DeliveryState::Accepted);
        sleep(Duration::from_secs(60)).await;
        to.boot(None).await.expect("nothing stops its start");
        let inbox = to.node().inbox().filtered(messages());
        let message = inbox.next_within(Duration::from_secs(60)).await.expect("it runs").expect("it waited");
        assert_eq!(message.from, switch.id);
        assert!(message.content.ends_with("pass it on"), "{}", message.content);
        let inbox = switch.node().inbox().filtered(messages());
        assert_eq!(inbox.next_within(Duration::from_secs(60)).await.expect("it runs"), None);
    });
}
