//! What is written from the schema by `tools/generate.py`.

pub mod arguments;
pub mod codes;
pub mod events;
pub mod records;
pub mod settings;
pub mod verbs;
