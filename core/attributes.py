"""Custom attributes: defined at run time, in the schema at once. Their values live in the users' documents."""

import re

from sqlalchemy import delete, func, select

from models import CustomAttribute, Prepared, UserValue, execute, now
from protocol import definitions
from protocol.schema import ResourceType, compile_user_type

TYPES = ("string", "boolean", "integer", "decimal", "dateTime")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
# what a configuration calls the attributes that every person has
SYSTEM_NAMES = (
    "userUID userUIDLocalPart userUIDDomain userUPN userEmailAddress userEmailAddressLocalPart "
    "userEmailAddressDomain userFirstName userLastName userDisplayName userLocale department"
).split()

TABLE = CustomAttribute.__table__
ALL = select(TABLE.c.name, TABLE.c.type, TABLE.c.multi_valued).order_by(TABLE.c.id)
DEFINED = Prepared(ALL)


class DefinitionError(Exception):
    """A definition that is refused; the message says why."""


def user_type() -> ResourceType:
    """Return the compiled User type with the attributes defined at this moment, whichever process did so."""
    return compile_user_type(tuple((name, kind, bool(many)) for name, kind, many in DEFINED.rows()))


def listing() -> list:
    """Return (name, type, multi_valued, how many users have a value) of every custom attribute."""
    users = select(func.count(func.distinct(UserValue.user_pk))).where(UserValue.attribute == _key(TABLE.c.name))
    return execute(ALL.add_columns(users.scalar_subquery().label("users"))).all()


def _key(name):
    return definitions.SHORT_NAMES[definitions.CUSTOM] + ":" + name


def add(name: str, type: str = "string", multi_valued: bool = False):
    """Define a custom attribute. Raise DefinitionError for a name or type that cannot be."""
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"{name!r} is no attribute name: a letter, then letters, digits, _ or -, at most 64 characters."
        )
    if type not in TYPES:
        raise DefinitionError(f"{type!r} is no attribute type: choose one of {', '.join(TYPES)}.")
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


def find(name: str):
    """Return the definition's row. Raise DefinitionError if there is none."""
    row = execute(select(TABLE).where(TABLE.c.name_key == name.lower())).first()
    if row is None:
        raise DefinitionError(f"There is no attribute {name!r}; `flask attribute list` shows them.")
    return row


def count_holders(name: str) -> int:
    """Return how many users have a value of the attribute."""
    distinct = func.count(func.distinct(UserValue.user_pk))
    return execute(select(distinct).where(UserValue.attribute == _key(name))).scalar()


def holders(name: str, limit: int) -> list:
    """Return the pks of up to `limit` users who have a value of the attribute."""
    query = select(UserValue.user_pk).distinct().where(UserValue.attribute == _key(name)).limit(limit)
    return execute(query).scalars().all()


def undefine(name: str):
    """Take the definition away; its values are cleared before, by directory.clear_attribute."""
    execute(delete(TABLE).where(TABLE.c.name_key == name.lower()))
