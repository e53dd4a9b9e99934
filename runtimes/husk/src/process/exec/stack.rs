//! The initial stack of a program (System V ABI AMD64 § 3.4.1): argument count, pointers to
//! arguments and environment, the auxiliary vector, and above them what they point to. Arch-free.

use alloc::vec::Vec;

/// Types of auxiliary vector entries (getauxval(3)).
pub const AT_NULL: u64 = 0;
pub const AT_PHDR: u64 = 3;
pub const AT_PHENT: u64 = 4;
pub const AT_PHNUM: u64 = 5;
pub const AT_PAGESZ: u64 = 6;
pub const AT_BASE: u64 = 7;
pub const AT_FLAGS: u64 = 8;
pub const AT_ENTRY: u64 = 9;
pub const AT_UID: u64 = 11;
pub const AT_EUID: u64 = 12;
pub const AT_GID: u64 = 13;
pub const AT_EGID: u64 = 14;
pub const AT_PLATFORM: u64 = 15;
pub const AT_HWCAP: u64 = 16;
pub const AT_CLKTCK: u64 = 17;
pub const AT_SECURE: u64 = 23;
pub const AT_RANDOM: u64 = 25;
pub const AT_HWCAP2: u64 = 26;
pub const AT_EXECFN: u64 = 31;
pub const AT_SYSINFO_EHDR: u64 = 33;
pub const AT_MINSIGSTKSZ: u64 = 51;

/// What goes on the stack.
pub struct Content<'a> {
    pub arguments: &'a [Vec<u8>],
    pub environment: &'a [Vec<u8>],
    pub executable: &'a [u8],
    /// AT_RANDOM: where libc takes its stack protector's canary from.
    pub random: [u8; 16],
    /// Entries whose values are known already; AT_PLATFORM, AT_RANDOM, AT_EXECFN and AT_NULL are
    /// added.
    pub auxiliary: Vec<(u64, u64)>,
}

/// A stack ready to be copied to just below its top.
pub struct Image {
    pub bytes: Vec<u8>,
    /// The stack pointer: the address of the first byte.
    pub pointer: usize,
    pub auxiliary: Vec<u64>,
}

const PLATFORM: &[u8] = b"x86_64";
const WORD_BYTES: usize = size_of::<u64>();

/// Strings being placed downwards from the top.
struct Strings {
    /// The pieces, highest address first.
    pieces: Vec<Vec<u8>>,
    lowest: usize,
}

impl Strings {
    fn push(&mut self, text: &[u8]) -> u64 {
        let mut piece = text.to_vec();
        piece.push(0);
        self.push_raw(piece)
    }

    fn push_raw(&mut self, piece: Vec<u8>) -> u64 {
        self.lowest -= piece.len();
        self.pieces.push(piece);
        self.lowest as u64
    }

    /// Pointers to texts, the first of them at the lowest address.
    fn push_all(&mut self, texts: &[Vec<u8>]) -> Vec<u64> {
        let mut pointers: Vec<u64> = texts.iter().rev().map(|text| self.push(text)).collect();
        pointers.reverse();
        pointers
    }
}

/// Lays everything out below `top`. The caller has checked that it fits there (`size_bytes`).
pub fn build(top: usize, content: &Content) -> Image {
    let mut strings = Strings {
        pieces: Vec::new(),
        lowest: top,
    };
    strings.push_raw(alloc::vec![0; WORD_BYTES]);
    let executable = strings.push(content.executable);
    let environment = strings.push_all(content.environment);
    let arguments = strings.push_all(content.arguments);
    let platform = strings.push(PLATFORM);
    let random = strings.push_raw(content.random.to_vec());
    let mut auxiliary: Vec<u64> = content
        .auxiliary
        .iter()
        .flat_map(|&(kind, value)| [kind, value])
        .collect();
    auxiliary.extend([
        AT_PLATFORM,
        platform,
        AT_RANDOM,
        random,
        AT_EXECFN,
        executable,
        AT_NULL,
        0,
    ]);

    let mut words = alloc::vec![arguments.len() as u64];
    words.extend(arguments);
    words.push(0);
    words.extend(environment);
    words.push(0);
    words.extend(&auxiliary);
    let pointer = (strings.lowest - words.len() * WORD_BYTES) & !0xf;

    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize(strings.lowest - pointer, 0);
    strings
        .pieces
        .iter()
        .rev()
        .for_each(|piece| bytes.extend(piece));
    Image {
        bytes,
        pointer,
        auxiliary,
    }
}

/// More than `build` will need.
pub fn size_bytes(content: &Content) -> usize {
    const AROUND: usize = 512;
    let texts = content.arguments.iter().chain(content.environment);
    let text_bytes: usize = texts.map(|text| text.len() + 1 + WORD_BYTES).sum();
    text_bytes + content.executable.len() + content.auxiliary.len() * 2 * WORD_BYTES + AROUND
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: usize = 0x7fff_0000_0000;

    fn word(image: &Image, index: usize) -> u64 {
        u64::from_le_bytes(image.bytes[index * 8..index * 8 + 8].try_into().unwrap())
    }

    fn text(image: &Image, address: u64) -> &[u8] {
        let rest = &image.bytes[address as usize - image.pointer..];
        &rest[..rest.iter().position(|&byte| byte == 0).unwrap()]
    }

    #[test]
    fn everything_is_where_the_abi_says() {
        let content = Content {
            arguments: &[b"prog".to_vec(), b"-x".to_vec()],
            environment: &[b"A=1".to_vec()],
            executable: b"/bin/prog",
            random: *b"0123456789abcdef",
            auxiliary: vec![(AT_PAGESZ, 4096)],
        };
        let image = build(TOP, &content);
        assert_eq!(image.pointer % 16, 0);
        assert_eq!(image.pointer + image.bytes.len(), TOP);
        assert!(image.bytes.len() <= size_bytes(&content));
        assert_eq!(word(&image, 0), 2);
        assert_eq!(text(&image, word(&image, 1)), b"prog");
        assert_eq!(text(&image, word(&image, 2)), b"-x");
        assert_eq!((word(&image, 3), word(&image, 5)), (0, 0));
        assert_eq!(text(&image, word(&image, 4)), b"A=1");
        assert_eq!((word(&image, 6), word(&image, 7)), (AT_PAGESZ, 4096));
        assert_eq!(text(&image, word(&image, 9)), PLATFORM);
        assert_eq!(word(&image, 10), AT_RANDOM);
        let random = word(&image, 11) as usize - image.pointer;
        assert_eq!(&image.bytes[random..random + 16], b"0123456789abcdef");
        assert_eq!(text(&image, word(&image, 13)), b"/bin/prog");
        assert_eq!((word(&image, 14), word(&image, 15)), (AT_NULL, 0));
    }

    #[test]
    fn the_pointer_is_aligned_whatever_the_number_of_words() {
        for count in 0..6 {
            let content = Content {
                arguments: &vec![b"abc".to_vec(); count],
                environment: &[],
                executable: b"/p",
                random: [0; 16],
                auxiliary: vec![],
            };
            assert_eq!(build(TOP, &content).pointer % 16, 0);
        }
    }
}
