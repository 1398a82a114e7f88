//! Runs the C programs of `tests/c` against this library: linked statically and shared, under AddressSanitizer, and under
//! valgrind where that is installed. Needs a C compiler.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use tempfile::TempDir;

/// The programs, whether they run under AddressSanitizer, and whether valgrind looks for leaks in them.
const PROGRAMS: [(&str, bool, Option<bool>); 6] = [
    ("conversation", true, Some(true)),
    ("misuse", true, Some(true)),
    ("callbacks", true, Some(true)),
    // Its time limits are too short where every instruction is emulated.
    ("policy", true, None),
    ("threads", true, Some(true)),
    // A fork leaves the locks of the sanitizer's own allocator, and whatever else they hold, with threads that are gone.
    ("fork", false, Some(false)),
];
/// How long a program may run, in seconds, before it counts as one that hangs.
const PATIENCE: &str = "300";
/// What a static library of Rust needs from the system.
const SYSTEM: [&str; 6] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];
const STRICT: [&str; 7] = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-g", "-O1"];

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo puts the library: above the folder of this program. A test alone is no reason for cargo to build it.
fn libraries() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        // What cargo told this test about its package would make build scripts believe that something changed for them.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "OUT_DIR"]
                .iter()
                .any(|start| text.starts_with(start))
            {
                build.env_remove(&name);
            }
        }
        // All of the workspace: one package alone would be built with other features, and anew.
        done(build.args(["build", "--quiet", "--workspace", "--lib"]).current_dir(here()), "cargo build");
        let own = env::current_exe().expect("this program has a path");
        own.ancestors().nth(2).expect("it lies in target/PROFILE/deps").to_path_buf()
    })
}

fn done(command: &mut Command, what: &str) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{what} does not start: {error}"));
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{text}", output.status);
    output
}

/// A compiler of C, or of another language that includes C, for one program.
fn compile(compiler: &str, source: &Path, flags: &[&str], to: &Path) {
    let mut command = Command::new(compiler);
    command.args(flags).arg("-I").arg(here().join("../include")).arg("-I").arg(here().join("tests/c"));
    command.arg(source).arg("-o").arg(to);
    if !flags.contains(&"-DSHARED") {
        command.arg(libraries().join("libdmagent.a")).args(SYSTEM);
    } else {
        let folder = libraries();
        command.arg("-L").arg(folder).arg("-ldmagent").arg("-lpthread");
        command.arg(format!("-Wl,-rpath,{}", folder.display()));
    }
    done(&mut command, &format!("{compiler} {}", source.display()));
}

fn built(folder: &TempDir, program: &str, flags: &[&str]) -> PathBuf {
    let to = folder.path().join(program);
    compile("cc", &here().join("tests/c").join(format!("{program}.c")), &[&STRICT, flags].concat(), &to);
    to
}

fn run(program: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.arg(PATIENCE).arg(program);
    command.current_dir(program.parent().expect("a program lies in a folder"));
    command
}

#[test]
fn the_programs_pass_with_the_static_library() {
    let folder = TempDir::new().unwrap();
    for (program, ..) in PROGRAMS {
        done(&mut run(&built(&folder, program, &[])), program);
    }
}

#[test]
fn the_programs_pass_under_address_sanitizer() {
    let folder = TempDir::new().unwrap();
    for (program, ..) in PROGRAMS.iter().filter(|(_, sanitized, _)| *sanitized) {
        let built = built(&folder, program, &["-fsanitize=address", "-fno-omit-frame-pointer"]);
        done(run(&built).env("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0"), program);
    }
}

/// A sanitizer that is not linked finds nothing: this program leaks, and writes where it must not.
#[test]
fn address_sanitizer_is_linked_and_finds_what_is_wrong() {
    let folder = TempDir::new().unwrap();
    for (deed, words) in [("LEAK", "detected memory leaks"), ("OVERRUN", "heap-buffer-overflow")] {
        let define = format!("-D{deed}");
        let flags = [&STRICT[..], &["-fsanitize=address", &define]].concat();
        let to = folder.path().join(deed);
        compile("cc", &here().join("tests/c/broken.c"), &flags, &to);
        let output = run(&to).env("ASAN_OPTIONS", "detect_leaks=1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{deed}: {}\n{said}", output.status);
    }
}

