//! Pseudo-terminals (pty(7)): /dev/ptmx makes one, its slave is /dev/pts/N. A part that the converter
//! may leave out. Not here: packet mode, TOSTOP, /dev/tty as another name of a slave. Locks: the list
//! of terminals, then one's state.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;

use super::device::make_device;
use super::directory::{Directory, Dynamic, attach};
use super::name::Name;
use super::node::{Attributes, Kind, Node, NodeRef};
use super::open::O_NOCTTY;
use super::terminal::{OUTPUT_LIMIT, Terminal, VMIN, VTIME};
use super::{Events, File, FileRef, FileStatus, IoRequest, Sink, Source, lookup};
use crate::errno::{
    EAGAIN, EINVAL, EIO, EMFILE, ENOTTY, EPERM, ERESTARTSYS, ESRCH, Errno, SysResult,
};
use crate::mm::user;
use crate::process::signal::action::SIG_IGN;
use crate::process::signal::{self, SIGCONT, SIGHUP, SignalInfo};
use crate::process::{at_exit, current, registry, stop};
use crate::sync::{SpinLock, WaitQueue, wait_until};
use crate::time;

/// /proc/sys/kernel/pty/max.
const COUNT_LIMIT: usize = 4096;
const CHUNK_BYTES: usize = 256;
const TTY_GROUP: u32 = 5;

static ALL: SpinLock<Vec<Weak<Pty>>> = SpinLock::new(Vec::new());

struct State {
    terminal: Terminal,
    /// Rows, columns, and two that nobody uses.
    window: [u16; 4],
    has_master: bool,
    slaves: usize,
    /// Once a slave was open, none is a hang-up.
    had_slave: bool,
    is_locked: bool,
    session: u32,
    foreground: u32,
}

impl State {
    fn belong_to(&mut self, session: u32, group: u32) {
        at_exit::add(end_session);
        (self.session, self.foreground) = (session, group);
    }
}

/// A session's leader has ended: the terminal is nobody's, and who was in its foreground hears of it
/// (_exit(2), setsid(2)). Not here: that the others can no longer use it.
fn end_session(leader: u32) {
    let all = ALL.lock().clone();
    for pty in all.iter().filter_map(Weak::upgrade) {
        let mut state = pty.state.lock();
        if state.session != leader {
            continue;
        }
        let group = core::mem::take(&mut state.foreground);
        state.session = 0;
        drop(state);
        if group != 0 {
            signal_group(group, SIGHUP);
            signal_group(group, SIGCONT);
        }
    }
}

struct Pty {
    number: usize,
    state: SpinLock<State>,
    /// Both sides wait here.
    queue: WaitQueue,
    slave: NodeRef,
}

/// Puts /dev/ptmx and /dev/pts into the tree.
pub fn install() {
    let Ok(devices) = lookup(b"/dev") else { return };
    let multiplexer = Kind::Special {
        number: make_device(5, 2),
        open: Box::new(|node, _| open_master(node)),
    };
    let node = Node::new(multiplexer, Attributes::new(0o666));
    attach(&devices, Name::Archive(b"ptmx"), node);
    let slaves = Kind::Directory(Directory::with_dynamic(Box::new(Slaves)));
    let node = Node::new(slaves, Attributes::new(0o755));
    attach(&devices, Name::Archive(b"pts"), node);
}

/// The entries of /dev/pts.
struct Slaves;

impl Dynamic for Slaves {
    fn lookup(&self, name: &[u8]) -> Option<NodeRef> {
        let number: usize = core::str::from_utf8(name).ok()?.parse().ok()?;
        let pty = ALL.lock().get(number)?.upgrade()?;
        let is_there = pty.state.lock().has_master;
        is_there.then(|| pty.slave.clone())
    }

    fn names(&self) -> Vec<(u64, Name)> {
        let numbers: Vec<usize> = (0..ALL.lock().len()).collect();
        let names = numbers.into_iter().filter_map(|number| {
            let name = alloc::format!("{number}");
            self.lookup(name.as_bytes())?;
            Some((number as u64, Name::new(name.as_bytes())))
        });
        names.collect()
    }
}

fn open_master(node: &NodeRef) -> Result<FileRef, Errno> {
    let mut all = ALL.lock();
    let free = all.iter().position(|one| one.strong_count() == 0);
    let number = free.unwrap_or(all.len());
    if number >= COUNT_LIMIT {
        return Err(EMFILE);
    }
    let pty = Arc::new_cyclic(|this| Pty::new(number, this.clone()));
    let entry = Arc::downgrade(&pty);
    match all.get_mut(number) {
        Some(place) => *place = entry,
        None => all.push(entry),
    }
    drop(all);
    Ok(Arc::new(End {
        pty,
        is_master: true,
        node: node.clone(),
    }))
}

