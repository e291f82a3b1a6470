"""Where every page of the portal is, on a company's Rollcall: one entry for each look that a page has."""

PROVISIONING = "/admin/identity/user-provisioning"
EVERYWHERE = {  # on an empty Rollcall, too
    "dashboard": "/",
    "users": "/users",
    "user-new": "/users/new",
    "groups": "/users/groups",
    "group-new": "/users/groups/new",
    "configurations": "/configurations",
    "configuration-types": "/configurations/new",
    "configuration-new": "/configurations/new?type=wifi",
    "provisioning": PROVISIONING,
    "guide": f"{PROVISIONING}/guide",
    "settings": f"{PROVISIONING}/settings",
    "attributes": "/admin/system/attributes",
    "log": "/admin/provisioning-log",
    "audit": "/admin/audit",
    "administrators": "/admin/administrators",
    "administrator": "/admin/administrators/1",
    "administrator-new": "/admin/administrators/new",
    "mail": "/admin/mail",
    "mail-invitation": "/admin/mail/invitation",
    "account": "/account",
    "not-found": "/users/nobody",
}
FILLED = {  # {…} is one of Company.ids
    "users-nobody-matches": "/users?q=nobody-is-called-so&status=disabled",
    "users-filtered": "/users?source=scim&status=disabled&sort=changed",
    "users-of-group": "/users?group={small group}",
    "user": "/users/{person}",
    "user-attributes": "/users/{person}/attributes",
    "user-groups": "/users/{person}/groups",
    "user-activity": "/users/{person}/activity",
    "user-managed": "/users/{person}/edit",
    "user-local": "/users/{local}",
    "user-edit": "/users/{local}/edit",
    "user-invitation-link": "/users/{person}/invitation/link",
    "user-invitation-revoke": "/users/{person}/invitation/revoke",
    "group": "/users/groups/{okta group}",
    "group-local": "/users/groups/{local group}",
    "group-add": "/users/groups/{local group}/add",
    "group-add-found": "/users/groups/{local group}/add?q=a",
    "group-edit": "/users/groups/{local group}/edit",
    "group-delete": "/users/groups/{local group}/delete",
    "configuration": "/configurations/{configuration}",
    "configuration-edit": "/configurations/{configuration}/edit",
    "configuration-delete": "/configurations/{configuration}/delete",
    "user-configurations": "/users/{person}/configurations",
    "user-configuration": "/users/{person}/configurations/{configuration}",
    "attribute": "/admin/system/attributes/custAttr1",
    "token-renew": f"{PROVISIONING}/tokens/{{token}}/renew",
    "token-inactive": f"{PROVISIONING}/tokens/{{token}}/inactive",
    "token-active": f"{PROVISIONING}/tokens/{{token}}/active",
    "token-remove": f"{PROVISIONING}/tokens/{{token}}/remove",
    "attribute-remove": f"{PROVISIONING}/settings/attributes/custAttr1/remove",
    "log-refused": "/admin/provisioning-log?outcome=refused",
    "log-entry-refused": "/admin/provisioning-log/{failed}",
    "log-entry-ignored": "/admin/provisioning-log/{ignored}",
    "administrator-other": "/admin/administrators/{other account}",
    "administrator-role": "/admin/administrators/{other account}/role",
    "administrator-password": "/admin/administrators/{other account}/password",
    "administrator-disable": "/admin/administrators/{other account}/disable",
    "administrator-delete": "/admin/administrators/{other account}/delete",
    "job": "/admin/jobs/{job}",
}
SIGNED_OUT = {
    "sign-in": "/sign-in",
    "set-up": "/set-up/used-up-long-ago",
    "forgotten": "/forgotten",
    "device-sign-in": "/device/sign-in",
    "device-forgotten": "/device/forgotten",
    "invitation-new": "/invitation/new",
    "invitation-unknown": "/invitation/nobody-was-sent-this",
    "password-unknown": "/password/nobody-was-sent-this",
}
# they only lead elsewhere
NO_PAGES = set("admin ask_whom ask_whom_to_invite attribute_form configuration_form group_form".split())
NO_PAGES |= set("invitation_mail_form password_form person_sign_out_form provisioning_form".split())
NO_PAGES |= set("send_again_form sign_out_form".split())
NO_PAGES |= set("download_configuration export_audit export_users".split())  # files
NO_PAGES |= {"device", "install_configuration"}  # of people, who have no account here


def filled(ids: dict) -> dict:
    """Return {name: path} of every page that somebody who has signed in can see."""
    return {name: path.format_map(ids) for name, path in (EVERYWHERE | FILLED).items()}
