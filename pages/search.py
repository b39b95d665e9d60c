"""Search: a symbol, company or accession, anywhere on the desk."""

from __future__ import annotations

from components.kit import shell
from components.parts import search

desk = shell.page("Search", purpose="A symbol, company or accession, anywhere on the desk.")

wanted = search.box()
with shell.guarded("the search"):
    search.results(desk, wanted)
if not wanted:
    shell.empty(
        "Nothing is searched for yet.",
        "A part of a symbol or name will do. A symbol leads to its chart and gaps, a company or "
        "CIK to its filings and facts, an accession to the grade of that filing.",
    )
