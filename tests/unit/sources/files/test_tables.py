"""Reading CSV and Parquet by a declared schema: what is read, what is refused, and why."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.tables.datasets import ColumnType, Dataset
from core.errors import ParsingError, SchemaError, SizeLimitError
from core.sources.files import tables
from core.sources.files.casts import CellRules, convert
from core.sources.files.rows import Table

TODAY = date(2026, 11, 21)


def dataset(key: tuple[str, ...] = (), options: dict[str, object] | None = None, **types: str):
    """A dataset whose columns are given as catalogue words."""
    schema = {name: ColumnType.parse(kind) for name, kind in types.items()}
    return Dataset("prices.daily", "foundry", "t", key, schema, options=options or {})


@pytest.fixture
def read(tmp_path: Path):
    """Reads CSV text by a dataset."""

    def run(text: str | bytes, described: Dataset) -> Table:
        path = tmp_path / "f.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return tables.read_csv(path, described, today=TODAY, where="host/f.csv")

    return run


def cast(kind: str, *cells: str, **rules: Any) -> list[object]:
    """The cells as read, refused ones as their reason in angle brackets."""
    values, reasons = convert(
        pl.Series(cells, dtype=pl.String), ColumnType.parse(kind), CellRules(TODAY, **rules)
    )
    return [
        f"<{why}>" if why else value
        for value, why in zip(values.to_list(), reasons.to_list(), strict=True)
    ]


def test_integers_may_be_written_with_an_empty_fraction() -> None:
    """8381600.0 is an int; 1.5, words and numbers beyond 64 bits are not."""
    got = cast("int", "8381600.0", " 7", "-3", "1.5", "x", "99999999999999999999")
    assert got[:3] == [8381600, 7, -3]
    assert got[3:] == ["<is not an int>"] * 3


def test_floats_refuse_infinity_and_take_nan_as_empty() -> None:
    """NaN is an empty cell, infinity (also by overflow) is never a number."""
    assert cast("float?", "1e3", "NaN", "nan", "") == [1000.0, None, None, None]
    assert cast("float", "NaN", "") == ["<is empty>"] * 2
    assert cast("float", "inf", "-Infinity", "1e999") == ["<is infinite>"] * 3


def test_decimals_are_exact_or_refused() -> None:
    """A digit beyond the scale is refused, not rounded away; trailing zeros are fine."""
    got = cast("decimal(6,2)", "12.5", "12.500", "12.505", "123456.7", "1e3", "")
    assert got[:2] == [Decimal("12.50")] * 2
    assert got[2:5] == ["<is not a decimal(6,2)>"] * 3
    assert got[5] == "<is empty>"


def test_dates_are_iso_or_plain_digits_and_never_far_ahead() -> None:
    """ISO, YYYYMMDD and midnight instants are dates; tomorrow is the last one taken."""
    got = cast("date", "2024-02-29", "20240229", "2022-06-06 00:00:00+01:00", "2026-11-22")
    assert got == [date(2024, 2, 29)] * 2 + [date(2022, 6, 6), date(2026, 11, 22)]
    assert cast("date", "2026-11-23") == ["<lies in the future>"]
    early = cast("date", "0001-01-01", "18991230", "1900-01-01")
    assert early == [*["<lies before 1900>"] * 2, date(1900, 1, 1)]
    assert cast("datetime", "0001-01-01T00:00:00Z") == ["<lies before 1900>"]
    refused = cast("date", "2023-02-29", "2024-1-2", "02/03/2024", "2024-01-02 09:30:00")
    assert refused == ["<is not a date>"] * 4


def test_instants_are_converted_to_utc() -> None:
    """Offsets are honoured; without one the declared zone holds, UTC by default."""
    noon = datetime(2024, 7, 1, 12, tzinfo=UTC)
    assert cast("datetime", "2024-07-01T12:00:00Z", "2024-07-01 14:00:00+02:00") == [noon] * 2
    assert cast("datetime", "2024-07-01T07:00:00-0500", "2024-07-01 12:00") == [noon] * 2
    assert cast("datetime", "2024-07-01 08:00:00", zone="America/New_York") == [noon]
    skipped = cast("datetime", "2024-03-10 02:30:00", zone="America/New_York")
    assert skipped == ["<is not a datetime>"]
    assert cast("datetime", "2024-07-01T12:00:00.123456Z") == [noon.replace(microsecond=123456)]


def test_booleans_and_words_for_nothing() -> None:
    """Usual spellings of truth are read; a dataset may name its own words for an empty cell."""
    assert cast("bool", "True", "0", "yes", "maybe") == [True, False, True, "<is not a bool>"]
    assert cast("float?", "null", "-", nulls=("null", "-")) == [None, None]


def test_columns_are_renamed_and_unknown_ones_reported(read) -> None:
    """Upstream names become ours; what the dataset does not know is drift, not data."""
    described = Dataset(
        "d", "foundry", "t", (), {"symbol": ColumnType("str")}, columns={"Name": "symbol"}
    )
    table = read("Name,odd\nA,1\n", described)
    assert table.rows.to_dicts() == [{"symbol": "A"}]
    assert table.drift == ("odd",)


def test_a_missing_column_fails_and_names_column_and_dataset(read) -> None:
    """The pull fails rather than loading half a table."""
    with pytest.raises(SchemaError, match=r"prices\.daily.*missing column 'b'.*host/f\.csv"):
        read("a\n1\n", dataset(a="int", b="int"))


def test_a_column_that_comes_twice_is_refused(read) -> None:
    """Nobody can say which one is meant."""
    with pytest.raises(SchemaError, match="twice"):
        read("a,a\n1,2\n", dataset(a="int"))


def test_rejects_carry_row_column_reason_and_the_row(read) -> None:
    """A refused row is kept with all that is wrong in it; the others are loaded."""
    table = read("s,n\nA,1\nB,x\n,\nD,4\n", dataset(s="str", n="int"))
    assert table.rows.to_dicts() == [{"s": "A", "n": 1}, {"s": "D", "n": 4}]
    assert table.rejects.to_dicts() == [
        {
            "row_number": 2,
            "column_name": "n",
            "reason": "n is not an int",
            "raw": '{"s":"B","n":"x"}',
        },
        {
            "row_number": 3,
            "column_name": "s",
            "reason": "s is empty; n is empty",
            "raw": '{"s":"","n":""}',
        },
    ]


def test_bytes_that_are_not_text_reject_their_row_only(read) -> None:
    """NUL and bad UTF-8 name row and column; right-to-left marks and formulas are data."""
    body = b"s,n\nA\x00,1\nB\xff,2\n=1+1,3\n\xe2\x80\xaex,4\n"
    table = read(body, dataset(s="str", n="int"))
    assert table.rows["n"].to_list() == [3, 4]
    assert table.rejects["reason"].to_list() == ["s holds a NUL character", "s is not valid UTF-8"]
    assert table.rejects["raw"].to_list()[1] == '{"s":"B\\\\xff","n":"2"}'


@pytest.mark.parametrize(
    "body",
    [
        "a,b\n1,2,3\n",
        "a,b\n1,2\n3\n4,5\n",
        "a,b\n1,2\n3",
        'a,b\n1,"2\n3,4\n',
        'a,b\n1,"2',
        'a,b\n1,"',
        "",
        "\0" * 50,
        b"a,\xff\n1,2\n",
    ],
)
def test_a_file_with_ragged_rows_is_refused_whole(read, body) -> None:
    """A cell too many or too few, an open quote or no header: nothing is loaded."""
    with pytest.raises(ParsingError, match=r"prices\.daily"):
        read(body, dataset(a="int", b="int"))


def test_a_name_of_nothing_but_space_is_refused() -> None:
    """As an empty one is; where a text may be missing it is kept as delivered."""
    assert cast("str", " ", "\t", "\u00a0", "a") == [*["<is blank>"] * 3, "a"]
    assert cast("str?", " ", "") == [" ", None]


def test_a_symbol_or_key_without_an_end_rejects_its_row_only(read) -> None:
    """A symbol has 32 bytes, another name in a key 255, any other text 200,000."""
    rows = [("A" * 32, "B" * 255, "C" * 200_000), ("A" * 33, "B", "C")]
    rows += [("A", "B" * 10_000, "C"), ("D", "é" * 127, "C" * 200_001), ("E", "é" * 128, "C")]
    body = "symbol,venue,note\n" + "".join(",".join(row) + "\n" for row in rows)
    table = read(body, dataset(key=("symbol", "venue"), symbol="str", venue="str", note="str"))
    assert table.rows["symbol"].to_list() == ["A" * 32]
    assert table.rejects["reason"].to_list() == [
        "symbol is 33 bytes long; 32 at most",
        "venue is 10000 bytes long; 255 at most",
        "note is 200001 bytes long; 200,000 at most",
        "venue is 256 bytes long; 255 at most",
    ]
    assert table.rejects["raw"].str.len_chars().max() <= 4_000


def test_quotes_line_breaks_marks_and_blank_lines_are_read(read) -> None:
    """Quoted commas, quotes and line breaks, CRLF, a byte order mark, blank lines."""
    body = '\ufeffa,b\r\n1,"x,""y""\nz"\r\n\r\n2,w\r\n'
    table = read(body, dataset(a="int", b="str"))
    assert table.rows.rows() == [(1, 'x,"y"\nz'), (2, "w")]


def test_a_header_alone_is_an_empty_table(read) -> None:
    """With or without a newline at its end."""
    for body in ("a,b", "a,b\n"):
        table = read(body, dataset(a="int", b="date"))
        assert table.rows.schema == {"a": pl.Int64, "b": pl.Date}
        assert (table.rows_read, table.rejects.height) == (0, 0)


def test_a_row_beyond_the_block_size_is_refused(read, monkeypatch) -> None:
    """Memory is bounded: no row may be larger than one block."""
    monkeypatch.setattr(tables, "BLOCK_BYTES", 1000)
    with pytest.raises(SizeLimitError):
        read("a\n1\n" + "x" * 5000 + "\n", dataset(a="str"))


def test_doubled_rows_and_repeated_keys_are_kept_out(read) -> None:
    """The first row of a key stays; the others say whether they agree with it."""
    described = dataset(("k",), k="str", v="float?")
    table = read("k,v\nA,1\nB,\nA,1\nA,2\nB,\n", described)
    assert table.rows.rows() == [("A", 1.0), ("B", None)]
    assert table.rejects.select("row_number", "reason").rows() == [
        (3, "is a duplicate of row 1"),
        (4, "repeats the key of row 1 with other values"),
        (5, "is a duplicate of row 2"),
    ]


def test_odd_prices_are_stored_as_delivered(read) -> None:
    """Zero, negative and high below low are flagged later, not here."""
    described = dataset(open="float", high="float", low="float")
    assert read("open,high,low\n0,1,2\n-1,3,2\n", described).rejects.height == 0


def test_options_of_a_dataset_bend_the_rules(read) -> None:
    """Upper case, the vendor's zone, dates ahead, constants and columns that may be absent."""
    options = {
        "upper": ["s"],
        "zone": "America/New_York",
        "allow_future": True,
        "constants": {"c": "USD"},
        "optional": ["note"],
    }
    described = dataset((), options, s="str", at="datetime", c="str", note="str?")
    table = read("s,at\naapl,2027-07-01 08:00:00\n", described)
    assert table.rows.rows() == [("AAPL", datetime(2027, 7, 1, 12, tzinfo=UTC), "USD", None)]


