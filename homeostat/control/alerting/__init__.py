"""From days, decisions and the state of a loop to readings of the rules that raise alerts; all pure.

What is shown and stored is read; nothing is measured here. May import monitoring, governance and the rest of control.
"""
