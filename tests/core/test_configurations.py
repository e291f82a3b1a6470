"""Configurations: what is kept of a form, who would get it, what is on record, and what uses an attribute."""

import random
from dataclasses import replace

import orjson
import pytest
from sqlalchemy import select

import database
from core import attributes, configurations, deliveries, directory, history, jobs, journal, mobileconfig, variables
from core.attributes import DefinitionError
from core.configurations import ConfigurationError, Stale
from core.history import AuditQuery
from core.journal import Actor
from core.mobileconfig import TYPES
from database import transaction
from protocol.definitions import CUSTOM, ENTERPRISE
from protocol.schema import GROUP_TYPE

ADA = Actor("ada@example.com")
OKTA = Actor("SCIM Okta", 1)
CLIP, WIFI, APP = TYPES["webclip"], TYPES["wifi"], TYPES["app"]
DESK = {"label": "Office ${custAttr1}", "url": "https://example.com", "removable": "on"}
SECRET = {"ssid": "Office", "security": "wpa2", "password": "correct horse"}


@pytest.fixture(autouse=True)
def context(app, define):
    define("custAttr1")
    define("floors", "integer", True)
    with app.app_context():
        yield


def people(*documents):
    """Create users and return the pks."""
    with transaction():
        kind = attributes.user_type()
        return [directory.create(kind, document, OKTA, []).pk for document in documents]


def person(number, office=None, **others):
    return {"userName": f"user{number}", **({CUSTOM: {"custAttr1": office}} if office else {}), **others}


def group(name, *pks):
    with transaction():
        ids = [user.id for user in jobs._users(pks)]
        return directory.create(GROUP_TYPE, {"displayName": name, "members": [{"value": i} for i in ids]}, OKTA, [])


def create(kind=CLIP, name="Desk", typed=DESK, missing="hold", distribution="everyone", groups=()):
    with transaction():
        return configurations.create(kind, name, typed, missing, distribution, groups, ADA)


def save(stored, version=None, **others):
    """Save what is stored again, with some of it changed."""
    kept = {"name": stored.name, "typed": mobileconfig.as_typed(stored.kind, stored.fields)}
    kept |= {
        "missing": stored.missing,
        "distribution": stored.distribution,
        "groups": [g.id for g in stored.groups],
    }
    with transaction():
        return configurations.save(stored.id, version or stored.version, **kept | others, actor=ADA)


def lines(action=""):
    """Return the audit lines about configurations, the oldest first."""
    return history.audit_page(AuditQuery(kind="Configuration", action=action))[0][::-1]


# what is kept


def test_what_was_typed_is_kept_and_listed_by_name():
    people(person(1, "Berlin"), person(2))
    made = create().configuration
    create(name="about", typed=DESK | {"label": "About"}, distribution="nobody")
    assert (made.name, made.kind, made.version, made.missing, made.distribution) == (
        "Desk",
        CLIP,
        1,
        "hold",
        "everyone",
    )
    assert made.fields["label"] == DESK["label"] and made.names == ("custAttr1",)
    assert configurations.find(made.id) == made
    assert [(row.configuration.name, row.ready, row.held) for row in configurations.listing()] == [
        ("about", 0, 0),
        ("Desk", 1, 1),
    ]


def test_it_says_how_many_have_it_now():
    people(person(1, "Berlin"), person(2), person(3, active=False))
    outcome = create()
    assert (outcome.revisions, outcome.job_id) == (1, None)
    assert configurations.counts(outcome.configuration.id) == (1, 1)


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"name": " "}, "name", "needs a name"),
        ({"name": "DESK"}, "name", "'DESK' already"),
        ({"name": "a\nb"}, "name", "one line"),
        ({"name": "x" * 101}, "name", "at most 100"),
        ({"missing": "guess"}, "missing", "'guess'"),
        ({"distribution": "friends"}, "distribution", "'friends'"),
        ({"distribution": "groups"}, "groups", "No group is chosen"),
        ({"distribution": "groups", "groups": ["gone"]}, "groups", "gone"),
    ],
)
def test_a_refusal_names_what_is_wrong_and_keeps_nothing(changes, field, words):
    create()
    with pytest.raises(ConfigurationError) as refusal:
        create(**{"name": "Other"} | changes)
    assert list(refusal.value.errors) == [field] and words in refusal.value.errors[field]
    assert len(configurations.listing()) == len(lines()) == 1


