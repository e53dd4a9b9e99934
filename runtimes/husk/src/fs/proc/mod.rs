//! /proc (proc(5)) and the little of /sys that programs look at: made when it is read.
//!
//! Every file is generated as a whole when it is opened, and again when it is read from offset 0.

mod process;
mod system;
mod text;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::sync::atomic::{AtomicBool, Ordering};

use super::directory::{Directory, Dynamic, attach};
use super::name::Name;
use super::node::{Attributes, Kind, Node, NodeRef, PROC_INODES};
use super::{FileRef, FileStatus, IoRequest, Sink, Source, root};
use crate::errno::{EINVAL, Errno, SysResult};
use crate::process::scheduler;
use crate::sync::{Once, SpinLock};

/// A file's text, or ENOMEM where the heap has no room for what the program has made long.
pub type Text = Result<Vec<u8>, Errno>;

/// Makes the text of a file; or takes what is written to it, if it can be, and makes none.
pub type Generator = Box<dyn Fn(Option<&[u8]>) -> Text + Send + Sync>;

const FILE: u32 = 0o444;
const DIRECTORY: u32 = 0o555;
const LINK: u32 = 0o777;

/// The two directories.
pub static PROC: Once<NodeRef> = Once::new();
pub static SYS: Once<NodeRef> = Once::new();
/// Whether their files are there: made when somebody looks, which few programs do.
static IS_FILLED: AtomicBool = AtomicBool::new(false);
/// Files that not every image has, and in what directory.
static MORE: SpinLock<Vec<(&Once<NodeRef>, &[File])>> = SpinLock::new(Vec::new());

/// Adds /proc and /sys to the tree.
pub fn install() {
    let add = |top: &Once<NodeRef>, name, number, entries: Box<dyn Dynamic>| {
        let kind = Kind::Directory(Directory::with_dynamic(entries));
        let node = Node::with_number(number, kind, Attributes::new(DIRECTORY));
        attach(root(), Name::Archive(name), node.clone());
        top.set(node);
    };
    add(&PROC, b"proc", PROC_INODES, Box::new(Processes));
    add(&SYS, b"sys", PROC_INODES + 1, Box::new(Sys));
}

