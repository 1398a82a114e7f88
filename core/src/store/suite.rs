//! What every backend must do. `store_suite!(name, opener)` makes a module of tests; `opener` is an
//! expression of a closure that opens the same rows again each time it is called.

use std::{collections::BTreeMap, future::Future, thread, time::Duration};

use futures_util::future::{join, join_all};
use proptest::prelude::*;

use super::{Batch, Op, Precondition, Range, Row, Store, Table};
use crate::error::Code;

macro_rules! store_suite {
    ($name:ident, $opener:expr) => {
        mod $name {
            use super::*;

            $crate::store::suite::store_suite!(@tests $opener;
                rows_are_read_replaced_and_deleted
                scans_are_sorted_and_page_by_after_and_limit
                prefixes_hold_for_any_text
                batches_apply_in_order_and_entirely
                a_failed_precondition_changes_nothing_and_fails_alone
                of_two_claims_exactly_one_wins
                commits_apply_in_the_order_of_their_calls
                a_dropped_future_does_not_take_the_batch_back
                reopening_sees_everything
                close_commits_what_is_queued_and_ends_the_store
                writers_on_many_threads_lose_nothing
                large_values_come_back_unharmed
                an_empty_batch_is_a_barrier
                a_batch_that_may_wait_goes_with_the_next_or_alone
            );

            proptest::proptest! {
                #![proptest_config(proptest::test_runner::Config::with_cases(24))]
                #[test]
                fn behaves_as_a_sorted_map(steps in $crate::store::suite::steps()) {
                    let open = $opener;
                    $crate::store::suite::behaves_as_a_sorted_map(&open, steps);
                }
            }
        }
    };
    (@tests $opener:expr; $($test:ident)+) => {
        $(#[test]
        fn $test() {
            let open = $opener;
            $crate::store::suite::$test(&open);
        })+
    };
}
pub(crate) use store_suite;

/// Finishes a future on this thread.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A batch that puts JSON texts.
pub(super) fn puts(table: Table, rows: &[(&str, &str)]) -> Batch {
    let op = |(key, value): &(&str, &str)| Op::Put { table, key: (*key).into(), value: (*value).into() };
    Batch { ops: rows.iter().map(op).collect(), ..Batch::new() }
}

/// The keys of a scan.
pub(super) fn keys(store: &impl Store, table: Table, range: Range) -> Vec<String> {
    wait(store.scan(table, range)).unwrap().into_iter().map(|row| row.key).collect()
}

fn read(store: &impl Store, table: Table, key: &str) -> Option<String> {
    wait(store.read(table, key)).unwrap()
}

pub(super) fn rows_are_read_replaced_and_deleted<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    assert_eq!(read(&store, Table::Meta, "a"), None);
    wait(store.commit(puts(Table::Meta, &[("a", "1"), ("", "\"empty key\""), ("nul\0nul", "\"\0\"")])))
        .unwrap();
    assert_eq!(read(&store, Table::Meta, "a").as_deref(), Some("1"));
    assert_eq!(read(&store, Table::Meta, "").as_deref(), Some("\"empty key\""));
    assert_eq!(read(&store, Table::Meta, "nul\0nul").as_deref(), Some("\"\0\""));
    assert_eq!(read(&store, Table::Meta, "nul"), None);
    for table in &Table::ALL[1..] {
        assert_eq!(read(&store, *table, "a"), None, "tables are separate");
    }
    wait(store.commit(puts(Table::Meta, &[("a", "2")]))).unwrap();
    assert_eq!(read(&store, Table::Meta, "a").as_deref(), Some("2"));
    let mut removal = Batch::new();
    removal.delete(Table::Meta, "a").delete(Table::Meta, "never there");
    wait(store.commit(removal)).unwrap();
    assert_eq!(keys(&store, Table::Meta, Range::all()), ["", "nul\0nul"]);
}

