"""The command line door: every command of `flask`, short ones over the core."""

import errno
import json
import math
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path

import click
import requests
from flask import Flask, current_app
from flask.cli import AppGroup, run_command, with_appcontext
from flask_migrate import cli as flask_migrate
from sqlalchemy.exc import DatabaseError

import database
import rehearsal
from core import accounts, attributes, backup, checks, jobs, outbox, serverlock, tokens, transfer
from core.journal import Actor
from database import transaction
from protocol.definitions import BASE_PATH

HERE = Path(__file__).parent
FLASK = [sys.executable, "-m", "flask", "--app", "app"]
ACTOR = Actor("Command line")
UPGRADE_SECONDS = 5  # that another command may take for it
REFUSALS = (
    tokens.TokenError,
    attributes.DefinitionError,
    accounts.AccountError,
    backup.BackupError,
    transfer.TransferError,
)
token_cli = AppGroup("token", help="Bearer tokens for Okta: create, list, renew, revoke.")
admin_cli = AppGroup("admin", help="Accounts of the portal: create, list, set a password.")
attribute_cli = AppGroup("attribute", help="Custom attributes: add, list, remove.")
outbox_cli = AppGroup("outbox", help="Mails: deliver those that wait.")


def init_app(app: Flask):
    for command in (
        token_cli,
        attribute_cli,
        admin_cli,
        outbox_cli,
        backup_command,
        restore_command,
        migrate_data,
        check,
        recount,
        rehearse,
    ):
        app.cli.add_command(command)
    flask_migrate.db.add_command(upgrade)
    run_command.hidden = True  # see refuse_run


def is_asked_for(command: str) -> bool:
    """Return whether the command line reads `flask [--app APP] command …`."""
    words = iter(sys.argv[1:])
    for word in words:
        if not word.startswith("-"):
            return word == command and Path(sys.argv[0]).name in ("flask", "__main__.py")
        if word in ("--app", "-A", "--env-file", "-e"):
            next(words, None)
    return False


def refuse_run():
    """Refuse `flask run`: it would serve without the lock, the threads and the limits of `python app.py`.

    It cannot be replaced by a command of ours: Flask looks for its own first.
    """
    if is_asked_for("run"):
        raise click.ClickException("Rollcall is not served by `flask run`: start it with `python app.py`.")


def only_check(app: Flask, refusal_of) -> Flask:
    """Give an application that was not set up its one command; `refusal_of()` says why it would be refused."""
    app.extensions["refusal_of"] = refusal_of
    app.cli.add_command(check)
    return app


def say(text: str, err=False, nl=True):
    """Print a line. On standard output nobody may miss it: refuse where that is closed or full.

    What is said on standard error is news of work that goes on, and ends nothing.
    """
    try:
        if not err and sys.stdout is None:  # Click would say nothing
            raise click.ClickException("Standard output is closed.")
        click.echo(text, err=err, nl=nl)
    except OSError as error:
        if err:
            return
        if error.errno == errno.EPIPE:  # whoever reads has seen enough, as `head` has: Click ends without a word
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries again at its end
        raise click.ClickException(f"Standard output cannot be written to: {error.strerror}.") from None


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@with_appcontext
def check(as_json):
    """Look for what is wrong with this installation, and say how to cure it; exit 1 if there is a problem."""
    refusal_of = current_app.extensions.get("refusal_of")  # of an application that was set up, nothing is refused
    refusal = refusal_of() if refusal_of else None
    found = checks.findings(current_app.config, current_app.instance_path, refusal)
    if as_json:
        say(json.dumps([vars(finding) for finding in found], indent=2))
    else:
        for finding in found:
            say(f"{finding.level:<8} {finding.name}: {finding.sentence}")
            if finding.cure:
                say(f"         {finding.cure}")
    sys.exit(any(finding.level == checks.PROBLEM for finding in found))


@click.command()
@with_appcontext
def recount():
    """Set totals, and the words of searches, anew from the rows; `flask check` says when that is needed."""
    with prepared():
        with transaction():
            checks.recount()
        checks.reword()
    say("Counted everything anew.")


@token_cli.command("create")
@click.argument("name")
@click.option("--expires-days", type=click.IntRange(1, 3650), help="Days until it expires; without, never.")
def create_token(name, expires_days):
    """Make a token and print it, alone: the only time it is shown."""
    with prepared(), transaction():
        say(tokens.create(name, ACTOR, expires_days))  # within: where it cannot be shown, there is none


