//! Gives the shared library a name of its own in programs that link it: a version with another border is another name.

#[expect(clippy::disallowed_methods, reason = "cargo tells build scripts everything this way")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if system == "linux" {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libdmagent.so.{}", include_str!("abi").trim());
    } else if system == "macos" {
        println!(
            "cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libdmagent.{}.dylib",
            include_str!("abi").trim()
        );
    }
}
