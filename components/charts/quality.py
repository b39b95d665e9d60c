"""Charts of grades and checks: frame in, Plotly figure out. Titles state what the figure shows.

A grade is a letter on its bar as well as a colour, a severity a sign as well as a colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

import plotly.graph_objects as go
import polars as pl

from components.kit import formats, theme
from components.kit.theme import titled

LETTERS = ("A", "B", "C", "D", "F", "NR")
MOST_BARS = 12
LABEL = 28  # letters of a line: longer ones leave a phone no room for the chart
TICKS = [0, 25, 50, 75, 100]
SIGNS = {"info": "✓", "warning": "!", "error": "✗", "critical": "✗✗"}
SEVERITIES = {
    "info": "#2b78d0",
    "warning": "#d08a00",
    "error": "#d9581c",
    "critical": "#b3361b",
}


def share_good(grades: pl.DataFrame) -> str:
    """`86 % are A or B`: the one figure of a set of grades; NR does not count."""
    rated = grades.filter(pl.col("grade") != "NR")
    if rated.is_empty():
        return "none is rated"
    return f"{_good(rated['grade']):.0f} % are A or B"


def _good(letters: pl.Series) -> float:
    return 100 * int(letters.is_in(["A", "B"]).sum()) / max(1, len(letters))


def distribution(grades: pl.DataFrame) -> go.Figure:
    """How many filings have each grade; `grades` has `grade`."""
    counts = dict(grades.group_by("grade").len().rows())
    values = [counts.get(letter, 0) for letter in LETTERS]
    total = max(1, grades.height)
    bar = go.Bar(
        x=list(LETTERS),
        y=values,
        marker={"color": [theme.GRADES[letter] for letter in LETTERS]},
        text=[f"{v:,}<br>{_percent(100 * v / total)}" if v else "0" for v in values],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{x}: %{y:,} filings<extra></extra>",
    )
    fig = theme.figure(bar, height=320, x_title="grade", y_title="filings", hovermode="closest")
    fig.update_yaxes(range=[0, max([*values, 1]) * 1.22])
    rated = total - counts.get("NR", 0)
    return titled(fig, f"{share_good(grades)}: {rated:,} filings rated")


def _percent(share: float) -> str:
    return "<1 %" if 0 < share < 0.5 else f"{share:.0f} %"


def over_time(grades: pl.DataFrame) -> go.Figure:
    """Share of each grade by year of filing; `grades` has `filed` and `grade`."""
    yearly = grades.with_columns(pl.col("filed").dt.year().cast(pl.String).alias("year"))
    shares = _shares(yearly, "year").sort("year")
    fig = _stacked(shares, "year", horizontal=False)
    fig.update_xaxes(title_text="year of filing", type="category", tickangle=0, nticks=9)
    fig.update_yaxes(title_text="share of filings, %", range=[0, 100], tickvals=TICKS)
    rated = yearly.filter(pl.col("grade") != "NR")
    if rated.is_empty():
        return _above(fig, "No filing is rated")
    by_year = rated.group_by("year").agg(good=pl.col("grade").is_in(["A", "B"]).mean() * 100)
    first, last = by_year.sort("year").row(0), by_year.sort("year").row(-1)
    if first == last:
        return _above(fig, f"{first[0]}: {first[1]:.0f} % A or B")
    return _above(fig, f"A or B: {first[1]:.0f} % in {first[0]}, {last[1]:.0f} % in {last[0]}")


def by_group(grades: pl.DataFrame, column: str, what: str) -> go.Figure:
    """Share of each grade by company or form, the weakest first; at most 12 groups are drawn."""
    named = grades.with_columns(pl.col(column).fill_null("unknown").alias("group"))
    shares = _shares(named, "group")
    order = _weakest_first(named)
    shown = order.head(MOST_BARS)
    shares = shown.join(shares, on="group", maintain_order="left")
    fig = _stacked(shares, "group", horizontal=True)
    fig.update_layout(height=130 + 28 * max(2, shown.height))
    fig.update_xaxes(
        title_text="share of filings, %", range=[-1, 104], tickvals=TICKS, showgrid=True
    )
    fig.update_yaxes(autorange="reversed", showgrid=False, type="category")
    worst = order.row(0, named=True)
    rest = f" of {order.height}" if order.height > shown.height else ""
    if rest:
        fig.update_xaxes(title_text=f"share of filings, %; the {shown.height} weakest")
    if worst["good"] is None:
        return _above(fig, f"No {what}{rest} has a rated filing")
    return _above(fig, f"Weakest {what}{rest}: {worst['group']}, {worst['good']:.0f} % A or B")


def _above(fig: go.Figure, finding: str) -> go.Figure:
    """The finding above the legend of the letters, however tall the chart is."""
    fig = titled(fig, finding)
    fig.update_layout(margin={"t": 76}, legend={"y": 1, "yanchor": "bottom", "x": 0})
    return fig


def _weakest_first(named: pl.DataFrame) -> pl.DataFrame:
    rated = pl.col("grade") != "NR"
    good = (pl.col("grade").is_in(["A", "B"]).filter(rated).mean() * 100).alias("good")
    return named.group_by("group").agg(good).sort("good", "group", nulls_last=True)


def _shares(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    """by, grade, n, share (percent of the group)."""
    counts = frame.group_by(by, "grade").agg(pl.len().alias("n"))
    return counts.with_columns(share=100 * pl.col("n") / pl.col("n").sum().over(by))


def _stacked(shares: pl.DataFrame, by: str, *, horizontal: bool) -> go.Figure:
    """A bar a group, cut by grade; the letter stands on each piece that has room."""
    groups = shares[by].unique(maintain_order=True).to_list()
    traces = []
    for letter in LETTERS:
        part = {g: (s, n) for g, s, n in _of(shares, by, letter)}
        sizes = [part.get(g, (0.0, 0))[0] for g in groups]
        traces.append(
            go.Bar(
                x=sizes if horizontal else groups,
                y=groups if horizontal else sizes,
                orientation="h" if horizontal else "v",
                name=letter,
                marker={"color": theme.GRADES[letter], "line": {"width": 0}},
                text=[letter if s >= 6 else "" for s in sizes],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": "#ffffff"},
                customdata=[part.get(g, (0.0, 0))[1] for g in groups],
                hovertemplate="%{customdata:,} filings, "
                + ("%{x:.0f}" if horizontal else "%{y:.0f}")
                + " %<extra>"
                + letter
                + "</extra>",
            )
        )
    fig = theme.figure(*traces, height=320, barmode="stack", showlegend=True)
    fig.update_layout(hovermode="closest", legend={"traceorder": "normal"})
    return fig


def _of(shares: pl.DataFrame, by: str, letter: str) -> list[tuple[str, float, int]]:
    return shares.filter(pl.col("grade") == letter).select(by, "share", "n").rows()


def points_lost(lost: pl.DataFrame, score: float | None) -> go.Figure:
    """From 100 down to the score: one step a rule that failed, then caps, what became of it last.

    `lost` has rule (`cap` for the cap of critical findings, `status` for that of a withdrawn
    filing), title, severity and points (positive), the costliest first. Without a score there is
    nothing at its end.
    """
    cap, status = pl.col("rule") == "cap", pl.col("rule") == "status"
    capped = cap | status
    steps = pl.concat([lost.filter(~capped), lost.filter(cap), lost.filter(status)])
    points = steps["points"].to_list()
    ends = 0 if score is None else 1
    labels = ["perfect", *steps["rule"], *(["score"] * ends)]
    values = [100.0, *(-p for p in points), *([0.0] * ends)]
    words = ["100", *(f"−{p:.1f}" for p in points), *([formats.number(score, 1)] * ends)]
    kinds = ["absolute", *(["relative"] * len(points)), *(["total"] * ends)]
    tips = ["all rules hold", *steps["title"], *(["score of the filing"] * ends)]
    fall = go.Waterfall(
        x=labels,
        y=values,
        measure=kinds,
        text=words,
        textposition="outside",
        cliponaxis=False,
        customdata=tips,
        hovertemplate="%{x}: %{text} points<br>%{customdata}<extra></extra>",
        decreasing={"marker": {"color": "#d9581c"}},
        totals={"marker": {"color": theme.ACCENT}},
        connector={"line": {"color": theme.NEUTRAL, "width": 1, "dash": "dot"}},
    )
    fig = theme.figure(fall, height=340, x_title="rule", y_title="points", hovermode="closest")
    low = 100 - sum(points)
    bottom = max(0, (low - 12) // 10 * 10)
    begins = f", axis begins at {bottom:.0f}" if bottom else ""
    fig.update_yaxes(range=[bottom, 106], title_text=f"points{begins}")
    fig.update_xaxes(type="category")
    return titled(fig, _lost(lost, lost.filter(~capped), score))


def _lost(lost: pl.DataFrame, steps: pl.DataFrame, score: float | None) -> str:
    if score is None:
        return "Not rated: too little could be checked"
    gone = lost.filter(pl.col("rule") == "status")
    if not gone.is_empty():
        return f"{gone['title'][0]}: held at {score:.0f}, from {score + gone['points'][0]:.1f}"
    if steps.is_empty():
        return f"No rule cost a point: {score:.1f}"
    first = steps.row(0, named=True)
    count = f"{steps.height} rule{'s' if steps.height > 1 else ''}"
    return f"{count} cost {100 - score:.1f} points; most of all {first['rule']}, {first['title']}"


def score_history(history: pl.DataFrame, of: str) -> go.Figure:
    """Scores of the last runs with their letters; `history` has measured_at, score, grade."""
    runs = history.drop_nulls("score").sort("measured_at")
    line = go.Scatter(
        x=runs["measured_at"].to_list(),
        y=runs["score"].to_list(),
        mode="lines+markers+text" if runs.height <= 30 else "lines+markers",
        text=runs["grade"].to_list(),
        textposition="top center",
        line={"color": theme.ACCENT, "shape": "hv"},
        marker={"size": 8, "color": [theme.GRADES.get(g, theme.NEUTRAL) for g in runs["grade"]]},
        hovertemplate="%{x|%d %b %H:%M} UTC: %{y:.1f}, %{text}<extra></extra>",
    )
    fig = theme.figure(line, height=280, x_title="run, UTC", y_title="score", hovermode="closest")
    fig.update_yaxes(range=[0, 112], tickvals=TICKS)
    if runs.is_empty():
        return titled(fig, f"{of} has not been measured with rows yet")
    first, last = runs["score"][0], runs["score"][-1]
    moved = "stands" if abs(last - first) < 0.05 else ("rose" if last > first else "fell")
    ending = f"at {last:.1f}" if moved == "stands" else f"from {first:.1f} to {last:.1f}"
    return titled(fig, f"{of} {moved} {ending} over {runs.height} runs")


def checks_over_runs(
    history: pl.DataFrame, titles: Mapping[str, str], zone: str = formats.MARKET_ZONE
) -> go.Figure:
    """A row a check, a column a run: severity by sign and colour, rows affected on hovering.

    `history` has run_id, started_at, check_name, severity, affected.
    """
    runs = history.select("run_id", "started_at").unique().sort("started_at")
    names = [name for name in titles if name in history["check_name"].unique()]
    cells = {
        (c, r): (s, n)
        for c, r, s, n in history.select("check_name", "run_id", "severity", "affected").rows()
    }
    rank = {name: place for place, name in enumerate(SEVERITIES)}
    found = [[cells.get((name, run)) for run in runs["run_id"]] for name in names]
    times = [formats.when(at, zone, seconds=True) for at in runs["started_at"]]
    heat = go.Heatmap(
        z=[[rank.get(cell[0]) if cell else None for cell in row] for row in found],
        x=list(range(runs.height)),  # runs of one second stay apart
        y=["<br>".join(wrap(titles[name], LABEL)) for name in names],
        text=[[SIGNS.get(cell[0], "") if cell else "" for cell in row] for row in found],
        texttemplate="%{text}",
        textfont={"color": "#ffffff"},
        customdata=[
            [
                f"{at}: {cell[0]}, {cell[1]:,} affected" if cell else at
                for at, cell in zip(times, row, strict=True)
            ]
            for row in found
        ],
        hovertemplate="%{y}<br>%{customdata}<extra></extra>",
        colorscale=[
            (edge / 4, color) for i, color in enumerate(SEVERITIES.values()) for edge in (i, i + 1)
        ],
        zmin=-0.5,
        zmax=3.5,
        showscale=False,
        xgap=3,
        ygap=3,
    )
    fig = theme.figure(heat, height=110 + 34 * max(2, len(names)), x_title="run, the newest last")
    step = max(1, -(-runs.height // 5))
    places = list(range(runs.height - 1, -1, -step))
    fig.update_layout(hovermode="closest")
    fig.update_xaxes(tickvals=places, ticktext=[times[place] for place in places])
    fig.update_yaxes(autorange="reversed", showgrid=False)
    bad = history.filter(pl.col("severity").is_in(["error", "critical"]))["run_id"].n_unique()
    return titled(
        fig, f"{bad} of the last {runs.height} runs found errors  (✓ right, ! warning, ✗ error)"
    )
