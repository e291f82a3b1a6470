"""The audit trail: what changed, before and after, by whom; and as a file."""

import csv
import io
import re

import pytest

from core import history
from core.journal import Actor, note
from database import transaction
from tests.portal.conftest import words

AUDIT = "/admin/audit"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def write(app):
    """Return a function that writes one line of the trail."""

    def write(actor, action, kind, identifier, name, before=None, after=None):
        with app.app_context(), transaction():
            note(Actor(actor), action, kind, identifier, name, before, after)

    return write


@pytest.fixture
def lines(alan):
    """Return a function that answers with the words of each line, newest first; but for those of signing in."""

    def lines(query=""):
        answer = alan.get(AUDIT + query)
        assert answer.status_code == 200, answer.text
        rows = re.findall(r'<tr id="line-.*?</tr>', answer.text, re.DOTALL)
        return [words(row) for row in rows if "signed in" not in row]

    return lines


def test_a_change_shows_before_and_after_and_by_whom(lines, scim, barbara):
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "title", "value": "Boss"})
    [changed, created] = lines("?kind=User")
    assert "SCIM Okta (Okta) User changed bjensen@example.com title from Tour Guide → to Boss" in changed
    assert "User created bjensen@example.com" in created


def test_what_was_cleared_and_what_was_set_read_so(lines, scim, barbara):
    scim.patch(f"/Users/{barbara['id']}", {"op": "remove", "path": "title"})
    scim.patch(f"/Users/{barbara['id']}", {"op": "add", "path": "nickName", "value": "Babs"})
    assert lines()[0].endswith("nickName set to Babs")
    assert lines()[1].endswith("title cleared, was Tour Guide")


def test_a_name_leads_there_while_it_is_here(alan, scim, barbara, make_group):
    guides = make_group("Guides", barbara)
    page = alan.get(AUDIT).text
    assert f'href="/users/{barbara["id"]}"' in page and f'href="/users/groups/{guides["id"]}"' in page
    scim.delete(f"/Users/{barbara['id']}")
    assert f'href="/users/{barbara["id"]}"' not in alan.get(AUDIT).text


def test_members_are_named(lines, barbara, make_group):
    make_group("Guides", barbara)
    assert "1 added: bjensen@example.com" in lines("?kind=Group")[0]


def test_a_long_change_is_folded(alan, barbara):
    page = alan.get(f"{AUDIT}?kind=User").text
    assert re.search(r"<details>\s*<summary>\d attributes<span", page)


def test_kinds_actors_persons_and_texts_are_filters(lines, write, barbara, make_user):
    make_user("other@example.com")
    write("ada@example.com", "changed", "Setting", "log_days", "log_days", {"log_days": 30}, {"log_days": 90})
    assert len(lines()) >= 4
    assert ["log_days" in line for line in lines("?kind=Setting")] == [True]
    assert ["log_days" in line for line in lines("?actor=ada@example.com")] == [True]
    assert len(lines("?actor=SCIM+Okta")) == 2
    assert ["bjensen" in line for line in lines(f"?resource={barbara['id']}")] == [True]
    assert ["bjensen" in line for line in lines("?text=Tour+Guide")] == [True]
    assert lines("?kind=Group") == []


def test_filters_are_taken_off_one_by_one(alan, barbara):
    page = alan.get(f"{AUDIT}?kind=User&actor=SCIM+Okta&resource={barbara['id']}&text=guide").text
    chips = [words(chip) for chip in re.findall(r'<a class="chip".*?</a>', page, re.DOTALL)]
    assert [chip.partition(" ×")[0] for chip in chips] == [
        "User",
        "By SCIM Okta",
        "About bjensen@example.com",
        "“guide”",
    ]
    assert f'href="{AUDIT}?kind=User&amp;actor=SCIM+Okta&amp;resource={barbara["id"]}"' in page


