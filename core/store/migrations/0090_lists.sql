-- Named lists of symbols: everybody sees them, whoever made one (or an admin) changes it.
CREATE TABLE symbol_lists (
    name VARCHAR NOT NULL, owner VARCHAR NOT NULL, owner_name VARCHAR NOT NULL, made_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE symbol_list_members (
    name VARCHAR NOT NULL, symbol VARCHAR NOT NULL, added_at TIMESTAMPTZ NOT NULL
);
