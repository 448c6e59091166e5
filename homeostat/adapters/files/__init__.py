"""Plain files that survive a crash: the spool of predictions and the copies of routes.

Writes spool/predictions/*.spool (the gateway) and routes/<loop>.json (control); reads both back.
May import serving, data and kernel.
"""