def test_an_unknown_variable_is_refused_and_the_one_that_is_meant_is_named():
    with pytest.raises(ConfigurationError) as refusal:
        create(typed=DESK | {"label": "Office ${custAtr1}"})
    assert "did you mean custAttr1?" in refusal.value.fields["label"]
    assert "did you mean custAttr1?" in str(refusal.value)
    assert configurations.listing() == []


def test_the_name_of_a_field_and_the_configurations_own_name_are_told_apart():
    mail = mobileconfig.as_typed(TYPES["email"]) | {"name": "${nobody}", "incoming_host": "a", "outgoing_host": "b"}
    with pytest.raises(ConfigurationError) as refusal:
        create(TYPES["email"], name="", typed=mail)
    assert (list(refusal.value.errors), list(refusal.value.fields)) == (["name"], ["name"])


def test_a_form_that_is_older_than_what_is_stored_is_refused():
    made = create().configuration
    save(made, name="Table")
    with pytest.raises(Stale) as refusal:
        save(made, name="Chair")
    assert refusal.value.current.name == configurations.find(made.id).name == "Table"
    assert len(lines("changed")) == 1


def test_a_form_of_what_was_deleted_is_refused():
    made = create().configuration
    with transaction():
        configurations.remove(made.id, ADA)
    for action in (lambda: save(made), lambda: configurations.copy(made.id, ADA)):
        with pytest.raises(Stale) as refusal:
            action()
        assert refusal.value.current is None
    assert configurations.listing() == []


def test_what_is_so_already_changes_nothing():
    made = create().configuration
    assert save(made).configuration == made
    assert [line.action for line in lines()] == ["created"]


def test_its_own_name_may_be_kept_and_written_otherwise():
    made = create().configuration
    assert save(made, name="desk").configuration.name == "desk"


def test_a_copy_has_another_identity_and_goes_to_nobody():
    people(person(1, "Berlin"))
    made = create().configuration
    with transaction():
        first, second = configurations.copy(made.id, ADA), configurations.copy(made.id, ADA)
    assert [c.name for c in (first, second)] == ["Copy of Desk", "Copy 2 of Desk"]
    assert first.fields == made.fields and first.uuid != made.uuid
    assert (first.distribution, configurations.counts(first.id)) == ("nobody", (0, 0))


def test_what_is_deleted_is_gone_from_everybody():
    [pk] = people(person(1, "Berlin"))
    made = create().configuration
    assert configurations.profile_for(made.id, pk)
    with transaction():
        configurations.remove(made.id, ADA)
    assert (configurations.of_user(pk), configurations.profile_for(made.id, pk)) == ([], None)


def test_groups_stand_in_the_order_of_their_names_and_are_gone_with_the_distribution():
    people(person(1), person(2))
    b, a = group("b", 1), group("A", 2)
    made = create(distribution="groups", groups=[b.id, a.id]).configuration
    assert [target.name for target in made.groups] == ["A", "b"]
    after = save(made, distribution="everyone", groups=[a.id]).configuration
    assert (after.groups, configurations.of_group(a.pk)) == ((), [])


# what is on record


def test_each_change_has_its_line_with_what_differs():
    people(person(1, "Berlin"))
    made = create().configuration
    save(made, typed=DESK | {"label": "Desk in ${custAttr1}"}, missing="empty")
    with transaction():
        configurations.remove(made.id, ADA)
    created, changed, deleted = lines()
    assert {line.actor for line in lines()} == {ADA.name} and {line.resource_id for line in lines()} == {
        str(made.id)
    }
    assert (created.before, created.after["fields"]["label"]) == (None, DESK["label"])
    assert (created.after["distribution"], created.after["newRevisions"]) == ("everyone", 1)
    assert changed.before == {"missing": "hold", "fields": {"label": DESK["label"]}}
    assert changed.after == {"missing": "empty", "fields": {"label": "Desk in ${custAttr1}"}, "newRevisions": 1}
    assert (deleted.before["name"], deleted.after) == ("Desk", None)