#[test]
fn the_shared_library_has_its_name_and_works() {
    let folder = TempDir::new().unwrap();
    let program = built(&folder, "conversation", &["-DSHARED"]);
    let soname = format!("libdmagent.so.{}", include_str!("../abi").trim());
    // The name inside is that of an installed library.
    std::os::unix::fs::symlink(libraries().join("libdmagent.so"), folder.path().join(&soname)).unwrap();
    done(run(&program).env("LD_LIBRARY_PATH", folder.path()), "conversation");
    let needed = done(Command::new("readelf").arg("-d").arg(&program), "readelf");
    assert!(String::from_utf8_lossy(&needed.stdout).contains(&soname));
}

#[test]
fn a_c_plus_plus_compiler_takes_the_header_as_it_is() {
    let folder = TempDir::new().unwrap();
    let to = folder.path().join("conversation");
    let source = folder.path().join("conversation.cpp");
    std::fs::copy(here().join("tests/c/conversation.c"), &source).unwrap();
    compile("c++", &source, &["-std=c++17", "-Wall", "-Wextra", "-Werror", "-g"], &to);
    done(&mut run(&to), "conversation");
}

#[test]
fn the_face_for_c_plus_plus_passes_plain_and_under_address_sanitizer() {
    let folder = TempDir::new().unwrap();
    let strict = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wshadow", "-g", "-O1"];
    for more in [&[][..], &["-fsanitize=address"]] {
        let to = folder.path().join("face");
        compile("c++", &here().join("tests/c/face.cpp"), &[&strict, more].concat(), &to);
        done(run(&to).env("ASAN_OPTIONS", "detect_leaks=1"), "face");
    }
}

/// What they say is compared with the other languages where the packages are tested.
#[test]
fn the_examples_compile_without_a_warning_and_lose_nothing() {
    let folder = TempDir::new().unwrap();
    let cpp = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-fsanitize=address"];
    let c = [&STRICT[..], &["-fsanitize=address"]].concat();
    for (compiler, language, flags) in [("cc", "c", &c[..]), ("c++", "cpp", &cpp[..])] {
        for story in ["hello_mesh", "two_agents", "custom_policy"] {
            let to = folder.path().join(format!("{story}_{language}"));
            compile(compiler, &here().join(format!("examples/{language}/{story}.{language}")), flags, &to);
            let said = done(run(&to).env("ASAN_OPTIONS", "detect_leaks=1"), story);
            assert!(!said.stdout.is_empty(), "{story} says nothing");
        }
    }
}

#[test]
fn valgrind_finds_nothing() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("valgrind is not installed, so this was not checked");
        return;
    }
    let folder = TempDir::new().unwrap();
    let mut emulated: Vec<_> = PROGRAMS
        .iter()
        .filter_map(|(program, _, leaks)| leaks.map(|leaks| (built(&folder, program, &[]), leaks)))
        .collect();
    let face = folder.path().join("face");
    compile("c++", &here().join("tests/c/face.cpp"), &["-std=c++17", "-g", "-O1"], &face);
    emulated.push((face, true));
    for (program, leaks) in emulated {
        let mut command = Command::new("timeout");
        command.args([PATIENCE, "valgrind", "--quiet", "--error-exitcode=9"]);
        if leaks {
            command.args(["--leak-check=full", "--errors-for-leak-kinds=definite"]);
        }
        let what = program.display().to_string();
        done(command.arg(program).current_dir(folder.path()), &what);
    }
}

#[test]
fn the_version_of_the_border_is_that_of_the_library_name() {
    let header = std::fs::read_to_string(here().join("../include/dmagent.h")).unwrap();
    let line = format!("#define DM_ABI_VERSION {}\n", include_str!("../abi").trim());
    assert!(header.contains(&line), "ffi/abi, DM_ABI_VERSION and the header belong together");
}
