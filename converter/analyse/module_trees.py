"""The modules of an interpreter: code that is not ELF, and that it loads by names it computes.

Nothing is known here of any program. A language shows itself by the endings of its files: those
that the program's own source packages install below a library directory, and that of a script
named in its arguments. Of the packages from the program's source, those that own its scripts, those
that put modules where the program's own packages made a place for them (Debian's dist-packages),
and all that these depend on, everything is kept that lies in the same directory of /usr/lib or
/usr/share (and their like) as a file with such an ending: modules are loaded together with data
and libraries beside them. Where no package owns the program, the directories named after it
beside its own are kept.

Configuration in /etc that a module names whole, as its language writes a string, comes with it.

Programs in such a tree stay out, since nothing says that they are run, and so do tests, caches and
build tools (`spare_modules`). Of what was installed without a package (pip, npm), all else is kept
that lies beside a script, in a node_modules directory above it or in the place below /usr/local
that belongs to one of these trees; in the program's own directories (`own_places`) and those that
arguments and variables list; in the virtual environment it is started from; and where a path
configuration file leads. Zones and libraries that such modules name come with them.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from .. import elf
from ..model import Entrypoint, Node, NodeType, Package, Tree
from ..packages import owners, with_dependencies
from .closure import Closure
from .needs import is_account_file, is_of_runtime
from .own_places import OwnPlaces, is_for_shell, variables, words_of
from .shared_directories import SharedDirectories
from .spare_modules import spare
from .time_zones import add_all_zones

# Endings of source or byte code, with those that its interpreter loads in its place.
_LANGUAGES = (
    (".py", ".pyc"),
    (".js", ".cjs", ".mjs"),
    (".pm", ".pl", ".ph"),
    (".rb",),
    (".lua", ".luac"),
    (".tcl",),
    (".jar", ".jmod", ".class"),
    (".beam",),
    (".scm", ".go.bytecode"),
)
_NODE = _LANGUAGES[1]
# Its servers are told of their directories by configuration; a script is told in an argument.
_PHP = (".php", ".phar", ".phtml", ".inc")
_ENDINGS = tuple(itertools.chain(*_LANGUAGES))
# hier(7): below these every package has a directory of its own.
_LIBRARY_DIRECTORY = re.compile(
    r"((?:/usr/(?:local/)?(?:lib/[a-z0-9_]+-linux-gnu|lib64|lib|share)|/opt)/[^/]+)/"
)
_NAMED_CONFIGURATION = re.compile(rb"""['"](/etc/[A-Za-z0-9_./+-]+)['"]""")
_MAXIMUM_MODULE_BYTES = 1 << 20
# Python's zoneinfo, and what reads the files itself as Ruby's TZInfo does.
_ZONES_ASKED = re.compile(
    rb"^\s*(?:import|from)\s+zoneinfo\b|['\"]/usr/share/zoneinfo/?['\"]", re.MULTILINE
)
# A library as ctypes, cffi and their like give it to dlopen(3).
_NAMED_LIBRARY = re.compile(rb"['\"]((?:/[\w.+/-]*/)?lib[\w.+-]+\.so(?:\.\d+)*)['\"]")
_BYTE_CODE = "/__pycache__/"  # of what stands beside it in source (PEP 3147)
_ENVIRONMENT_FILE = "pyvenv.cfg"
_PATH_FILE = re.compile(r"/(?:site|dist)-packages/[^/]+\.pth$")
_FIRST_LINE_BYTES = 256  # BINPRM_BUF_SIZE, execve(2) § Interpreter scripts
# Documentation, and what packages put there for tools that look at programs from outside.
_NOT_LOADED = re.compile(
    r"/usr/share/(?:doc|doc-base|man|info|lintian|bash-completion|locale|apport|bug|gdb)/"
)


@dataclass(frozen=True, slots=True)
class _Trees:
    """What is in the trees, each path with its reason, before it is needed."""

    closure: Closure
    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, because: str) -> None:
        self.reasons.setdefault(path, because)


def add_module_trees(
    closure: Closure, entrypoint: Entrypoint, packages: tuple[Package, ...]
) -> None:
    """Need what the interpreter could load, and know what of it is spare; nothing for a program
    that interprets nothing."""
    trees = _Trees(closure)
    _find(trees, entrypoint, packages)
    sources = [path for path in trees.reasons if path.endswith(_ENDINGS)]
    words = "\n".join((entrypoint.exe, entrypoint.cwd, *entrypoint.argv, *entrypoint.env))
    told = words.encode(errors="surrogateescape")
    closure.needs.left_out |= spare(closure.needs.tree, trees.reasons, sources, told)
    for path, because in trees.reasons.items():
        if path not in closure.needs.left_out:
            _add(closure, path, because)
    _add_what_modules_open(closure, trees, packages, entrypoint)


