//! The generator of uniffi as a program; `cargo xtask gen` runs it over the built library.

fn main() {
    uniffi::uniffi_bindgen_main();
}
