"""The words that people are searched by, and who has them in the order of the names. No HTTP, no HTML.

    rows(document)                        # all that `user_words` holds of a user
    of_initials("ad", place, False, 50)   # (name, pk) of all who have a word that begins with "ad", from a place on

A word that is typed is a range of `user_words.word`, which finds who has it, in no order that a list has. To read
them in the order of the names without reading all, each user has a row for each beginning of two characters that
words of theirs have: it holds the name, and an index has these rows in the order of names.
"""

import heapq
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator

import orjson
from sqlalchemy import bindparam, text

from database import Prepared
from models import UserWord
from protocol.schema import fold, user_name_key

SEARCHED_IN = ("userName", "displayName", "emails", "name")  # the attributes of a user that words come from
MOST_WORDS = 20  # of one user, beside those that begin a value
LONGEST_WORD = 100  # characters
LONGEST_TEXT = 1_000  # characters of a value that words are looked for in
LONGEST_NAME = 100  # characters of a name that its rows hold
INITIAL = 2  # characters
MOST_INITIALS = 64  # that are read side by side
FETCHED, MOST_FETCHED = 16, 256  # rows of one of many initials that are read at a time
PORTION = 2_000  # users whose rows are looked at in one statement
BEHIND = "\U0010ffff"  # whatever begins with a word comes before the word and this
SEPARATOR = re.compile(r"[@._+-]")


def rows(document: dict) -> set:
    """Return {(word, initial, name)}: one row of each initial tells it and the beginning of the user's name."""
    name, seen, found = fold(display(document))[:LONGEST_NAME], set(), set()
    for word in words(document):
        initial = word[:INITIAL]
        found.add((word, None, None) if initial in seen else (word, initial, name))
        seen.add(initial)
    return found


def write(pk: int, old: set, new: set):
    """Make the rows of a user the new ones: only what differs is written."""
    if old - new:
        DELETE.run_many([_row(pk, row) for row in old - new])
    if new - old:
        INSERT.run_many([_row(pk, row) for row in new - old])


def _row(pk, row):
    word, initial, name = row
    return {"word": word, "user_pk": pk, "initial": initial, "name": name}


def portions(connection) -> range:
    """Return the pks with which `strayed` begins, to look at all users."""
    return range(0, (connection.execute(LAST).scalar() or 0) + 1, PORTION)


def strayed(connection, first: int) -> list:
    """Return (pk, its rows, what they should be) where the two differ, of PORTION users from a pk on."""
    true, kept = {}, defaultdict(set)
    for pk, document, *row in connection.execute(OF_SOME, {"first": first, "behind": first + PORTION}):
        if document is None:
            kept[pk].add(tuple(row))
        else:
            true[pk] = rows(orjson.loads(document))
    return [(pk, kept[pk], found) for pk, found in true.items() if found != kept[pk]]


def display(document: dict) -> str:
    """Return what lists call a user."""
    return document.get("displayName") or document["userName"]


def words(document: dict) -> list:
    """Return the words of a user's names and e-mail addresses, without those that begin another one.

    A word goes on to the next space: "lovelace@ex" finds "lovelace@example.com". It begins behind a space or one
    of @ . _ + and -, but the end of a domain ("com") is none. Beside those that begin a name or an address, there
    are at most MOST_WORDS.
    """
    texts = [text[:LONGEST_TEXT].split() for text in _texts(document)]
    firsts = {tokens[0][:LONGEST_WORD] for tokens in texts if tokens}
    tokens = {token[:LONGEST_WORD] for token in itertools.chain(*texts)}
    inside = {word for token in tokens if not token.isalnum() for word in _inside(token)}
    # in this order, whatever begins with a word comes right behind it
    ordered = [*sorted(tokens | inside), ""]
    least = [w for w, other in itertools.pairwise(ordered) if not other.startswith(w)]
    others = [word for word in least if word not in firsts and len(word) > 1]
    return [word for word in least if word in firsts] + others[:MOST_WORDS]


