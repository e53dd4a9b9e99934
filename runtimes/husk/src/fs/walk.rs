//! From a path to a node (path_resolution(7)). Iterative, so that links within links cost no stack.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::{Deref, Range};

use super::directory::set_made_place;
use super::name::Name;
use super::node::{Attributes, Kind, Node, NodeRef, PROC_INODES, node_of};
use super::permission;
use crate::errno::{ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV, Errno};

/// NAME_MAX and PATH_MAX (limits.h), and how many symbolic links Linux follows in one walk.
pub const NAME_LIMIT: usize = 255;
pub const PATH_LIMIT: usize = 4096;
const LINK_LIMIT: usize = 40;

/// Whether a symbolic link at the end of the path is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtEnd {
    Follow,
    /// Not followed (lstat(2)), unless a slash comes after it.
    Stay,
    /// Never followed: the call is about the name (mkdir(2), rename(2), unlink(2)).
    Name,
}

// openat2(2): what a walk may not do. RESOLVE_CACHED holds of every walk here.
pub const RESOLVE_NO_XDEV: u32 = 0x01;
pub const RESOLVE_NO_MAGICLINKS: u32 = 0x02;
pub const RESOLVE_NO_SYMLINKS: u32 = 0x04;
pub const RESOLVE_BENEATH: u32 = 0x08;
pub const RESOLVE_IN_ROOT: u32 = 0x10;
pub const RESOLVE_CACHED: u32 = 0x20;

/// Path text being walked: what the caller gave, or the target of a link.
#[derive(Clone)]
enum Text<'p> {
    Given(&'p [u8]),
    Link(Name),
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Text::Given(bytes) => bytes,
            Text::Link(name) => name,
        }
    }
}

/// One component of a path.
pub struct Component<'p> {
    text: Text<'p>,
    range: Range<usize>,
}

impl Deref for Component<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.text.get(self.range.clone()).unwrap_or_default()
    }
}

/// Where a path leads: the last component, the directory it is in, and the node if there is one.
pub struct Found<'p> {
    pub directory: NodeRef,
    /// Empty when the path is only slashes.
    pub name: Component<'p>,
    pub node: Option<NodeRef>,
    /// The path demands a directory by ending in a slash.
    pub has_trailing_slash: bool,
}

impl Found<'_> {
    /// The node, which must exist, and be a directory if the path says so.
    pub fn existing(self) -> Result<NodeRef, Errno> {
        let node = self.node.ok_or(ENOENT)?;
        if self.has_trailing_slash && !node.is_directory() {
            return Err(ENOTDIR);
        }
        Ok(node)
    }

    /// True when the last component is `.`, `..` or missing: no name that could be made or removed.
    pub fn is_special(&self) -> bool {
        matches!(&*self.name, b"" | b"." | b"..")
    }
}

/// What is left to walk of one text.
struct Rest<'p> {
    text: Text<'p>,
    at: usize,
}

impl<'p> Rest<'p> {
    fn skip_slashes(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|&&byte| byte == b'/').count();
    }

    fn is_over(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Where the next component is in the text; empty at the end.
    fn next(&mut self) -> Range<usize> {
        self.skip_slashes();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|&byte| byte == b'/')
            .unwrap_or(rest.len());
        let start = self.at;
        self.at += length;
        start..self.at
    }
}

struct Walker<'w, 'p> {
    root: &'w NodeRef,
    start: &'w NodeRef,
    /// RESOLVE_*.
    resolve: u32,
    current: NodeRef,
    rest: Rest<'p>,
    /// Texts to come back to when a link's target has been walked.
    pending: Vec<Rest<'p>>,
    links: usize,
    /// A slash followed a component at the very end, be it in a link's target.
    has_trailing_slash: bool,
}

/// Walks `path` from `start`, or from `root` when it is absolute.
pub fn walk<'p>(
    root: &NodeRef,
    start: &NodeRef,
    path: &'p [u8],
    at_end: AtEnd,
) -> Result<Found<'p>, Errno> {
    walk_restricted(root, start, path, at_end, 0)
}

/// As `walk`, within what openat2(2) was told to keep to.
pub fn walk_restricted<'p>(
    root: &NodeRef,
    start: &NodeRef,
    path: &'p [u8],
    at_end: AtEnd,
    resolve: u32,
) -> Result<Found<'p>, Errno> {
    if path.is_empty() {
        return Err(ENOENT);
    }
    if path.len() >= PATH_LIMIT {
        return Err(ENAMETOOLONG);
    }
    let mut walker = Walker {
        root: if resolve & RESOLVE_IN_ROOT != 0 {
            start
        } else {
            root
        },
        start,
        resolve,
        current: start.clone(),
        rest: Rest {
            text: Text::Given(path),
            at: 0,
        },
        pending: Vec::new(),
        links: 0,
        has_trailing_slash: false,
    };
    if path.first() == Some(&b'/') {
        walker.jump_to_root()?;
    }
    loop {
        if let Some(found) = walker.step(at_end)? {
            return Ok(found);
        }
    }
}

