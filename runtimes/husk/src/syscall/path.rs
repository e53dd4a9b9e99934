//! Calls that take paths: open(2), mkdir(2), unlink(2), rename(2), link(2), symlink(2), readlink(2),
//! access(2), chdir(2) and their *at forms.

use alloc::vec::Vec;

use super::descriptor::table;
use crate::errno::{
    E2BIG, EAGAIN, EEXIST, EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, ERANGE, EXDEV, Errno,
    SysResult,
};
use crate::fs::archive::special;
use crate::fs::content::Content;
use crate::fs::directory::Directory;
use crate::fs::name::Name;
use crate::fs::node::{
    Attributes, Kind, Node, NodeRef, PERMISSIONS, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT,
    S_IFREG, S_IFSOCK, node_of,
};
use crate::fs::open::{self, How, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_TMPFILE};
use crate::fs::open::{O_TRUNC, O_WRONLY};
use crate::fs::pipe::Pipe;
use crate::fs::tree::{self, Existing};
use crate::fs::walk::{
    AtEnd, Found, PATH_LIMIT, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_IN_ROOT, walk,
    walk_restricted,
};
use crate::fs::{FileRef, permission, root};
use crate::mm::user;
use crate::process::capability;
use crate::process::current;
use crate::syscall;

pub const AT_FDCWD: i32 = -100;
pub const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
pub const AT_REMOVEDIR: u32 = 0x200;
pub const AT_EACCESS: u32 = 0x200;
pub const AT_SYMLINK_FOLLOW: u32 = 0x400;
pub const AT_EMPTY_PATH: u32 = 0x1000;

/// Reads a path argument.
pub fn read(address: usize) -> Result<Vec<u8>, Errno> {
    user::read_string(address, PATH_LIMIT - 1)
}

/// Where a relative path starts.
fn start(directory: i32, path: &[u8]) -> Result<NodeRef, Errno> {
    if path.is_empty() {
        return Err(ENOENT); // before the descriptor is looked at
    }
    if directory == AT_FDCWD {
        return Ok(current().process.paths.cwd());
    }
    if path.first() == Some(&b'/') {
        return Ok(root().clone());
    }
    let open = table().get(directory)?;
    node_of(&open.file)
        .filter(|node| node.is_directory())
        .ok_or(ENOTDIR)
}

/// Walks a path from a directory descriptor.
pub fn walk_at<'p>(directory: i32, path: &'p [u8], at_end: AtEnd) -> Result<Found<'p>, Errno> {
    walk(root(), &start(directory, path)?, path, at_end)
}

/// The node at a path.
pub fn find(directory: i32, path: &[u8], at_end: AtEnd) -> Result<NodeRef, Errno> {
    walk_at(directory, path, at_end)?.existing()
}

/// The object an *at call is about: by path, or with AT_EMPTY_PATH the descriptor's own.
pub fn find_at(directory: i32, address: usize, flags: u32) -> Result<FileRef, Errno> {
    if address == 0 && flags & AT_EMPTY_PATH != 0 {
        return of_descriptor(directory);
    }
    let path = read(address)?;
    if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
        return of_descriptor(directory);
    }
    Ok(find(directory, &path, at_end(flags))?)
}

fn of_descriptor(fd: i32) -> Result<FileRef, Errno> {
    if fd == AT_FDCWD {
        return Ok(current().process.paths.cwd());
    }
    Ok(table().get(fd)?.file.clone())
}

fn at_end(flags: u32) -> AtEnd {
    if flags & AT_SYMLINK_NOFOLLOW != 0 {
        AtEnd::Stay
    } else {
        AtEnd::Follow
    }
}

/// EINVAL for flags a call does not know.
pub fn only(flags: u32, known: u32) -> Result<(), Errno> {
    if flags & !known != 0 {
        Err(EINVAL)
    } else {
        Ok(())
    }
}

/// Attributes of something the running process makes.
pub fn new_attributes(mode: u32) -> Attributes {
    let process = &current().process;
    let credentials = process.credentials.lock();
    let owner = (credentials.euid, credentials.egid);
    drop(credentials);
    tree::new_attributes(mode & PERMISSIONS, process.paths.umask(), owner)
}

fn makes_file(flags: u32) -> bool {
    flags & O_CREAT != 0 || flags & O_TMPFILE == O_TMPFILE
}

