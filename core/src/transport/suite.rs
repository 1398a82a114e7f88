//! What every transport must do, written once. A transport runs it with one line:
//! `transport_suite!(bench)`, where `bench` is an async function that makes a [`Bench`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify};

use super::{ANSWER_BYTES, Arrival, Grant, Method, Receiver, Reply, Request, Source, Transport};
use crate::{
    env::Tasks,
    error::{Code, Result},
    wire::{Answer, limits},
};

/// Two nodes of one kind.
pub(crate) struct Bench {
    pub(crate) server: Arc<dyn Transport>,
    pub(crate) client: Arc<dyn Transport>,
    /// A base URL of the right form at which nobody listens.
    pub(crate) nowhere: String,
    /// Whether a source is the client.
    pub(crate) is_client: fn(&Source) -> bool,
}

/// A receiver with a path for every occasion.
pub(crate) struct Probe {
    pub(crate) arrivals: Mutex<Vec<Arrival>>,
    pub(crate) finished: AtomicUsize,
    pub(crate) begun: Notify,
    pub(crate) gate: Notify,
    crowd: Barrier,
}

const CROWD: usize = 100;

impl Probe {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            arrivals: Mutex::default(),
            finished: AtomicUsize::new(0),
            begun: Notify::new(),
            gate: Notify::new(),
            crowd: Barrier::new(CROWD),
        })
    }

    pub(crate) fn last(&self) -> Arrival {
        self.arrivals.lock().last().unwrap().clone()
    }
}

