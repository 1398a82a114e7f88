//! The shared suite, and what only HTTP can do or suffer.

use std::{
    io,
    net::IpAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;
use crate::{
    transport::{
        ANSWER_BYTES, Grant, Source,
        suite::{Bench, Probe, get, post, transport_suite},
    },
    wire::{AddressClass, limits},
};

transport_suite!(bench);

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn bench() -> Bench {
    Bench {
        server: Arc::new(transport(|_| {}).await),
        client: Arc::new(transport(|_| {}).await),
        // Below the range from which the system picks ports, and of a service that nobody runs.
        nowhere: "http://127.0.0.1:1".into(),
        is_client: |source| match source {
            Source::Socket(address) => address.ip() == Ipv4Addr::LOCALHOST && address.port() != 0,
            Source::Process(_) | Source::Unknown => false,
        },
    }
}

async fn transport(change: impl FnOnce(&mut HttpConfig)) -> HttpTransport {
    let mut config = HttpConfig::new(LOOPBACK);
    change(&mut config);
    HttpTransport::bind(config).await.unwrap()
}

/// A listening server and its probe.
async fn server(change: impl FnOnce(&mut HttpConfig)) -> (HttpTransport, Arc<Probe>) {
    let (transport, probe) = (transport(change).await, Probe::new());
    transport.listen(Arc::clone(&probe) as Arc<dyn Receiver>).await.unwrap();
    (transport, probe)
}

fn base(server: &HttpTransport) -> String {
    format!("http://{}", server.local_addr())
}

/// Sends `bytes` and reads until the other side hangs up.
async fn raw(server: &HttpTransport, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is as good as a farewell.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Listens, and treats each connection as `script` says: reads one request head, writes the bytes, and
/// hangs up. Returns its base URL and how many connections came.
async fn scripted(script: Vec<u8>) -> (String, Arc<AtomicUsize>, Tasks) {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (count, tasks) = (Arc::new(AtomicUsize::new(0)), Tasks::new());
    let counter = Arc::clone(&count);
    tasks.spawn("scripted server", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
            let _ = stream.write_all(&script).await;
        }
    });
    (base, count, tasks)
}

/// Gives the addresses of its list one after the other, then the last for ever.
struct Fickle {
    answers: Vec<&'static str>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Fickle {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        match self.answers[turn] {
            "" => Err(io::Error::other("no such name")),
            list => Ok(list.split(' ').map(|address| address.parse().unwrap()).collect()),
        }
    }
}

