"""When things are due: sessions of exchanges, schedules, windows, freshness."""
