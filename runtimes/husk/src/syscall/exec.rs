//! execve(2) and execveat(2).

use alloc::vec::Vec;

use super::path::{self, AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW};
use crate::errno::{E2BIG, EACCES, EINVAL, ELOOP, ENAMETOOLONG, Errno, SysResult};
use crate::fs::node::{NodeRef, node_of};
use crate::mm::{heap, reserve, user};
use crate::process::exec::replace::{Request, replace};
use crate::syscall;

/// One string of arguments or environment (execve(2), MAX_ARG_STRLEN).
const STRING_BYTES: usize = 32 * 4096;
/// All strings together: a quarter of the default RLIMIT_STACK.
const TOTAL_BYTES: usize = 2 << 20;

syscall! {
    fn sys_execve(name: usize, arguments: usize, environment: usize) {
        execute(AT_FDCWD, name, arguments, environment, 0)
    }

    fn sys_execveat(fd: i32, name: usize, arguments: usize, environment: usize, flags: u32) {
        execute(fd, name, arguments, environment, flags)
    }
}

fn execute(
    directory: i32,
    name: usize,
    arguments: usize,
    environment: usize,
    flags: u32,
) -> SysResult {
    if flags & !(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0 {
        return Err(EINVAL);
    }
    let mut room = TOTAL_BYTES;
    let name_given = path::read(name)?;
    let node = find(directory, name, flags)?;
    let mut arguments = read_strings(arguments, &mut room)?;
    if arguments.is_empty() {
        arguments.push(Vec::new()); // as Linux does since 5.18
    }
    replace(Request {
        name: shown_name(directory, name_given),
        node,
        arguments,
        environment: read_strings(environment, &mut room)?,
    })
}

fn find(directory: i32, name: usize, flags: u32) -> Result<NodeRef, Errno> {
    let file = path::find_at(directory, name, flags)?;
    let node = node_of(&file).ok_or(EACCES)?;
    if node.is_link() {
        return Err(ELOOP);
    }
    Ok(node)
}

/// What AT_EXECFN and a script's interpreter are told (execveat(2) NOTES).
fn shown_name(directory: i32, name: Vec<u8>) -> Vec<u8> {
    if directory == AT_FDCWD || name.first() == Some(&b'/') {
        return name;
    }
    let mut shown = alloc::format!("/dev/fd/{directory}").into_bytes();
    if !name.is_empty() {
        shown.push(b'/');
        shown.extend(name);
    }
    shown
}

/// A NULL-terminated array of strings; a null array is an empty one (execve(2) NOTES).
fn read_strings(array: usize, room: &mut usize) -> Result<Vec<Vec<u8>>, Errno> {
    let mut strings = Vec::new();
    let mut at = array;
    while at != 0 {
        let address: usize = user::read(at)?;
        if address == 0 {
            break;
        }
        let string = user::read_string(address, STRING_BYTES - 1).map_err(|error| match error {
            ENAMETOOLONG => E2BIG,
            error => error,
        })?;
        let needed = string.len() + 1 + size_of::<usize>();
        *room = room.checked_sub(needed).ok_or(E2BIG)?;
        reserve::check(needed)?;
        heap::push(&mut strings, string)?;
        at = at.wrapping_add(size_of::<usize>());
    }
    Ok(strings)
}
