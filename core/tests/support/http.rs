//! A client that sends exactly the bytes it is given, from exactly the address it is told.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Nobody waits longer than this for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// One caller at one address; keeps its connection as long as the other side does.
pub(crate) struct Client {
    from: Ipv4Addr,
    to: SocketAddr,
    token: Option<String>,
    stream: Option<TcpStream>,
}

impl Client {
    pub(crate) fn new(to: SocketAddr) -> Self {
        Self::bound(Ipv4Addr::LOCALHOST, to)
    }

    /// Calls from `from`, any address of 127.0.0.0/8.
    pub(crate) fn bound(from: Ipv4Addr, to: SocketAddr) -> Self {
        Self { from, to, token: None, stream: None }
    }

    /// Sends `Authorization: Bearer` with every request.
    #[must_use]
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((self.from, 0).into()).unwrap();
        timeout(PATIENCE, socket.connect(self.to)).await.expect("connects in time").unwrap()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, &[], b"").await
    }

    pub(crate) async fn post(&mut self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send("POST", path, &[], body.as_ref()).await
    }

    /// One exchange. An idle connection that the other side has ended meanwhile is made anew, once.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            self.to,
            body.len()
        );
        if let Some(token) = &self.token {
            head += &format!("authorization: Bearer {token}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        let request = [head.as_bytes(), body].concat();
        let kept = self.stream.take();
        let was_kept = kept.is_some();
        let mut stream = match kept {
            Some(stream) => stream,
            None => self.connect().await,
        };
        let mut answered = timeout(PATIENCE, exchange(&mut stream, &request, method != "HEAD"))
            .await
            .expect("answers in time");
        if answered.is_none() && was_kept {
            stream = self.connect().await;
            answered = timeout(PATIENCE, exchange(&mut stream, &request, method != "HEAD"))
                .await
                .expect("answers in time");
        }
        let reply = answered.unwrap_or_else(|| panic!("{method} {path}: no answer"));
        if !reply.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.stream = Some(stream);
        }
        reply
    }
}

async fn exchange(stream: &mut TcpStream, request: &[u8], has_body: bool) -> Option<Reply> {
    let (mut reader, mut writer) = stream.split();
    // A server that refuses early does not read the rest; what matters is what it answers.
    let (_, reply) = tokio::join!(writer.write_all(request), read_reply(&mut reader, has_body));
    reply
}

/// Reads one answer; `None` when the connection ends before it is complete.
pub(crate) async fn read_reply(
    reader: &mut (impl tokio::io::AsyncRead + Unpin),
    has_body: bool,
) -> Option<Reply> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let mut chunk = [0; 4096];
        match reader.read(&mut chunk).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&chunk[..read]),
            _ => return None,
        }
    };
    let headers = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = headers.split(' ').nth(1)?.parse().ok()?;
    let mut reply = Reply { status, headers, body: bytes.split_off(end + 4) };
    let length = reply.header("content-length").filter(|_| has_body);
    let length = length.map_or(0, |length| length.parse().unwrap());
    while reply.body.len() < length {
        let mut chunk = [0; 4096];
        match reader.read(&mut chunk).await {
            Ok(read) if read > 0 => reply.body.extend_from_slice(&chunk[..read]),
            _ => return None,
        }
    }
    Some(reply)
}