def _add_what_modules_open(
    closure: Closure, trees: _Trees, packages: tuple[Package, ...], entrypoint: Entrypoint
) -> None:
    """Time zones and libraries that modules ask for by name; the language's own modules can do so
    for others, and do not by themselves."""
    own = owners(packages).get(entrypoint.exe, ())
    of_language = {path for package in _siblings(own, packages) for path in package.files}
    for path in sorted(trees.reasons.keys() - of_language - closure.needs.left_out.keys()):
        is_source = path.endswith(_ENDINGS) and _BYTE_CODE not in path
        node = closure.needs.tree.get(path) if is_source else None
        if node is None or node.content is None or node.size > _MAXIMUM_MODULE_BYTES:
            continue
        text = node.content.read()
        if _ZONES_ASKED.search(text):
            add_all_zones(closure, f"time zones are read by name in {path}")
        for found in sorted(set(_NAMED_LIBRARY.findall(text))):
            for library in closure.find(found.decode("ascii"), closure.elves[entrypoint.exe]):
                closure.add_library(library, f"{found.decode('ascii')} is written in {path}")


def _find(trees: _Trees, entrypoint: Entrypoint, packages: tuple[Package, ...]) -> None:
    closure = trees.closure
    owned = owners(packages)
    own = owned.get(entrypoint.exe, ())
    scripts = _scripts(closure, entrypoint)
    places_of_program = OwnPlaces(closure.needs.tree, owned)
    for path in scripts:
        closure.needs.add(path, f"a script that {entrypoint.exe} interprets")
        trees.add(path, f"a script that {entrypoint.exe} interprets")
        _add_beside(trees, path, SharedDirectories(owned))
    _add_environment(trees, entrypoint)
    if not own:
        _add_unpackaged(trees, entrypoint)
    siblings = tuple(_siblings(own, packages))
    endings = set(_endings(path for package in siblings for path in package.files))
    endings |= {ending for path in scripts for ending in _language_of(path)}
    if not endings and not scripts:
        return
    _add_own(trees, places_of_program, entrypoint, scripts)
    places = _places(closure, siblings, tuple(endings))
    starts = [*siblings, *(package for path in scripts for package in owned.get(path, ()))]
    starts += [package for package in packages if _has_module_in(package, places, tuple(endings))]
    for package in with_dependencies(packages, [package.name for package in starts]):
        because = f"modules of package {package.name}, which {entrypoint.exe} may load"
        _add_trees(trees, package, tuple(endings), because)
    _add_local(trees, siblings, tuple(endings))
    _add_by_path_files(trees)


def _add_own(
    trees: _Trees, places: OwnPlaces, entrypoint: Entrypoint, scripts: Iterable[str]
) -> None:
    """Code of the image's author: around the scripts, and where arguments and variables say that
    modules are (PYTHONPATH, NODE_PATH, GEM_HOME, -cp), with libraries, which modules load."""
    for place, because in places.of_program(scripts).items():
        _add_place(trees, place, because)
    told = [(entrypoint.cwd, "the working directory")]
    told += [(word, f"argument {one!r}") for one in entrypoint.argv[1:] for word in words_of(one)]
    told += [
        (word, f"environment variable {name}")
        for name, value in variables(entrypoint)
        for word in words_of(value)
    ]
    for word, because in told:
        path = posixpath.join(entrypoint.cwd, word.removesuffix("/*"))
        node = trees.closure.needs.tree.resolve(path) if "/" in word else None
        if node is not None and node.type is NodeType.DIRECTORY and places.around(node.path):
            _add_place(trees, node.path, because)


def _add_place(trees: _Trees, path: str, because: str) -> None:
    node = trees.closure.needs.tree.resolve(path)
    if node is None:
        return
    trees.add(node.path, because)
    for below in trees.closure.needs.files_below(node):
        if not is_for_shell(below):
            trees.add(below.path, because)


