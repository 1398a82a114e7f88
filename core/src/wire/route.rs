//! Paths: which endpoint a request names, and which agent of the host it is for.
//!
//! dmagent 1.1.1 mounts every endpoint twice, bare (`/__darkmatter__/status`) and scoped
//! (`/__darkmatter__/{agent_id}/status`), and lets the scoped mount swallow every bare path with two
//! segments. Here both forms always work (B1), and so does the doubled form
//! `/__darkmatter__/{agent_id}/__darkmatter__/…` that 1.1.1 makes from a stored scoped URL. All of them answer below the
//! agent's [`place`], too.

use super::place;
use crate::identity::AgentId;

/// Request methods of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A question; the body is empty.
    Get,
    /// A frame.
    Post,
}

/// The prefix of every mesh path.
pub const MESH_PREFIX: &str = "/__darkmatter__/";
/// The well-known document.
pub const WELL_KNOWN: &str = "/.well-known/darkmatter.json";

macro_rules! endpoints {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $access:ident, [$($method:ident),+];)+) => {
        /// Everything a node answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Endpoint { $($(#[doc = $doc])+ $variant),+ }

        impl Endpoint {
            /// Every endpoint.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The last segment of the path (without an argument), also the name used in
            /// `DARKMATTER_ACCESS_OVERRIDES`.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }

            /// Who may call it when nothing overrides that.
            pub const fn access(self) -> Access { match self { $(Self::$variant => Access::$access),+ } }

            /// The methods it takes.
            pub const fn methods(self) -> &'static [Method] { match self { $(Self::$variant => &[$(Method::$method),+]),+ } }
        }
    };
}

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everyone.
    Public,
    /// Connected peers, and callers on this machine.
    Peer,
    /// Callers on this machine that hold the token of the data folder.
    Local,
}

endpoints! {
    /// The document that introduces the node.
    WellKnown = "well_known", Public, [Get];
    /// A short self-description.
    Status = "status", Public, [Get];
    /// The agents of this host.
    LocalAgents = "local_agents", Public, [Get];
    /// Asks for a connection.
    ConnectionRequest = "connection_request", Public, [Post];
    /// Proves the identity behind a pending request.
    ConnectionProof = "connection_proof", Public, [Post];
    /// Tells that a request of ours was accepted.
    ConnectionAccepted = "connection_accepted", Public, [Post];
    /// A message.
    Message = "message", Public, [Post];
    /// A status broadcast.
    StatusBroadcast = "status_broadcast", Public, [Post];
    /// What became of messages of ours.
    Receipts = "receipts", Public, [Post];
    /// Messages that their author takes back.
    Cancel = "cancel", Public, [Post];
    /// Parts of an answer.
    Parts = "parts", Public, [Post];
    /// A new address, name or bio.
    PeerUpdate = "peer_update", Public, [Post];
    /// A sign of life.
    Ping = "ping", Public, [Post];
    /// An envelope on its way through the mesh.
    MeshRoute = "mesh_route", Public, [Post];
    /// Who the node is and whom it knows.
    NetworkInfo = "network_info", Peer, [Get];
    /// What the node thinks of an agent.
    Impression = "impression", Peer, [Get];
    /// What the node thinks of an agent, asked and answered under signatures.
    ImpressionQuery = "impression_query", Peer, [Post];
    /// Publishes pre-keys at a mailbox, asks it for those of others, and leaves mail there.
    Mailbox = "mailbox", Peer, [Post];
    /// Mail that somebody kept for us.
    KeptMessage = "kept_message", Public, [Post];
    /// Where a peer of the node can be reached.
    PeerLookup = "peer_lookup", Peer, [Get];
    /// The peers the node trusts most.
    GetPeers = "get_peers", Peer, [Get, Post];
    /// Accepts a pending request (public in 1.1.1: S2).
    AcceptPending = "accept_pending", Local, [Post];
    /// Messages that wait.
    Inbox = "inbox", Local, [Get];
    /// Takes messages out of the inbox.
    InboxConsume = "inbox_consume", Local, [Post];
    /// Requests that wait for a decision.
    PendingRequests = "pending_requests", Local, [Get];
    /// Connected peers.
    Connections = "connections", Local, [Get];
    /// Sets an impression.
    SetImpression = "set_impression", Local, [Post];
    /// Changes status and display name.
    Config = "config", Local, [Post];
    /// Any verb of the facade.
    Call = "call", Local, [Post];
}

/// A request line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// The agent named by scope or place.
    pub scope: Option<AgentId>,
    /// The segment after `impression/` and `peer_lookup/`.
    pub argument: Option<String>,
}

/// Why a request line names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// No such path.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
}

impl Route {
    /// Understands `method` and `path`. With `root_mount` the endpoints also answer without the prefix,
    /// as 1.1.1 does in bootstrap mode.
    pub fn parse(method: Method, path: &str, root_mount: bool) -> Result<Self, RouteError> {
        let Some((agent, path)) = place::split(path) else {
            return Self::parse_within(method, path, root_mount);
        };
        let mut route = Self::parse_within(method, path, root_mount)?;
        // Whoever names two agents means neither.
        if route.scope.replace(agent).is_some_and(|scope| scope != agent) {
            return Err(RouteError::NotFound);
        }
        Ok(route)
    }

