//! Our second signature: a domain and length-prefixed fields.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    wire::limits,
};

/// The member of a JSON object that carries the second signature, and that the signature leaves out.
pub const SIGNATURE_MEMBER: &str = "signature_v2";

/// First bytes of every signed form, so that it is never mistaken for one of 1.1.1's.
const TAG: &[u8] = b"dmagent/2\0";

/// What a second signature is for. A signature made for one domain never holds for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Domain {
    /// A message.
    Message,
    /// A request to connect.
    ConnectionRequest,
    /// The answer to a request to connect.
    ConnectionReply,
    /// The later news that a request was accepted.
    ConnectionAccepted,
    /// The end of a connection.
    Disconnect,
    /// A change of address, name, wallets or abilities.
    PeerUpdate,
    /// A status broadcast.
    StatusBroadcast,
    /// A sign of life.
    Ping,
    /// News about a message on its way, sent to its origin.
    MessageUpdate,
    /// An envelope carried by others.
    MeshRoute,
    /// The answer to such an envelope.
    MeshRouteResponse,
    /// A WebRTC session description.
    Sdp,
    /// A beacon on the local network.
    LanBeacon,
    /// A request for a fee.
    AntimatterRequest,
    /// A question that only peers may ask.
    Query,
    /// What became of a message, told by its recipient.
    Receipt,
    /// The question what somebody thinks of an agent.
    ImpressionQuery,
    /// The answer to it.
    Opinion,
    /// Who wrote a message, and what it allowed.
    Origin,
    /// Who forwarded a message, and what was left of its limits.
    ForwardStep,
    /// What a recipient says about its pre-keys.
    PreKeys,
    /// A pre-key for one message.
    OneTimeKey,
    /// A message that somebody else keeps for its recipient.
    KeptMessage,
    /// A keeper's word that it has such a message.
    Custody,
    /// The recipient's word that the keeper may let go of it.
    MailReceipt,
    /// A request to a mailbox.
    Mailbox,
    /// Messages that their author takes back.
    Cancel,
    /// Parts of an answer.
    Parts,
    /// A text of the host program, for its own purposes: `passport.sign`.
    Application,
}

impl Domain {
    /// Every domain.
    pub const ALL: &[Self] = &[
        Self::Message,
        Self::ConnectionRequest,
        Self::ConnectionReply,
        Self::ConnectionAccepted,
        Self::Disconnect,
        Self::PeerUpdate,
        Self::StatusBroadcast,
        Self::Ping,
        Self::MessageUpdate,
        Self::MeshRoute,
        Self::MeshRouteResponse,
        Self::Sdp,
        Self::LanBeacon,
        Self::AntimatterRequest,
        Self::Query,
        Self::Receipt,
        Self::ImpressionQuery,
        Self::Opinion,
        Self::Origin,
        Self::ForwardStep,
        Self::PreKeys,
        Self::OneTimeKey,
        Self::KeptMessage,
        Self::Custody,
        Self::MailReceipt,
        Self::Mailbox,
        Self::Cancel,
        Self::Parts,
        Self::Application,
    ];

    /// The name inside the signed bytes. It never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::ConnectionRequest => "connection_request",
            Self::ConnectionReply => "connection_reply",
            Self::ConnectionAccepted => "connection_accepted",
            Self::Disconnect => "disconnect",
            Self::PeerUpdate => "peer_update",
            Self::StatusBroadcast => "status_broadcast",
            Self::Ping => "ping",
            Self::MessageUpdate => "message_update",
            Self::MeshRoute => "mesh_route",
            Self::MeshRouteResponse => "mesh_route_response",
            Self::Sdp => "sdp",
            Self::LanBeacon => "lan_beacon",
            Self::AntimatterRequest => "antimatter_request",
            Self::Query => "query",
            Self::Receipt => "receipt",
            Self::ImpressionQuery => "impression_query",
            Self::Opinion => "opinion",
            Self::Origin => "origin",
            Self::ForwardStep => "forward_step",
            Self::PreKeys => "pre_keys",
            Self::OneTimeKey => "one_time_key",
            Self::KeptMessage => "kept_message",
            Self::Custody => "custody",
            Self::MailReceipt => "mail_receipt",
            Self::Mailbox => "mailbox",
            Self::Cancel => "cancel",
            Self::Parts => "parts",
            Self::Application => "application",
        }
    }
}