def _add_environment(trees: _Trees, entrypoint: Entrypoint) -> None:
    """A virtual environment (PEP 405): the interpreter finds its modules by the name it is started
    by, or a script's first line has."""
    for name in names_started_by(trees.closure.needs.tree, entrypoint):
        prefix = posixpath.dirname(posixpath.dirname(name))
        if trees.closure.needs.at(f"{prefix}/{_ENVIRONMENT_FILE}") is None:
            continue
        because = f"the virtual environment that {name} belongs to"
        trees.add(f"{prefix}/{_ENVIRONMENT_FILE}", because)
        for directory in ("lib", "lib64", "include", "share", "etc"):
            node = trees.closure.needs.at(f"{prefix}/{directory}")
            if node is not None:
                trees.add(node.path, because)
                _add_whole(trees, node.path, because)


def names_started_by(tree: Tree, entrypoint: Entrypoint) -> Iterator[str]:
    """Where the program's name leads to it: in its directory, or along PATH as execvp(3) goes."""
    name = entrypoint.argv[0] if entrypoint.argv else ""
    paths = dict(entry.partition("=")[::2] for entry in entrypoint.env).get("PATH", "")
    for directory in [entrypoint.cwd] if "/" in name else paths.split(":"):
        path = posixpath.join(entrypoint.cwd, directory, name)
        found = tree.resolve(path)
        if found is not None and found.path == entrypoint.exe:
            yield posixpath.normpath(path)
            return


def _add_by_path_files(trees: _Trees) -> None:
    """Directories that Python's path configuration files add to where modules are (site)."""
    tree = trees.closure.needs.tree
    for path in [path for path in trees.reasons if _PATH_FILE.search(path)]:
        node = tree.resolve(path)
        text = node.content.read() if node is not None and node.content is not None else b""
        for line in text.decode("utf-8", "replace").splitlines():
            directory = tree.resolve(posixpath.join(posixpath.dirname(path), line.strip()))
            if line.strip() and directory is not None and directory.type is NodeType.DIRECTORY:
                _add_place(trees, directory.path, f"a directory of modules named in {path}")


def _add_beside(trees: _Trees, script: str, shared: SharedDirectories) -> None:
    """Languages look for modules in a script's directory, Node in node_modules above it too."""
    tree = trees.closure.needs.tree
    directory = posixpath.dirname(script)
    if not shared.is_shared(directory):
        _add_whole(trees, directory, f"beside the script {script}")
    while directory != "/":
        directory = posixpath.dirname(directory)
        if script.endswith(_NODE) and tree.resolve(f"{directory}/node_modules") is not None:
            _add_whole(trees, f"{directory}/node_modules", f"where {script} looks for modules")


def _add_whole(trees: _Trees, path: str, because: str) -> None:
    directory = trees.closure.needs.tree.resolve(path)
    for node in trees.closure.needs.files_below(directory) if directory is not None else ():
        trees.add(node.path, because)


def _places(
    closure: Closure, siblings: Iterable[Package], endings: tuple[str, ...]
) -> tuple[str, ...]:
    """Directories that the program's packages made and put no module into: others do."""
    own = [path for package in siblings for path in package.files]
    used = {posixpath.dirname(path) for path in own if path.endswith(endings)}
    used |= {posixpath.dirname(path) for path in used}
    return tuple(
        f"{path}/"
        for path in own
        if path not in used and _library_directory(f"{path}/")
        if (node := closure.needs.at(path)) is not None and node.type is NodeType.DIRECTORY
    )


def _has_module_in(package: Package, places: tuple[str, ...], endings: tuple[str, ...]) -> bool:
    return any(path.startswith(places) and path.endswith(endings) for path in package.files)


def _add_local(trees: _Trees, siblings: Iterable[Package], endings: tuple[str, ...]) -> None:
    """The same places below /usr/local (hier(7)), which belong to no package."""
    own = (path for package in siblings for path in package.files if path.endswith(endings))
    for tree in sorted({found for path in own if (found := _library_directory(path))}):
        if tree.startswith("/usr/") and not tree.startswith("/usr/local/"):
            local = f"/usr/local{tree.removeprefix('/usr')}"
            _add_whole(trees, local, f"installed for what is in {tree}")


def is_module(path: str) -> bool:
    """Whether a path looks like code that a package installs for an interpreter to load."""
    return bool(_library_directory(path)) and path.endswith(_ENDINGS)


def _siblings(own: Iterable[Package], packages: Iterable[Package]) -> Iterator[Package]:
    sources = {package.source for package in own}
    return (package for package in packages if package.source in sources)


def _scripts(closure: Closure, entrypoint: Entrypoint) -> tuple[str, ...]:
    """Files among the arguments that are written in a language, or name this interpreter."""
    tree = closure.needs.tree
    found = []
    for word in entrypoint.argv[1:]:
        node = tree.resolve(word, cwd=entrypoint.cwd)
        if node is None or node.type is not NodeType.FILE:
            continue
        if _language_of(node.path) or _is_for(entrypoint, tree, node):
            found.append(node.path)
    return tuple(found)


