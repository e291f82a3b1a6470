"""Whether this process can take traffic now, and if not, why. No HTTP; a load balancer asks often."""

import logging
import shutil

from sqlalchemy.exc import SQLAlchemyError

import database
from database import db

LEAST_FREE = 64 * 2**20  # bytes: the largest body, the write-ahead log, and what comes meanwhile
LOG = logging.getLogger("rollcall")


def problems(is_stopping: bool) -> dict[str, str]:
    """Return {what is not ready: a sentence}: empty if all is. No secret and no path is in it."""
    found = {}
    if is_stopping:
        found["process"] = "Rollcall was told to stop."
    try:
        if database.stored_schema() != database.newest_schema():
            found["schema"] = "The schema of the database is not this program's: start Rollcall anew."
    except (SQLAlchemyError, db.engine.dialect.loaded_dbapi.Error) as error:
        database.log_failure(error, "The database does not answer")
        found["database"] = "The database does not answer; the log says why."
    if _free_bytes() < LEAST_FREE:
        found["disk"] = f"Less than {LEAST_FREE // 2**20} MB are free on the disk of the database."
    return found


def _free_bytes() -> int:
    try:
        return shutil.disk_usage(database.disk_folder()).free
    except OSError:
        LOG.exception("The folder of the database cannot be looked at")
        return 0
