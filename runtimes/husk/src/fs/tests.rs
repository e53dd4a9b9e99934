//! The tree as a whole: walks, changes, and what open(2) makes of them.

use super::content::Content;
use super::directory::{Directory, attach};
use super::name::Name;
use super::node::{Attributes, Kind, Node, NodeRef};
use super::open::{self, How, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDWR};
use super::tree::{self, Existing};
use super::walk::{AtEnd, Found, walk};
use super::{File, FileRef};
use crate::errno::*;

fn directory() -> NodeRef {
    Node::new(Kind::Directory(Directory::new()), Attributes::new(0o755))
}

fn file() -> NodeRef {
    Node::new(
        Kind::Regular(Content::of_archive(b"text")),
        Attributes::new(0o644),
    )
}

fn link_to(target: &str) -> NodeRef {
    let kind = Kind::Symlink(Name::new(target.as_bytes()));
    Node::new(kind, Attributes::new(0o777))
}

/// /a/b/file, /a/link -> b/file, /abs -> /a, /loop -> loop, /dangling -> a/new
fn tree() -> NodeRef {
    let (root, a, b) = (directory(), directory(), directory());
    attach(&root, Name::new(b"a"), a.clone());
    attach(&a, Name::new(b"b"), b.clone());
    attach(&b, Name::new(b"file"), file());
    attach(&a, Name::new(b"link"), link_to("b/file"));
    attach(&root, Name::new(b"abs"), link_to("/a/"));
    attach(&root, Name::new(b"loop"), link_to("loop"));
    attach(&root, Name::new(b"dangling"), link_to("a/new"));
    root
}

fn find<'p>(root: &'p NodeRef, path: &'p str) -> Found<'p> {
    walk(root, root, path.as_bytes(), AtEnd::Stay).unwrap()
}

fn path_of(root: &NodeRef, path: &str) -> Result<String, Errno> {
    let node = walk(root, root, path.as_bytes(), AtEnd::Follow)?.existing()?;
    Ok(String::from_utf8(node.absolute_path()).unwrap())
}

fn opened(root: &NodeRef, path: &str, flags: u32) -> Result<FileRef, Errno> {
    let how = How {
        flags,
        attributes: Attributes::new(0o600),
    };
    let path = path.as_bytes();
    open::check_flags(flags)?;
    open::open(walk(root, root, path, how.at_end(path))?, how)
}

#[test]
fn links_are_followed_wherever_they_are() {
    let root = tree();
    let to_file = [
        "/a/b/file",
        "a/link",
        "/abs/link",
        "//a/./b/../b//file",
        "abs/../a/link",
    ];
    for path in to_file {
        assert_eq!(path_of(&root, path), Ok("/a/b/file".into()), "{path}");
    }
    assert_eq!(path_of(&root, "/abs"), Ok("/a".into()));
    assert_eq!(path_of(&root, "/../.."), Ok("/".into()));
}

#[test]
fn wrong_paths_are_the_errors_of_path_resolution() {
    let root = tree();
    let long = "x".repeat(256);
    let errors = [
        ("", ENOENT),
        ("nowhere", ENOENT),
        ("nowhere/x", ENOENT),
        ("a/b/file/", ENOTDIR),
        ("a/link/", ENOTDIR),
        ("a/b/file/x", ENOTDIR),
        ("loop", ELOOP),
        ("loop/x", ELOOP),
        ("dangling", ENOENT),
        (long.as_str(), ENAMETOOLONG),
    ];
    for (path, error) in errors {
        assert_eq!(path_of(&root, path), Err(error), "{path}");
    }
    let huge = "a/".repeat(2048);
    assert_eq!(path_of(&root, &huge), Err(ENAMETOOLONG));
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let root = tree();
    for index in 0..41 {
        let target = if index == 0 {
            "a".into()
        } else {
            format!("l{}", index - 1)
        };
        attach(
            &root,
            Name::new(format!("l{index}").as_bytes()),
            link_to(&target),
        );
    }
    assert_eq!(path_of(&root, "l39"), Ok("/a".into()));
    assert_eq!(path_of(&root, "l40"), Err(ELOOP));
}

#[test]
fn open_makes_what_a_dangling_link_points_to() {
    let root = tree();
    assert_eq!(opened(&root, "dangling", O_RDWR).err(), Some(ENOENT));
    assert_eq!(
        opened(&root, "dangling", O_RDWR | O_CREAT | O_EXCL).err(),
        Some(EEXIST)
    );
    opened(&root, "dangling", O_RDWR | O_CREAT).unwrap();
    assert_eq!(path_of(&root, "a/new"), Ok("/a/new".into()));
}

#[test]
fn open_flags_are_checked_as_open_says() {
    let root = tree();
    let errors = [
        ("a", O_RDWR, EISDIR),
        ("a", O_CREAT, EISDIR),
        ("new/", O_CREAT, EISDIR),
        ("a/b/file", O_DIRECTORY, ENOTDIR),
        ("a/link", O_NOFOLLOW, ELOOP),
        ("a/b/file", O_CREAT | O_EXCL, EEXIST),
        ("new", O_CREAT | O_DIRECTORY, EINVAL),
    ];
    for (path, flags, error) in errors {
        assert_eq!(
            opened(&root, path, flags).err(),
            Some(error),
            "{path} {flags:#o}"
        );
    }
    let link = opened(&root, "a/link", O_PATH | O_NOFOLLOW).unwrap();
    assert_eq!(link.status().unwrap().mode, 0o120_777);
}

