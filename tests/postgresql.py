"""Runs the suite on a PostgreSQL server that lives only for it: python -m tests.postgresql [words for pytest]

Where PostgreSQL is not installed it says so and does nothing; with ROLLCALL_TEST_ALL that is a failure. What needs
no database, and what is about SQLite alone, is left out: it has run already.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import free_port

SETTINGS = {
    "fsync": "off",  # the machine does not lose its power; a server that is killed has written to the kernel
    "max_connections": "400",
    "listen_addresses": "127.0.0.1",
}
FOLDERS = ("tests/core", "tests/scim", "tests/idp", "tests/portal", "tests/durability", "tests/test_cli.py")

LEFT_OUT = ("--ignore=tests/scim/test_slow_clients.py",)  # about the server's threads: it has run already


def program(name: str) -> str | None:
    """Return the path of one of PostgreSQL's programs; Debian has them outside of PATH."""
    places = [os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
    return shutil.which(name, path=os.pathsep.join(places))


class Postgresql:
    """A PostgreSQL server in a folder; `url` is a database whose owner may make others.

    The folder is empty, or the copy of one whose server was stopped.
    """

    end = "immediate"  # how it is stopped after use

    def __init__(self, folder: Path, settings: dict = SETTINGS):
        self.folder, self.port, self.settings = folder, free_port(), settings
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"
        owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None  # it refuses to run as root
        self.owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
        if owner:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def run(self, name, *words):
        """Run one of PostgreSQL's programs as the owner of the folder."""
        command = [program(name), "-D", str(self.folder / "data"), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.owner)

    def start(self):
        settings = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        options = f"-p {self.port} -k {self.folder} {settings}"
        self.run("pg_ctl", "--wait", "--log", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode="immediate"):
        """End it as a crash would: connections break, and the next start recovers; not so if it is "fast"."""
        self.run("pg_ctl", "--wait", "--mode", mode, "stop")

    @property
    def pid(self) -> int:
        """The process that all others of the server are children of."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def __enter__(self):
        if not (self.folder / "data").exists():
            self.run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")
        self.start()
        return self

    def __exit__(self, *_):
        self.stop(self.end)


def main(words) -> int:
    if not program("initdb"):
        print("PostgreSQL is not installed: the suite did not run on it.")
        return 1 if "ROLLCALL_TEST_ALL" in os.environ else 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Postgresql(Path(folder)) as server:
        environment = os.environ | {"ROLLCALL_TEST_POSTGRESQL": server.url}
        chosen = [word for word in words if Path(word.partition("::")[0]).exists()]
        command = [sys.executable, "-m", "pytest", *words, *([] if chosen else (*FOLDERS, *LEFT_OUT))]
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
