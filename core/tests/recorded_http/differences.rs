//! Where our answer is not the recorded one, on purpose. The numbers are those of the list of findings about 1.1.1;
//! a row that turns out to be answered as recorded fails the test.

/// A row: table, start of the label, our status, and the reason.
pub(crate) type Difference = (&'static str, &'static str, u16, &'static str);

pub(crate) const DIFFERENCES: &[Difference] = &[
    ("http_message_errors", "unconnected, claimed id differs from key", 403, "S5"),
    ("http_message_errors", "the id of the rejected one re-used", 200, "S15"),
    ("http_message_errors", "message id longer than 128 is cut", 400, "S13: a cut id is not the signed one"),
    ("http_message_errors", "metadata null", 200, "B26: null is absent"),
    ("http_message_errors", "metadata is a list", 400, "B26"),
    ("http_message_errors", "content is a number", 400, "B26"),
    ("http_message_errors", "message_id is a number", 400, "B26"),
    ("http_message_errors", "metadata.type security_push", 200, "S8"),
    ("http_message_errors", "JSON but not an object", 400, "B26"),
    ("http_connect_errors", "request bio null", 200, "B26: null is absent"),
    ("http_connect_errors", "request from own id", 400, "section 6.2, note: nobody connects to itself"),
    ("http_connect_errors", "the stranger accepts its own request", 403, "S2"),
    ("http_status_wellknown", "well-known of B", 200, "S9: there is no /mcp to name"),
    ("http_status_wellknown", "well-known of B with Host", 200, "S9: there is no /mcp to name"),
    ("http_peer_update", "replay of the same valid update", 200, "S12: updates only move forward in time"),
    ("http_peer_queries", "unsigned broadcast from a connected id", 403, "S11"),
    ("http_peer_queries", "wrapped in payload", 403, "S11"),
    ("http_peer_queries", "ping unknown agent", 403, "S5: not an id"),
    ("http_peer_queries", "ping with X-Forwarded-For", 200, "S1: the right-most entry that is no proxy"),
    ("http_peer_queries", "impression, un-scoped path", 200, "B1"),
    ("http_peer_queries", "impression of unknown", 404, "S5: not an id"),
    ("http_peer_queries", "peer_lookup, un-scoped path", 200, "B1"),
    ("http_local_and_signalling", "set_impression NaN text", 400, "B20"),
    ("http_local_and_signalling", "config rate_limit", 200, "section 6.28: nothing reads it"),
    ("http_local_and_signalling", "inbox/consume un-scoped", 200, "B1"),
    ("http_local_and_signalling", "inbox/consume agent-scoped", 200, "B1: taken by the step before"),
    ("http_local_and_signalling", "access rule uses the first X-Forwarded-For entry", 403, "S1"),
    ("http_mesh_route_cases", "inner message invalid", 200, "B12"),
    ("http_mesh_route_cases", "original_path is chosen by the envelope", 400, "S10"),
    ("http_mesh_route_cases", "connection_response nobody asked for", 403, "S7"),
];

/// What other systems of 1.1.1 answer; this node does not serve it.
pub(crate) const NOT_SERVED: [&str; 8] = [
    "wallet",
    "send_payment",
    "antimatter_request",
    "send_proxy",
    "admin_connect",
    "sdp_relay",
    "sdp_relay_deliver",
    "webrtc_offer",
];

/// Our status and the reason, when `label` of `table` is answered otherwise.
pub(crate) fn find(table: &str, label: &str) -> Option<(u16, &'static str)> {
    let found = DIFFERENCES.iter().find(|(of, start, ..)| *of == table && label.starts_with(start));
    found.map(|(_, _, status, reason)| (*status, *reason))
}
