//! `cargo xtask fuzz`: throws bytes at every decoder and watches for a panic.
//!
//! A target is a file in `core/fuzz/src/bin`; `core/fuzz/seeds/{target}` may hold inputs to start from. What a run
//! learns stays in `target/fuzz`. The instrumentation is the stable compiler's own, so neither nightly nor clang
//! is needed.

use std::{fs, path::Path, time::Duration};

use crate::{
    python::files,
    run::{self, Result, capture, cargo, inherit, program, step, watch},
    tally::Tally,
};

/// What makes the compiler count which code an input reaches.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";

/// The command: fails when a target does.
pub(crate) fn command(each: Duration, only: Option<&str>) -> Result {
    let tally = fuzz(each, only)?;
    println!("\n{} fuzz targets passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// Builds and runs the targets, each for the given time. A target is one test.
pub(crate) fn fuzz(each: Duration, only: Option<&str>) -> Result<Tally> {
    if cfg!(windows) {
        return Err("the fuzz targets are built with flags that only Linux and macOS understand".to_owned());
    }
    let sources = files(&run::root().join("core/fuzz/src/bin"), "rs");
    let mut names: Vec<String> =
        sources.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    if let Some(only) = only {
        if !names.iter().any(|name| name == only) {
            return Err(format!("no fuzz target `{only}`; there are: {}", names.join(", ")));
        }
        names.retain(|name| name == only);
    }

    step("building the fuzz targets");
    let host = host()?;
    let work = run::target("fuzz");
    // With `--target` the flags reach the code under test, not the build scripts that run here.
    let mut build = cargo();
    build.args(["build", "--bins", "--manifest-path", "core/fuzz/Cargo.toml", "--target", &host]);
    inherit(build.env("RUSTFLAGS", COVERAGE).env("CARGO_TARGET_DIR", &work))?;

    let mut tally = Tally::default();
    for name in names {
        step(&format!("fuzzing {name} for {} s", each.as_secs()));
        let passed = explore(&name, &work.join(&host).join("debug").join(&name), each)?;
        println!("{name}: {}", if passed { "held" } else { "FAILED" });
        tally += Tally::one(passed);
    }
    Ok(tally)
}

/// Runs one target. It holds when it ends well, was instrumented, and tried something.
fn explore(name: &str, binary: &Path, each: Duration) -> Result<bool> {
    let folder = |kind: &str| {
        let folder = run::target("fuzz").join(kind).join(name);
        fs::create_dir_all(&folder).map(|()| folder).map_err(|error| error.to_string())
    };
    let (corpus, crashes) = (folder("corpus")?, folder("crashes")?);
    let mut command = program(binary);
    command.arg(format!("-max_total_time={}", each.as_secs()));
    command.arg(format!("-artifact_prefix={}/", crashes.display()));
    // An input that takes longer than this many seconds is a finding as well.
    command.args(["-timeout=20", "-print_final_stats=1"]).arg(corpus);
    let seeds = run::root().join("core/fuzz/seeds").join(name);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    let watched = watch(&mut command)?;
    Ok(watched.success() && watched.text.contains("inline 8-bit counters") && executions(&watched.text) > 0)
}

/// How many inputs a run says it has tried.
fn executions(text: &str) -> u64 {
    let count = text.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// The target triple of this machine.
fn host() -> Result<String> {
    let told = capture(program("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| format!("rustc does not name its host:\n{told}"))
}
