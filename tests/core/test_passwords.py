"""What makes a password, and what is throttled: one rule for administrators and for people."""

from datetime import timedelta

import pytest

import database
from core import passwords, throttle
from core.passwords import PasswordError
from core.throttle import Throttled
from database import transaction
from tests.durability.helpers import together

GOOD = "violet-anchor-plum-7"
MINUTE = timedelta(minutes=1)


def test_a_good_password_matches_itself_alone():
    kept = passwords.hashed(GOOD)
    assert kept.startswith("$argon2id$") and GOOD not in kept
    assert passwords.matches(GOOD, kept)
    assert not passwords.matches(GOOD.upper(), kept)
    assert passwords.rehashed(GOOD, kept) is None


@pytest.mark.parametrize("kept", [None, "", "plain", "$argon2id$broken"])
def test_what_is_no_hash_matches_nothing(kept):
    assert passwords.matches(GOOD, kept) is False


REFUSED = {
    "": "at least 12",
    "short-7-!": "at least 12",
    "x" * 257: "at most 256",
    "password1234": "easily guessed",
    "aaaaaaaaaaaaaaaa": "easily guessed",
    "LovelaceAda1": "easily guessed",
}


@pytest.mark.parametrize("password", REFUSED)
def test_a_weak_password_is_refused_with_a_sentence(password):
    with pytest.raises(PasswordError, match=REFUSED[password]) as refusal:
        passwords.hashed(password, "lovelace.ada@example.com", "Ada Lovelace")
    assert refusal.value.field == "password"


def test_what_everybody_knows_of_somebody_makes_a_password_weak():
    assert passwords.strength("Wolfeschlegelstein") > passwords.strength("Wolfeschlegelstein", "Wolfeschlegelstein")
    assert passwords.strength("") == 0


def test_an_old_hash_is_made_anew(monkeypatch):
    kept = passwords.hashed(GOOD)
    monkeypatch.setattr(passwords, "HASHER", passwords.PasswordHasher(time_cost=1, memory_cost=1024))
    better = passwords.rehashed(GOOD, kept)
    assert better and better != kept and passwords.matches(GOOD, better)


@pytest.fixture
def context(app):
    with app.app_context():
        yield


def count(limits, window=MINUTE):
    with transaction():
        return throttle.count(limits, window)


def test_the_limit_is_exact_and_says_how_long_to_wait(context):
    for _ in range(3):
        count({"a": 3})
    with pytest.raises(Throttled, match="Try again in .* seconds") as refusal:
        count({"a": 3})
    assert 1 <= refusal.value.seconds <= 60
    count({"b": 3})


def test_one_that_is_refused_counts_for_nothing(context):
    count({"a": 1})
    for _ in range(5):
        with pytest.raises(Throttled):
            count({"b": 2, "a": 1})
    count({"b": 2})
    count({"b": 2})


def test_what_is_forgotten_is_no_try(context):
    [first] = count({"a": 1})
    with transaction():
        throttle.forget([first])
    count({"a": 1})
    with transaction():
        throttle.forget([], "a")
    count({"a": 1})


def test_the_window_passes(context, monkeypatch):
    count({"a": 1})
    real = database.datetime
    monkeypatch.setattr(
        database, "datetime", type("later", (real,), {"now": classmethod(lambda cls, tz: real.now(tz) + MINUTE)})
    )
    count({"a": 1})


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer(context, monkeypatch):
    count({"a": 1})
    real = database.datetime
    earlier = classmethod(lambda cls, tz: real.now(tz) - timedelta(days=1))
    monkeypatch.setattr(database, "datetime", type("earlier", (real,), {"now": earlier}))
    with pytest.raises(Throttled) as refusal:
        count({"a": 1})
    assert refusal.value.seconds <= 60


def test_many_at_once_get_no_more(app):
    def attempt(_):
        with app.app_context():
            try:
                count({"a": 5})
                return True
            except Throttled:
                return False

    assert together(16, attempt).count(True) == 5


def test_a_long_key_is_cut(context):
    count({"x" * 1000: 1})
    with pytest.raises(Throttled):
        count({"x" * 1000: 1})
