"""Companies, their filings and grades: what pages, commands and exports ask of them."""
