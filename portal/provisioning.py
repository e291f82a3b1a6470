"""Admin > Identity > User Provisioning: how Okta reaches Rollcall, its tokens, its health, its settings."""

import ipaddress
import re
from datetime import timedelta
from urllib.parse import urlsplit

from flask import abort, current_app, flash, redirect, render_template, request, url_for

import database
from core import attributes, configurations, health, invitations, jobs, lists, settings, tokens, tunnel
from core.attributes import DefinitionError
from core.settings import SettingError
from core.tokens import TokenError
from core.tunnel import TunnelError
from database import transaction
from portal import access, bp
from portal.access import needs
from portal.frame import done, may
from protocol import definitions

PAGE = "/admin/identity/user-provisioning"
EXPIRIES = [("90", "90 days"), ("180", "180 days"), ("365", "1 year"), ("never", "Never")]
USUAL_EXPIRY = "180"
WARN_DAYS, URGENT_DAYS = 30, 7
DAYS = re.compile(r"\d{1,4}", re.ASCII)
# settings that are a number of days, and what is said once one is saved
DAYS_SETTINGS = {
    "invitation_days": "The link of an invitation is valid",
    "log_days": "The provisioning log is kept",
}
COUNTED = 10_000  # users of whom is looked up whether they have an address, each time the settings are shown
# what is done to a token, and what is said of it afterwards
TOKEN_CHANGES = {
    "inactive": (tokens.set_inactive, "is inactive: Okta is refused with it from now on."),
    "active": (tokens.set_active, "is active: Okta is let in with it again."),
    "remove": (tokens.revoke, "is removed."),
}
# what Okta's Profile Editor calls our types; it knows no dates, and no lists of booleans
OKTA_TYPES = dict.fromkeys(attributes.TYPES, "string") | {
    "boolean": "boolean",
    "integer": "integer",
    "decimal": "number",
}
OKTA_LISTS = OKTA_TYPES | {"boolean": "string"}


@bp.get("/admin")
@needs("readonly")
def admin():
    return redirect(url_for("portal.provisioning"))


@bp.get(PAGE)
@needs("readonly")
def provisioning():
    return _page()


@bp.get(f"{PAGE}/tokens")
@bp.get(f"{PAGE}/tunnel")
@bp.get(f"{PAGE}/address")
@bp.get(f"{PAGE}/address/stop")
@needs("readonly")
def provisioning_form():
    """Lead back from the address that a browser shows once one of the page's forms was refused."""
    return done(url_for("portal.provisioning"))


def _page(status=200, errors=None, secret=None, found=None):
    """Return the page; `secret` is a token that was made just now, which nothing but this answer ever holds."""
    rows = tokens.listing()
    sent = {} if secret else request.form
    page = render_template(
        "provisioning/page.html",
        **_address(),
        health=health.provisioning_health(),
        today=database.now()[:10],
        tokens=rows,
        ends=_ends(rows),
        state_word=tokens.state_word,
        is_live=tokens.is_live,
        newest=_newest_token(),
        expiries=EXPIRIES,
        typed={
            "name": sent.get("name", "" if rows else "Okta"),
            "expires": sent.get("expires", USUAL_EXPIRY),
        },
        errors=errors or {},
        secret=secret,
        found=found,
    )
    # htmx keeps the address of the form: with the page's own, a reload asks for the page and makes no other token
    return page, status, {"HX-Replace-Url": url_for("portal.provisioning")} if secret else {}


def _address() -> dict:
    """Return the base URL, who says that it is so, and what keeps Okta from calling it."""
    base = access.address()
    set_by = "environment" if current_app.config["PUBLIC_URL"] else "tunnel" if settings.public_url() else "request"
    return {
        "base_url": access.base_url(),
        "set_by": set_by,
        "obstacle": _obstacle(base),
        "port": _port(),
        "forwarded": "X-Forwarded-For" in request.headers and not current_app.config["TRUSTED_PROXIES"],
    }


