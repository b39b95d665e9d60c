"""What the page *Access* is made of: tokens, people, and who did what."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from components.kit import badges, formats, shell, tables
from core.domain.access.principals import Role
from core.service.access import admin, auditing
from core.service.desk import Desk

NEW_KEY = "access_new_token"  # shown in the run after it was made, and never again
TOKENS = {
    "name": "Name",
    "role": "Role",
    "state": "State",
    "owner": "Owner",
    "owner_subject": "Owner's subject",
    "last_used": "Last used",
    "expires": "Expires",
    "made_at": "Made",
    "made_by": "Made by",
    "token_id": "Id",
}
PEOPLE = {
    "name": "Name",
    "role": "Role",
    "sessions": "Sessions",
    "last_seen": "Last seen",
    "set_by_hand": "By hand",
    "issuer": "Issuer",
    "subject": "Subject",
}
SESSIONS = {
    "name": "Who",
    "role": "Role",
    "began": "Signed in",
    "ends": "Ends",
    "issuer": "Issuer",
    "subject": "Subject",
    "session_id": "Id",
}
ACTS = {
    "entry": "Entry",
    "happened_at": "When",
    "name": "Who",
    "role": "Role",
    "act": "What",
    "outcome": "Outcome",
    "detail": "Detail",
    "correlation_id": "Correlation",
    "issuer": "Issuer",
}
NO_ROLE = "none"


def sessions(desk: Desk) -> None:
    """The browsers that are signed in, and a way to sign one out.

    To take a token or a role from somebody ends all of theirs.
    """
    found = admin.sessions(desk)
    if found.is_empty():
        shell.empty("No browser is signed in.", "A token or the provider signs one in.")
        return
    tables.show(found, SESSIONS, alt="Browsers that are signed in", key="access_sessions")
    labels = {row["session_id"]: row for row in found.iter_rows(named=True)}
    with st.popover("Sign a browser out"), st.form("access_end", border=False):
        which = st.selectbox(
            "Browser",
            list(labels),
            format_func=lambda name: _browser(labels[name]),
            key="access_ended",
        )
        if st.form_submit_button("Sign it out") and which:
            with shell.guarded("signing out"):
                admin.end_session(desk, which)
                st.rerun()


def _browser(row: dict[str, Any]) -> str:
    return f"{row['name']} ({row['session_id']})"


def tokens(desk: Desk) -> None:
    """Every token, a form for a new one, and a way to revoke."""
    found = admin.tokens(desk)
    _new_token()
    if found.is_empty():
        shell.empty(
            "No token yet.", "A token signs somebody in here, or lets a script ask the API."
        )
    else:
        tables.show(found, TOKENS, alt="Tokens, newest first", key="access_tokens")
    valid = found.filter(found["state"] == "valid")["name"].to_list()
    with st.container(horizontal=True):
        with st.popover("Make a token"):
            _make(desk)
        with st.popover("Change a secret", disabled=not valid):
            _rotate(desk, valid)
        with st.popover("Revoke a token", disabled=not valid):
            _revoke(desk, valid)


def _new_token() -> None:
    made = st.session_state.pop(NEW_KEY, None)
    if made is not None:
        st.success(f"The token of **{badges.plain(made['name'])}**, {made['role']}. Shown once:")
        st.code(made["token"], language=None)


def _make(desk: Desk) -> None:
    with st.form("access_make", border=False):
        name = st.text_input("Name", max_chars=80, key="access_name")
        role = st.selectbox("Role", [role.value for role in Role], key="access_role")
        until = st.date_input("Last day", value=None, key="access_until")
        owner = st.text_input(
            "Whose it is, where that is not its name",
            key="access_owner",
            help="A name, a subject, or issuer and subject.",
        )
        if st.form_submit_button("Make it", type="primary"):
            with shell.guarded("the new token"):
                day = until if isinstance(until, date) else None
                st.session_state[NEW_KEY] = admin.add_token(desk, name, Role(role), day, owner)
                st.rerun()


def _rotate(desk: Desk, names: list[str]) -> None:
    with st.form("access_rotate", border=False):
        name = st.selectbox("Token", names, key="access_rotated")
        keep = st.number_input(
            "Hours that the secret before still counts",
            min_value=0.0,
            max_value=float(admin.MOST_KEEP_HOURS),
            value=admin.KEEP_HOURS,
            key="access_keep",
        )
        if st.form_submit_button("Change it", type="primary") and name:
            with shell.guarded("the new secret"):
                st.session_state[NEW_KEY] = admin.rotate_token(desk, name, keep)
                st.rerun()


def _revoke(desk: Desk, names: list[str]) -> None:
    with st.form("access_revoke", border=False):
        name = st.selectbox("Token", names, key="access_revoked")
        if st.form_submit_button("Revoke it") and name:
            with shell.guarded("the revocation"):
                admin.revoke_token(desk, name)
                st.rerun()


def people(desk: Desk) -> None:
    """Everyone a provider has vouched for, and a way to give or take a role."""
    found = admin.people(desk)
    if found.is_empty():
        shell.empty(
            "Nobody is known by a provider.",
            "With OPENBELL_ACCESS=oidc people sign in at a provider; tokens let the rest in.",
        )
        return
    tables.show(found, PEOPLE, alt="People with their roles", key="access_people")
    labels = {(r["issuer"], r["subject"]): r for r in found.iter_rows(named=True)}
    with st.popover("Change a role"), st.form("access_set", border=False):
        who = st.selectbox(
            "Who", list(labels), format_func=lambda key: _label(labels[key]), key="access_who"
        )
        role = st.selectbox("Role", [*(r.value for r in Role), NO_ROLE], key="access_to")
        if st.form_submit_button("Change it", type="primary") and who:
            with shell.guarded("the change"):
                issuer, subject = who
                admin.set_role(desk, subject, None if role == NO_ROLE else Role(role), issuer)
                st.rerun()


def _label(row: dict[str, Any]) -> str:
    return f"{row['name']}, {row['role'] or NO_ROLE}"


def acts(desk: Desk) -> None:
    """What was done, refused and changed by whom, newest first, and the proof of it."""
    found = auditing.acts(desk)
    if found.is_empty():
        shell.empty("Nothing yet.", "What is done, and by whom, is kept here.")
        return
    st.caption(
        f"{formats.number(found.height)} entries, newest first, each with the hash of the one "
        "before; the export has all."
    )
    tables.show(found, ACTS, alt="Who did what", key="access_acts", rows=15)
    with st.container(horizontal=True):
        shell.export_button("CSV", lambda: found, "audit.csv", key="access_csv")
        proving = st.button("Prove the chain", key="access_prove")
    if proving:
        _proof(auditing.proof(desk))


def _proof(found: dict[str, Any]) -> None:
    told = f"{formats.number(found['entries'])} entries, {found['checkpoints']} checkpoints"
    if found["intact"]:
        st.success(f"{told}: the chain is whole.")
    else:
        st.error(f"{told}: the chain is broken: {found['first_fault']['fault']}.")
