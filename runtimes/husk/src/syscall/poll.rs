//! Waiting for descriptors: poll(2), ppoll(2), select(2), pselect(2).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::descriptor::{get, table};
use super::signal::require_set_size;
use super::time::{read_timespec, write_timespec};
use crate::errno::{EFAULT, EINVAL, ENOMEM, ERESTARTNOHAND, Errno, SysResult};
use crate::fs::{Events, OpenFile};
use crate::mm::{reserve, user};
use crate::process::limits::RLIMIT_NOFILE;
use crate::process::signal::{deadline_of_call, keep_deadline};
use crate::process::thread::WORK_SIGNAL;
use crate::process::{current, signal};
use crate::sync::{Deadline, Woken, wait_until_any};
use crate::syscall;
use crate::time::now_ns;

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_S: u64 = 1_000_000_000;
/// `struct pollfd`: descriptor, wanted events, events there are.
const POLLFD_BYTES: usize = 8;

/// A descriptor waited for.
struct Watched {
    open: Option<Arc<OpenFile>>,
    wanted: Events,
    /// What it was ready for when the wait ended.
    found: Events,
}

impl Watched {
    fn look(&mut self) -> bool {
        if let Some(open) = &self.open {
            self.found = open.file.readiness() & self.wanted;
        }
        !self.found.is_empty()
    }
}

/// Milliseconds as poll(2) and epoll_wait(2) take them: negative is for ever.
pub fn deadline_ms(timeout_ms: i32) -> Deadline {
    let timeout_ms = u64::try_from(timeout_ms).ok()?;
    Some(now_ns().saturating_add(timeout_ms * NS_PER_MS))
}

/// A `struct timespec` that may be missing: for ever.
pub fn deadline_at(timespec: usize) -> Result<Deadline, Errno> {
    if timespec == 0 {
        return Ok(None);
    }
    Ok(Some(now_ns().saturating_add(read_timespec(timespec)?)))
}

/// Replaces the signal mask for the length of this call, if one is given.
pub fn apply_mask(mask: usize, size: usize) -> Result<(), Errno> {
    if mask != 0 {
        require_set_size(size)?;
        signal::set_mask_for_this_call(user::read(mask)?);
    }
    Ok(())
}

/// Waits until something is ready or the time is over; gives how many are.
fn wait(watched: &mut [Watched], deadline: Deadline) -> SysResult {
    let ready = watched
        .iter_mut()
        .filter_map(|w| w.look().then_some(()))
        .count();
    let is_over = deadline.is_some_and(|at_ns| at_ns <= now_ns());
    if ready > 0 || (is_over && !current().has_work(WORK_SIGNAL)) {
        return Ok(ready);
    }
    let mut opens = Vec::new();
    opens.try_reserve(watched.len()).map_err(|_| ENOMEM)?;
    opens.extend(watched.iter().filter_map(|w| w.open.clone()));
    let mut queues = Vec::new();
    queues.try_reserve(watched.len()).map_err(|_| ENOMEM)?;
    queues.extend(opens.iter().filter_map(|open| open.file.wait_queue()));
    check_room(queues.len())?;
    let outcome = wait_until_any(&queues, deadline, || {
        let ready = watched
            .iter_mut()
            .filter_map(|w| w.look().then_some(()))
            .count();
        (ready > 0).then_some(ready)
    });
    match outcome {
        Ok(ready) => Ok(ready),
        Err(Woken::TimedOut) => Ok(0),
        Err(Woken::Interrupted) => Err(ERESTARTNOHAND),
    }
}

/// That a thread waits is noted in every queue; few take no more than what is kept for this.
fn check_room(queues: usize) -> Result<(), Errno> {
    const FEW: usize = 1024;
    const NOTE_BYTES: usize = 64;
    if queues <= FEW {
        return Ok(());
    }
    reserve::check(queues * NOTE_BYTES)
}

fn poll(address: usize, count: usize, deadline: Deadline) -> SysResult {
    let limit = current().process.limits.lock().soft[RLIMIT_NOFILE];
    if count as u64 > limit {
        return Err(EINVAL);
    }
    let mut watched = Vec::new();
    watched.try_reserve_exact(count).map_err(|_| ENOMEM)?;
    for index in 0..count {
        watched.push(read_pollfd(address + index * POLLFD_BYTES)?);
    }
    let ready = wait(&mut watched, deadline)?;
    for (index, entry) in watched.iter().enumerate() {
        let found = entry.found.bits() as u16;
        user::write(address + index * POLLFD_BYTES + 6, found)?;
    }
    Ok(ready)
}

