//! The asking side: checks the URL, sends, and reads a bounded answer.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};

use super::{
    policy::{Policy, Target},
    resolve::{Guard, Lookup},
    tls,
};
use crate::{
    error::{Code, Error, Result},
    transport::{ANSWER_BYTES, Grant, Method, Reply, Request},
    wire::AddressClass,
};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept. Servers of 1.1.1 hang up after five seconds; leaving first spares
/// the request that would meet their farewell.
const IDLE: Duration = Duration::from_secs(4);
/// How many idle connections are kept for one origin.
const IDLE_PER_ORIGIN: usize = 64;
/// The longest wait that a peer may ask for with `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Sends requests. A pool for each distance, because an open connection to an address must not serve a request that
/// may not lead so near.
pub(super) struct Dialer {
    policy: Policy,
    lookup: Arc<dyn Lookup>,
    machine: reqwest::Client,
    network: reqwest::Client,
    internet: reqwest::Client,
}

impl Dialer {
    pub(super) fn new(policy: Policy, lookup: &Arc<dyn Lookup>) -> Result<Self> {
        let pool = |nearest| client(lookup, policy, Grant::Peer(nearest), IDLE_PER_ORIGIN);
        Ok(Self {
            policy,
            lookup: Arc::clone(lookup),
            machine: pool(AddressClass::Loopback)?,
            network: pool(AddressClass::Private)?,
            internet: pool(AddressClass::Global)?,
        })
    }

    /// Sends `request` to `base`, within its timeout.
    pub(super) async fn send(&self, base: &str, request: Request) -> Result<Reply> {
        let target = Target::parse(&join(base, &request.path)?)?;
        if let Some(address) = target.literal() {
            self.policy.check(target.host(), &[address], request.grant)?;
        }
        let patience = request.timeout;
        tokio::time::timeout(patience, self.exchange(&target, request))
            .await
            .unwrap_or_else(|_| Err(Error::new(Code::Timeout, "the other node did not answer in time")))
            .map_err(|error| error.with("to", target.origin()))
    }

    async fn exchange(&self, target: &Target, request: Request) -> Result<Reply> {
        let bound;
        let client = match self.policy.nearest(request.grant) {
            // A connection of the pool may lead to another address of the same distance, and this one to a single one.
            _ if matches!(request.grant, Grant::At(_)) && target.literal().is_none() => {
                bound = client(&self.lookup, self.policy, request.grant, 0)?;
                &bound
            }
            AddressClass::Loopback => &self.machine,
            AddressClass::Private | AddressClass::LinkLocal => &self.network,
            AddressClass::Global | AddressClass::Never => &self.internet,
        };
        let sending = match request.method {
            Method::Get => client.get(target.url().clone()),
            Method::Post => client
                .post(target.url().clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(request.body),
        };
        let response = sending.send().await.map_err(explain)?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        Ok(Reply { status, body: read(response).await?, retry_after })
    }
}

/// A client whose names lead where `grant` may lead, and that keeps so many idle connections for one origin.
fn client(lookup: &Arc<dyn Lookup>, policy: Policy, grant: Grant, idle: usize) -> Result<reqwest::Client> {
    let guard = Guard { lookup: Arc::clone(lookup), policy, grant };
    #[expect(clippy::disallowed_methods, reason = "this is the one place that builds HTTP clients")]
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config()?)
        .dns_resolver(Arc::new(guard))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(idle)
        .user_agent(concat!("dmagent/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::new(Code::Internal, "the HTTP client cannot be built").because(error))
}

/// `base` followed by `path`, which starts with `/`.
fn join(base: &str, path: &str) -> Result<String> {
    if base.contains('?') || !path.starts_with('/') {
        return Err(Error::new(Code::UrlInvalid, "a base URL has no query, and a path starts with /"));
    }
    Ok(format!("{}{path}", base.trim_end_matches('/')))
}

/// The body, given up as soon as it is longer than [`ANSWER_BYTES`].
async fn read(mut response: reqwest::Response) -> Result<Bytes> {
    let too_long = || {
        Error::new(Code::BadAnswer, "the answer of the other node is too long").with("limit", ANSWER_BYTES)
    };
    if response.content_length().is_some_and(|length| length > ANSWER_BYTES as u64) {
        return Err(too_long());
    }
    let first = response.chunk().await.map_err(explain)?.unwrap_or_default();
    let Some(second) = response.chunk().await.map_err(explain)? else {
        return if first.len() <= ANSWER_BYTES { Ok(first) } else { Err(too_long()) };
    };
    let mut body = BytesMut::from(first);
    body.extend_from_slice(&second);
    while body.len() <= ANSWER_BYTES {
        match response.chunk().await.map_err(explain)? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => return Ok(body.freeze()),
        }
    }
    Err(too_long())
}

/// `Retry-After` in seconds. The form with a date is rare and needs the other side's clock: not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// What a failure of the client means for the caller.
fn explain(error: reqwest::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(current) = cause {
        // What the guard said about the name comes wrapped in the failure to connect.
        if let Some(own) = current.downcast_ref::<Error>() {
            return own.clone();
        }
        if current.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return Error::new(Code::BadAnswer, "the other side does not speak HTTP")
                .because(error.without_url());
        }
        cause = current.source();
    }
    let sentence = if error.is_connect() {
        "the address cannot be reached; check that the other node runs"
    } else {
        "the connection broke before the answer was complete"
    };
    Error::new(Code::Unreachable, sentence).because(error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_follows_its_base_with_one_slash() {
        assert_eq!(join("http://h", "/message").unwrap(), "http://h/message");
        assert_eq!(
            join("http://h/__darkmatter__/ab/", "/m?q=1").unwrap(),
            "http://h/__darkmatter__/ab/m?q=1"
        );
        assert!(join("http://h?x=", "/message").is_err());
        assert!(join("http://h", "@evil/message").is_err());
    }

    #[test]
    fn retry_after_is_seconds_and_bounded() {
        let read =
            |value| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]));
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("99999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(read("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(read("-1"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
