//! The kernel command line: words separated by spaces, values percent-encoded.

use alloc::vec::Vec;

use crate::klog;

/// An address with its prefix length, as in `10.0.2.15/24` or `fd00::15/64`.
pub type TextAddress = Vec<u8>;

/// What the host asks for at this boot.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Options {
    /// Static addresses; none means DHCP.
    pub addresses: Vec<TextAddress>,
    pub gateways: Vec<TextAddress>,
    pub nameservers: Vec<TextAddress>,
    pub hostname: Option<Vec<u8>>,
    /// Seeds address space layout: the same seed, the same layout.
    pub seed: Option<u64>,
    /// Microseconds that a thread computes while others are ready to: a short one finds races.
    pub slice_us: Option<u64>,
    /// Which system calls to record (`trace::plan`); none when empty.
    pub strace: Vec<u8>,
}

/// An empty command line.
pub static NONE: Options = Options {
    addresses: Vec::new(),
    gateways: Vec::new(),
    nameservers: Vec::new(),
    hostname: None,
    seed: None,
    slice_us: None,
    strace: Vec::new(),
};

impl Options {
    /// Words that are not understood are named on the console.
    pub fn parse(line: &[u8]) -> Options {
        let mut options = Options::default();
        for word in line
            .split(|byte| byte.is_ascii_whitespace())
            .filter(|word| !word.is_empty())
        {
            if !options.take(word) {
                klog!("unknown option \"{}\"", word.escape_ascii());
            }
        }
        options
    }

    fn take(&mut self, word: &[u8]) -> bool {
        let Some(equals) = word.iter().position(|&byte| byte == b'=') else {
            return false;
        };
        let value = percent_decode(&word[equals + 1..]);
        match &word[..equals] {
            b"ip" => self.addresses.push(value),
            b"gateway" => self.gateways.push(value),
            b"nameserver" => self.nameservers.push(value),
            b"hostname" => self.hostname = Some(value),
            b"strace" => self.strace = value,
            b"seed" => self.seed = number(&value),
            b"slice_us" => self.slice_us = number(&value),
            _ => return false,
        }
        true
    }
}

fn number(value: &[u8]) -> Option<u64> {
    core::str::from_utf8(value).ok()?.parse().ok()
}

/// RFC 3986 § 2.1; a `%` without two hexadecimal digits stands for itself.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%').then(|| hexadecimal_pair(tail)).flatten();
        decoded.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    decoded
}

fn hexadecimal_pair(text: &[u8]) -> Option<u8> {
    let digits = core::str::from_utf8(text.get(..2)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_decoded() {
        assert_eq!(percent_decode(b"A%3Db%20c%zz%"), b"A=b c%zz%");
    }

    #[test]
    fn words_are_taken_by_key() {
        let options = Options::parse(b" ip=10.0.2.15/24 gateway=10.0.2.2  hostname=a%20b seed=7 ");
        assert_eq!(options.addresses, [b"10.0.2.15/24".to_vec()]);
        assert_eq!(options.gateways, [b"10.0.2.2".to_vec()]);
        assert_eq!(options.hostname, Some(b"a b".to_vec()));
        assert_eq!(options.seed, Some(7));
    }
}