fn read_pollfd(address: usize) -> Result<Watched, Errno> {
    let [low, high, events, _]: [u16; 4] = user::read(address)?;
    let fd = (u32::from(low) | u32::from(high) << 16) as i32;
    let open = get(fd);
    let is_missing = fd >= 0 && open.is_err();
    Ok(Watched {
        open: open.ok(),
        wanted: Events::from_bits_truncate(u32::from(events)) | Events::ERR | Events::HUP,
        found: if is_missing {
            Events::NVAL
        } else {
            Events::empty()
        },
    })
}

const WORD_BITS: usize = 64;

/// What the three sets of select(2) ask of poll(2) (select(2) NOTES).
const SET_EVENTS: [Events; 3] = [
    Events::IN
        .union(Events::RDNORM)
        .union(Events::RDBAND)
        .union(Events::HUP)
        .union(Events::ERR),
    Events::OUT
        .union(Events::WRNORM)
        .union(Events::WRBAND)
        .union(Events::ERR),
    Events::PRI,
];

/// The three sets, one after the other, as words.
struct Sets {
    addresses: [usize; 3],
    words_per_set: usize,
    words: [Vec<u64>; 3],
}

impl Sets {
    fn read(addresses: [usize; 3], count: usize) -> Result<Sets, Errno> {
        let words_per_set = count.div_ceil(WORD_BITS);
        let mut sets = Sets {
            addresses,
            words_per_set,
            words: Default::default(),
        };
        for (words, &address) in sets.words.iter_mut().zip(&addresses) {
            words.try_reserve_exact(words_per_set).map_err(|_| ENOMEM)?;
            for index in 0..words_per_set {
                let word = if address == 0 {
                    0
                } else {
                    user::read(address + index * 8)?
                };
                words.push(word & mask_below(count - index * WORD_BITS));
            }
        }
        Ok(sets)
    }

    /// What the sets want of a descriptor.
    fn wanted(&self, fd: usize) -> Events {
        let sets = self.words.iter().zip(SET_EVENTS);
        let asking = sets.filter(|(words, _)| has_bit(words, fd));
        asking.fold(Events::empty(), |wanted, (_, events)| wanted | events)
    }

    /// Leaves only the bits of what was found, and says how many there are.
    fn keep(&mut self, fds: &[usize], watched: &[Watched]) -> usize {
        let mut count = 0;
        for (words, events) in self.words.iter_mut().zip(SET_EVENTS) {
            for (&fd, entry) in fds.iter().zip(watched) {
                let Some(word) = words.get_mut(fd / WORD_BITS) else {
                    continue;
                };
                let bit = 1 << (fd % WORD_BITS);
                if !entry.found.intersects(events) {
                    *word &= !bit;
                }
                count += usize::from(*word & bit != 0);
            }
        }
        count
    }

    fn write(&self) -> Result<(), Errno> {
        for (words, &address) in self.words.iter().zip(&self.addresses) {
            if address == 0 {
                continue;
            }
            for (index, &word) in words.iter().enumerate() {
                user::write(address + index * 8, word)?;
            }
        }
        Ok(())
    }
}

fn mask_below(bits: usize) -> u64 {
    if bits >= WORD_BITS {
        u64::MAX
    } else {
        (1 << bits) - 1
    }
}

fn has_bit(words: &[u64], bit: usize) -> bool {
    words
        .get(bit / WORD_BITS)
        .is_some_and(|word| word >> (bit % WORD_BITS) & 1 != 0)
}