def test_no_password_and_no_picture_is_on_record():
    made = create(WIFI, typed=SECRET).configuration
    save(made, typed=SECRET | {"password": "battery staple"})
    with transaction():
        configurations.remove(made.id, ADA)
    text = str(database.execute(select(journal.LINES)).all())
    assert "correct horse" not in text and "battery staple" not in text
    [changed] = lines("changed")
    assert (changed.before["fields"], changed.after["fields"]) == (
        {"password": "[secret]"},
        {"password": "[another secret]"},
    )


# attributes that are used


def test_an_attribute_in_use_is_not_removed_and_the_places_are_named(app):
    people(person(1, "Berlin"))
    create(distribution="nobody")
    create(
        APP, "Chat", {"bundle": "a.b", "pairs.key": "office", "pairs.type": "string", "pairs.value": "${custAttr1}"}
    )
    for action in (jobs.start, jobs.run):
        with pytest.raises(DefinitionError, match="'Chat', 'Desk'"), transaction():
            action("remove attribute", [], ADA, "CUSTATTR1")
    result = app.test_cli_runner().invoke(args=["attribute", "remove", "custAttr1", "--yes"])
    assert result.exit_code == 1 and "'Chat', 'Desk'" in result.output
    assert attributes.count_holders("custAttr1") == 1 and jobs.unfinished() == []


def test_a_definition_that_is_used_stays_even_without_values():
    create()
    with pytest.raises(DefinitionError, match="'Desk'"), transaction():
        attributes.undefine("custAttr1", ADA)
    assert "custAttr1" in configurations.available()


def test_an_attribute_that_nothing_uses_any_more_can_be_removed():
    people(person(1, "Berlin"))
    made = create().configuration
    save(made, typed=DESK | {"label": "Office"})
    with transaction():
        assert jobs.run("remove attribute", [], ADA, "custAttr1") == 1


def test_a_job_that_removes_an_attribute_stops_where_a_configuration_has_come_to_use_it(monkeypatch):
    monkeypatch.setattr(jobs, "PORTION", 1)
    people(person(1, "Berlin"), person(2, "Berlin"))
    with transaction():
        job_id = jobs.start("remove attribute", [], ADA, "custAttr1")
    with pytest.raises(ConfigurationError, match="There is no variable custAttr1"):
        create()
    with transaction():  # as if it had been made a moment earlier, by another process
        row = {
            "uuid": "u",
            "name": "Desk",
            "name_key": "desk",
            "type": "webclip",
            "fields": orjson.dumps(DESK).decode(),
        }
        row |= {"missing": "hold", "distribution": "nobody", "version": 1, "created": "", "last_modified": ""}
        database.execute(deliveries.TABLE.insert(), row)
    while jobs.work(job_id):
        pass
    assert "'Desk'" in jobs.find(job_id).error
    assert attributes.count_holders("custAttr1") == 2


def test_it_is_told_where_each_variable_is_used():
    create()
    create(name="Chair", typed=DESK | {"label": "${userUID:-x} ${custAttr1}"}, distribution="nobody")
    names = {name: [c.name for c in found] for name, found in configurations.uses().items()}
    assert names == {"custAttr1": ["Chair", "Desk"], "userUID": ["Chair"]}
    assert [c.name for c in configurations.uses_of("custAttr1")] == ["Chair", "Desk"]
    assert configurations.uses_of("floors") == []


def test_every_variable_has_its_value_for_a_person():
    document = {"userName": "ada@example.com", CUSTOM: {"floors": [1, 2]}}
    values = configurations.values_of(document)
    assert list(values) == configurations.available() == [*variables.SYSTEM, "custAttr1", "floors"]
    assert (values["floors"], values["custAttr1"], values["userUIDDomain"]) == ("1, 2", None, "example.com")


# who would get it, and who has it


