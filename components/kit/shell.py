"""The frame of every page: header, freshness strip, errors, empty states, links, export.

desk = shell.page("Gap scan", purpose="Names that gap, and why.", datasets=("prices.daily",))
with shell.guarded("the candidates"):
    ...
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

import polars as pl
import streamlit as st
import structlog

from components.kit import (
    address,
    badges,
    formats,
    links,
    once,
    reader,
    status_line,
    theme,
    trouble,
)
from components.kit import saved_views as views
from core.errors import OpenbellError
from core.service import current
from core.service.care import preferences
from core.service.desk import Desk
from core.service.filings import companies
from core.service.kernel import exports
from core.service.pulls import datasets, upstreams

T = TypeVar("T")
FRESH_SECONDS = 2.0
LOOK_SECONDS = 1.0  # of the hosts that are down
ZONE_KEY = "preference_zone"
MINE_KEY = "preference_mine"
TOLD_KEY = "errors_told"  # of this run
GUIDE_KEY = "preference_guide"
EVERYTHING = status_line.EVERYTHING
link, link_query, url = links.link, links.link_query, links.url
log = structlog.get_logger("desk.page")
_run = threading.local()  # a run has a thread of its own: what is asked often in it, asked once


def page(
    title: str,
    purpose: str,
    datasets: Sequence[str] = (),
    *,
    as_of: datetime | None = None,
    views_of: str | None = None,
    follows: Sequence[str] | None = None,
    jobs: bool = False,
) -> Desk:
    """Draw the header and return the desk; without a desk, say so and end the page.

    The strip tells of the stalest of `datasets`, the inputs of what the page shows. `views_of`
    names the page whose views can be saved and opened from the header. The page runs again when
    rows of `follows` change (by default of its inputs), with `jobs` also when pulls start or end.
    """
    st.session_state[TOLD_KEY] = set()
    address.begin(title)
    head = f"# {title}\n{small(purpose)}"
    try:
        desk = current.desk()
        reader.must_read(desk)
    except OpenbellError as error:
        st.markdown(head)
        error_box(error, what="the desk")
        st.stop()
    _prefer(desk)
    _run.zone = st.session_state.get(ZONE_KEY)
    head += reader.said(desk)
    with guarded("the status line"):
        names = tuple(datasets if follows is None else follows)
        asked = status_line.Followed(names, lambda: statuses(desk), zone(), jobs)
        status_line.follow(desk, asked)
    tip, faults = None, []
    with guarded("the freshness of the data"):
        text, tip = strip(desk, datasets, as_of)
        head = f"{head}  \n{text}" if text else head
        faults = trouble.whole(_faults(desk, datasets))
    _header(desk, head, tip, views_of, faults)
    address.draw()
    return desk


def _header(
    desk: Desk, head: str, tip: str | None, views_of: str | None, faults: Sequence[str]
) -> None:
    """One element for all that is said: every element is a message to the browser at each run."""
    if views_of is None and not faults:
        st.markdown(head, help=tip)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown(head, help=tip, width="stretch")
        trouble.details(faults, key="faults")
        if views_of is not None:
            with guarded("the saved views"):
                views.control(desk, views_of)


def _prefer(desk: Desk) -> None:
    """Bring the reader's preferences into the session, once."""
    if ZONE_KEY in st.session_state:
        return
    with guarded("your preferences"):
        reader.take_over(desk)
        mine = preferences.load(desk)
        st.session_state[MINE_KEY] = mine
        st.session_state[ZONE_KEY] = mine.zone
        st.session_state[theme.PALETTE_KEY] = mine.palette
        st.session_state[GUIDE_KEY] = mine.guide


def mine() -> preferences.Preferences:
    """The reader's preferences as this session knows them."""
    return st.session_state.get(MINE_KEY) or preferences.Preferences()


def forget_preferences() -> None:
    """Let the next run read the preferences anew."""
    _run.zone = None
    st.session_state.pop(ZONE_KEY, None)


