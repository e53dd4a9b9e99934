//! /proc/PID and what is below it (proc(5)).

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::{DIRECTORY, FILE, Generator, LINK, number_name, parse_number, text};
use crate::errno::EACCES;
use crate::fs::directory::{Directory, Dynamic};
use crate::fs::name::Name;
use crate::fs::node::{Attributes, Kind, Node, NodeRef, PROC_INODES};
use crate::fs::{FileRef, root};
use crate::process::identity::may_inspect;
use crate::process::{Credentials, Process, Thread, registry, scheduler};

/// Inode numbers of a process's entries: its id, then what it is.
const INODES_PER_PROCESS: u64 = 1 << 24;
const DESCRIPTOR_INODES: u64 = 1 << 20;
const DESCRIPTOR_TEXT_INODES: u64 = 1 << 21;
const THREAD_INODES: u64 = 1 << 22;

/// Every process, zombies too.
pub fn pids() -> Vec<u32> {
    registry::all().iter().map(|process| process.pid).collect()
}

fn number(process: &Process, what: u64) -> u64 {
    PROC_INODES + u64::from(process.pid) * INODES_PER_PROCESS + what
}

/// /proc/PID, and /proc/TID: the latter is not listed, but there.
pub fn directory(pid: u32) -> Option<NodeRef> {
    let process = registry::find_by_thread(pid)?;
    let entries = Entries {
        process: Arc::downgrade(&process),
        table: OF_PROCESS,
        first: 1,
        tid: pid,
    };
    let kind = directory_of(Box::new(entries));
    Some(node(&process, 0, kind, DIRECTORY))
}

fn directory_of(entries: Box<dyn Dynamic>) -> Kind {
    Kind::Directory(Directory::with_dynamic(entries))
}

/// An entry belongs to whom the process acts for.
fn node(process: &Process, what: u64, kind: Kind, permissions: u32) -> NodeRef {
    let [uid, gid] = process.credentials.lock().effective();
    let attributes = Attributes {
        uid,
        gid,
        ..Attributes::new(permissions)
    };
    Node::with_number(number(process, what), kind, attributes)
}

/// Permissions of what only who may look into the process may use: none for others.
fn guarded(process: &Process, permissions: u32) -> u32 {
    u32::from(may_inspect(process, Credentials::effective)) * permissions
}

/// What an entry is; the functions are given the process, and the thread in a thread's directory.
#[derive(Clone, Copy)]
enum Entry {
    Text(fn(&Process, u32) -> super::Text),
    /// With what takes what is written to it.
    Written(
        fn(&Process, u32) -> super::Text,
        fn(&Process, u32, &[u8]) -> super::Text,
    ),
    /// With its permissions; for who may look into the process.
    Guarded(u32, fn(&Process, u32) -> super::Text),
    /// None where a zombie has none.
    Link(fn(&Process) -> Option<Kind>),
    Directory(u32, fn(&Arc<Process>) -> Box<dyn Dynamic>),
}

use Entry::{Guarded, Link, Text, Written};

const WRITTEN_FILE: u32 = 0o644;
/// What only the owner reads, and lists.
const OWN_FILE: u32 = 0o400;
const OWN_DIRECTORY: u32 = 0o500;

