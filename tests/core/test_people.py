"""A person's sign-in, and the wall between people and administrators."""

import pytest
from sqlalchemy import select

import database
import models
from core import accounts, attributes, directory, journal, people, sessions
from core.journal import Actor
from core.passwords import HASHER, PasswordError
from core.throttle import Throttled
from database import execute, transaction
from models import Administrator

PASSWORD, OTHER = "violet-anchor-plum-7", "crimson-ladder-fig-9"
HERE = "192.0.2.1"
OKTA, ADMIN = Actor("SCIM Okta", 1), Actor("ada@example.com")
HASHES = {}


@pytest.fixture(autouse=True)
def context(app):
    with app.app_context():
        yield


def hash_of(password):
    """Hashing takes 50 ms: once for the whole file is enough."""
    return HASHES.setdefault(password, HASHER.hash(password))


def register(user_name, password=PASSWORD, **others):
    """Create a user who has registered, and return the directory's resource."""
    with transaction():
        user = directory.create(attributes.user_type(), {"userName": user_name} | others, OKTA, [])
        people.register(user.pk, hash_of(password))
    return user


def change(user, **others):
    user = directory.find(user.type, user.id)
    with transaction():
        return directory.save(user, user.document | others, OKTA)


def emails(*addresses):
    return {"emails": [{"value": address} for address in addresses]}


def test_a_person_signs_in_by_user_name_or_e_mail():
    user = register("grace", displayName="Grace Hopper", **emails("grace@example.com", "home@example.com"))
    for name in ("grace", "GRACE", " grace ", "grace@example.com", "Home@Example.com"):
        person = people.sign_in(name, PASSWORD, HERE)
        assert (person.pk, person.id, person.display, person.user_name) == (
            user.pk,
            user.id,
            "Grace Hopper",
            "grace",
        ), name


@pytest.mark.parametrize("name, password", [("grace", OTHER), ("grace", ""), ("", PASSWORD), ("eve", PASSWORD)])
def test_nobody_else_does(name, password):
    register("grace")
    assert people.sign_in(name, password, HERE) is None


def test_a_user_who_has_not_registered_cannot():
    with transaction():
        directory.create(attributes.user_type(), {"userName": "grace", "password": PASSWORD}, OKTA, [])
    assert people.sign_in("grace", PASSWORD, HERE) is None
    assert people.find_by_name("grace") is None


def test_an_address_that_two_have_is_nobody_s():
    register("grace", **emails("team@example.com"))
    register("alan", OTHER, **emails("team@example.com"))
    assert people.sign_in("team@example.com", PASSWORD, HERE) is None
    assert people.sign_in("grace", PASSWORD, HERE).user_name == "grace"
    with transaction():  # of several, only those who have registered count
        directory.create(attributes.user_type(), {"userName": "eve"} | emails("alan@example.com"), OKTA, [])
    register("alan2", **emails("alan@example.com"))
    assert people.sign_in("alan@example.com", PASSWORD, HERE).user_name == "alan2"


def test_a_user_name_goes_before_somebody_s_e_mail():
    register("grace@example.com")
    register("eve", OTHER, **emails("grace@example.com"))
    assert people.sign_in("grace@example.com", OTHER, HERE) is None
    assert people.sign_in("grace@example.com", PASSWORD, HERE).user_name == "grace@example.com"


@pytest.mark.parametrize("active", [False, None])
def test_who_is_disabled_is_refused_and_who_is_enabled_again_is_not(active):
    user = register("grace")
    change(user, active=active)
    assert people.sign_in("grace", PASSWORD, HERE) is None
    change(user, active=True)
    assert people.sign_in("grace", PASSWORD, HERE).id == user.id


def begin(user):
    with transaction():
        return sessions.begin(user_pk=user.pk)


def test_a_session_is_of_a_person_and_of_no_administrator():
    secret = begin(register("grace", displayName="Grace"))
    _data, _seen, account, person = sessions.find(secret)
    assert account is None
    assert (person.display, person.user_name) == ("Grace", "grace")


def test_disabling_ends_the_sessions_for_good():
    user = register("grace")
    secret = begin(user)
    change(user, active=False)
    assert sessions.find(secret) is None
    change(user, active=True)
    assert sessions.find(secret) is None


def test_a_session_of_who_is_disabled_behind_our_back_is_nobody_s():
    user = register("grace")
    secret = begin(user)
    with transaction():
        database.connection().exec_driver_sql("UPDATE users SET active = FALSE")
    assert sessions.find(secret)[2:] == (None, None)


def test_deleting_a_user_takes_the_sign_in_and_the_sessions():
    user = register("grace")
    secret = begin(user)
    with transaction():
        directory.remove(directory.find(user.type, user.id), OKTA)
    assert sessions.find(secret) is None
    assert people.find(user.pk) is None
    with transaction():  # somebody new with that name has no password yet
        directory.create(attributes.user_type(), {"userName": "grace"}, OKTA, [])
    assert people.sign_in("grace", PASSWORD, HERE) is None


def test_a_new_password_ends_the_sessions_and_is_the_only_one():
    user = register("grace")
    secret, of_other = begin(user), begin(register("alan", OTHER))
    with transaction():
        people.set_password(people.find(user.pk), OTHER, ADMIN)
    assert sessions.find(secret) is None and sessions.find(of_other)
    assert people.sign_in("grace", PASSWORD, HERE) is None
    assert people.sign_in("grace", OTHER, HERE).id == user.id