/// The signed form of `fields` in `domain`: a tag, then the domain's name and each field, each behind its
/// length as four bytes, most significant first. Different domains or fields give different bytes.
pub fn v2(domain: Domain, fields: &[&[u8]]) -> Vec<u8> {
    framed(domain.name(), fields)
}

/// The signed form of a message: everything that 1.1.1's form leaves out is in it (S13).
///
/// A node that forwards a message changes its hops, so it signs the copy it sends with its own key.
pub fn message_v2(
    from: &AgentId,
    to: &AgentId,
    id: &str,
    timestamp: &str,
    hops: u32,
    body: &BodyDigest,
) -> Vec<u8> {
    v2(
        Domain::Message,
        &[
            from.as_bytes(),
            to.as_bytes(),
            id.as_bytes(),
            timestamp.as_bytes(),
            &hops.to_be_bytes(),
            body.as_bytes(),
        ],
    )
}

/// The signed form of a whole JSON object without its member [`SIGNATURE_MEMBER`]: who sends it, to whom
/// (empty for everybody), and the object as canonical JSON (RFC 8785).
///
/// # Errors
///
/// `WireField` when the object has no canonical form (see [`BodyDigest::plain`]).
pub fn object_v2(
    domain: Domain,
    from: &AgentId,
    to: Option<&AgentId>,
    object: &Map<String, Value>,
) -> Result<Vec<u8>> {
    let to = to.map_or(&[][..], |to| to.as_bytes());
    let unsigned = Unsigned(object);
    let canonical = canonical_json(None, 1, unsigned.members(), &unsigned)?;
    Ok(v2(domain, &[from.as_bytes(), to, &canonical]))
}

/// SHA-256 of what a message says, readable or sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyDigest([u8; 32]);

impl BodyDigest {
    /// The digest of a readable body.
    ///
    /// # Errors
    ///
    /// `WireField` when `metadata` has no canonical form: it holds a number beyond ±2^53, which some
    /// readers round, or is nested so deep that a body that has it as a member is deeper than
    /// [`limits::FRAME_DEPTH`].
    pub fn plain(content: &str, metadata: &Map<String, Value>, in_reply_to: Option<&str>) -> Result<Self> {
        let metadata = canonical_json(Some("metadata"), 2, metadata.iter(), metadata)?;
        let mut reply = vec![u8::from(in_reply_to.is_some())];
        reply.extend_from_slice(in_reply_to.unwrap_or_default().as_bytes());
        Ok(Self::of("body", &[content.as_bytes(), &metadata, &reply]))
    }

    /// The digest of a sealed body: the encapsulated key and the ciphertext, as bytes.
    pub fn sealed(enc: &[u8], ciphertext: &[u8]) -> Self {
        Self::of("sealed_body", &[enc, ciphertext])
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(name: &str, fields: &[&[u8]]) -> Self {
        Self(Sha256::digest(framed(name, fields)).into())
    }
}

/// The tag, then `name` and `fields`, each behind its length.
pub(in crate::wire) fn framed(name: &str, fields: &[&[u8]]) -> Vec<u8> {
    let size = fields.iter().map(|field| 4 + field.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(TAG.len() + 4 + name.len() + size);
    bytes.extend_from_slice(TAG);
    for field in std::iter::once(&name.as_bytes()).chain(fields) {
        let length = u32::try_from(field.len()).expect("a field is part of a frame, which is below 4 GiB");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

/// An object without its second signature.
struct Unsigned<'a>(&'a Map<String, Value>);

impl<'a> Unsigned<'a> {
    fn members(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.0.iter().filter(|(name, _)| name.as_str() != SIGNATURE_MEMBER)
    }
}

impl Serialize for Unsigned<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.members())
    }
}

