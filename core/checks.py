"""Whether an installation is set up well: what is wrong, and how to cure it. Changes nothing; no HTTP.

    for finding in findings(config, folder, refusal=None):
        finding.level, finding.name, finding.sentence, finding.cure     # "problem", "disk", …

It reads settings, files and the database by itself, so that it works where Rollcall refuses to start. A rule that
cannot look, because the database is broken, says so and is a problem itself.
"""

import os
import shutil
import sqlite3
import stat
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import create_engine, func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

import database
import engines
import models
from core import backup, words
from database import db, from_now, now

OK, WARNING, PROBLEM = "ok", "warning", "problem"
SHORTEST_SECRET = 32  # characters
FEWEST_CHARACTERS = 10  # different ones in a secret that nobody guesses
KNOWN_SECRETS = ("secret", "changeme", "change-me", "change_me", "password", "example", "192b9bdd22ab9ed4d12e2")
FULL, NEARLY_FULL = 200 * 2**20, 2**30  # bytes free on the disk
LARGEST_WAL = 64 * 2**20  # bytes
EXPIRY_DAYS = 30
SLACK = timedelta(minutes=5)  # by which clocks may differ
LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
NEWEST = {"audit": "time", "provisioning_log": "time", "users": "last_modified", "groups": "last_modified"}


@dataclass(frozen=True)
class Finding:
    """One line: what a rule found. `cure` is empty where there is nothing to do."""

    level: str
    name: str
    sentence: str
    cure: str = ""


def findings(config: dict, folder: str | Path, refusal: str | None) -> list[Finding]:
    """Return what every rule finds, in order. `refusal` is why Rollcall does not start with these settings."""
    folder = Path(folder)
    found = [*_of_refusal(refusal)]
    for rule in (_of_secret, _of_folder, _of_addresses):
        found += _safely(rule, config, folder)
    found += _safely(_of_clock)
    try:
        url = make_url(engines.located(config["DATABASE_URL"], folder))
    except SQLAlchemyError:
        return [*found, Finding(PROBLEM, "database", "ROLLCALL_DATABASE_URL is no address.", "See the README.")]
    path = None
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        found += _safely(_of_file, path)
        if not (path.is_file() and path.stat().st_size):
            return [*found, Finding(WARNING, "database", f"There is no database at {path} yet.", "Start Rollcall.")]
    return found + _safely(_of_database, url, path, config, folder)


