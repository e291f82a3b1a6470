"""Disks that get full or break under a real server, and have room again.

disk = MountedDisk(folder)                    # as root: a file system of a few megabytes
disk = LimitedDisk(folder)                    # without: the kernel refuses the processes' writes
server = disk.server()
disk.fill(server); disk.make_room(server)
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from tests.conftest import ROOT
from tests.durability.helpers import new_server

SIZE = 24 * 2**20  # bytes of a disk


def run(*command) -> bool:
    """Run a command of the system; return whether it could be done."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def can_mount(probe: Path) -> bool:
    """Return whether file systems may be mounted here: it takes root, and a container may forbid it even so."""
    probe.mkdir(exist_ok=True)
    if os.geteuid() or not run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(probe)):
        return False
    return run("umount", str(probe))


class MountedDisk:
    """A tmpfs, which gets full as any file system does: every byte that is left is taken."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        assert run("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder))

    def fill(self, _server=None):
        with suppress(OSError), open(self.folder / "filler", "ab", buffering=0) as filler:
            while filler.write(b"\0" * 4096):
                pass

    def make_room(self, _server=None):
        (self.folder / "filler").unlink(missing_ok=True)

    def beginning(self, command):
        """Return how a command is run while the disk is full."""
        self.fill()
        return command

    def remove(self):
        run("umount", "--lazy", str(self.folder))


class LimitedDisk:
    """A folder, and a limit on the size of files that the kernel holds the server's processes to."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()

    def fill(self, server):
        for pid in pids_of(server):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def make_room(self, server=None):
        for pid in pids_of(server) if server else ():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

    def beginning(self, command):
        return [sys.executable, "-c", LIMITED, *command]

    def remove(self):
        pass


LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
os.execv(sys.argv[1], sys.argv[1:])
"""


def pids_of(server):
    """Return the processes of a server, which are a group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if int(path.read_text().rpartition(")")[2].split()[2]) == server.process.pid:
                found.append(int(path.parent.name))
    return found


def server_on(disk, empty_instance, **environment):
    """Return a server whose database, secret key and log are on a disk, not started yet."""
    folder = shutil.copytree(empty_instance, Path(mkdtemp(dir=disk.folder)) / "instance")
    return new_server(folder, **environment)


def start_in_vain(disk, instance, port):
    """Start a server on a disk that takes nothing; return (exit code, what it said), or None while it serves."""
    environment = os.environ | {"ROLLCALL_INSTANCE_PATH": str(instance), "PORT": str(port)}
    process = subprocess.Popen(
        disk.beginning([sys.executable, "app.py"]),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=20)
        return process.returncode, said
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
