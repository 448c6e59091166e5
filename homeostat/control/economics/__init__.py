"""What keeping a model right costs and what it saves: formulas, prices of a loop, and its account.

Owns the arithmetic of money. Reads measured days, versions and decisions; writes nothing and decides nothing.
An input that nobody gave is asked for: it is never 0 and never invented. May import what control imports.
"""