/// /proc/PID; places in the list make inode numbers.
const OF_PROCESS: &[(&str, Entry)] = &[
    ("auxv", Guarded(OWN_FILE, text::auxv)),
    ("cgroup", Text(|_, _| Ok(b"0::/\n".to_vec()))),
    ("cmdline", Text(text::cmdline)),
    ("comm", Written(text::comm, text::set_comm)),
    (
        "cwd",
        Link(|process| Some(Kind::MagicLink(process.paths.cwd()))),
    ),
    ("environ", Guarded(OWN_FILE, text::environ)),
    ("exe", Link(exe)),
    (
        "fd",
        Entry::Directory(OWN_DIRECTORY, |process| {
            Box::new(Descriptors(Arc::downgrade(process)))
        }),
    ),
    (
        "fdinfo",
        Entry::Directory(DIRECTORY, |process| {
            Box::new(DescriptorTexts(Arc::downgrade(process)))
        }),
    ),
    ("limits", Text(text::limits)),
    ("maps", Guarded(FILE, text::maps)),
    ("mountinfo", Text(text::mountinfo)),
    ("mounts", Text(text::mounts)),
    ("oom_score", Text(|_, _| Ok(b"0\n".to_vec()))),
    (
        "oom_score_adj",
        Written(text::oom_score_adj, text::set_oom_score_adj),
    ),
    ("root", Link(|_| Some(Kind::MagicLink(root().clone())))),
    ("smaps", Guarded(FILE, text::smaps)),
    ("stat", Text(text::stat)),
    ("statm", Text(text::statm)),
    ("status", Text(text::status)),
    (
        "task",
        Entry::Directory(DIRECTORY, |process| {
            Box::new(Tasks(Arc::downgrade(process)))
        }),
    ),
];

/// /proc/PID/task/TID.
const OF_THREAD: &[(&str, Entry)] = &[
    ("comm", Written(text::comm, text::set_comm)),
    ("stat", Text(text::stat)),
    ("status", Text(text::status)),
    ("maps", Guarded(FILE, text::maps)),
    ("statm", Text(text::statm)),
    ("exe", Link(exe)),
    (
        "cwd",
        Link(|process| Some(Kind::MagicLink(process.paths.cwd()))),
    ),
    (
        "fd",
        Entry::Directory(OWN_DIRECTORY, |process| {
            Box::new(Descriptors(Arc::downgrade(process)))
        }),
    ),
];

/// Leads to the file that runs, whatever its path leads to by now.
fn exe(process: &Process) -> Option<Kind> {
    let node = process.program.lock().node.clone()?;
    Some(Kind::MagicLink(node))
}

/// The directory of a process or of one of its threads.
struct Entries {
    process: Weak<Process>,
    table: &'static [(&'static str, Entry)],
    first: u64,
    tid: u32,
}

impl Dynamic for Entries {
    fn lookup(&self, name: &[u8]) -> Option<NodeRef> {
        let process = self.process.upgrade()?;
        let at = self
            .table
            .iter()
            .position(|(entry, _)| entry.as_bytes() == name)?;
        let (kind, permissions) = match self.table.get(at)?.1 {
            Text(make) => (Kind::Generated(self.generator(make)), FILE),
            Written(make, take) => (Kind::Generated(self.taker(make, take)), WRITTEN_FILE),
            Guarded(mode, make) => (Kind::Generated(guard(self.generator(make), &process)), mode),
            Link(make) => (make(&process)?, guarded(&process, LINK)),
            Entry::Directory(mode, make) => (directory_of(make(&process)), mode),
        };
        Some(node(&process, self.first + at as u64, kind, permissions))
    }

    fn names(&self) -> Vec<(u64, Name)> {
        let names = self
            .table
            .iter()
            .map(|(name, _)| Name::Archive(name.as_bytes()));
        (0..).zip(names).collect()
    }
}

/// EACCES for who may not look into the process.
fn guard(make: Generator, process: &Arc<Process>) -> Generator {
    let process = Arc::downgrade(process);
    Box::new(move |given| {
        let is_open = process
            .upgrade()
            .is_none_or(|process| may_inspect(&process, Credentials::effective));
        if is_open { make(given) } else { Err(EACCES) }
    })
}

impl Entries {
    /// Empty once the process is gone, where Linux says ESRCH.
    fn generator(&self, make: fn(&Process, u32) -> super::Text) -> Generator {
        let (process, tid) = (self.process.clone(), self.tid);
        Box::new(move |_| {
            process
                .upgrade()
                .map_or(Ok(Vec::new()), |process| make(&process, tid))
        })
    }

