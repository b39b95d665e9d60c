"""Scans, gap statistics and symbols: what pages, commands and exports ask of them."""
