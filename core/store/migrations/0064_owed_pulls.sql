-- Whether a pull left out something for a reason that passes: it has stored what came, but it does not
-- answer its window.
ALTER TABLE pulls ADD COLUMN owed BOOLEAN;