    fn taker(
        &self,
        make: fn(&Process, u32) -> super::Text,
        take: fn(&Process, u32, &[u8]) -> super::Text,
    ) -> Generator {
        let (make, process, tid) = (self.generator(make), self.process.clone(), self.tid);
        Box::new(move |given| match (given, process.upgrade()) {
            (Some(given), Some(process)) => take(&process, tid, given),
            _ => make(None),
        })
    }
}

/// /proc/PID/task.
struct Tasks(Weak<Process>);

impl Dynamic for Tasks {
    fn lookup(&self, name: &[u8]) -> Option<NodeRef> {
        let process = self.0.upgrade()?;
        let tid = parse_number(name)?;
        let is_ours = |thread: &Arc<Thread>| Arc::ptr_eq(&thread.process, &process);
        scheduler::find(tid).filter(is_ours)?;
        let first = THREAD_INODES + u64::from(tid) * OF_THREAD.len() as u64 * 2;
        let entries = Entries {
            process: self.0.clone(),
            table: OF_THREAD,
            first: first + 1,
            tid,
        };
        let kind = directory_of(Box::new(entries));
        Some(node(&process, first, kind, DIRECTORY))
    }

    fn names(&self) -> Vec<(u64, Name)> {
        let Some(process) = self.0.upgrade() else {
            return Vec::new();
        };
        let threads = process.threads.lock();
        threads
            .iter()
            .map(|thread| (u64::from(thread.tid()), number_name(thread.tid())))
            .collect()
    }
}

/// /proc/PID/fd.
struct Descriptors(Weak<Process>);

impl Dynamic for Descriptors {
    fn lookup(&self, name: &[u8]) -> Option<NodeRef> {
        let process = self.0.upgrade()?;
        let fd = i32::try_from(parse_number(name)?).ok()?;
        let open = process.files().get(fd).ok()?;
        let kind = Kind::MagicLink(shortened(open.file.clone()));
        let what = DESCRIPTOR_INODES + fd as u64;
        Some(node(&process, what, kind, guarded(&process, 0o700)))
    }

    fn names(&self) -> Vec<(u64, Name)> {
        descriptor_names(&self.0)
    }
}

/// A link to a link to a link (O_PATH of /proc/self/fd/N) is one to the last: what is behind each
/// is kept, so that they could be a chain of any length.
fn shortened(file: FileRef) -> FileRef {
    let behind = behind(&file).filter(|next| behind(next).is_some());
    behind.unwrap_or(file)
}

fn behind(link: &FileRef) -> Option<FileRef> {
    match &link.as_any().downcast_ref::<Node>()?.kind {
        Kind::MagicLink(file) => Some(file.clone()),
        _ => None,
    }
}

/// /proc/PID/fdinfo.
struct DescriptorTexts(Weak<Process>);

impl Dynamic for DescriptorTexts {
    fn lookup(&self, name: &[u8]) -> Option<NodeRef> {
        let process = self.0.upgrade()?;
        let fd = i32::try_from(parse_number(name)?).ok()?;
        process.files().get(fd).ok()?;
        let this = self.0.clone();
        let make = move |_: Option<&[u8]>| {
            this.upgrade()
                .map_or(Ok(Vec::new()), |p| text::descriptor(&p, fd))
        };
        let kind = Kind::Generated(guard(Box::new(make), &process));
        let what = DESCRIPTOR_TEXT_INODES + fd as u64;
        Some(node(&process, what, kind, FILE))
    }

    fn names(&self) -> Vec<(u64, Name)> {
        descriptor_names(&self.0)
    }
}

fn descriptor_names(process: &Weak<Process>) -> Vec<(u64, Name)> {
    let Some(process) = process.upgrade() else {
        return Vec::new();
    };
    let open = core::iter::successors(process.files().next_open(0), |fd| {
        process.files().next_open(fd + 1)
    });
    open.map(|fd| (fd as u64, number_name(fd as u32))).collect()
}
