"""Fill a Rollcall database, once for each size and schema, and hand out copies of it.

path, token = copy_of(100_000)
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from sqlalchemy import event

from app import create_app
from bench import people
from core import accounts, attributes, directory, journal, tokens
from database import checkpoint, db, transaction, upgrade_database
from protocol.schema import GROUP_TYPE

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "bench" / "data"
COPIES = DATA / "copies"


def kept(users: int) -> tuple[Path, str]:
    """Return the path of the database of a size and its token; fill it first if need be. Nothing changes it."""
    path = DATA / f"{users}-{fingerprint()}.db"
    if not path.exists():
        print(f"filling a database with {users:,} users, once …", file=sys.stderr)
        for stale in DATA.glob(f"{users}-*"):
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
        subprocess.run([sys.executable, "-m", "bench.seed", str(users), str(path)], cwd=ROOT, check=True)
    return path, path.with_suffix(".token").read_text()


def copy_of(users: int) -> tuple[Path, str]:
    """Return the path of a fresh copy of the database of a size, in its one place, and its token."""
    path, token = kept(users)
    copy = COPIES / str(users) / "rollcall.db"
    shutil.rmtree(copy.parent, ignore_errors=True)
    copy.parent.mkdir(parents=True)
    shutil.copyfile(path, copy)
    return copy, token


def fingerprint() -> str:
    """Return what changes with the schema and with what is filled in."""
    ours = [ROOT / "bench/people.py", ROOT / "bench/seed.py"]
    sources = [*sorted(ROOT.glob("migrations/versions/*.py")), *ours]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def main(users: int, path: Path):
    """Fill one database, as a process of its own; it gets its name when all is in."""
    unfinished = Path(f"{path}.unfinished")
    unfinished.unlink(missing_ok=True)
    app = create_app({"DATABASE_URL": f"sqlite:///{unfinished}", "INSTANCE_PATH": str(DATA)})
    with app.app_context():
        event.listen(db.engine, "connect", make_room)
        upgrade_database()
        with transaction():
            token = fill(users)
        checkpoint()
        db.engine.dispose()
    path.with_suffix(".token").write_text(token)
    unfinished.rename(path)


def make_room(raw, _record):
    """Keep up to four gigabytes of pages in memory: rows go all over the index of values."""
    raw.execute("PRAGMA cache_size = -4000000")


def fill(users: int) -> str:
    """Create the custom attribute, the people, the groups, an administrator and a token; return the token."""
    actor, local = journal.Actor("bench", token_id=1), journal.Actor("bench")
    attributes.add(people.ATTRIBUTE, "string", False, actor)
    user_type = attributes.user_type()
    ids = []
    for number, doc in enumerate(people.people(users)):
        by = local if number < users and people.is_local(number) else actor
        ids.append(directory.create(user_type, doc, by, ignored=[]).id)
    for name, numbers in people.groups(users):
        members = [{"value": ids[number]} for number in numbers]
        directory.create(GROUP_TYPE, {"displayName": name, "members": members}, actor, ignored=[])
    accounts.create(**people.ADMINISTRATOR, role="administrator", actor=local)
    return tokens.create("bench", actor)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