EMAILS = ["ada@example.com", "ada", "@x", "x@", "@", "a@b@c", "a@@b", "@@"]
NAMES = ["ada", "ada@example.com", "a b@c.de", "@x", "x@", "a@b@c", "x\u2003y@z", "ｘ＠ｙ", "É@example.com", "@@"]
TEMPLATES = [
    "Office ${custAttr1}",
    "${userUID} ${userUPN}",
    "${userUIDLocalPart} ${userUIDDomain}",
    "${userEmailAddress}",
    "${userEmailAddressLocalPart}",
    "${userEmailAddressDomain} ${custAttr1}",
    "${userFirstName} ${userLastName}",
    "${userDisplayName} ${userLocale} ${department}",
    "${floors}, ${custAttr1:-nowhere}",
    "no variable",
]


def crowd(rng, number=200):
    """Create people who lack this and that, and return (pk, document, is_enabled) of each."""
    documents = []
    for n in range(number):
        document = {"userName": f"{n}{rng.choice(NAMES)}" if rng.random() < 0.7 else f"{rng.choice(NAMES)}{n}"}
        if rng.random() < 0.6:
            emails = [{"type": "work"}, *({"value": rng.choice(EMAILS)} for _ in range(rng.randrange(3)))]
            rng.choice(emails)["primary"] = True
            document["emails"] = emails
        some = {"displayName": "Ada", "locale": "de", CUSTOM: {"custAttr1": "x", "floors": [1, 2]}}
        some |= {ENTERPRISE: {"department": "R"}, "name": {"givenName": "A", "familyName": "L"}}
        some |= {"active": False}
        document |= {
            name: value for name, value in some.items() if rng.random() < (0.2 if name == "active" else 0.7)
        }
        if CUSTOM in document and rng.random() < 0.4:
            document[CUSTOM] = {"custAttr1": rng.choice(["Berlin", "$${x}", "é"])}
        documents.append(document)
    pks = []
    for document in documents:
        try:
            pks += people(document)
        except Exception as error:
            assert "uniqueness" in repr(error) or "taken" in str(error), error
    return [(user.pk, user.document) for user in jobs._users(pks)]


def by_hand(fields, missing, documents):
    """Return (people, ready, {variable: held}) by rendering for one after another."""
    ready, held = 0, {}
    for document in documents:
        custom = variables.custom_values(document, [("custAttr1",), ("floors",)])
        rendering = mobileconfig.rendered(CLIP, fields, variables.system_values(document) | custom, missing)
        ready += rendering.ready
        for name in rendering.held:
            held[name] = held.get(name, 0) + 1
    return len(documents), ready, held


@pytest.mark.parametrize("seed", [1, 2])
def test_readiness_is_what_rendering_for_each_person_says_whichever_way_it_is_found(monkeypatch, seed):
    rng = random.Random(seed)
    everybody = crowd(rng)
    chosen = rng.sample([pk for pk, _document in everybody], 60)
    team = group("Team", *chosen)
    enabled = [(pk, document) for pk, document in everybody if document["active"]]
    distributions = {
        "everyone": [document for _pk, document in enabled],
        "groups": [document for pk, document in enabled if pk in chosen],
    }
    total_held = 0
    for template in TEMPLATES:
        fields = {"label": template, "url": "https://example.com"}
        for missing in ("hold", "empty"):
            for distribution, documents in distributions.items():
                expected = by_hand(fields, missing, documents)
                total_held += expected[0] - expected[1]
                for limit in (5_000, 3):
                    monkeypatch.setattr(configurations, "RENDERED", limit)
                    found = configurations.readiness(
                        CLIP, fields, missing, distribution, [team.id, team.id, "gone"]
                    )
                    assert (found.people, found.ready, found.variables) == expected, (template, missing, limit)
                    assert found.is_exact is (limit == 5_000)
                    assert len(found.sample) == min(found.held, 5) and all(held.why for held in found.sample)
    assert total_held > 500


def test_what_was_shown_before_saving_is_so_afterwards():
    rng = random.Random(3)
    crowd(rng)
    for number, template in enumerate(TEMPLATES):
        fields = {"label": template, "url": "https://example.com"}
        shown = configurations.readiness(CLIP, fields, "hold", "everyone")
        made = create(name=f"c{number}", typed=fields).configuration
        assert configurations.counts(made.id) == (shown.ready, shown.held)
        assert configurations.held_by(made.id) == shown.variables