def _safely(rule, *arguments):
    """Return what a rule finds, and that it could not look if it fails: a broken database ends no check."""
    found = []
    try:
        for finding in rule(*arguments):
            found.append(finding)
    except (SQLAlchemyError, sqlite3.Error, OSError, ValueError, KeyError, TypeError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        name = rule.__name__.removeprefix("_of_").replace("_", " ")
        cure = "If the database is damaged, restore a backup: docs/backups.md."
        if engines.is_damaged(error):
            cure = database.RESTORE
        found.append(Finding(PROBLEM, name, f"This could not be looked at: {reason}.", cure))
    return found


def _of_refusal(refusal):
    if refusal:
        yield Finding(PROBLEM, "settings", f"Rollcall does not start: {refusal}", "Set it right, then check again.")
    else:
        yield Finding(OK, "settings", "Every setting is one that Rollcall starts with.")


def _secret(config, folder):
    """Return (the secret key or "", where it is from)."""
    file = folder / "secret_key"
    if not config["SECRET_KEY"] and file.exists():
        return file.read_text().strip(), str(file)
    return config["SECRET_KEY"] or "", "ROLLCALL_SECRET_KEY"


def _of_secret(config, folder):
    file, (secret, where) = folder / "secret_key", _secret(config, folder)
    if where == str(file) and file.stat().st_mode & 0o077:
        yield Finding(PROBLEM, "secret file", f"Others can read {file}.", f"chmod 600 {file}")
    renew = f"Put another one there: python -c 'import secrets; print(secrets.token_urlsafe(48))' > {file}"
    if not secret:
        yield Finding(OK, "secret key", "There is none yet: Rollcall makes one when it starts.")
    elif len(secret) < SHORTEST_SECRET:
        yield Finding(PROBLEM, "secret key", f"{where} is shorter than {SHORTEST_SECRET} characters.", renew)
    elif len(set(secret)) < FEWEST_CHARACTERS or any(known in secret.lower() for known in KNOWN_SECRETS):
        yield Finding(PROBLEM, "secret key", f"{where} is one that can be guessed.", renew)
    else:
        yield Finding(OK, "secret key", f"{where} is long, and none that is known.")


def _of_folder(_config, folder):
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    other = "Set ROLLCALL_INSTANCE_PATH to a folder that is there, or that Rollcall can make."
    if not there.is_dir():
        yield Finding(PROBLEM, "folder", f"{there} is no folder.", other)
        return
    if there != folder:
        if _is_writable(there):
            sentence = f"There is no folder {folder} yet: Rollcall makes it when it starts."
            yield Finding(WARNING, "folder", sentence)
        else:
            sentence = f"There is no folder {folder}, and none can be made: {there} cannot be written to."
            yield Finding(PROBLEM, "folder", sentence, other)
        return
    if not _is_writable(folder):
        cure = f"Make it belong to the account that Rollcall runs as: chown rollcall {folder}"
        yield Finding(PROBLEM, "folder", f"{folder} cannot be written to.", cure)
    elif stat.S_IMODE(folder.stat().st_mode) & 0o022:
        yield Finding(PROBLEM, "folder", f"Others can write to {folder}.", f"chmod 700 {folder}")
    else:
        yield Finding(OK, "folder", f"{folder} can be written to, by its owner only.")
    free = shutil.disk_usage(folder).free
    shown, cure = f"{free // 2**20:,} MB are free on the disk of {folder}.", "Make room before it is full."
    level = PROBLEM if free < FULL else WARNING if free < NEARLY_FULL else OK
    yield Finding(level, "disk", shown, "" if level == OK else cure)


def _is_writable(folder):
    """Return whether files can be made in a folder. Root may write everywhere, but not where nothing is kept."""
    system = os.statvfs(folder)
    is_kept = system.f_blocks and not system.f_flag & os.ST_RDONLY  # /proc and its like have no blocks
    return is_kept and os.access(folder, os.W_OK | os.X_OK)


def _of_addresses(config, _folder):
    """What stands in front of Rollcall, and under which address it is called."""
    url, proxies = str(config["PUBLIC_URL"]), str(config["TRUSTED_PROXIES"])
    parts, trusts = urlsplit(url), proxies.isdecimal() and int(proxies) > 0
    if url and parts.scheme == "https" and not trusts:
        yield Finding(
            WARNING,
            "proxy",
            "ROLLCALL_PUBLIC_URL is https, but ROLLCALL_TRUSTED_PROXIES is 0: all addresses in the logs are the"
            " proxy's, and everybody shares its limit of wrong passwords.",
            "Set ROLLCALL_TRUSTED_PROXIES=1 if one proxy is in front of Rollcall.",
        )
    elif trusts and not url:
        yield Finding(
            WARNING,
            "proxy",
            "ROLLCALL_TRUSTED_PROXIES is set, but ROLLCALL_PUBLIC_URL is not: links lead where the caller says.",
            "Set ROLLCALL_PUBLIC_URL to the address that people and Okta use.",
        )
    if url and (parts.hostname in LOCAL or parts.scheme != "https"):
        yield Finding(
            WARNING,
            "public address",
            f"ROLLCALL_PUBLIC_URL is {parts.scheme}://{parts.hostname}: Okta needs https and a public name.",
            "Set it to the address that the tunnel or proxy has, such as https://rollcall.example.com.",
        )
    elif url:
        yield Finding(OK, "public address", f"Links begin with {url}.")
    elif not trusts:
        yield Finding(OK, "public address", "ROLLCALL_PUBLIC_URL is not set: links lead where the caller called.")


def _of_clock():
    since = database.schemas()[database.newest_schema()]
    if now()[:10] < since:
        sentence = f"The clock says {now()[:10]}, but this Rollcall is of {since} or later."
        yield Finding(PROBLEM, "clock", sentence, "Set the clock, and let NTP keep it: timedatectl set-ntp true")


def _of_file(path):
    """The database's files: who may read them, how large the write-ahead log is, which SQLite works on them."""
    files = [file for file in (path, *(Path(f"{path}{end}") for end in ("-wal", "-shm"))) if file.exists()]
    open_ones = [file for file in files if file.stat().st_mode & 0o077]
    for file in open_ones:
        yield Finding(PROBLEM, "database file", f"Others can read {file}.", f"chmod 600 {file}")
    if files and not open_ones:
        yield Finding(OK, "database file", f"{path} is readable by its owner only.")
    log = Path(f"{path}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > LARGEST_WAL:
        cure = (
            "Look for a program that reads the database for long (lsof), and end it; the next write folds it back."
        )
        yield Finding(WARNING, "write-ahead log", f"{log} has grown to {size // 2**20} MB.", cure)
    if not sqlite3.sqlite_version_info >= (3, 51, 3):
        sentence = f"SQLite {sqlite3.sqlite_version} may lose commits at a checkpoint; Rollcall works round it."
        yield Finding(OK, "SQLite", sentence + " Other programs that write to the database might not.")
    note = backup.note_of(path)
    if note.exists():
        moment, _digest, target = note.read_text().split(" ", 2)
        yield Finding(
            OK, "backup", f"`flask backup` last wrote {target.strip()}, on {moment[:16].replace('T', ' ')}."
        )


def _of_database(url, path, config, folder):
    engine = create_engine(url, poolclass=NullPool, **({"creator": partial(backup.reader, path)} if path else {}))
    with engine.connect() as connection:
        if path:
            yield from _safely(_of_soundness, connection)
        else:
            yield from _safely(_of_other_servers, connection, _secret(config, folder)[0])
        of_schema = _safely(_of_schema, connection)
        yield from of_schema
        if any(finding.level != OK for finding in of_schema):
            return  # tables may be other than these rules know
        for rule in (_of_rows_time, _of_counters, _of_words, _of_tokens, _of_administrators):
            yield from _safely(rule, connection)
        yield from _safely(_of_mail, connection, config)


def _of_other_servers(connection, secret):
    if engines.is_other_key_in_use(connection, secret):
        sentence = "A server of this database has another secret key: one refuses the forms of the other."
        cure = "Set the same ROLLCALL_SECRET_KEY for all, then start them anew."
        yield Finding(PROBLEM, "servers", sentence, cure)
    else:
        yield Finding(OK, "servers", "No server of this database has another secret key.")


def _of_soundness(connection):
    wrong = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(3)") if row[0] != "ok"]
    if wrong:
        sentence = f"The database is damaged: {' '.join(wrong[0].split())}."
        yield Finding(PROBLEM, "integrity", sentence, database.RESTORE)
        return
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if orphans:
        sentence = f"{len(orphans)} rows refer to what is not there, the first in {orphans[0][0]}."
        yield Finding(PROBLEM, "foreign keys", sentence, database.RESTORE)
    else:
        yield Finding(OK, "integrity", "The database is sound.")


def _of_schema(connection):
    is_sqlite = engines.is_sqlite(connection.engine)  # a server upgrades that by itself, and nothing else
    schema = None
    if is_sqlite or inspect(connection).has_table("alembic_version"):
        schema = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    newest = database.newest_schema()
    if schema == newest:
        yield Finding(OK, "schema", f"The schema is {schema}, the newest.")
    elif schema is None and not is_sqlite:
        yield Finding(PROBLEM, "schema", "The database has no tables yet.", "Run `flask db upgrade`.")
    elif schema in database.schemas():
        sentence = f"The schema is {schema}; this Rollcall has {newest}. Rules about rows were left out."
        if is_sqlite:
            cure = "Make a backup, then start Rollcall: it upgrades by itself."
            yield Finding(WARNING, "schema", sentence, cure)
        else:
            cure = "Stop every server, make a backup, run `flask db upgrade`, then start them."
            yield Finding(PROBLEM, "schema", sentence, cure)
    else:
        sentence = f"The database is of a newer Rollcall than this one: its schema is {schema}."
        yield Finding(PROBLEM, "schema", sentence, "Start that one, or restore a backup: docs/backups.md.")


def _of_rows_time(connection):
    """A clock that was ahead leaves rows of the future, behind which everything new seems old."""
    tables = db.metadata.tables
    found = [
        (connection.execute(select(func.max(tables[name].c[column]))).scalar() or "", name)
        for name, column in NEWEST.items()
    ]
    moment, table = max(found)
    if moment > from_now(SLACK):
        sentence = f"The newest row of {table} is of {moment[:16].replace('T', ' ')} UTC, which is in the future."
        yield Finding(PROBLEM, "clock", sentence, "Set the clock, and let NTP keep it: timedatectl set-ntp true")
    else:
        yield Finding(OK, "clock", "No row is of the future.")


COUNTERS = {
    "users by state": (
        "SELECT source, enabled, invite, count FROM user_counts WHERE count <> 0",
        "SELECT source, coalesce(active, false), invite, count(*) FROM users"
        " GROUP BY source, coalesce(active, false), invite",
    ),
    "members of groups": (
        "SELECT pk, member_count, disabled_count FROM groups WHERE member_count <> 0 OR disabled_count <> 0",
        "SELECT m.group_pk, count(*), sum(CASE WHEN coalesce(u.active, false) THEN 0 ELSE 1 END)"
        " FROM group_members AS m JOIN users AS u ON u.pk = m.user_pk GROUP BY m.group_pk",
    ),
    **{
        f"{table} by block": (
            f"SELECT block, count FROM blocks WHERE count <> 0 AND \"table\" = '{table}'",
            f"SELECT pk >> {models.BLOCK_BITS}, count(*) FROM {table} GROUP BY pk >> {models.BLOCK_BITS}",
        )
        for table in ("users", "groups")
    },
}


def _of_counters(connection):
    """The totals that lists and pages are made of, against the rows themselves."""
    # one statement: what it reads is of one moment, though others write meanwhile
    differ = (
        "WITH kept AS ({}), true_ones AS ({}) SELECT EXISTS (SELECT * FROM kept EXCEPT SELECT * FROM true_ones)"
        " OR EXISTS (SELECT * FROM true_ones EXCEPT SELECT * FROM kept)"
    )
    wrong = [name for name, both in COUNTERS.items() if connection.exec_driver_sql(differ.format(*both)).scalar()]
    if wrong:
        sentence = f"Totals do not agree with the rows: {', '.join(wrong)}. Lists show wrong numbers or miss pages."
        yield Finding(PROBLEM, "totals", sentence, "flask recount, at any time")
    else:
        yield Finding(OK, "totals", "All totals agree with the rows.")


def recount():
    """Set every total anew, from the rows. Needs a transaction."""
    run = database.connection().exec_driver_sql
    run("DELETE FROM user_counts")
    run(f"INSERT INTO user_counts (source, enabled, invite, count) {COUNTERS['users by state'][1]}")
    members = "FROM group_members AS m JOIN users AS u ON u.pk = m.user_pk WHERE m.group_pk = groups.pk"
    run(
        f"UPDATE groups SET member_count = (SELECT count(*) {members}),"
        f" disabled_count = (SELECT count(*) {members} AND NOT coalesce(u.active, false))"
    )
    run("DELETE FROM blocks")
    for table in ("users", "groups"):
        counted = COUNTERS[f"{table} by block"][1].replace("SELECT", f"SELECT '{table}',", 1)
        run(f'INSERT INTO blocks ("table", block, count) {counted}')


def _of_words(connection):
    wrong = sum(len(words.strayed(connection, first)) for first in words.portions(connection))
    if wrong:
        sentence = f"The words that {wrong} users are searched by are not those of their names: searches miss them."
        yield Finding(PROBLEM, "words", sentence, "flask recount, at any time")
    else:
        yield Finding(OK, "words", "All users are found by their names.")


def reword():
    """Write the words anew of users who have others than their documents give; nobody waits for it long."""
    for first in words.portions(database.connection()):
        if words.strayed(database.connection(), first):
            with database.transaction():
                for user in words.strayed(database.connection(), first):
                    words.write(*user)
        database.close_connection()


def _of_tokens(connection):
    tokens = models.Token.__table__
    rows = connection.execute(select(tokens).where(tokens.c.revoked.is_(None))).all()
    live = [row for row in rows if row.inactive is None and not (row.expires and row.expires <= now())]
    make = "flask token create Okta, and paste it in Okta: Provisioning > Integration > API Token."
    if not live:
        yield Finding(WARNING, "tokens", "No token is live: Okta cannot provision.", make)
    soon = from_now(timedelta(days=EXPIRY_DAYS))
    for row in live:
        if row.expires and row.expires <= soon:
            sentence = f"The token {row.name!r} expires on {row.expires[:10]}."
            yield Finding(WARNING, "tokens", sentence, f"flask token renew {row.name!r}, and paste it in Okta.")
    for row in rows:
        if row.expires and row.expires <= now() and not live:
            yield Finding(WARNING, "tokens", f"The token {row.name!r} expired on {row.expires[:10]}.", make)
    if live and not any(row.expires and row.expires <= soon for row in live):
        yield Finding(OK, "tokens", f"{len(live)} live: {', '.join(row.name for row in live)}.")


def _of_administrators(connection):
    accounts = models.Administrator.__table__
    able = (accounts.c.role == "administrator", accounts.c.disabled.is_(None))
    number = connection.execute(select(func.count()).select_from(accounts).where(*able)).scalar()
    if number:
        yield Finding(OK, "administrators", f"{number} can sign in.")
    else:
        cure = "flask admin create you@example.com"
        yield Finding(WARNING, "administrators", "No administrator can sign in to the portal.", cure)


def _of_mail(connection, config):
    mails = models.Mail.__table__
    counts = select(mails.c.state, func.count()).group_by(mails.c.state)
    number = {state: count for state, count in connection.execute(counts)}
    missing = [name for name in ("SMTP_URL", "MAIL_FROM") if not config[name]]
    waiting, failed = number.get("waiting", 0), number.get("failed", 0)
    if missing and (len(missing) == 1 or waiting):
        names = " and ".join(f"ROLLCALL_{name}" for name in missing)
        sentence = f"{names} {'is' if len(missing) == 1 else 'are'} not set: {waiting} mails wait."
        yield Finding(WARNING, "mail", sentence, f"Set {names}; mails go out by themselves then.")
    if not missing and not config["PUBLIC_URL"] and not _stored_address(connection):
        sentence = "Rollcall does not know its own address, which links in mails begin with: mails wait."
        yield Finding(WARNING, "mail", sentence, "Set ROLLCALL_PUBLIC_URL to the address that people use.")
        return
    if failed:
        last = select(mails.c.last_error).where(mails.c.state == "failed").order_by(mails.c.id.desc()).limit(1)
        reason = str(connection.execute(last).scalar() or "").rstrip(".")
        yield Finding(WARNING, "mail", f"{failed} mails failed; the last: {reason}.", "Admin > Mail shows each.")
    if not failed and not (missing and waiting) and len(missing) != 1:
        yield Finding(OK, "mail", "No mail is sent." if missing else f"Mails go out; {waiting} wait.")


def _stored_address(connection):
    """Return the base URL that an administrator set in the portal, or None."""
    rows = models.Setting.__table__
    return connection.execute(select(rows.c.value).where(rows.c.name == "public_url")).scalar() not in (None, '""')