    fn parse_within(method: Method, path: &str, root_mount: bool) -> Result<Self, RouteError> {
        let route = if path == WELL_KNOWN {
            Self { endpoint: Endpoint::WellKnown, scope: None, argument: None }
        } else if let Some(rest) = path.strip_prefix(MESH_PREFIX) {
            Self::parse_mesh(rest)?
        } else if root_mount {
            Self::parse_endpoint(path.strip_prefix('/').unwrap_or(path), None)?
        } else {
            return Err(RouteError::NotFound);
        };
        if route.endpoint.methods().contains(&method) { Ok(route) } else { Err(RouteError::MethodNotAllowed) }
    }

    fn parse_mesh(rest: &str) -> Result<Self, RouteError> {
        match rest.split_once('/') {
            Some((first, inner)) if first.len() == 64 => {
                let scope = first.parse::<AgentId>().map_err(|_| RouteError::NotFound)?;
                let inner = inner.strip_prefix(&MESH_PREFIX[1..]).unwrap_or(inner);
                Self::parse_endpoint(inner, Some(scope))
            }
            _ => Self::parse_endpoint(rest, None),
        }
    }

    fn parse_endpoint(rest: &str, scope: Option<AgentId>) -> Result<Self, RouteError> {
        let (endpoint, argument) = match rest.split_once('/') {
            Some(("impression", id)) => (Endpoint::Impression, Some(id)),
            Some(("peer_lookup", id)) => (Endpoint::PeerLookup, Some(id)),
            Some(("inbox", "consume")) => (Endpoint::InboxConsume, None),
            Some(_) => return Err(RouteError::NotFound),
            None => {
                let named = Endpoint::ALL.iter().copied().find(|endpoint| endpoint.name() == rest);
                match named.ok_or(RouteError::NotFound)? {
                    // Reached only by the forms above.
                    Endpoint::WellKnown
                    | Endpoint::Impression
                    | Endpoint::PeerLookup
                    | Endpoint::InboxConsume => {
                        return Err(RouteError::NotFound);
                    }
                    endpoint => (endpoint, None),
                }
            }
        };
        match argument {
            Some(id) if id.is_empty() || id.contains('/') => Err(RouteError::NotFound),
            argument => Ok(Self { endpoint, scope, argument: argument.map(str::to_owned) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

    fn endpoint(path: &str) -> Result<Endpoint, RouteError> {
        Route::parse(Method::Get, path, false).map(|route| route.endpoint)
    }

    #[test]
    fn bare_scoped_and_doubled_paths_name_the_same_endpoint() {
        for path in [
            format!("/__darkmatter__/impression/{ID}"),
            format!("/__darkmatter__/{ID}/impression/{ID}"),
            format!("/__darkmatter__/{ID}/__darkmatter__/impression/{ID}"),
        ] {
            let route = Route::parse(Method::Get, &path, false).unwrap();
            assert_eq!(
                (route.endpoint, route.argument.as_deref()),
                (Endpoint::Impression, Some(ID)),
                "{path}"
            );
        }
    }

    #[test]
    fn everything_answers_below_the_place_of_the_agent_and_two_names_are_none() {
        let (other, agent) = ("7".repeat(64), ID.parse::<AgentId>().unwrap());
        for path in [
            "/__darkmatter__/status".to_owned(),
            format!("/__darkmatter__/{ID}/status"),
            format!("/__darkmatter__/{ID}/__darkmatter__/status"),
            WELL_KNOWN.to_owned(),
        ] {
            let route = Route::parse(Method::Get, &format!("/agents/{ID}{path}"), false).unwrap();
            assert_eq!(route.scope, Some(agent), "{path}");
        }
        for path in [
            format!("/agents/{ID}/__darkmatter__/{other}/status"),
            format!("/agents/{other}/__darkmatter__/{ID}/status"),
            format!("/agents/{ID}/agents/{ID}/__darkmatter__/status"),
            format!("/__darkmatter__/{ID}/agents/{ID}/__darkmatter__/status"),
            format!("/__darkmatter__/{ID}/__darkmatter__/{other}/status"),
            format!("/agents/{ID}/status"),
        ] {
            assert_eq!(endpoint(&path), Err(RouteError::NotFound), "{path}");
        }
    }

    #[test]
    fn unknown_paths_and_wrong_methods_are_told_apart() {
        assert_eq!(endpoint("/__darkmatter__/message"), Err(RouteError::MethodNotAllowed));
        for path in [
            "/",
            "/status",
            "/__darkmatter__/",
            "/__darkmatter__/status/",
            "/__darkmatter__/nope",
            "/__darkmatter__/impression/",
            "/__darkmatter__/impression/a/b",
            "/__darkmatter__/well_known",
        ] {
            assert_eq!(endpoint(path), Err(RouteError::NotFound), "{path}");
        }
    }

    #[test]
    fn root_paths_answer_only_in_bootstrap_mode() {
        assert_eq!(Route::parse(Method::Get, "/status", true).unwrap().endpoint, Endpoint::Status);
        assert_eq!(endpoint("/status"), Err(RouteError::NotFound));
    }
}