def test_few_people_are_rendered_so_that_a_value_that_does_not_fit_is_seen_before_saving():
    people(person(1, "Berlin"), person(2, "a b"), person(3, "bell\u0007"))
    found = configurations.readiness(CLIP, {"label": "x", "url": "https://${custAttr1}"}, "hold", "everyone")
    assert (found.ready, found.held, found.variables) == (1, 2, {"custAttr1": 2})
    assert ["U+0007" in held.why["custAttr1"] for held in found.sample] == [False, True]


def test_nobody_is_ready_for_what_goes_to_nobody():
    people(person(1, "Berlin"))
    assert configurations.readiness(CLIP, DESK, "hold", "nobody").people == 0
    assert configurations.readiness(CLIP, DESK, "hold", "groups", []).people == 0


def test_who_is_held_is_listed_in_pages_with_the_reason():
    people(*(person(n) for n in range(7)), person(8, "Berlin"))
    made = create(typed=DESK | {"label": "${custAttr1} ${department}"}).configuration
    assert configurations.held_by(made.id) == {"department": 8, "custAttr1": 7}
    first, after = configurations.held_because(made.id, "custAttr1", count=5)
    second, end = configurations.held_because(made.id, "custAttr1", after, count=5)
    assert [held.display for held in first + second] == [f"user{n}" for n in range(7)] and end is None
    assert first[0].why["custAttr1"] == "custAttr1 has no value: fill it in Okta."
    assert len(configurations.held_because(made.id)[0]) == 8
    assert configurations.held_because(made.id, '"; DROP')[0] == []


def test_a_group_shows_what_goes_to_it_and_how_many_of_its_members_have_it():
    people(person(1, "Berlin"), person(2), person(3), person(4, "Paris", active=False))
    red, blue, empty = group("red", 1, 2, 4), group("blue", 3), group("empty")
    create(name="One", distribution="groups", groups=[red.id, blue.id])
    create(name="All")
    create(name="Empty", distribution="groups", groups=[empty.id])
    shown = [
        [(row.configuration.name, row.ready, row.held) for row in configurations.of_group(g.pk)]
        for g in (red, blue, empty)
    ]
    assert shown == [[("One", 1, 1)], [("One", 0, 1)], [("Empty", 0, 0)]]


# what an editor shows


def test_a_preview_is_of_fields_that_are_not_saved():
    [pk] = people(person(1, "Berlin"))
    document = jobs._users([pk])[0].document
    assert configurations.preview(CLIP, DESK, "hold", document).fields["label"] == "Office Berlin"
    assert "userLocale" in configurations.preview(CLIP, DESK | {"label": "${userLocale}"}, "hold", document).held
    assert configurations.listing() == []


def test_differences_are_told_line_by_line():
    old = {"label": "Office Berlin", "url": "https://example.com", "removable": True}
    new = old | {"label": "Office Paris"}
    assert configurations.differences(CLIP, old, new) == [
        (" ", "IsRemovable = true"),
        ("-", "Label = Office Berlin"),
        ("+", "Label = Office Paris"),
        (" ", "URL = https://example.com"),
    ]
    assert {sign for sign, _line in configurations.differences(CLIP, None, new)} == {"+"}
    assert {sign for sign, _line in configurations.differences(CLIP, new, new)} == {" "}


def test_differences_show_that_a_password_is_another_one_but_not_which():
    fields, _errors = mobileconfig.checked(WIFI, SECRET, [])
    for old, new, signs in (
        (fields, fields, {" "}),
        (fields, fields | {"password": "battery staple"}, {" ", "-", "+"}),
    ):
        found = configurations.differences(WIFI, old, new)
        assert {sign for sign, line in found} == signs
        assert "correct horse" not in str(found) and "battery" not in str(found)
    assert "Password = (secret)" in configurations.lines(WIFI, fields)


def test_a_line_break_stays_in_its_line():
    assert 'Label = "a\\nb"' in configurations.lines(CLIP, {"label": "a\nb", "url": "https://example.com"})


def test_a_configuration_that_is_read_again_is_the_same():
    made = create(WIFI, typed=SECRET).configuration
    assert replace(made, name="x") != made == configurations.find(made.id)