def _obstacle(address) -> str | None:
    """Return what keeps Okta from calling an address: private, insecure or underscore."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        is_private = not ipaddress.ip_address(host).is_global
    except ValueError:
        is_private = "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".test"))
    if is_private:
        return "private"
    if parts.scheme != "https":
        return "insecure"
    return "underscore" if "_" in address else None


def _port() -> int:
    """Return the port of our socket, whatever address the browser called."""
    return int(request.environ["SERVER_PORT"])


def _ends(rows) -> list:
    """Return (token, whether it is urgent, its successor or None) of those that Okta may be refused with soon.

    One that was renewed is among them until Okta uses its successor, and never urgent: it ends on purpose.
    """
    soon = {token.id for token in tokens.expiring(URGENT_DAYS)}
    live = [token for token in rows if tokens.is_live(token)]
    ends = []
    for token in tokens.expiring(WARN_DAYS):
        newer = max((other for other in live if other.id > token.id), key=lambda other: other.id, default=None)
        if newer is None or (newer.last_used or "") <= (token.last_used or ""):
            ends.append((token, token.id in soon and newer is None, newer))
    return ends


def _newest_token() -> int:
    """Return the id of the newest token there ever was, or 0."""
    return max((token.id for token in tokens.listing(all=True)), default=0)


@bp.post(f"{PAGE}/tokens")
@needs("administrator")
def generate_token():
    errors = access.password_errors() or _wrong_expiry()
    if not errors:
        try:
            with transaction():
                _refuse_repetition()
                secret = tokens.create(request.form.get("name", ""), access.actor(), _expires_days())
            return _page(secret=secret)
        except TokenError as error:
            errors = {error.field or "token": str(error)}
    return _page(422, errors)


def _wrong_expiry():
    known = [value for value, _ in EXPIRIES]
    return {} if request.form.get("expires") in known else {"expires": "Choose when the token expires."}


def _expires_days():
    expires = request.form["expires"]
    return None if expires == "never" else int(expires)


def _refuse_repetition():
    """Raise TokenError if a token was made since the form was opened: a browser that reloads sends it again."""
    known = request.form.get("newest", type=int)
    if known is not None and known != _newest_token():
        raise TokenError(
            "A token was made since this form was opened, so that none was made now: look at the table, "
            "and send the form again if you need another."
        )


def _token(token_id):
    """Return a token that was not removed; answer 404 for others."""
    token = tokens.find(token_id)
    if token is None or token.revoked:
        abort(404, "This token is not there. It may have been removed.")
    return token


@bp.get(f"{PAGE}/tokens/<int:token_id>/renew")
@needs("administrator")
def renew_token(token_id):
    return _renew_page(_token(token_id))


@bp.post(f"{PAGE}/tokens/<int:token_id>/renew")
@needs("administrator")
def send_renew_token(token_id):
    token = _token(token_id)
    errors = access.password_errors() or _wrong_expiry()
    if not errors:
        try:
            with transaction():
                _refuse_repetition()
                secret = tokens.renew(token.id, _overlap(), access.actor(), _expires_days())
            return _page(secret=secret)
        except TokenError as error:
            errors = {error.field or "token": str(error)}
    return _renew_page(token, errors)


def _overlap():
    hours = request.form.get("overlap", "").strip()
    if not hours.isdecimal() or len(hours) > 2:
        raise TokenError("The overlap must be a whole number of hours, 0 to 24.", "overlap")
    return timedelta(hours=int(hours))


def _renew_page(token, errors=None):
    page = render_template(
        "provisioning/renew.html",
        token=token,
        newest=_newest_token(),
        expiries=EXPIRIES,
        typed={"overlap": request.form.get("overlap", "1"), "expires": request.form.get("expires", USUAL_EXPIRY)},
        errors=errors or {},
    )
    return page, 422 if errors else 200


@bp.get(f"{PAGE}/tokens/<int:token_id>/<any(inactive, active, remove):change>")
@needs("administrator")
def change_token(token_id, change):
    return _token_page(_token(token_id), change)


@bp.post(f"{PAGE}/tokens/<int:token_id>/<any(inactive, active, remove):change>")
@needs("administrator")
def send_change_token(token_id, change):
    token = _token(token_id)
    make, words = TOKEN_CHANGES[change]
    errors = access.password_errors()
    if not errors:
        try:
            with transaction():
                make(token.id, access.actor())
            flash(f"The token {token.name!r} {words}")
            return done(url_for("portal.provisioning"))
        except TokenError as error:
            errors = {"token": str(error)}
    return _token_page(token, change, errors), 422


def _token_page(token, change, errors=None):
    others = [other for other in tokens.listing() if tokens.is_live(other) and other.id != token.id]
    return render_template(
        "provisioning/token.html",
        token=token,
        change=change,
        live=tokens.is_live(token),
        others=others,
        errors=errors or {},
    )


@bp.post(f"{PAGE}/tunnel")
@needs("administrator")
def find_tunnel():
    """Ask the ngrok agent of this machine; whom to ask is set in the environment, never by a request."""
    try:
        return _page(found=tunnel.find(current_app.config["NGROK_API"], _port()))
    except TunnelError as error:
        return _page(422, {"tunnel": str(error)})


@bp.post(f"{PAGE}/address")
@needs("administrator")
def use_address():
    address = request.form.get("url", "")
    if not address:
        return _page(422, {"tunnel": "No address was sent: press Find my tunnel, then Use this address."})
    return _set_address(address, f"{address.rstrip('/')} is in use: paste the new base URL in Okta.")


@bp.post(f"{PAGE}/address/stop")
@needs("administrator")
def stop_using_address():
    return _set_address("", "The tunnel's address is not used any more.")


def _set_address(address, words):
    if current_app.config["PUBLIC_URL"]:
        sentence = "ROLLCALL_PUBLIC_URL is set and goes before this: unset it and restart Rollcall first."
        return _page(422, {"tunnel": sentence})
    try:
        with transaction():
            settings.change("public_url", address, access.actor())
    except SettingError as error:
        return _page(422, {"tunnel": str(error)})
    flash(words)
    return done(url_for("portal.provisioning"))


@bp.get(f"{PAGE}/guide")
@needs("readonly")
def guide():
    return render_template(
        "provisioning/guide.html",
        **_address(),
        health=health.provisioning_health(),
        live=[token for token in tokens.listing() if tokens.is_live(token)],
        attributes=attributes.listing(attributes.MOST_COUNTED),
        namespace=definitions.CUSTOM,
        okta_type=okta_type,
    )


def okta_type(attribute) -> str:
    """Return what to choose as *Data type* in Okta's Profile Editor."""
    if attribute.multi_valued:
        return f"{OKTA_LISTS[attribute.type]} array"
    return OKTA_TYPES[attribute.type]