def test_parquet_goes_by_the_same_rules(tmp_path: Path) -> None:
    """Typed columns are taken over exactly; what does not fit is rejected alike."""
    path = tmp_path / "f.parquet"
    at = datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    pl.DataFrame(
        {
            "s": ["A", None, "C"],
            "d": [date(2024, 1, 2)] * 3,
            "at": [at] * 3,
            "x": [0.1, 2.0, float("inf")],
            "n": [1.0, 2.0, 3.0],
            "ok": [True, False, None],
        }
    ).write_parquet(path)
    described = dataset((), s="str", d="date", at="datetime", x="float", n="int", ok="bool?")
    table = tables.read_parquet(path, described, today=TODAY)
    assert table.rows.rows() == [("A", date(2024, 1, 2), at, 0.1, 1, True)]
    assert table.rejects["reason"].to_list() == ["s is empty", "x is infinite"]
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(ParsingError, match="not a Parquet file"):
        tables.read_parquet(path, described, today=TODAY)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.dates(date(1900, 1, 1), TODAY),
        ),
        min_size=1,
    )
)
def test_what_polars_writes_is_read_back_the_same(tmp_path_factory, rows) -> None:
    """Any text, whole number, float and date survives the way through CSV."""
    frame = pl.DataFrame(
        rows, schema={"s": pl.String, "n": pl.Int64, "x": pl.Float64, "d": pl.Date}, orient="row"
    )
    path = tmp_path_factory.mktemp("csv") / "f.csv.gz"
    path.write_bytes(gzip.compress(frame.write_csv(quote_style="non_numeric").encode()))
    described = dataset((), s="str", n="int", x="float", d="date")
    table = tables.read_csv(path, described, today=TODAY)
    assert table.rejects.height == 0
    assert table.rows.equals(frame)