fn open_at(directory: i32, address: usize, flags: u32, mode: u32) -> SysResult {
    open_restricted(directory, address, flags, mode, 0)
}

fn open_restricted(
    directory: i32,
    address: usize,
    flags: u32,
    mode: u32,
    resolve: u32,
) -> SysResult {
    // O_PATH ignores everything but these (open(2)).
    let flags = match flags & O_PATH {
        0 => flags,
        _ => flags & (O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW),
    };
    open::check_flags(flags)?;
    let path = read(address)?;
    table().check_room()?; // before a file is made or cut
    let attributes = if makes_file(flags) {
        new_attributes(mode)
    } else {
        Attributes::none()
    };
    let how = How { flags, attributes };
    let start = match resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH) {
        0 => start(directory, &path)?,
        _ => start(directory, b".")?, // of a path that begins with a slash, too
    };
    let found = walk_restricted(root(), &start, &path, how.at_end(&path), resolve)?;
    // A new file is not told to be cut: what is told is of the flags that the description gets.
    let unsaid = if found.node.is_none() { O_TRUNC } else { 0 };
    let file = open::open(found, how)?;
    Ok(table().install(file, flags & !unsaid)? as usize)
}

/// `struct open_how` (openat2(2)).
const OPEN_HOW_BYTES: usize = 24;
const OPEN_HOW_LIMIT: usize = 4096;
/// Flags of open(2) that there are; openat2(2) takes no others.
const OPEN_FLAGS: u32 = 0o37_777_703;

fn open_how(directory: i32, address: usize, how: usize, size: usize) -> SysResult {
    let [flags, mode, resolve] = read_how(how, size)?;
    let known = |value: u64, known: u32| {
        let value = u32::try_from(value).map_err(|_| EINVAL)?;
        only(value, known).map(|()| value)
    };
    let flags = known(flags, OPEN_FLAGS)?;
    let mode = known(mode, if makes_file(flags) { PERMISSIONS } else { 0 })?;
    let resolve = known(resolve, (RESOLVE_CACHED << 1) - 1)?;
    if flags & O_PATH != 0 {
        only(flags, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)?;
    }
    if resolve & RESOLVE_BENEATH != 0 && resolve & RESOLVE_IN_ROOT != 0 {
        return Err(EINVAL);
    }
    let is_cached = resolve & RESOLVE_CACHED != 0;
    if is_cached && (makes_file(flags) || flags & O_TRUNC != 0) {
        return Err(EAGAIN);
    }
    open_restricted(directory, address, flags, mode, resolve)
}

/// The structure as far as it is known here; E2BIG when what comes after says something.
fn read_how(address: usize, size: usize) -> Result<[u64; 3], Errno> {
    if size < OPEN_HOW_BYTES {
        return Err(EINVAL);
    }
    if size > OPEN_HOW_LIMIT {
        return Err(E2BIG);
    }
    let how = user::read(address)?;
    for at in OPEN_HOW_BYTES..size {
        if user::read::<u8>(address + at)? != 0 {
            return Err(E2BIG);
        }
    }
    Ok(how)
}

fn make_directory(directory: i32, address: usize, mode: u32) -> SysResult {
    let path = read(address)?;
    let found = walk_at(directory, &path, AtEnd::Name)?;
    let attributes = new_attributes(mode & 0o1777);
    tree::create(
        &found,
        Node::new(Kind::Directory(Directory::new()), attributes),
    )?;
    Ok(0)
}

fn make_node(directory: i32, address: usize, mode: u32, device: u64) -> SysResult {
    let path = read(address)?;
    let kind = match mode & S_IFMT {
        0 | S_IFREG => Kind::Regular(Content::of_archive(b"")),
        S_IFIFO => Kind::Fifo(Pipe::new()),
        S_IFSOCK => Kind::Socket,
        S_IFCHR | S_IFBLK => special(mode, device),
        S_IFDIR => return Err(EPERM),
        _ => return Err(EINVAL),
    };
    if matches!(mode & S_IFMT, S_IFCHR | S_IFBLK) {
        permission::require(capability::MKNOD)?;
    }
    let found = walk_at(directory, &path, AtEnd::Name)?;
    tree::create(&found, Node::new(kind, new_attributes(mode)))?;
    Ok(0)
}

