//! The root archive's format: cpio "newc" (cpio(5)), read in place. Nothing is copied; every slice
//! that comes out lies within the archive.

/// Why an archive cannot be read, and at which byte of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveError {
    pub offset: usize,
    pub what: &'static str,
}

/// One member of the archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// Where its header begins, for messages.
    pub offset: usize,
    /// Path without leading slashes and `./`; empty for the root itself.
    pub path: &'a [u8],
    /// File data, or a symbolic link's target.
    pub data: &'a [u8],
    pub inode: u32,
    /// S_IFMT and permission bits (inode(7)).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub links: u32,
    pub modified_s: u32,
    pub device_major: u32,
    pub device_minor: u32,
}

const MAGIC: &[u8] = b"070701";
const HEADER_BYTES: usize = 110;
const FIELD_BYTES: usize = 8;
const TRAILER: &[u8] = b"TRAILER!!!";
/// Fields of the header in order, after the magic.
const FIELDS: usize = 13;

/// Reads the members one after the other, up to the trailer.
pub struct Members<'a> {
    archive: &'a [u8],
    offset: usize,
    is_over: bool,
}

impl<'a> Members<'a> {
    pub fn new(archive: &'a [u8]) -> Self {
        Self {
            archive,
            offset: 0,
            is_over: false,
        }
    }

    fn read(&mut self) -> Result<Option<Member<'a>>, ArchiveError> {
        let offset = self.offset;
        let error = |what| ArchiveError { offset, what };
        let header = self.take(HEADER_BYTES)?;
        if !header.starts_with(MAGIC) {
            return Err(error("not a newc header"));
        }
        let fields = parse_fields(header).ok_or(error("a field is not hexadecimal"))?;
        let [
            inode,
            mode,
            uid,
            gid,
            links,
            modified_s,
            size,
            ..,
            major,
            minor,
            name_size,
            _,
        ] = fields;
        let padded_name = self.take(name_size as usize)?;
        let name_end = padded_name.iter().position(|&byte| byte == 0);
        let name = padded_name
            .get(..name_end.ok_or(error("the name does not end"))?)
            .unwrap_or_default();
        self.align();
        if name == TRAILER {
            return Ok(None);
        }
        let data = self.take(size as usize)?;
        self.align();
        Ok(Some(Member {
            offset,
            path: strip_root(name),
            data,
            inode,
            mode,
            uid,
            gid,
            links,
            modified_s,
            device_major: major,
            device_minor: minor,
        }))
    }

    fn take(&mut self, size_bytes: usize) -> Result<&'a [u8], ArchiveError> {
        let end = self.offset.checked_add(size_bytes);
        let taken = end.and_then(|end| self.archive.get(self.offset..end));
        let taken = taken.ok_or(ArchiveError {
            offset: self.offset,
            what: "the archive is cut short",
        })?;
        self.offset += size_bytes;
        Ok(taken)
    }

    /// Header with name, and data, are each padded to four bytes.
    fn align(&mut self) {
        self.offset = self.offset.next_multiple_of(4);
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let member = self.read();
        self.is_over = !matches!(member, Ok(Some(_)));
        member.transpose()
    }
}

fn parse_fields(header: &[u8]) -> Option<[u32; FIELDS]> {
    let mut fields = [0; FIELDS];
    let texts = header.get(MAGIC.len()..)?.chunks_exact(FIELD_BYTES);
    for (field, text) in fields.iter_mut().zip(texts) {
        *field = hexadecimal(text)?;
    }
    Some(fields)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |value, &digit| {
        let digit = (digit as char).to_digit(16)?;
        Some(value << 4 | digit)
    })
}

fn strip_root(mut name: &[u8]) -> &[u8] {
    loop {
        name = match name {
            [b'/', rest @ ..] | [b'.', b'/', rest @ ..] => rest,
            b"." => b"",
            _ => return name,
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Appends a member as `cpio -H newc` would.
    pub fn append(archive: &mut Vec<u8>, name: &str, mode: u32, inode: u32, data: &[u8]) {
        let links = if inode > 1000 { 2 } else { 1 };
        let header = [
            inode,
            mode,
            5,
            6,
            links,
            77,
            data.len() as u32,
            0,
            0,
            1,
            3,
            name.len() as u32 + 1,
            0,
        ];
        archive.extend(MAGIC);
        header
            .iter()
            .for_each(|field| archive.extend(alloc::format!("{field:08x}").as_bytes()));
        archive.extend(name.as_bytes());
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend(data);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }

    #[test]
    fn members_come_in_order_up_to_the_trailer() {
        let mut archive = Vec::new();
        append(&mut archive, ".", 0o40755, 1, b"");
        append(&mut archive, "./etc/hello", 0o100644, 2, b"hello");
        append(&mut archive, "TRAILER!!!", 0, 0, b"");
        archive.extend(b"rubbish after the trailer");
        let members: Vec<Member> = Members::new(&archive).map(|m| m.unwrap()).collect();
        assert_eq!(members.len(), 2);
        assert_eq!(members[0].path, b"");
        assert_eq!(members[1].path, b"etc/hello");
        assert_eq!(members[1].data, b"hello");
        assert_eq!(
            (members[1].uid, members[1].gid, members[1].modified_s),
            (5, 6, 77)
        );
        assert_eq!((members[1].device_major, members[1].device_minor), (1, 3));
    }

    #[test]
    fn padding_inside_the_name_field_is_not_part_of_the_name() {
        let mut archive = Vec::new();
        append(&mut archive, "a\0\0\0\0\0\0", 0o100644, 2, b"x");
        let first = Members::new(&archive).next().unwrap().unwrap();
        assert_eq!((first.path, first.data), (&b"a"[..], &b"x"[..]));
    }

    #[test]
    fn broken_archives_are_errors_at_an_offset() {
        let mut archive = Vec::new();
        append(&mut archive, "a", 0o100644, 2, b"12345678");
        let whole = archive.clone();
        archive.truncate(whole.len() - 4);
        let error = |bytes: &[u8]| Members::new(bytes).next().unwrap().unwrap_err();
        assert_eq!(error(&archive).what, "the archive is cut short");
        assert_eq!(error(b"").offset, 0);
        let mut bad = whole.clone();
        bad[0] = b'1';
        assert_eq!(error(&bad).what, "not a newc header");
        bad = whole.clone();
        bad[10] = b'g';
        assert_eq!(error(&bad).what, "a field is not hexadecimal");
        let no_end = whole
            .iter()
            .map(|&b| if b == 0 { b'x' } else { b })
            .collect::<Vec<u8>>();
        assert_eq!(error(&no_end).what, "the name does not end");
    }
}
