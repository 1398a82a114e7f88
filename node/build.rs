//! What a library that Node.js loads needs from the linker.

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script the target in the environment")]
fn main() {
    napi_build::setup();
    // Node.js unloads a library with the last worker thread that used it. Our threads, and destructors of threads that
    // came by, would then run code that is gone.
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target == "linux" {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
