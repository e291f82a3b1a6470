"""Every table, and the totals that are kept beside them. No SCIM, no HTTP."""

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Prepared, db
from engines import insert_or_change

BLOCK_BITS = 12


def some(name, *columns, condition) -> Index:
    """Return an index of only those rows that satisfy a condition."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


class User(db.Model):
    """A person: the SCIM document, and what is looked up or sorted by."""

    __tablename__ = "users"
    pk: Mapped[int] = mapped_column(primary_key=True)  # creation order
    id: Mapped[str] = mapped_column(unique=True)
    user_name_key: Mapped[str] = mapped_column(unique=True)  # schema.user_name_key(userName)
    display: Mapped[str]  # what groups show for the person: displayName, or else userName
    display_key: Mapped[str] = mapped_column(index=True)  # schema.fold(display)
    active: Mapped[bool | None] = mapped_column(index=True)  # only true is enabled
    source: Mapped[str]  # "scim" or "local"
    invite: Mapped[str] = mapped_column(server_default="not invited")  # or pending, completed, expired
    document: Mapped[str] = mapped_column(Text)  # JSON, without id, meta, groups and password
    version: Mapped[int]
    created: Mapped[str] = mapped_column(index=True)  # as now() writes it
    last_modified: Mapped[str] = mapped_column(index=True)
    __table_args__ = (
        # lists of the few who are disabled or local are read in the order that is asked for
        *(
            some(f"ix_users_{name}_{column}", column, condition=condition)
            for name, condition in (("disabled", "active IS NOT TRUE"), ("local", "source = 'local'"))
            for column in ("display_key", "user_name_key", "last_modified")
        ),
        # of those who were ever invited, each state is read in the order that is asked for
        *(
            some(f"ix_users_invited_{column}", "invite", column, condition="invite <> 'not invited'")
            for column in ("display_key", "user_name_key", "last_modified")
        ),
        {"sqlite_autoincrement": True},  # a deleted user's pk is never given again
    )


class UserCount(db.Model):
    """How many users there are in one state, so that nobody counts a million of them."""

    __tablename__ = "user_counts"
    source: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool] = mapped_column(primary_key=True)
    invite: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    __table_args__ = {"sqlite_with_rowid": False}


class UserValue(db.Model):
    """One filterable value of a user's document, as schema.index_rows writes it."""

    __tablename__ = "user_values"
    attribute: Mapped[str] = mapped_column(primary_key=True)
    value_key: Mapped[str] = mapped_column(primary_key=True)
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    element: Mapped[int] = mapped_column(primary_key=True)
    __table_args__ = (
        Index("ix_user_values_user", "user_pk", "attribute", "element"),
        {"sqlite_with_rowid": False},
    )


class UserWord(db.Model):
    """A word that a user is searched by, as words.rows writes it: one row of each initial has it, and the name."""

    __tablename__ = "user_words"
    word: Mapped[str] = mapped_column(primary_key=True)
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    initial: Mapped[str | None]
    name: Mapped[str | None]  # the beginning of the user's display_key
    __table_args__ = (
        Index("ix_user_words_user", "user_pk", "word"),
        some("ix_user_words_initial", "initial", "name", "user_pk", condition="initial IS NOT NULL"),
        {"sqlite_with_rowid": False},
    )


class Group(db.Model):
    __tablename__ = "groups"
    __table_args__ = (
        some("ix_groups_local", "source", condition="source = 'local'"),  # counted on the dashboard
        {"sqlite_autoincrement": True},
    )
    pk: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    display_name_key: Mapped[str] = mapped_column(unique=True)  # schema.fold(displayName)
    external_id: Mapped[str | None] = mapped_column(index=True)
    source: Mapped[str]
    member_count: Mapped[int] = mapped_column(server_default="0")
    disabled_count: Mapped[int] = mapped_column(server_default="0")  # of the members
    document: Mapped[str] = mapped_column(Text)  # JSON, without id, meta and members
    version: Mapped[int]
    created: Mapped[str]
    last_modified: Mapped[str] = mapped_column(index=True)


class GroupMember(db.Model):
    __tablename__ = "group_members"
    group_pk: Mapped[int] = mapped_column(ForeignKey("groups.pk", ondelete="CASCADE"), primary_key=True)
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    __table_args__ = (
        Index("ix_group_members_user", "user_pk", "group_pk"),
        {"sqlite_with_rowid": False},
    )


