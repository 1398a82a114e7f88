//! `cargo xtask bench --lang`: what each language adds to the core. Every language has the same program with the same
//! roles (`core/benches/language/README.md`); here they are built for speed, run in turns, and compared with Rust's.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use crate::{
    node, python,
    run::{self, Result, cargo, inherit, step},
    uniffi,
};

/// How often each program has its turn, so that what else the machine does hits all alike.
const TURNS: usize = 5;
/// Messages of a turn between two processes, and how many before them warm up.
const MESSAGES: usize = 200;
const WARM_UP: usize = 20;
/// Messages of a turn within one process.
const PAIR_MESSAGES: usize = 20_000;
/// Starts of Node.js, with and without the package.
const STARTS: usize = 21;

/// The program of one language.
struct Language {
    name: &'static str,
    /// What starts it.
    words: Vec<OsString>,
    /// At most how many times Rust's median, from `send` to handled.
    slower: Option<f64>,
    /// At least which part of Rust's messages per second.
    rate: Option<f64>,
}

/// Builds every program, runs them, and prints tables.
pub(crate) fn bench() -> Result {
    let languages = built()?;
    step(&format!("send to handled, two processes, {TURNS} turns of {MESSAGES} messages"));
    println!("| language | durability | median (µs) | of Rust | aim |\n|---|---|---|---|---|");
    for durability in ["memory", "grouped"] {
        let waits = in_turns(&languages, |language| conversation(language, durability))?;
        let medians: Vec<f64> = waits.into_iter().map(median).collect();
        for (language, of) in languages.iter().zip(&medians) {
            let (name, aim) = (language.name, aim("at most", language.slower));
            println!("| {name} | {durability} | {:.0} | {:.2} | {aim} |", of / 1000.0, of / medians[0]);
        }
    }
    step(&format!("one way, one process, memory://, {TURNS} turns of {PAIR_MESSAGES} messages"));
    println!("| language | messages per second | of Rust | aim | KiB more at the end than after a tenth |");
    println!("|---|---|---|---|---|");
    let pairs = in_turns(&languages, |language| Ok(vec![pair(language)?]))?;
    let part = |pairs: &[Pair], of: fn(&Pair) -> f64| median(pairs.iter().map(of).collect());
    let rust = part(&pairs[0], |pair| pair.rate);
    for (language, pairs) in languages.iter().zip(&pairs) {
        let (rate, growth) = (part(pairs, |pair| pair.rate), part(pairs, |pair| pair.growth));
        let (name, aim) = (language.name, aim("at least", language.rate));
        println!("| {name} | {rate:.0} | {:.2} | {aim} | {growth:.0} |", rate / rust);
    }
    start_of_node()
}

