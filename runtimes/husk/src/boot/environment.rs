//! The environment given at this boot, which the image was not made with. It is the one boot module
//! (`hvm_start_info.modlist`, QEMU's `-initrd`): `HUSKENV1`, then every variable as `NAME=value`
//! and a NUL, as execve(2) takes them. It stays in memory where the hypervisor put it.
//!
//! Anything else in a boot module is refused: a program must not run without settings that somebody
//! believes it has.

use crate::errno::{E2BIG, EINVAL, Errno};
use crate::klog;
use crate::process::exec::CONTENT_LIMIT;
use crate::sync::Once;

const MAGIC: &[u8] = b"HUSKENV1";
/// MAX_ARG_STRLEN (execve(2)): the longest string, with its NUL.
const VARIABLE_LIMIT: usize = 128 << 10;

static MODULE: Once<&'static [u8]> = Once::new();

/// Keeps what the hypervisor loaded; empty when it loaded nothing.
pub fn install(module: &'static [u8]) {
    MODULE.set(module);
}

/// Variables given at this boot; the console is told of a module that is none of ours.
pub fn given() -> Result<impl Iterator<Item = &'static [u8]> + Clone, Errno> {
    let module = MODULE.get().copied().unwrap_or_default();
    parse(module).inspect_err(|error| {
        klog!("the environment given at boot is refused: {}", error.name());
    })
}

/// The variables in a module's bytes.
pub fn parse(module: &[u8]) -> Result<impl Iterator<Item = &[u8]> + Clone, Errno> {
    let variables = match module {
        [] => module,
        _ => module.strip_prefix(MAGIC).ok_or(EINVAL)?,
    };
    if !matches!(variables.last(), None | Some(0)) {
        return Err(EINVAL);
    }
    let each = variables
        .split_inclusive(|&byte| byte == 0)
        .map(|variable| &variable[..variable.len() - 1]);
    let mut size_bytes = variables.len();
    for variable in each.clone() {
        size_bytes += size_of::<usize>();
        if variable.len() >= VARIABLE_LIMIT || size_bytes > CONTENT_LIMIT {
            return Err(E2BIG);
        }
        if matches!(
            variable.iter().position(|&byte| byte == b'='),
            None | Some(0)
        ) {
            return Err(EINVAL);
        }
    }
    Ok(each)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn variables(module: &[u8]) -> Result<Vec<&[u8]>, Errno> {
        parse(module).map(Iterator::collect)
    }

    #[test]
    fn nothing_is_given_without_a_module_or_with_an_empty_one() {
        assert_eq!(variables(b""), Ok(Vec::new()));
        assert_eq!(variables(b"HUSKENV1"), Ok(Vec::new()));
    }

    #[test]
    fn values_are_any_bytes() {
        let given = variables(b"HUSKENV1A=b=c\0EMPTY=\0X=\xff\n\0");
        assert_eq!(given, Ok(vec![&b"A=b=c"[..], b"EMPTY=", b"X=\xff\n"]));
    }

    #[test]
    fn what_is_malformed_is_refused_as_a_whole() {
        let malformed: [&[u8]; 7] = [
            b"HUSKENV",
            b"070701 a cpio archive",
            b"HUSKENV2A=b\0",
            b"HUSKENV1A=b",
            b"HUSKENV1A=b\0C=d",
            b"HUSKENV1A=b\0NAME\0",
            b"HUSKENV1=b\0",
        ];
        for module in malformed {
            assert_eq!(variables(module), Err(EINVAL), "{}", module.escape_ascii());
        }
        assert_eq!(variables(b"HUSKENV1A=b\0\0"), Err(EINVAL));
    }

    #[test]
    fn what_execve_does_not_take_is_refused() {
        let of_size = |size: usize| [b"HUSKENV1A=", &vec![b'x'; size - 2][..], b"\0"].concat();
        assert!(variables(&of_size(VARIABLE_LIMIT - 1)).is_ok());
        assert_eq!(variables(&of_size(VARIABLE_LIMIT)), Err(E2BIG));
        let many = [MAGIC, &b"A=\0".repeat(CONTENT_LIMIT / 11 + 1)].concat();
        assert_eq!(variables(&many), Err(E2BIG));
    }
}