def _texts(document):
    """Yield what is searched, in the form that keys have; a userName in both of its forms."""
    name = document.get("name", {})
    texts = [document["userName"], document.get("displayName"), name.get("givenName"), name.get("familyName")]
    texts += [email.get("value") for email in document.get("emails", ())]
    yield from (fold(text) for text in texts if text)
    yield user_name_key(document["userName"])


def _inside(token):
    """Yield what begins behind a separator in a token, such as an e-mail address."""
    at = token.rfind("@")
    for match in SEPARATOR.finditer(token):
        word = token[match.end() :]
        ends_domain = match[0] == "." and 0 <= at < match.start() and "." not in word
        if len(word) > 1 and not SEPARATOR.match(word) and not ends_domain:
            yield word


def of_initials(typed: str, place: tuple | None, descending: bool, count: int) -> Iterator[tuple] | None:
    """Yield (beginning of the name, pk), in order, of those of whom a word begins as `typed` does.

    Only its first INITIAL characters are looked at. `place` is such a pair, and they come behind it; about `count`
    of them are wanted. Return None if they would have to be gathered from more than MOST_INITIALS places.
    """
    initials = [typed[:INITIAL]]
    if len(typed) < INITIAL:
        found = INITIALS.rows(typed=typed, behind=typed + BEHIND, most=MOST_INITIALS + 1)
        initials = [initial for (initial,) in found]
    if len(initials) > MOST_INITIALS:
        return None
    size = count if len(initials) == 1 else FETCHED
    streams = [_stream(initial, place, descending, size) for initial in initials]
    merged = heapq.merge(*streams, reverse=descending)
    return (holder for holder, _same in itertools.groupby(merged))  # one person may have words of several initials


def _stream(initial, place, descending, size):
    """Yield (name, pk) of one initial; more are read each time."""
    while True:
        name, pk = place or ("", 0)
        statement = STREAMS[descending, place is not None]
        found = statement.rows(initial=initial, name=name, pk=pk, size=size)
        yield from found
        if len(found) < size:
            return
        place, size = found[-1], min(size * 2, MOST_FETCHED)


def _stream_statement(descending, is_placed):
    place = f" AND (name, user_pk) {'<' if descending else '>'} (:name, :pk)" if is_placed else ""
    way = "DESC" if descending else "ASC"
    order = f"ORDER BY name {way}, user_pk {way} LIMIT :size"
    return Prepared(text(f"SELECT name, user_pk FROM user_words WHERE initial = :initial{place} {order}"))


WORDS = UserWord.__table__
INSERT = Prepared(WORDS.insert(), ("word", "user_pk", "initial", "name"))
DELETE = Prepared(WORDS.delete().where(*(WORDS.c[name] == bindparam(name) for name in ("word", "user_pk"))))
LAST = text("SELECT max(pk) FROM users")
# one statement: what it reads is of one moment, though others write meanwhile
OF_SOME = text(
    "SELECT pk, document, NULL, NULL, NULL FROM users WHERE pk >= :first AND pk < :behind UNION ALL"
    " SELECT user_pk, NULL, word, initial, name FROM user_words WHERE user_pk >= :first AND user_pk < :behind"
)
STREAMS = {way: _stream_statement(*way) for way in itertools.product((False, True), repeat=2)}
# each initial is looked for behind the one before: as many look-ups as there are, however many rows they have
INITIALS = Prepared(
    text(
        "WITH RECURSIVE found (initial) AS ("
        " SELECT min(initial) FROM user_words WHERE initial >= :typed AND initial < :behind"
        " UNION ALL"
        " SELECT (SELECT min(initial) FROM user_words WHERE initial > found.initial AND initial < :behind)"
        " FROM found WHERE found.initial IS NOT NULL"
        ") SELECT initial FROM found WHERE initial IS NOT NULL LIMIT :most"
    )
)