@token_cli.command("list")
def list_tokens():
    """Show every token, removed ones too: name, last four characters, state and last use."""
    with prepared():
        found = tokens.listing(all=True)
    for token in found:
        used = f"last used {token.last_used} from {token.last_address}" if token.last_used else "never used"
        say(f"{token.id}\t{token.name}\t…{token.last_four}\t{tokens.state(token)}\t{used}")


def refuse_no_number(_context, _option, value):
    """FloatRange lets NaN through: it is neither below the range nor above it."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number: give one from 0 to 24.")
    return value


@token_cli.command("renew")
@click.argument("name")
@click.option(
    "--overlap-hours", type=click.FloatRange(0, 24), default=1, show_default=True, callback=refuse_no_number
)
@click.option("--expires-days", type=click.IntRange(1, 3650))
def renew_token(name, overlap_hours, expires_days):
    """Print a successor; the old token goes on for the overlap."""
    with prepared(), transaction():
        say(tokens.renew(name, timedelta(hours=overlap_hours), ACTOR, expires_days))


@token_cli.command("revoke")
@click.argument("name")
def revoke_token(name):
    """Remove a token, by its name or id: it is dead at once, and for good."""
    with prepared(), transaction():
        tokens.revoke(name, ACTOR)
    say(f"Revoked {name}.", err=True)


@attribute_cli.command("add")
@click.argument("name")
@click.option("--type", "kind", type=click.Choice(attributes.TYPES), default="string", show_default=True)
@click.option("--multi-valued", is_flag=True)
def add_attribute(name, kind, multi_valued):
    """Define a custom attribute; Okta can send it at once."""
    with prepared(), transaction():
        attributes.add(name, kind, multi_valued, ACTOR)
    say(f"Defined {name}. External namespace for Okta: {attributes.definitions.CUSTOM}")


@attribute_cli.command("list")
def list_attributes():
    """Show every custom attribute: name, type, and how many users have a value."""
    with prepared():
        found = attributes.listing()
    for row in found:
        kind = row.type + (", multi-valued" if row.multi_valued else "")
        say(f"{row.name}\t{kind}\t{row.users} users")


@attribute_cli.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_attribute(name, yes):
    """Take a custom attribute away, and its values from every user."""
    with prepared():
        users = attributes.count_holders(attributes.find_unused(name).name)
        if not yes:
            click.confirm(f"Remove {name} and its value from {users} users?", abort=True, err=True)
        with transaction():
            job_id = jobs.start(jobs.REMOVE_ATTRIBUTE, [], ACTOR, name)
        while jobs.work(job_id, seconds=2):
            job = jobs.find(job_id)
            say(f"… {job.done} of {job.total} users", err=True)
    job = jobs.find(job_id)
    if job.error:
        raise click.ClickException(job.error)
    say(f"Removed {name}; {job.changed} users had a value.")


def password_option(command):
    return click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")(command)


def asked_password(is_piped: bool) -> str:
    """Return a new password, from standard input or asked for twice."""
    if is_piped:
        return sys.stdin.readline().rstrip("\r\n")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)


@admin_cli.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice(list(accounts.ROLES)[::-1]), default="administrator", show_default=True)
@password_option
def create_admin(email, role, password_stdin):
    """Make an account of the portal."""
    with prepared():
        if accounts.find_by_email(email):
            raise accounts.AccountError("email", f"There is an account {email} already.")
        password = asked_password(password_stdin)
        with transaction():
            account = accounts.create(email, password, role, ACTOR)
    say(f"Made {account.email}, {accounts.ROLES[account.role]}.")


@admin_cli.command("list")
def list_admins():
    """Show every account: address, role, state and last sign-in."""
    with prepared():
        found = accounts.listing()
    for account in found:
        state = f"disabled {account.disabled}" if account.disabled else "enabled"
        seen = f"last signed in {account.last_sign_in}" if account.last_sign_in else "never signed in"
        say(f"{account.email}\t{accounts.ROLES[account.role]}\t{state}\t{seen}")


@admin_cli.command("password")
@click.argument("email")
@password_option
def set_admin_password(email, password_stdin):
    """Set an account's password, and enable it if it was disabled, for who is locked out; its sessions end."""
    with prepared():
        account = accounts.find_by_email(email)
        if account is None:
            raise accounts.AccountError("email", f"There is no account {email}; `flask admin list` shows them.")
        password = asked_password(password_stdin)
        with transaction():
            accounts.change_password(account, password, ACTOR)
            accounts.enable(account, ACTOR)
    enabled = ", and enabled the account, which was disabled" if account.disabled else ""
    say(f"Set the password of {account.email}{enabled}.")


