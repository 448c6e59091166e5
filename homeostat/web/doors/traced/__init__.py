"""The doors of a gateway that was told where traces go: the same doors, and one span for each request.

Put in their place by ``wiring``; a gateway without traces never loads this.
"""
