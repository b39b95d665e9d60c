"""Access: who is let in, what they may, when they were here last, what they did."""

from __future__ import annotations

import streamlit as st

from components.kit import reader, shell
from components.parts import access
from core.domain.access.principals import Role

desk = shell.page(
    "Access",
    purpose="Tokens, people and their roles, and who did what. For admins.",
)

if desk.settings.access == "open":
    shell.empty(
        "This desk is for whoever is on its machine.",
        "Set OPENBELL_ACCESS=token to let others in, each with a role.",
    )
if not reader.may(desk, Role.ADMIN):
    shell.empty("This page is for admins.", "Ask one for a role or a token.")
    st.stop()
with shell.guarded("the tokens"):
    shell.section("Tokens")
    access.tokens(desk)
with shell.guarded("the people"):
    shell.section("People")
    access.people(desk)
with shell.guarded("the sessions"):
    shell.section("Signed in")
    access.sessions(desk)
with shell.guarded("who did what"):
    shell.section("Who did what")
    access.acts(desk)
