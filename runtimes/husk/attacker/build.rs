//! A static program without the C library, in one segment (attacker.ld): so it has nothing to
//! relocate, and can drop a copy of itself.

const SCRIPT: &str = "attacker.ld";

fn main() {
    println!("cargo::rerun-if-changed={SCRIPT}");
    let script = format!("-Wl,-T,{}/{SCRIPT}", env!("CARGO_MANIFEST_DIR"));
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-Wl,--build-id=none",
        "-Wl,--strip-all",
        &script,
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