pub(super) fn scans_are_sorted_and_page_by_after_and_limit<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    let all: Vec<String> = (0..25).map(|number| format!("{number:02}")).collect();
    for key in all.iter().rev() {
        wait(store.commit(puts(Table::Inbox, &[(key, key)]))).unwrap();
    }
    assert_eq!(keys(&store, Table::Inbox, Range::all()), all);

    let (mut seen, mut after) = (Vec::new(), None);
    for size in [10, 10, 5, 0] {
        let page =
            keys(&store, Table::Inbox, Range { after: after.clone(), limit: Some(10), ..Range::all() });
        assert_eq!(page.len(), size);
        after = page.last().cloned().or(after);
        seen.extend(page);
    }
    assert_eq!(seen, all);

    let scan = |prefix: &str, after: &str, limit| {
        keys(&store, Table::Inbox, Range { prefix: prefix.into(), after: Some(after.into()), limit })
    };
    assert_eq!(scan("1", "17", None), ["18", "19"]);
    assert_eq!(scan("1", "0", Some(2)), ["10", "11"], "a page may start before its prefix");
    assert_eq!(scan("1", "1", Some(1)), ["10"]);
    assert!(scan("1", "2", None).is_empty(), "or behind it");
    assert!(scan("", "", Some(0)).is_empty());
    assert_eq!(scan("", "23", Some(usize::MAX)), ["24"]);
}

pub(super) fn prefixes_hold_for_any_text<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    let stems = [
        "",
        "a",
        "ab",
        "a\0",
        "a%",
        "a_",
        "A",
        "b",
        "\u{7f}",
        "\u{80}",
        "é",
        "e\u{301}",
        "ß",
        "\u{7ff}",
        "\u{800}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{ffff}",
        "\u{10000}",
        "🦀",
        "🦀🦀",
        "\u{10ffff}",
        "\u{10ffff}\u{10ffff}",
        "a\u{10ffff}",
        "a\u{10ffff}z",
    ];
    let rows: Vec<(&str, &str)> = stems.iter().map(|stem| (*stem, "0")).collect();
    wait(store.commit(puts(Table::Seen, &rows))).unwrap();
    for prefix in stems {
        let mut wanted: Vec<&str> = stems.into_iter().filter(|key| key.starts_with(prefix)).collect();
        wanted.sort_unstable();
        let found = keys(&store, Table::Seen, Range { prefix: prefix.into(), ..Range::all() });
        assert_eq!(found, wanted, "prefix {prefix:?}");
    }
}

pub(super) fn batches_apply_in_order_and_entirely<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    let mut batch = puts(Table::Peers, &[("a", "1"), ("a", "2"), ("b", "1")]);
    batch.delete(Table::Peers, "b").append(puts(Table::Log, &[("c", "3")]));
    wait(store.commit(batch)).unwrap();
    assert_eq!(read(&store, Table::Peers, "a").as_deref(), Some("2"));
    assert_eq!(read(&store, Table::Peers, "b"), None);
    assert_eq!(read(&store, Table::Log, "c").as_deref(), Some("3"));
}

pub(super) fn a_failed_precondition_changes_nothing_and_fails_alone<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    wait(store.commit(puts(Table::Peers, &[("there", "1")]))).unwrap();
    let mut needs_row = puts(Table::Peers, &[("x", "1")]);
    needs_row.require_present(Table::Peers, "there").require_present(Table::Peers, "missing");
    let mut needs_gap = puts(Table::Peers, &[("y", "1")]);
    needs_gap.require_absent(Table::Peers, "there");
    // A batch does not meet its own preconditions: they are checked before its first change.
    let mut circular = puts(Table::Peers, &[("z", "1")]);
    circular.require_present(Table::Peers, "z");
    let batches = [puts(Table::Peers, &[("before", "1")]), needs_row, needs_gap, circular];
    let mut commits: Vec<_> = batches.into_iter().map(|batch| store.commit(batch)).collect();
    commits.push(store.commit(puts(Table::Peers, &[("behind", "1")])));

    let codes = wait(join_all(commits)).into_iter().map(|result| result.err().map(|error| error.code()));
    let unmet = Some(Code::StorePrecondition);
    assert_eq!(codes.collect::<Vec<_>>(), [None, unmet, unmet, unmet, None]);
    assert_eq!(keys(&store, Table::Peers, Range::all()), ["before", "behind", "there"]);

    let mut met = puts(Table::Peers, &[("there", "2")]);
    met.require_present(Table::Peers, "there").require_absent(Table::Meta, "there");
    wait(store.commit(met)).unwrap();
    assert_eq!(read(&store, Table::Peers, "there").as_deref(), Some("2"));
}

