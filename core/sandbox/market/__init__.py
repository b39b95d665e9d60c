"""A simulated market: sessions, prices by day and minute, news, corporate actions."""