@outbox_cli.command("deliver")
def deliver():
    """Deliver every mail that is due, once, and say what became of them; a server that runs does it by itself."""
    with prepared():
        if problem := outbox.smtp_problem(current_app.config):
            raise click.ClickException(f"Mails wait: {problem}")
        done, problem = outbox.deliver_all()
    say(f"Sent {done['sent']}, to be tried again {done['postponed']}, failed {done['failed']}.")
    if problem:
        raise click.ClickException(f"The others wait: {problem}")


class Percent:
    """Say on standard error how far long work is: nothing for two seconds, then a line a second."""

    def __init__(self):
        self.due = time.monotonic() + 2

    def report(self, what, done, total):
        if time.monotonic() >= self.due:
            self.due = time.monotonic() + 1
            say(f"… {what}: {100 * done // total} %" if total else f"… {what}", err=True)


def described(contents) -> str:
    size = f"{contents.size / 2**20:.1f} MB"
    return f"{contents.users} users, {contents.groups} groups, schema {contents.schema}, {size}"


@click.command("backup")
@click.argument("file")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@with_appcontext
def backup_command(file, force):
    """Copy the database to FILE, of one moment, while the server serves; nobody waits for it."""
    began = time.monotonic()
    with refusals():
        made = backup.backup(file, force, Percent().report)
    say(f"Wrote {made.path}: {described(made)}, in {time.monotonic() - began:.1f} s.")
    say(f"SHA-256 {made.sha256}")
    say("It is checked, and holds no secret key: keep a copy of that apart, once (docs/backups.md).")


@click.command("restore")
@click.argument("file")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def restore_command(file, yes):
    """Put the copy in FILE in the database's place, while no server runs; what was there is kept."""

    def confirm(copy, current):
        there = described(current) if current else "nothing, or something damaged"
        say(f"In {copy.path}: {described(copy)}. There now: {there}.", err=True)
        return yes or click.confirm("Replace what is there? It is kept under another name.", err=True)

    began = time.monotonic()
    with refusals():
        there, kept = backup.restore(file, confirm, Percent().report)
    say(f"Restored {there.path}: {described(there)}, in {time.monotonic() - began:.1f} s.")
    say(f"Live tokens: {', '.join(there.tokens) or 'none'}. One that was removed since is live again.")
    say("Everybody signs in anew.")
    if kept:
        say(f"What was there before is {kept}.")
    with refusals():
        unreadable = outbox.sealed_otherwise()
    if unreadable:
        say(
            f"{unreadable} mails that wait have links sealed under another secret key: put the one of then into"
            " the instance folder, or invite these people anew."
        )


@click.command("migrate-data")
@click.argument("target_url")
@with_appcontext
def migrate_data(target_url):
    """Copy everything to the empty database at TARGET_URL, such as PostgreSQL's, and prove that it is the same.

    No server may run meanwhile. Afterwards, set ROLLCALL_DATABASE_URL to TARGET_URL and start.
    """
    with prepared():
        database.close_connection()
        moved = transfer.transfer(target_url, Percent().report)
    for table in moved:
        say(f"{table.table:<22} {table.rows:>10} rows  {table.checksum}")
    say("Every row is in both databases, by count and by checksum.")
    say("Now set ROLLCALL_DATABASE_URL to the new address, and keep the secret key; then start.")


@contextmanager
def prepared():
    """Bring the database up to date first, and turn refusals of that, and of what follows, into one line."""
    with refusals():
        with upgrade_lock():
            database.prepare_database()
        yield


@contextmanager
def upgrade_lock():
    """Let no server run while a command brings SQLite's schema up to date.

    One of an older program would go on writing what the newer one lacks.
    """
    file = database.database_file()
    is_newest = not file or database.stored_schema() == database.newest_schema()
    database.close_connection()
    if is_newest:
        yield
        return
    try:
        lock = serverlock.take(file, "a command that upgrades the database", UPGRADE_SECONDS)
    except serverlock.Taken as error:
        raise click.ClickException(
            f"{error} Its schema is of another Rollcall: start the server anew, and the database is upgraded."
        ) from None
    with closing(lock):
        yield


@click.command("upgrade", params=flask_migrate.upgrade.params)
@with_appcontext
def upgrade(**options):
    """Upgrade to a later version, as Flask-Migrate does, while no server runs on SQLite."""
    with refusals(), upgrade_lock():
        flask_migrate.upgrade.callback(**options)


