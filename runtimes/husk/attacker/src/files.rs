//! Programs, code and secrets in files.

use core::ffi::CStr;

use crate::call::{self, number};
use crate::memory::{MAP_PRIVATE, PROT_EXEC, PROT_READ, RETURN_42, address, run_at};
use crate::start::Arguments;
use crate::{ARRIVED, report};

const AT_FDCWD: usize = -100isize as usize;
const AT_EMPTY_PATH: usize = 0x1000;
const O_RDONLY: usize = 0;
const O_WRONLY_CREAT_TRUNC: usize = 1 | 0o100 | 0o1000;
const EXECUTABLE: usize = 0o755;
/// An array of strings that has none.
const NOTHING: [usize; 1] = [0];
/// Longer than any name of a directory here and the file in it.
const PATH_BYTES: usize = 512;

unsafe extern "C" {
    /// Of attacker.ld: this program's file as it lies in memory.
    safe static file_start: u8;
    safe static file_end: u8;
}

pub fn start_a_shell(arguments: &Arguments) {
    // What it says is on the console; that it runs is seen by execve(2) not coming back.
    let [name, option, command] = [c"sh", c"-c", c"echo a shell runs"].map(address);
    for path in arguments.places() {
        if open(path).is_some() {
            execute(path, &[name, option, command, 0]);
        }
    }
}

pub fn execute_a_dropped_file(arguments: &Arguments) {
    for directory in arguments.places() {
        let path = Path::new(directory, b"/dropped-program");
        if drop_file(path.text(), this_program()) {
            execute(path.text(), &[address(path.text()), address(ARRIVED), 0]);
        }
    }
}

pub fn execute_a_file_in_memory(_: &Arguments) {
    let call = [address(c"dropped"), 0];
    let made = call::told("memfd_create", b"", number::MEMFD_CREATE, &call);
    let Some(file) = made else { return };
    if !write(file, this_program()) {
        return;
    }
    execute_open(file);
    // It was open for writing; by its name it can be opened for reading alone.
    let digit = b'0' + file as u8;
    let path = Path::new(c"/proc/self/fd/", &[digit]);
    if let Some(to_read) = open(path.text()) {
        call::quietly(number::CLOSE, &[file]);
        execute_open(to_read);
    }
}

/// What dlopen(3) does.
pub fn map_code_of_a_dropped_file(arguments: &Arguments) {
    for directory in arguments.places() {
        let path = Path::new(directory, b"/dropped-library");
        if !drop_file(path.text(), &RETURN_42) {
            continue;
        }
        let Some(file) = open(path.text()) else {
            continue;
        };
        let protection = PROT_READ | PROT_EXEC;
        let call = [0, RETURN_42.len(), protection, MAP_PRIVATE, file, 0];
        let name = path.text().to_bytes();
        if let Some(code) = call::told("mmap PROT_EXEC", name, number::MMAP, &call) {
            return run_at(code);
        }
    }
}

pub fn read_the_password_file(_: &Arguments) {
    let path = c"/etc/shadow";
    let Some(file) = open(path) else { return };
    let mut byte = [0u8];
    let call = [file, byte.as_mut_ptr() as usize, 1, 0];
    let ways: [(&str, usize, &[usize]); 2] = [
        ("read", number::READ, &call),
        ("pread64", number::PREAD64, &call),
    ];
    if call::first_linked(path.to_bytes(), &ways) == Some(1) {
        report::achieved();
    }
}

/// What is made of a directory and a name, and ends with a NUL.
struct Path([u8; PATH_BYTES]);

impl Path {
    fn new(directory: &CStr, name: &[u8]) -> Path {
        let mut bytes = [0; PATH_BYTES];
        let text = directory.to_bytes().iter().chain(name);
        let places = bytes.iter_mut().take(PATH_BYTES - 1);
        places.zip(text).for_each(|(to, from)| *to = *from);
        Path(bytes)
    }

    fn text(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

fn this_program() -> &'static [u8] {
    let begin = &raw const file_start;
    let size = &raw const file_end as usize - begin as usize;
    // SAFETY: the one segment begins with the file's header and is never written to.
    unsafe { core::slice::from_raw_parts(begin, size) }
}

fn open(path: &CStr) -> Option<usize> {
    open_with(path, O_RDONLY)
}

fn open_with(path: &CStr, flags: usize) -> Option<usize> {
    let at = [AT_FDCWD, address(path), flags, EXECUTABLE];
    let ways: [(&str, usize, &[usize]); 2] = [
        ("openat", number::OPENAT, &at),
        ("open", number::OPEN, &at[1..]),
    ];
    call::first_linked(path.to_bytes(), &ways)
}

fn drop_file(path: &CStr, content: &[u8]) -> bool {
    let Some(file) = open_with(path, O_WRONLY_CREAT_TRUNC) else {
        return false;
    };
    let is_written = write(file, content);
    // A file that is open for writing is not executed (execve(2), ETXTBSY).
    call::quietly(number::CLOSE, &[file]);
    is_written
}

fn write(file: usize, content: &[u8]) -> bool {
    let call = [file, content.as_ptr() as usize, content.len(), 0];
    let ways: [(&str, usize, &[usize]); 2] = [
        ("write", number::WRITE, &call),
        ("pwrite64", number::PWRITE64, &call),
    ];
    call::first_linked(b"", &ways) == Some(content.len())
}

fn execute(path: &CStr, argv: &[usize]) {
    let nothing = NOTHING.as_ptr() as usize;
    let call = [address(path), argv.as_ptr() as usize, nothing];
    call::told("execve", path.to_bytes(), number::EXECVE, &call);
}

fn execute_open(file: usize) {
    let argv = [address(c"dropped"), address(ARRIVED), 0];
    let nothing = NOTHING.as_ptr() as usize;
    let argv = argv.as_ptr() as usize;
    let call = [file, address(c""), argv, nothing, AT_EMPTY_PATH];
    call::told("execveat", b"", number::EXECVEAT, &call);
}
