"""What an operator types: the outcome, the exit code, and one sentence where it is refused."""

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing, nullcontext
from types import SimpleNamespace

import orjson
import pytest
from sqlalchemy.exc import IntegrityError

import cli
import database
import models
import server
from core import accounts, attributes, journal, tokens
from core.journal import Actor
from database import db, transaction
from protocol.definitions import CUSTOM
from tests import databases
from tests.conftest import ROOT

TYPES = ("string", "boolean", "integer", "decimal", "dateTime")


@pytest.fixture
def flask(app):
    """Return a function that runs `flask …` and returns its result."""
    runner = app.test_cli_runner()
    return lambda *arguments, input=None: runner.invoke(args=arguments, input=input)


def assert_refused(result, *words):
    assert result.exit_code == 1
    assert result.stdout == ""
    assert re.fullmatch(r"Error: .+\.\n", result.stderr), result.stderr
    for word in words:
        assert word in result.stderr


def is_let_in(app, token):
    answer = app.test_client().get("/scim/v2/Users", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200


def rows(app, listing):
    with app.app_context():
        return listing()


# token


def test_token_create_prints_the_token_alone(app, flask):
    result = flask("token", "create", "Okta")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(r"rc_[A-Za-z0-9]{40,}\n", result.stdout)
    assert is_let_in(app, result.stdout.strip())


def test_token_create_takes_a_term(app, flask):
    flask("token", "create", "Okta", "--expires-days", "30")
    [token] = rows(app, tokens.listing)
    assert token.created < token.expires
    assert flask("token", "list").stdout.count(f"expires {token.expires}") == 1


@pytest.mark.parametrize("days", ["0", "-1", "soon", "1.5", "100000"])
def test_a_term_that_is_none_is_refused(app, flask, days):
    result = flask("token", "create", "Okta", "--expires-days", days)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--expires-days" in result.stderr
    assert rows(app, tokens.listing) == []


def test_a_third_token_is_refused(app, flask):
    flask("token", "create", "First")
    flask("token", "create", "Second")
    assert_refused(flask("token", "create", "Third"), "'First'", "'Second'", "set one to inactive or remove it")
    assert len(rows(app, tokens.listing)) == 2


def test_a_second_token_of_one_name_is_refused(app, flask):
    flask("token", "create", "Okta")
    assert_refused(flask("token", "create", "Okta"), "'Okta'")
    assert len(rows(app, tokens.listing)) == 1


@pytest.mark.parametrize("name", ["", "  ", "a\tb", "a\nb"])
def test_a_token_needs_a_name_of_one_line(app, flask, name):
    assert_refused(flask("token", "create", name), "name")
    assert rows(app, tokens.listing) == []


def test_token_list_shows_states_and_no_secret(app, flask):
    first = flask("token", "create", "First").stdout.strip()
    flask("token", "revoke", "First")
    second = flask("token", "create", "Second").stdout.strip()
    is_let_in(app, second)
    with app.app_context(), transaction():
        journal.flush()
    old, new = flask("token", "list").stdout.splitlines()
    assert old.split("\t")[:3] == ["1", "First", f"…{first[-4:]}"] and "removed" in old and "never used" in old
    assert new.split("\t")[:4] == ["2", "Second", f"…{second[-4:]}", "live"] and "from 127.0.0.1" in new
    assert first not in old and second not in new


def test_token_list_of_nothing_is_no_error(flask):
    result = flask("token", "list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_token_renew_prints_the_successor_and_leaves_an_overlap(app, flask):
    old = flask("token", "create", "Okta").stdout.strip()
    result = flask("token", "renew", "Okta", "--overlap-hours", "2")
    assert (result.exit_code, result.stderr) == (0, "")
    new = result.stdout.strip()
    assert new != old
    assert is_let_in(app, old) and is_let_in(app, new)


def test_token_renew_without_an_overlap_ends_the_old_one(app, flask):
    old = flask("token", "create", "Okta").stdout.strip()
    new = flask("token", "renew", "Okta", "--overlap-hours", "0").stdout.strip()
    assert not is_let_in(app, old) and is_let_in(app, new)


@pytest.mark.parametrize("hours", ["-1", "25", "soon", "nan", "-nan", "inf", "-inf", "1e400", "1e308", "9" * 400])
def test_an_overlap_is_0_to_24_hours(app, flask, hours):
    flask("token", "create", "Okta")
    result = flask("token", "renew", "Okta", f"--overlap-hours={hours}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--overlap-hours" in result.stderr and result.stderr.endswith(".\n")
    assert len(rows(app, tokens.listing)) == 1


@pytest.mark.parametrize("action", ["renew", "revoke"])
def test_a_token_that_is_not_there_is_named(flask, action):
    assert_refused(flask("token", action, "Nobody"), "'Nobody'", "flask token list")


def test_token_revoke_ends_a_token_by_name_or_id(app, flask):
    for how in ("Okta", "2"):
        token = flask("token", "create", "Okta").stdout.strip()
        assert is_let_in(app, token)
        result = flask("token", "revoke", how)
        assert (result.exit_code, result.stdout) == (0, "")
        assert not is_let_in(app, token)


def test_a_revoked_token_cannot_be_revoked_again(flask):
    flask("token", "create", "Okta")
    flask("token", "revoke", "Okta")
    assert_refused(flask("token", "revoke", "Okta"), "was removed on")


def test_a_name_goes_before_an_id(app, flask):
    first = flask("token", "create", "2").stdout.strip()
    second = flask("token", "create", "Okta").stdout.strip()
    flask("token", "revoke", "2")
    assert not is_let_in(app, first) and is_let_in(app, second)


def test_the_exact_name_of_a_later_token_goes_before_the_id_of_an_earlier_one(app, flask):
    first = flask("token", "create", "Okta").stdout.strip()
    second = flask("token", "create", "1").stdout.strip()
    flask("token", "revoke", "1")
    assert is_let_in(app, first) and not is_let_in(app, second)


# admin


@pytest.fixture
def grace(app, flask):
    """Return a function that returns the account of Grace, which is disabled."""
    flask("admin", "create", "grace@example.com", "--password-stdin", input="correct horse battery\n")
    flask("admin", "create", "ada@example.com", "--password-stdin", input="correct horse battery\n")

    def grace():
        with app.app_context():
            return accounts.find_by_email("grace@example.com")

    with app.app_context(), transaction():
        accounts.disable(accounts.find_by_email("grace@example.com"), Actor("Ada"))
    assert grace().disabled
    return grace


def test_admin_password_says_that_it_enables_an_account_that_was_disabled(flask, grace):
    arguments = ("admin", "password", "grace@example.com", "--password-stdin")
    first = flask(*arguments, input="another horse battery\n")
    assert first.stdout == "Set the password of grace@example.com, and enabled the account, which was disabled.\n"
    assert grace().disabled is None
    second = flask(*arguments, input="a third horse battery\n")
    assert second.stdout == "Set the password of grace@example.com.\n"


def test_admin_password_says_beforehand_that_it_enables(flask):
    assert "enable it if it was disabled" in " ".join(flask("admin", "password", "--help").stdout.split())


# attribute


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("flags", [(), ("--multi-valued",)], ids=["single", "multi-valued"])
def test_attribute_add_defines_one_that_okta_can_send_at_once(flask, scim, kind, flags):
    result = flask("attribute", "add", "custAttr1", "--type", kind, *flags)
    assert result.exit_code == 0 and CUSTOM in result.stdout
    value = {"string": "x", "boolean": True, "integer": 5, "decimal": 1.5, "dateTime": "2026-01-31T12:00:00Z"}[kind]
    sent = [value] if flags else value
    user = scim.post("/Users", {"userName": "ada", CUSTOM: {"custAttr1": sent}}).json
    assert scim.get(f"/Users/{user['id']}").json[CUSTOM] == {"custAttr1": sent}
    [definition] = scim.get(f"/Schemas/{CUSTOM}").json["attributes"]
    assert (definition["name"], definition["type"], definition["multiValued"]) == ("custAttr1", kind, bool(flags))


@pytest.mark.parametrize("name", ["a", "A", "custAttr1", "a-b", "a_b", "x" * 64, "title2", "employeeNo"])
def test_names_that_are_allowed(app, flask, name):
    assert flask("attribute", "add", name).exit_code == 0
    assert [row.name for row in rows(app, attributes.listing)] == [name]


BAD_NAMES = [
    "",
    " ",
    "1a",
    "_a",
    "a b",
    "a.b",
    "a:b",
    "a/b",
    "a$",
    "ä",
    "aé",
    "x" * 65,
    "a\n",
    "a\x00",
    "a%",
    "٣",
    "a'",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_not(app, flask, name):
    assert_refused(flask("attribute", "add", name), "a letter")
    assert rows(app, attributes.listing) == []


SYSTEM = """userUID userUIDLocalPart userUIDDomain userUPN userEmailAddress userEmailAddressLocalPart userLocale
userEmailAddressDomain userFirstName userLastName userDisplayName department userName name displayName title active
emails groups id externalId meta schemas password USERUPN Username iD"""


@pytest.mark.parametrize("name", SYSTEM.split())
def test_names_of_system_attributes_are_refused(app, flask, name):
    assert_refused(flask("attribute", "add", name), "system attribute")
    assert rows(app, attributes.listing) == []


@pytest.mark.parametrize("name", ["custAttr1", "CUSTATTR1", "custattr1"])
def test_a_name_is_unique_without_regard_to_case(app, flask, name):
    flask("attribute", "add", "custAttr1")
    assert_refused(flask("attribute", "add", name, "--type", "integer"), "already")
    assert [(row.name, row.type) for row in rows(app, attributes.listing)] == [("custAttr1", "string")]


def test_another_type_is_refused(app, flask):
    result = flask("attribute", "add", "custAttr1", "--type", "complex")
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(kind in result.stderr for kind in TYPES)
    assert rows(app, attributes.listing) == []


def test_attribute_list_shows_types_and_users(flask, make_user):
    flask("attribute", "add", "custAttr1")
    flask("attribute", "add", "flags", "--type", "boolean", "--multi-valued")
    make_user("ada", **{CUSTOM: {"custAttr1": "x", "flags": [True, False]}})
    make_user("bob", **{CUSTOM: {"custAttr1": "y"}})
    result = flask("attribute", "list")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["custAttr1\tstring\t2 users", "flags\tboolean, multi-valued\t1 users"]


@pytest.fixture
def holders(flask, make_user):
    """Ada and Bob have a value of custAttr1, Eve has none."""
    flask("attribute", "add", "custAttr1")
    flask("attribute", "add", "other")
    ada = make_user("ada", **{CUSTOM: {"custAttr1": "x"}})
    bob = make_user("bob", **{CUSTOM: {"custAttr1": "y", "other": "z"}})
    return ada, bob, make_user("eve")


def test_attribute_remove_asks_and_says_how_many(app, flask, holders):
    result = flask("attribute", "remove", "custAttr1", input="n\n")
    assert result.exit_code == 1
    assert "from 2 users?" in result.output
    assert [row.users for row in rows(app, attributes.listing)] == [2, 1]


def test_attribute_remove_clears_every_value(app, flask, scim, holders):
    ada, bob, eve = holders
    result = flask("attribute", "remove", "CUSTATTR1", input="y\n")
    assert result.exit_code == 0 and "2 users had a value" in result.stdout
    assert [row.name for row in rows(app, attributes.listing)] == ["other"]
    after = [scim.get(f"/Users/{user['id']}").json for user in holders]
    assert CUSTOM not in after[0] and CUSTOM not in after[0]["schemas"]
    assert after[1][CUSTOM] == {"other": "z"}
    assert after[2] == eve
    assert after[0]["meta"]["version"] != ada["meta"]["version"]
    assert scim.post("/Users/.search", {"filter": f'{CUSTOM}:custAttr1 eq "x"'}).status_code == 400


def test_attribute_remove_leaves_nothing_to_find_when_the_name_comes_back(flask, scim, holders):
    flask("attribute", "remove", "custAttr1", "--yes")
    flask("attribute", "add", "custAttr1")
    assert scim.find("Users", f"{CUSTOM}:custAttr1 pr") == []


def test_attribute_remove_writes_a_line_for_each_user_who_had_a_value(app, flask, holders):
    result = flask("attribute", "remove", "custAttr1", "--yes")
    assert result.exit_code == 0
    with app.app_context():
        lines = database.execute(journal.LINES.select().where(journal.LINES.c.action == "changed")).all()
    assert [(line.actor, line.token_id, line.name) for line in lines] == [
        ("Command line", None, "ada"),
        ("Command line", None, "bob"),
    ]
    assert orjson.loads(lines[0].before)[CUSTOM] == {"custAttr1": "x"}


def test_attribute_remove_keeps_the_source_of_a_user(app, flask, holders):
    flask("attribute", "remove", "custAttr1", "--yes")
    with app.app_context():
        assert set(database.execute(models.User.__table__.select()).scalars("source")) == {"scim"}


def test_attribute_remove_of_one_that_is_not_there(flask):
    assert_refused(flask("attribute", "remove", "nothing", "--yes"), "'nothing'", "System > Attributes")


def test_a_command_without_its_argument_is_a_usage_error(flask):
    for command in (("token", "create"), ("token", "revoke"), ("attribute", "add"), ("token", "nothing")):
        result = flask(*command)
        assert (result.exit_code, result.stdout) == (2, "")


NO_UTF8 = [
    (("admin", "create", "a\udcff@b.c", "--password-stdin"), b"correct horse battery\n"),
    (("admin", "create", "ada@example.com", "--password-stdin"), b"\xffcorrect horse battery\n"),
    (("admin", "password", "a\udcff@b.c"), None),
    (("attribute", "remove", "\udcff"), None),
]


@pytest.mark.parametrize("arguments, piped", NO_UTF8)
def test_bytes_that_are_not_utf8_are_refused(app, flask, arguments, piped):
    assert_refused(flask(*arguments, input=piped), "UTF-8")
    assert rows(app, accounts.listing) == []


@pytest.mark.usefixtures("sqlite")
def test_a_backup_to_a_name_that_is_not_utf8_is_refused(flask, make_user, tmp_path):
    make_user("ada")
    assert_refused(flask("backup", f"{tmp_path}/\udcff.db"), "UTF-8")
    assert list(tmp_path.glob("*.db*")) == []


def test_a_piped_password_is_refused_where_python_lets_such_bytes_in(instance):
    """As it does in the locale C; in others it does not, and the tests above are in one of them."""
    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "admin", "create", "ada@example.com", "--password-stdin"],
        cwd=ROOT,
        env=os.environ | databases.environment(instance) | {"LC_ALL": "C"},
        input=b"\xffcorrect horse battery\n",
        capture_output=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.count(b"\n") == 1 and b"UTF-8" in result.stderr


@pytest.fixture
def shell(app, instance):
    """Return a function that runs `flask …`, as a shell redirects it, in a process of its own."""
    command = f"{sys.executable} -m flask --app app "
    options = {"cwd": ROOT, "env": os.environ | databases.environment(instance), "timeout": 60}
    return lambda line: subprocess.run(command + line, shell=True, capture_output=True, text=True, **options)


@pytest.mark.parametrize("output", [">&-", ">/dev/full"])
@pytest.mark.parametrize("command", ["create Other", "renew Okta"])
def test_a_token_that_cannot_be_shown_is_not_made(app, flask, shell, command, output):
    flask("token", "create", "Okta")
    result = shell(f"token {command} {output}")
    assert result.returncode == 1
    assert re.fullmatch(r"Error: Standard output .+\.\n", result.stderr), result.stderr
    assert [token.name for token in rows(app, tokens.listing)] == ["Okta"]


def test_a_standard_output_that_is_full_is_one_sentence(shell):
    result = shell("check >/dev/full")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "No space left on device" in result.stderr


def test_news_that_cannot_be_told_ends_nothing(app, flask, shell):
    flask("token", "create", "Okta")
    assert shell("token revoke Okta 2>/dev/full").returncode == 0
    assert rows(app, tokens.listing) == []


@pytest.mark.parametrize("arguments", ["attribute remove badge", "admin create a@example.com --password-stdin"])
def test_a_standard_input_that_is_closed_gives_no_answer(flask, shell, arguments):
    flask("attribute", "add", "badge")
    result = shell(f"{arguments} <&-")
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert "badge" in flask("attribute", "list").stdout and flask("admin", "list").stdout == ""


def test_the_json_of_a_rehearsal_is_alone_on_standard_output(flask, monkeypatch):
    monkeypatch.setattr(cli, "is_up", lambda _url: False)
    monkeypatch.setattr(cli, "temporary_server", lambda: nullcontext(("http://localhost", "token")))
    result = SimpleNamespace(passed=True, as_dict=dict)
    monkeypatch.setattr(cli.rehearsal, "rehearse", lambda *_arguments, **_options: result)
    done = flask("rehearse", "--json")
    assert (done.exit_code, done.stdout) == (0, "{}\n") and "Nothing answers" in done.stderr


def test_a_database_that_is_locked_is_one_sentence(app, flask, monkeypatch):
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.1)
    flask("token", "list")
    with database.write_lock:
        result = flask("token", "create", "Okta")
    assert_refused(result, "locked")


@pytest.fixture
def damaged(app, instance, sqlite):
    """A database that opens, and has the newest schema; the pages where its tables begin are overwritten."""
    app.config.update(SMTP_URL="smtp+plain://127.0.0.1:9", MAIL_FROM="it@example.com")
    with app.app_context():
        db.engine.dispose()
    with closing(sqlite3.connect(instance / "rollcall.db")) as sql:
        [size] = sql.execute("PRAGMA page_size").fetchone()
        tables = "SELECT rootpage FROM sqlite_schema WHERE rootpage > 1 AND name <> 'alembic_version'"
        pages = [page for (page,) in sql.execute(tables)]
    with open(instance / "rollcall.db", "r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "list"),
        ("token", "create", "Okta"),
        ("admin", "list"),
        ("attribute", "list"),
        ("recount",),
        ("outbox", "deliver"),
    ],
)
def test_a_database_that_is_damaged_is_one_sentence_with_its_cure(damaged, flask, arguments):
    assert_refused(flask(*arguments), "malformed", "flask restore")


@pytest.mark.parametrize("path", ["/scim/v2/Users", "/sign-in"])
def test_what_a_damaged_database_is_asked_for_says_so(damaged, app, caplog, path):
    headers = {"Authorization": f"Bearer {tokens.new_secret()}"}
    answer = app.test_client().get(path, headers=headers)
    assert answer.status_code == 500 and "damaged" in answer.text
    assert "flask restore" in caplog.text and "Traceback" not in caplog.text


def test_a_server_does_not_start_on_a_database_that_is_damaged(damaged, app):
    with pytest.raises(SystemExit, match=r"^Rollcall does not start: .*malformed.*flask restore.*\.$"):
        server.start(app, "http://localhost:5000")


def test_a_mistake_in_a_statement_is_not_put_on_the_database(flask, monkeypatch):
    def add_twice(*_arguments):
        database.execute(models.Setting.__table__.insert(), [{"name": "log_days", "value": "1"}] * 2)

    monkeypatch.setattr(tokens, "create", add_twice)
    assert isinstance(flask("token", "create", "Okta").exception, IntegrityError)
