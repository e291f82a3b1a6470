"""Passwords of administrators and of people alike: which may be used, how they are kept and compared. No HTTP.

The two kinds of account never look at each other's tables: whose password it is, the caller knows.

    kept = hashed("violet-anchor-plum-7", "ada@example.com")     # raises PasswordError for one that is weak
    matches("violet-anchor-plum-7", kept)
"""

import re
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256  # characters
JUDGED = 32  # characters that are looked at for how easily they are guessed: of 256, that takes half a minute
WEAKEST_PASSWORD = 3  # of 4, as zxcvbn judges it: ten thousand million guesses and more
# 19 MiB and two rounds, as OWASP recommends for argon2id: sign-in must not need the memory that an import has
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class PasswordError(Exception):
    """A password that is refused; the message says what is wrong with it."""

    field = "password"


def hashed(password: str, *known: str) -> str:
    """Return the hash of a password that may be used. Raise PasswordError.

    `known` is what everybody knows of its owner: an address, a name.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordError(f"Choose a password of at least {SHORTEST_PASSWORD} characters.")
    if len(password) > LONGEST_PASSWORD:
        raise PasswordError(f"Choose a password of at most {LONGEST_PASSWORD} characters.")
    if strength(password, *known) < WEAKEST_PASSWORD:
        raise PasswordError(
            "This password is easily guessed. Four or more words that do not belong together are not."
        )
    return HASHER.hash(password)


def strength(password: str, *known: str) -> int:
    """Return 0 (guessed at once) to 4, knowing common passwords, names, and the words of what is known."""
    from zxcvbn import zxcvbn  # its word lists take 20 MB, and only a new password needs them

    if not password:
        return 0
    words = [word for text in known for word in (text, *re.split(r"\W+", text)) if word]
    return zxcvbn(password[:JUDGED], [*words, "rollcall", "okta"])["score"]


def matches(password: str, password_hash: str | None) -> bool:
    """Return whether it is the password; without a hash it never is, and takes as long."""
    try:
        given = password[:LONGEST_PASSWORD]
        return HASHER.verify(password_hash or _no_hash(), given) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def rehashed(password: str, password_hash: str) -> str | None:
    """Return the hash to keep from now on of a password that matches, or None if that is the one at hand."""
    return HASHER.hash(password) if HASHER.check_needs_rehash(password_hash) else None


@cache
def _no_hash():
    return HASHER.hash(secrets.token_hex())