def strip(
    desk: Desk, datasets: Sequence[str], as_of: datetime | None = None
) -> tuple[str, str | None]:
    """The line of badges under a title as Markdown, and its tooltip (instants in UTC)."""
    parts = [badges.simulated()] if desk.settings.simulated else []
    parts += trouble.together(_faults(desk, datasets))
    known = [s for s in statuses(desk) if s.name in datasets]
    stalest = badges.worst(known)
    tip = None
    if stalest is not None:
        parts.append(badges.freshness(stalest.freshness))
        parts.append(f"{badges.plain(stalest.name)} · {_ages(desk, stalest)}")
        tip = "\n\n".join(
            f"{s.name}: {s.freshness}, data to "
            f"{formats.reach(s.data_until, s.sessions_behind, zone())}, "
            f"pulled {formats.utc(s.last_success)}"
            for s in known
        )
    moment = as_of or (stalest.last_success if stalest is not None else None)
    if moment is not None:
        parts.append(f"as of **{formats.when(moment, zone())}**")
    return " ".join(parts), tip


def hosts_down(desk: Desk, names: Sequence[str]) -> list[upstreams.UpstreamStatus]:
    """The hosts of these datasets that are down, looked at once a second for all sessions."""
    if not names:
        return []
    down = once.cached_for_seconds(
        lambda: upstreams.down(desk), LOOK_SECONDS, "hosts down", desk.identity
    )
    return [host for host in down if not set(names).isdisjoint(host.datasets)]


def outages(desk: Desk) -> None:
    """Every host that is down, with its last error and when it is asked again."""
    for host in upstreams.down(desk):
        with st.container(horizontal=True, vertical_alignment="center"):
            next_try = f"next try {formats.when(host.next_probe, zone(), seconds=True)}"
            pulled = desk.catalogue.datasets
            names = ", ".join(name for name in host.datasets if pulled[name].enabled)
            st.markdown(f"{outage(host, zone())} {small(f'{next_try} · {badges.plain(names)}')}")
            why = badges.plain(formats.sentence(host.last_error or ""))
            trouble.details([why], key=f"{host.label}_{host.host}")  # one host may be both


def outage(host: upstreams.UpstreamStatus, zone: str) -> str:
    """`container down since 06:31, asked again 06:36` as Markdown."""
    return badges.badge(trouble.outage(host, zone).whole, "red")


def _faults(desk: Desk, names: Sequence[str]) -> list[trouble.Trouble]:
    """What is wrong with the desk or the hosts of these datasets, the desk itself first."""
    away = desk.read_only_seconds
    own = [] if away is None else [trouble.Trouble("read-only", f"for {away:.0f} s")]
    return own + [trouble.outage(host, zone()) for host in hosts_down(desk, names)]


def reason(desk: Desk, status: datasets.DatasetStatus) -> str:
    """Why a dataset is not in, as Markdown; empty without a fault.

    While its host is down that is the outage: the error of its last pull tells of a time to ask
    again that has passed since.
    """
    down = hosts_down(desk, [status.name])
    if down:
        return " ".join(outage(host, zone()) for host in down)
    return trouble.line(status, zone())


def _ages(desk: Desk, status: Any) -> str:
    if status.last_success is None:
        return "not pulled yet"
    if not status.rows:
        return f"no rows, asked {formats.age(status.last_success, desk.now())}"
    reached = formats.reach(status.data_until, status.sessions_behind, zone())
    data = f"data to {reached} · " if status.data_until else ""
    return f"{data}pulled {formats.age(status.last_success, desk.now())}"


def statuses(desk: Desk) -> list[datasets.DatasetStatus]:
    """Status of every dataset, read from the store at most once in two seconds."""
    return once.cached_for_seconds(
        lambda: datasets.overview(desk), FRESH_SECONDS, "statuses", desk.identity
    )


