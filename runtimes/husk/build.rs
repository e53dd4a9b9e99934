//! Builds the vDSO (vdso/) and leaves it, padded to whole pages, where src/process/exec/vdso.rs
//! includes it. Needs the linker of GNU binutils, as making the kernel does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

const PAGE_BYTES: usize = 4096;
const SOURCE: &str = "vdso/vdso.rs";
const SCRIPT: &str = "vdso/vdso.ld";

fn main() -> io::Result<()> {
    for input in [SOURCE, SCRIPT, "build.rs"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let directory = PathBuf::from(variable("OUT_DIR"));
    let object = directory.join("vdso.o");
    let library = directory.join("vdso.so");
    compile(&object);
    link(&object, &library);
    pad(&library, &directory.join("vdso.bin"))
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

fn compile(object: &Path) {
    run(Command::new(variable("RUSTC"))
        .args([
            "--crate-name",
            "vdso",
            "--crate-type",
            "lib",
            "--edition",
            "2024",
        ])
        .args(["--target", &variable("TARGET"), "--emit", "obj"])
        .args([
            "-C",
            "opt-level=2",
            "-C",
            "panic=abort",
            "-C",
            "relocation-model=pic",
        ])
        .args(["-C", "codegen-units=1", "-C", "debuginfo=0", SOURCE, "-o"])
        .arg(object));
}

fn link(object: &Path, library: &Path) {
    run(Command::new("ld")
        .args([
            "-shared",
            "-nostdlib",
            "--hash-style=both",
            "-soname",
            "linux-vdso.so.1",
        ])
        .args([
            "-z",
            "max-page-size=4096",
            "--build-id=none",
            "--no-undefined",
            "-T",
            SCRIPT,
        ])
        .arg(object)
        .arg("-o")
        .arg(library));
    run(Command::new("strip").arg("--strip-all").arg(library));
}

fn pad(library: &Path, binary: &Path) -> io::Result<()> {
    let mut bytes = fs::read(library)?;
    bytes.resize(bytes.len().next_multiple_of(PAGE_BYTES), 0);
    fs::write(binary, bytes)
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(|status| status.success()),
        "{command:?}: {status:?}"
    );
}
