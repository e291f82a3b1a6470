"""A token's life as administrators lead it: what is allowed, what is refused and why, and what is on record."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

import database
from core import journal, tokens
from core.journal import Actor
from core.tokens import TokenError
from database import transaction

ADA = Actor("ada@example.com")
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def context(app):
    with app.app_context():
        yield


@pytest.fixture
def clock(monkeypatch):
    """Return a function that moves the tokens' clock on; it stands still in between."""
    moment = datetime.now(UTC)

    def move(**delta):
        nonlocal moment
        moment += timedelta(**delta)
        stamp = moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        for module in (database, tokens):
            monkeypatch.setattr(module, "now", lambda: stamp)
        return stamp

    move()
    return move


def do(action, *arguments, **others):
    with transaction():
        return action(*arguments, **others)


def refuse(action, *arguments, match):
    """Do what is refused with a sentence, and see that nothing changed; return the error."""
    before, known = tokens.listing(all=True), len(lines())
    with pytest.raises(TokenError, match=match) as refusal:
        do(action, *arguments)
    assert str(refusal.value).endswith(".")
    assert (tokens.listing(all=True), len(lines())) == (before, known)
    return refusal.value


def lines():
    return database.execute(journal.LINES.select().order_by(journal.LINES.c.id)).all()


def words():
    return {token.name: tokens.state_word(token) for token in tokens.listing(all=True)}


# making and renewing


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_a_name_that_is_none_is_refused_beside_its_field(name):
    assert refuse(tokens.create, name, ADA, match="name of one line").field == "name"


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_term_that_is_none_is_refused_beside_its_field(days):
    assert refuse(tokens.create, "Okta", ADA, days, match="1 to 3650 days").field == "expires_days"


def test_a_name_is_kept_without_the_spaces_around_it():
    do(tokens.create, "  Okta ", ADA)
    assert refuse(tokens.create, "Okta", ADA, match="'Okta' already").field == "name"


def test_a_third_live_token_is_refused_with_what_to_do():
    do(tokens.create, "A", ADA)
    do(tokens.create, "B", ADA)
    expected = "There are two live tokens already, 'A' and 'B': set one to inactive or remove it first."
    assert str(refuse(tokens.create, "C", ADA, match="two live")) == expected


@pytest.mark.parametrize("end", [tokens.set_inactive, tokens.revoke])
def test_what_the_refusal_names_makes_room(end):
    do(tokens.create, "A", ADA)
    do(tokens.create, "B", ADA)
    do(end, "A", ADA)
    assert tokens.verify(do(tokens.create, "C", ADA)).name == "C"


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(hours=24, seconds=1), timedelta(days=400)])
def test_an_overlap_is_0_to_24_hours(overlap):
    do(tokens.create, "Okta", ADA)
    assert refuse(tokens.renew, "Okta", overlap, ADA, match="0 to 24 hours").field == "overlap"


@pytest.mark.parametrize("overlap", [timedelta(0), HOUR, timedelta(hours=24)])
def test_a_renewal_leaves_the_old_token_its_overlap_and_the_new_one_its_term(clock, overlap):
    old = do(tokens.create, "Okta", ADA, 90)
    new = do(tokens.renew, "Okta", overlap, ADA, 365)
    assert tokens.verify(new).name == "Okta"
    assert (tokens.verify(old) is not None) == bool(overlap)
    clock(seconds=overlap.total_seconds())
    assert tokens.verify(old) is None
    clock(days=363)
    assert tokens.verify(new)
    clock(days=2)
    assert tokens.verify(new) is None


def test_a_renewal_beside_another_live_token_is_refused_unless_the_old_one_ends_at_once():
    do(tokens.create, "A", ADA)
    do(tokens.create, "B", ADA)
    refuse(tokens.renew, "A", HOUR, ADA, match="'B' is live too: set it to inactive or remove it first")
    new = do(tokens.renew, "A", timedelta(0), ADA)
    assert tokens.verify(new)
    assert sorted(words().values()) == ["Active", "Active", "Expired"]


