"""Plans, journal and risk: what pages, commands and exports ask of them."""
