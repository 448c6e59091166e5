"""The tables of a home: taken in, promised by contracts, looked into, and kept readable."""
