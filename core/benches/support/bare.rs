//! What can be had at best: a handler that parses the JSON, verifies the signature, and forgets.

use axum::{Json, Router, extract::DefaultBodyLimit, http::StatusCode, routing::post};
use dmagent::{
    identity::{AgentId, Signature},
    wire::canonical,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::load::Result;

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the work, not for the value")]
struct Message {
    message_id: String,
    content: String,
    hops_remaining: u32,
    metadata: Map<String, Value>,
    from_agent_id: AgentId,
    from_public_key_hex: AgentId,
    timestamp: String,
    signature_hex: Signature,
}

async fn message(Json(message): Json<Message>) -> (StatusCode, Json<Value>) {
    let from = message.from_agent_id;
    let signed = canonical::message(&from, &message.message_id, &message.timestamp, &message.content);
    if from.verify(&signed, &message.signature_hex) {
        (StatusCode::OK, Json(json!({"status": "received", "message_id": message.message_id})))
    } else {
        (StatusCode::FORBIDDEN, Json(json!({"error": "Invalid signature"})))
    }
}

/// Listens on loopback and returns where.
pub(crate) async fn start() -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let router = Router::new()
        .route("/__darkmatter__/message", post(message))
        .layer(DefaultBodyLimit::max(dmagent::wire::limits::FRAME_BYTES));
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // As the node does; without it small answers would wait.
        let _ = stream.set_nodelay(true);
    });
    tokio::runtime::Handle::current().spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