def test_renewals_give_every_token_a_name_of_its_own():
    do(tokens.create, "Okta", ADA)
    do(tokens.renew, "Okta", HOUR, ADA)
    do(tokens.set_inactive, "Okta (until renewed)", ADA)
    do(tokens.renew, "Okta", HOUR, ADA)
    assert list(words()) == ["Okta (until renewed)", "Okta (until renewed 2)", "Okta"]


@pytest.mark.parametrize("end, reason", [(tokens.set_inactive, "set to inactive"), (tokens.revoke, "removed")])
def test_only_a_live_token_is_renewed(end, reason):
    do(tokens.create, "Okta", ADA)
    do(end, "Okta", ADA)
    refuse(tokens.renew, "Okta", HOUR, ADA, match=f"was {reason} on .+ only a live one is renewed")


# inactive and active


def test_inactive_is_dead_at_once_and_active_lives_again():
    secret = do(tokens.create, "Okta", ADA)
    do(tokens.set_inactive, "Okta", ADA)
    assert tokens.verify(secret) is None
    assert words() == {"Okta": "Inactive"}
    assert "was set to inactive on" in tokens.problem(secret) and "set it to active" in tokens.problem(secret)
    do(tokens.set_active, "Okta", ADA)
    assert tokens.verify(secret).name == "Okta"
    assert words() == {"Okta": "Active"}


def test_okta_is_refused_while_its_token_is_inactive(scim):
    do(tokens.set_inactive, "Okta", ADA)
    answer = scim.get("/Users")
    assert (answer.status_code, "inactive" in answer.json["detail"]) == (401, True)
    do(tokens.set_active, "Okta", ADA)
    assert scim.get("/Users").status_code == 200


def test_a_third_token_is_not_set_to_active():
    for name in "ABC":
        do(tokens.create, name, ADA)
        if name == "A":
            do(tokens.set_inactive, name, ADA)
    refuse(tokens.set_active, "A", ADA, match="'B' and 'C': set one to inactive or remove it first")
    do(tokens.revoke, "B", ADA)
    do(tokens.set_active, "A", ADA)
    assert words() == {"A": "Active", "B": "Removed", "C": "Active"}


@pytest.mark.parametrize("action", [tokens.set_inactive, tokens.set_active])
def test_what_ended_for_good_is_neither_set_to_inactive_nor_to_active(clock, action):
    do(tokens.create, "Short", ADA, 1)
    do(tokens.create, "Okta", ADA)
    do(tokens.revoke, "Okta", ADA)
    clock(days=1)
    refuse(action, "Short", ADA, match="'Short' expired on")
    refuse(action, "Okta", ADA, match="'Okta' was removed on")


def test_an_inactive_token_that_expires_is_expired(clock):
    do(tokens.create, "Okta", ADA, 1)
    do(tokens.set_inactive, "Okta", ADA)
    clock(days=1)
    assert words() == {"Okta": "Expired"}
    refuse(tokens.set_active, "Okta", ADA, match="expired")


def test_doing_it_twice_is_doing_it_once():
    do(tokens.create, "Okta", ADA)
    do(tokens.set_active, "Okta", ADA)
    assert [line.action for line in lines()] == ["created"]
    do(tokens.set_inactive, "Okta", ADA)
    since = tokens.listing()[0].inactive
    do(tokens.set_inactive, "Okta", ADA)
    assert tokens.listing()[0].inactive == since
    assert [line.action for line in lines()] == ["created", "set to inactive"]


def test_the_name_of_an_inactive_token_is_not_given_to_another():
    do(tokens.create, "Okta", ADA)
    do(tokens.set_inactive, "Okta", ADA)
    refuse(tokens.create, "Okta", ADA, match="'Okta' already")


# removing


@pytest.mark.parametrize("state", ["live", "inactive", "expired"])
def test_any_token_is_removed_and_listed_no_longer_but_kept(clock, state):
    secret = do(tokens.create, "Okta", ADA, 1)
    if state == "inactive":
        do(tokens.set_inactive, "Okta", ADA)
    if state == "expired":
        clock(days=1)
    do(tokens.revoke, 1, ADA)
    assert tokens.verify(secret) is None
    assert "was removed on" in tokens.problem(secret)
    assert tokens.listing() == []
    assert [(token.id, token.name) for token in tokens.listing(all=True)] == [(1, "Okta")]
    assert tokens.find(1).name == "Okta"
    refuse(tokens.revoke, 1, ADA, match="removed on .+ already")


