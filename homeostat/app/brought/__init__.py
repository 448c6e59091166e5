"""Models from elsewhere, for a loop to serve as they are.

``load_model`` is what the loop files call that ``homeostat init`` has made.
"""

from __future__ import annotations

from homeostat.app.brought.models import load_model

__all__ = ["load_model"]
