"""The recorder: the one process that writes facts, and its clients.

Owns journal.sqlite, online.sqlite, tables/ and log/; reads spool/predictions/.
Speaks frames over a Unix socket; the client imports none of the stores, so that serving stays light.
"""
