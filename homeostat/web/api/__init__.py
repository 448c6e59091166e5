"""The control API under ``/api`` and the dashboard's files; each route is one call into ``app``."""