class Block(db.Model):
    """How many rows of a table have a pk from block << BLOCK_BITS on: totals and deep pages without counting."""

    __tablename__ = "blocks"
    table: Mapped[str] = mapped_column(primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    __table_args__ = {"sqlite_with_rowid": False}


class Token(db.Model):
    """A bearer token: only its digest, never the token."""

    __tablename__ = "tokens"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)  # SHA-256, hexadecimal
    last_four: Mapped[str]
    created: Mapped[str]
    expires: Mapped[str | None]
    inactive: Mapped[str | None]  # since when; it can be set active again
    revoked: Mapped[str | None]  # since when; for good
    last_used: Mapped[str | None]
    last_address: Mapped[str | None]


class CustomAttribute(db.Model):
    __tablename__ = "custom_attributes"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)  # lower case
    type: Mapped[str]
    multi_valued: Mapped[bool]
    created: Mapped[str]


class LogEntry(db.Model):
    """One SCIM request in the provisioning log, secrets redacted and sizes capped."""

    __tablename__ = "provisioning_log"
    __table_args__ = (
        Index("ix_provisioning_log_time", "time", "status", "method"),  # activity by day is read from it alone
        some("ix_provisioning_log_failures", "id", condition="status >= 400"),
        some("ix_provisioning_log_ignored", "id", condition="ignored IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[str]
    token_id: Mapped[int | None]
    address: Mapped[str | None]
    method: Mapped[str]
    path: Mapped[str]
    resource_type: Mapped[str | None]
    resource_id: Mapped[str | None] = mapped_column(index=True)
    subject: Mapped[str | None]  # whom a refused or deleting request was about: a userName or displayName
    status: Mapped[int]
    scim_type: Mapped[str | None]
    error: Mapped[str | None]
    milliseconds: Mapped[float]
    ignored: Mapped[str | None] = mapped_column(Text)  # JSON list of attribute paths
    request: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)


class AuditLine(db.Model):
    """One change of a user, a group or a setting: append-only."""

    __tablename__ = "audit"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[str] = mapped_column(index=True)
    actor: Mapped[str]  # "SCIM Okta (Production)", or an administrator
    token_id: Mapped[int | None]
    action: Mapped[str]  # created, changed, deleted, taken over, invited, signed in …
    resource_type: Mapped[str]
    resource_id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    before: Mapped[str | None] = mapped_column(Text)  # JSON: only what changed
    after: Mapped[str | None] = mapped_column(Text)


class Administrator(db.Model):
    """An account of the portal. Nothing that arrives over SCIM reaches it."""

    __tablename__ = "administrators"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)  # schema.fold(email)
    role: Mapped[str]  # administrator, helpdesk or readonly
    password_hash: Mapped[str]  # argon2id
    disabled: Mapped[str | None]  # since when
    created: Mapped[str]
    last_sign_in: Mapped[str | None]


class BrowserSession(db.Model):
    """What the server remembers of a browser: only the cookie's digest, never the cookie."""

    __tablename__ = "sessions"
    digest: Mapped[str] = mapped_column(primary_key=True)  # SHA-256, hexadecimal
    administrator_id: Mapped[int | None] = mapped_column(
        ForeignKey("administrators.id", ondelete="CASCADE"), index=True
    )
    data: Mapped[str] = mapped_column(Text)  # JSON
    created: Mapped[str]
    last_seen: Mapped[str] = mapped_column(index=True)
    user_pk: Mapped[int | None] = mapped_column(
        ForeignKey("users.pk", name="fk_sessions_user_pk", ondelete="CASCADE"), index=True
    )


class FailedSignIn(db.Model):
    """What is throttled: a password that was tried, a link that was asked for, a mail that was sent."""

    __tablename__ = "failed_sign_ins"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]  # what kind of thing, and whose: an e-mail address or a network address
    time: Mapped[str]
    __table_args__ = (Index("ix_failed_sign_ins_key", "key", "time"),)


class Person(db.Model):
    """The sign-in of a user who has registered. No administrator has one, and nothing over SCIM makes one."""

    __tablename__ = "people"
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str]  # argon2id
    registered: Mapped[str]


