"""Programs that matter to security by what they are, told by the file's name and place.

Names, not contents. The lists are our own, from the programs' manuals: what each can be used for.
"""

from __future__ import annotations

import posixpath
import re

from .model import Node, NodeType

# Programs that read commands from whoever reaches them, by the name of the file: those that
# start-up scripts are written for, and others.
SHELLS = frozenset(
    ("ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "ksh93", "mksh", "rbash", "sh",
     "tcsh", "toybox", "zsh")
)  # fmt: skip
_OTHER_SHELLS = (
    "bosh", "elvish", "hush", "lksh", "loksh", "msh", "nu", "nushell", "oksh", "osh", "pdksh",
    "posh", "powershell", "pwsh", "rksh", "rzsh", "sash", "scsh", "xonsh", "yash", "ysh",
)  # fmt: skip
_SHELL = re.compile(
    rf"(?:{'|'.join((*SHELLS, *_OTHER_SHELLS))})(?:[-.]static|-extras)?(?:-?\d+(?:\.\d+)*)?"
)
# Of distributions: with their databases they have no use in an image that is not changed.
_SYSTEM_PACKAGE_MANAGERS = frozenset(
    ("apk", "apt", "apt-cache", "apt-cdrom", "apt-config", "apt-get", "apt-key", "apt-mark",
     "aptitude", "dnf", "dnf5", "dpkg", "dpkg-deb", "dpkg-divert", "dpkg-maintscript-helper",
     "dpkg-query", "dpkg-split", "dpkg-statoverride", "dpkg-trigger", "microdnf", "opkg", "pacman",
     "rpm", "tdnf", "yum", "zypper")
)  # fmt: skip
# Versions and platforms that names end in: 3.11, -3.1, 5.36-x86_64-linux-gnu.
_VERSION = r"(?:[-.]?\d+(?:\.\d+)*)?[dt]?(?:-\w+-linux-(?:gnu|musl)\w*)?"
# Of languages and of users: they fetch code and install it, or run it at once.
_LANGUAGE_PACKAGE_MANAGER = re.compile(
    r"(?:pip|pipx|pipenv|easy_install|poetry|pdm|uv|uvx|conda|mamba|micromamba|"
    r"npm|npx|yarn|yarnpkg|pnpm|pnpx|corepack|bunx|gem|bundle|bundler|composer|pear|pecl|"
    r"cpan|cpanm|luarocks|cargo|rustup|go|mvn|gradle|nuget|mix|cabal|opam|"
    r"brew|flatpak|guix|nix|nix-env|snap)" + _VERSION
)
_INTERPRETER = re.compile(
    r"(?:perl|raku|python|platform-python|micropython|pypy|graalpy|ruby|jruby|mruby|truffleruby|"
    r"node|nodejs|php|php-cgi|php-fpm|phpdbg|hhvm|lua|luajit|tclsh|wish|awk|gawk|mawk|nawk|"
    r"original-awk|goawk|guile|deno|bun|qjs|julia|racket|erl|escript|elixir|java|groovy|jshell|jjs|"
    r"kotlin|scala|clojure|mono|dotnet|R|Rscript|octave|ghci|runghc|gdb|bc|dc|m4|expect|irb|ocaml|"
    r"clisp|sbcl|swipl|wasmtime|wasmer)" + _VERSION
)
_NETWORK_TOOLS = frozenset(
    ("aria2c", "arp", "arping", "autossh", "aws", "axel", "az", "bird", "buildah", "chisel",
     "clickhouse-client", "cloudflared", "consul", "cqlsh", "crane", "crictl", "ctr", "curl",
     "curlie", "dbclient", "dig", "docker", "drill", "dropbear", "elinks", "etcdctl", "ethtool",
     "fetch", "finger", "frpc", "ftp", "ftpget", "ftpput", "gcloud", "gh", "git", "glab",
     "grpcurl", "gsutil", "helm", "hg", "host", "hping3", "http", "https", "ifconfig", "ip",
     "iperf", "iperf3", "iptables", "kdig", "kubectl", "ldapsearch", "lftp", "links", "lynx",
     "mariadb", "mariadb-dump", "masscan", "mongo", "mongodump", "mongosh", "mosh", "mtr",
     "mysql", "mysqldump", "nc", "nc.openbsd", "nc.traditional", "ncat", "nerdctl", "netcat",
     "netstat", "nft", "ngrok", "nmap", "nping", "nslookup", "nsupdate", "openssl", "oras",
     "pg_basebackup", "pg_dump", "ping", "ping6", "podman", "psql", "rclone", "redis-cli", "rsh",
     "rsync", "s3cmd", "s5cmd", "scp", "sftp", "skopeo", "smbclient", "socat", "sqlcmd", "ss",
     "ssh", "ssh-keyscan", "sshd", "sshpass", "stunnel", "svn", "tailscale", "tcpdump", "telnet",
     "tftp", "traceroute", "tshark", "valkey-cli", "vault", "w3m", "websocat", "wg", "wget",
     "wget2", "whois", "xh")
)  # fmt: skip
_LIVING_OFF_THE_LAND = frozenset(
    ("ar", "at", "base32", "base64", "batch", "bzip2", "capsh", "cat", "chattr", "chgrp",
     "chmod", "chown", "chroot", "cmp", "column", "comm", "cp", "cpio", "crontab", "csplit",
     "cut", "date", "dd", "debugfs", "dialog", "diff", "dmesg", "doas", "ed", "egrep", "emacs",
     "env", "ex", "expand", "fgrep", "file", "find", "flock", "fmt", "fold", "gcc", "gcore",
     "getent", "grep", "gzip", "head", "hexdump", "iconv", "install", "ionice", "join",
     "journalctl", "kmod", "ld.so", "ldconfig", "less", "ln", "logger", "logsave", "ltrace",
     "make", "man", "mkfifo", "mknod", "more", "mount", "mv", "nano", "newgrp", "nice", "nl",
     "nohup", "nsenter", "od", "paste", "patch", "pg", "pico", "pr", "printenv", "rev",
     "run-parts", "runuser", "screen", "script", "sdiff", "sed", "setarch", "setpriv", "shuf",
     "sort", "split", "sqlite3", "start-stop-daemon", "stdbuf", "strace", "strings", "su",
     "sudo", "sysctl", "systemctl", "tac", "tail", "tar", "taskset", "tee", "time", "timeout",
     "tmux", "top", "truncate", "ul", "unexpand", "uniq", "unshare", "unzip", "vi", "vim",
     "view", "vipw", "vigr", "watch", "wc", "xargs", "xxd", "xz", "zip", "zstd")
)  # fmt: skip
_PROGRAM_DIRECTORIES = frozenset(
    ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
)