impl Pty {
    fn new(number: usize, this: Weak<Pty>) -> Pty {
        let open_slave = Kind::Special {
            number: make_device(136, number as u64),
            open: Box::new(move |node, how| {
                let pty = this.upgrade().ok_or(EIO)?;
                let slave = pty.clone().open_slave(node)?;
                if !how.has(O_NOCTTY) && how.direction().reads {
                    pty.become_controlling();
                }
                Ok(slave)
            }),
        };
        let mut attributes = Attributes::new(0o620);
        attributes.uid = current().process.credentials.lock().euid;
        attributes.gid = TTY_GROUP;
        Pty {
            number,
            state: SpinLock::new(State {
                terminal: Terminal::default(),
                window: [0; 4],
                has_master: true,
                slaves: 0,
                had_slave: false,
                is_locked: true,
                session: 0,
                foreground: 0,
            }),
            queue: WaitQueue::new(),
            slave: Node::new(open_slave, attributes),
        }
    }

    fn open_slave(self: Arc<Self>, node: &NodeRef) -> Result<FileRef, Errno> {
        let mut state = self.state.lock();
        if state.is_locked || !state.has_master {
            return Err(EIO);
        }
        state.slaves += 1;
        state.had_slave = true;
        drop(state);
        Ok(Arc::new(End {
            pty: self,
            is_master: false,
            node: node.clone(),
        }))
    }

    /// open(2), O_NOCTTY: a session's leader that has no terminal has this one, if nobody else does.
    fn become_controlling(&self) {
        let [pid, group, session] = current().process.ids();
        let has_one = |one: &Weak<Pty>| {
            let one = one.upgrade();
            one.is_some_and(|one| one.state.lock().session == session)
        };
        if pid != session || ALL.lock().iter().any(has_one) {
            return;
        }
        let mut state = self.state.lock();
        if state.session == 0 {
            state.belong_to(session, group);
        }
    }

    /// Who is in the background of its terminal is stopped until it may go on with what it does, and
    /// gets EIO where that cannot be (termios(3), Linux `__tty_check_change`).
    fn require_foreground(&self, number: u32) -> Result<(), Errno> {
        let process = &current().process;
        let [_, group, session] = process.ids();
        let state = self.state.lock();
        if state.session != session || [0, group].contains(&state.foreground) {
            return Ok(());
        }
        drop(state);
        let is_blocked = current().signals.lock().blocked & signal::bit(number) != 0;
        let is_ignored = process.signals.action(number).handler == SIG_IGN;
        if number == SIGTTOU && (is_blocked || is_ignored) {
            return Ok(());
        }
        if is_blocked || is_ignored || stop::is_orphaned(group) {
            return Err(EIO);
        }
        signal_group(group, number);
        Err(ERESTARTSYS)
    }

    fn signal_foreground(&self, number: u32) {
        let group = self.state.lock().foreground;
        if group != 0 {
            signal_group(group, number);
        }
    }
}

fn signal_group(group: u32, number: u32) {
    for process in registry::all() {
        if process.ids()[1] == group {
            signal::send_to_process(&process, SignalInfo::from_kernel(number));
        }
    }
}

/// An open side of a pseudo-terminal.
struct End {
    pty: Arc<Pty>,
    is_master: bool,
    node: NodeRef,
}

impl End {
    /// What the other side has written; None to wait.
    fn read_once(&self, limit: usize) -> Option<Result<Vec<u8>, Errno>> {
        let mut state = self.pty.state.lock();
        if !self.is_master {
            let is_over = !state.has_master;
            let bytes = state.terminal.take_input(limit);
            return bytes.or(is_over.then(Vec::new)).map(Ok);
        }
        let count = state.terminal.output.len().min(limit);
        if count > 0 {
            return Some(Ok(state.terminal.output.drain(..count).collect()));
        }
        (state.had_slave && state.slaves == 0).then_some(Err(EIO))
    }

    /// termios(3): without VMIN a read of raw input waits for VTIME tenths of a second at most.
    fn patience_ns(&self) -> Option<u64> {
        const TENTH_NS: u64 = 100_000_000;
        let state = self.pty.state.lock();
        let tenths = state.terminal.character(VTIME);
        let has_end = !self.is_master && state.terminal.character(VMIN) == 0 && tenths > 0;
        has_end.then(|| time::now_ns() + u64::from(tenths) * TENTH_NS)
    }