def test_the_real_five_year_file_loads_whole(shared_data: Path) -> None:
    """All 619,040 bars, empty cells as nulls, nothing refused."""
    path = shared_data / "prices/daily/all_stocks_5yr.csv.gz"
    price = dict.fromkeys(("open", "high", "low", "close"), "float?")
    described = Dataset(
        "prices.daily",
        "foundry",
        "bars_daily",
        ("symbol", "session"),
        {n: ColumnType.parse(k) for n, k in {"symbol": "str", "session": "date", **price}.items()},
        columns={"Name": "symbol", "date": "session"},
    )
    table = tables.read_csv(path, described, today=TODAY)
    assert (len(table.rows), table.rejects.height, table.drift) == (619_040, 0, ("volume",))
    assert table.rows.null_count().row(0) == (0, 0, 11, 8, 8, 0)


def test_ratios_that_shares_are_not_split_by_are_refused(read) -> None:
    """They would turn every price before them into 0 or infinity; none and zero are no split."""
    described = dataset(symbol="str", ex_date="date", kind="str", ratio="float?")
    ratios = ["7", "0.000025", "", "0", "1e-320", "9e99", "-2", "1e13"]
    rows = "".join(f"S{n},2026-11-02,split,{ratio}\n" for n, ratio in enumerate(ratios))
    table = read("symbol,ex_date,kind,ratio\n" + rows, described)
    assert table.rows["ratio"].to_list() == [7.0, 0.000025, None, 0.0]
    reasons = table.rejects["reason"].unique().to_list()
    assert table.rejects.height == 4
    assert reasons == ["ratio is no ratio that shares are split by"]


def test_amounts_that_no_share_pays_are_refused(read) -> None:
    """One of them would be posted for each share held, or stop the settlement of every plan."""
    described = dataset(symbol="str", ex_date="date", kind="str", ratio="float?", amount="float?")
    amounts = ["0.5", "", "0", "1000000000", "-2", "1e308", "1000000001"]
    rows = "".join(f"S{n},2026-11-02,dividend,,{amount}\n" for n, amount in enumerate(amounts))
    table = read("symbol,ex_date,kind,ratio,amount\n" + rows, described)
    assert table.rows["amount"].to_list() == [0.5, None, 0.0, 1e9]
    assert table.rejects["reason"].to_list() == ["amount is no amount that a share pays"] * 3
