"""The relational store in SQL: loop states, days, alerts, consumers and the ledger, changed by compare-and-set."""
