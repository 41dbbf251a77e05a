"""Checks of a path: whether it can be written, and whether its file system can hold a shared database."""

import os
import re
import sys
from pathlib import Path

from memkit.errors import NetworkPathError

NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs4 cifs smb3 smbfs afs ncpfs davfs fuse.sshfs fuse.davfs fuse.davfs2 fuse.s3fs fuse.rclone "
    "fuse.gcsfuse fuse.goofys fuse.glusterfs".split()
)
MOUNTS_FILE = Path("/proc/self/mounts")


def writable(path: Path) -> bool:
    """Whether this process may write there."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def sync(path: Path) -> None:
    """Write a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_shareable(path: Path, mounts: str | None = None) -> None:
    """Raises NetworkPathError where the path lies on a network file system; `mounts` as in /proc/self/mounts.

    SQLite's log needs memory that all processes share, and locks that hold; neither crosses a network. Systems
    that don't tell their mounts are trusted.
    """
    kind = file_system(path, _mounts() if mounts is None else mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise NetworkPathError(
            f"{path}: lies on a network file system ({kind}), whose locks a database can't rely on. Give a path on a "
            "local disk, and use store.backup(path) to copy it there."
        )


def file_system(path: Path, mounts: str) -> str | None:
    """The type of the file system of a path: that of the last of the longest mount points above it."""
    whole = path.resolve()
    deepest: tuple[int, str | None] = (-1, None)  # parts of the mount point, and its type
    for line in mounts.splitlines():
        _, place, kind, *_ = line.split(" ")
        point = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), place))  # spaces and the like are octal
        if whole.is_relative_to(point) and len(point.parts) >= deepest[0]:
            deepest = (len(point.parts), kind)
    return deepest[1]


def _mounts() -> str:
    return MOUNTS_FILE.read_text("utf-8", "surrogateescape") if sys.platform == "linux" and MOUNTS_FILE.exists() else ""
