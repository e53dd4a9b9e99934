//! The line discipline of a pseudo-terminal (termios(3)): editing, echo, signals, and what becomes of
//! line ends. Not here: flow control (IXON), tabs and delays of output, job control's SIGTTIN and
//! SIGTTOU, VLNEXT and VREPRINT.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::device::{TERMIOS, TERMIOS_BYTES};

/// Bytes of input, an unfinished line included, and of output that are held (N_TTY_BUF_SIZE).
pub const INPUT_LIMIT: usize = 4096;
pub const OUTPUT_LIMIT: usize = 16_384;

// Where the four flag words and the control characters are in `struct termios` (termbits.h).
const INPUT_FLAGS: usize = 0;
const OUTPUT_FLAGS: usize = 4;
const LOCAL_FLAGS: usize = 12;
const CHARACTERS: usize = 17;

const INLCR: u32 = 0o100;
const IGNCR: u32 = 0o200;
const ICRNL: u32 = 0o400;
const OPOST: u32 = 1;
const ONLCR: u32 = 4;
const OCRNL: u32 = 0o10;
const ISIG: u32 = 1;
const ICANON: u32 = 2;
const ECHO: u32 = 0o10;
const ECHOE: u32 = 0o20;
const ECHOK: u32 = 0o40;
const ECHONL: u32 = 0o100;
const NOFLSH: u32 = 0o200;
const ECHOCTL: u32 = 0o1000;

const VINTR: usize = 0;
const VQUIT: usize = 1;
const VERASE: usize = 2;
const VKILL: usize = 3;
const VEOF: usize = 4;
pub const VTIME: usize = 5;
pub const VMIN: usize = 6;
const VSUSP: usize = 10;
const VEOL: usize = 11;
const VWERASE: usize = 14;

const SIGINT: u32 = 2;
const SIGQUIT: u32 = 3;
const SIGTSTP: u32 = 20;

pub struct Terminal {
    settings: [u8; TERMIOS_BYTES],
    /// What the slave may read, and in canonical mode how long its lines are; 0 is an end of file.
    input: VecDeque<u8>,
    lines: VecDeque<usize>,
    /// The line that is being edited.
    line: Vec<u8>,
    /// What the master may read.
    pub output: VecDeque<u8>,
}

impl Default for Terminal {
    fn default() -> Self {
        Self {
            settings: TERMIOS,
            input: VecDeque::new(),
            lines: VecDeque::new(),
            line: Vec::new(),
            output: VecDeque::new(),
        }
    }
}

impl Terminal {
    pub fn settings(&self) -> [u8; TERMIOS_BYTES] {
        self.settings
    }

    /// tcsetattr(3). What was typed stays: as one line, or as bytes without lines.
    pub fn set(&mut self, settings: [u8; TERMIOS_BYTES]) {
        let was_canonical = self.is_canonical();
        self.settings = settings;
        if was_canonical == self.is_canonical() {
            return;
        }
        self.lines.clear();
        self.input.extend(core::mem::take(&mut self.line));
        if !was_canonical && !self.input.is_empty() {
            self.lines.push_back(self.input.len());
        }
    }

    fn has(&self, word: usize, flag: u32) -> bool {
        let bytes = self.settings.get(word..word + 4);
        let flags = bytes.and_then(|bytes| bytes.try_into().ok());
        flags.is_some_and(|flags| u32::from_ne_bytes(flags) & flag != 0)
    }

    fn is_canonical(&self) -> bool {
        self.has(LOCAL_FLAGS, ICANON)
    }

    pub fn character(&self, which: usize) -> u8 {
        self.settings.get(CHARACTERS + which).copied().unwrap_or(0)
    }

    /// True for the byte a control character is set to; 0 means it is off.
    fn is(&self, byte: u8, which: usize) -> bool {
        byte != 0 && self.character(which) == byte
    }

    pub fn has_room_for_input(&self) -> bool {
        self.input.len() < INPUT_LIMIT
    }

    /// tcflush(3): forgets what was typed and not read.
    pub fn flush_input(&mut self) {
        self.input.clear();
        self.lines.clear();
        self.line.clear();
    }

    pub fn waiting(&self) -> usize {
        match self.is_canonical() {
            true => self.lines.iter().sum(),
            false => self.input.len(),
        }
    }

    pub fn is_readable(&self) -> bool {
        match self.is_canonical() {
            true => !self.lines.is_empty(),
            false => self.input.len() >= usize::from(self.character(VMIN).max(1)),
        }
    }

    /// What a read of the slave gives; None to wait.
    pub fn take_input(&mut self, limit: usize) -> Option<Vec<u8>> {
        if !self.is_canonical() {
            let wanted = usize::from(self.character(VMIN)).min(limit);
            let count = self.input.len().min(limit);
            return (count >= wanted).then(|| self.input.drain(..count).collect());
        }
        let length = self.lines.pop_front()?;
        let count = length.min(limit);
        if count < length {
            self.lines.push_front(length - count);
        }
        Some(self.input.drain(..count).collect())
    }

