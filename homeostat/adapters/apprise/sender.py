"""One message to one address through Apprise; what comes back says nothing of the address."""

from __future__ import annotations

import logging
import re

_STATUS = re.compile(r"error=(\d{3})\b")
_WEBHOOKS = ("json", "jsons", "xml", "xmls", "form", "forms")
"""Schemes whose messages may carry a header of ours."""
_SECONDS = 15.0
UNREACHABLE = "it could not be reached, or did not take the message"


class AppriseSender:
    """Sends plain text. Redirects are not followed: a message goes to the address or nowhere."""

    def send(self, address: str, title: str, body: str, key: str) -> str | None:
        """Send it to an Apprise URL; None when it was taken, else why not, in words of ours.

        Webhooks get ``key`` as the header ``Idempotency-Key``.
        """
        import apprise  # heavy, and needed only here

        asset = apprise.AppriseAsset(
            app_id="Homeostat",
            app_desc="Homeostat",
            app_url="",
            image_url_mask="",
            image_url_logo="",
            http_redirects=False,
            async_mode=False,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
            service_timeout=_SECONDS,
        )
        heard = _Status()
        logger = logging.getLogger("apprise")
        logger.propagate = False  # what it says may hold the address
        logger.handlers = [heard]
        plugin = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if plugin is None:
            return "the address is none that Apprise knows: see its scheme and what has to follow"
        if address.partition("://")[0].lower() in _WEBHOOKS:
            vars(plugin)["headers"]["Idempotency-Key"] = key
        service = apprise.Apprise(asset=asset)
        service.add(plugin)
        return None if service.notify(body=body, title=title, body_format="text") else heard.why()


class _Status(logging.Handler):
    """Hears of all that Apprise says only the status of a reply."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._status = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a status, and nothing else."""
        found = _STATUS.search(record.getMessage())
        if found:
            self._status = found[1]

    def why(self) -> str:
        """In words."""
        return f"it answered {self._status}" if self._status else UNREACHABLE