pub(super) fn of_two_claims_exactly_one_wins<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    for round in 0..50 {
        let id = format!("sender/{round}");
        let claim = |who: &str| {
            let mut batch = puts(Table::Seen, &[(&id, who)]);
            batch.require_absent(Table::Seen, &id);
            wait(store.commit(batch))
        };
        let (left, right) = thread::scope(|scope| {
            let left = scope.spawn(|| claim("\"left\""));
            let right = scope.spawn(|| claim("\"right\""));
            (left.join().unwrap(), right.join().unwrap())
        });
        let winner = match (&left, &right) {
            (Ok(()), Err(loss)) if loss.code() == Code::StorePrecondition => "\"left\"",
            (Err(loss), Ok(())) if loss.code() == Code::StorePrecondition => "\"right\"",
            other => panic!("round {round}: {other:?}"),
        };
        assert_eq!(read(&store, Table::Seen, &id).as_deref(), Some(winner));
    }
}

pub(super) fn commits_apply_in_the_order_of_their_calls<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    let mut commits = Vec::new();
    for number in 0..200 {
        let mut batch = puts(Table::Meta, &[("last", &number.to_string()), (&format!("{number:03}"), "0")]);
        if number > 0 {
            // Holds only when the call before was applied before.
            batch.require_present(Table::Meta, format!("{:03}", number - 1));
        }
        commits.push(store.commit(batch));
    }
    // Polled the other way round.
    for (index, result) in wait(join_all(commits.into_iter().rev())).into_iter().enumerate() {
        result.unwrap_or_else(|error| panic!("commit {}: {error}", 199 - index));
    }
    assert_eq!(read(&store, Table::Meta, "last").as_deref(), Some("199"));
}

pub(super) fn a_dropped_future_does_not_take_the_batch_back<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    drop(store.commit(puts(Table::Meta, &[("a", "1")])));
    wait(store.commit(Batch::new())).unwrap();
    assert_eq!(read(&store, Table::Meta, "a").as_deref(), Some("1"));
}

pub(super) fn reopening_sees_everything<S: Store>(open: &impl Fn() -> S) {
    for round in 0..3 {
        let store = open();
        assert_eq!(keys(&store, Table::Outbox, Range::all()).len(), round);
        wait(store.commit(puts(Table::Outbox, &[(&round.to_string(), "{}")]))).unwrap();
        // Once gracefully, once by merely dropping it.
        if round == 0 {
            wait(store.close()).unwrap();
        }
    }
    assert_eq!(keys(&open(), Table::Outbox, Range::all()), ["0", "1", "2"]);
}

pub(super) fn close_commits_what_is_queued_and_ends_the_store<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    let queued = store.commit(puts(Table::Meta, &[("a", "1")]));
    let closing = store.close();
    let late = store.commit(puts(Table::Meta, &[("b", "1")]));
    let (queued, closing, late) = wait(async { (queued.await, closing.await, late.await) });
    assert!(queued.is_ok() && closing.is_ok());
    assert_eq!(late.unwrap_err().code(), Code::Closed);
    assert_eq!(wait(store.read(Table::Meta, "a")).unwrap_err().code(), Code::Closed);
    assert_eq!(wait(store.scan(Table::Meta, Range::all())).unwrap_err().code(), Code::Closed);
    assert_eq!(wait(store.close()).unwrap_err().code(), Code::Closed);
    assert_eq!(keys(&open(), Table::Meta, Range::all()), ["a"]);
}

pub(super) fn writers_on_many_threads_lose_nothing<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    thread::scope(|scope| {
        for writer in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..50 {
                    let key = format!("{writer}/{number:02}");
                    let commit = store.commit(puts(Table::Log, &[(&key, "{}")]));
                    let (committed, ()) = wait(join(commit, async {
                        // Reads go on meanwhile.
                        assert!(store.scan(Table::Log, Range::all()).await.unwrap().len() >= number);
                    }));
                    committed.unwrap();
                    assert_eq!(
                        read(store, Table::Log, &key).as_deref(),
                        Some("{}"),
                        "acknowledged is visible"
                    );
                }
            });
        }
    });
    assert_eq!(keys(&store, Table::Log, Range::all()).len(), 400);
}

pub(super) fn large_values_come_back_unharmed<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    let large = format!("\"{}\"", "🦀".repeat(1024 * 1024 / 4));
    wait(store.commit(puts(Table::Inbox, &[("a", &large), ("b", &large), ("c", "1")]))).unwrap();
    assert!(read(&store, Table::Inbox, "b") == Some(large.clone()));
    let rows = wait(store.scan(Table::Inbox, Range::all())).unwrap();
    assert!(rows[0].value == large && rows[1].value == large && rows[2].value == "1");
}