#[test]
fn removing_needs_the_right_kind_and_an_empty_directory() {
    let root = tree();
    assert_eq!(tree::unlink(&find(&root, "a")), Err(EISDIR));
    assert_eq!(tree::unlink(&find(&root, "a/b/file/")), Err(ENOTDIR));
    assert_eq!(tree::remove_directory(&find(&root, "a/b")), Err(ENOTEMPTY));
    assert_eq!(
        tree::remove_directory(&find(&root, "a/b/file")),
        Err(ENOTDIR)
    );
    assert_eq!(tree::remove_directory(&find(&root, "a/.")), Err(EINVAL));
    assert_eq!(tree::remove_directory(&find(&root, "a/..")), Err(ENOTEMPTY));
    assert_eq!(tree::remove_directory(&find(&root, "/")), Err(EBUSY));
    let open = opened(&root, "a/b/file", O_RDWR).unwrap();
    tree::unlink(&find(&root, "a/b/file")).unwrap();
    assert_eq!(open.status().unwrap().links, 0);
    assert_eq!(open.path(), b"/a/b/file (deleted)");
    tree::remove_directory(&find(&root, "a/b")).unwrap();
    assert_eq!(
        find(&root, "a").existing().unwrap().status().unwrap().links,
        2
    );
}

#[test]
fn nothing_is_made_in_a_directory_that_is_gone() {
    let root = tree();
    let c = tree::create(&find(&root, "c"), directory()).unwrap();
    tree::remove_directory(&find(&root, "c")).unwrap();
    let found = walk(&root, &c, b"x", AtEnd::Stay).unwrap();
    assert_eq!(tree::create(&found, file()).err(), Some(ENOENT));
}

#[test]
fn a_directory_does_not_move_into_itself() {
    let root = tree();
    let rename = |from, to| tree::rename(&find(&root, from), &find(&root, to), Existing::Replace);
    assert_eq!(rename("a", "a/b/c"), Err(EINVAL));
    assert_eq!(rename("a/b/file", "a/b"), Err(EISDIR));
    assert_eq!(rename("a/b", "a/b/file"), Err(EINVAL));
    assert_eq!(rename("a/b", "a/link"), Err(ENOTDIR));
    assert_eq!(rename("a/b", "a"), Err(ENOTEMPTY));
    assert_eq!(rename("nowhere", "x"), Err(ENOENT));
    assert_eq!(rename("a/b/file", "new/"), Err(ENOTDIR));
}

#[test]
fn renaming_moves_the_place_and_counts_links() {
    let root = tree();
    let rename = |from, to, existing| tree::rename(&find(&root, from), &find(&root, to), existing);
    rename("a/b", "moved", Existing::Replace).unwrap();
    assert_eq!(path_of(&root, "moved/file"), Ok("/moved/file".into()));
    let links = |path| {
        find(&root, path)
            .existing()
            .unwrap()
            .status()
            .unwrap()
            .links
    };
    assert_eq!((links("/"), links("a")), (4, 2));
    assert_eq!(rename("loop", "abs", Existing::Refuse), Err(EEXIST));
    assert_eq!(rename("loop", "none", Existing::Exchange), Err(ENOENT));
    rename("moved/file", "a", Existing::Exchange).unwrap();
    assert_eq!(path_of(&root, "moved/file"), Ok("/moved/file".into()));
    assert_eq!((links("/"), links("moved"), links("a")), (3, 3, 1));
}

#[test]
fn a_hard_link_is_the_same_file() {
    let root = tree();
    let node = find(&root, "a/b/file").existing().unwrap();
    tree::link(&node, &find(&root, "again")).unwrap();
    assert_eq!(node.status().unwrap().links, 2);
    assert_eq!(tree::link(&node, &find(&root, "a")), Err(EEXIST));
    assert_eq!(
        tree::link(&find(&root, "a").existing().unwrap(), &find(&root, "d")),
        Err(EPERM)
    );
    let rename = tree::rename(
        &find(&root, "again"),
        &find(&root, "a/b/file"),
        Existing::Replace,
    );
    assert_eq!(rename, Ok(()));
    assert!(find(&root, "again").node.is_some());
    tree::unlink(&find(&root, "a/b/file")).unwrap();
    assert_eq!(
        find(&root, "again")
            .existing()
            .unwrap()
            .status()
            .unwrap()
            .links,
        1
    );
}

#[test]
fn listings_go_on_where_they_were_whatever_changes() {
    let root = directory();
    let names = |cookie: u64| {
        let directory = root.directory().unwrap();
        let next = |at: &u64| directory.after(*at).map(|listing| listing.cookie);
        core::iter::successors(next(&cookie), next).count()
    };
    for index in 0..10u32 {
        attach(&root, Name::new(format!("f{index}").as_bytes()), file());
    }
    let third = root.directory().unwrap().after(4).unwrap();
    assert_eq!(&*third.name, b"f2");
    root.directory().unwrap().remove(b"f2");
    root.directory().unwrap().remove(b"f0");
    attach(&root, Name::new(b"late"), file());
    assert_eq!(names(third.cookie), 8);
    assert_eq!(names(0), 9);
}

#[test]
fn a_set_group_id_directory_passes_its_group_on() {
    let root = tree();
    find(&root, "a").existing().unwrap().change(|attributes| {
        attributes.gid = 7;
        attributes.permissions = 0o2775;
    });
    tree::create(&find(&root, "a/sub"), directory()).unwrap();
    let made = tree::create(&find(&root, "a/sub/file"), file()).unwrap();
    let sub = find(&root, "a/sub").existing().unwrap().status().unwrap();
    assert_eq!((sub.gid, sub.mode), (7, 0o42755));
    assert_eq!(
        (made.status().unwrap().gid, made.status().unwrap().mode),
        (7, 0o100644)
    );
}