/// The canonical form of an object, whose `name` an error begins its path with, on the level `depth` of its frame.
fn canonical_json<'a>(
    name: Option<&str>,
    depth: usize,
    members: impl Iterator<Item = (&'a String, &'a Value)>,
    object: &impl Serialize,
) -> Result<Vec<u8>> {
    for (member, value) in members {
        check_canonical(value, depth + 1).map_err(|fault| fault.inside(Step::Member(member)).told(name))?;
    }
    serde_json_canonicalizer::to_vec(object)
        .map_err(|error| Error::new(Code::WireField, "the object has no canonical JSON form").because(error))
}

/// Why a value cannot be signed, and the way to it, innermost step first.
struct Fault<'a> {
    reason: &'static str,
    way: Vec<Step<'a>>,
}

enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

impl<'a> Fault<'a> {
    fn new(reason: &'static str) -> Self {
        Self { reason, way: Vec::new() }
    }

    fn inside(mut self, step: Step<'a>) -> Self {
        self.way.push(step);
        self
    }

    /// The error, with the way to the value written as `metadata["a"][2]`.
    fn told(self, name: Option<&str>) -> Error {
        let mut path = name.unwrap_or_default().to_owned();
        for step in self.way.iter().rev() {
            match step {
                Step::Member(member) if path.is_empty() => path.extend(member.chars().take(SHOWN)),
                Step::Member(member) => {
                    let shown: String = member.chars().take(SHOWN).collect();
                    path.push_str(&format!("[{shown:?}]"));
                }
                Step::Item(index) => path.push_str(&format!("[{index}]")),
            }
        }
        Error::new(Code::WireField, format!("{path} {}", self.reason))
    }
}

/// How much of a member's name an error shows.
const SHOWN: usize = 64;

fn check_canonical(value: &Value, depth: usize) -> Result<(), Fault<'_>> {
    match value {
        Value::Array(_) | Value::Object(_) if depth > limits::FRAME_DEPTH => {
            Err(Fault::new("is nested too deeply to be signed; flatten it or send it as text"))
        }
        Value::Array(values) => values.iter().enumerate().try_for_each(|(index, value)| {
            check_canonical(value, depth + 1).map_err(|fault| fault.inside(Step::Item(index)))
        }),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            check_canonical(value, depth + 1).map_err(|fault| fault.inside(Step::Member(name)))
        }),
        Value::Number(number) if number.as_f64().is_none_or(|size| size.abs() > EXACT) || is_odd(number) => {
            Err(Fault::new(
                "is a number beyond 2^53, which cannot be signed, because some readers round it; send it as text",
            ))
        }
        _ => Ok(()),
    }
}

