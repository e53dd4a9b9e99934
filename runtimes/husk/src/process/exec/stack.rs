//! The initial stack of a program (System V ABI AMD64 § 3.4.1): argument count, pointers to
//! arguments and environment, the auxiliary vector, and above them what they point to. Arch-free.

use alloc::vec::Vec;

use crate::errno::Errno;
use crate::mm::heap;

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

/// The image of a stack that is being filled: words, and above them what they point to. Texts follow
/// each other as Linux has them: who changes its own title counts on that.
struct Area {
    bytes: Vec<u8>,
    pointer: usize,
    words: usize,
    next: usize,
}

impl Area {
    fn put_word(&mut self, word: u64) {
        let start = self.words * WORD_BYTES;
        self.words += 1;
        self.put(start, &word.to_le_bytes());
    }

    /// The address of what is put next.
    fn put_next(&mut self, bytes: &[u8]) -> u64 {
        let address = self.next;
        self.put(address - self.pointer, bytes);
        self.next += bytes.len();
        address as u64
    }

    /// The NUL that ends it is one of the zeros that are there.
    fn put_text(&mut self, text: &[u8]) -> u64 {
        let address = self.put_next(text);
        self.next += 1;
        address
    }

    /// A list of pointers that a null pointer ends, and what they point to.
    fn put_texts(&mut self, texts: &[Vec<u8>]) {
        for text in texts {
            let address = self.put_text(text);
            self.put_word(address);
        }
        self.put_word(0);
    }

    fn put(&mut self, start: usize, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

/// Lays everything out below `top`; ENOMEM without the memory for it. The caller has checked that
/// it fits there (`size_bytes`).
pub fn build(top: usize, content: &Content) -> Result<Image, Errno> {
    let (words, text_bytes) = measure(content);
    let pointer = (top - text_bytes - words * WORD_BYTES) & !0xf;
    let mut area = Area {
        bytes: heap::zeros(top - pointer)?,
        pointer,
        words: 0,
        next: top - text_bytes,
    };
    let random = area.put_next(&content.random);
    let platform = area.put_text(PLATFORM);
    area.put_word(content.arguments.len() as u64);
    area.put_texts(content.arguments);
    area.put_texts(content.environment);
    let executable = area.put_text(content.executable);
    let known = content.auxiliary.iter().copied();
    let added = [
        (AT_PLATFORM, platform),
        (AT_RANDOM, random),
        (AT_EXECFN, executable),
        (AT_NULL, 0),
    ];
    let auxiliary: Vec<u64> = known
        .chain(added)
        .flat_map(|(kind, value)| [kind, value])
        .collect();
    auxiliary.iter().for_each(|&word| area.put_word(word));
    Ok(Image {
        bytes: area.bytes,
        pointer,
        auxiliary,
    })
}

/// How many words there will be, and how many bytes of what they point to, the word of zeros that
/// ends the stack among them.
fn measure(content: &Content) -> (usize, usize) {
    const ADDED: usize = 4; // entries of the auxiliary vector
    let texts = content.arguments.len() + content.environment.len();
    let words = 1 + texts + 2 + 2 * (content.auxiliary.len() + ADDED);
    let all = content.arguments.iter().chain(content.environment);
    let own = [content.executable, PLATFORM].into_iter();
    let sizes = all.map(Vec::as_slice).chain(own).map(|text| text.len() + 1);
    (
        words,
        WORD_BYTES + content.random.len() + sizes.sum::<usize>(),
    )
}

/// More than `build` will need.
pub fn size_bytes(content: &Content) -> usize {
    const ALIGNMENT: usize = 16;
    let (words, text_bytes) = measure(content);
    words * WORD_BYTES + text_bytes + ALIGNMENT
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
        let image = build(TOP, &content).unwrap();
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
            assert_eq!(build(TOP, &content).unwrap().pointer % 16, 0);
        }
    }
}
