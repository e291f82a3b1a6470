"""Sessions that end by themselves."""

from datetime import timedelta

import database
from core import sessions
from database import transaction


def test_a_session_that_has_ended_stays_so_though_the_clock_is_set_back(app, monkeypatch):
    real = database.datetime

    def later(hours):
        moved = classmethod(lambda cls, tz: real.now(tz) + timedelta(hours=hours))
        monkeypatch.setattr(database, "datetime", type("later", (real,), {"now": moved}))

    with app.app_context():
        with transaction():
            secret = sessions.begin()
        later(13)
        assert sessions.find(secret) is None
        with transaction():
            sessions.prune()  # as housekeeping does
        later(0)
        assert sessions.find(secret) is None
