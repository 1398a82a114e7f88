//! What comes to a node from outside of it: plain requests, frames that somebody signed by hand, and changed files.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
};

use dmagent::{
    AgentId,
    env::Env,
    messaging::compose::{self, Draft, Form},
    wire::{
        canonical::{self, BodyDigest},
        envelope::{Author, MessageLimits, Origin},
        seal::Sealed,
    },
};
use serde_json::{Map, Value};

use super::{
    Result,
    languages::PATIENCE,
    matching,
    scenario::{FileStep, WireStep},
};
use crate::support::{HandClock, actor::Actor};

/// An agent that has a key and no node, and sends what it wants.
pub(crate) struct Mallory(Actor);

impl Mallory {
    pub(crate) fn new() -> Self {
        Self(Actor::stranger())
    }

    pub(crate) fn id(&self) -> AgentId {
        self.0.id()
    }

    /// Makes a frame, spoils it as the step says, sends it, and looks at the answer to the last copy.
    pub(crate) fn send(
        &self,
        to: &Value,
        step: &WireStep,
        with: &Map<String, Value>,
        signed_for: Option<&Value>,
        body: &Value,
    ) -> Result {
        let form = match step.wire.as_str() {
            "message" => Form::V2,
            "false_origin" => Form::V2,
            "plain_message" => Form::V1,
            "sealed_message" | "moved_seal" => Form::Sealed,
            other => return Err(format!("`{other}` is no frame")),
        };
        let id = signed_for.unwrap_or(&to["id"]).as_str().unwrap_or_default();
        let audience: AgentId = id.parse().map_err(|error| format!("{id}: {error}"))?;
        let clock = HandClock::at(Env::system().now());
        clock.set_forward(step.clock);
        let signer = Actor { passport: self.0.passport.clone(), env: clock.env() };
        let mut frame = signer.message(&audience, form, "from mallory");
        if step.wire == "moved_seal" {
            frame = moved(&signer, &audience, frame)?;
        } else if step.wire == "false_origin" {
            frame = misattributed(&signer, &audience)?;
        }
        for (name, value) in with {
            if value.is_null() {
                frame.remove(name);
            } else {
                frame.insert(name.clone(), value.clone());
            }
        }
        let text = Value::Object(frame).to_string();
        for _ in 1..step.times {
            request(to, "POST /__darkmatter__/message", &BTreeMap::new(), &text)?;
        }
        let reply = request(to, "POST /__darkmatter__/message", &BTreeMap::new(), &text)?;
        compare(reply, step.status, body)
    }
}

/// A message, well signed, that claims to have been written by somebody else.
fn misattributed(signer: &Actor, to: &AgentId) -> Result<Map<String, Value>> {
    let author = Actor::stranger();
    let (message_id, now) = (signer.fresh("msg-"), signer.now());
    let (limits, digest) = (MessageLimits::default(), "0".repeat(64));
    let said = Author { message_id: &message_id, to: *to, now, hops: 10, limits: &limits, digest: &digest };
    let origin = Origin::sign(said, &author.passport).map_err(|error| error.to_string())?;
    let metadata = origin.put(&Map::new()).map_err(|error| error.to_string())?;
    let draft =
        Draft { message_id: &message_id, content: "hers", metadata: &metadata, in_reply_to: None, hops: 9 };
    compose::message(draft, to, Form::V2, &signer.passport, now, &*signer.env.random)
        .map_err(|error| error.to_string())
}

/// The seal of a frame in another message, well signed.
fn moved(signer: &Actor, to: &AgentId, frame: Map<String, Value>) -> Result<Map<String, Value>> {
    let text = |name: &str| frame.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let sealed: Sealed = serde_json::from_value(frame.get("sealed").cloned().unwrap_or_default())
        .map_err(|error| error.to_string())?;
    let (id, time) = (signer.fresh("msg-"), text("timestamp"));
    let hops = frame.get("hops_remaining").and_then(Value::as_u64).and_then(|hops| u32::try_from(hops).ok());
    let digest = BodyDigest::sealed(&sealed.enc, &sealed.ciphertext);
    let bytes = canonical::message_v2(&signer.id(), to, &id, &time, hops.unwrap_or_default(), &digest);
    let mut moved = frame;
    moved.insert("message_id".into(), Value::String(id));
    moved.insert("signature_v2".into(), serde_json::json!(signer.passport.sign(&bytes)));
    Ok(moved)
}

