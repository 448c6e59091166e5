"""The relational store over SQLAlchemy: loop states, days and the ledger, changed by compare-and-set."""
