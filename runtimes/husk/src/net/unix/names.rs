//! Names of unix sockets (unix(7) § Address format): abstract ones, and paths, which are a node of
//! the file tree each. Lock order: `NAMES` is a leaf.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::UnixEndpoint;
use crate::errno::{EADDRINUSE, ECONNREFUSED, EINVAL, Errno};
use crate::fs::{self, permission};
use crate::sorted_map::SortedMap;
use crate::sync::SpinLock;

/// Abstract bytes, or the inode number of the node a path leads to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Abstract(Vec<u8>),
    Node(u64),
}

static NAMES: SpinLock<SortedMap<Key, Weak<UnixEndpoint>>> = SpinLock::new(SortedMap::new());

/// A name held; dropping it gives it up. The node of a path stays, as on Linux.
pub struct Name {
    key: Key,
    pub bytes: Vec<u8>,
}

/// Binds an endpoint to a name (`bytes` as in the address).
pub fn bind(bytes: &[u8], endpoint: &Arc<UnixEndpoint>) -> Result<Name, Errno> {
    let (key, bytes) = match bytes {
        [] => autobind()?,
        [0, ..] => (Key::Abstract(bytes.to_vec()), bytes.to_vec()),
        path => (Key::Node(fs::bind_socket(path)?.number), path.to_vec()),
    };
    let mut names = NAMES.lock();
    if names.get(&key).is_some_and(|held| held.strong_count() > 0) {
        return Err(EADDRINUSE);
    }
    names.insert(key.clone(), Arc::downgrade(endpoint));
    Ok(Name { key, bytes })
}

/// What bind(2) says to a socket that has a name already: any name will do for autobind, a path is
/// looked at first.
pub fn outcome_for_bound(bytes: &[u8]) -> Result<(), Errno> {
    match bytes {
        [] => Ok(()),
        [0, ..] => Err(EINVAL),
        path if fs::lookup(path).is_ok() => Err(EADDRINUSE),
        path => {
            let slash = path.iter().rposition(|&byte| byte == b'/');
            fs::lookup(slash.and_then(|at| path.get(..at + 1)).unwrap_or(b"."))?;
            Err(EINVAL)
        }
    }
}

/// unix(7) § Autobind feature: a NUL and five hexadecimal digits.
fn autobind() -> Result<(Key, Vec<u8>), Errno> {
    let names = NAMES.lock();
    let candidates = (0..0x10_0000u32).map(|n| alloc::format!("\0{n:05x}").into_bytes());
    let free = candidates
        .map(|bytes| (Key::Abstract(bytes.clone()), bytes))
        .find(|(key, _)| !names.contains_key(key));
    free.ok_or(EADDRINUSE)
}

/// The endpoint bound to a name: ENOENT without a node, ECONNREFUSED without a socket behind it.
pub fn find(bytes: &[u8]) -> Result<Arc<UnixEndpoint>, Errno> {
    let key = match bytes {
        [] => return Err(EINVAL),
        [0, ..] => Key::Abstract(bytes.to_vec()),
        path => {
            let node = fs::lookup(path)?;
            permission::check(&node, permission::WRITE)?; // unix(7) § Pathname socket ownership
            Key::Node(node.number)
        }
    };
    let names = NAMES.lock();
    names.get(&key).and_then(Weak::upgrade).ok_or(ECONNREFUSED)
}

impl Drop for Name {
    fn drop(&mut self) {
        NAMES.lock().remove(&self.key);
    }
}
