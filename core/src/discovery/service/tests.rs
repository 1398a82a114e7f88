//! The service against a transport that only records, and two of them on the loopback interface.

use std::net::Ipv4Addr;

use async_trait::async_trait;
use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use super::*;
use crate::{
    error::{Code, Error},
    transport::{Receiver, Reply, Request},
};

struct Agent(SigningKey);

fn agent(seed: u8) -> Arc<Agent> {
    Arc::new(Agent(SigningKey::from_bytes(&[seed; 32])))
}

impl Presence for Agent {
    fn agent_id(&self) -> AgentId {
        AgentId::from_bytes(self.0.verifying_key().to_bytes())
    }

    fn announcement(&self) -> Option<Announcement> {
        Some(Announcement {
            agent_id: self.agent_id(),
            display_name: "n".into(),
            bio: String::new(),
            port: 8111,
            shares_port: false,
            active: true,
            accepting: true,
        })
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }

    fn is_connected_at(&self, base: &str) -> bool {
        base == "https://connected.example"
    }
}

/// Records whom it is asked to reach; at one base an agent answers.
#[derive(Default)]
struct Recorder {
    asked: Mutex<Vec<String>>,
    answers_at: Option<(String, AgentId)>,
}

#[async_trait]
impl Transport for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn priority(&self) -> u8 {
        0
    }

    fn can_reach(&self, _: &str) -> bool {
        true
    }

    async fn listen(&self, _: Arc<dyn Receiver>) -> Result<Vec<String>> {
        Ok(vec![])
    }

    async fn send(&self, base: &str, request: Request) -> Result<Reply> {
        self.asked.lock().push(base.to_owned());
        assert_eq!(request.path, scan::DOCUMENT);
        match &self.answers_at {
            Some((at, id)) if at == base => {
                let document = json!({"darkmatter": true, "agent_id": id, "accepting_connections": true});
                let body = Bytes::from(document.to_string());
                Ok(Reply { status: 200, body, retry_after: None })
            }
            _ => Err(Error::new(Code::Unreachable, "nobody is there")),
        }
    }

    async fn close(&self) {}
}

fn settings(mode: Mode) -> Settings {
    let bootstrap = vec!["https://bootstrap.example/".to_owned(), "https://connected.example".to_owned()];
    Settings { mode, interfaces: Some(vec![]), bootstrap, ..Settings::default() }
}

/// A virtual hour with `settings`; returns whom was asked, and what was found.
async fn an_hour(settings: Settings, answers_at: Option<(String, AgentId)>) -> (Vec<String>, Vec<Finding>) {
    let env = Env::simulated(Timestamp::from_seconds(1_795_204_665), 1);
    let transport = Arc::new(Recorder { answers_at, ..Recorder::default() });
    let (sender, mut receiver) = mpsc::channel(1000);
    let _discovery = Discovery::run(&env, settings, agent(1), Arc::clone(&transport) as _, sender);
    sleep(Duration::from_secs(3600)).await;
    let mut findings = vec![];
    while let Ok(finding) = receiver.try_recv() {
        findings.push(finding);
    }
    assert!(env.tasks.close(Duration::from_secs(5)).await);
    let asked = transport.asked.lock().clone();
    (asked, findings)
}