fn select(count: i32, addresses: [usize; 3], deadline: Deadline) -> SysResult {
    let count = usize::try_from(count)
        .map_err(|_| EINVAL)?
        .min(table().capacity());
    let mut sets = Sets::read(addresses, count)?;
    let mut fds = Vec::new();
    let mut watched = Vec::new();
    for fd in 0..sets.words_per_set * WORD_BITS {
        let wanted = sets.wanted(fd);
        if wanted.is_empty() {
            continue;
        }
        let open = get(fd as i32)?;
        fds.push(fd);
        watched.push(Watched {
            open: Some(open),
            wanted,
            found: Events::empty(),
        });
    }
    wait(&mut watched, deadline)?;
    let ready = sets.keep(&fds, &watched);
    sets.write()?;
    Ok(ready)
}

/// Linux leaves in the timeout what is left of it (select(2) NOTES); failing to is no error.
fn write_remaining(address: usize, deadline: Deadline, write: fn(usize, u64) -> Result<(), Errno>) {
    if let Some(at_ns) = deadline {
        let _ = write(address, at_ns.saturating_sub(now_ns()));
    }
}

fn write_timeval(address: usize, ns: u64) -> Result<(), Errno> {
    user::write(address, [ns / NS_PER_S, ns % NS_PER_S / 1000])
}

/// A `struct timeval` that may be missing: for ever. Microseconds past a million carry over.
fn deadline_of_timeval(address: usize) -> Result<Deadline, Errno> {
    if address == 0 {
        return Ok(None);
    }
    let [seconds, microseconds]: [i64; 2] = user::read(address)?;
    if seconds < 0 || microseconds < 0 {
        return Err(EINVAL);
    }
    let ns = (seconds as u64).saturating_mul(NS_PER_S);
    let ns = ns.saturating_add((microseconds as u64).saturating_mul(1000));
    Ok(Some(now_ns().saturating_add(ns)))
}

syscall! {
    fn sys_poll(fds: usize, count: usize, timeout_ms: i32) {
        let deadline = deadline_ms(timeout_ms).map(deadline_of_call);
        match (poll(fds, count, deadline), deadline) {
            (Err(ERESTARTNOHAND), Some(at_ns)) => Err(keep_deadline(at_ns)),
            (outcome, _) => outcome,
        }
    }

    fn sys_ppoll(fds: usize, count: usize, timeout: usize, mask: usize, size: usize) {
        let deadline = deadline_at(timeout)?;
        apply_mask(mask, size)?;
        let result = poll(fds, count, deadline);
        write_remaining(timeout, deadline, write_timespec);
        result
    }

    fn sys_select(count: i32, read: usize, write: usize, except: usize, timeout: usize) {
        let deadline = deadline_of_timeval(timeout)?;
        let result = select(count, [read, write, except], deadline);
        write_remaining(timeout, deadline, write_timeval);
        result
    }

    /// The last argument points to a mask's address and size.
    fn sys_pselect6(
        count: i32, read: usize, write: usize, except: usize, timeout: usize, mask: usize,
    ) {
        let deadline = deadline_at(timeout)?;
        if mask != 0 {
            let [address, size]: [usize; 2] = user::read(mask).map_err(|_| EFAULT)?;
            apply_mask(address, size)?;
        }
        let result = select(count, [read, write, except], deadline);
        write_remaining(timeout, deadline, write_timespec);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(read: u64, write: u64, except: u64) -> Sets {
        Sets {
            addresses: [0; 3],
            words_per_set: 1,
            words: [vec![read], vec![write], vec![except]],
        }
    }

    #[test]
    fn each_set_asks_for_its_own_events() {
        assert_eq!(sets(1, 0, 0).wanted(0), SET_EVENTS[0]);
        assert_eq!(sets(0, 1, 0).wanted(0), SET_EVENTS[1]);
        assert_eq!(sets(0, 0, 1).wanted(0), SET_EVENTS[2]);
        assert_eq!(sets(1, 1, 0).wanted(0), SET_EVENTS[0] | SET_EVENTS[1]);
        assert_eq!(sets(1, 1, 1).wanted(1), Events::empty());
    }

    #[test]
    fn only_found_events_stay_in_their_sets() {
        let mut three = sets(0b11, 0b11, 0b11);
        let entry = |found| Watched {
            open: None,
            wanted: Events::all(),
            found,
        };
        let watched = [entry(Events::IN), entry(Events::OUT | Events::PRI)];
        assert_eq!(three.keep(&[0, 1], &watched), 3);
        assert_eq!(three.words, [vec![0b01], vec![0b10], vec![0b10]]);
    }
}