    /// As many of the bytes as fit; None to wait.
    fn write_once(&self, bytes: &[u8]) -> Option<SysResult> {
        let mut state = self.pty.state.lock();
        let mut signals = Vec::new();
        let mut done = 0;
        for byte in bytes {
            if self.is_master {
                if !state.terminal.has_room_for_input() {
                    break;
                }
                signals.extend(state.terminal.receive(*byte));
            } else if !state.has_master {
                return Some(Err(EIO));
            } else if state.terminal.output.len() >= OUTPUT_LIMIT {
                break;
            } else {
                state.terminal.transmit(*byte);
            }
            done += 1;
        }
        drop(state);
        signals
            .into_iter()
            .for_each(|number| self.pty.signal_foreground(number));
        (done > 0).then_some(Ok(done))
    }
}

impl File for End {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        let limit = into.remaining();
        if limit == 0 {
            return Ok(0);
        }
        if !self.is_master {
            self.pty.require_foreground(SIGTTIN)?;
        }
        let now = match self.patience_ns() {
            // Such a read is over when nothing comes: what there is now ends it only if it is some.
            Some(_) => self
                .read_once(limit)
                .filter(|bytes| *bytes != Ok(Vec::new())),
            None => self.read_once(limit),
        };
        let outcome = match now {
            Some(outcome) => outcome,
            None if request.is_nonblocking => Err(EAGAIN),
            None => match wait_until(&self.pty.queue, self.patience_ns(), || {
                self.read_once(limit)
                    .filter(|bytes| self.patience_ns().is_none() || *bytes != Ok(Vec::new()))
            }) {
                Err(crate::sync::Woken::TimedOut) => Ok(Vec::new()),
                other => other?,
            },
        };
        let count = into.put(&outcome?)?;
        self.pty.queue.wake_all();
        Ok(count)
    }

    fn write(&self, request: IoRequest, from: &mut dyn Source) -> SysResult {
        let mut total = 0;
        while from.remaining() > 0 {
            let mut chunk = [0; CHUNK_BYTES];
            let taken = from.take(&mut chunk)?;
            let mut left = chunk.get(..taken).unwrap_or_default();
            while !left.is_empty() {
                let outcome = match self.write_once(left) {
                    Some(outcome) => outcome,
                    None if request.is_nonblocking => Err(EAGAIN),
                    None => wait_until(&self.pty.queue, None, || self.write_once(left))
                        .unwrap_or_else(|woken| Err(woken.into())),
                };
                match outcome {
                    Ok(count) => {
                        total += count;
                        left = left.get(count..).unwrap_or_default();
                    }
                    Err(error) if total == 0 => return Err(error),
                    Err(_) => return Ok(total),
                }
                self.pty.queue.wake_all();
            }
        }
        Ok(total)
    }

    fn readiness(&self) -> Events {
        let state = self.pty.state.lock();
        let terminal = &state.terminal;
        let (has_bytes, has_room, is_over) = match self.is_master {
            true => (
                !terminal.output.is_empty(),
                terminal.has_room_for_input(),
                state.had_slave && state.slaves == 0,
            ),
            false => (
                terminal.is_readable() || !state.has_master,
                terminal.output.len() < OUTPUT_LIMIT,
                !state.has_master,
            ),
        };
        let mut events = Events::empty();
        events.set(Events::IN | Events::RDNORM, has_bytes);
        events.set(Events::OUT | Events::WRNORM, has_room);
        events.set(Events::HUP, is_over);
        events
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(&self.pty.queue)
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        self.node.status()
    }

    fn control(&self, command: u32, argument: usize) -> SysResult {
        match command {
            TIOCGPTN | TIOCSPTLCK | TIOCGPTLCK | TIOCGPTPEER if self.is_master => {
                self.control_master(command, argument)
            }
            TIOCSCTTY | TIOCNOTTY | TIOCGPGRP | TIOCSPGRP | TIOCGSID => {
                self.control_session(command, argument)
            }
            _ => self.control_terminal(command, argument),
        }
    }

    fn special_node(&self) -> Option<NodeRef> {
        Some(self.node.clone())
    }

    fn path(&self) -> Vec<u8> {
        self.node.absolute_path()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

// ioctl_tty(2), asm-generic/ioctls.h
const TCGETS: u32 = 0x5401;
const TCSETS: u32 = 0x5402;
const TCSETSW: u32 = 0x5403;
const TCSETSF: u32 = 0x5404;
const TCSBRK: u32 = 0x5409;
const TCXONC: u32 = 0x540a;
const TCFLSH: u32 = 0x540b;
const TIOCSCTTY: u32 = 0x540e;
const TIOCGPGRP: u32 = 0x540f;
const TIOCSPGRP: u32 = 0x5410;
const TIOCOUTQ: u32 = 0x5411;
const TIOCGWINSZ: u32 = 0x5413;
const TIOCSWINSZ: u32 = 0x5414;
const FIONREAD: u32 = 0x541b;
const TIOCNOTTY: u32 = 0x5422;
const TCSBRKP: u32 = 0x5425;
const TIOCGSID: u32 = 0x5429;
const TIOCGPTPEER: u32 = 0x5441;
const TIOCGPTN: u32 = 0x8004_5430;
const TIOCSPTLCK: u32 = 0x4004_5431;
const TIOCGPTLCK: u32 = 0x8004_5439;

const SIGTTIN: u32 = 21;
const SIGTTOU: u32 = 22;
const SIGWINCH: u32 = 28;

impl End {
    fn control_master(&self, command: u32, argument: usize) -> SysResult {
        match command {
            TIOCGPTN => user::write(argument, self.pty.number as u32)?,
            TIOCSPTLCK => {
                let is_locked = user::read::<i32>(argument)? != 0;
                self.pty.state.lock().is_locked = is_locked;
            }
            TIOCGPTLCK => {
                let is_locked = self.pty.state.lock().is_locked;
                user::write(argument, i32::from(is_locked))?;
            }
            _ => {
                let slave = self.pty.clone().open_slave(&self.pty.slave)?;
                let files = current().process.files();
                return Ok(files.install(slave, argument as u32)? as usize);
            }
        }
        Ok(0)
    }

    /// Whose terminal it is, and which of its process groups the signals go to.
    fn control_session(&self, command: u32, argument: usize) -> SysResult {
        let [pid, group, session] = current().process.ids();
        let mut state = self.pty.state.lock();
        let is_ours = state.session == session;
        match command {
            TIOCSCTTY if session != pid || state.session != 0 && !is_ours => return Err(EPERM),
            TIOCSCTTY => state.belong_to(session, group),
            _ if !(is_ours || self.is_master && command != TIOCNOTTY) => return Err(ENOTTY),
            TIOCNOTTY => (state.session, state.foreground) = (0, 0),
            TIOCSPGRP => {
                drop(state);
                self.pty
                    .require_foreground(SIGTTOU)
                    .map_err(|errno| match errno {
                        EIO => ENOTTY,
                        other => other,
                    })?;
                let group = user::read::<i32>(argument)?;
                let group = u32::try_from(group).map_err(|_| EINVAL)?;
                let all = registry::all();
                let member = all.iter().find(|process| process.ids()[1] == group);
                if member.ok_or(ESRCH)?.ids()[2] != session {
                    return Err(EPERM);
                }
                self.pty.state.lock().foreground = group;
            }
            _ => {
                let value = match command {
                    TIOCGPGRP => state.foreground,
                    _ => state.session,
                };
                drop(state);
                user::write(argument, value)?;
            }
        }
        Ok(0)
    }

    fn control_terminal(&self, command: u32, argument: usize) -> SysResult {
        match command {
            TCGETS => {
                let settings = self.pty.state.lock().terminal.settings();
                user::write(argument, settings)?;
            }
            TCSETS | TCSETSW | TCSETSF => {
                let settings = user::read(argument)?;
                let mut state = self.pty.state.lock();
                if command == TCSETSF {
                    state.terminal.flush_input();
                }
                state.terminal.set(settings);
            }
            TIOCGWINSZ => {
                let window = self.pty.state.lock().window;
                user::write(argument, window)?;
            }
            TIOCSWINSZ => self.resize(user::read(argument)?),
            TCFLSH => self.flush(argument)?,
            FIONREAD | TIOCOUTQ => {
                let state = self.pty.state.lock();
                let count = match (self.is_master, command) {
                    (true, FIONREAD) => state.terminal.output.len(),
                    (false, FIONREAD) => state.terminal.waiting(),
                    _ => 0,
                };
                drop(state);
                user::write(argument, count as i32)?;
            }
            TCSBRK | TCSBRKP | TCXONC => {} // nothing is on its way, and nothing is held back
            _ => return Err(ENOTTY),
        }
        self.pty.queue.wake_all();
        Ok(0)
    }

    fn resize(&self, window: [u16; 4]) {
        let before = core::mem::replace(&mut self.pty.state.lock().window, window);
        if before != window {
            self.pty.signal_foreground(SIGWINCH);
        }
    }

    /// tcflush(3): what came in, what goes out, or both.
    fn flush(&self, which: usize) -> Result<(), Errno> {
        let mut state = self.pty.state.lock();
        match which {
            0 => state.terminal.flush_input(),
            1 => state.terminal.output.clear(),
            2 => {
                state.terminal.flush_input();
                state.terminal.output.clear();
            }
            _ => return Err(EINVAL),
        }
        Ok(())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut state = self.pty.state.lock();
        if self.is_master {
            state.has_master = false;
        } else {
            state.slaves -= 1;
        }
        drop(state);
        if self.is_master {
            self.pty.signal_foreground(SIGHUP);
        }
        self.pty.queue.wake_all();
    }
}