@pytest.mark.parametrize("password", ["short", "gracehopper1", "password1234"])
def test_a_weak_password_is_refused_and_changes_nothing(password):
    user = register("gracehopper")
    secret = begin(user)
    with pytest.raises(PasswordError), transaction():
        people.set_password(people.find(user.pk), password, ADMIN)
    assert sessions.find(secret)[3].id == user.id
    assert people.sign_in("gracehopper", PASSWORD, HERE)


def test_guessing_is_slowed_and_another_person_is_left_alone():
    register("grace")
    register("alan", OTHER)
    for number in range(10):
        assert people.sign_in("grace", f"guess {number}", HERE) is None
    with pytest.raises(Throttled):
        people.sign_in("GRACE ", PASSWORD, HERE)
    assert people.sign_in("alan", OTHER, HERE)


def test_no_other_way_to_write_a_name_gives_more_guesses():
    register("grace@example.com", **emails("hopper@example.com"))
    names = ["grace@example.com", "GRACE@example.com ", "\uff47race@example.com", "hopper@example.com"]
    for number in range(10):
        assert people.sign_in(names[number % len(names)], f"guess {number}", HERE) is None
    for name in names:
        with pytest.raises(Throttled):
            people.sign_in(name, PASSWORD, HERE)


def test_no_other_way_to_write_an_unknown_name_gives_more_guesses():
    for number in range(10):
        assert people.sign_in(("eve", "\uff45ve", "EVE")[number % 3], PASSWORD, HERE) is None
    with pytest.raises(Throttled):
        people.sign_in("e\uff56e", PASSWORD, HERE)


def test_guessing_at_people_and_at_administrators_shares_the_limit_of_an_address(monkeypatch):
    monkeypatch.setitem(accounts.TRIES, "address", 3)
    register("grace")
    people.sign_in("grace", "guess", HERE)
    accounts.sign_in("ada@example.com", "guess", HERE)
    people.sign_in("grace", "guess", HERE)
    for sign_in in (people.sign_in, accounts.sign_in):
        with pytest.raises(Throttled):
            sign_in("other", "guess", HERE)


def test_the_right_password_is_no_guess():
    register("grace")
    for _ in range(12):
        assert people.sign_in("grace", PASSWORD, HERE)


def test_an_old_hash_is_made_anew_at_sign_in(monkeypatch):
    user = register("grace")
    monkeypatch.setattr(people.passwords, "HASHER", people.passwords.PasswordHasher(1, 1024, 1))
    assert people.sign_in("grace", PASSWORD, HERE)
    assert people.find(user.pk).password_hash != hash_of(PASSWORD)
    assert people.sign_in("grace", PASSWORD, HERE)


def test_signing_in_has_a_line_that_no_administrator_could_have():
    person = people.find(register("ada@example.com").pk)
    with transaction():
        people.signed_in(person)
    [line] = execute(select(journal.LINES).where(journal.LINES.c.action == "signed in")).all()
    assert (line.actor, line.resource_type, line.name) == ("Person ada@example.com", "User", "ada@example.com")


# the wall


@pytest.fixture
def ada():
    """An administrator, whose address Okta then gives to users."""
    with transaction():
        database.execute(
            Administrator.__table__.insert(),
            {
                "email": "ada@example.com",
                "email_key": "ada@example.com",
                "role": "administrator",
                "password_hash": hash_of(PASSWORD),
                "created": database.now(),
            },
        )
    return accounts.find_by_email("ada@example.com")


def test_the_two_kinds_of_account_do_not_open_each_other(ada):
    register("ada@example.com", OTHER, **emails("ada@example.com"))
    assert people.sign_in("ada@example.com", PASSWORD, HERE) is None
    assert accounts.sign_in("ada@example.com", OTHER, HERE) is None
    assert accounts.sign_in("ada@example.com", PASSWORD, HERE) == ada
    assert people.sign_in("ada@example.com", OTHER, HERE)


def test_nothing_over_scim_makes_or_changes_an_administrator(ada, app, scim):
    before = execute(select(Administrator.__table__)).all()
    database.close_connection()
    body = {
        "userName": "ada@example.com",
        "password": OTHER,
        "roles": [{"value": "administrator"}],
        "entitlements": [{"value": "administrator"}],
        "userType": "administrator",
        "administrator_id": ada.id,
        "role": "administrator",
        "email_key": "ada@example.com",
        "id": str(ada.id),
        "pk": ada.id,
        "invite": "completed",
    } | emails("ada@example.com")
    user = scim.post("/Users", body).json
    scim.put(f"/Users/{user['id']}", body | {"userName": "eve", "active": False})
    scim.patch(f"/Users/{user['id']}", {"op": "replace", "path": "userName", "value": "ada@example.com"})
    scim.delete(f"/Users/{user['id']}")
    assert execute(select(Administrator.__table__)).all() == before
    assert execute(select(models.Person.__table__)).all() == []
    assert accounts.sign_in("ada@example.com", OTHER, HERE) is None


def test_no_module_of_one_kind_names_the_table_of_the_other():
    assert not hasattr(people, "ACCOUNTS") and not hasattr(accounts, "PEOPLE")
