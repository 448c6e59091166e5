"""The server on a gateway's gRPC port: bounded in what it takes and how long it waits, in the gateway's event loop."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from homeostat.app.gateway.answers import Attempt
from homeostat.app.gateway.door_parts import GatewaySettings
from homeostat.app.processes.ports import check_grpc_port_free, grpc_port_taken
from homeostat.kernel.errors import HomeostatError, InvalidInput, TooLarge
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.oip.repository import Repository
from homeostat.web.doors.oip_grpc.calls import Call, calls_of
from homeostat.web.doors.oip_grpc.messages import SERVICE, Message, parsed
from homeostat.web.doors.oip_grpc.refusals import grpc_status, parts_of_error, text_of_error
from homeostat.web.doors.once import Once, key_of
from homeostat.web.doors.replies import fault
from homeostat.web.statuses import status_of

_LOG = logging.getLogger("homeostat.doors")
_MOST_CALLS = 1_024
"""Calls that are open at once; more are refused by gRPC itself."""
_CONNECTION_SECONDS = 600
"""After so long, clients are asked to connect anew: whoever reads no answers is let go, and replicas share the rest."""
_PATIENCE = 2
"""Times the limit that is read of a message which will be refused: beyond, gRPC refuses it, without a mend."""
_LEFT = 499


class Asked:
    """One call as the doors know requests: metadata for headers, one message for a body."""

    __slots__ = ("_messages", "attempt", "header", "kept", "loop")

    def __init__(self, messages: AsyncIterator[bytes], context: Any) -> None:
        told: dict[str, str] = {}
        for name, value in context.invocation_metadata() or ():
            told.setdefault(name, value)
        self.header, self.loop, self._messages = told.get, "", messages
        self.kept: bytes | None = None
        self.attempt: Attempt | None = None

    async def body(self, limit: int) -> bytes:
        """The message. Raises: TooLarge; InvalidInput when there is none."""
        content = await anext(self._messages, None)
        if content is None:
            raise InvalidInput("The call holds no message.", mend="Send one message of the published interface.")
        if len(content) > limit:
            mend = "Send it in several calls."
            raise TooLarge(f"The message is larger than {limit} bytes.", mend=mend, limit_bytes=limit)
        return content


class OipGrpc(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers every call with what it asked for or with an error that says how to mend it."""

    def __init__(self, asking: Asking, once: Once, repository: Repository, settings: GatewaySettings) -> None:
        self._asking, self._once, self._settings = asking, once, settings
        calls = calls_of(repository).items()
        self._handlers = {f"/{SERVICE.full_name}/{name}": self._handler(call) for name, call in calls}
        self._server: Any = None
        self._open = 0

    def service(self, handler_call_details: Any) -> Any:
        """Who answers a call, by its path; nobody does for those that the interface has not."""
        return self._handlers.get(handler_call_details.method)

    def open_calls(self) -> int:
        """Calls that are being answered."""
        return self._open

    async def open(self) -> None:
        """Listen. Raises: Conflict when the port is taken."""
        told, port = self._settings, self._settings.grpc_port
        assert port is not None
        if not told.shared:
            check_grpc_port_free(port)
        self._server = grpc.aio.server(options=_options(told), maximum_concurrent_rpcs=_MOST_CALLS)
        self._server.add_generic_rpc_handlers((self,))
        try:
            self._server.add_insecure_port(f"{told.host}:{port}")
        except RuntimeError as error:
            raise grpc_port_taken(port) from error
        await self._server.start()

    async def close(self, patience: float) -> None:
        """Take no more calls; return when none is open, or after ``patience`` seconds."""
        if self._server is not None:
            await self._server.stop(patience)

    def _handler(self, call: Call) -> Any:
        """Entered before the message is there, so that one which does not come cannot hold its place."""

        async def answered(messages: AsyncIterator[bytes], context: Any) -> bytes:
            return await self._answered(call, messages, context)

        return grpc.stream_unary_rpc_method_handler(answered)

    async def _answered(self, call: Call, messages: AsyncIterator[bytes], context: Any) -> bytes:
        self._open += 1
        asked, began, status = Asked(messages, context), time.perf_counter(), _LEFT
        try:
            found = await self._answer(call, asked)
            status = 200 if isinstance(found, bytes) else status_of(found)
        finally:
            self._open -= 1
            self._asking.metrics.request(call.door, (asked.loop,), status, time.perf_counter() - began)
        if isinstance(found, HomeostatError):
            await context.abort(grpc_status(status), text_of_error(found), parts_of_error(found))
            raise found  # never reached: abort raises
        return found

    async def _answer(self, call: Call, asked: Asked) -> bytes | HomeostatError:
        try:
            request = parsed(call.request, await self._asking.body(asked))
            asked.loop = getattr(request, call.loop) if call.loop else ""
            return await self._told(call, request, asked)
        except HomeostatError as error:
            return fault() if status_of(error) == 500 else error
        except Exception:
            _LOG.exception("%s failed", call.door)
            return fault()

    async def _told(self, call: Call, request: Message, asked: Asked) -> bytes:
        async def answer() -> bytes:
            told: bytes = (await call.answer(request, asked)).SerializeToString()
            return told

        key = key_of(asked) if call.once else None
        if key is None:
            return await answer()
        said = request.SerializeToString(deterministic=True)  # clients write a map's entries in any order
        return await self._once.answered(asked, (call.door, asked.loop, key), (said,), answer)


def _options(settings: GatewaySettings) -> list[tuple[str, int]]:
    slowest = settings.slowest_sender_seconds * 1_000
    return [
        ("grpc.so_reuseport", int(settings.shared)),
        ("grpc.max_receive_message_length", settings.max_body_bytes * _PATIENCE),
        ("grpc.max_send_message_length", -1),
        ("grpc.server_handshake_timeout_ms", slowest),
        ("grpc.keepalive_time_ms", slowest),
        ("grpc.keepalive_timeout_ms", slowest),
        ("grpc.max_connection_idle_ms", slowest),
        ("grpc.max_connection_age_ms", _CONNECTION_SECONDS * 1_000),
        ("grpc.max_connection_age_grace_ms", slowest),
    ]
