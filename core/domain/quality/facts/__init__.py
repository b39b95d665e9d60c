"""Facts laid out for the rules: periods, items, measures, and who is affected by what."""
