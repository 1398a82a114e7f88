//! What was promised and done, a line each, in files that outlive the processes; and whether both agree.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
};

use dmagent::AgentId;
use serde::{Deserialize, Serialize};

use crate::Result;

/// How the files of the workers end.
const EXTENSION: &str = "book";

/// A line.
#[derive(Serialize, Deserialize)]
pub(crate) enum Entry {
    /// `send` returned: stored or accepted.
    Promised { to: AgentId, id: String },
    /// The host has it in its hands.
    Took { to: AgentId, id: String },
    /// The host acknowledges it now: from here on it may be over, or come again.
    Acknowledging { to: AgentId, id: String },
    /// The host knows that the disk knows: it must not come again.
    Acknowledged { to: AgentId, id: String },
    /// Something that must not happen.
    Broken { what: String },
}

/// Writes lines at once: what was written survives the death of the process.
pub(crate) struct Pen(File);

impl Pen {
    pub(crate) fn open(folder: &Path, worker: &str) -> Result<Self> {
        let path = folder.join(worker).with_extension(EXTENSION);
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        // The process before may have died in the middle of a line.
        writeln!(file)?;
        Ok(Self(file))
    }

    pub(crate) fn write(&self, entry: &Entry) {
        let mut line = serde_json::to_string(entry).expect("entries are plain");
        line.push('\n');
        (&self.0).write_all(line.as_bytes()).expect("the book can be written");
    }
}

/// What a soak amounted to.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) promised: usize,
    pub(crate) handled: usize,
    /// Hand-outs after the first.
    pub(crate) again: usize,
}

/// Compares promises and deeds. Call it when inboxes and outboxes are empty.
pub(crate) fn audit(folder: &Path) -> Result<Totals> {
    let (mut totals, mut broken) = (Totals::default(), Vec::new());
    let (mut promised, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
    let (mut undecided, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        // A node lives in one worker, so the order of its deeds is the order of the lines.
        for line in BufReader::new(File::open(path)?).lines() {
            match serde_json::from_str(&line?) {
                Ok(Entry::Promised { to, id }) => {
                    promised.insert((to, id));
                }
                Ok(Entry::Took { to, id }) => {
                    if acknowledged.contains(&(to, id.clone())) {
                        broken.push(format!("{} got {id} after its acknowledgement", to.short()));
                    }
                    totals.again += usize::from(!taken.insert((to, id)));
                }
                Ok(Entry::Acknowledging { to, id }) => {
                    undecided.insert((to, id));
                }
                Ok(Entry::Acknowledged { to, id }) => {
                    acknowledged.insert((to, id));
                }
                Ok(Entry::Broken { what }) => broken.push(what),
                // Empty, or the last word of a process that was killed.
                Err(_) => {}
            }
        }
    }
    for (to, id) in promised.iter().filter(|copy| !undecided.contains(copy)) {
        broken.push(format!("{id} for {} was promised and is lost", to.short()));
    }
    if !broken.is_empty() {
        broken.truncate(50);
        return Err(broken.join("\n").into());
    }
    (totals.promised, totals.handled) = (promised.len(), acknowledged.len());
    Ok(totals)
}
