"""What SEC forms and 8-K items say in words, how much they explain, and whose filing one is.

A form that a company files about *another* company (a stake, a bid, a report as an owner) says
nothing about itself. `file_number` tells them apart: the SEC gives a filing the number of the
company it is about, or on ownership reports that of the owner.
"""

from __future__ import annotations

import polars as pl

ITEMS: dict[str, tuple[str, int]] = {
    "2.02": ("Results of operations", 100),
    "4.02": ("Earlier financial statements no longer reliable", 95),
    "1.03": ("Bankruptcy or receivership", 95),
    "2.01": ("Acquisition or disposal completed", 80),
    "1.01": ("Material agreement entered", 75),
    "2.04": ("Obligation accelerated", 75),
    "3.01": ("Delisting notice", 75),
    "5.01": ("Change of control", 75),
    "1.02": ("Material agreement ended", 70),
    "2.06": ("Material impairment", 70),
    "4.01": ("Auditor changed", 65),
    "2.05": ("Exit or restructuring costs", 60),
    "5.02": ("Directors or officers changed", 55),
    "8.01": ("Other events", 50),
    "7.01": ("Regulation FD disclosure", 50),
    "2.03": ("Financial obligation created", 40),
    "3.02": ("Unregistered sale of shares", 40),
    "3.03": ("Rights of holders modified", 40),
    "5.03": ("Articles or fiscal year changed", 30),
    "5.04": ("Trading suspended for benefit plans", 20),
    "5.05": ("Code of ethics changed", 20),
    "5.07": ("Votes of holders", 20),
    "9.01": ("Exhibits", 0),
}
# the numbers of 8-K items before 23 August 2004, and what they are called since
OLD_ITEMS = {
    "1": "5.01",
    "2": "2.01",
    "3": "1.03",
    "4": "4.01",
    "5": "8.01",
    "6": "5.02",
    "7": "9.01",
    "8": "5.03",
    "9": "7.01",
    "10": "5.05",
    "11": "5.04",
    "12": "2.02",
}
STRUCTURAL_ITEMS = ("2.01", "3.03", "5.03")
FORMS: tuple[tuple[str, str, int], ...] = (
    ("8-K", "Current report", 30),
    ("10-KT", "Annual report of a transition period", 70),
    ("10-K", "Annual report", 70),
    ("10-Q", "Quarterly report", 70),
    ("10-S", "Registration of a class of shares", 40),
    ("20-F", "Annual report (foreign issuer)", 70),
    ("40-F", "Annual report (Canadian issuer)", 70),
    ("6-K", "Report of a foreign issuer", 50),
    ("NT 10", "Late filing notice", 85),
    ("S-1", "Registration of shares", 60),
    ("S-3", "Shelf registration", 40),
    ("424B", "Prospectus: shares offered", 60),
    ("SC 13D", "Holder above 5 % with intent", 65),
    ("SCHEDULE 13D", "Holder above 5 % with intent", 65),
    ("SC TO", "Tender offer", 90),
    ("SC 14D1", "Tender offer", 90),
    ("SC 14D9", "Answer to a tender offer", 80),
    ("SC14D9C", "Answer to a tender offer", 80),
)
_STAKES = r"^(SC|SCHEDULE) 13[DG](/A)?$"
_OWNERSHIP = r"^[345](/A)?$"
_MANAGERS = r"^13F"
# words that an index may cut, and others that begin alike; amendments end in /A
KNOWN = (
    *("1-A", "1-A POS", "1-K", "1-SA", "1-U", "1-Z", "10-12B", "10-12G", "10-C", "10-D", "10-K"),
    *("10-K405", "10-KSB", "10-KSB40", "10-KT", "10-KT405", "10-Q", "10-QSB", "10-QT", "10-S"),
    *("10-SB", "10SB12B", "10SB12G", "11-K", "11-KT", "13F-E", "13F-HR", "13F-NT", "13FCONP"),
    *("144", "15-12B", "15-12G", "15-15D", "15F-12B", "15F-12G", "15F-15D", "18-12B", "18-K"),
    *("20-F", "20FR12B", "20FR12G", "24F-2NT", "25", "25-NSE", "253G1", "253G2", "253G3", "3"),
    *("305B2", "35-CERT", "4", "40-17F1", "40-17F2", "40-17G", "40-24B2", "40-6B", "40-8F-2"),
    *("40-APP", "40-F", "40-OIP", "40FR12B", "40FR12G", "424A", "424B1", "424B2", "424B3"),
    *("424B4", "424B5", "424B7", "424B8", "425", "485APOS", "485BPOS", "485BXT", "486BPOS"),
    *("487", "497", "497AD", "497J", "497K", "5", "6-K", "8-A12B", "8-A12G", "8-K", "8-K12B"),
    *("8-K12G3", "8-K15D5", "ABS-15G", "ABS-EE", "ARS", "AW", "C", "C-AR", "C-U", "C-W", "CB"),
    *("CERT", "CERTNAS", "CERTNYS", "CORRESP", "CT ORDER", "D", "DEF 14A", "DEF 14C", "DEFA14A"),
    *("DEFA14C", "DEFC14A", "DEFC14C", "DEFM14A", "DEFM14C", "DEFN14A", "DEFR14A", "DEFR14C"),
    *("DEFS14A", "DEL AM", "DFAN14A", "DFRN14A", "DOS", "DRS", "DRSLTR", "EFFECT", "F-1"),
    *("F-10", "F-10EF", "F-3", "F-3ASR", "F-4", "F-6", "F-6 POS", "F-6EF", "FWP", "IRANNOTICE"),
    *("MA-A", "MA-I", "N-14", "N-1A", "N-2", "N-23C3A", "N-30D", "N-54A", "N-6", "N-8A", "N-CEN"),
    *("N-CSR", "N-CSRS", "N-MFP", "N-MFP2", "N-PX", "N-Q", "NO ACT", "NPORT-EX", "NPORT-P"),
    *("NSAR-A", "NSAR-B", "NT 10-D", "NT 10-K", "NT 10-Q", "NT 11-K", "NT 20-F", "NT N-CEN"),
    *("NT NPORT-P", "POS 8C", "POS AM", "POS AMC", "POS AMI", "POS EX", "POSASR", "PRE 14A"),
    *("PRE 14C", "PREC14A", "PREM14A", "PREM14C", "PREN14A", "PRER14A", "PRER14C", "PRES14A"),
    *("PRRN14A", "PX14A6G", "PX14A6N", "QUALIF", "REGDEX", "REVOKED", "RW", "RW WD", "S-1"),
    *("S-11", "S-1MEF", "S-2", "S-3", "S-3ASR", "S-3D", "S-3MEF", "S-4", "S-4 POS", "S-4MEF"),
    *("S-6", "S-8", "S-8 POS", "SB-2", "SC 13D", "SC 13E1", "SC 13E3", "SC 13E4", "SC 13G"),
    *("SC 14D1", "SC 14D9", "SC 14F1", "SC 14N", "SC TO-C", "SC TO-I", "SC TO-T", "SC13E4F"),
    *("SC14D1F", "SC14D9C", "SC14D9F", "SCHEDULE 13D", "SCHEDULE 13G", "SD", "SE"),
    *("SEC STAFF ACTION", "SEC STAFF LETTER", "SUPPL", "T-3", "TA-1", "TA-2", "UPLOAD"),
    *("X-17A-5",),
)


