"""What stays and changes: account files lose passwords and accounts, setuid and setgid bits are
cleared, the dynamic linker's cache forgets what is dropped, and a script whose interpreter is
dropped may not be executed. Contents are otherwise the image's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .. import library_cache
from ..contents import Held
from ..model import Entrypoint, Keep, Node, NodeType, Tree
from .kept_accounts import KeptAccounts, kept_accounts
from .removal import SETUID_OR_SETGID, is_of_runtime, is_setuid

_EXECUTE = 0o111
# execve(2): a script's first line, of which Linux reads so much (BINPRM_BUF_SIZE).
_SHEBANG = re.compile(rb"#![ \t]*([^ \t\n\0]+)")
_FIRST_LINE_BYTES = 256


def rewritten(
    tree: Tree, entrypoint: Entrypoint, kept: Sequence[Node]
) -> tuple[Sequence[Node], tuple[Keep, ...]]:
    """The kept nodes as they go in, and what was changed."""
    texts = _account_texts(tree, kept_accounts(tree, entrypoint, kept))
    paths = frozenset(node.path for node in kept)
    nodes, changes = [], []
    for node in kept:
        changed, because = _rewritten(node, tree, texts, paths)
        nodes.append(changed)
        changes += [Keep(node.path, because)] if because else []
    return nodes, tuple(changes)


def place(tree: Tree, path: str) -> str:
    """Where a path really is: what a symlink of the image at this path leads to."""
    node = tree.resolve(path)
    return node.path if node is not None else path


def _rewritten(
    node: Node, tree: Tree, texts: Mapping[str, tuple[bytes, str]], kept: frozenset[str]
) -> tuple[Node, str]:
    """The node as it goes in, and what changed; empty: nothing."""
    if node.type is not NodeType.FILE:
        return node, ""
    if node.path in texts:
        data, names = texts[node.path]
        # No inode: another name of the old text would not be another name of this one.
        changed = replace(node, content=Held(data), mode=0o644, inode=0)
        return changed, f"rewritten without passwords: {names or 'no account'}"
    node, of_text = _cache_of_kept(node, tree, kept)
    node, of_mode = _harmless(node, tree, kept)
    return node, "; ".join(filter(None, (of_text, of_mode)))


def _harmless(node: Node, tree: Tree, kept: frozenset[str]) -> tuple[Node, str]:
    """The file without a mode that gives more than it should, or that promises to be executed."""
    if is_setuid(node):
        mode = node.mode & ~SETUID_OR_SETGID
        said = f"setuid/setgid bits cleared: {node.mode:04o} to {mode:04o}"
        return replace(node, mode=mode), said
    interpreter = _lost_interpreter(node, tree, kept)
    if interpreter:
        because = f"may not be executed: its interpreter {interpreter} is dropped"
        return replace(node, mode=node.mode & ~_EXECUTE), because
    return node, ""


def _account_texts(tree: Tree, accounts: KeptAccounts) -> Mapping[str, tuple[bytes, str]]:
    """Path -> the new text, and the accounts in it with their reasons."""
    users = "; ".join(f"{account.name} ({why})" for account, why in accounts.accounts)
    groups = "; ".join(f"{group.name} ({why})" for group, why in accounts.groups)
    return {
        place(tree, "/etc/passwd"): (accounts.passwd(), users),
        place(tree, "/etc/group"): (accounts.group(), groups),
    }


def _cache_of_kept(node: Node, tree: Tree, kept: frozenset[str]) -> tuple[Node, str]:
    if node.path != place(tree, library_cache.PATH) or node.content is None:
        return node, ""
    data = node.content.read()
    cut = library_cache.cut_library_cache(data, lambda path: _leads_to_kept(tree, path, kept))
    if cut == data:
        return node, ""
    count = len(library_cache.read_library_cache(cut))
    because = f"names the libraries that are kept, {count}, and no other"
    return replace(node, content=Held(cut), inode=0), because


def _lost_interpreter(node: Node, tree: Tree, kept: frozenset[str]) -> str:
    """What a script that may be executed names in its first line and is dropped; else empty."""
    if not node.mode & _EXECUTE or node.content is None:
        return ""
    with node.content.open() as content:
        found = _SHEBANG.match(content.read(_FIRST_LINE_BYTES))
    path = found[1].decode("utf-8", "surrogateescape") if found else ""
    is_lost = path.startswith("/") and tree.resolve(path) is not None
    return path if is_lost and not _leads_to_kept(tree, path, kept) else ""


def _leads_to_kept(tree: Tree, path: str, kept: frozenset[str]) -> bool:
    chain = tree.chain(path)
    return bool(chain) and all(one in kept or is_of_runtime(one) for one in chain)