class Link(db.Model):
    """A link that was mailed: only the digest of its secret, never the secret."""

    __tablename__ = "links"
    digest: Mapped[str] = mapped_column(primary_key=True)  # SHA-256, hexadecimal
    purpose: Mapped[str]  # invitation or password
    user_pk: Mapped[int | None] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), index=True)
    administrator_id: Mapped[int | None] = mapped_column(
        ForeignKey("administrators.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str]  # the address that it goes to
    invited_by: Mapped[str]  # as the person reads it
    created: Mapped[str]
    expires: Mapped[str] = mapped_column(index=True)
    used: Mapped[str | None]  # since when; then it is dead, as one that is revoked
    revoked: Mapped[str | None]


class Mail(db.Model):
    """One mail of the outbox, written in the transaction that it tells of."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str]  # invitation, registered, password or test
    user_pk: Mapped[int | None] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), index=True)
    administrator_id: Mapped[int | None] = mapped_column(
        ForeignKey("administrators.id", ondelete="CASCADE"), index=True
    )
    recipient: Mapped[str]  # the one address that it goes to
    secret: Mapped[str | None]  # of its link, sealed: see core/outbox.py. Only until it is delivered
    link_digest: Mapped[str | None] = mapped_column(index=True)
    content: Mapped[str | None] = mapped_column(Text)  # JSON: subject and text of a test
    message_id: Mapped[str] = mapped_column(unique=True)  # the same at each try
    state: Mapped[str]  # waiting, sending, sent, failed or cancelled
    tries: Mapped[int] = mapped_column(server_default="0")
    next_try: Mapped[str]  # when it is due; of one that is done with, since when
    claimed_until: Mapped[str | None]  # a worker that is silent for longer has died
    claim: Mapped[str | None]  # which worker sends it
    last_error: Mapped[str | None]
    created: Mapped[str]
    sent: Mapped[str | None]
    __table_args__ = (Index("ix_outbox_due", "state", "next_try"), {"sqlite_autoincrement": True})


class Configuration(db.Model):
    """What a device gets: the fields of a type of core/mobileconfig.py, and to whom it goes."""

    __tablename__ = "configurations"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(unique=True)  # what the identifiers of its profiles are made from
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)  # schema.fold(name)
    type: Mapped[str]
    fields: Mapped[str] = mapped_column(Text)  # JSON, as mobileconfig.checked returns it
    missing: Mapped[str]  # what a variable without a value does: hold or empty
    distribution: Mapped[str]  # nobody, everyone or groups
    version: Mapped[int]
    created: Mapped[str]
    last_modified: Mapped[str]


class ConfigurationGroup(db.Model):
    __tablename__ = "configuration_groups"
    configuration_id: Mapped[int] = mapped_column(
        ForeignKey("configurations.id", ondelete="CASCADE"), primary_key=True
    )
    group_pk: Mapped[int] = mapped_column(ForeignKey("groups.pk", ondelete="CASCADE"), primary_key=True)
    __table_args__ = (
        Index("ix_configuration_groups_group", "group_pk", "configuration_id"),
        {"sqlite_with_rowid": False},
    )


class Delivery(db.Model):
    """What a person has of a configuration, or had: a device never sees a revision that is lower than before."""

    __tablename__ = "deliveries"
    configuration_id: Mapped[int] = mapped_column(
        ForeignKey("configurations.id", ondelete="CASCADE"), primary_key=True
    )
    user_pk: Mapped[int] = mapped_column(ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str]  # ready, held, or withdrawn from who is disabled or no longer in the distribution
    missing: Mapped[str | None] = mapped_column(Text)  # JSON: {variable: why it is held}
    fingerprint: Mapped[str | None]  # of the last content that was ready
    revision: Mapped[int]  # of that content; 0 if there was none
    changed: Mapped[str]
    __table_args__ = (
        Index("ix_deliveries_user", "user_pk", "configuration_id"),
        Index("ix_deliveries_state", "configuration_id", "state", "user_pk"),
        {"sqlite_with_rowid": False},
    )


class Setting(db.Model):
    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(Text)  # JSON


class Job(db.Model):
    """Work on many users, done in portions; where it stands survives a restart."""

    __tablename__ = "jobs"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]  # disable, enable, delete, invite, remove attribute, deliver
    subject: Mapped[str | None]  # the attribute's name, or the ids of the configurations
    pks: Mapped[str] = mapped_column(Text)  # JSON list: the users who were confirmed
    actor: Mapped[str]
    total: Mapped[int]
    done: Mapped[int] = mapped_column(server_default="0")  # of pks
    changed: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
    created: Mapped[str]
    finished: Mapped[str | None] = mapped_column(index=True)


COUNT_IN_BLOCK = Prepared(
    insert_or_change(Block, ("table", "block"), lambda new: {"count": Block.count + new.count}),
    ("table", "block", "count"),
)


def count_in_block(table, pk, by):
    """Keep the totals by block of 2**BLOCK_BITS pks: `by` is 1 for a new resource and -1 for a deleted one."""
    COUNT_IN_BLOCK.run(table=table.name, block=pk >> BLOCK_BITS, count=by)


COUNT_USER = Prepared(
    text(
        "INSERT INTO user_counts (source, enabled, invite, count)"
        " SELECT :source, :enabled, invite, :by FROM users WHERE pk = :pk"
        " ON CONFLICT (source, enabled, invite) DO UPDATE SET count = user_counts.count + excluded.count"
    )
)


def count_user(pk, source, enabled, by):
    """Keep the totals by state: `by` is 1 for a user who comes into it and -1 for one who leaves it."""
    COUNT_USER.run(pk=pk, source=source, enabled=enabled, by=by)