def watched(desk: Desk) -> list[int]:
    """CIKs of the companies followed, read at most once in two seconds."""
    return once.cached_for_seconds(
        lambda: companies.watched(desk), FRESH_SECONDS, "watched", desk.identity
    )


def version(desk: Desk, *datasets: str) -> tuple[str | None, ...]:
    """What stands for the data of these datasets in a key of `once.made`: their last pulls."""
    last = {status.name: status.last_pull_id for status in statuses(desk)}
    return (desk.identity, *(last.get(name) for name in datasets))


def cached_until_commit(desk: Desk, make: Callable[[], T], *key: Hashable) -> T:
    """What is made from the store alone, made again only after the next commit."""
    return once.cached(make, "unchanged", *desk.state, *key)


def zone() -> str:
    """The reader's time zone: the market's unless a preference says otherwise."""
    known = getattr(_run, "zone", None) or st.session_state.get(ZONE_KEY)
    return str(known or formats.MARKET_ZONE)


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Run a part of a page; an OpenbellError is shown in its place and the page goes on."""
    try:
        yield
    except OpenbellError as error:
        error_box(error, what=what)


@contextmanager
def error_boundary() -> Iterator[None]:
    """Around a whole page: no reader ever meets a traceback; the log has it under a number."""
    try:
        yield
    except OpenbellError as error:
        error_box(error, what="this page")
    except Exception:
        number = uuid4().hex[:8]
        log.exception("page_failed", number=number)
        st.error(
            f"**This page could not be drawn.** The log has the reason under number `{number}`. "
            "Reload the page; the rest of the desk works on."
        )


def error_box(error: OpenbellError, *, what: str, failed: str = "cannot be shown") -> None:
    """Say what could not be shown (or what else failed), why, where, and what to do."""
    told = st.session_state.setdefault(TOLD_KEY, set())
    title = f"**{what[:1].upper()}{what[1:]} {failed}.**"
    if str(error) in told:
        st.caption(f"{title} The reason is the same as above.")
        return
    told.add(str(error))
    log.warning("page_error", what=what, kind=error.kind, error=str(error))
    parts = [f"{title} {badges.plain(formats.sentence(error.message))}"]
    if error.hint:
        parts.append(badges.plain(formats.sentence(error.hint)))
    if error.where and error.where not in error.message:
        parts.append(small(badges.plain(error.where)))
    st.error(" ".join(parts))


def empty(what: str, then: str, *, page: str | None = None, label: str = "", **query: str) -> None:
    """An empty state: what is not there, what to do, and the page where one does it."""
    with st.container(border=True):
        st.markdown(f"**{what}**  \n{small(then)}")
        if page:
            link(page, label or "Go there", **query)


def section(title: str, *lines: str) -> None:
    """A heading with what is said below it in small print, as one element."""
    st.markdown("\n".join([f"### {title}", "  \n".join(small(line) for line in lines if line)]))


def small(text: str) -> str:
    """Small grey print as Markdown, as a caption has it."""
    return f":small[:gray[{text}]]"


MIME = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}


def export_button(
    label: str,
    frame: Callable[[], pl.DataFrame],
    file_name: str,
    *,
    key: str | None = None,
    help: str | None = None,
) -> None:
    """A download of a frame, made when it is clicked; the file's ending tells the format.

    Text cells are guarded against formulas; simulated data says so in the file's name.
    """
    fmt = file_name.rpartition(".")[2]
    st.download_button(
        label,
        data=reader.bound(lambda: exports.encode(frame(), fmt)),
        file_name=_labelled(file_name),
        mime=MIME[fmt],
        on_click="ignore",
        key=key,
        help=help,
    )


def _labelled(file_name: str) -> str:
    return f"simulated-{file_name}" if current.desk().settings.simulated else file_name


def no_prices(then: str) -> None:
    """What a page says that stands on daily bars while there are none; `then` is what comes."""
    empty(
        "There are no prices yet.",
        f"Pull the daily bars, then {then}.",
        page="datasets",
        label="Go to Datasets",
    )
