"""A client of the desk's API for notebooks and scripts: lists as Polars frames, retries, pages.

    from core.client import OpenbellClient

    with OpenbellClient("http://127.0.0.1:8501", "obt_…") as desk:
        desk.grades(ticker="AAPL")

It knows nothing of the desk but its API, and loads httpx and Polars alone. Money is Decimal in
frames and text in documents. Errors are those of `core.errors`, as the desk tells them.
"""

from core.client.awaiting import AsyncOpenbellClient
from core.client.blocking import OpenbellClient
from core.client.calls import Patience, address_beside

__all__ = ["AsyncOpenbellClient", "OpenbellClient", "Patience", "address_beside"]
