"""Custom attributes: who defined and removed them is on record, and a refusal says which field is wrong."""

import orjson
import pytest

import database
from core import attributes, journal
from core.attributes import DefinitionError
from core.journal import Actor
from database import transaction
from protocol.definitions import CUSTOM

ADA = Actor("ada@example.com")


@pytest.fixture
def context(app):
    with app.app_context():
        yield


def lines():
    about = journal.LINES.c.resource_type == "Attribute"
    return database.execute(journal.LINES.select().where(about).order_by(journal.LINES.c.id)).all()


def test_a_definition_and_its_removal_have_their_lines(context):
    with transaction():
        attributes.add("custAttr1", "integer", True, ADA)
        attributes.undefine("CUSTATTR1", ADA)
    assert attributes.listing() == []
    shown = {"type": "integer", "multiValued": True}
    assert [(x.actor, x.action, x.resource_id, x.name) for x in lines()] == [
        ("ada@example.com", "created", "custAttr1", "custAttr1"),
        ("ada@example.com", "removed", "custAttr1", "custAttr1"),
    ]
    assert (lines()[0].before, orjson.loads(lines()[0].after)) == (None, shown)
    assert (orjson.loads(lines()[1].before), lines()[1].after) == (shown, None)


@pytest.mark.parametrize(
    "name, kind, field",
    [("1a", "string", "name"), ("userUPN", "string", "name"), ("TAKEN", "string", "name"), ("x", "text", "type")],
)
def test_a_refusal_names_the_field_and_leaves_no_line(context, name, kind, field):
    with transaction():
        attributes.add("taken", "string", False, ADA)
    with pytest.raises(DefinitionError) as refusal, transaction():
        attributes.add(name, kind, False, ADA)
    assert refusal.value.field == field
    assert ([row.name for row in attributes.listing()], len(lines())) == (["taken"], 1)


def test_what_is_not_there_cannot_be_undefined(context):
    with pytest.raises(DefinitionError, match="no attribute 'nothing'"), transaction():
        attributes.undefine("nothing", ADA)


def test_the_listing_says_how_many_have_a_value_however_many_values(app, define, make_user):
    define("floors", "integer", True)
    define("badge")
    make_user("ada", **{CUSTOM: {"floors": [1, 2, 3], "badge": "x"}})
    make_user("bob", **{CUSTOM: {"floors": [2]}})
    make_user("eve")
    with app.app_context():
        floors, badge = attributes.listing()
        assert (floors.name, floors.type, bool(floors.multi_valued), floors.users) == ("floors", "integer", True, 2)
        assert (badge.name, badge.users) == ("badge", 1)
        assert floors.created <= badge.created <= database.now()
        assert [attributes.count_holders(name) for name in ("floors", "badge")] == [2, 1]


def test_the_listing_counts_no_further_than_it_is_told(app, define, make_user):
    define("floors", "integer", True)
    for number in range(4):
        make_user(f"user{number}", **{CUSTOM: {"floors": [1, 2]}})
    with app.app_context():
        for at_most, users in ((0, 1), (2, 3), (3, 4), (4, 4), (5, 4), (None, 4)):
            assert attributes.listing(at_most)[0].users == users
