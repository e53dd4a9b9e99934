//! What the converter baked in: which programs to run, and how. NUL-terminated `key=value` records;
//! `exe=` begins a program, the records after it are its own.

use alloc::vec::Vec;

/// A program to run (execve(2)).
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct ProgramConfig {
    pub executable: Vec<u8>,
    pub arguments: Vec<Vec<u8>>,
    pub environment: Vec<Vec<u8>>,
    pub cwd: Vec<u8>,
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub umask: u32,
    pub stop_signal: u32,
    /// Memory may be writable and executable at once.
    pub may_write_and_execute: bool,
    /// What it has, and its bounding set (capabilities(7)).
    pub capabilities: [u64; 2],
    /// Resource, soft and hard limit, where they are other than every program's.
    pub limits: Vec<[u64; 3]>,
}

/// Everything baked in.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Config {
    pub hostname: Vec<u8>,
    pub programs: Vec<ProgramConfig>,
}

/// Nothing baked in.
pub static EMPTY: Config = Config {
    hostname: Vec::new(),
    programs: Vec::new(),
};

const SIGTERM: u32 = 15;
const DEFAULT_UMASK: u32 = 0o022;

impl Config {
    /// Records that are not understood are ignored: the converter is newer than the kernel then.
    pub fn parse(records: &[u8]) -> Config {
        let mut config = Config::default();
        for record in records.split(|&byte| byte == 0) {
            let Some(equals) = record.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            config.take(key, value);
        }
        config
    }

    /// True for a program that was given the permission, whoever executes it.
    pub fn may_write_and_execute(&self, executable: &[u8]) -> bool {
        let mut programs = self.programs.iter();
        programs.any(|program| program.may_write_and_execute && program.executable == executable)
    }

    fn take(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"hostname" => self.hostname = value.to_vec(),
            b"exe" => self.programs.push(ProgramConfig::new(value)),
            _ => {
                if let Some(program) = self.programs.last_mut() {
                    program.take(key, value);
                }
            }
        }
    }
}

impl ProgramConfig {
    fn new(executable: &[u8]) -> ProgramConfig {
        ProgramConfig {
            executable: executable.to_vec(),
            cwd: b"/".to_vec(),
            umask: DEFAULT_UMASK,
            stop_signal: SIGTERM,
            ..ProgramConfig::default()
        }
    }

    fn take(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"arg" => self.arguments.push(value.to_vec()),
            b"env" => self.environment.push(value.to_vec()),
            b"cwd" => self.cwd = value.to_vec(),
            b"uid" => self.uid = number(value, 10) as u32,
            b"gid" => self.gid = number(value, 10) as u32,
            b"groups" => self.groups = numbers(value, 10).map(|group| group as u32).collect(),
            b"umask" => self.umask = number(value, 8) as u32,
            b"stop_signal" => self.stop_signal = number(value, 10) as u32,
            b"capabilities" => self.capabilities = some(numbers(value, 16)),
            b"limit" => self.limits.push(some(numbers(value, 10))),
            b"write_execute" => self.may_write_and_execute = value == b"1",
            _ => {}
        }
    }
}

fn number(digits: &[u8], radix: u32) -> u64 {
    let text = core::str::from_utf8(digits).unwrap_or("");
    u64::from_str_radix(text, radix).unwrap_or(0)
}

/// With commas between.
fn numbers(value: &[u8], radix: u32) -> impl Iterator<Item = u64> {
    let each = value.split(|&byte| byte == b',');
    each.map(move |digits| number(digits, radix))
}

/// The first ones; 0 for those that are missing.
fn some<const COUNT: usize>(mut numbers: impl Iterator<Item = u64>) -> [u64; COUNT] {
    [(); COUNT].map(|()| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_belong_to_the_program_before_them() {
        let config = Config::parse(
            b"hostname=web\0exe=/a\0arg=a\0arg=-g x=y\0env=K=V\0umask=077\0exe=/b\0uid=33\0groups=4,5\0",
        );
        assert_eq!(config.hostname, b"web");
        assert_eq!(
            config.programs[0].arguments,
            [b"a".to_vec(), b"-g x=y".to_vec()]
        );
        assert_eq!(config.programs[0].environment, [b"K=V".to_vec()]);
        assert_eq!(config.programs[0].umask, 0o077);
        assert_eq!(
            (config.programs[1].uid, &config.programs[1].groups[..]),
            (33, &[4, 5][..])
        );
    }

    #[test]
    fn capabilities_and_limits_are_a_program_s_own() {
        let config = Config::parse(
            b"exe=/a\0capabilities=a80425fb,1ffffffffff\0limit=7,1024,18446744073709551615\0exe=/b\0limit=3\0",
        );
        assert_eq!(
            config.programs[0].capabilities,
            [0xa804_25fb, (1 << 41) - 1]
        );
        assert_eq!(config.programs[0].limits, [[7, 1024, u64::MAX]]);
        assert_eq!(config.programs[1].capabilities, [0, 0]);
        assert_eq!(config.programs[1].limits, [[3, 0, 0]]);
    }

    #[test]
    fn one_program_may_write_and_execute_and_the_others_may_not() {
        let config = Config::parse(b"exe=/a\0exe=/b\0write_execute=1\0exe=/c\0write_execute=0\0");
        let allowed = |path: &[u8]| config.may_write_and_execute(path);
        assert_eq!(
            [allowed(b"/a"), allowed(b"/b"), allowed(b"/c")],
            [false, true, false]
        );
    }

    #[test]
    fn unknown_and_broken_records_are_ignored() {
        let config = Config::parse(b"arg=lost\0nonsense\0\0exe=/a\0future=1\0uid=x\0");
        assert_eq!(config.programs, [ProgramConfig::new(b"/a")]);
    }
}
