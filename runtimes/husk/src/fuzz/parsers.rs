//! Whatever bytes there are, a parser gives an error or something whose parts lie within them.

use alloc::vec::Vec;

use super::{Numbers, cases};
use crate::boot::command_line::Options;
use crate::boot::config::Config;
use crate::boot::environment;
use crate::fs::cpio::{Members, tests::append};
use crate::net::address::Address;
use crate::process::exec::elf::{HEADER_BYTES, Header, Layout, PROGRAM_HEADER_BYTES};

fn archive() -> Vec<u8> {
    let mut archive = Vec::new();
    append(&mut archive, "bin", 0o040_755, 1, b"");
    append(&mut archive, "bin/program", 0o100_755, 2, &[7; 300]);
    append(&mut archive, "link", 0o120_777, 3, b"bin/program");
    append(&mut archive, "TRAILER!!!", 0, 0, b"");
    archive
}

#[test]
fn members_of_an_archive_lie_within_it() {
    let (mut numbers, good) = (Numbers(1), archive());
    for _ in cases() {
        let mut bytes = numbers.spoil(&good);
        if numbers.below(2) == 0 {
            let digits = alloc::format!("{:08x}", numbers.hostile() as u32);
            let at = 6 + 8 * numbers.below(13);
            let field = bytes.iter_mut().skip(at);
            field.zip(digits.bytes()).for_each(|(to, from)| *to = from);
        }
        for member in Members::new(&bytes).map_while(Result::ok) {
            let all = bytes.as_ptr_range();
            for part in [member.path, member.data] {
                let part = part.as_ptr_range();
                assert!(all.start <= part.start && part.end <= all.end);
            }
        }
    }
}

fn program() -> (Vec<u8>, Vec<u8>) {
    let mut header = alloc::vec![0; HEADER_BYTES];
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    for (at, value) in [(16, 2), (18, 62), (32, 64), (54, 56), (56, 3)] {
        header[at] = value;
    }
    let mut programs = alloc::vec![0; 3 * PROGRAM_HEADER_BYTES];
    for (index, kind) in [1u8, 1, 3].into_iter().enumerate() {
        let at = index * PROGRAM_HEADER_BYTES;
        programs[at] = kind;
        programs[at + 4] = 5;
        programs[at + 18] = 0x40 + index as u8; // at 4 MiB and more
        programs[at + 33] = 2;
        programs[at + 41] = 3;
        programs[at + 49] = 0x10;
    }
    (header, programs)
}

#[test]
fn segments_of_a_program_do_not_wrap_round() {
    let (mut numbers, (header, programs)) = (Numbers(2), program());
    let good = Layout::parse(&programs, 1 << 20);
    assert!(good.is_ok_and(|layout| layout.segments.len() == 2));
    for _ in cases() {
        let header = Header::parse(&numbers.spoil(&header));
        let Ok(layout) = Layout::parse(&numbers.spoil(&programs), 1 << 20) else {
            continue;
        };
        let (start, end) = layout.span();
        assert!(start <= end);
        for segment in &layout.segments {
            assert!(start <= segment.address && segment.address <= end);
        }
        assert!(layout.alignment().is_power_of_two());
        if let Ok(header) = header {
            let _ = layout.program_headers_address(&header);
        }
    }
}

#[test]
fn any_configuration_and_command_line_is_read() {
    let mut numbers = Numbers(3);
    let config =
        b"hostname=h\0exe=/a\0arg=b\0uid=5\0gid=6\0groups=1,2\0umask=022\0env=A=1\0stop=3\0";
    let line =
        b"ip=10.0.2.15/24 gw=fe80::1 hostname=A=%41 seed=5 slice_us=10 strace=ff hostname=a%2";
    for _ in cases() {
        let _ = Config::parse(&numbers.spoil(config));
        let line = numbers.spoil(line);
        let words = line.split(|byte| byte.is_ascii_whitespace());
        let known = words.filter(|word| word.starts_with(b"hostname=") || word.starts_with(b"ip="));
        for word in known {
            let _ = Options::parse(word); // others are named on the console
        }
    }
}

#[test]
fn any_boot_module_is_variables_or_refused() {
    let (mut numbers, module) = (Numbers(5), b"HUSKENV1A=b\0LONG=value=x\0EMPTY=\0");
    for _ in cases() {
        let module = numbers.spoil(module);
        let Ok(variables) = environment::parse(&module) else {
            continue;
        };
        for variable in variables {
            let equals = variable.iter().position(|&byte| byte == b'=');
            assert!(equals.is_some_and(|at| at > 0) && !variable.contains(&0));
        }
    }
}

#[test]
fn any_socket_address_is_read_or_refused() {
    let mut numbers = Numbers(4);
    let mut good = [0u8; 110];
    for _ in cases() {
        good[0] = [1, 2, 10, 16][numbers.below(4)];
        let bytes = numbers.spoil(&good);
        if let Ok(address) = Address::decode(&bytes) {
            let family = u16::from(good[0]);
            let _ = address.encode(family);
        }
    }
}
