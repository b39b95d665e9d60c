"""Search: a symbol, company or accession, anywhere on the desk."""

from __future__ import annotations

from components import search, shell

desk = shell.page("Search", purpose="A symbol, company or accession, anywhere on the desk.")

wanted = search.box()
with shell.guarded("the search"):
    search.results(desk, wanted)