fn fickle(answers: &[&'static str]) -> Arc<Fickle> {
    Arc::new(Fickle { answers: answers.to_vec(), asked: AtomicUsize::new(0) })
}

#[tokio::test]
async fn a_forged_forwarding_header_is_ignored() {
    let (server, probe) = server(|_| {}).await;
    let head =
        b"GET /x HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n";
    raw(&server, head).await;
    assert!(matches!(probe.last().source, Source::Socket(from) if from.ip() == Ipv4Addr::LOCALHOST));
}

#[tokio::test]
async fn a_page_on_a_name_that_leads_here_is_nobody() {
    let (server, probe) = server(|config| config.names = vec!["mesh.example".into()]).await;
    for (host, is_known) in [
        ("Host: page.example:80\r\n", false),
        ("Host: \u{e9}\r\n", false),
        ("Host: mesh.example\r\n", true),
        ("", true),
    ] {
        raw(&server, format!("GET /x HTTP/1.1\r\n{host}Connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(probe.last().source != Source::Unknown, is_known, "{host}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_tells_who_asks() {
    let (server, probe) =
        server(|config| config.trusted_proxies = TrustedProxies::parse(["127.0.0.0/8"]).unwrap()).await;
    let head =
        b"GET /x HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 127.0.0.1, 203.0.113.9\r\nConnection: close\r\n\r\n";
    raw(&server, head).await;
    assert_eq!(probe.last().source, Source::Socket("203.0.113.9:0".parse().unwrap()));
}

#[tokio::test]
async fn path_query_token_and_host_arrive_as_they_were_sent() {
    let (server, probe) = server(|_| {}).await;
    let head = b"GET /a%2Fb/..%2f/./c?x=%20&y=a+b HTTP/1.1\r\nHost: Mesh.example:9\r\nAuthorization: bearer t0k\r\nConnection: close\r\n\r\n";
    raw(&server, head).await;
    let arrival = probe.last();
    assert_eq!((arrival.path.as_str(), arrival.query.as_str()), ("/a%2Fb/..%2f/./c", "x=%20&y=a+b"));
    assert_eq!(arrival.bearer.as_deref(), Some("t0k"));
    assert_eq!(arrival.authority.as_deref(), Some("Mesh.example:9"));
}

#[tokio::test]
async fn other_methods_get_405_in_plain_text() {
    let (server, probe) = server(|_| {}).await;
    for method in ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let answer =
            raw(&server, format!("{method} /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").as_bytes())
                .await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{method}: {answer}");
        assert!(answer.contains("content-type: text/plain"), "{method}: {answer}");
        assert_eq!(answer.ends_with("Method Not Allowed"), method != "HEAD", "{answer}");
    }
    assert!(probe.arrivals.lock().is_empty());
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_hung_up_on() {
    let (server, probe) = server(|_| {}).await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(200_000));
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"hello mesh\r\n\r\n", long.as_bytes()]
    {
        let answer = raw(&server, bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert!(probe.arrivals.lock().is_empty());
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let (server, probe) = server(|config| config.head_timeout = Duration::from_millis(50)).await;
    for bytes in [&b""[..], b"GET /x HTTP/1.1\r\nHost: h\r\n", b"GET /x HTTP/1.1\r\nHost: h\r\n\r\nGET /y"] {
        // Returns only because the server hangs up.
        raw(&server, bytes).await;
    }
    assert_eq!(probe.arrivals.lock().len(), 1);
}

#[tokio::test]
async fn a_slow_body_gets_408() {
    let (server, probe) = server(|config| config.body_timeout = Duration::from_millis(50)).await;
    let answer = raw(&server, b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(r#""code":"timeout""#), "{answer}");
    assert!(probe.arrivals.lock().is_empty());
}

#[tokio::test]
async fn a_caller_that_does_not_read_is_cut_off() {
    let (server, probe) = server(|config| config.write_timeout = Duration::from_millis(50)).await;
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    let requests = format!("GET /long/{ANSWER_BYTES} HTTP/1.1\r\nHost: h\r\n\r\n").repeat(1000);
    // The answers fill the buffers of both sides, then the requests do, and this stands still. It fails
    // when the server hangs up, and only then.
    while stream.write_all(requests.as_bytes()).await.is_ok() {}
    assert!(!probe.arrivals.lock().is_empty());
}

#[tokio::test]
async fn a_body_of_many_pieces_is_whole_and_one_without_end_is_refused() {
    let (server, probe) = server(|_| {}).await;
    let head = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    raw(&server, format!("{head}2\r\n{{\"\r\n3\r\na\":\r\n2\r\n1}}\r\n0\r\n\r\n").as_bytes()).await;
    assert_eq!(probe.last().body.as_ref(), br#"{"a":1}"#);

    let mut endless = head.as_bytes().to_vec();
    for _ in 0..3 * limits::FRAME_BYTES / 0x10000 {
        endless.extend_from_slice(b"10000\r\n");
        endless.extend_from_slice(&[b'x'; 0x10000]);
        endless.extend_from_slice(b"\r\n");
    }
    endless.extend_from_slice(b"0\r\n\r\n");
    assert!(raw(&server, &endless).await.starts_with("HTTP/1.1 413 "));

    let broken = raw(&server, format!("{head}zz\r\n").as_bytes()).await;
    assert!(broken.is_empty() || broken.starts_with("HTTP/1.1 400 "), "{broken}");
    assert_eq!(probe.arrivals.lock().len(), 1);
}

#[tokio::test]
async fn a_refused_body_is_read_to_its_end_so_that_the_refusal_gets_through() {
    let (server, _probe) = server(|_| {}).await;
    let length = 2 * limits::FRAME_BYTES;
    let mut bytes = format!("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    bytes.resize(bytes.len() + length, b'x');
    bytes.extend_from_slice(b"GET /echo/5 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    let answers = raw(&server, &bytes).await;
    assert!(answers.starts_with("HTTP/1.1 413 ") && answers.ends_with(r#""n":5}"#), "{answers}");
}

#[tokio::test]
async fn a_request_outlives_its_connection() {
    let (server, probe) = server(|_| {}).await;
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(b"GET /gate HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    probe.begun.notified().await;
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await;
    assert_eq!(
        (ended.unwrap().unwrap(), &answer[..]),
        (0, ""),
        "the connection has ended, without an answer"
    );
    probe.gate.notify_one();
    let finished = tokio::time::timeout(Duration::from_secs(10), probe.begun.notified()).await;
    assert!(finished.is_ok());
}

#[tokio::test]
async fn a_hopelessly_long_body_is_refused_before_it_is_sent() {
    let (server, probe) = server(|_| {}).await;
    let answer = raw(&server, b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("wire_too_large"), "{answer}");
    assert!(probe.arrivals.lock().is_empty());
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let (server, probe) = server(|_| {}).await;
    let client = transport(|_| {}).await;
    for _ in 0..5 {
        client.send(&base(&server), post("/echo", "{}")).await.unwrap();
    }
    let arrivals = probe.arrivals.lock();
    assert!(arrivals.windows(2).all(|pair| pair[0].source == pair[1].source));
    assert_eq!(arrivals.len(), 5);
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_a_free_place() {
    let (server, probe) = server(|config| config.connections = 1).await;
    let request = b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut first = TcpStream::connect(server.local_addr()).await.unwrap();
    first.write_all(request).await.unwrap();
    first.read_u8().await.unwrap();
    let mut second = TcpStream::connect(server.local_addr()).await.unwrap();
    second.write_all(request).await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(probe.arrivals.lock().len(), 1);
    drop(first);
    second.read_u8().await.unwrap();
    assert_eq!(probe.arrivals.lock().len(), 2);
}

#[tokio::test]
async fn slow_callers_of_one_address_leave_room_for_others() {
    let (server, probe) = server(|config| {
        config.connections = 8;
        config.connections_per_source = 4;
    })
    .await;
    let from = |host: u8| {
        let (socket, to) = (tokio::net::TcpSocket::new_v4().unwrap(), server.local_addr());
        socket.bind((Ipv4Addr::new(127, 0, 0, host), 0).into()).unwrap();
        async move { socket.connect(to).await.unwrap() }
    };
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = from(66).await;
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost").await.unwrap();
        slow.push(stream);
    }
    let mut other = from(67).await;
    other.write_all(b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    other.read_u8().await.unwrap();
    assert_eq!(probe.arrivals.lock().len(), 1);
    // Those over the share are told so, the others keep their connection.
    let mut told = 0;
    for mut stream in slow {
        let mut answer = [0; 13];
        let reading = tokio::time::timeout(Duration::from_millis(50), stream.read_exact(&mut answer)).await;
        told += usize::from(reading.is_ok() && &answer == b"HTTP/1.1 429 ");
    }
    assert_eq!(told, 16);
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let taken = transport(|_| {}).await;
    let error = HttpTransport::bind(HttpConfig::new(taken.local_addr())).await.err().unwrap();
    assert_eq!(error.code(), Code::BindFailed);
    assert!(error.to_string().contains(&taken.local_addr().to_string()), "{error}");
}

#[tokio::test]
async fn a_node_at_every_address_names_its_loopback_one() {
    let everywhere = transport(|config| config.bind = "0.0.0.0:0".parse().unwrap()).await;
    let bases = everywhere.listen(Probe::new()).await.unwrap();
    assert_eq!(bases, [format!("http://127.0.0.1:{}", everywhere.local_addr().port())]);
}

#[tokio::test]
async fn closing_drops_what_does_not_finish() {
    let (server, probe) = server(|config| config.close_timeout = Duration::from_millis(20)).await;
    let (client, address) = (transport(|_| {}).await, base(&server));
    let (reply, ()) = tokio::join!(client.send(&address, get("/gate")), async {
        probe.begun.notified().await;
        server.close().await;
    });
    match reply {
        Ok(reply) => assert_eq!(reply.status, 503),
        Err(error) => assert_eq!(error.code(), Code::Unreachable),
    }
    assert_eq!(probe.finished.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_redirect_is_a_reply_and_not_followed() {
    let (elsewhere, probe) = server(|_| {}).await;
    let head = format!("HTTP/1.1 302 Found\r\nLocation: {}/x\r\nContent-Length: 0\r\n\r\n", base(&elsewhere));
    let (here, _, _tasks) = scripted(head.into_bytes()).await;
    let client = transport(|_| {}).await;
    assert_eq!(client.send(&here, get("/x")).await.unwrap().status, 302);
    assert!(probe.arrivals.lock().is_empty());
}

#[tokio::test]
async fn answers_that_break_the_rules_are_told_apart() {
    let client = transport(|_| {}).await;
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..=ANSWER_BYTES / 0x10000 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&[b'x'; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    for (script, code) in [
        (chunked, Code::BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n".to_vec(), Code::BadAnswer),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), Code::BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec(), Code::Unreachable),
        (Vec::new(), Code::Unreachable),
    ] {
        let name = String::from_utf8_lossy(&script[..script.len().min(60)]).into_owned();
        let (base, _, _tasks) = scripted(script).await;
        let error = client.send(&base, get("/x")).await.unwrap_err();
        assert_eq!(error.code(), code, "{name}");
        assert!(!error.message().contains("127.0.0.1"), "{name}");
    }
}

#[tokio::test]
async fn our_requests_say_who_we_are_and_what_they_carry() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let (base, client) = (format!("http://{}", listener.local_addr().unwrap()), transport(|_| {}).await);
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"{}") && stream.read_buf(&mut request).await.unwrap() > 0 {}
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}").await;
        String::from_utf8(request).unwrap().to_lowercase()
    };
    let (reply, request) = tokio::join!(client.send(&base, post("/m?q", "{}")), answering);
    assert_eq!(reply.unwrap().retry_after, Some(Duration::from_secs(3)));
    assert!(request.starts_with("post /m?q http/1.1\r\n"), "{request}");
    assert!(request.contains(concat!("user-agent: dmagent/", env!("CARGO_PKG_VERSION"))), "{request}");
    assert!(request.contains("content-type: application/json"), "{request}");
    assert!(request.contains(&format!("host: {}", &base["http://".len()..])), "{request}");
}

#[tokio::test]
async fn nobody_is_asked_at_a_forbidden_address() {
    let (server, probe) = server(|_| {}).await;
    let port = server.local_addr().port();
    let client = transport(|_| {}).await;
    for host in
        ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "10.0.0.1", "169.254.1.1", "[fe80::1]", "[fc00::1]"]
    {
        let request = get("/x").grant(Grant::None);
        let error = client.send(&format!("http://{host}:{port}"), request).await.unwrap_err();
        assert_eq!(error.code(), Code::AddressForbidden, "{host}");
        assert!(!error.message().contains(host), "{host}");
    }
    for host in ["0.0.0.0", "169.254.169.254", "224.0.0.1", "[fd00:ec2::254]", "[::]"] {
        let error = client.send(&format!("http://{host}:{port}"), get("/x")).await.unwrap_err();
        assert_eq!(error.code(), Code::AddressForbidden, "{host}");
    }
    assert!(probe.arrivals.lock().is_empty());
    // The tier of a node on one machine needs no grant for it.
    let local = transport(|config| config.tier = NetworkTier::Local).await;
    assert_eq!(local.send(&base(&server), get("/x").grant(Grant::None)).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_connected_to_where_it_was_checked() {
    let (server, probe) = server(|_| {}).await;
    let address = format!("http://rebind.example:{}", server.local_addr().port());
    // The second answer would be refused: reaching the server proves that nobody asked again.
    let lookup = fickle(&["127.0.0.1", "169.254.169.254"]);
    let resolver: Arc<dyn Lookup> = lookup.clone();
    let client = transport(|config| (config.lookup, config.tier) = (resolver, NetworkTier::Local)).await;
    assert_eq!(client.send(&address, get("/x")).await.unwrap().status, 200);
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 1);
    assert_eq!(probe.last().authority, Some(address["http://".len()..].to_owned()));
}

#[tokio::test]
async fn a_name_that_turns_bad_is_refused_at_the_next_connection() {
    let (base, connections, _tasks) =
        scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()).await;
    let port = base.rsplit_once(':').unwrap().1;
    let client = transport(|config| {
        (config.lookup, config.tier) = (fickle(&["127.0.0.1", "10.0.0.1"]), NetworkTier::Local);
    })
    .await;
    let address = format!("http://rebind.example:{port}");
    assert_eq!(client.send(&address, get("/x")).await.unwrap().status, 200);
    let error = client.send(&address, get("/x")).await.unwrap_err();
    assert_eq!(error.code(), Code::AddressForbidden);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn one_bad_address_or_none_refuses_a_name() {
    let (server, probe) = server(|_| {}).await;
    let address = format!("http://two.example:{}", server.local_addr().port());
    for (answers, code) in [
        ("127.0.0.1 10.0.0.1", Code::AddressForbidden),
        ("10.0.0.1 127.0.0.1", Code::AddressForbidden),
        ("", Code::Unreachable),
    ] {
        let lookup = fickle(&[answers]);
        let client = transport(|config| (config.lookup, config.tier) = (lookup, NetworkTier::Local)).await;
        assert_eq!(client.send(&address, get("/x")).await.unwrap_err().code(), code, "{answers}");
    }
    assert!(probe.arrivals.lock().is_empty());
}

#[tokio::test]
async fn a_connection_that_was_vouched_for_serves_nobody_else() {
    let (server, probe) = server(|_| {}).await;
    let address = format!("http://friend.example:{}", server.local_addr().port());
    let client = transport(|config| config.lookup = fickle(&["127.0.0.1"])).await;
    let grant = |class| get("/x").grant(Grant::Peer(class));
    assert_eq!(client.send(&address, grant(AddressClass::Loopback)).await.unwrap().status, 200);
    // The connection is open and idle now, and must not be lent to the URL of somebody further away.
    for request in [get("/x").grant(Grant::None), grant(AddressClass::Global), grant(AddressClass::Private)] {
        assert_eq!(client.send(&address, request).await.unwrap_err().code(), Code::AddressForbidden);
    }
    assert_eq!(probe.arrivals.lock().len(), 1);
}

#[tokio::test]
async fn a_server_without_tls_is_unreachable_by_https() {
    let (server, probe) = server(|_| {}).await;
    let address = format!("https://{}", server.local_addr());
    let error = transport(|_| {}).await.send(&address, get("/x")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unreachable);
    assert!(probe.arrivals.lock().is_empty());
}