@bp.get(f"{PAGE}/settings")
@needs("readonly")
def provisioning_settings():
    return _settings_page()


def _settings_page(errors=None):
    was_sent = request.method == "POST"
    invites = settings.get("invite_automatically")
    page = render_template(
        "provisioning/settings.html",
        invites=invites,
        days={name: settings.get(name) for name in DAYS_SETTINGS},
        uninvited=_count_uninvited() if invites and may("helpdesk") else 0,
        attributes=attributes.listing(attributes.MOST_COUNTED),
        most_counted=attributes.MOST_COUNTED,
        removals={job.subject: job.id for job in jobs.unfinished() if job.kind == jobs.REMOVE_ATTRIBUTE},
        added=request.args.get("added"),
        namespace=definitions.CUSTOM,
        okta_type=okta_type,
        types=[(kind, kind) for kind in attributes.TYPES],
        typed={
            "invite_automatically": "invite_automatically" in request.form if was_sent else invites,
            **{name: request.form.get(name, settings.get(name)) for name in DAYS_SETTINGS},
            "name": request.form.get("name", ""),
            "type": request.form.get("type", "string"),
            "multi_valued": "multi_valued" in request.form,
        },
        errors=errors or {},
    )
    return page, 422 if errors else 200


@bp.post(f"{PAGE}/settings")
@needs("administrator")
def save_settings():
    """Save the switch, the numbers of days, and the custom attribute that was typed; all or nothing."""
    name = request.form.get("name", "").strip()
    saved = []
    try:
        with transaction():
            if _switched():
                invites = "invite_automatically" in request.form
                settings.change("invite_automatically", invites, access.actor())
                saved.append(f"Users imported from Okta are {'' if invites else 'not '}invited automatically.")
            for name_of_days, words in DAYS_SETTINGS.items():
                if (days := _new_days(name_of_days)) is not None:
                    settings.change(name_of_days, days, access.actor())
                    saved.append(f"{words} for {days} {'day' if days == 1 else 'days'}.")
            if name or request.form.get("do") == "add":
                kind, many = request.form.get("type", "string"), "multi_valued" in request.form
                attributes.add(name, kind, many, access.actor())
                saved.append(f"The custom attribute {name} is defined: paste it in Okta's Profile Editor.")
    except (DefinitionError, SettingError) as error:
        return _settings_page({error.field: str(error)})
    flash("Saved. " + " ".join(saved) if saved else "Nothing was changed: all is as it was.")
    return done(url_for("portal.provisioning_settings", added=name or None))