# where several begin alike, the one that four of five are
_LIKELIEST = {"SEC STAFF": "SEC STAFF LETTER"}


def modern_items(items: pl.Expr) -> pl.Expr:
    """The items of an 8-K as a list, those of before August 2004 under the numbers of today."""
    each = items.fill_null("").str.split(",").list.eval(pl.element().str.strip_chars())
    return each.list.eval(pl.element().replace(OLD_ITEMS))


def as_owner() -> pl.Expr:
    """Whether a company filed it about another one; of columns form and file_number.

    A file number that is not known (null) counts as the company's own; an empty one is "none".
    """
    form, number = pl.col("form"), pl.col("file_number")
    bidder = number == ""
    stake = form.str.contains(_STAKES) & ~number.str.starts_with("005-")
    report = form.str.contains(_OWNERSHIP) & (number != "")
    seller = form.is_in(["144", "144/A"]) & bidder
    answer = form.str.contains(r"^SC ?14D9") & bidder
    return (stake | report | seller | answer | form.str.contains(_MANAGERS)).fill_null(value=False)


def completed(form: str, *, cut: bool) -> str:
    """A form that a narrow column may have cut: the one known form that begins so, else as given.

    What stakes of both kinds begin with ("SCHEDULE 13") stays as it is.
    """
    if not cut or form in KNOWN or form.removesuffix("/A") in KNOWN:
        return form
    if "/" in form:  # the amendment's mark was cut itself
        base = form.partition("/")[0]
        return f"{base}/A" if base in KNOWN else form
    found = [known for known in KNOWN if known.startswith(form)]
    return found[0] if len(found) == 1 else _LIKELIEST.get(form, form)
