"""What policies would have come to on a loop's own history: their releases, their costs and a hindsight oracle.

Owns the replay of decisions on a weekly grid. Reads versions that were really trained on what was known each week;
judges with the very judges that run live, and writes nothing. May import what control imports.
"""
