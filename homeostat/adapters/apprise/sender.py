"""One message to one address through Apprise; what comes back says nothing of the address."""

from __future__ import annotations

import logging
import re

_STATUS = re.compile(r"error=(\d{3})")