def _is_for(entrypoint: Entrypoint, tree: Tree, script: Node) -> bool:
    """Whether its first line (execve(2)) names the program, by its path or through env(1)."""
    if script.content is None:
        return False
    with script.content.open() as file:
        line = file.read(_FIRST_LINE_BYTES).partition(b"\n")[0].decode("utf-8", "replace")
    words = line.removeprefix("#!").split() if line.startswith("#!") else []
    if words and posixpath.basename(words[0]) == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    started = replace(entrypoint, argv=tuple(words))
    return bool(words) and any(names_started_by(tree, started))


def _language_of(script: str) -> tuple[str, ...]:
    """The endings that go with a script's; none where it has no language's."""
    ending = posixpath.splitext(script)[1]
    languages = (*_LANGUAGES, _PHP)
    return next((language for language in languages if ending in language), ())


def _endings(paths: Iterable[str]) -> Iterator[str]:
    """Every ending of the languages that have a file among these."""
    present = {
        posixpath.splitext(path)[1]
        for path in paths
        if _library_directory(path) or not path.startswith("/usr/")
    }
    for language in _LANGUAGES:
        if present.intersection(language):
            yield from language


def _add_trees(trees: _Trees, package: Package, endings: tuple[str, ...], because: str) -> None:
    modules = [path for path in package.files if path.endswith(endings)]
    places = {place for path in modules if (place := _library_directory(path))}
    for path in package.files:
        if _library_directory(path) in places:
            trees.add(path, because)
    for directory in sorted({posixpath.dirname(path) for path in modules}):
        _add_compiled(trees, directory, because)


def _add_compiled(trees: _Trees, directory: str, because: str) -> None:
    """Byte code that was written when the package was installed (PEP 3147)."""
    for node in trees.closure.needs.tree.children(f"{directory}/__pycache__"):
        source = f"{directory}/{posixpath.basename(node.path).partition('.')[0]}.py"
        if source in trees.reasons:
            trees.add(node.path, because)


def _library_directory(path: str) -> str:
    match = None if _NOT_LOADED.match(path) else _LIBRARY_DIRECTORY.match(path)
    return match[1] if match else ""


def _add_unpackaged(trees: _Trees, entrypoint: Entrypoint) -> None:
    """For PREFIX/bin/NAME: PREFIX/lib/NAME… and PREFIX/share/NAME… where modules are in them; all
    of PREFIX/lib when PREFIX is the program's own."""
    prefix, binaries = posixpath.split(posixpath.dirname(entrypoint.exe))
    name = re.match(r"[A-Za-z_]*", posixpath.basename(entrypoint.exe))
    if binaries not in ("bin", "sbin") or not name or len(name[0]) < 3:
        return
    is_own_prefix = prefix.startswith("/opt/")
    because = f"modules beside {entrypoint.exe}, which no package owns"
    for library in ("lib", "share"):
        directory = trees.closure.needs.tree.resolve(f"{prefix}/{library}")
        if directory is None:
            continue
        named = (
            child
            for child in trees.closure.needs.tree.children(directory.path)
            if posixpath.basename(child.path).startswith(name[0])
        )
        for tree in (directory,) if is_own_prefix else named:
            below = [node.path for node in trees.closure.needs.files_below(tree)]
            if any(path.endswith(_ENDINGS) for path in below):
                for path in (tree.path, *below):
                    trees.add(path, because)


def _add(closure: Closure, path: str, because: str) -> None:
    node: Node | None = closure.needs.at(path)
    kind = elf.kind(node) if node is not None else None
    if kind == "library":
        closure.add_library(path, because)
    elif kind is None:
        closure.needs.add(path, because)
        _add_configuration(closure, node)


def _add_configuration(closure: Closure, module: Node | None) -> None:
    """What a module in source form names in /etc; accounts are a matter of their own."""
    if module is None or module.content is None or not module.path.endswith(_ENDINGS):
        return
    if module.size > _MAXIMUM_MODULE_BYTES:
        return
    for found in sorted(set(_NAMED_CONFIGURATION.findall(module.content.read()))):
        path = found.decode("ascii")
        target = closure.needs.tree.resolve(path)
        is_file = target is not None and target.type is NodeType.FILE
        if is_file and not is_account_file(path) and not is_of_runtime(path):
            closure.needs.add(path, f"path written in {module.path}")
