"""What every page is built of: frame, links, URL-bound widgets, tables, badges, caching."""
