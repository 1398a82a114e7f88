//! The real dmagent 1.1.1, when `DMAGENT_PEER_PYTHON` names an interpreter that has it.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::load::Result;

/// A daemon of 1.1.1 on loopback, ended when dropped.
pub(crate) struct Original {
    process: Child,
    _home: tempfile::TempDir,
    /// `host:port`.
    pub(crate) address: String,
    /// Its id.
    pub(crate) agent_id: String,
}

impl Original {
    /// `None` when there is no interpreter for it.
    pub(crate) async fn start() -> Result<Option<Self>> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a benchmark is a program of its own, not a part of the node"
        )]
        let Some(python) = std::env::var_os("DMAGENT_PEER_PYTHON") else { return Ok(None) };
        let home = tempfile::tempdir()?;
        let passports = home.path().join(".darkmatter");
        std::fs::create_dir(&passports)?;
        // Says that the installer has run, else the first start would write settings of other programs.
        std::fs::write(passports.join(".mcp_installed"), "installed\n")?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/tests/interop");
        let log = std::fs::File::create(home.path().join("output.log"))?;
        let address = format!("127.0.0.1:{port}");
        let process = Command::new(python)
            .arg(interop.join("on_loopback.py").canonicalize()?)
            .current_dir(home.path())
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "SYSTEMROOT"))
            .env("HOME", home.path())
            .env("USERPROFILE", home.path())
            .env("DARKMATTER_TRANSPORT", "http")
            .env("DARKMATTER_HOST", "127.0.0.1")
            .env("DARKMATTER_PORT", port.to_string())
            .env("DARKMATTER_PUBLIC_URL", format!("http://{address}"))
            .env("DARKMATTER_PROJECT_DIR", home.path())
            .env("DARKMATTER_DISPLAY_NAME", "original")
            .env("DARKMATTER_BOOTSTRAP_PEERS", "")
            .env("DARKMATTER_DISCOVERY", "false")
            .env("DARKMATTER_ROUTER_MODE", "queue_only")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut original = Self { process, _home: home, address, agent_id: String::new() };
        original.agent_id = original.id().await?;
        Ok(Some(original))
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
            if began.elapsed() > Duration::from_secs(60) {
                return Err("dmagent 1.1.1 does not start".into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The ids of what is in its inbox.
    pub(crate) async fn inbox(&self) -> Result<Vec<String>> {
        let inbox = get(&self.address, "/__darkmatter__/inbox").await?;
        let messages = inbox["messages"].as_array().cloned().unwrap_or_default();
        Ok(messages.iter().filter_map(|message| message["message_id"].as_str().map(str::to_owned)).collect())
    }

    /// Takes messages out of its inbox.
    pub(crate) async fn take(&self, ids: &[String]) -> Result {
        let body = serde_json::json!({"message_ids": ids}).to_string();
        let head = format!(
            "POST {} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.consume(),
            body.len()
        );
        exchange(&self.address, head + &body).await.map(drop)
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn get(address: &str, path: &str) -> Result<Value> {
    exchange(address, format!("GET {path} HTTP/1.0\r\n\r\n")).await
}

async fn exchange(address: &str, request: String) -> Result<Value> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
    Ok(serde_json::from_str(body)?)
}
