"""The same model behind other servers, each in its own usual way: ``python -m ...peers.NAME FOLDER PORT``.

They run in whatever interpreter has them installed, so they import nothing of Homeostat.
"""
