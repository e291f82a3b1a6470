"""The process that serves: its limits, what it checks before it starts, its threads, and how it ends."""

import ctypes
import multiprocessing
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from sqlalchemy.exc import DatabaseError

import database
import engines
import logs
from configuration import ConfigurationError
from core import accounts, invitations, jobs, journal, outbox, serverlock, sessions, settings, throttle
from database import db, transaction
from protocol.definitions import BASE_PATH

PORT = re.compile("[0-9]{1,5}")
SERVER_THREADS = 512  # how many slow senders there may be before others wait
CONNECTIONS = 1024  # that are served at once; as many more wait in the kernel
LARGEST_HEAD = 65_536  # bytes of a request's line and headers together
HEAD_SECONDS = 30  # that they may take, and that a connection may be idle
STOP_SECONDS = 10  # how long requests under way may take once the server is told to stop
MAIL_SECONDS = 7  # how long the mail that is being sent may take then, before another worker may have it
LONG = 1  # seconds that a request may hold its thread before the others are seen to
PRUNE_SECONDS = 600
PRUNE_ENTRIES = 5_000  # of the log, deleted in one transaction
M_ARENA_MAX = -8  # of <malloc.h>
HOUSEKEEPING_FAILED = "Housekeeping failed; log entries wait in memory, and it tries again each second"


def serve(create_app: Callable[[], Flask], target: str):
    """Bring the database up to date and serve until a signal ends it.

    `target` is what Granian's worker, a process of its own, calls for its application: "module:function".
    """
    host, port = address()
    try:
        app = create_app()
    except ConfigurationError as error:
        sys.exit(f"Rollcall does not start: {error.message}")
    if not (PORT.fullmatch(port) and 1 <= int(port) <= 65_535):
        sys.exit(f"Rollcall does not start: PORT must be a number from 1 to 65535, not {port!r}.")
    refuse_taken_port(host, int(port))
    logs.set_up(app.config["LOG_FORMAT"])
    url = app.config["PUBLIC_URL"] or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lock = start(app, url)
    if lock:
        lock.share()
    Granian(
        target,
        factory=True,
        address=host,
        port=int(port),
        interface=Interfaces.WSGI,
        blocking_threads=SERVER_THREADS,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000, max_buffer_size=LARGEST_HEAD),
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=True,
        log_level="error",
        log_dictconfig=logs.GRANIAN,
    ).serve()


def address() -> tuple[str, str]:
    """Return the host and the port to serve on; of a name, the address that it stands for."""
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "5000"
    try:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0], port
    except (OSError, UnicodeError):
        sys.exit(f"Rollcall does not start: HOST must be an address or a name of this machine, not {host!r}.")


def start(app, url) -> serverlock.ServerLock | None:
    """Take the database's lock, bring its schema up to date, and say where Rollcall serves. Return the lock."""
    try:
        with app.app_context():
            lock = hold_alone(database.database_file())
            database.prepare_database()
            refuse_other_key(app.config["SECRET_KEY"])
            version, address = engines.version(database.connection()), db.engine.url
            set_up = set_up_link(url)
            database.disconnect()
    except (DatabaseError, OSError) as error:
        if not database.is_unusable(error):
            raise
        sys.exit(f"Rollcall does not start: {database.why_unusable(error)}")
    print(f"Rollcall serves {url}/  ({version}, {address})")  # without its password
    print(f"SCIM base URL for Okta: {url}{BASE_PATH}")
    if set_up:
        print(f"No administrator yet. Open this link, once, to become the first: {set_up}")
    sys.stdout.flush()
    return lock