impl<'p> Walker<'_, 'p> {
    fn may_not(&self, resolve: u32) -> bool {
        self.resolve & resolve != 0
    }

    /// What begins with a slash goes on from the root.
    fn jump_to_root(&mut self) -> Result<(), Errno> {
        if self.may_not(RESOLVE_BENEATH) {
            return Err(EXDEV);
        }
        self.stays_on_mount(self.root)?;
        self.current = self.root.clone();
        Ok(())
    }

    fn stays_on_mount(&self, next: &NodeRef) -> Result<(), Errno> {
        let is_proc = |node: &Node| node.number >= PROC_INODES;
        let crosses = is_proc(next) != is_proc(&self.current);
        if crosses && self.may_not(RESOLVE_NO_XDEV) {
            return Err(EXDEV);
        }
        Ok(())
    }

    /// The directory above, as far as the walk may go up.
    fn above(&self) -> Result<NodeRef, Errno> {
        let is_at = |end: &NodeRef| Arc::ptr_eq(&self.current, end);
        if self.may_not(RESOLVE_BENEATH) && is_at(self.start) {
            return Err(EXDEV);
        }
        Ok(match self.may_not(RESOLVE_IN_ROOT) && is_at(self.root) {
            true => self.current.clone(),
            false => self.current.parent(),
        })
    }

    fn may_follow(&self, link: &Node) -> Result<(), Errno> {
        permission::follow(link)?;
        let is_magic = matches!(link.kind, Kind::MagicLink(_));
        let refused = RESOLVE_NO_SYMLINKS | if is_magic { RESOLVE_NO_MAGICLINKS } else { 0 };
        if self.may_not(refused) {
            return Err(ELOOP);
        }
        if is_magic && self.may_not(RESOLVE_BENEATH | RESOLVE_IN_ROOT) {
            return Err(EXDEV);
        }
        Ok(())
    }

    /// Walks one component; gives the result at the last.
    fn step(&mut self, at_end: AtEnd) -> Result<Option<Found<'p>>, Errno> {
        let range = self.rest.next();
        if range.len() > NAME_LIMIT {
            return Err(ENAMETOOLONG);
        }
        let node = self.look_up(self.rest.text.get(range.clone()).unwrap_or_default())?;
        let before_slashes = self.rest.at;
        self.rest.skip_slashes();
        let has_slash = self.rest.at > before_slashes;
        let is_last = self.finish_texts();
        self.has_trailing_slash |= has_slash && is_last;
        let may_follow =
            !is_last || at_end == AtEnd::Follow || at_end == AtEnd::Stay && self.has_trailing_slash;
        if may_follow
            && let Some(next) = node.as_ref()
            && next.is_link()
        {
            return self.follow(next, range, is_last);
        }
        if is_last {
            let directory = self.current.clone();
            return Ok(Some(self.found(directory, range, node)));
        }
        self.current = node.ok_or(ENOENT)?;
        Ok(None)
    }

    /// Leaves texts that are walked to their end; true when nothing at all is left, in which case
    /// the text stays what it was.
    fn finish_texts(&mut self) -> bool {
        while self.rest.is_over() {
            match self.pending.pop() {
                Some(rest) => self.rest = rest,
                None => return true,
            }
        }
        false
    }

    fn look_up(&self, name: &[u8]) -> Result<Option<NodeRef>, Errno> {
        let directory = self.current.directory().ok_or(ENOTDIR)?;
        if !name.is_empty() {
            permission::check(&self.current, permission::EXECUTE)?;
        }
        let node = match name {
            b"" | b"." => Some(self.current.clone()),
            b".." => Some(self.above()?),
            _ if directory.is_dynamic() => self.look_up_dynamic(name),
            _ => directory.get(name),
        };
        if let Some(next) = &node {
            self.stays_on_mount(next)?;
        }
        Ok(node)
    }

    fn look_up_dynamic(&self, name: &[u8]) -> Option<NodeRef> {
        let node = self.current.directory()?.get(name)?;
        let is_new = node.place.lock().parent.strong_count() == 0;
        if is_new {
            set_made_place(&node, &self.current, name);
        }
        Some(node)
    }

    /// Follows a link. A symbolic link's target is still to be walked; a magic link at the end is
    /// the result.
    fn follow(
        &mut self,
        link: &NodeRef,
        range: Range<usize>,
        is_last: bool,
    ) -> Result<Option<Found<'p>>, Errno> {
        self.links += 1;
        if self.links > LINK_LIMIT {
            return Err(ELOOP);
        }
        self.may_follow(link)?;
        match &link.kind {
            Kind::MagicLink(file) => self.current = behind_magic_link(file),
            Kind::Symlink(target) => {
                self.enter_target(target, is_last)?;
                return Ok(None);
            }
            _ => {}
        }
        let node = self.current.clone();
        Ok(is_last.then(|| self.found(node.parent(), range, Some(node))))
    }

    fn enter_target(&mut self, target: &Name, is_last: bool) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(ENOENT);
        }
        if target.first() == Some(&b'/') {
            self.jump_to_root()?;
        }
        let text = Text::Link(target.clone());
        let rest = core::mem::replace(&mut self.rest, Rest { text, at: 0 });
        if !is_last {
            self.pending.push(rest);
        }
        Ok(())
    }

    /// The result: `range` is of the text that was walked last.
    fn found(&self, directory: NodeRef, range: Range<usize>, node: Option<NodeRef>) -> Found<'p> {
        Found {
            directory,
            name: Component {
                text: self.rest.text.clone(),
                range,
            },
            node,
            has_trailing_slash: self.has_trailing_slash,
        }
    }
}

fn behind_magic_link(file: &super::FileRef) -> NodeRef {
    node_of(file).unwrap_or_else(|| Node::new(Kind::Opened(file.clone()), Attributes::new(0)))
}