/// A web site that is no node: it greets everybody. Its thread ends with the program.
pub(crate) fn website() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    std::thread::spawn(move || {
        for mut visitor in listener.incoming().map_while(std::result::Result::ok) {
            let mut request = [0; 4096];
            let greeting = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\nwelcome";
            // A visitor that hangs up early misses it.
            let _ = visitor.read(&mut request).and_then(|_| visitor.write_all(greeting.as_bytes()));
        }
    });
    Ok(format!("http://{address}"))
}

/// One request to a node, whose answer must be the expected one.
pub(crate) fn exchange(
    to: &Value,
    line: &Value,
    headers: &BTreeMap<String, Value>,
    send: &Value,
    status: u16,
    body: &Value,
) -> Result {
    let text = match send {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    compare(request(to, line.as_str().unwrap_or_default(), headers, &text)?, status, body)
}

fn compare((status, found): (u16, Value), wanted: u16, body: &Value) -> Result {
    if status != wanted {
        return Err(format!("expected the status {wanted}, found {status} with {found}"));
    }
    if body.is_null() { Ok(()) } else { matching::matches(body, &found) }
}

fn request(to: &Value, line: &str, headers: &BTreeMap<String, Value>, body: &str) -> Result<(u16, Value)> {
    let address = to["url"].as_str().unwrap_or_default().trim_start_matches("http://");
    let address = address.split('/').next().unwrap_or_default();
    let failed = |error: std::io::Error| format!("{line} at {address}: {error}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut head = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head += &format!("{name}: {}\r\n", value.as_str().unwrap_or_default());
    }
    // A node that refuses early does not read the rest; what matters is what it answers.
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
    let mut reply = Vec::new();
    let read = stream.read_to_end(&mut reply);
    let reply = String::from_utf8_lossy(&reply);
    let (head, content) = reply
        .split_once("\r\n\r\n")
        .ok_or_else(|| format!("{line} at {address}: no answer ({read:?}), only {reply:?}"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("{line} at {address}: no status in {head:?}"))?;
    Ok((status, serde_json::from_str(content).unwrap_or_else(|_| Value::String(content.to_owned()))))
}

/// Changes a file of a data folder, as somebody else on the machine might.
pub(crate) fn change_file(project: &Path, folders: &Path, step: &FileStep) -> Result {
    let data = project.join(".darkmatter");
    let path = data.join(&step.file);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(&data).map_err(failed)?;
    if let Some(name) = &step.rename {
        fs::rename(&path, data.join(name)).map_err(failed)?;
    }
    if step.remove {
        fs::remove_file(&path).map_err(failed)?;
    }
    if step.folder {
        fs::create_dir(&path).map_err(failed)?;
    }
    if let Some(text) = &step.text {
        fs::write(&path, text).map_err(failed)?;
    }
    if let Some(from) = &step.copy_from {
        let source = folders.join(from).join(".darkmatter").join(&step.file);
        fs::copy(source, &path).map_err(failed)?;
    }
    if let Some(digits) = &step.hex {
        let bytes = hex::decode(digits).map_err(|error| format!("`hex`: {error}"))?;
        let mut file = fs::OpenOptions::new().write(true).open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(step.at)).and_then(|_| file.write_all(&bytes)).map_err(failed)?;
    }
    #[cfg(unix)]
    if let Some(digits) = &step.mode {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = u32::from_str_radix(digits, 8).map_err(|error| format!("`mode`: {error}"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    }
    Ok(())
}
