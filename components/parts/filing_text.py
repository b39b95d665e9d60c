"""What filings say in their own words: quoted beside a gap, at length where one is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from components.kit import badges, reader, shell
from core.service.desk import Desk
from core.service.filings import texts
from core.service.filings.texts import Key

QUOTED = 230  # letters beside a gap; the whole of the first lines stands on *Symbol* and *Filing*
SHOWN = 3  # filings of a session told at length
Texts = Mapping[Key, Mapping[str, Any]]


def of_row(desk: Desk, row: Mapping[str, Any]) -> list[str]:
    """The first words of the filings behind a candidate, as Markdown lines; none unread."""
    keys = [(row["cik"], item["accession"]) for item in row["catalysts"] or []]
    return quotes(known(desk, keys), keys)


def known(desk: Desk, keys: Iterable[Key]) -> Texts:
    """What is kept of filings, looked up once per commit."""
    asked = tuple(key for key in keys if key[0] is not None)
    return shell.cached_until_commit(desk, lambda: texts.texts(desk, asked), "texts", asked)


def quotes(found: Texts, keys: Sequence[Key], longest: int = QUOTED) -> list[str]:
    """The words of the first filing of these that has some, cut to so many letters."""
    for key in keys:
        row = found.get(key)
        if row and row["text"]:
            return [quote(row, longest)]
    return []


def quote(row: Mapping[str, Any], longest: int = QUOTED) -> str:
    """The first words of a filing as one line of Markdown, with the way to the whole."""
    said = badges.plain(cut(row["text"], longest))
    return f":small[“{said}” [{source(row)}]({row['url']})]"


def cut(text: str, longest: int) -> str:
    """Lines as one, at most so many letters of whole words."""
    line = " ".join(
        line if line[-1:] in ".:;!?…" else f"{line}." for line in text.split("\n") if line
    )
    return line if len(line) <= longest else f"{line[:longest].rsplit(None, 1)[0]} …"


def source(row: Mapping[str, Any]) -> str:
    """What the words are taken from."""
    kind = str(row["kind"] or "")
    return "press release" if kind.startswith("EX-99") else badges.plain(kind or "filing")


def at_length(desk: Desk, filings: Sequence[Mapping[str, Any]]) -> None:
    """The first lines of filings (cik, accession, form), or why there are none and a button."""
    shown = [row for row in filings if row.get("cik") is not None][:SHOWN]
    found = known(desk, [(int(row["cik"]), str(row["accession"])) for row in shown])
    for row in shown:
        _one(desk, row, found.get((int(row["cik"]), str(row["accession"]))))


def _one(desk: Desk, row: Mapping[str, Any], kept: Mapping[str, Any] | None) -> None:
    form, accession = badges.plain(str(row["form"])), str(row["accession"])
    if kept and kept["text"]:
        lines = "  \n".join(badges.plain(line) for line in str(kept["text"]).split("\n"))
        about = f"first lines of {kept['letters']:,} letters"
        st.markdown(f"**{form} says** · [{source(kept)}]({kept['url']}) {shell.small(about)}  \n"
                    f"{lines}")  # fmt: skip
        return
    why = f": {badges.plain(kept['reason'])}" if kept and kept["reason"] else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(shell.small(f"The text of this {form} is not stored{why}."))
        st.button(
            "Read it",
            key=f"read_{row['cik']}_{accession}",
            on_click=_read,
            args=(desk, accession, int(row["cik"])),
            **reader.analyst(desk, help="From the SEC's archive, a request or two."),
        )


def _read(desk: Desk, accession: str, cik: int) -> None:
    with shell.guarded("the filing"):
        texts.read(desk, accession, cik)
        st.toast("The filing is being read; its first lines come by themselves.")
