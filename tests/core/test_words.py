"""The words of a user, the rows that hold them, and who has them in the order of names."""

import random

import pytest

from core import attributes, directory, words
from core.journal import Actor
from database import connection, transaction
from protocol.schema import fold

WORDS = {
    "what Okta sends": (
        {
            "userName": "Ada.Lovelace@example.com",
            "displayName": "Ada Lovelace",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"value": "Ada.Lovelace@example.com"}],
        },
        ["ada.lovelace@example.com", "example.com", "lovelace@example.com"],
    ),
    "names that are no e-mail": (
        {"userName": "ALovelace", "displayName": "Ada Lovelace"},
        ["ada", "alovelace", "lovelace"],
    ),
    "nothing but a userName": ({"userName": "Ada"}, ["ada"]),
    "a userName of one letter": ({"userName": "A", "displayName": "Bob"}, ["a", "bob"]),
    "words of one letter": ({"userName": "ada", "displayName": "Ada B Lovelace"}, ["ada", "lovelace"]),
    "a name of one letter": ({"userName": "ada", "name": {"familyName": "李"}}, ["ada", "李"]),
    "a host without a dot": (
        {"userName": "j.smith@localhost"},
        ["j.smith@localhost", "localhost", "smith@localhost"],
    ),
    "a longer domain": ({"userName": "x@a.co.uk"}, ["x@a.co.uk", "a.co.uk", "co.uk"]),
    "names with hyphens": ({"userName": "jean", "displayName": "Jean-Luc O'Neil"}, ["jean-luc", "luc", "o'neil"]),
    "separators alone": ({"userName": "a", "displayName": "a -- @@ ."}, ["a", "--", "@@"]),
    "a long name": ({"userName": "x" * 300}, ["x" * 100]),
    "a long word in a name": ({"userName": "a", "displayName": "a " + "x" * 300}, ["a", "x" * 100]),
    "a userName in wide letters": ({"userName": "Ａda"}, ["ada", "ａda"]),
    "an e-mail without a value": ({"userName": "ada", "emails": [{"type": "work"}]}, ["ada"]),
    "spaces for a name": ({"userName": "ada", "displayName": "  "}, ["ada"]),
}


@pytest.mark.parametrize("document, expected", WORDS.values(), ids=WORDS)
def test_words_are_what_begins_no_other_word(document, expected):
    assert words.words(document) == expected


def test_words_inside_of_names_are_few_and_always_the_same():
    document = {"userName": "x", "displayName": "x " + " ".join(f"w{number}" for number in range(1000))}
    assert len(words.words(document)) == 1 + words.MOST_WORDS
    assert words.words(document) == words.words(dict(reversed(document.items())))


def test_every_address_is_found_by_its_beginning_however_many_there_are():
    emails = [{"value": f"a{number}@example.com"} for number in range(100)]
    found = words.words({"userName": "x", "emails": emails})
    assert {email["value"] for email in emails} <= set(found)


def test_one_row_of_each_initial_has_it_and_the_beginning_of_the_name():
    rows = words.rows({"userName": "anna.banks@example.com", "displayName": "Anna Andersson" + "x" * 200})
    name = ("anna andersson" + "x" * 200)[: words.LONGEST_NAME]
    assert sorted(word for word, *_ in rows) == sorted(set(word for word, *_ in rows))
    assert sorted((initial, of) for _word, initial, of in rows if initial) == [
        *(("an", name), ("ba", name), ("ex", name))
    ]
    assert all(of is None for _word, initial, of in rows if initial is None)


@pytest.fixture
def crowd(app):
    """200 people; return (display key, pk, words) of each."""
    rng = random.Random(20)
    with app.app_context():
        found = []
        with transaction():
            for number in range(200):
                name = " ".join("".join(rng.choices("abc", k=rng.randrange(1, 5))) for _ in range(3))
                document = {"userName": f"u{number}", "displayName": name}
                pk = directory.create(attributes.user_type(), document, Actor("Ada"), []).pk
                found.append((fold(name), pk, words.words(document)))
        yield found


@pytest.mark.parametrize("typed", ["a", "b", "ab", "u1", "x", "abc"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("count", [1, 7, 300])
def test_who_has_a_word_comes_once_in_the_order_of_names_from_any_place_on(crowd, typed, descending, count):
    begins = typed[: words.INITIAL]
    everybody = sorted(
        [(name, pk) for name, pk, of in crowd if any(word.startswith(begins) for word in of)], reverse=descending
    )
    assert list(words.of_initials(typed, None, descending, count)) == everybody
    for number in range(0, len(everybody), 17):
        place = everybody[number]
        assert list(words.of_initials(typed, place, descending, count)) == everybody[number + 1 :]


def test_a_letter_that_too_much_begins_with_is_not_gathered(crowd, monkeypatch):
    found = connection().exec_driver_sql(
        "SELECT count(DISTINCT initial) FROM user_words WHERE initial >= 'a' AND initial < 'b'"
    )
    assert (number := found.scalar()) > 1
    monkeypatch.setattr(words, "MOST_INITIALS", number)
    assert words.of_initials("a", None, False, 9) is not None
    monkeypatch.setattr(words, "MOST_INITIALS", number - 1)
    assert words.of_initials("a", None, False, 9) is None


def test_a_new_name_moves_a_user_in_the_order(crowd):
    with transaction():
        user = directory.find(attributes.user_type(), connection().exec_driver_sql("SELECT id FROM users").scalar())
        directory.save(user, user.document | {"displayName": "zz ab"}, Actor("Ada"))
    assert list(words.of_initials("ab", None, True, 9))[0] == ("zz ab", user.pk)
