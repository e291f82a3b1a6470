"""`shared`: one server for the tests that leave it running; each uses names of its own."""

import shutil

import pytest

from tests.durability.helpers import new_server


@pytest.fixture(scope="session")
def shared(empty_instance, tmp_path_factory):
    server = new_server(shutil.copytree(empty_instance, tmp_path_factory.mktemp("shared") / "instance"))
    yield server.start()
    server.end()
