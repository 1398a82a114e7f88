//! What can be wrong with a body, and with one field of it.

use super::support::actor::Object;

/// A wrong value of a field.
pub(crate) enum Field {
    /// Left out.
    Missing,
    /// These bytes in the place of the value.
    Bytes(Vec<u8>),
    /// The good value, and the name a second time.
    Twice,
}

fn bytes(text: impl Into<Vec<u8>>) -> Field {
    Field::Bytes(text.into())
}

fn members(count: usize) -> String {
    let members: Vec<_> = (0..count).map(|n| format!("\"k{n}\":{n}")).collect();
    format!("{{{}}}", members.join(","))
}

fn nested(levels: usize, open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(levels), close.repeat(levels))
}

type Make<T> = fn() -> T;

/// Wrong values, by name.
pub(crate) const VALUES: &[(&str, Make<Field>)] = &[
    ("missing", || Field::Missing),
    ("twice", || Field::Twice),
    ("null", || bytes("null")),
    ("number", || bytes("5")),
    ("negative", || bytes("-1")),
    ("fraction", || bytes("0.5")),
    ("huge number", || bytes("123456789012345678901234567890")),
    ("infinite number", || bytes("1e999")),
    ("NaN", || bytes("NaN")),
    ("Infinity", || bytes("-Infinity")),
    ("true", || bytes("true")),
    ("array", || bytes("[]")),
    ("array of numbers", || bytes("[1,2]")),
    ("object", || bytes("{}")),
    ("object of numbers", || bytes("{\"a\":1}")),
    ("5,000 keys", || bytes(members(5_000))),
    ("deep array", || bytes(nested(10_000, "[", "]"))),
    ("deep object", || bytes(format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)))),
    ("empty text", || bytes("\"\"")),
    ("blank text", || bytes("\"   \"")),
    ("other text", || bytes("\"zzz\"")),
    ("control characters", || bytes("\"a\\u0000b\\nc\\u001b[2J\"")),
    ("raw control character", || bytes("\"a\nb\"")),
    ("lone surrogate", || bytes("\"\\ud800\"")),
    ("not UTF-8", || bytes(b"\"\xff\xfe\"".to_vec())),
    ("long text", || bytes(format!("\"{}\"", "x".repeat(70_000)))),
    ("1 MiB text", || bytes(format!("\"{}\"", "x".repeat(1024 * 1024)))),
];

/// Bodies that are no good object at all, by name.
pub(crate) const BODIES: &[(&str, Make<Vec<u8>>)] = &[
    ("body empty", Vec::new),
    ("body blank", || b"  \r\n ".to_vec()),
    ("body null", || b"null".to_vec()),
    ("body array", || b"[]".to_vec()),
    ("body array of objects", || b"[{}]".to_vec()),
    ("body number", || b"5".to_vec()),
    ("body true", || b"true".to_vec()),
    ("body text", || b"\"text\"".to_vec()),
    ("body NaN", || b"NaN".to_vec()),
    ("body empty object", || b"{}".to_vec()),
    ("body unknown member", || b"{\"zzz\":1}".to_vec()),
    ("body cut", || b"{\"a\":".to_vec()),
    ("body trailing", || b"{}x".to_vec()),
    ("body two objects", || b"{}{}".to_vec()),
    ("body comma", || b"{\"a\":1,}".to_vec()),
    ("body duplicate", || b"{\"a\":1,\"a\":2}".to_vec()),
    ("body not UTF-8", || b"{\"\xff\":1}".to_vec()),
    ("body UTF-16", || "{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ("body BOM", || b"\xef\xbb\xbf{}".to_vec()),
    ("body zeros", || vec![0; 1000]),
    ("body deep array", || nested(10_000, "[", "]").into_bytes()),
    ("body deep unclosed", || "[".repeat(100_000).into_bytes()),
    ("body 5,000 keys", || members(5_000).into_bytes()),
    ("body oversized", || format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024)).into_bytes()),
    ("body far oversized", || vec![b'x'; 3 * 1024 * 1024]),
];

/// The bytes of a good object.
pub(crate) fn body(members: &Object) -> Vec<u8> {
    serde_json::to_vec(members).unwrap()
}

/// The bytes of an object with one field wrong.
pub(crate) fn mutate(members: &Object, field: &str, value: &Field) -> Vec<u8> {
    let mut pairs: Vec<Vec<u8>> = Vec::new();
    for (name, good) in members {
        let pair = |value: &[u8]| [format!("\"{name}\":").as_bytes(), value].concat();
        let good = serde_json::to_vec(good).unwrap();
        match value {
            _ if name != field => pairs.push(pair(&good)),
            Field::Missing => {}
            Field::Bytes(bytes) => pairs.push(pair(bytes)),
            Field::Twice => pairs.extend([pair(&good), pair(&good)]),
        }
    }
    [b"{".as_slice(), &pairs.join(&b','), b"}"].concat()
}
