//! Places: where one of several agents lives that listen at the same port.
//!
//! A place is `/agents/{agent_id}` below the URL of the port, and everything of the agent lies below it: with the base URL
//! `http://host:8100/agents/{agent_id}` a message goes to `http://host:8100/agents/{agent_id}/__darkmatter__/message`. The
//! scoped paths of 1.1.1 (`/__darkmatter__/{agent_id}/…`) lead to the same agent, but a URL with a scope does not survive
//! 1.1.1: it cuts stored URLs at `/__darkmatter__/`, and so reaches whoever answers there without one (B14). It leaves a
//! place as it is.

use super::route::MESH_PREFIX;
use crate::identity::AgentId;

/// What places begin with.
const PREFIX: &str = "/agents/";
/// The length of an id in a path.
const ID_CHARS: usize = 64;

/// The place of `agent`, to be put behind the URL of a port.
pub fn path(agent: &AgentId) -> String {
    format!("{PREFIX}{agent}")
}

/// The agent whose place `path` lies in, and the path within it.
pub fn split(path: &str) -> Option<(AgentId, &str)> {
    let (id, rest) = path.strip_prefix(PREFIX)?.split_at_checked(ID_CHARS)?;
    Some((id.parse().ok()?, rest)).filter(|(_, rest)| rest.starts_with('/'))
}

/// The agent whose place the base URL `base` is, and the URL of its port.
pub fn of_base(base: &str) -> Option<(&str, AgentId)> {
    let (root, id) = base.rsplit_once(PREFIX)?;
    Some((root, id.parse().ok()?))
}

/// The agent that the path of a request names by place or scope: whom it is for, at a port of several. The agent itself
/// finds out whether the rest makes sense.
pub fn named(path: &str) -> Option<AgentId> {
    if let Some((agent, _)) = split(path) {
        return Some(agent);
    }
    path.strip_prefix(MESH_PREFIX)?.split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

    #[test]
    fn a_place_is_found_again_in_paths_and_urls() {
        let agent: AgentId = ID.parse().unwrap();
        let place = path(&agent);
        assert_eq!(split(&format!("{place}/__darkmatter__/ping")), Some((agent, "/__darkmatter__/ping")));
        assert_eq!(of_base(&format!("http://h:1{place}")), Some(("http://h:1", agent)));
        assert_eq!(of_base(&format!("http://h/below{place}")), Some(("http://h/below", agent)));
        // 1.1.1 and we append paths to what is left of a URL after this; it must be the whole.
        let url = format!("http://h:1{place}");
        assert_eq!((super::super::url::base(&url), super::super::url::scope(&url)), (url.as_str(), None));
    }

    #[test]
    fn what_only_looks_like_a_place_is_none() {
        let upper = ID.to_uppercase();
        for path in [
            "/agents/".to_owned(),
            format!("/agents/{ID}"),
            format!("/agents/{ID}x/status"),
            format!("/agents/{}/status", &ID[1..]),
            format!("/agents/{upper}/status"),
            format!("//agents/{ID}/status"),
            format!("/x/agents/{ID}/status"),
            format!("/agents/{}/status", "é".repeat(40)),
        ] {
            assert_eq!(split(&path), None, "{path}");
        }
        assert_eq!(of_base("http://h:1"), None);
        assert_eq!(of_base(&format!("http://h/agents/{ID}/more")), None);
    }

    #[test]
    fn scope_and_place_name_the_agent_and_nothing_else_does() {
        let agent: AgentId = ID.parse().unwrap();
        for path in [
            format!("/__darkmatter__/{ID}/message"),
            format!("/__darkmatter__/{ID}/__darkmatter__/message"),
            format!("/agents/{ID}/__darkmatter__/message"),
            format!("/agents/{ID}/__darkmatter__/{}/message", "0".repeat(64)),
            format!("/agents/{ID}/.well-known/darkmatter.json"),
        ] {
            assert_eq!(named(&path), Some(agent), "{path}");
        }
        for path in [
            "/".to_owned(),
            "/__darkmatter__/message".to_owned(),
            format!("/__darkmatter__/impression/{ID}"),
            format!("/__darkmatter__/{ID}"),
            "/.well-known/darkmatter.json".to_owned(),
        ] {
            assert_eq!(named(&path), None, "{path}");
        }
    }
}
