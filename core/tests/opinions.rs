//! Opinions of peers: asked under signatures, shared as the settings say, and not believed from those who lie.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::sync::Arc;

use dmagent::{
    AgentId, ConnectArgs, Node, NodeConfig,
    api::{AskOpinionArgs, SetTrustArgs},
    env::{Tasks, Timestamp},
    error::Code,
    peers::AutoAccept,
    trust::{PeerOpinion, Sharing, opinion, sharing::Shared},
    wire::canonical::Domain,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use self::support::{
    actor::{Actor, Object, object},
    http::Client,
};

fn settings() -> NodeConfig {
    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::Loopback;
    config
}

async fn agent(seed: u8, change: impl FnOnce(&mut NodeConfig)) -> Node {
    let mut config = settings();
    change(&mut config);
    support::open(config, Actor::new(seed).passport).await
}

async fn connect(from: &Node, to: &Node) {
    from.peers().connect(ConnectArgs::new(to.info().url)).await.unwrap();
}

async fn think(node: &Node, agent: AgentId, score: f64, note: &str) {
    let args = SetTrustArgs { agent, score, note: Some(note.to_owned()) };
    node.trust().set(args).await.unwrap();
}

async fn ask(node: &Node, peer: AgentId, about: AgentId) -> Result<PeerOpinion, Code> {
    node.trust().ask(AskOpinionArgs { peer, about }).await.map_err(|error| error.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_says_what_it_thinks_and_its_notes_to_those_it_trusts() {
    let (alice, bob) = (agent(1, |_| {}).await, agent(2, |_| {}).await);
    connect(&alice, &bob).await;
    let (a, b, third) = (alice.agent_id(), bob.agent_id(), Actor::new(9).id());
    let told = |score: Option<f64>, note: &str| PeerOpinion {
        agent_id: third,
        has_impression: score.is_some(),
        score,
        note: note.to_owned(),
        signed: true,
    };
    assert_eq!(ask(&alice, b, third).await, Ok(told(None, "")));
    think(&bob, third, -0.5, "owes me").await;
    assert_eq!(ask(&alice, b, third).await, Ok(told(Some(-0.5), "")), "bob does not trust alice");
    think(&bob, a, 0.5, "a friend").await;
    assert_eq!(ask(&alice, b, third).await, Ok(told(Some(-0.5), "owes me")));
    // What bob thinks of alice is not for her.
    assert!(!ask(&alice, b, a).await.unwrap().has_impression);
    assert_eq!(ask(&alice, third, b).await, Err(Code::PeerNotConnected));
    assert_eq!(alice.call("trust.list", json!({})).await.unwrap(), json!([]), "nothing of it is alice's own");
    // Blocked agents hear nothing, in either direction.
    alice.call("peers.block", json!({"agent": b})).await.unwrap();
    assert_eq!(ask(&alice, b, third).await, Err(Code::PeerBlocked));
    for node in [alice, bob] {
        node.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_say_who_hears_what() {
    let third = Actor::new(9).id();
    for (scores, notes, stranger, friend) in [
        (Sharing::Connected, Sharing::Connected, Some("owes me"), Some("owes me")),
        (Sharing::Connected, Sharing::None, Some(""), Some("")),
        (Sharing::Trusted, Sharing::Trusted, None, Some("owes me")),
        (Sharing::None, Sharing::Connected, None, None),
    ] {
        let bob = agent(2, |config| (config.share_impressions, config.share_notes) = (scores, notes)).await;
        let alice = agent(1, |_| {}).await;
        connect(&alice, &bob).await;
        think(&bob, third, 0.5, "owes me").await;
        for (trust, heard) in [(0.0, stranger), (0.1, friend)] {
            think(&bob, alice.agent_id(), trust, "").await;
            let told = ask(&alice, bob.agent_id(), third).await.unwrap();
            assert_eq!(told.has_impression.then_some(&told.note[..]), heard, "{scores:?} {notes:?} {trust}");
        }
        // Who signs nothing is nobody in particular.
        let mut caller = Client::new(support::address(&bob));
        let answer = caller.get(&format!("/__darkmatter__/impression/{third}")).await.json();
        assert_eq!(answer["has_impression"], json!(scores == Sharing::Connected), "{scores:?}");
        if scores == Sharing::Connected {
            assert_eq!(answer["note"], json!(if notes == Sharing::Connected { "owes me" } else { "" }));
        }
        for node in [alice, bob] {
            node.close().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_fresh_question_of_a_peer_is_answered_and_once() {
    let bob = agent(2, |_| {}).await;
    let (us, third) = (bob.agent_id(), Actor::new(9).id());
    let (peer, mut client) = (Actor::new(3), Client::new(support::address(&bob)));
    let mut post = async |endpoint: &str, object: &Object| {
        client.post(&format!("/__darkmatter__/{endpoint}"), serde_json::to_vec(object).unwrap()).await
    };
    let code =
        |reply: &support::http::Reply| (reply.status, reply.json()["code"].as_str().map(str::to_owned));
    let refused = |status, word: &str| (status, Some(word.to_owned()));
    let early = peer.impression_query(&us, &third);
    assert_eq!(code(&post("impression_query", &early).await), refused(403, "peer_not_connected"));
    post("connection_request", &peer.request(&us, "http://127.0.0.1:9", true)).await;
    think(&bob, third, 0.5, "").await;

    let asked = peer.impression_query(&us, &third);
    let answer = post("impression_query", &asked).await.json();
    let nonce = asked["nonce"].as_str().unwrap();
    let mine = opinion::Question { peer: us, me: peer.id(), about: third, nonce };
    assert_eq!(mine.believe(object(answer), peer.now()).unwrap().score, Some(0.5));
    assert_eq!(code(&post("impression_query", &asked).await), refused(409, "replay"));

    let for_another = peer.impression_query(&Actor::new(7).id(), &third);
    assert_eq!(code(&post("impression_query", &for_another).await), refused(403, "signature_invalid"));
    let mut changed = peer.impression_query(&us, &third);
    changed.insert("about".into(), json!(Actor::new(8).id()));
    assert_eq!(code(&post("impression_query", &changed).await), refused(403, "signature_invalid"));
    let mut unsigned = peer.impression_query(&us, &third);
    unsigned.remove("signature_v2");
    assert_eq!(code(&post("impression_query", &unsigned).await), refused(403, "signature_missing"));
    for (member, value) in
        [("about", json!("x")), ("nonce", json!("")), ("nonce", json!(7)), ("about", Value::Null)]
    {
        let mut bad = peer.impression_query(&us, &third);
        bad.insert(member.into(), value);
        let status = post("impression_query", &bad).await.status;
        assert!([400, 403].contains(&status), "{member}: {status}");
    }
    bob.close().await.unwrap();
}

/// What a hostile peer answers to a question.
type Lie = Box<dyn Fn(&Object) -> Vec<u8> + Send>;

/// Serves one answer after the other to questions about agents, at the URL it returns, for as long as its tasks live.
async fn liar(lies: Arc<Mutex<Vec<Lie>>>) -> (String, Tasks) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tasks = Tasks::new();
    tasks.spawn("liar", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut said = Vec::new();
            let asked = loop {
                if stream.read_buf(&mut said).await.unwrap_or(0) == 0 {
                    break None;
                }
                let text = String::from_utf8_lossy(&said);
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                if !head.contains("/impression_query ") {
                    break None;
                }
                if let Ok(question) = serde_json::from_str::<Object>(body) {
                    break Some(question);
                }
            };
            let Some(asked) = asked else { continue };
            let next = lies.lock().pop();
            let Some(lie) = next else { continue };
            let body = lie(&asked);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
        }
    });
    (url, tasks)
}

fn said(by: &Actor, to: AgentId, about: AgentId, nonce: &str, shared: Shared<'_>, at: Timestamp) -> Object {
    opinion::answer(&to, &about, nonce, Some(shared), &by.passport, at).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn opinions_of_a_hostile_peer_are_not_believed() {
    let alice = agent(1, |_| {}).await;
    let me = alice.agent_id();
    let (peer, other, about) = (2_u8, 3_u8, Actor::new(9).id());
    let lies = Arc::<Mutex<Vec<Lie>>>::default();
    let (url, _tasks) = liar(Arc::clone(&lies)).await;
    let actor = Actor::new(peer);
    let mut request = actor.plain_request(&url);
    request.insert("capabilities".into(), json!({"signature": 2, "opinion": 1}));
    request.insert("nonce".into(), json!("n0"));
    let request = actor.sign(Domain::ConnectionRequest, &me, request);
    let mut client = Client::new(support::address(&alice));
    let body = serde_json::to_vec(&request).unwrap();
    let answered = client.post("/__darkmatter__/connection_request", body).await.json();
    assert_eq!(answered["auto_accepted"], json!(true), "{answered}");

    let good = Shared { score: 0.5, note: "fine" };
    let nonce = |asked: &Object| asked["nonce"].as_str().unwrap().to_owned();
    let bytes = |object: Object| serde_json::to_vec(&object).unwrap();
    let recorded = Arc::new(Mutex::new(Vec::<u8>::new()));
    let (kept, again) = (Arc::clone(&recorded), Arc::clone(&recorded));
    let by = move |seed: u8| Actor::new(seed);
    let cases: Vec<(&str, Lie, Result<(), Code>)> = vec![
        (
            "the truth",
            Box::new(move |asked| {
                let said = bytes(said(&by(peer), me, about, &nonce(asked), good, by(peer).now()));
                kept.lock().clone_from(&said);
                said
            }),
            Ok(()),
        ),
        ("the same once more", Box::new(move |_| again.lock().clone()), Err(Code::BadAnswer)),
        (
            "what somebody else thinks",
            Box::new(move |asked| bytes(said(&by(other), me, about, &nonce(asked), good, by(other).now()))),
            Err(Code::BadAnswer),
        ),
        (
            "what it told somebody else",
            Box::new(move |asked| {
                bytes(said(&by(peer), by(other).id(), about, &nonce(asked), good, by(peer).now()))
            }),
            Err(Code::BadAnswer),
        ),
        (
            "what it thinks of another",
            Box::new(move |asked| {
                bytes(said(&by(peer), me, by(other).id(), &nonce(asked), good, by(peer).now()))
            }),
            Err(Code::BadAnswer),
        ),
        (
            "a score of 7",
            Box::new(move |asked| {
                let shared = Shared { score: 7.0, note: "" };
                bytes(said(&by(peer), me, about, &nonce(asked), shared, by(peer).now()))
            }),
            Err(Code::BadAnswer),
        ),
        (
            "a note of 3 MB",
            Box::new(move |asked| {
                let note = "x".repeat(3_000_000);
                let shared = Shared { score: 0.5, note: &note };
                bytes(said(&by(peer), me, about, &nonce(asked), shared, by(peer).now()))
            }),
            Err(Code::BadAnswer),
        ),
        (
            "nothing signed",
            Box::new(move |_| {
                json!({"agent_id": about, "has_impression": true, "score": 1}).to_string().into_bytes()
            }),
            Err(Code::BadAnswer),
        ),
        ("no opinion", Box::new(|_| b"<html></html>".to_vec()), Err(Code::BadAnswer)),
    ];
    for (name, lie, expected) in cases {
        lies.lock().push(lie);
        let told = ask(&alice, actor.id(), about).await;
        assert_eq!(told.map(|_| ()), expected, "{name}");
    }
    alice.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_begins_with_what_trusted_peers_sign() {
    let (alice, bob) = (agent(1, |_| {}).await, agent(2, |_| {}).await);
    connect(&alice, &bob).await;
    let newcomer = agent(3, |_| {}).await;
    think(&alice, bob.agent_id(), 0.8, "").await;
    think(&bob, newcomer.agent_id(), 0.3, "").await;
    connect(&newcomer, &alice).await;
    let asked = json!({"agent": newcomer.agent_id()});
    let seeded = async {
        loop {
            let known = alice.call("trust.get", asked.clone()).await.unwrap();
            if known["score"].as_f64().is_some_and(|score| score > 0.0) {
                break known;
            }
            tokio::task::yield_now().await;
        }
    };
    let seeded = tokio::time::timeout(support::http::PATIENCE, seeded).await.unwrap();
    assert_eq!(seeded["score"], json!(0.3));
    for node in [alice, bob, newcomer] {
        node.close().await.unwrap();
    }
}
