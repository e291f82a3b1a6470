"""`make screenshots`: pictures of every page, light and dark, wide and narrow, in screenshots/; two for the README.

python -m tests.browser.screenshots            # all of them
python -m tests.browser.screenshots users log  # those whose names begin so; the README's stay as they are
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

import database
from app import create_app
from database import db
from tests.browser import company, pages
from tests.browser.conftest import Desk, launch
from tests.conftest import ROOT, Server, free_port

TARGET, DOCS = ROOT / "screenshots", ROOT / "docs/screenshots"
SIZES = {"wide": (1280, 800), "phone": (390, 844)}
README = {"users": "users", "provisioning": "provisioning"}  # {name of the page: of the picture}


def start(folder: Path, fill, **environment) -> Server:
    """Return a running server on a database that `fill` has filled."""
    app = create_app({"INSTANCE_PATH": folder})
    with app.app_context():
        database.upgrade_database()
        db.engine.dispose()
    made = fill(app)
    server = Server(folder, free_port(), made.token, environment).start()
    server.company = made
    return server


def take(page, name):
    """Take the page as it is: in each size, light and dark."""
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=TARGET / f"{name}-{size}-{scheme}.png", full_page=True, animations="disabled")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(dict(zip(("width", "height"), SIZES["wide"], strict=True)))


def tour(desk, paths, prefix, wanted):
    for name, path in paths.items():
        if wanted(prefix + name):
            desk.open(path)
            take(desk.page, prefix + name)
            print(prefix + name, flush=True)


def scenes(desk, wanted):
    """What is seen only on the way: something was sent, or refused."""
    page = desk.page
    if wanted("scene-disable"):
        desk.open("/users?q=a")
        for box in page.get_by_role("checkbox", name="Tick ").all()[1:4]:
            box.check()
        page.get_by_role("button", name="Disable").click()
        page.get_by_label("Your password").fill("wrong")
        page.get_by_role("button", name="Disable 3 people").click()
        page.get_by_role("alert").wait_for()
        take(page, "scene-disable")
    if wanted("scene-attribute"):
        desk.open(f"{pages.PROVISIONING}/settings")
        page.get_by_label("Attribute Name").fill("costCentre")
        page.get_by_role("button", name="Save Changes").click()
        page.get_by_text("is defined").wait_for()
        take(page, "scene-attribute")
    if wanted("scene-token"):
        desk.open(pages.PROVISIONING)
        page.get_by_label("Name", exact=True).fill("Okta, next")
        page.get_by_label("Your password").fill(company.PASSWORD)
        page.get_by_role("button", name="Generate").click()
        page.get_by_text("It is not shown again").wait_for()
        take(page, "scene-token")
    if wanted("scene-edit"):
        desk.open("/users/new")
        page.get_by_label("User name").fill("reception@example.com")
        page.get_by_role("button", name="Add user").click()
        page.get_by_role("alert").wait_for()
        take(page, "scene-edit")

    if wanted("scene-failing"):
        desk.server.session().post(f"{desk.server.base_url}/Users", json={"userName": "Ada.Lovelace@example.com"})
        desk.open(pages.PROVISIONING)
        expect(page.locator("#health")).to_contain_text("Failing since")
        take(page, "scene-failing")
        desk.open("/")
        take(page, "scene-failing-dashboard")


def for_readme(desk):
    """Take what the README shows: one screen, light, no higher than a window."""
    DOCS.mkdir(parents=True, exist_ok=True)
    for name, picture in README.items():
        desk.open(pages.EVERYWHERE[name])
        desk.page.screenshot(path=DOCS / f"{picture}.png", animations="disabled")


def main(beginnings):
    def wanted(name):
        return not beginnings or name.startswith(tuple(beginnings))

    if not beginnings:
        shutil.rmtree(TARGET, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser, servers = launch(playwright), []
        try:
            servers.append(start(Path(folder, "empty"), company.nobody_yet))
            desk = Desk(servers[0], browser.new_page())
            tour(desk, pages.SIGNED_OUT, "", wanted)
            desk.sign_in(company.ADA, company.PASSWORD)
            tour(desk, pages.EVERYWHERE, "empty-", wanted)
            here = {"ROLLCALL_PUBLIC_URL": "https://rollcall.example.com"}
            servers.append(start(Path(folder, "company"), company.fill, **here))
            desk = Desk(servers[1], browser.new_page())
            desk.sign_in(company.ADA, company.PASSWORD)
            desk.page.set_viewport_size(dict(zip(("width", "height"), SIZES["wide"], strict=True)))
            if not beginnings:
                for_readme(desk)
            tour(desk, pages.filled(servers[1].company.ids), "", wanted)
            scenes(desk, wanted)
        finally:
            browser.close()
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
