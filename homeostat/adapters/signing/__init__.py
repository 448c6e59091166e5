"""Ed25519 keys and the file of signed ledger heads, outside the database."""
