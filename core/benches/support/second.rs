//! A second process of the same program, which speaks one line at a time.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
};

pub(crate) type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// The other process; it ends when this is dropped, because its standard input does.
pub(crate) struct Second {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Second {
    /// Starts this program again with other arguments.
    pub(crate) fn start(arguments: &[&str]) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        Ok(Self { process, lines })
    }

    /// The next line it says.
    pub(crate) fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err("the second process has failed".into());
        }
        Ok(line.trim().to_owned())
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Says a line to whoever started this process.
pub(crate) fn say(line: &str) -> Result {
    println!("{line}");
    Ok(std::io::stdout().flush()?)
}

/// Returns when whoever started this process is done with it, or gone.
pub(crate) async fn until_told_to_end() {
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
}