def refuse_taken_port(host, port):
    """Exit if something listens there: the server's sockets share a port, and connections would go to either."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(
                f"Rollcall does not start: HOST {host} and PORT {port} cannot be served on ({error.strerror})."
            )


def hold_alone(file):
    """Return the lock of a SQLite file that nobody else serves; exit if somebody does. None for other engines.

    A second one is a mistake, and `flask restore` has to know that there is none.
    """
    try:
        return file and serverlock.take(file, "a server")
    except serverlock.Taken as error:
        sys.exit(
            f"Rollcall does not start: {error} Stop that first, or give this server a folder of its own in"
            " ROLLCALL_INSTANCE_PATH."
        )


def refuse_other_key(secret_key):
    """Exit if a server of the same database has another secret key: one would refuse the forms of the other."""
    if engines.is_other_key_in_use(database.connection(), secret_key):
        sys.exit(
            "Rollcall does not start: a server of this database has another ROLLCALL_SECRET_KEY. Give all of them"
            " the same; to change it, stop all of them first."
        )


def set_up_link(url) -> str | None:
    """Return a new link by which the first administrator is made, or None if there is one."""
    if accounts.exist():
        return None
    with transaction():
        return f"{url}/set-up/{accounts.new_set_up_secret()}"


def work(create_app: Callable[[], Flask]) -> Flask:
    """Return the application of the server's worker, with its threads started."""
    share_memory()
    app = create_app()
    logs.set_up(app.config["LOG_FORMAT"])
    with app.app_context():
        if file := database.database_file():
            app.extensions["serverlock"] = serverlock.join(file)  # as long as this process lives
    stop = app.extensions["stop"] = threading.Event()
    threading.Thread(target=listen_for_stop, args=(app, stop, heard_signals()), daemon=True, name="stop").start()
    threading.Thread(target=keep_house, args=(app, stop), name="housekeeping").start()
    threading.Thread(target=jobs.keep_working, args=(app, stop), name="jobs").start()
    threading.Thread(target=outbox.keep_delivering, args=(app, stop), name="outbox").start()
    threading.Thread(target=see_to_threads, args=(app, stop), daemon=True, name="see-to-threads").start()
    threading.Thread(target=end_with_parent, daemon=True, name="end-with-parent").start()
    return app


def share_memory():
    """Let the threads share two of glibc's arenas: one for each keeps 50 MB of what was freed."""
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def keep_house(app, stop):
    """Write waiting log entries and lines every second, prune old ones now and then; set `stop` at the end."""
    prune_at, failing = time.monotonic() + PRUNE_SECONDS, database.Complaint(HOUSEKEEPING_FAILED)
    while threading.main_thread().is_alive():
        time.sleep(1)
        logs.flush()
        try:
            with app.app_context():
                while journal.is_waiting():
                    with transaction():
                        journal.flush()
                if time.monotonic() > prune_at:
                    prune_at = time.monotonic() + PRUNE_SECONDS  # if it fails, too
                    if prune():
                        prune_at = 0
            failing.end()
        except Exception as error:
            failing.log(error)
    stop.set()
    logs.flush()


def prune() -> bool:
    """Delete what is too old; return whether more of it is left, for the next second."""
    with transaction():
        is_more = journal.prune(settings.get("log_days"), PRUNE_ENTRIES) == PRUNE_ENTRIES
        sessions.prune()
        throttle.prune()
    invitations.expire()
    return is_more


def see_to_threads(app, stop):
    """Send the server a request now and then while another holds its thread for long.

    Granian adds a thread only when a request arrives, and rarely none where one is needed. Then the last request
    would wait until another arrives, or until whoever is slow is done.
    """
    gate, before = app.extensions["gate"], set()
    while not stop.wait(LONG):
        now = set(gate.under_way)
        if now & before:
            with suppress(OSError, HTTPException), closing(HTTPConnection(*address(), timeout=LONG)) as connection:
                connection.request("GET", "/healthz")
                connection.getresponse()
        before = now


def heard_signals() -> socket.socket:
    """Return a socket from which the numbers of signals can be read, beside whatever handles them."""
    heard, written = socket.socketpair()
    written.setblocking(False)
    signal.set_wakeup_fd(written.detach(), warn_on_full_buffer=False)
    return heard


def listen_for_stop(app, stop, heard):
    """Set `stop` as soon as a signal says so: the main thread goes on until the requests under way are answered."""
    while heard.recv(1)[0] not in (signal.SIGINT, signal.SIGTERM):
        pass
    stop.set()
    time.sleep(MAIL_SECONDS)
    outbox.give_back(app)


def end_with_parent():
    """End at once when the supervising process is killed: nobody would know of this one."""
    multiprocessing.parent_process().join()
    os._exit(1)
