"""The words of the desk with their meanings; help texts beside widgets come from here too."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "Data": {
        "Dataset": "One entry of the catalogue: what to pull, from where, when, and into which "
        "table.",
        "Pull": "One run of fetching a dataset. Every stored row carries the number of its pull.",
        "Window": "The from and to instants that a pull covers.",
        "Refresh": "An instant at which a dataset is due by its schedule.",
        "Freshness": "Fresh: the last due window is in. Due: its buffer still runs. Overdue: the "
        "buffer is over and the data is not in. Failing: the last try ended in an error.",
        "Rejected row": "A row that did not fit the declared schema. It is kept with the reason; "
        "the rest of the file is loaded.",
        "Queued": "A pull that waits for its turn, with its place among those that wait.",
        "Passed": "A check of the reconciliation that found no row affected.",
        "Lineage": "The way from a figure on the screen back to the pull and document it is from.",
        "As known on": "The data as it stood on a date: later filings and corrections left out.",
        "Simulated data": "Made by the sandbox from a seed. Names and prices are invented.",
    },
    "Companies and filings": {
        "CIK": "The number by which the SEC knows a filer.",
        "Accession": "The number of one filing, such as 0000320193-26-000012.",
        "Filing": "One accession: a document that a company sent to the SEC.",
        "Fact": "One reported value: concept, period, unit, value, and the filing it stands in.",
        "Concept": "A tag of the reporting taxonomy, such as us-gaap:Revenues.",
        "Finding": "One quality rule that fired on one filing, with the two numbers compared.",
        "Score": "0 to 100: how far the numbers of a filing hold together by the rules.",
        "Grade": "What is promised: A nothing found that could change a headline figure, B minor "
        "oddities, C a headline is doubtful, D a headline is wrong or contradicted, F several or "
        "the whole scale; NR when too little of the filing could be checked.",
        "Headline figures": "Revenue, net income, earnings per share, operating cash flow, assets, "
        "equity, cash and shares: findings on them cap the letter.",
        "Status": "What became of a filing, as known on a day. As filed: nothing came after it. "
        "Amended: a /A told figures anew. Superseded: a /A that another /A replaced. Restated "
        "later: a later report tells some of its figures with other values. Withdrawn: its "
        "company said in an 8-K (item 4.02) that it must not be relied on; such a report is D at "
        "most.",
        "Revision risk": "How likely later reports tell at least 5 % of the amounts (of 20 or "
        "more) that a report was first to tell with other values, as known on the day it was "
        "filed. Recasts for new standards and for parts that are sold count as well. It is no "
        "part of the grade.",
        "Coverage": "The share of the rules that had the facts they need.",
    },
    "Gaps": {
        "Session": "One day of the exchange, with its own open and close.",
        "Bar": "Open, high, low, close and volume of a session or a minute.",
        "Gap": "The open of a session against the close before it, in percent, after splits and "
        "dividends.",
        "Candidate": "A gap that passed the filters of the scan.",
        "Catalyst": "A filing that may explain a gap, by its instant of acceptance.",
        "Gap in ATR": "The gap divided by the average true range of 14 sessions: how unusual it "
        "is for this name.",
        "Relative volume": "Volume against the mean of the 20 sessions before.",
        "Provisional": "Made from the last print before the open; the open may still change it.",
        "Data up to": "The last session, filing or print in a dataset, whenever it was pulled.",
        "Pattern": "Common, breakaway, runaway or exhaustion: a heuristic from the 20-session "
        "range, the trend and the relative volume.",
        "Similar gaps": "Gaps of the same direction, between half and twice the size.",
        "Max. adverse move": "The furthest move beyond the open before the fill, away from it.",
        "Fill": "A gap is filled when the price comes back to the close before it.",
        "Wilson interval": "The range that the true rate lies in with 95 % confidence, honest for "
        "few cases.",
    },
    "Plans and risk": {
        "Plan": "Entry, stop, targets and size of a trade, from data only.",
        "Reference": "The last print that a plan made before the open stands on.",
        "Tolerance": "How far the open may be from the reference to confirm the plan as it is.",
        "Confirmed, re-sized, not taken": "What becomes of a provisional plan at the open.",
        "R": "The risk of one share: the distance from entry to stop. Targets are told in R.",
        "Open past stop": "Gap-through risk: what nights cost, in R, in which the name opened "
        "further against the plan than its stop is away, in the mean of its own history. The stop "
        "is filled at such an open, not at its price. 1 R: it never did.",
        "Limit": "A bound that risk enforces; what is shown is what is enforced. Amber from 80 % "
        "to full (at 100 % it holds, and nothing more fits); red beyond.",
        "Verdict": "The answer of risk to a plan: approve, shrink or reject, with each limit.",
        "Value at risk": "The loss that one day in twenty (or in a hundred) exceeds.",
        "Expected shortfall": "The mean loss of the days beyond the value at risk.",
        "Actual": "What a paper trade came to, beside what its plan had foreseen.",
        "Drawdown": "How far the equity stands below its highest point.",
        "Posting": "One line of a journal entry; the postings of an entry add up to zero.",
    },
}


def meaning(word: str) -> str:
    """The sentence for a word, for the `help` of a widget; KeyError for an unknown word."""
    for words in WORDS.values():
        if word in words:
            return words[word]
    raise KeyError(word)


def matching(wanted: str) -> dict[str, dict[str, str]]:
    """The areas and words that contain the text; all of them for an empty text."""
    text = wanted.casefold()
    found = {
        area: {w: m for w, m in words.items() if text in w.casefold() or text in m.casefold()}
        for area, words in WORDS.items()
    }
    return {area: words for area, words in found.items() if words}