@contextmanager
def refusals():
    """Turn the core's refusals into one line and exit code 1."""
    sys.stdin = sys.stdin or open(os.devnull)  # one that is closed is at its end
    try:
        yield
    except REFUSALS as error:
        raise click.ClickException(str(error)) from None
    except DatabaseError as error:
        if not database.is_unusable(error):
            raise
        raise click.ClickException(database.why_unusable(error)) from None
    except database.Busy:
        raise click.ClickException("The database is locked by another process: try again.") from None
    except (UnicodeEncodeError, UnicodeDecodeError):  # Python hands such bytes on, and the database takes none
        raise click.ClickException("What was typed or piped in is not UTF-8: give it in UTF-8.") from None
    except UnicodeError as error:  # of the look-up of a host
        raise click.ClickException(f"The address of the database has no name of a host: {error}.") from None


@click.command()
@click.option("--base-url", help="Of any SCIM server; without it, the Rollcall on this machine.")
@click.option("--token", help="Bearer token for --base-url.")
@click.option("--users", type=click.IntRange(rehearsal.FEWEST_USERS, 10_000), default=25, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@with_appcontext
def rehearse(base_url, token, users, as_json):
    """Play Okta's whole life cycle and check each step; exit 0 only when all is as it should be."""
    if bool(base_url) != bool(token):
        raise click.UsageError("--base-url and --token go together.")
    target = (base_url, token) if base_url else None
    with nullcontext(target) if target else local_target() as (url, secret):
        show = Progress(err=as_json)
        result = rehearsal.rehearse(url, secret, users=users, report=show.report)
    if as_json:
        say(json.dumps(result.as_dict(), indent=2))
    else:
        outcome = "all as Okta needs it" if result.passed else "FAILED"
        say(f"{result.requests} requests in {result.seconds:.1f} s: {outcome}")
    sys.exit(not result.passed)


class Progress:
    """Show one line a step, and a bar while a long one goes on in a terminal."""

    def __init__(self, err):
        stream = sys.stderr if err else sys.stdout
        self.err, self.is_terminal = err, stream is not None and stream.isatty()

    def report(self, step: rehearsal.Step):
        if step.ok is not None:
            mark = "ok    " if step.ok else "FAILED"
            self.line(f"{mark} {step.name}: {step.requests} requests, {step.milliseconds} ms", "\n")
            for note in [*step.notes, *([step.failure] if step.failure else [])]:
                self.line(f"       {note}", "\n")
        elif self.is_terminal and step.total:
            filled = 30 * step.done // step.total
            self.line(f"  …    {step.name} [{'#' * filled:<30}] {step.done}/{step.total}", "\r")

    def line(self, text, end):
        say(("\r\x1b[K" if self.is_terminal else "") + text + end, self.err, nl=False)


@contextmanager
def local_target():
    """Yield (base URL, token) of the server that runs here, or of one started for the purpose."""
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "5000"
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if is_up(url):
        with temporary_token() as token:
            yield url + BASE_PATH, token
    else:
        say(f"Nothing answers at {url}: a server is started for the rehearsal, on a database of its own.", err=True)
        with temporary_server() as target:
            yield target


@contextmanager
def temporary_token():
    """Yield a token of this instance that ends with the rehearsal."""
    name = f"Rehearsal {secrets.token_hex(4)}"
    with prepared(), transaction():
        token = tokens.create(name, ACTOR, expires_days=1)
    try:
        yield token
    finally:
        with transaction():
            tokens.revoke(name, ACTOR)


@contextmanager
def temporary_server():
    """Yield (base URL, token) of a new Rollcall on an empty database, gone afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: v for name, v in os.environ.items() if not name.startswith("ROLLCALL_")}
        environment |= {"ROLLCALL_INSTANCE_PATH": folder, "HOST": "127.0.0.1", "PORT": str(port)}
        environment["ROLLCALL_LOG_LEVEL"] = "WARNING"  # the steps are what is to be read, not each request
        run = partial(subprocess.run, env=environment, cwd=HERE, check=True, capture_output=True, text=True)
        for name, kind in (("custAttr1", "string"), ("badgeNumber", "integer"), ("vip", "boolean")):
            run([*FLASK, "attribute", "add", name, "--type", kind])
        token = run([*FLASK, "token", "create", "Rehearsal"]).stdout.strip()
        server = subprocess.Popen([sys.executable, "app.py"], env=environment, cwd=HERE, stdout=subprocess.DEVNULL)
        try:
            wait_until_up(f"http://127.0.0.1:{port}", server)
            yield f"http://127.0.0.1:{port}{BASE_PATH}", token
        finally:
            server.terminate()
            server.wait(20)


def wait_until_up(url, server, seconds=20):
    for _ in range(seconds * 10):
        if is_up(url):
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise click.ClickException("The server for the rehearsal did not start; `python app.py` shows why.")


def is_up(url) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=5).json() == {"status": "ok"}
    except (requests.RequestException, ValueError):
        return False
