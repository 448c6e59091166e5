"""Writes what protoc makes of the gRPC interface into the package: ``.venv/bin/python scripts/descriptor.py``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

FOLDER = Path(__file__).resolve().parents[1] / "homeostat" / "web" / "doors" / "oip_grpc"
SOURCE, TARGET = FOLDER / "inference.proto", FOLDER / "descriptor.py"
_HEAD = '''"""What protoc makes of ``inference.proto``, written by ``scripts/descriptor.py``: a FileDescriptorSet."""

from __future__ import annotations

SERIALIZED = bytes.fromhex("""
'''
_WIDTH = 100


def generated(source: Path) -> str:
    """The module that holds the descriptors of a .proto file. Raises: RuntimeError when protoc refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "set"
        told = ["protoc", f"-I{source.parent}", f"--descriptor_set_out={made}", source.name]
        if protoc.main(told):
            raise RuntimeError(f"protoc refuses {source}")
        text = made.read_bytes().hex()
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return _HEAD + "\n".join(lines) + '\n""")\n'


if __name__ == "__main__":
    sys.exit(TARGET.write_text(generated(SOURCE)) == 0)
