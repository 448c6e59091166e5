"""The command line: one use case per command; stdout is data, stderr is talk.

Exit codes: 0 done, 1 an error that says its mend, 2 wrong usage, 3 a check found a problem, 130 interrupted.
"""
