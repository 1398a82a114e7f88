//! Adding up what test runners report.

use crate::run::Watched;

/// How much of pytest's sentence about a failure is repeated at the end.
const LONGEST_FAILURE: usize = 300;

/// How many tests passed, failed and were skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    /// What the runner said in a line about each that failed.
    pub(crate) failures: Vec<String>,
}

impl Tally {
    /// One check that is its own test.
    pub(crate) fn one(passed: bool) -> Self {
        Self { passed: passed as u64, failed: !passed as u64, skipped: 0, failures: Vec::new() }
    }

    /// What `cargo test` printed: the sum of its `test result:` lines.
    pub(crate) fn of_cargo(watched: &Watched) -> Self {
        let results = watched.text.lines().filter_map(|line| line.split_once("test result: "));
        let mut sum = Self::default();
        for (_, counts) in results {
            sum += Self::of_words(counts);
        }
        let failed = |line: &str| {
            let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
            // Some runners write names in a column.
            Some(name.trim_end().to_owned())
        };
        sum.failures = watched.text.lines().filter_map(failed).collect();
        sum.failed_if(!watched.success())
    }

    /// What pytest printed: its closing line, such as `3 failed, 12 passed, 1 skipped in 4.02s`.
    pub(crate) fn of_pytest(watched: &Watched) -> Self {
        let counts = |line: &'_ str| {
            let (counts, time) = line.rsplit_once(" in ")?;
            time.starts_with(|c: char| c.is_ascii_digit()).then(|| Self::of_words(counts))
        };
        let mut sum: Self = watched.text.lines().rev().find_map(counts).unwrap_or_default();
        let failed = |line: &str| {
            let told = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR "))?;
            Some(told.chars().take(LONGEST_FAILURE).collect())
        };
        sum.failures = watched.text.lines().filter_map(failed).collect();
        sum.failed_if(!watched.success())
    }

    /// What the test runner of Node.js printed as TAP: its closing lines, such as `# pass 12`.
    pub(crate) fn of_tap(watched: &Watched) -> Self {
        let count = |word: &str| {
            let counted =
                |line: &str| line.strip_prefix("# ")?.strip_prefix(word)?.trim().parse::<u64>().ok();
            watched.text.lines().rev().find_map(counted).unwrap_or_default()
        };
        let failed = |line: &str| {
            let (_, name) = line.trim_start().strip_prefix("not ok ")?.split_once(" - ")?;
            Some(name.chars().take(LONGEST_FAILURE).collect())
        };
        let sum = Self {
            passed: count("pass "),
            failed: count("fail ") + count("cancelled "),
            skipped: count("skipped "),
            failures: watched.text.lines().filter_map(failed).collect(),
        };
        sum.failed_if(!watched.success())
    }

    /// Whether no test ran at all.
    pub(crate) const fn is_empty(&self) -> bool {
        self.passed + self.failed == 0
    }

    /// A runner that fails without naming a test (it crashed, or nothing could be collected) is one failure.
    fn failed_if(mut self, failed: bool) -> Self {
        if failed && self.failed == 0 {
            self.failed = 1;
        }
        self
    }

    /// Reads `number word` pairs.
    fn of_words(text: &str) -> Self {
        let words: Vec<&str> = text.split([' ', ',', ';', '=']).filter(|word| !word.is_empty()).collect();
        let mut sum = Self::default();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" | "xfailed" => sum.passed += number,
                "failed" | "error" | "errors" | "xpassed" => sum.failed += number,
                "ignored" | "skipped" => sum.skipped += number,
                _ => {}
            }
        }
        sum
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(text: &str, success: bool) -> Watched {
        Watched { text: text.to_owned(), code: Some(i32::from(!success)) }
    }

    #[test]
    fn adds_up_the_result_lines_of_every_test_binary() {
        let text = "running 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out\n\
                    test a ... FAILED\ntest result: FAILED. 4 passed; 3 failed; 0 ignored; 0 measured\n";
        assert_eq!(
            Tally::of_cargo(&watched(text, false)),
            Tally { passed: 6, failed: 3, skipped: 1, failures: vec!["a".to_owned()] }
        );
    }

    #[test]
    fn reads_the_closing_line_of_pytest_and_no_other() {
        let text = "collected 5 items\n9 passed in the past\n\
                    ===== 1 failed, 2 passed, 1 skipped, 1 error in 0.10s =====\n";
        assert_eq!(
            Tally::of_pytest(&watched(text, false)),
            Tally { passed: 2, failed: 2, skipped: 1, failures: Vec::new() }
        );
        assert_eq!(Tally::of_pytest(&watched("12 passed in 61.20s (0:01:01)\n", true)).passed, 12);
    }

    #[test]
    fn reads_the_closing_lines_of_tap() {
        let text = "TAP version 13\n# pass 99 of what a test printed\nok 1 - a\nnot ok 2 - b c\n1..2\n# tests 5\n\
                    # pass 2\n# fail 1\n# cancelled 1\n# skipped 1\n# duration_ms 7.5\n";
        assert_eq!(
            Tally::of_tap(&watched(text, false)),
            Tally { passed: 2, failed: 2, skipped: 1, failures: vec!["b c".to_owned()] }
        );
        assert_eq!(Tally::of_tap(&watched("Segmentation fault\n", false)).failed, 1);
    }

    #[test]
    fn failed_tests_are_named() {
        let cargo =
            "test wire::a   ... FAILED\ntest wire::b ... ok\ntest result: FAILED. 1 passed; 1 failed\n";
        assert_eq!(Tally::of_cargo(&watched(cargo, false)).failures, ["wire::a"]);
        let pytest = "FAILED tests/a.py::b[x y] - assert 1 == 2\nERROR tests/c.py\n2 failed in 0.1s\n";
        let told = Tally::of_pytest(&watched(pytest, false)).failures;
        assert_eq!(told, ["tests/a.py::b[x y] - assert 1 == 2", "tests/c.py"]);
    }

    #[test]
    fn a_runner_that_crashes_is_a_failure_even_though_it_names_no_test() {
        let text =
            "test result: ok. 2 passed; 0 failed; 0 ignored\nerror: process didn't exit successfully\n";
        assert_eq!(
            Tally::of_cargo(&watched(text, false)),
            Tally { passed: 2, failed: 1, skipped: 0, failures: Vec::new() }
        );
        assert_eq!(Tally::of_pytest(&watched("ImportError\n", false)).failed, 1);
    }

    #[test]
    fn a_runner_that_ran_nothing_is_seen() {
        let text = "test result: ok. 0 passed; 0 failed; 3 ignored; 0 measured; 40 filtered out\n";
        assert!(Tally::of_cargo(&watched(text, true)).is_empty());
        assert!(Tally::of_pytest(&watched("4 skipped in 0.01s\n", true)).is_empty());
    }
}
