//! What is inside a sealed body: content, metadata and reply reference, as one JSON object.

use serde_json::{Map, Value, json};

use super::{Answer, envelope, frame::Body, json as strict, limits};
use crate::error::Code;

/// The bytes to seal.
pub fn encode(content: &str, metadata: &Map<String, Value>, in_reply_to: Option<&str>) -> Vec<u8> {
    json!({"content": content, "metadata": metadata, "in_reply_to": in_reply_to}).to_string().into_bytes()
}

/// The body in opened bytes. The sender is proven by now, but may still send nonsense.
pub fn decode(bytes: &[u8]) -> Result<Body, Answer> {
    let refuse = |sentence: &str| Answer::refuse(400, Code::WireField, sentence);
    let mut object =
        strict::parse_object(bytes).map_err(|_| refuse("The sealed body is not a JSON object"))?;
    let content = match object.remove("content") {
        Some(Value::String(content)) if !content.is_empty() => content,
        _ => return Err(refuse("Missing required fields: content")),
    };
    if content.chars().count() > limits::CONTENT_CHARS {
        return Err(Answer::refuse(
            413,
            Code::WireTooLarge,
            format!("Content exceeds {} bytes", limits::CONTENT_CHARS),
        ));
    }
    let mut metadata = match object.remove("metadata") {
        Some(Value::Object(metadata)) => metadata,
        None | Some(Value::Null) => Map::new(),
        Some(_) => return Err(refuse("Field metadata must be an object")),
    };
    // Sealing must not be a way around the bound of readable metadata.
    if !envelope::fits(&metadata) {
        return Err(Answer::refuse(
            413,
            Code::WireTooLarge,
            format!("Field metadata exceeds {} bytes", limits::METADATA_BYTES),
        ));
    }
    let in_reply_to = match object.remove("in_reply_to") {
        Some(Value::String(id)) if id.chars().count() <= limits::MESSAGE_ID_CHARS => Some(id),
        None | Some(Value::Null) => None,
        Some(_) => return Err(refuse("Field in_reply_to must be a message id")),
    };
    if let Some(original) = &in_reply_to {
        metadata.entry("in_reply_to").or_insert_with(|| json!(original));
    }
    Ok(Body::Plain { content, metadata, in_reply_to })
}
