//! Prints the schema of the facade: the source of `include/dmagent.schema.json` and of the bindings.

fn main() {
    println!("{:#}", dmagent::api::schema());
}
