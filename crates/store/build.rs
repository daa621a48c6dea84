//! A new migration changes the binary although no Rust file did.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
