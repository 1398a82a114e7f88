//! Rows that are taken although something is odd about them, each with its reason.

use dmagent::wire::route::Endpoint;

const OPTIONAL: &str = "the field is optional, and null counts as absent";
const OTHER_VALUE: &str = "another allowed value";
const KEY: &str = "the key is the id, so it need not be told (S5)";
const UNSIGNED: &str = "1.1.1 does not sign handshakes: connected later, with few rights (S6)";
const HOPS: &str = "unusable hops become 10 (section 6.6)";
const NO_BODY: &str = "bad JSON is tolerated, and an unusable n is 10 (section 6.16)";
const NO_MEMBERS: &str = "every member is optional, unknown ones are ignored (section 6)";
const DELIVERY: &str = "the carrier is told that the frame inside was refused (B12)";

/// Why `row` (a body, or a field and what it was given) is taken, when it is.
pub(crate) fn reason(endpoint: Endpoint, row: &str) -> Option<&'static str> {
    let (field, value) = row.split_once(' ').unwrap_or((row, ""));
    let absent = ["missing", "null"].contains(&value);
    let nothing = absent || value == "empty text";
    // What cannot be read at all is refused whatever the field is for.
    let unreadable = [
        "twice",
        "infinite number",
        "NaN",
        "Infinity",
        "deep array",
        "deep object",
        "raw control character",
        "lone surrogate",
        "not UTF-8",
        "1 MiB text",
    ]
    .contains(&value);
    let too_large = ["body oversized", "body far oversized"].contains(&row) || value == "1 MiB text";
    let only_object = ["body empty object", "body unknown member", "body 5,000 keys"].contains(&row);
    let text = ["empty text", "blank text", "other text", "control characters"].contains(&value);
    let when = |taken: bool, reason| taken.then_some(reason);
    match (endpoint, field) {
        (Endpoint::ConnectionRequest, "mutual") => when(value == "true", "the value it had"),
        // An acceptance is different: this one is of an agent that said that it signs them.
        (Endpoint::ConnectionRequest, "signature_v2") => when(nothing, UNSIGNED),
        (Endpoint::Message, "from_public_key_hex") => when(nothing, KEY),
        (Endpoint::Ping | Endpoint::Config, "body") => when(only_object, NO_MEMBERS),
        (Endpoint::Ping, "agent_id") => when(nothing, OPTIONAL),
        (Endpoint::Ping, "timestamp") => when(absent || text || value == "long text", OPTIONAL),
        (Endpoint::MeshRoute, "hops_remaining") => when(!unreadable, HOPS),
        (Endpoint::MeshRoute, "original_path") => when(absent, OPTIONAL),
        (Endpoint::MeshRoute, "visited" | "trust_chain") => when(absent || value == "array", OPTIONAL),
        (Endpoint::MeshRoute, "route_id") => when(["blank text", "other text"].contains(&value), OTHER_VALUE),
        (Endpoint::MeshRoute, "payload") => {
            when(absent || ["object", "object of numbers", "5,000 keys"].contains(&value), DELIVERY)
        }
        (Endpoint::GetPeers, _) => when(!too_large, NO_BODY),
        (Endpoint::SetImpression, "note") => when(absent || text, OTHER_VALUE),
        (Endpoint::SetImpression, "score") => when(["negative", "fraction"].contains(&value), OTHER_VALUE),
        (Endpoint::Config, "status") => {
            when(absent || text || value == "long text", "other words are ignored (section 6.28)")
        }
        (Endpoint::Config, "display_name") => {
            when(absent || ["other text", "long text", "control characters"].contains(&value), OTHER_VALUE)
        }
        _ => None,
    }
}
