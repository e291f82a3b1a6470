"""Custom attributes: defined at run time, in the schema at once. Their values live in the users' documents."""

import re

from sqlalchemy import delete, func, select

from core import configurations, journal, variables
from core.journal import Actor
from database import Prepared, execute, now
from models import CustomAttribute, UserValue
from protocol import definitions
from protocol.schema import ResourceType, compile_user_type

TYPES = ("string", "boolean", "integer", "decimal", "dateTime")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
MOST_COUNTED = 10_000  # users who have a value, in a list: of a million, counting them all takes 80 ms an attribute
SYSTEM_NAMES = tuple(variables.SYSTEM)  # what a configuration calls the attributes that every person has
TABLE = CustomAttribute.__table__
ALL = select(TABLE.c.name, TABLE.c.type, TABLE.c.multi_valued).order_by(TABLE.c.id)
DEFINED = Prepared(ALL)


class DefinitionError(Exception):
    """A definition that is refused; the message says why, and `field` what is wrong: name or type."""

    def __init__(self, message: str, field: str = "name"):
        super().__init__(message)
        self.field = field


def user_type() -> ResourceType:
    """Return the compiled User type with the attributes defined at this moment, whichever process did so."""
    return compile_user_type(tuple((name, kind, bool(many)) for name, kind, many in defined()))


def defined() -> list:
    """Return (name, type, multi_valued) of every custom attribute, in the order in which they were defined."""
    return DEFINED.rows()


def listing(at_most: int | None = None) -> list:
    """Return (name, type, multi_valued, created, users) of each: how many have a value; `at_most` + 1 if more."""
    holders = select(UserValue.user_pk).where(*_is_held(_key(TABLE.c.name)))
    counted = holders.limit(None if at_most is None else at_most + 1).correlate(TABLE).subquery()
    users = select(func.count()).select_from(counted).scalar_subquery().label("users")
    return execute(ALL.add_columns(TABLE.c.created, users)).all()


def _is_held(key):
    """Return the conditions that find one row of each who has a value: the first one, or the only one."""
    return UserValue.attribute == key, UserValue.element == 0


def _key(name):
    return definitions.SHORT_NAMES[definitions.CUSTOM] + ":" + name


def add(name: str, type: str, multi_valued: bool, actor: Actor):
    """Define a custom attribute. Raise DefinitionError for a name or type that cannot be."""
    if not NAME.fullmatch(name):
        wrong = f"{name!r} is no attribute name" if name else "An attribute needs a name"
        raise DefinitionError(f"{wrong}: a letter, then letters, digits, _ or -, at most 64 characters.")
    if type not in TYPES:
        raise DefinitionError(f"{type!r} is no attribute type: choose one of {', '.join(TYPES)}.", "type")
    core = [*definitions.COMMON, *definitions.USER_SCHEMA["attributes"]]
    if name.lower() in {n.lower() for n in [*SYSTEM_NAMES, *(a["name"] for a in core)]}:
        raise DefinitionError(f"{name!r} is the name of a system attribute: choose another.")
    if execute(select(TABLE.c.id).where(TABLE.c.name_key == name.lower())).first():
        raise DefinitionError(f"There is an attribute {name!r} already; letter case does not count.")
    row = {
        "name": name,
        "name_key": name.lower(),
        "type": type,
        "multi_valued": multi_valued,
        "created": now(),
    }
    execute(TABLE.insert(), row)
    journal.note(actor, "created", "Attribute", name, name, None, {"type": type, "multiValued": multi_valued})


def find(name: str):
    """Return the definition's row. Raise DefinitionError if there is none."""
    row = execute(select(TABLE).where(TABLE.c.name_key == name.lower())).first()
    if row is None:
        raise DefinitionError(f"There is no attribute {name!r}; Admin > System > Attributes shows them.")
    return row


def find_unused(name: str):
    """Return the definition's row. Raise DefinitionError if there is none, or a configuration uses it."""
    row = find(name)
    if users := configurations.uses_of(row.name):
        places = ", ".join(repr(configuration.name) for configuration in users)
        several = "configurations use" if len(users) > 1 else "configuration uses"
        raise DefinitionError(f"The {several} {row.name}: {places}. Take ${{{row.name}}} out there first.")
    return row


def count_holders(name: str) -> int:
    """Return how many users have a value of the attribute, exactly."""
    return execute(select(func.count()).where(*_is_held(_key(name)))).scalar()


def holders(name: str, limit: int) -> list:
    """Return the pks of up to `limit` users who have a value of the attribute."""
    query = select(UserValue.user_pk).distinct().where(UserValue.attribute == _key(name)).limit(limit)
    return execute(query).scalars().all()


def undefine(name: str, actor: Actor):
    """Take the definition away: the last step of the job "remove attribute", which clears its values before.

    Raise DefinitionError if there is none, or a configuration uses it.
    """
    row = find_unused(name)
    execute(delete(TABLE).where(TABLE.c.id == row.id))
    before = {"type": row.type, "multiValued": bool(row.multi_valued)}
    journal.note(actor, "removed", "Attribute", row.name, row.name, before)
