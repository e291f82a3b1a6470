"""What SQLite says of a database file, wherever it lies: copies have other names and folders than an instance's."""

import sqlite3


def unsound(path):
    """Return what SQLite finds wrong with a database file."""
    database = sqlite3.connect(path)
    found = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
    found += [f"foreign key: {row}" for row in database.execute("PRAGMA foreign_key_check")]
    database.close()
    return found