fn unlink(directory: i32, address: usize, flags: u32) -> SysResult {
    only(flags, AT_REMOVEDIR)?;
    let path = read(address)?;
    let found = walk_at(directory, &path, AtEnd::Name)?;
    match flags & AT_REMOVEDIR {
        0 => tree::unlink(&found)?,
        _ => tree::remove_directory(&found)?,
    }
    Ok(0)
}

const RENAME_NOREPLACE: u32 = 1;
const RENAME_EXCHANGE: u32 = 2;
const RENAME_WHITEOUT: u32 = 4;

fn rename(from: (i32, usize), to: (i32, usize), flags: u32) -> SysResult {
    only(flags, RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)?;
    let existing = match flags & !RENAME_WHITEOUT {
        0 => Existing::Replace,
        RENAME_NOREPLACE => Existing::Refuse,
        RENAME_EXCHANGE if flags == RENAME_EXCHANGE => Existing::Exchange,
        _ => return Err(EINVAL),
    };
    if flags & RENAME_WHITEOUT != 0 {
        permission::require(capability::MKNOD)?;
    }
    let (from_path, to_path) = (read(from.1)?, read(to.1)?);
    let found = rename_end(from.0, &from_path)?;
    tree::rename(&found, &rename_end(to.0, &to_path)?, existing)?;
    if flags & RENAME_WHITEOUT != 0 {
        tree::white_out(&found)?;
    }
    Ok(0)
}

fn rename_end(directory: i32, path: &[u8]) -> Result<Found<'_>, Errno> {
    walk_at(directory, path, AtEnd::Name)
}

fn link(from: (i32, usize), to: (i32, usize), flags: u32) -> SysResult {
    only(flags, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)?;
    let nofollow = if flags & AT_SYMLINK_FOLLOW == 0 {
        AT_SYMLINK_NOFOLLOW
    } else {
        0
    };
    let file = find_at(from.0, from.1, flags & AT_EMPTY_PATH | nofollow)?;
    let path = read(to.1)?;
    let found = walk_at(to.0, &path, AtEnd::Name)?;
    tree::link(&node_of(&file).ok_or(EXDEV)?, &found)?;
    Ok(0)
}

fn make_link(target: usize, directory: i32, address: usize) -> SysResult {
    let target = read(target)?;
    if target.is_empty() {
        return Err(ENOENT);
    }
    let path = read(address)?;
    let found = walk_at(directory, &path, AtEnd::Name)?;
    if found.node.is_some() {
        return Err(EEXIST);
    }
    let mut attributes = new_attributes(0);
    attributes.permissions = 0o777;
    tree::create(
        &found,
        Node::new(Kind::Symlink(Name::new(&target)), attributes),
    )?;
    Ok(0)
}

fn read_link(directory: i32, address: usize, buffer: usize, size: i32) -> SysResult {
    let size = usize::try_from(size)
        .ok()
        .filter(|&size| size > 0)
        .ok_or(EINVAL)?;
    let path = read(address)?;
    let target = if path.is_empty() {
        let node = node_of(&of_descriptor(directory)?).ok_or(ENOENT)?;
        link_target(&node)?.ok_or(ENOENT)?
    } else {
        let node = find(directory, &path, AtEnd::Stay)?;
        link_target(&node)?.ok_or(EINVAL)?
    };
    if target.len() >= PATH_LIMIT {
        return Err(ENAMETOOLONG);
    }
    let length = target.len().min(size);
    user::write_bytes(buffer, target.get(..length).unwrap_or_default())?;
    Ok(length)
}

/// None for what is no link.
fn link_target(node: &Node) -> Result<Option<Vec<u8>>, Errno> {
    let target = match &node.kind {
        Kind::Symlink(target) => target.to_vec(),
        Kind::MagicLink(file) => file.path(),
        _ => return Ok(None),
    };
    permission::follow(node).map(|()| Some(target))
}

const ACCESS_MODES: u32 = 7;

/// access(2): by the real ids, unless AT_EACCESS says otherwise.
fn access(directory: i32, address: usize, mode: u32, flags: u32) -> SysResult {
    only(flags, AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)?;
    only(mode, ACCESS_MODES)?;
    let file = find_at(directory, address, flags)?;
    if let Some(node) = node_of(&file) {
        match flags & AT_EACCESS {
            0 => permission::check_real(&node, mode)?,
            _ => permission::check(&node, mode)?,
        }
    }
    Ok(0)
}