fn aim(word: &str, value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{word} {value}"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What each language measured in all of its turns.
fn in_turns<T>(languages: &[Language], turn: impl Fn(&Language) -> Result<Vec<T>>) -> Result<Vec<Vec<T>>> {
    let mut all: Vec<Vec<T>> = languages.iter().map(|_| Vec::new()).collect();
    for _ in 0..TURNS {
        for (language, measured) in languages.iter().zip(&mut all) {
            measured.extend(turn(language).map_err(|why| format!("{}: {why}", language.name))?);
        }
    }
    Ok(all)
}

/// All programs, built for speed; Rust's first.
fn built() -> Result<Vec<Language>> {
    step("building the programs for speed");
    inherit(cargo().args(["build", "--release", "--workspace", "--lib"]))?;
    inherit(cargo().args(["build", "--release", "--package", "dmagent", "--example", "language_agent"]))?;
    let release = run::built_folder("release")?;
    let c = run::target("bench-language-c");
    let mut compiler = run::program("cc");
    compiler.args(["-O2", "-std=gnu11", "-Iinclude", "ffi/benches/language.c", "-o"]).arg(&c);
    // The shared library bears another name until it is installed.
    compiler.arg(release.join("libdmagent.a")).args([
        "-lgcc_s",
        "-lutil",
        "-lrt",
        "-lpthread",
        "-lm",
        "-ldl",
    ]);
    inherit(&mut compiler)?;
    node::place("release")?;
    let venv = python::venv("dev", python::DEV).ok_or("the Python package cannot be built, see above")?;
    python::install_package(&venv, true)?;
    let source = |path: &str| run::root().join(path);
    let rust = vec![release.join("examples/language_agent")];
    let node = vec!["node".into(), source("node/benches/language.mjs")];
    let python = vec![venv.interpreter(), source("python/benches/language/agent.py")];
    let mut languages: Vec<Language> = [
        ("Rust", rust, None, None),
        ("C", vec![c], Some(1.1), Some(0.9)),
        ("Node.js", node, Some(1.8), Some(0.3)),
        ("Python", python, Some(1.8), Some(0.3)),
    ]
    .into_iter()
    .map(|(name, words, slower, rate)| {
        let words = words.into_iter().map(PathBuf::into_os_string).collect();
        Language { name, words, slower, rate }
    })
    .collect();
    match uniffi::kotlin() {
        Ok(kotlin) => {
            let package = kotlin.package()?;
            let own = kotlin.compiled("benches", &["kotlin/benches"], std::slice::from_ref(&package))?;
            let library = run::built_library("release", "dmagent_uniffi")?;
            let program = kotlin.program_with(&library, &[package, own], "dmagent.benches.LanguageKt")?;
            let words = [program.get_program()].into_iter().chain(program.get_args());
            let words = words.map(OsString::from).collect();
            languages.push(Language { name: "Kotlin", words, slower: Some(2.5), rate: None });
        }
        Err(why) => println!("{why}"),
    }
    Ok(languages)
}

/// A program in one of its roles.
struct Role {
    process: Child,
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Role {
    fn start(language: &Language, arguments: &[&str]) -> Result<Self> {
        let (program, words) = language.words.split_first().ok_or("no program")?;
        let mut command = Command::new(program);
        command.args(words).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let input = process.stdin.take();
        let lines = BufReader::new(process.stdout.take().ok_or("it has no output")?);
        Ok(Self { process, input, lines })
    }

    fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(1..) => Ok(line.trim().to_owned()),
            Ok(0) => Err("it ended too early, see above".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn say(&mut self, line: &[u8]) -> Result {
        self.input.as_mut().ok_or("it has no input")?.write_all(line).map_err(|error| error.to_string())
    }

    /// Ends its input, and waits until it has ended well.
    fn end(mut self) -> Result {
        drop(self.input.take());
        let status = self.process.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // After `end` there is nothing left to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How long each message took from `send` to the hands of the host, in nanoseconds.
fn conversation(language: &Language, durability: &str) -> Result<Vec<f64>> {
    let folders = ["bench-sender", "bench-receiver"].map(run::target);
    for folder in &folders {
        // Left by a run that was stopped.
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let [own, other] = [&folders[0], &folders[1]].map(|folder| folder.display().to_string());
    let mut receiver = Role::start(language, &["receive", &other, durability])?;
    let url = receiver.hear()?;
    let mut sender = Role::start(language, &["send", &own, durability, &url])?;
    let mut waits = Vec::new();
    for number in 0..WARM_UP + MESSAGES {
        sender.say(b"\n")?;
        let waited = receiver.hear()?;
        if number >= WARM_UP {
            waits.push(waited.parse().map_err(|error| format!("{waited}: {error}"))?);
        }
    }
    sender.end()?;
    receiver.end()?;
    for folder in &folders {
        let _ = fs::remove_dir_all(folder);
    }
    Ok(waits)
}

/// What two nodes of one process did.
struct Pair {
    rate: f64,
    /// In KiB.
    growth: f64,
}

fn pair(language: &Language) -> Result<Pair> {
    let mut both = Role::start(language, &["pair", &PAIR_MESSAGES.to_string()])?;
    let line = both.hear()?;
    both.end()?;
    let numbers: Vec<f64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [rate, early, late] = numbers[..] else { return Err(format!("it says {line}")) };
    Ok(Pair { rate, growth: late - early })
}

/// How much `require('dmagent')` adds to a start of Node.js.
fn start_of_node() -> Result {
    step(&format!("start of Node.js, {STARTS} times each"));
    let mut with = Vec::new();
    let mut without = Vec::new();
    for _ in 0..STARTS {
        for (script, times) in [("0", &mut without), ("require('dmagent')", &mut with)] {
            let mut command = run::program("node");
            command.args(["-e", script]).current_dir(run::root().join("node"));
            let began = Instant::now();
            inherit(&mut command)?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let (with, without) = (median(with), median(without));
    let mut table = String::from("| program | median (ms) | more (ms) | aim |\n|---|---|---|---|\n");
    let _ = writeln!(table, "| `node -e 0` | {without:.1} | | |");
    let _ = writeln!(table, "| `require('dmagent')` | {with:.1} | {:.1} | at most 15 |", with - without);
    print!("{table}");
    Ok(())
}