def test_an_actor_who_is_gone_stays_chosen(alan, barbara):
    page = alan.get(f"{AUDIT}?actor=gone@example.com").text
    assert '<option value="gone@example.com" selected>' in page
    assert "No change is like this" in words(page)


@pytest.mark.parametrize("query", ["kind=Odd", "before=x", f"before={10**30}"])
def test_a_mistyped_address_is_refused(alan, query):
    assert alan.get(f"{AUDIT}?{query}").status_code == 400


def test_what_a_form_leaves_empty_is_left_out_of_the_address(alan):
    answer = alan.get(f"{AUDIT}?kind=User&actor=&text=")
    assert (answer.status_code, answer.location) == (302, f"{AUDIT}?kind=User")


def test_older_changes_are_on_pages_of_their_own(alan, lines, write):
    for number in range(70):
        write("Command line", "changed", "Setting", "log_days", f"setting {number}")
    older = re.search(r'href="([^"]+)" rel="next"', alan.get(f"{AUDIT}?kind=Setting").text)[1].replace("&amp;", "&")
    assert len(lines("?kind=Setting")) == 50 and "kind=Setting" in older
    assert [int(re.search(r"setting (\d+)", line)[1]) for line in lines(older.removeprefix(AUDIT))] == [
        *range(19, -1, -1)
    ]


def test_names_and_values_are_no_markup(alan, scim, make_user):
    user = make_user(SCRIPT, title=SCRIPT, displayName=SCRIPT)
    scim.patch(f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": f"new {SCRIPT}"})
    page = alan.get(f"{AUDIT}?text={SCRIPT}").text
    assert SCRIPT not in page and "&lt;script&gt;" in page


def rows_of(answer):
    assert answer.status_code == 200
    text = answer.get_data().decode()
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_file_has_every_line_of_the_filter(alan, write):
    for number in range(120):
        write("Command line", "changed", "Setting", "log_days", f"setting {number}")
    page = alan.get(f"{AUDIT}?kind=Setting&text=setting+1&before=90").text
    address = re.search(r'id="export" href="([^"]+)"', page)[1].replace("&amp;", "&")
    answer = alan.get(address)
    rows = rows_of(answer)
    assert len(rows) == 31 and {row["Kind"] for row in rows} == {"Setting"}
    assert re.search(r"filename=audit-\d{4}-\d\d-\d\d\.csv", answer.headers["Content-Disposition"])


def test_the_file_is_read_in_batches(app, alan, write, monkeypatch):
    whole = history.audit_batches
    monkeypatch.setattr(history, "audit_batches", lambda query: whole(query, size=7))
    for number in range(30):
        write("Command line", "changed", "Setting", "log_days", f"setting {number}")
    names = [row["Name"] for row in rows_of(alan.get(f"{AUDIT}/export.csv?kind=Setting"))]
    assert names == [f"setting {number}" for number in range(29, -1, -1)]


def test_the_file_keeps_before_and_after_whole(alan, scim, barbara):
    scim.patch(f"/Users/{barbara['id']}", {"op": "replace", "path": "title", "value": "Boss"})
    row = rows_of(alan.get(f"{AUDIT}/export.csv?kind=User"))[0]
    assert (row["By"], row["Action"], row["Name"], row["Id"]) == (
        "SCIM Okta (Okta)",
        "changed",
        "bjensen@example.com",
        barbara["id"],
    )
    assert row["What changed"] == "title: Tour Guide → Boss"
    assert (row["Before"], row["After"]) == ('{"title":"Tour Guide"}', '{"title":"Boss"}')


def test_no_cell_of_the_file_is_a_formula(alan, write):
    write("=actor", "@action", "+kind", "-1", "\t=name")
    row = rows_of(alan.get(f"{AUDIT}/export.csv?actor=%3Dactor"))[0]
    cells = (row["By"], row["Action"], row["Kind"], row["Id"], row["Name"])
    assert cells == ("'=actor", "'@action", "'+kind", "'-1", "'\t=name")
