"""Datasets and their pulls: refresh, import, backfill, jobs, upstreams."""
