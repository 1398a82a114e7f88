//! For tests that need a real second process: the test binary starts itself with one test selected, and
//! that test sees by [`folder`] that it is the second process and which folder it works on.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const VARIABLE: &str = "DMAGENT_TEST_SECOND_PROCESS";

/// Starts `test` (its full path) in a second process, with pipes for input and output.
pub(super) fn start(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The folder to work on, in the second process; `None` in the first.
pub(super) fn folder() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tells a test which of the two processes it runs in")]
    std::env::var_os(VARIABLE).map(PathBuf::from)
}
