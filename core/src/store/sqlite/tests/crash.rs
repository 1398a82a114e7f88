//! A process that is killed loses nothing it has acknowledged.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use super::open;
use crate::store::{
    Batch, Range, Store as _, Table, second_process,
    suite::{keys, wait},
};

const NAME: &str = "store::sqlite::tests::crash::every_acknowledged_batch_survives_a_kill";

#[test]
fn every_acknowledged_batch_survives_a_kill() {
    if let Some(folder) = second_process::folder() {
        return commit_until_killed(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    // Every round opens what the kill before it left.
    for (round, patience) in [1, 3, 10, 45, 200, 500].into_iter().enumerate() {
        let mut child = second_process::start(NAME, folder.path());
        let input = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let ours = |line: String| line.strip_prefix("acknowledged ").map(str::to_owned);
        acknowledged.extend(lines.by_ref().filter_map(ours).take(patience));
        child.kill().unwrap();
        child.wait().unwrap();
        drop(input);
        // What it said between our decision and its death counts as well; a line may be cut short.
        acknowledged.extend(lines.filter_map(ours).filter(|key| key.ends_with('.')));

        let store = open(folder.path());
        let left = keys(&store, Table::Inbox, Range::all());
        assert_eq!(left, keys(&store, Table::Seen, Range::all()), "round {round}: half of a batch");
        acknowledged.sort_unstable();
        let lost: Vec<_> = acknowledged.iter().filter(|key| left.binary_search(key).is_err()).collect();
        assert!(lost.is_empty(), "round {round}: lost {lost:?}");
        assert!(acknowledged.len() >= patience, "round {round}: it ended by itself");
        wait(store.close()).unwrap();
    }
}

/// Several threads commit as fast as they can and say what was acknowledged.
fn commit_until_killed(folder: &Path) {
    let store = open(folder);
    let number = AtomicU32::new(0);
    let process = std::process::id();
    println!();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Bounded, should nobody kill it.
                while number.load(Ordering::Relaxed) < 100_000 {
                    let key = format!("{process}/{}.", number.fetch_add(1, Ordering::Relaxed));
                    let mut batch = Batch::new();
                    batch.put(Table::Inbox, &key, &"x".repeat(300)).unwrap();
                    batch.put(Table::Seen, &key, &true).unwrap();
                    wait(store.commit(batch)).unwrap();
                    println!("acknowledged {key}");
                }
            });
        }
    });
}
