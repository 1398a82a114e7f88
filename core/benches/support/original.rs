//! The real dmagent 1.1.1, when `DMAGENT_PEER_PYTHON` names an interpreter that has it.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use dmagent::AgentId;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::load::Result;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon of 1.1.1 on loopback, ended when dropped.
pub(crate) struct Original {
    process: Child,
    home: tempfile::TempDir,
    /// `host:port`.
    pub(crate) address: String,
    /// Its id.
    pub(crate) agent_id: String,
}

impl Original {
    /// `None` when there is no interpreter for it. `peers` are connected from the start, by its state file: in a
    /// handshake it asks all others for their opinion of the newcomer, which takes a minute for many.
    pub(crate) async fn start(peers: &[AgentId]) -> Result<Option<Self>> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a benchmark is a program of its own, not a part of the node"
        )]
        let Some(python) = std::env::var_os("DMAGENT_PEER_PYTHON") else { return Ok(None) };
        let home = tempfile::tempdir()?;
        let folder = home.path().join(".darkmatter");
        std::fs::create_dir(&folder)?;
        // Says that the installer has run, else the first start would write settings of other programs.
        std::fs::write(folder.join(".mcp_installed"), "installed\n")?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut original = Self {
            process: spawn(&python, home.path(), port)?,
            address: format!("127.0.0.1:{port}"),
            agent_id: String::new(),
            home,
        };
        original.agent_id = original.id().await?;
        let path = folder.join("state").join(format!("{}.json", original.agent_id));
        let mut state = original.state(&path).await?;
        original.end();
        for peer in peers {
            state["connections"][peer.to_string()] = json!({
                "agent_id": peer,
                // Nobody listens there: the senders only send.
                "agent_url": "http://127.0.0.1:9",
                "agent_public_key_hex": peer,
                "identity_verified": true,
            });
        }
        std::fs::write(&path, state.to_string())?;
        original.process = spawn(&python, original.home.path(), port)?;
        original.id().await?;
        Ok(Some(original))
    }

    /// Its state file, which it writes a moment after it began to answer.
    async fn state(&self, path: &Path) -> Result<Value> {
        let began = Instant::now();
        loop {
            match std::fs::read(path) {
                Ok(state) => return Ok(serde_json::from_slice(&state)?),
                Err(error) if began.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Where its inbox is emptied; only the scoped form of this path works.
    pub(crate) fn consume(&self) -> String {
        format!("/__darkmatter__/{}/inbox/consume", self.agent_id)
    }

    /// Its id, as soon as it answers.
    async fn id(&self) -> Result<String> {
        let began = Instant::now();
        loop {
            if let Ok(document) = get(&self.address, "/.well-known/darkmatter.json").await
                && let Some(id) = document["agent_id"].as_str()
            {
                return Ok(id.to_owned());
            }
            if began.elapsed() > PATIENCE {
                return Err("dmagent 1.1.1 does not start".into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(python: &OsStr, home: &Path, port: u16) -> Result<Child> {
    let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/tests/interop");
    let log = std::fs::File::create(home.join("output.log"))?;
    let process = Command::new(python)
        .arg(interop.join("on_loopback.py").canonicalize()?)
        .current_dir(home)
        // Its own settings, Python's, and proxies could lead it astray.
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "SYSTEMROOT"))
        .env("HOME", home)
        .env("USERPROFILE", home)
        .env("DARKMATTER_TRANSPORT", "http")
        .env("DARKMATTER_HOST", "127.0.0.1")
        .env("DARKMATTER_PORT", port.to_string())
        .env("DARKMATTER_PUBLIC_URL", format!("http://127.0.0.1:{port}"))
        .env("DARKMATTER_PROJECT_DIR", home)
        .env("DARKMATTER_DISPLAY_NAME", "original")
        .env("DARKMATTER_BOOTSTRAP_PEERS", "")
        .env("DARKMATTER_DISCOVERY", "false")
        .env("DARKMATTER_ROUTER_MODE", "queue_only")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok(process)
}

/// Asks and reads to the end, which is where the answer of HTTP/1.0 ends.
async fn get(address: &str, path: &str) -> Result<Value> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
    Ok(serde_json::from_str(body)?)
}