/// A path, and what makes the file's text.
pub type File = (&'static str, fn() -> Text);

/// Adds files that not every image has, during boot.
pub fn add_files(top: &'static Once<NodeRef>, files: &'static [File]) {
    MORE.lock().push((top, files));
}

fn fill_once() {
    if !IS_FILLED.swap(true, Ordering::Relaxed)
        && let (Some(proc), Some(sys)) = (PROC.get(), SYS.get())
    {
        fill(proc, sys);
    }
}

fn fill(proc: &NodeRef, sys: &NodeRef) {
    let numbers = &mut (PROC_INODES + 2..);
    let mut make = |kind, permissions| {
        let number = numbers.next().unwrap_or(PROC_INODES);
        Node::with_number(number, kind, Attributes::new(permissions))
    };
    for (path, generate) in system::PROC_FILES {
        put_file(proc, path, of_machine(*generate), &mut make);
    }
    for (path, generate) in system::SYS_FILES {
        put_file(sys, path, of_machine(*generate), &mut make);
    }
    let mounts = make(Kind::Symlink(Name::Archive(b"self/mounts")), LINK);
    attach(proc, Name::Archive(b"mounts"), mounts);
    for (top, files) in MORE.lock().iter() {
        for (path, generate) in *files {
            if let Some(top) = top.get() {
                let generate = *generate;
                put_file(top, path, Box::new(move |_| generate()), &mut make);
            }
        }
    }
}

/// A text that is as long as the machine makes it, not a program: it always has room.
fn of_machine(generate: fn() -> Vec<u8>) -> Generator {
    Box::new(move |_| Ok(generate()))
}

/// Puts a generated file below `top`, with the directories it needs.
fn put_file(
    top: &NodeRef,
    path: &'static str,
    generate: Generator,
    make: &mut impl FnMut(Kind, u32) -> NodeRef,
) {
    let mut parent = top.clone();
    let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
    for part in directories.split('/').filter(|part| !part.is_empty()) {
        let existing = parent
            .directory()
            .and_then(|directory| directory.get(part.as_bytes()));
        parent = existing.unwrap_or_else(|| {
            let node = make(Kind::Directory(Directory::new()), DIRECTORY);
            attach(&parent, Name::Archive(part.as_bytes()), node.clone());
            node
        });
    }
    let file = make(Kind::Generated(generate), FILE);
    attach(&parent, Name::Archive(name.as_bytes()), file);
}

/// /sys has nothing but files.
struct Sys;

impl Dynamic for Sys {
    fn prepare(&self) {
        fill_once();
    }

    fn lookup(&self, _name: &[u8]) -> Option<NodeRef> {
        None
    }

    fn names(&self) -> Vec<(u64, Name)> {
        Vec::new()
    }
}

/// The entries of /proc that are processes.
struct Processes;

impl Dynamic for Processes {
    fn prepare(&self) {
        fill_once();
    }

    fn lookup(&self, name: &[u8]) -> Option<NodeRef> {
        if scheduler::has_no_thread() {
            return None;
        }
        let thread = scheduler::current();
        let pid = thread.process.pid;
        let link = |target: alloc::string::String| {
            let name = Name::new(target.as_bytes());
            Node::with_number(PROC_INODES, Kind::Symlink(name), Attributes::new(LINK))
        };
        match name {
            b"self" => Some(link(alloc::format!("{pid}"))),
            b"thread-self" => Some(link(alloc::format!("{pid}/task/{}", thread.tid()))),
            _ => process::directory(parse_number(name)?),
        }
    }

    fn names(&self) -> Vec<(u64, Name)> {
        let mut names = alloc::vec![
            (0, Name::Archive(b"self")),
            (1, Name::Archive(b"thread-self"))
        ];
        names.extend(
            process::pids()
                .into_iter()
                .map(|pid| (u64::from(pid) + 2, number_name(pid))),
        );
        names
    }
}

fn parse_number(name: &[u8]) -> Option<u32> {
    core::str::from_utf8(name).ok()?.parse().ok()
}

fn number_name(number: u32) -> Name {
    Name::new(alloc::format!("{number}").as_bytes())
}

/// An open file of /proc: its text as of the last read from the beginning.
pub struct GeneratedFile {
    node: NodeRef,
    text: SpinLock<Arc<Vec<u8>>>,
}

impl GeneratedFile {
    pub fn open(node: &NodeRef, generate: &Generator) -> Result<FileRef, Errno> {
        Ok(Arc::new(GeneratedFile {
            node: node.clone(),
            text: SpinLock::new(Arc::new(generate(None)?)),
        }))
    }

    fn refresh(&self) -> Result<(), Errno> {
        if let Kind::Generated(generate) = &self.node.kind {
            let text = Arc::new(generate(None)?);
            *self.text.lock() = text;
        }
        Ok(())
    }
}

impl super::File for GeneratedFile {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        if request.offset == 0 {
            self.refresh()?;
        }
        let text = self.text.lock().clone();
        let start = usize::try_from(request.offset).unwrap_or(usize::MAX);
        match text.get(start..) {
            Some(rest) if !rest.is_empty() => into.put(rest),
            _ => Ok(0),
        }
    }

    /// As a whole, whatever the offset; what is longer than any such text is cut.
    fn write(&self, _request: IoRequest, from: &mut dyn Source) -> SysResult {
        const LONGEST: usize = 64;
        let size_bytes = from.remaining();
        let mut start = [0; LONGEST];
        let taken = from.take(&mut start)?;
        match &self.node.kind {
            Kind::Generated(generate) => generate(start.get(..taken)).map(|_| size_bytes),
            _ => Err(EINVAL),
        }
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        self.node.status()
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok(0)
    }

    fn path(&self) -> Vec<u8> {
        self.node.absolute_path()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
