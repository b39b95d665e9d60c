"""Sixty simulated companies: books that add up, filings, facts, and planted faults."""
