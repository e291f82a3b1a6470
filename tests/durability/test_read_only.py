"""The disk can only be read: at the start, and from one moment to the next."""

import os
import shutil

import pytest

from tests.conftest import SCIM_JSON, free_port, wait_for
from tests.databases import unsound
from tests.durability.disks import can_mount, run, start_in_vain
from tests.durability.helpers import copy_database, create_users, new_server, patch_body, read_all

pytestmark = pytest.mark.usefixtures("sqlite")

SIZE = 32 * 2**20


class Image:
    """A file system in a file (ext4), which the kernel makes read-only as it does when a disk fails."""

    def __init__(self, folder):
        self.image, self.folder = folder / "image", folder / "mounted"
        self.folder.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(SIZE)
        assert run("mkfs.ext4", "-q", str(self.image))

    def mount(self, options="loop"):
        return run("mount", "-o", options, str(self.image), str(self.folder))

    def fail(self):
        """Do what the kernel does after an error of the disk, while files are open."""
        assert run("mount", "-o", "remount,abort", str(self.folder))

    def unmount(self):
        return run("umount", str(self.folder))

    def beginning(self, command):
        return command


@pytest.fixture
def image(tmp_path):
    if not (can_mount(tmp_path / "probe") and shutil.which("mkfs.ext4")):
        pytest.skip("no file system may be mounted here, or there is no mkfs.ext4")
    image = Image(tmp_path)
    if not image.mount():
        pytest.skip("there is no loop device here")
    yield image
    run("umount", "--lazy", str(image.folder))


class Unprivileged:
    """Runs a command as somebody whom permissions hold back; root is, without its capabilities."""

    def beginning(self, command):
        return command if os.geteuid() else ["setpriv", "--inh-caps=-all", "--bounding-set=-all", *command]


def names(server):
    return sorted(user["userName"] for user in read_all(server.session(), server.base_url, "Users"))


def test_a_disk_that_turns_read_only_refuses_writes_and_is_read_on(image, empty_instance, tmp_path):
    server = new_server(shutil.copytree(empty_instance, image.folder / "instance")).start()
    session = server.session()
    try:
        [identifier] = create_users(session, server.base_url, ["before"])
        url = f"{server.base_url}/Users"
        image.fail()
        answers = [
            session.post(url, json={"userName": "after"}),
            session.patch(f"{url}/{identifier}", json=patch_body({"op": "replace", "path": "title", "value": "x"})),
            session.delete(f"{url}/{identifier}"),
        ]
        assert [answer.status_code for answer in answers] == [507] * 3
        assert {answer.headers["Content-Type"] for answer in answers} == {SCIM_JSON}
        assert all("Nothing was changed" in answer.json()["detail"] for answer in answers)
        assert names(server) == ["before"]
        assert server.process.poll() is None
    finally:
        server.kill()
    assert wait_for(image.unmount, 5) and image.mount()  # the kernel ends its processes one by one
    assert unsound(copy_database(server.instance, tmp_path / "copy")) == []
    server.start()
    try:
        assert server.session().post(url, json={"userName": "after"}).status_code == 201
        assert names(server) == ["after", "before"]
    finally:
        server.stop()


def test_a_start_on_a_disk_that_is_read_only_is_refused_with_a_sentence(image, empty_instance):
    server = new_server(shutil.copytree(empty_instance, image.folder / "instance"))
    assert image.unmount() and image.mount("loop,ro")
    code, said = start_in_vain(image, server.instance, server.port)
    assert code == 1
    assert "Rollcall does not start" in said and "Read-only file system" in said and "Traceback" not in said


def test_a_start_in_a_folder_that_may_not_be_written_to_is_refused_with_a_sentence(tmp_path):
    folder = tmp_path / "instance"
    folder.mkdir(mode=0o500)
    code, said = start_in_vain(Unprivileged(), folder, free_port())
    assert code == 1
    assert "Rollcall does not start" in said and "cannot be used" in said and "Traceback" not in said
    assert list(folder.iterdir()) == []


def test_a_start_with_a_database_that_may_not_be_written_to_is_refused_with_a_sentence(tmp_path, empty_instance):
    folder = shutil.copytree(empty_instance, tmp_path / "instance")
    (folder / "rollcall.db").chmod(0o400)
    before = (folder / "rollcall.db").read_bytes()
    code, said = start_in_vain(Unprivileged(), folder, free_port())
    assert code == 1
    assert "Rollcall does not start" in said and "cannot be opened" in said and "Traceback" not in said
    assert (folder / "rollcall.db").read_bytes() == before