#[tokio::test(start_paused = true)]
async fn off_does_nothing_at_all() {
    let env = Env::simulated(Timestamp::from_seconds(1_795_204_665), 1);
    let transport = Arc::new(Recorder::default());
    let (sender, _receiver) = mpsc::channel(1);
    let settings = Settings { interfaces: None, ..settings(Mode::Off) };
    let discovery = Discovery::run(&env, settings, agent(1), Arc::clone(&transport) as _, sender);
    assert!(env.tasks.is_empty());
    assert_eq!(discovery.multicast_port().unwrap(), None);
    assert!(discovery.scan().await.is_empty());
    assert!(transport.asked.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn lan_asks_this_machine_and_nobody_else() {
    let (asked, findings) = an_hour(settings(Mode::Lan), None).await;
    assert!(asked.len() >= 120 * 100, "a scan in every cycle");
    assert!(asked.iter().all(|base| base.starts_with("http://127.0.0.1:")));
    assert!(!asked.contains(&"http://127.0.0.1:8111".to_owned()), "our own port");
    assert!(findings.is_empty());
}

#[test]
fn whoever_shares_its_port_is_heard_at_its_place() {
    let heard = |shares_port| Heard {
        agent_id: agent(2).agent_id(),
        port: 8150,
        shares_port,
        display_name: String::new(),
        bio: String::new(),
        accepting: true,
        ts: 7,
    };
    let url =
        |shares_port| located(heard(shares_port), [192, 168, 1, 9].into(), Timestamp::from_seconds(7)).0.url;
    assert_eq!(url(false), "http://192.168.1.9:8150");
    assert_eq!(url(true), format!("http://192.168.1.9:8150/agents/{}", agent(2).agent_id()));
}

#[tokio::test(start_paused = true)]
async fn on_also_says_when_bootstrap_peers_are_due() {
    let (asked, findings) = an_hour(settings(Mode::On), None).await;
    assert!(asked.iter().all(|base| base.starts_with("http://127.0.0.1:")));
    assert!((50..=61).contains(&findings.len()), "about once a minute, not {}", findings.len());
    let due = Finding::BootstrapDue { base: "https://bootstrap.example".into() };
    assert!(findings.iter().all(|finding| *finding == due));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_stays_is_told_once_and_ourselves_never() {
    let at = String::from("http://127.0.0.1:8150");
    let (_, findings) = an_hour(settings(Mode::Lan), Some((at.clone(), agent(2).agent_id()))).await;
    let [Finding::Agent(found)] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((found.agent_id, &found.url, found.signed), (agent(2).agent_id(), &at, false));

    let (_, findings) = an_hour(settings(Mode::Lan), Some((at, agent(1).agent_id()))).await;
    assert!(findings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_bootstrap_peer_is_asked_less_often() {
    let env = Env::simulated(Timestamp::from_seconds(1_795_204_665), 1);
    let (sender, mut receiver) = mpsc::channel(1000);
    let transport = Arc::new(Recorder::default());
    let discovery = Discovery::run(&env, settings(Mode::On), agent(1), transport, sender);
    let start = env.now();
    let mut times = vec![];
    while times.len() < 6 {
        let Some(Finding::BootstrapDue { base }) = receiver.recv().await else { panic!("ended") };
        times.push(env.now().since(start).as_secs());
        discovery.bootstrap_result(&base, false);
    }
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (gap, pace) in gaps.iter().zip([120, 240, 300, 300, 300]) {
        assert!((pace..=pace + pace / 10 + 1).contains(gap), "{gaps:?}");
    }
}

fn on_loopback(group_port: u16) -> Settings {
    // An empty range of ports: this test is about beacons.
    Settings {
        interfaces: Some(vec![Ipv4Addr::LOCALHOST]),
        group_port,
        first_port: 2,
        last_port: 1,
        ..Settings::default()
    }
}

#[tokio::test]
async fn two_nodes_of_one_machine_find_each_other_by_their_beacons() {
    let env = Env::system();
    let (ann_findings, mut ann_hears) = mpsc::channel(10);
    let (bob_findings, mut bob_hears) = mpsc::channel(10);
    let transport = Arc::new(Recorder::default());
    let ann = Discovery::run(&env, on_loopback(0), agent(1), Arc::clone(&transport) as _, ann_findings);
    let port = ann.multicast_port().unwrap().unwrap();
    let bob = Discovery::run(&env, on_loopback(port), agent(2), transport, bob_findings);

    // Whoever starts second may have missed the first beacon of the other; send until both have heard.
    let meet = async {
        let (mut by_ann, mut by_bob) = (None, None);
        while by_ann.is_none() || by_bob.is_none() {
            for (one, who) in [(&ann, agent(1)), (&bob, agent(2))] {
                let Ok(Some(multicast)) = &one.shared.multicast else { panic!("no multicast") };
                let announcement = who.announcement().unwrap();
                multicast.send(&beacon::encode(&announcement, env.now(), |bytes| who.sign(bytes))).await;
            }
            tokio::select! {
                found = ann_hears.recv(), if by_ann.is_none() => by_ann = found,
                found = bob_hears.recv(), if by_bob.is_none() => by_bob = found,
                () = sleep(Duration::from_millis(50)) => {}
            }
        }
        (by_ann, by_bob)
    };
    let met = tokio::time::timeout(Duration::from_secs(30), meet).await.unwrap();
    let (Some(Finding::Agent(bob_found)), Some(Finding::Agent(ann_found))) = met else { panic!("{met:?}") };
    assert_eq!((bob_found.agent_id, bob_found.url.as_str()), (agent(2).agent_id(), "http://127.0.0.1:8111"));
    assert_eq!((ann_found.agent_id, ann_found.signed), (agent(1).agent_id(), true));
    assert_eq!(ann.list().len(), 1, "a node does not list itself");
    assert!(env.tasks.close(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn forged_stale_and_oversize_beacons_reach_nobody() {
    let env = Env::system();
    let (findings, mut hears) = mpsc::channel(10);
    let node = Discovery::run(&env, on_loopback(0), agent(1), Arc::new(Recorder::default()), findings);
    let sender =
        Multicast::open(Ipv4Addr::new(239, 77, 68, 77), node.multicast_port().unwrap().unwrap()).unwrap();
    assert_eq!(sender.use_interfaces(&[interfaces::Interface::LOOPBACK]), 1);

    let beacon_of = |seed: u8, now: Timestamp, signer: u8| {
        beacon::encode(&agent(seed).announcement().unwrap(), now, |bytes| agent(signer).sign(bytes))
    };
    let mut oversize = beacon_of(3, env.now(), 3);
    oversize.resize(beacon::DATAGRAM_BYTES + 1, b' ');
    let bad = [
        beacon_of(3, env.now(), 4),
        beacon_of(3, env.now() - Duration::from_secs(3600), 3),
        oversize,
        b"{\"proto\":\"darkmatter\",\"type\":\"sdp_offer\"}".to_vec(),
        b"not json".to_vec(),
    ];
    // The good beacon comes last on the same socket: once it is heard, the others were heard and refused.
    let heard = async {
        loop {
            for datagram in &bad {
                sender.send(datagram).await;
            }
            sender.send(&beacon_of(5, env.now(), 5)).await;
            tokio::select! {
                found = hears.recv() => return found,
                () = sleep(Duration::from_millis(300)) => {}
            }
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    let Some(Finding::Agent(found)) = heard else { panic!("{heard:?}") };
    assert_eq!(found.agent_id, agent(5).agent_id());
    assert_eq!(node.list().len(), 1);
    assert!(env.tasks.close(Duration::from_secs(5)).await);
}