def _switched():
    """Return whether the form turned the switch: an old form must not turn back what somebody else did since."""
    shown = request.form.get("invited_before")
    return shown is not None and ("invite_automatically" in request.form) != (shown == "1")


def _new_days(name):
    """Return a setting that is a number of days if the form changed it, as a number where it is one."""
    typed, before = request.form.get(name, "").strip(), request.form.get(f"{name}_before")
    if before is None or typed == before:
        return None
    return int(typed) if DAYS.fullmatch(typed) else typed


def _count_uninvited() -> int:
    """Return how many can be invited who never were; of very many, those without an address are counted, too."""
    number = sum(
        n for (_, enabled, invite), n in lists.user_totals().items() if enabled and invite == "not invited"
    )
    return invitations.count_uninvited()[0] if number <= COUNTED else number


@bp.get(f"{PAGE}/settings/attributes/<name>/remove")
@needs("administrator")
def remove_attribute(name):
    return _remove_attribute_page(_attribute(name))


@bp.post(f"{PAGE}/settings/attributes/<name>/remove")
@needs("administrator")
def send_remove_attribute(name):
    """Remove a definition and its values: of few users at once, of many as a job."""
    attribute = _attribute(name)
    errors = access.password_errors()
    if request.form.get("confirmation", "").strip() != attribute.name:
        errors["confirmation"] = f"This is not the attribute's name: type {attribute.name}."
    if errors:
        return _remove_attribute_page(attribute, errors), 422
    try:
        with transaction():
            attribute, job_id = _attribute(name), None
            if attributes.count_holders(attribute.name) > jobs.PORTION:
                job_id = jobs.start(jobs.REMOVE_ATTRIBUTE, [], access.actor(), attribute.name)
            else:
                users = jobs.run(jobs.REMOVE_ATTRIBUTE, [], access.actor(), attribute.name)
    except DefinitionError:  # a configuration uses it: the page says which
        return _remove_attribute_page(_attribute(name)), 409
    if job_id:
        return done(url_for("portal.job", job_id=job_id))
    lost = "Nobody had a value." if not users else f"{users} {'user' if users == 1 else 'users'} lost a value."
    flash(f"The custom attribute {attribute.name} is removed. {lost}")
    return done(url_for("portal.provisioning_settings"))


def _attribute(name):
    try:
        return attributes.find(name)
    except DefinitionError:
        abort(404, "There is no custom attribute of this name. It may have been removed.")


def _remove_attribute_page(attribute, errors=None):
    return render_template(
        "provisioning/remove_attribute.html",
        attribute=attribute,
        users=attributes.count_holders(attribute.name),
        used_by=configurations.uses_of(attribute.name),
        confirmation=request.form.get("confirmation", ""),
        errors=errors or {},
    )
