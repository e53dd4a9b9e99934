"""From a process of the supervisor to the container's first one: name spaces, mounts, rights.

Runs in a child that is process 1 of a new pid namespace and is being traced already. What `docker
run` would set up is set up (runc's libcontainer/rootfs_linux.go and init_linux.go say what that
is), except that nothing can be reached over the network and that no cgroup is made.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import stat
from contextlib import suppress

from ... import capabilities
from . import linux, network, seccomp, spawn
from .recording import Bounds, Surroundings
from .request import Start

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
# moby/oci/defaults.go: MaskedPaths and ReadonlyPaths.
_MASKED_FILES = (
    "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
    "/proc/timer_list", "/proc/timer_stats",
)  # fmt: skip
_MASKED_DIRECTORIES = ("/proc/acpi", "/proc/asound", "/proc/scsi", "/sys/firmware")
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_TTY_GROUP = 5  # Debian's and everybody's
_SHARED_MEMORY_BYTES = 64 << 20  # docker run --shm-size
_OPEN_FILES = 1 << 20  # of containerd's service
# A process may ask for more than all together may use: a JVM or Go reserves before it uses. The
# recorder sees what is used, ten times a second; this is for what is faster.
_DATA_FACTOR = 4


class NoDirectoryError(Exception):
    """The working directory cannot be had: the image's fault."""


def enter(root: str, beside: str, surroundings: Surroundings) -> None:
    """Be in the container at `root`: everything but its rights and its program. The directory
    `beside` takes the files that are mounted into it."""
    os.setsid()
    os.umask(0)
    linux.unshare(
        linux.CLONE_NEWNS | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWCGROUP
    )
    socket.sethostname(surroundings.hostname)
    network.make(surroundings.address)
    files = _described(surroundings, beside)
    devices = {name: os.open(f"/dev/{name}", os.O_PATH | os.O_CLOEXEC) for name in _DEVICES}
    before = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    os.chdir(root)
    # The old root stays below the new one until everything is there: proc(5) and sysfs(5) may
    # only be mounted where they were to be seen before.
    linux.pivot_root(".", ".")
    os.chdir("/")
    _mount_kernel_files()
    _mount_devices(devices)
    for path, descriptor in files.items():
        with suppress(FileNotFoundError):
            _bind(f"/proc/self/fd/{descriptor}", path)
    os.fchdir(before)
    linux.unmount(".", linux.MNT_DETACH)
    os.chdir("/")


def _described(surroundings: Surroundings, beside: str) -> dict[str, int]:
    """The files of /etc that docker makes for each container, by descriptor."""
    name, address = surroundings.hostname, surroundings.address
    hosts = (
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        f"fe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\n"
        f"ff02::2\tip6-allrouters\n{address}\t{name}\n"
    )
    texts = {
        "/etc/hosts": hosts,
        "/etc/hostname": f"{name}\n",
        "/etc/resolv.conf": "# nothing can be reached\n",
    }
    made = {}
    for path, text in texts.items():
        where = os.path.join(beside, os.path.basename(path))
        with open(where, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        made[path] = os.open(where, os.O_PATH | os.O_CLOEXEC)
    return made


def _mount_kernel_files() -> None:
    quiet = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", "/proc", "proc", quiet)
    try:
        linux.mount("sysfs", "/sys", "sysfs", quiet | linux.MS_RDONLY)
    except PermissionError:  # a container around us hides part of it: nothing is better than more
        linux.mount("tmpfs", "/sys", "tmpfs", quiet | linux.MS_RDONLY, "size=0,mode=755")
    for path in _READ_ONLY:
        if os.path.lexists(path):
            _bind(path, path)
            linux.mount("", path, "", linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | quiet)
    for path in _MASKED_DIRECTORIES:
        if os.path.isdir(path):
            linux.mount("tmpfs", path, "tmpfs", quiet | linux.MS_RDONLY, "size=0,mode=755")


def _mount_devices(devices: dict[str, int]) -> None:
    quiet = linux.MS_NOSUID | linux.MS_NOEXEC
    linux.mount("tmpfs", "/dev", "tmpfs", linux.MS_NOSUID, "size=64k,mode=755")
    for name, descriptor in devices.items():
        _make_empty(f"/dev/{name}")
        _bind(f"/proc/self/fd/{descriptor}", f"/dev/{name}")
    for path in _MASKED_FILES:
        if os.path.lexists(path):
            _bind("/dev/null", path)
    for name in ("pts", "shm", "mqueue"):
        os.mkdir(f"/dev/{name}", 0o755)
    options = f"newinstance,ptmxmode=0666,mode=0620,gid={_TTY_GROUP}"
    linux.mount("devpts", "/dev/pts", "devpts", quiet, options)
    shared = f"mode=1777,size={_SHARED_MEMORY_BYTES}"
    linux.mount("shm", "/dev/shm", "tmpfs", quiet | linux.MS_NODEV, shared)
    linux.mount("mqueue", "/dev/mqueue", "mqueue", quiet | linux.MS_NODEV)
    for name, target in {**_LINKS, "ptmx": "pts/ptmx"}.items():
        os.symlink(target, f"/dev/{name}")


def _make_empty(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def _bind(source: str, target: str) -> None:
    linux.mount(source, target, "", linux.MS_BIND)


def prepare(start: Start, bounds: Bounds, processors: int | None) -> None:
    """Limits, working directory and processors of the container's first process."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_DATA, bounds.memory_bytes * _DATA_FACTOR)
    _limit(resource.RLIMIT_FSIZE, bounds.memory_bytes)
    # A backstop: threads count too, and all runs of an image have the same user IDs.
    _limit(resource.RLIMIT_NPROC, bounds.processes * 16)
    if processors is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])
    try:
        os.makedirs(start.cwd, 0o755, exist_ok=True)  # docker makes it where it is not there
        os.chdir(start.cwd)
    except OSError as refused:
        problem = f"its working directory {start.cwd}: {refused.strerror}"
        raise NoDirectoryError(problem) from refused
    os.umask(start.umask)


def _limit(name: int, wanted: int) -> None:
    hard = resource.getrlimit(name)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(name, (value, value))


def confine(start: Start, has_shifted_clock: bool) -> None:
    """Take away every right that a container would not have; there is no way back."""
    program = seccomp.shifted_clock_filter() if has_shifted_clock else seccomp.docker_filter()
    linux.install_filter(program)
    kept = capabilities.mask(capabilities.OF_CONTAINERS)
    for number in range(len(capabilities.NAMES)):
        if not kept >> number & 1:
            with suppress(OSError):  # one that this kernel does not have
                linux.prctl(linux.PR_CAPBSET_DROP, number)
    os.setgroups(start.groups)
    os.setresgid(start.gid, start.gid, start.gid)
    os.setresuid(start.uid, start.uid, start.uid)
    linux.set_capabilities(kept if start.uid == 0 else 0)


def run_program(start: Start, env: tuple[str, ...]) -> None:
    """Becomes the container's program, found as runc finds it; an OSError says why not."""
    program = _found(start)
    for name in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):  # Python's own settings
        signal.signal(name, signal.SIG_DFL)
    spawn.become(program, start.argv, env)


def _found(start: Start) -> str:
    name = start.argv[0]
    if "/" in name:
        return name
    paths = [entry[5:] for entry in start.env if entry.startswith("PATH=")][-1:] or [""]
    for directory in paths[0].split(":"):
        candidate = os.path.join(directory or ".", name)
        if os.access(candidate, os.X_OK) and stat.S_ISREG(os.stat(candidate).st_mode):
            return candidate
    raise FileNotFoundError(2, f"no program {name} in PATH={paths[0]}")