@pytest.mark.parametrize("action", [tokens.set_inactive, tokens.set_active, tokens.revoke])
@pytest.mark.parametrize("identifier", [2, "2", "Nobody", "", 2**70])
def test_a_token_that_is_not_there_is_named(action, identifier):
    do(tokens.create, "Okta", ADA)
    refuse(action, identifier, ADA, match="no token")


def test_a_number_is_an_id_and_never_a_name():
    do(tokens.create, "2", ADA)
    do(tokens.create, "Okta", ADA)
    do(tokens.revoke, 2, ADA)
    assert words() == {"2": "Active", "Okta": "Removed"}


def test_by_name_the_live_one_is_meant(clock):
    do(tokens.create, "Okta", ADA, 1)
    clock(days=1)
    do(tokens.create, "Okta", ADA)
    do(tokens.revoke, "Okta", ADA)
    assert [tokens.state_word(token) for token in tokens.listing(all=True)] == ["Expired", "Removed"]


def test_a_token_that_never_was_is_not_found():
    assert tokens.find(1) is None


# what is shown and kept


def test_states_in_words(clock):
    moments = {"live": clock()}
    do(tokens.create, "live", ADA)
    for name in ("inactive", "removed", "expired"):
        do(tokens.create, name, ADA, 1 if name == "expired" else None)
        moments[name] = clock(minutes=1)
        if name == "inactive":
            do(tokens.set_inactive, name, ADA)
        if name == "removed":
            do(tokens.revoke, name, ADA)
    expires = tokens.listing()[-1].expires
    clock(days=1)
    assert {token.name: tokens.state(token) for token in tokens.listing(all=True)} == {
        "live": "live",
        "inactive": f"inactive since {moments['inactive']}",
        "removed": f"removed {moments['removed']}",
        "expired": f"expired {expires}",
    }


def test_what_expires_soon_is_live_and_the_soonest_first(clock):
    do(tokens.create, "In 30", ADA, 30)
    do(tokens.create, "In 7", ADA, 7)
    assert [token.name for token in tokens.expiring()] == ["In 7", "In 30"]
    assert [token.name for token in tokens.expiring(7)] == ["In 7"]
    assert tokens.expiring(6) == []
    clock(days=7)
    assert [token.name for token in tokens.expiring()] == ["In 30"]
    do(tokens.set_inactive, "In 30", ADA)
    assert tokens.expiring() == []


def test_a_token_that_never_expires_does_not_expire_soon():
    do(tokens.create, "Okta", ADA)
    assert tokens.expiring(3650) == []


def test_every_change_has_a_line_and_none_has_the_secret(clock):
    old = do(tokens.create, "Okta", ADA, 90)
    new = do(tokens.renew, "Okta", HOUR, Actor("bob@example.com"))
    do(tokens.set_inactive, "Okta", ADA)
    do(tokens.set_active, "Okta", ADA)
    do(tokens.revoke, 1, ADA)
    found = lines()
    assert [(line.resource_id, line.name, line.action) for line in found] == [
        ("1", "Okta", "created"),
        ("1", "Okta", "renewed"),
        ("2", "Okta", "created"),
        ("2", "Okta", "set to inactive"),
        ("2", "Okta", "set to active"),
        ("1", "Okta (until renewed)", "removed"),
    ]
    assert {line.resource_type for line in found} == {"Token"}
    assert [line.actor for line in found[:3]] == ["ada@example.com", "bob@example.com", "bob@example.com"]
    states = [(orjson.loads(line.before), orjson.loads(line.after)) for line in found[3:]]
    assert [(before["state"], after["state"]) for before, after in states] == [
        ("Active", "Inactive"),
        ("Inactive", "Active"),
        ("Active", "Removed"),
    ]
    ends = [orjson.loads(text)["expires"] for text in (found[1].before, found[1].after)]
    assert ends[0] > ends[1] > clock()
    text = repr(found)
    assert not any(part in text for secret in (old, new) for part in (secret[3:20], secret[20:40]))
