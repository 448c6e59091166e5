"""Ed25519 signatures of the ledger's heads, outside the database; keys and OpenSSF signatures of versions."""