    /// A byte typed at the master; gives the signal it stands for.
    pub fn receive(&mut self, byte: u8) -> Option<u32> {
        let byte = match byte {
            b'\r' if self.has(INPUT_FLAGS, IGNCR) => return None,
            b'\r' if self.has(INPUT_FLAGS, ICRNL) => b'\n',
            b'\n' if self.has(INPUT_FLAGS, INLCR) => b'\r',
            other => other,
        };
        if let Some(signal) = self.signal_of(byte) {
            if !self.has(LOCAL_FLAGS, NOFLSH) {
                self.flush_input();
                self.output.clear();
            }
            self.echo(byte);
            return Some(signal);
        }
        match self.is_canonical() {
            true => self.edit(byte),
            false if self.has_room_for_input() => {
                self.input.push_back(byte);
                self.echo(byte);
            }
            false => {}
        }
        None
    }

    fn signal_of(&self, byte: u8) -> Option<u32> {
        if !self.has(LOCAL_FLAGS, ISIG) {
            return None;
        }
        let signals = [(VINTR, SIGINT), (VQUIT, SIGQUIT), (VSUSP, SIGTSTP)];
        let found = signals.into_iter().find(|(which, _)| self.is(byte, *which));
        found.map(|(_, signal)| signal)
    }

    fn edit(&mut self, byte: u8) {
        if self.is(byte, VERASE) {
            self.erase(1);
        } else if self.is(byte, VWERASE) {
            self.erase(self.last_word());
        } else if self.is(byte, VKILL) {
            self.erase(self.line.len());
        } else if self.is(byte, VEOF) {
            self.finish_line();
        } else if byte == b'\n' || self.is(byte, VEOL) {
            self.line.push(byte);
            self.echo(byte);
            self.finish_line();
        } else if self.input.len() + self.line.len() < INPUT_LIMIT - 1 {
            self.line.push(byte);
            self.echo(byte);
        }
    }

    fn finish_line(&mut self) {
        let line = core::mem::take(&mut self.line);
        self.lines.push_back(line.len());
        self.input.extend(line);
    }

    /// How many bytes at the end are a word and the blanks after it.
    fn last_word(&self) -> usize {
        let from_end = || self.line.iter().rev();
        let blanks = from_end().take_while(|byte| **byte == b' ').count();
        let word = from_end().skip(blanks).take_while(|byte| **byte != b' ');
        blanks + word.count()
    }

    fn erase(&mut self, count: usize) {
        for _ in 0..count {
            let Some(gone) = self.line.pop() else { return };
            let shows = self.has(LOCAL_FLAGS, ECHO) && self.has(LOCAL_FLAGS, ECHOE | ECHOK);
            let columns = if is_control(gone) { 2 } else { 1 };
            for _ in 0..columns * usize::from(shows) {
                self.output.extend(b"\x08 \x08");
            }
        }
    }

    fn echo(&mut self, byte: u8) {
        let is_newline = byte == b'\n' && self.has(LOCAL_FLAGS, ECHONL);
        if !self.has(LOCAL_FLAGS, ECHO) && !is_newline {
            return;
        }
        if is_control(byte) && self.has(LOCAL_FLAGS, ECHOCTL) {
            self.output.extend([b'^', byte ^ 0x40]);
        } else {
            self.transmit(byte);
        }
    }

    /// A byte written by the slave, on its way to the master.
    pub fn transmit(&mut self, byte: u8) {
        match byte {
            _ if !self.has(OUTPUT_FLAGS, OPOST) => self.output.push_back(byte),
            b'\n' if self.has(OUTPUT_FLAGS, ONLCR) => self.output.extend(b"\r\n"),
            b'\r' if self.has(OUTPUT_FLAGS, OCRNL) => self.output.push_back(b'\n'),
            _ => self.output.push_back(byte),
        }
    }
}

/// Shown as ^X; tabs and line ends are not.
fn is_control(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n') || byte == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> Terminal {
        let mut terminal = Terminal::default();
        for byte in bytes {
            terminal.receive(*byte);
        }
        terminal
    }

    #[test]
    fn a_line_is_edited_before_it_is_read() {
        let mut terminal = typed(b"wrong\x15two wordz\x7fs\x17x\rnext");
        assert_eq!(terminal.take_input(100), Some(b"two x\n".to_vec()));
        assert_eq!(terminal.take_input(100), None);
        assert_eq!(terminal.receive(4), None);
        assert_eq!(terminal.take_input(2), Some(b"ne".to_vec()));
        assert_eq!(terminal.take_input(2), Some(b"xt".to_vec()));
        terminal.receive(4);
        assert_eq!(terminal.take_input(2), Some(Vec::new()));
    }

    #[test]
    fn echo_shows_what_was_typed_and_rubs_out() {
        let terminal = typed(b"a\x01\x7f\x7fb\r");
        let output: Vec<u8> = terminal.output.into_iter().collect();
        assert_eq!(output, b"a^A\x08 \x08\x08 \x08\x08 \x08b\r\n");
    }

    #[test]
    fn an_interrupt_throws_away_what_was_typed() {
        let mut terminal = typed(b"half a line");
        assert_eq!(terminal.receive(3), Some(SIGINT));
        terminal.receive(b'\n');
        assert_eq!(terminal.take_input(9), Some(b"\n".to_vec()));
    }
}
