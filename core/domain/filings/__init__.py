"""Filings of the SEC: forms, their clock, facts and the figures made of them, sectors."""
