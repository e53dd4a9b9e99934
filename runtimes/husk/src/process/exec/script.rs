//! `#!` scripts (execve(2) § Interpreter scripts): the interpreter runs instead, with the script's
//! path among its arguments.

use alloc::vec::Vec;

use super::read_at;
use super::replace::require_executable;
use crate::errno::{ELOOP, ENOEXEC, ENOMEM, Errno};
use crate::fs::node::NodeRef;
use crate::fs::{self, FileRef};

/// How many interpreters may be scripts themselves (Linux BINPRM: 5 in all).
const DEPTH: usize = 5;
/// Bytes of the first line that count (Linux BINPRM_BUF_SIZE).
const LINE_BYTES: usize = 256;

/// A program to load, and its arguments.
pub struct Words {
    pub node: NodeRef,
    pub name: Vec<u8>,
    pub arguments: Vec<Vec<u8>>,
}

/// Goes from a script to the program that runs it; anything else is left as it is.
pub fn resolve(mut words: Words) -> Result<Words, Errno> {
    for _ in 0..DEPTH {
        let file: FileRef = words.node.clone();
        let mut bytes = [0; LINE_BYTES];
        let size = read_at(&file, 0, &mut bytes)?;
        let start = bytes.get(..size).unwrap_or_default();
        if !start.starts_with(b"#!") {
            return Ok(words);
        }
        let line = first_line(start).ok_or(ENOEXEC)?;
        words = through_interpreter(words, line)?;
    }
    Err(ELOOP)
}

/// What follows `#!`, without the spaces around it; None when there is nothing, or when the
/// interpreter's name may go on behind what was read (Linux fs/binfmt_script.c).
fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"#!")?;
    let line = rest.split(|&byte| byte == b'\n').next()?;
    let is_cut = bytes.len() == LINE_BYTES && line.len() == rest.len();
    let line = if is_cut {
        line.trim_ascii_start()
    } else {
        line.trim_ascii()
    };
    let is_whole = !is_cut || line.iter().any(is_space);
    (is_whole && !line.is_empty()).then_some(line)
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// At most one argument comes from the line, spaces within and all.
fn through_interpreter(words: Words, line: &[u8]) -> Result<Words, Errno> {
    let end = line.iter().position(is_space).unwrap_or(line.len());
    let (interpreter, rest) = line.split_at_checked(end).unwrap_or_default();
    let node = fs::lookup(interpreter)?;
    require_executable(&node)?;
    let mut arguments = Vec::new();
    let count = words.arguments.len() + 2;
    arguments.try_reserve_exact(count).map_err(|_| ENOMEM)?;
    arguments.push(interpreter.to_vec());
    let option = rest.trim_ascii();
    if !option.is_empty() {
        arguments.push(option.to_vec());
    }
    arguments.push(words.name);
    arguments.extend(words.arguments.into_iter().skip(1));
    Ok(Words {
        node,
        name: interpreter.to_vec(),
        arguments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_after_the_mark_is_found() {
        assert_eq!(
            first_line(b"#! /bin/sh -e \nrest"),
            Some(&b"/bin/sh -e"[..])
        );
        assert_eq!(first_line(b"#!/bin/sh"), Some(&b"/bin/sh"[..]));
        assert_eq!(first_line(b"#! \n/bin/sh"), None);
        let mut cut = [b'x'; LINE_BYTES];
        cut[..2].copy_from_slice(b"#!");
        assert_eq!(first_line(&cut), None);
    }
}
