//! A directory: names to nodes, listed in an order that additions and removals do not disturb.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::name::{self, Name};
use super::node::{Node, NodeRef};
use crate::sync::SpinLock;

/// Entries that exist because something else does (/proc/PID, /proc/PID/fd/N).
pub trait Dynamic: Send + Sync {
    /// The entry of that name, made on the spot.
    fn lookup(&self, name: &[u8]) -> Option<NodeRef>;
    /// The names there are now, each with a number that stays the same while it exists.
    fn names(&self) -> Vec<(u64, Name)>;
}

/// First cookie of ordinary entries: 0 is the beginning, 1 follows `.`, 2 follows `..`.
pub const FIRST_COOKIE: u64 = 3;
/// Dynamic entries are listed after all others.
const DYNAMIC_COOKIES: u64 = 1 << 40;

struct Entry {
    name: Name,
    node: NodeRef,
}

/// Hash of a name, then the cookie, which tells equal hashes apart.
type Key = (u64, u64);

struct Entries {
    by_name: BTreeMap<Key, Entry>,
    /// The hash that goes with each cookie.
    by_cookie: BTreeMap<u64, u64>,
    next_cookie: u64,
}

impl Entries {
    fn find(&self, name: &[u8]) -> Option<(&Key, &Entry)> {
        let hash = name::hash(name);
        let mut same_hash = self.by_name.range((hash, 0)..);
        same_hash
            .by_ref()
            .take_while(|(key, _)| key.0 == hash)
            .find(|(_, entry)| *entry.name == *name)
    }

    fn add(&mut self, name: Name, node: NodeRef) {
        let (hash, cookie) = (name::hash(&name), self.next_cookie);
        self.next_cookie += 1;
        self.by_cookie.insert(cookie, hash);
        self.by_name.insert((hash, cookie), Entry { name, node });
    }
}

/// One line of getdents(2): reading goes on after `cookie`.
pub struct Listing {
    pub cookie: u64,
    pub name: Name,
    pub node: NodeRef,
}

pub struct Directory {
    entries: SpinLock<Entries>,
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
            entries: SpinLock::new(Entries {
                by_name: BTreeMap::new(),
                by_cookie: BTreeMap::new(),
                next_cookie: FIRST_COOKIE,
            }),
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

    pub fn get(&self, name: &[u8]) -> Option<NodeRef> {
        if let Some((_, entry)) = self.entries.lock().find(name) {
            return Some(entry.node.clone());
        }
        self.dynamic.as_ref()?.lookup(name)
    }

    /// Adds a name that is not there, or makes it mean another node; gives the node it meant.
    pub fn put(&self, name: Name, node: NodeRef) -> Option<NodeRef> {
        let mut entries = self.entries.lock();
        let existing = entries.find(&name).map(|(key, _)| *key);
        match existing.and_then(|key| entries.by_name.get_mut(&key)) {
            Some(entry) => Some(core::mem::replace(&mut entry.node, node)),
            None => {
                entries.add(name, node);
                None
            }
        }
    }

    pub fn remove(&self, name: &[u8]) -> Option<NodeRef> {
        let mut entries = self.entries.lock();
        let key = *entries.find(name)?.0;
        entries.by_cookie.remove(&key.1);
        Some(entries.by_name.remove(&key)?.node)
    }

    pub fn is_empty(&self) -> bool {
        self.dynamic.is_none() && self.entries.lock().by_name.is_empty()
    }

    /// What stat(2) says: some number that grows with the entries, as tmpfs has it.
    pub fn size(&self) -> u64 {
        const ENTRY_BYTES: u64 = 20;
        (self.entries.lock().by_name.len() as u64 + 2) * ENTRY_BYTES
    }

    /// The first entry after `cookie`, besides `.` and `..`.
    pub fn after(&self, cookie: u64) -> Option<Listing> {
        let entries = self.entries.lock();
        let next = entries
            .by_cookie
            .range(cookie.max(FIRST_COOKIE - 1) + 1..)
            .next();
        if let Some((&cookie, &hash)) = next {
            let entry = entries.by_name.get(&(hash, cookie))?;
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
