"""Settings, choice of adapters, processes and use cases; the only room that owns a clock and an environment.

Everything a door does is one call into here. Imports all rooms below it; ``web`` and ``cli`` import it.
"""
