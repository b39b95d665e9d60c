"""Headings of the tables on *Gap statistics*: column -> heading."""

from __future__ import annotations

# What the rates can be split by: word -> column.
BY = {
    "Size": "size",
    "Direction": "direction",
    "Weekday": "weekday",
    "Catalyst": "catalyst",
    "Grade": "grade",
    "Type": "gap_type",
    "Story": "story",
}
RATES = {
    "n": "n",
    "k": "Times",
    "rate_pct": "Rate",
    "low_pct": "From",
    "high_pct": "To",
    "median_sessions": "Median sessions to fill",
    "excursion_pct": "Median furthest away",
}
BUCKETS = {
    "size": "Size",
    "n": "Trades",
    "mean_r": "Mean R",
    "low_r": "From",
    "high_r": "To",
    "win_pct": "Won",
    "profit_factor": "Profit factor",
    "mfe_r": "Median best R",
    "mae_r": "Median worst R",
}