#[async_trait]
impl Receiver for Probe {
    async fn receive(&self, arrival: Arrival) -> Answer {
        self.arrivals.lock().push(arrival.clone());
        let (word, number) = match arrival.path[1..].split_once('/') {
            Some((word, number)) => (word.to_owned(), number.parse().unwrap_or(0)),
            None => (arrival.path[1..].to_owned(), 0_usize),
        };
        match word.as_str() {
            "status" => Answer::refuse(number as u16, Code::QueueFull, "as asked"),
            "busy" => Answer::refuse(429, Code::RateLimited, "busy").retry_after(Duration::from_millis(1500)),
            "long" => Answer::ok(json!({"x": "a".repeat(number - r#"{"x":""}"#.len())})),
            "text" => Answer::not_found(),
            "never" => std::future::pending().await,
            "panic" => panic!("as asked"),
            "gate" => {
                self.begun.notify_one();
                self.gate.notified().await;
                self.finished.fetch_add(1, Ordering::SeqCst);
                self.begun.notify_one();
                Answer::ok(json!({"n": number}))
            }
            "crowd" => {
                self.crowd.wait().await;
                Answer::ok(json!({"n": number}))
            }
            _ => Answer::ok(json!({"n": number, "bytes": arrival.body.len()})),
        }
    }
}

/// A request that names nobody's patience but the suite's own.
pub(crate) fn get(path: &str) -> Request {
    Request::get(path).grant(Grant::User).timeout(Duration::from_secs(60))
}

pub(crate) fn post(path: &str, body: impl Into<bytes::Bytes>) -> Request {
    Request { method: Method::Post, body: body.into(), ..get(path) }
}

pub(crate) fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

async fn listening(bench: &Bench) -> (Arc<Probe>, String) {
    let probe = Probe::new();
    let bases = bench.server.listen(Arc::clone(&probe) as Arc<dyn Receiver>).await.unwrap();
    (probe, bases[0].clone())
}

pub(crate) async fn carries_a_request_and_its_answer(bench: Bench) {
    let (probe, base) = listening(&bench).await;
    let reply = bench.client.send(&base, post("/echo/7?a=b&c", r#"{"k":1}"#)).await.unwrap();
    assert_eq!((reply.status, json_of(&reply)), (200, json!({"n": 7, "bytes": 7})));
    let arrival = probe.last();
    assert_eq!((arrival.method, arrival.body.as_ref()), (Method::Post, br#"{"k":1}"#.as_slice()));
    assert_eq!((arrival.path.as_str(), arrival.query.as_str()), ("/echo/7", "a=b&c"));
    assert_eq!(arrival.bearer, None);

    bench.client.send(&base, get("/echo")).await.unwrap();
    let arrival = probe.last();
    assert_eq!((arrival.method, arrival.body.len(), arrival.query.as_str()), (Method::Get, 0, ""));
}

pub(crate) async fn a_base_with_a_path_comes_before_the_path(bench: Bench) {
    let (probe, base) = listening(&bench).await;
    bench.client.send(&format!("{base}/scoped/ab/"), get("/message")).await.unwrap();
    assert_eq!(probe.last().path, "/scoped/ab/message");
}

pub(crate) async fn every_status_is_a_reply(bench: Bench) {
    let (_probe, base) = listening(&bench).await;
    for status in [200, 201, 302, 400, 403, 404, 409, 413, 429, 500, 503] {
        let reply = bench.client.send(&base, post(&format!("/status/{status}"), "{}")).await.unwrap();
        assert_eq!(reply.status, status);
        assert_eq!(json_of(&reply)["code"], "queue_full");
    }
    let reply = bench.client.send(&base, get("/text")).await.unwrap();
    assert_eq!((reply.status, reply.body.as_ref()), (404, b"Not Found".as_slice()));
}

pub(crate) async fn the_wait_of_a_refusal_is_carried_rounded_up(bench: Bench) {
    let (_probe, base) = listening(&bench).await;
    let reply = bench.client.send(&base, get("/busy")).await.unwrap();
    assert_eq!((reply.status, reply.retry_after), (429, Some(Duration::from_secs(2))));
    assert_eq!(bench.client.send(&base, get("/echo")).await.unwrap().retry_after, None);
}

pub(crate) async fn frames_up_to_the_limit_arrive_and_longer_ones_are_refused(bench: Bench) {
    let (probe, base) = listening(&bench).await;
    let whole = vec![b'x'; limits::FRAME_BYTES];
    let reply = bench.client.send(&base, post("/echo", whole.clone())).await.unwrap();
    assert_eq!(json_of(&reply)["bytes"], limits::FRAME_BYTES);
    assert_eq!(probe.last().body, whole);

    let reply = bench.client.send(&base, post("/echo", vec![b'x'; limits::FRAME_BYTES + 1])).await.unwrap();
    assert_eq!(reply.status, 413);
    assert_eq!(json_of(&reply)["code"], "wire_too_large");
    assert!(json_of(&reply)["error"].is_string());
    assert_eq!(probe.arrivals.lock().len(), 1);
}

pub(crate) async fn answers_up_to_the_limit_arrive_and_longer_ones_fail(bench: Bench) {
    let (_probe, base) = listening(&bench).await;
    let reply = bench.client.send(&base, get(&format!("/long/{ANSWER_BYTES}"))).await.unwrap();
    assert_eq!(reply.body.len(), ANSWER_BYTES);
    let error = bench.client.send(&base, get(&format!("/long/{}", ANSWER_BYTES + 1))).await.unwrap_err();
    assert_eq!(error.code(), Code::BadAnswer);
}

pub(crate) async fn a_place_where_nobody_listens_is_unreachable(bench: Bench) {
    let error = bench.client.send(&bench.nowhere, get("/echo")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unreachable);
    assert!(!error.message().contains(bench.nowhere.split_once("://").unwrap().1));
}

pub(crate) async fn only_bases_of_its_own_kind_can_be_reached(bench: Bench) {
    assert!(bench.client.can_reach(&bench.nowhere));
    for base in ["", "gopher://h", "h", "://h"] {
        assert!(!bench.client.can_reach(base), "{base}");
        assert!(bench.client.send(base, get("/echo")).await.is_err(), "{base}");
    }
}

pub(crate) async fn a_node_that_does_not_answer_times_out(bench: Bench) {
    let (_probe, base) = listening(&bench).await;
    let request = get("/never").timeout(Duration::from_millis(50));
    assert_eq!(bench.client.send(&base, request).await.unwrap_err().code(), Code::Timeout);
}

pub(crate) async fn a_hundred_requests_are_open_at_once(bench: Bench) {
    let (_probe, base) = listening(&bench).await;
    // Nobody is answered before all have arrived.
    let paths: Vec<_> = (0..CROWD).map(|n| format!("/crowd/{n}")).collect();
    let sends = paths.iter().map(|path| bench.client.send(&base, get(path)));
    for (n, reply) in futures_util::future::join_all(sends).await.into_iter().enumerate() {
        assert_eq!(json_of(&reply.unwrap())["n"], n);
    }
}

pub(crate) async fn an_early_request_does_not_hold_up_a_later_one(bench: Bench) {
    let (probe, base) = listening(&bench).await;
    let early = bench.client.send(&base, get("/gate/1"));
    let late = async {
        probe.begun.notified().await;
        let reply = bench.client.send(&base, get("/echo/2")).await;
        probe.gate.notify_one();
        reply
    };
    let (early, late) = tokio::join!(early, late);
    assert_eq!(json_of(&early.unwrap())["n"], 1);
    assert_eq!(json_of(&late.unwrap())["n"], 2);
}

pub(crate) async fn the_source_is_the_one_who_sent(bench: Bench) {
    let (probe, base) = listening(&bench).await;
    bench.client.send(&base, get("/echo")).await.unwrap();
    let source = probe.last().source;
    assert!((bench.is_client)(&source), "{source:?}");
}

pub(crate) async fn a_request_whose_caller_gives_up_is_handled_to_its_end(bench: Bench) {
    let (probe, base) = listening(&bench).await;
    tokio::select! {
        _ = bench.client.send(&base, get("/gate")) => panic!("the gate is shut"),
        () = probe.begun.notified() => {}
    }
    // A closed client has certainly hung up.
    bench.client.close().await;
    probe.gate.notify_one();
    probe.begun.notified().await;
    assert_eq!(probe.finished.load(Ordering::SeqCst), 1);
}

pub(crate) async fn a_receiver_that_panics_answers_500_and_the_next_request_is_served(bench: Bench) {
    let (_probe, base) = listening(&bench).await;
    let reply = bench.client.send(&base, post("/panic", "{}")).await.unwrap();
    assert_eq!((reply.status, &json_of(&reply)["code"]), (500, &json!("internal")));
    assert_eq!(bench.client.send(&base, get("/echo")).await.unwrap().status, 200);
}

pub(crate) async fn closing_lets_an_open_exchange_finish_and_takes_no_other(bench: Bench) {
    let (probe, base) = listening(&bench).await;
    let tasks = Tasks::new();
    let (client, address) = (Arc::clone(&bench.client), base.clone());
    let (told, reply) = tokio::sync::oneshot::channel::<Result<Reply>>();
    tasks.spawn("open request", async move {
        let _ = told.send(client.send(&address, get("/gate")).await);
    });
    probe.begun.notified().await;
    let close = async {
        // The request is open, and closing has begun when the gate opens.
        tokio::join!(bench.server.close(), async {
            tokio::task::yield_now().await;
            probe.gate.notify_one();
        });
    };
    close.await;
    assert_eq!(reply.await.unwrap().unwrap().status, 200);
    let error = bench.client.send(&base, get("/echo")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unreachable);
    assert_eq!(bench.server.send(&base, get("/echo")).await.unwrap_err().code(), Code::Closed);
    assert_eq!(bench.server.listen(Probe::new()).await.unwrap_err().code(), Code::Closed);
    bench.server.close().await;
}

pub(crate) async fn listening_twice_is_refused(bench: Bench) {
    let (_probe, base) = listening(&bench).await;
    assert_eq!(bench.server.listen(Probe::new()).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(bench.client.send(&base, get("/echo")).await.unwrap().status, 200);
}

/// Runs every test of the suite with the benches that `$bench` makes.
macro_rules! transport_suite {
    ($bench:path) => {
        transport_suite! { $bench:
            carries_a_request_and_its_answer
            a_base_with_a_path_comes_before_the_path
            every_status_is_a_reply
            the_wait_of_a_refusal_is_carried_rounded_up
            frames_up_to_the_limit_arrive_and_longer_ones_are_refused
            answers_up_to_the_limit_arrive_and_longer_ones_fail
            a_place_where_nobody_listens_is_unreachable
            only_bases_of_its_own_kind_can_be_reached
            a_node_that_does_not_answer_times_out
            a_hundred_requests_are_open_at_once
            an_early_request_does_not_hold_up_a_later_one
            the_source_is_the_one_who_sent
            a_request_whose_caller_gives_up_is_handled_to_its_end
            a_receiver_that_panics_answers_500_and_the_next_request_is_served
            closing_lets_an_open_exchange_finish_and_takes_no_other
            listening_twice_is_refused
        }
    };
    ($bench:path: $($test:ident)+) => {
        $(#[tokio::test]
        async fn $test() {
            $crate::transport::suite::$test($bench().await).await;
        })+
    };
}
pub(crate) use transport_suite;
