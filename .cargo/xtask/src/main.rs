//! `cargo xtask`: everything one does with this repository, under one name on every system.
//!
//! Each command is a file here. They only start other programs, say which, and add up what those report.

mod bench;
mod check;
mod demo;
mod dist;
mod examples;
mod fuzz;
mod generate;
mod install;
mod languages;
mod node;
mod packages;
mod parity;
mod python;
mod run;
mod scenarios;
mod soak;
mod tally;
mod test;
mod uniffi;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};

/// Builds, checks and tests dmagent.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows a Python agent, a Rust agent and the original 1.1.1 talking; builds what is missing.
    Demo,
    /// Formatting, lints, documentation, house rules, licences, generated files: run it before a commit.
    Check,
    /// Installs what the tests need, runs all of them, and ends with `N passed, N failed`.
    Test {
        /// Leave out the real 1.1.1 peer and the fuzzers.
        #[arg(long)]
        quick: bool,
        /// Run only tests whose name contains this.
        filter: Option<String>,
    },
    /// Writes the files that are made from the code.
    Gen {
        /// Change nothing; fail when a file differs from what the code says.
        #[arg(long)]
        check: bool,
    },
    /// Builds the C library and installs it with its headers, and with what pkg-config and CMake read.
    Install {
        /// The folder that gets `include/` and `lib/`, such as `/usr/local`.
        #[arg(long)]
        prefix: PathBuf,
    },
    /// Makes the packages that users install, in `target/dist/`.
    Dist {
        /// The profile of cargo. Another one than that of what is handed out leaves `target/dist/` alone.
        #[arg(long, default_value = dist::PROFILE)]
        profile: String,
        /// Also install each into an empty environment and use it there.
        #[arg(long = "try")]
        tried: bool,
    },
    /// Runs the fuzz targets of `core/fuzz`, each for a while.
    Fuzz {
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// One target; all of them when it is not named.
        target: Option<String>,
    },
    /// Runs many nodes in a few processes that are killed at random; fails when a message is lost or doubled, or when
    /// memory grows.
    Soak {
        /// For how long.
        #[arg(long, default_value_t = 20.0)]
        minutes: f64,
        /// How many nodes.
        #[arg(long, default_value_t = 50)]
        nodes: usize,
        /// In how many processes.
        #[arg(long, default_value_t = 5)]
        processes: usize,
        /// Decides whom chance picks.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Runs the benchmark programs of `core/benches` and `python/benches`.
    Bench {
        /// Compare the languages instead: the same program in each.
        #[arg(long, conflicts_with = "names")]
        lang: bool,
        /// Names of programs; all of them when none is named.
        names: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo => demo::demo(),
        Command::Check => check::check(),
        Command::Test { quick, filter } => test::test(quick, filter.as_deref()),
        Command::Gen { check } => generate::generate(check),
        Command::Install { prefix } => install::install(&prefix),
        Command::Dist { profile, tried } => dist::dist(&profile, tried),
        Command::Fuzz { seconds, target } => fuzz::command(Duration::from_secs(seconds), target.as_deref()),
        Command::Soak { minutes, nodes, processes, seed } => {
            soak::soak(&soak::Size { minutes, nodes, processes, seed })
        }
        Command::Bench { lang: true, .. } => languages::bench(),
        Command::Bench { names, .. } => bench::bench(&names),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // A command that has already told everything fails with an empty reason.
            if !why.is_empty() {
                eprintln!("\nerror: {why}");
            }
            ExitCode::FAILURE
        }
    }
}