pub(super) fn an_empty_batch_is_a_barrier<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    wait(store.commit(Batch::new())).unwrap();
    let _unheard = store.commit(puts(Table::Meta, &[("a", "1")]));
    wait(store.commit(Batch::new())).unwrap();
    assert_eq!(read(&store, Table::Meta, "a").as_deref(), Some("1"));
}

pub(super) fn a_batch_that_may_wait_goes_with_the_next_or_alone<S: Store>(open: &impl Fn() -> S) {
    let store = open();
    let patient = |value, patience| {
        let mut batch = puts(Table::Meta, &[("key", value)]);
        batch.wait_for_others(patience);
        batch
    };
    // Longer than any test runs: only company ends the wait, and the order stays.
    let first = store.commit(patient("1", Duration::from_secs(86_400)));
    let second = store.commit(puts(Table::Meta, &[("key", "2")]));
    wait(join(second, first)).0.unwrap();
    assert_eq!(read(&store, Table::Meta, "key").as_deref(), Some("2"));
    wait(store.commit(patient("3", Duration::from_millis(1)))).unwrap();
    assert_eq!(read(&store, Table::Meta, "key").as_deref(), Some("3"));
    // Nobody comes any more.
    let last = store.commit(patient("4", Duration::from_secs(86_400)));
    wait(store.close()).unwrap();
    wait(last).unwrap();
    drop(store);
    assert_eq!(read(&open(), Table::Meta, "key").as_deref(), Some("4"));
}

/// One step of the comparison with a map: a batch, then a look at a range.
pub(super) type Step = (Batch, Table, Range);

/// A few keys and tables, so that steps meet.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let table = || prop::sample::select(&[Table::Meta, Table::Seen][..]);
    let key = || "[ab\0é\u{10ffff}]{0,3}";
    let op = prop_oneof![
        3 => (table(), key(), 0..100u8)
            .prop_map(|(table, key, value)| Op::Put { table, key, value: value.to_string() }),
        1 => (table(), key()).prop_map(|(table, key)| Op::Delete { table, key }),
    ];
    let precondition = prop_oneof![
        (table(), key()).prop_map(|(table, key)| Precondition::Absent(table, key)),
        (table(), key()).prop_map(|(table, key)| Precondition::Present(table, key)),
    ];
    let batch = (prop::collection::vec(precondition, 0..2), prop::collection::vec(op, 0..6))
        .prop_map(|(preconditions, ops)| Batch { preconditions, ops, ..Batch::new() });
    let range = ("[ab\0é\u{10ffff}]{0,2}", prop::option::of(key()), prop::option::of(0..5usize))
        .prop_map(|(prefix, after, limit)| Range { prefix, after, limit });
    prop::collection::vec((batch, table(), range), 1..20)
}

pub(super) fn behaves_as_a_sorted_map<S: Store>(open: &impl Fn() -> S, steps: Vec<Step>) {
    let store = open();
    let mut model = BTreeMap::<(Table, String), String>::new();
    for (batch, table, range) in steps {
        let holds = batch.preconditions.iter().all(|precondition| match precondition {
            Precondition::Absent(table, key) => !model.contains_key(&(*table, key.clone())),
            Precondition::Present(table, key) => model.contains_key(&(*table, key.clone())),
        });
        assert_eq!(wait(store.commit(batch.clone())).is_ok(), holds);
        for op in batch.ops.into_iter().filter(|_| holds) {
            match op {
                Op::Put { table, key, value } => model.insert((table, key), value),
                Op::Delete { table, key } => model.remove(&(table, key)),
            };
        }
        let wanted: Vec<Row> = model
            .iter()
            .filter(|((of, key), _)| *of == table && key.starts_with(&range.prefix))
            .filter(|((_, key), _)| range.after.as_ref().is_none_or(|after| key > after))
            .take(range.limit.unwrap_or(usize::MAX))
            .map(|((_, key), value)| Row { key: key.clone(), value: value.clone() })
            .collect();
        assert_eq!(wait(store.scan(table, range)).unwrap(), wanted);
    }
    wait(store.close()).unwrap();
    let store = open();
    for ((table, key), value) in &model {
        assert_eq!(read(&store, *table, key).as_ref(), Some(value));
    }
}
