"""The way to a server, on which things go wrong: answers are lost or late, and nobody knows the certificate."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Wire:
    """Passes bytes between its own port and a server's, encrypted towards clients with ``certificate``.

    While ``lost`` is set, the server does what a request asks that holds these bytes, and its answer is never seen.
    """

    to: int
    certificate: Path | None = None
    lost: bytes = b""
    port: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, listening: socket.socket) -> None:
        while not self._stop.is_set():
            with suppress(OSError):
                near, _ = listening.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with suppress(OSError), ExitStack() as stack:
            stack.enter_context(near)
            far = stack.enter_context(socket.create_connection(("127.0.0.1", self.to)))
            if self.certificate is not None:
                told = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                told.load_cert_chain(self.certificate)
                near = stack.enter_context(told.wrap_socket(near, server_side=True))
            silent = threading.Event()
            back = threading.Thread(target=self._pass, args=(far, near, silent), daemon=True)
            back.start()
            self._pass(near, far, silent, asking=True)
            back.join()

    def _pass(
        self, source: socket.socket, target: socket.socket, silent: threading.Event, asking: bool = False
    ) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if asking and self.lost and self.lost in data:
                    silent.set()
                if not asking and silent.is_set():
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(to: int, certificate: Path | None = None) -> Iterator[Wire]:
    """A wire that listens on loopback for as long as it is needed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        found = Wire(to, certificate, port=listening.getsockname()[1])
        thread = threading.Thread(target=found.run, args=(listening,))
        thread.start()
        yield found
        found._stop.set()
        thread.join()


def certificate(folder: Path) -> Path:
    """A file with a certificate for loopback that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(private + made.public_bytes(pem))
    return file
