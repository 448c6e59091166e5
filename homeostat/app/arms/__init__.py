"""Candidates in processes of their own: asked over a socket, limited in time and memory, started again when they die.

``process.py`` is the gateway's side, ``host.py`` the child's. Reads version folders; writes nothing.
"""