def is_shell(node: Node) -> bool:
    """Whether a path is a shell: a program called as one, or a link that leads to one."""
    if node.type is NodeType.SYMLINK:
        return _is_called_as_shell(node.target or "") or (
            _is_called_as_shell(node.path) and posixpath.dirname(node.path) in _PROGRAM_DIRECTORIES
        )
    return _is_executable(node) and _is_called_as_shell(node.path)


def _is_called_as_shell(path: str) -> bool:
    return _SHELL.fullmatch(posixpath.basename(path)) is not None


def _is_executable(node: Node) -> bool:
    return node.type is NodeType.FILE and bool(node.mode & 0o111)


def is_system_package_manager(node: Node) -> bool:
    """Whether a path is a program of a distribution that installs its packages."""
    directory, name = posixpath.split(node.path)
    return name in _SYSTEM_PACKAGE_MANAGERS and directory in _PROGRAM_DIRECTORIES


def is_package_manager(node: Node) -> bool:
    """Whether a path is a program that installs packages, of a distribution or a language."""
    name = posixpath.basename(node.path)
    is_of_a_language = _LANGUAGE_PACKAGE_MANAGER.fullmatch(name) is not None
    return is_system_package_manager(node) or (_is_in_path(node) and is_of_a_language)


def is_interpreter(node: Node) -> bool:
    """Whether a path is a program that runs what it is given as text, wherever it lies: images
    bring runtimes of their own, and distributions keep one in libexec."""
    is_named = _INTERPRETER.fullmatch(posixpath.basename(node.path)) is not None
    return is_named and (_is_in_path(node) or _is_executable(node))


def is_network_tool(node: Node) -> bool:
    """Whether a path is a program that fetches, sends or listens for whoever calls it."""
    return _is_in_path(node) and posixpath.basename(node.path) in _NETWORK_TOOLS


def is_living_off_the_land(node: Node) -> bool:
    """Whether a path is a program that reads or writes any file, or starts others, when asked."""
    return _is_in_path(node) and posixpath.basename(node.path) in _LIVING_OFF_THE_LAND


def _is_in_path(node: Node) -> bool:
    """In any bin or sbin: environments and language runtimes bring their own."""
    directory = posixpath.basename(posixpath.dirname(node.path))
    return directory in ("bin", "sbin") and node.type in (NodeType.FILE, NodeType.SYMLINK)