/// 2^53: every integer up to here is a JSON number for every reader.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Whether an integer changes when it is read as a floating-point number, as 2^53 + 1 does.
fn is_odd(number: &serde_json::Number) -> bool {
    number.as_i64().is_some_and(|value| value.unsigned_abs() > 1 << 53)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_form_is_a_tag_and_length_prefixed_fields() {
        let expected = b"dmagent/2\0\0\0\0\x07message\0\0\0\x02ab\0\0\0\0";
        assert_eq!(v2(Domain::Message, &[b"ab", b""]), expected);
    }

    #[test]
    fn domain_names_are_unique() {
        let names: HashSet<_> = Domain::ALL.iter().map(|domain| domain.name()).collect();
        assert_eq!(names.len(), Domain::ALL.len());
        assert!(!names.contains("body") && !names.contains("sealed_body"));
    }

    #[test]
    fn an_object_is_signed_without_its_signature_and_whatever_the_order_of_its_members() {
        let from = AgentId::from_bytes([1; 32]);
        let signed = |value| object_v2(Domain::PeerUpdate, &from, None, &object(value)).unwrap();
        let bytes = signed(json!({"b": 1.0, "a": "é", "signature_v2": "00"}));
        assert_eq!(bytes, signed(json!({"a": "é", "b": 1})));
        assert!(bytes.ends_with("{\"a\":\"é\",\"b\":1}".as_bytes()));
        assert_ne!(bytes, signed(json!({"a": "é", "b": 2})));
        // Only the outermost member is left out.
        assert_ne!(signed(json!({"a": {"signature_v2": "00"}})), signed(json!({"a": {}})));
    }

    #[test]
    fn a_recipient_and_nobody_in_particular_differ() {
        let (from, to) = (AgentId::from_bytes([1; 32]), AgentId::from_bytes([2; 32]));
        let form = |to| object_v2(Domain::StatusBroadcast, &from, to, &Map::new()).unwrap();
        assert_ne!(form(Some(&to)), form(None));
    }

    #[test]
    fn numbers_that_readers_round_are_refused() {
        let digest = |value: Value| BodyDigest::plain("", &object(json!({"deep": [{"n": value}]})), None);
        for fine in [json!(1_u64 << 53), json!(-(1_i64 << 53)), json!(0.5), json!(-0.0), json!(1e-300)] {
            assert!(digest(fine.clone()).is_ok(), "{fine}");
        }
        let big = (1_u64 << 53) + 1;
        for bad in [json!(big), json!(-(big as i64)), json!(u64::MAX), json!(i64::MIN), json!(1e300)] {
            let error = digest(bad.clone()).unwrap_err();
            assert_eq!(error.code(), Code::WireField, "{bad}");
            assert!(
                error.message().starts_with(r#"metadata["deep"][0]["n"] is a number beyond 2^53"#),
                "{error}"
            );
        }
    }

    #[test]
    fn metadata_nested_deeper_than_a_frame_is_refused() {
        let nested = |levels| {
            let value = (1..levels).fold(json!({}), |inner, _| json!({"a": inner}));
            BodyDigest::plain("", &object(value), None)
        };
        assert!(nested(limits::FRAME_DEPTH - 1).is_ok(), "the body around it is one level");
        assert_eq!(nested(limits::FRAME_DEPTH).unwrap_err().code(), Code::WireField);
    }

    #[test]
    fn every_part_of_a_body_counts() {
        let none = Map::new();
        let plain = |content: &str, metadata: &Map<_, _>, reply| {
            BodyDigest::plain(content, metadata, reply).unwrap().as_bytes().to_owned()
        };
        let digests = HashSet::from([
            plain("a", &none, None),
            plain("b", &none, None),
            plain("a", &object(json!({"k": 1})), None),
            plain("a", &none, Some("")),
            plain("a", &none, Some("msg-1")),
            *BodyDigest::sealed(b"a", b"{}").as_bytes(),
            *BodyDigest::sealed(b"a{", b"}").as_bytes(),
        ]);
        assert_eq!(digests.len(), 7);
    }

    #[test]
    fn every_part_of_a_message_counts() {
        let (a, b) = (AgentId::from_bytes([1; 32]), AgentId::from_bytes([2; 32]));
        let (body, other) = (BodyDigest::sealed(b"", b""), BodyDigest::sealed(b"", b"x"));
        let forms = HashSet::from([
            message_v2(&a, &b, "id", "ts", 10, &body),
            message_v2(&b, &a, "id", "ts", 10, &body),
            message_v2(&a, &a, "id", "ts", 10, &body),
            message_v2(&a, &b, "i", "dts", 10, &body),
            message_v2(&a, &b, "id", "ts", 9, &body),
            message_v2(&a, &b, "id", "ts", 10, &other),
        ]);
        assert_eq!(forms.len(), 6);
    }

    /// Few letters and short fields, so that lists that join to the same text are common.
    fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(0..2_u8, 0..6), 0..4)
    }

    /// Undoes [`framed`]; only possible because the form is injective.
    fn split(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        bytes = bytes.strip_prefix(TAG)?;
        let mut fields = Vec::new();
        while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
            let (field, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            fields.push(field.to_vec());
            bytes = rest;
        }
        bytes.is_empty().then_some(fields)
    }

    proptest! {
        #[test]
        fn different_fields_give_different_bytes(left in fields(), right in fields()) {
            let form = |fields: &[Vec<u8>]| {
                v2(Domain::Message, &fields.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            prop_assert_eq!(form(&left) == form(&right), left == right);
            let read = split(&form(&left)).unwrap();
            prop_assert_eq!(&read[0], b"message");
            prop_assert_eq!(&read[1..], &left[..]);
        }
    }
}
