"""The words for what became of a filing, from the least to the gravest."""

from __future__ import annotations

AS_FILED, RESTATED, AMENDED, SUPERSEDED, WITHDRAWN = STATUSES = (
    "as filed",
    "restated later",
    "amended",
    "superseded",
    "withdrawn",
)
