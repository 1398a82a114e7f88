//! Prints `include/dmagent.h`: the functions and records of this crate with their documentation, the contract from the
//! head of `lib.rs`, and the statuses from the table of error codes.

use std::{fmt::Write as _, fs, path::Path};

use cbindgen::{Builder, Config, DocumentationLength, DocumentationStyle, Language, Layout, Style};
use dmagent_core::error::Code;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lib = fs::read_to_string(folder.join("src/lib.rs")).expect("the crate has a lib.rs");
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        header: Some(contract(&lib)),
        after_includes: Some(statuses()),
        trailer: Some(include_str!("header/trailer.h").trim_end().to_owned()),
        documentation_style: DocumentationStyle::C99,
        documentation_length: DocumentationLength::Full,
        style: Style::Both,
        line_length: 118,
        tab_width: 4,
        usize_is_size_t: true,
        no_includes: true,
        ..Config::default()
    };
    config.sys_includes = ["stdbool.h", "stddef.h", "stdint.h", "string.h"].map(str::to_owned).to_vec();
    // The statuses come first, from the table.
    config.export.exclude = ["DM_OK", "dm_status"].map(str::to_owned).to_vec();
    config.function.args = Layout::Auto;
    let builder = Builder::new().with_config(config).with_src(folder.join("src/lib.rs"));
    let mut bytes = Vec::new();
    builder.generate().expect("the crate is well formed").write(&mut bytes);
    print!("{}", without_safety(&String::from_utf8(bytes).expect("the crate is text")));
}

/// The contract, as a comment.
fn contract(lib: &str) -> String {
    let mut text = String::from(
        "// dmagent: an agent mesh that you link.\n//\n// Made by `cargo xtask gen`; change the crate `ffi` instead.\n//\n",
    );
    for line in lib.lines().map_while(|line| line.strip_prefix("//!")) {
        writeln!(text, "//{line}").expect("a string takes everything");
    }
    text + "\n#ifndef DMAGENT_H\n#define DMAGENT_H\n"
}

/// The numbers of all errors.
fn statuses() -> String {
    let mut text = String::from(
        "\n// `DM_OK`, or the number of an error. Numbers never change their meaning; later versions may add some.\ntypedef int32_t dm_status;\n\nenum {\n    // The call did what it says.\n    DM_OK = 0,\n",
    );
    for code in Code::ALL {
        let name = code.name().to_uppercase();
        writeln!(text, "    // {}\n    DM_{name} = {},", code.doc().trim(), code.number())
            .expect("a string takes everything");
    }
    text.push_str("};\n\n// The version of this header; `dm_version` tells that of the library.\n");
    writeln!(text, "#define DM_VERSION \"{}\"", env!("CARGO_PKG_VERSION"))
        .expect("a string takes everything");
    text
}

/// What Rust wants to be told about `unsafe` stands once in the contract.
fn without_safety(header: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut skips = false;
    for line in header.lines() {
        skips = line.starts_with("// # Safety") || (skips && line.starts_with("//"));
        if !skips {
            // The empty line before the heading.
            while !line.starts_with("//") && kept.last() == Some(&"//") {
                kept.pop();
            }
            kept.push(line.trim_end());
        }
    }
    kept.join("\n") + "\n"
}
