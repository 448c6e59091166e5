"""How right a loop is, with its labels and before they come, and how good what was said before turned out to be.

Reads the days of a loop; pure. May import what control may.
"""
