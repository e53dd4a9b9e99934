//! A directory: names to nodes, listed in an order that additions and removals do not disturb.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::name::{self, Name};
use super::node::{Node, NodeRef};
use crate::chunked_map::ChunkedMap;
use crate::errno::Errno;
use crate::sync::{SpinLock, SpinLockGuard};

/// Entries that exist because something else does (/proc/PID, /proc/PID/fd/N).
pub trait Dynamic: Send + Sync {
    /// The entry of that name, made on the spot.
    fn lookup(&self, name: &[u8]) -> Option<NodeRef>;
    /// The names there are now, each with a number that stays the same while it exists.
    fn names(&self) -> Vec<(u64, Name)>;
    /// Somebody looks for more than those.
    fn prepare(&self) {}
}

/// First cookie of ordinary entries: 0 is the beginning, 1 follows `.`, 2 follows `..`.
pub const FIRST_COOKIE: u64 = 3;
/// Dynamic entries are listed after all others.
const DYNAMIC_COOKIES: u64 = 1 << 40;

struct Entry {
    name: Name,
    node: NodeRef,
}

struct Entries {
    by_cookie: ChunkedMap<Entry>,
    /// Cookies by the hash of the name, where equal hashes are side by side.
    by_hash: ChunkedMap<u64>,
    next_cookie: u64,
}

impl Entries {
    fn find(&self, name: &[u8]) -> Option<(u64, &Entry)> {
        let hash = name::hash(name);
        let same_hash = self.by_hash.from(hash).take_while(|(key, _)| *key == hash);
        let mut entries = same_hash.filter_map(|(_, &cookie)| {
            let entry = self.by_cookie.get(cookie)?;
            Some((cookie, entry))
        });
        entries.find(|(_, entry)| *entry.name == *name)
    }

    fn add(&mut self, name: Name, node: NodeRef) {
        let cookie = self.next_cookie;
        self.next_cookie += 1;
        self.by_hash.insert(name::hash(&name), cookie);
        self.by_cookie.insert(cookie, Entry { name, node });
    }
}

/// One line of getdents(2): reading goes on after `cookie`.
pub struct Listing {
    pub cookie: u64,
    pub name: Name,
    pub node: NodeRef,
}

pub struct Directory {
    /// Elsewhere than in the node, so that not every file's is as large.
    entries: SpinLock<Box<Entries>>,
    dynamic: Option<Box<dyn Dynamic>>,
}

impl Default for Directory {
    fn default() -> Self {
        Self::new()
    }
}

impl Directory {
    pub fn new() -> Directory {
        Directory {
            entries: SpinLock::new(Box::new(Entries {
                by_hash: ChunkedMap::new(),
                by_cookie: ChunkedMap::new(),
                next_cookie: FIRST_COOKIE,
            })),
            dynamic: None,
        }
    }

    /// A directory that has `dynamic` entries beside its own. Names cannot be added by the
    /// application.
    pub fn with_dynamic(dynamic: Box<dyn Dynamic>) -> Directory {
        Directory {
            dynamic: Some(dynamic),
            ..Directory::new()
        }
    }

    pub fn is_dynamic(&self) -> bool {
        self.dynamic.is_some()
    }

    /// Its own entries, to be looked at.
    fn entries(&self) -> SpinLockGuard<'_, Box<Entries>> {
        if let Some(dynamic) = &self.dynamic {
            dynamic.prepare();
        }
        self.entries.lock()
    }

    pub fn get(&self, name: &[u8]) -> Option<NodeRef> {
        let own = |entries: &Entries| Some(entries.find(name)?.1.node.clone());
        let found = own(&self.entries.lock());
        let Some(dynamic) = &self.dynamic else {
            return found;
        };
        found
            .or_else(|| dynamic.lookup(name))
            .or_else(|| own(&self.entries()))
    }

    /// Room for one name more.
    pub fn reserve(&self) -> Result<(), Errno> {
        let mut entries = self.entries.lock();
        entries.by_hash.reserve(2)?;
        entries.by_cookie.reserve(2)
    }

    /// Adds a name that is not there, or makes it mean another node; gives the node it meant.
    pub fn put(&self, name: Name, node: NodeRef) -> Option<NodeRef> {
        let mut entries = self.entries.lock();
        let existing = entries.find(&name).map(|(cookie, _)| cookie);
        match existing.and_then(|cookie| entries.by_cookie.get_mut(cookie)) {
            Some(entry) => Some(core::mem::replace(&mut entry.node, node)),
            None => {
                entries.add(name, node);
                None
            }
        }
    }

    pub fn remove(&self, name: &[u8]) -> Option<NodeRef> {
        let mut entries = self.entries.lock();
        let cookie = entries.find(name)?.0;
        entries.by_hash.remove_entry(name::hash(name), cookie);
        Some(entries.by_cookie.remove(cookie)?.node)
    }

    pub fn is_empty(&self) -> bool {
        self.dynamic.is_none() && self.entries.lock().by_cookie.is_empty()
    }

    /// What stat(2) says: some number that grows with the entries, as tmpfs has it.
    pub fn size(&self) -> u64 {
        const ENTRY_BYTES: u64 = 20;
        (self.entries().by_cookie.len() as u64 + 2) * ENTRY_BYTES
    }

    /// The first entry after `cookie`, besides `.` and `..`.
    pub fn after(&self, cookie: u64) -> Option<Listing> {
        let entries = self.entries();
        let next = cookie.max(FIRST_COOKIE - 1) + 1;
        if let Some((cookie, entry)) = entries.by_cookie.first_from(next) {
            let (name, node) = (entry.name.clone(), entry.node.clone());
            return Some(Listing { cookie, name, node });
        }
        drop(entries);
        self.dynamic_after(cookie.saturating_sub(DYNAMIC_COOKIES))
    }

    /// Linear in what there is: listings of processes and descriptors are rare.
    fn dynamic_after(&self, number: u64) -> Option<Listing> {
        let dynamic = self.dynamic.as_ref()?;
        let names = dynamic.names().into_iter().map(|(at, name)| (at + 1, name));
        let (at, name) = names
            .filter(|(at, _)| *at > number)
            .min_by_key(|(at, _)| *at)?;
        let node = dynamic.lookup(&name)?;
        let cookie = DYNAMIC_COOKIES + at;
        Some(Listing { cookie, name, node })
    }
}

/// Puts a new node into a directory at boot or in the kernel's own interest: replaces what was there.
pub fn attach(parent: &NodeRef, name: Name, node: NodeRef) {
    let Some(directory) = parent.directory() else {
        return;
    };
    if node.is_directory() {
        parent.attributes.lock().links += 1;
    }
    set_place(&node, parent, name.clone());
    directory.put(name, node);
}

/// Remembers where a node is.
pub fn set_place(node: &Node, parent: &NodeRef, name: Name) {
    let mut place = node.place.lock();
    place.parent = Arc::downgrade(parent);
    place.name = name;
    place.is_deleted = false;
    place.is_nameless = false;
}

/// The same for a dynamic entry, which is new at every look: only it keeps its parents.
pub fn set_made_place(node: &Node, parent: &NodeRef, name: &[u8]) {
    set_place(node, parent, Name::new(name));
    node.place.lock().made_parent = Some(parent.clone());
}
