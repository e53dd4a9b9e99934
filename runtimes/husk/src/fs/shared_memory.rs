//! Memory that is shared like a file, and is one: a regular file in no directory (tmpfs(5) calls
//! this its internal mount). Every mapping of it is a file mapping like any other.

use super::node::{Attributes, NodeRef};
use super::open::anonymous;
use super::{File, root};
use crate::errno::Errno;

/// A file of `size_bytes` zeros; /proc/PID/maps shows it as `/NAME (deleted)`.
pub fn create(name: &[u8], permissions: u32, size_bytes: u64) -> Result<NodeRef, Errno> {
    let node = anonymous(Attributes::new(permissions), root(), name);
    node.truncate(size_bytes)?;
    Ok(node)
}

/// What mmap(2) MAP_SHARED | MAP_ANONYMOUS maps, under the name that Linux gives it.
pub fn zeros(size_bytes: usize) -> Result<NodeRef, Errno> {
    create(b"dev/zero", 0o777, size_bytes as u64)
}
