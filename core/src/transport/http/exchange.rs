//! One request: read it within its bounds, hand it over as an [`Arrival`], write the [`Answer`].

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response, StatusCode,
    body::{Body as _, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN, RETRY_AFTER},
};

use super::{
    crowd::Slot,
    forwarded::TrustedProxies,
    rebinding,
    tenants::{Addressee, Tenants},
    unsent::{Told, Unsent},
};
use crate::{
    error::Code,
    transport::{
        Arrival, Method, Source,
        caller::{Caller, Line},
        failed, retry_after_seconds, too_large,
    },
    wire::{Answer, limits},
};

/// How much of a body that is too long is read before it is refused. A caller that is still sending when
/// the connection ends sees a broken connection instead of the refusal.
const DRAIN_BYTES: usize = 4 * limits::FRAME_BYTES;

/// When an agent whose share is used up may be asked again.
const BUSY: Duration = Duration::from_secs(1);

/// Where requests are handed over.
pub(super) struct Desk {
    pub(super) tenants: Tenants,
    /// Most connections at once; requests under way hold theirs.
    pub(super) connections: usize,
    pub(super) proxies: TrustedProxies,
    pub(super) body_patience: Duration,
}

impl Desk {
    /// Answers one request of the socket `peer`. `slot` is given back when the receiver is done; the answer is one
    /// of the `unsent` until the connection has sent it.
    pub(super) async fn serve(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        slot: Arc<Slot>,
        unsent: &Unsent,
    ) -> Response<Told> {
        let Some(addressee) = self.tenants.addressee(request.uri().path()) else {
            // The words of 1.1.1.
            let refusal = Answer::refuse(503, Code::PeerNotConnected, "Agent not initialized");
            return respond(&refusal, |body| unsent.body(body, None));
        };
        let (line, answer) = match self.arrival(request, peer, &addressee).await {
            Ok(mut arrival) => {
                // Dropped with this future, which is how a receiver learns that its caller has hung up.
                let (line, caller) = Line::open();
                arrival.caller = caller;
                (Some(line), self.receive(arrival, slot, &addressee).await)
            }
            Err(refusal) => (None, refusal),
        };
        respond(&answer, |body| unsent.body(body, line))
    }

    /// The request as an arrival, or how to refuse it.
    async fn arrival(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        addressee: &Addressee,
    ) -> Result<Arrival, Answer> {
        let method = match *request.method() {
            hyper::Method::GET => Method::Get,
            hyper::Method::POST => Method::Post,
            _ => return Err(Answer::method_not_allowed()),
        };
        let (head, body) = request.into_parts();
        let body = match tokio::time::timeout(self.body_patience, read(body)).await {
            Ok(body) => body?,
            Err(_) => return Err(Answer::refuse(408, Code::Timeout, "the body did not arrive in time")),
        };
        // Only browsers send it. A page must not use the nearness of the machine it is shown on.
        if head.headers.contains_key(ORIGIN) {
            return Err(Answer::refuse(403, Code::PolicyRefused, "Web pages may not call this node"));
        }
        let authority = match head.uri.authority() {
            Some(authority) => Some(authority.as_str().to_owned()),
            // One that is no text is no name of ours, but was sent.
            None => head.headers.get(HOST).map(|host| host.to_str().unwrap_or_default().to_owned()),
        };
        Ok(Arrival {
            method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            body,
            source: self.source(peer, &head.headers, authority.as_deref(), &addressee.tenant.names),
            bearer: bearer(&head.headers),
            authority,
            caller: Caller::default(),
            roster: addressee.roster.clone(),
        })
    }

    /// Who asks. Being on this machine is a right, so it counts only for those who meant this machine; a caller without
    /// a `Host` is no browser.
    fn source(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
        authority: Option<&str>,
        names: &[String],
    ) -> Source {
        match self.proxies.source(peer, headers) {
            Some(from)
                if from.ip().is_loopback()
                    && authority.is_some_and(|host| !rebinding::names_us(host, names)) =>
            {
                Source::Unknown
            }
            Some(from) => Source::Socket(from),
            None => Source::Unknown,
        }
    }

    /// Calls the receiver so that it ends: hyper drops the future of a request whose caller hangs up, and a
    /// frame that is half handled by then must still be handled to its end.
    ///
    /// An agent that shares the port has its share of the connections: one that is slow leaves room for the others.
    async fn receive(&self, arrival: Arrival, slot: Arc<Slot>, addressee: &Addressee) -> Answer {
        let (tenant, share) = (&addressee.tenant, (self.connections / addressee.count.max(1)).max(1));
        let share = if addressee.count > 1 { share } else { usize::MAX };
        let Some(under_way) = tenant.begin(share) else {
            let sentence = "This agent has as many requests under way as its share of the port allows";
            return Answer::refuse(429, Code::RateLimited, sentence).retry_after(BUSY);
        };
        let (receiver, held) = (Arc::clone(&tenant.receiver), tenant.tasks.hold());
        let handling = tenant.tasks.finish_here("http request", async move {
            // A panic fails this request, not the others of its connection.
            let answer = AssertUnwindSafe(receiver.receive(arrival)).catch_unwind().await;
            drop((slot, under_way, held));
            answer.unwrap_or_else(|_| failed())
        });
        let handling = match &tenant.sharing {
            Some((_, runtime)) => handling.within(runtime.clone()),
            None => handling,
        };
        handling.await.unwrap_or_else(|| Answer::refuse(503, Code::Closed, "the node is closing"))
    }
}

/// The body, or how to refuse it.
async fn read(mut body: Incoming) -> Result<Bytes, Answer> {
    let broken = |_| Answer::refuse(400, Code::WireMalformed, "the body is incomplete");
    let announced = body.size_hint().lower();
    if announced > DRAIN_BYTES as u64 {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        // Trailers carry nothing for us.
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        total += data.len();
        if total > limits::FRAME_BYTES {
            // Read on without keeping, for the caller's sake, up to a bound.
            rest = BytesMut::new();
            if total > DRAIN_BYTES {
                break;
            }
        } else if first.is_empty() {
            // Most bodies are one piece, which needs no copy.
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    match total {
        total if total > limits::FRAME_BYTES => Err(too_large()),
        _ if rest.is_empty() => Ok(first),
        total => {
            let mut whole = BytesMut::with_capacity(total);
            whole.extend_from_slice(&first);
            whole.extend_from_slice(&rest);
            Ok(whole.freeze())
        }
    }
}

fn respond(answer: &Answer, body: impl FnOnce(Vec<u8>) -> Told) -> Response<Told> {
    let (bytes, content_type) = answer.encode();
    let mut response = Response::new(body(bytes));
    // 1xx and numbers that are no status cannot be final answers.
    *response.status_mut() = StatusCode::from_u16(answer.status)
        .ok()
        .filter(|status| !status.is_informational())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(wait) = answer.retry_after {
        response.headers_mut().insert(RETRY_AFTER, retry_after_seconds(wait).into());
    }
    response
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = text(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn text<'headers>(headers: &'headers HeaderMap, name: &hyper::header::HeaderName) -> Option<&'headers str> {
    headers.get(name)?.to_str().ok()
}