/// chdir(2): the directory must be one that may be searched.
fn enter(node: NodeRef) -> SysResult {
    if node.is_directory() {
        permission::check(&node, permission::EXECUTE)?;
    }
    current().process.paths.set_cwd(node).map(|()| 0)
}

fn working_directory(buffer: usize, size: usize) -> SysResult {
    let cwd = current().process.paths.cwd();
    open::is_gone(&cwd)?;
    let mut path = cwd.absolute_path();
    if path.len() >= PATH_LIMIT {
        return Err(ENAMETOOLONG);
    }
    path.push(0);
    if path.len() > size {
        return Err(ERANGE);
    }
    user::write_bytes(buffer, &path)?;
    Ok(path.len())
}

syscall! {
    fn sys_open(path: usize, flags: u32, mode: u32) {
        open_at(AT_FDCWD, path, flags, mode)
    }

    fn sys_openat(directory: i32, path: usize, flags: u32, mode: u32) {
        open_at(directory, path, flags, mode)
    }

    fn sys_openat2(directory: i32, path: usize, how: usize, size: usize) {
        open_how(directory, path, how, size)
    }

    fn sys_creat(path: usize, mode: u32) {
        open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode)
    }

    fn sys_mkdir(path: usize, mode: u32) {
        make_directory(AT_FDCWD, path, mode)
    }

    fn sys_mkdirat(directory: i32, path: usize, mode: u32) {
        make_directory(directory, path, mode)
    }

    fn sys_mknod(path: usize, mode: u32, device: u64) {
        make_node(AT_FDCWD, path, mode, device)
    }

    fn sys_mknodat(directory: i32, path: usize, mode: u32, device: u64) {
        make_node(directory, path, mode, device)
    }

    fn sys_rmdir(path: usize) {
        unlink(AT_FDCWD, path, AT_REMOVEDIR)
    }

    fn sys_unlink(path: usize) {
        unlink(AT_FDCWD, path, 0)
    }

    fn sys_unlinkat(directory: i32, path: usize, flags: u32) {
        unlink(directory, path, flags)
    }

    fn sys_rename(old: usize, new: usize) {
        rename((AT_FDCWD, old), (AT_FDCWD, new), 0)
    }

    fn sys_renameat(old_directory: i32, old: usize, new_directory: i32, new: usize) {
        rename((old_directory, old), (new_directory, new), 0)
    }

    fn sys_renameat2(old_directory: i32, old: usize, new_directory: i32, new: usize, flags: u32) {
        rename((old_directory, old), (new_directory, new), flags)
    }

    fn sys_link(old: usize, new: usize) {
        link((AT_FDCWD, old), (AT_FDCWD, new), 0)
    }

    fn sys_linkat(old_directory: i32, old: usize, new_directory: i32, new: usize, flags: u32) {
        link((old_directory, old), (new_directory, new), flags)
    }

    fn sys_symlink(target: usize, path: usize) {
        make_link(target, AT_FDCWD, path)
    }

    fn sys_symlinkat(target: usize, directory: i32, path: usize) {
        make_link(target, directory, path)
    }

    fn sys_readlink(path: usize, buffer: usize, size: i32) {
        read_link(AT_FDCWD, path, buffer, size)
    }

    fn sys_readlinkat(directory: i32, path: usize, buffer: usize, size: i32) {
        read_link(directory, path, buffer, size)
    }

    fn sys_access(path: usize, mode: u32) {
        access(AT_FDCWD, path, mode, 0)
    }

    fn sys_faccessat(directory: i32, path: usize, mode: u32) {
        access(directory, path, mode, 0)
    }

    fn sys_faccessat2(directory: i32, path: usize, mode: u32, flags: u32) {
        access(directory, path, mode, flags)
    }

    fn sys_chdir(path: usize) {
        enter(find(AT_FDCWD, &read(path)?, AtEnd::Follow)?)
    }

    fn sys_fchdir(fd: i32) {
        let open = table().get(fd)?;
        enter(node_of(&open.file).ok_or(ENOTDIR)?)
    }

    fn sys_getcwd(buffer: usize, size: usize) {
        working_directory(buffer, size)
    }

    fn sys_umask(mask: u32) {
        Ok(current().process.paths.set_umask(mask) as usize)
    }
}
