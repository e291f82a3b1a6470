"""A copy that another process makes while the server writes: whole, and with all that was acknowledged before."""

import json
import sqlite3
import subprocess
import sys
import time

import pytest

from tests.durability.helpers import ABSENT, Load, torn_rows, unsound
from tests.durability.test_crashes import fill

WAYS = {
    "the backup API": """
import sqlite3, sys
source, target = sqlite3.connect(sys.argv[1], timeout=20), sqlite3.connect(sys.argv[2])
source.backup(target, pages=50, sleep=0.001)
""",
    "VACUUM INTO": """
import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=20).execute("VACUUM INTO ?", [sys.argv[2]])
""",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_copy_under_load_is_sound_and_has_what_was_acknowledged_before(server, tmp_path, way):
    load, copy, known = Load(server, seed=19), tmp_path / "copy.db", {}

    def take():
        for writer in load.writers:
            known.update({key[1]: version for key, version in writer.known.copy().items() if key[0] == "user"})
        source = server.instance / "rollcall.db"
        subprocess.run([sys.executable, "-c", way, source, copy], check=True, timeout=60)
        load.over = True

    load.run(1.5, take)
    assert (unsound(copy), torn_rows(copy)) == ([], [])
    database = sqlite3.connect(copy)
    documents = [json.loads(text) for (text,) in database.execute("SELECT document FROM users")]
    database.close()
    found = {doc["userName"]: int(doc["title"].removeprefix("v")) for doc in documents}
    deleted = {key[1] for writer in load.writers for key, version in writer.known.items() if version is ABSENT}
    deleted |= {
        key[1] for writer in load.writers if writer.pending for facts in writer.pending.facts for key in facts
    }
    kept = {name: version for name, version in known.items() if version is not ABSENT and name not in deleted}
    assert len(kept) > 20
    assert [name for name, version in kept.items() if found.get(name, 0) < version] == []
    assert load.strange == []


def test_an_import_of_10_000_users_in_pages_of_100_takes_less_than_a_minute(server):
    fill(server.instance / "rollcall.db", 10_000)
    session, found, began = server.session(), [], time.monotonic()
    for start in range(1, 10_000, 100):
        params = {"startIndex": start, "count": 100}
        page = session.get(f"{server.base_url}/Users", params=params).json()
        assert page["totalResults"] == 10_000
        found += [user["userName"] for user in page["Resources"]]
    assert time.monotonic() - began < 60
    assert found == [f"many-{n}" for n in range(1, 10_001)]
