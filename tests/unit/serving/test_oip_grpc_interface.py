"""The interface is the published one, and the package holds what protoc makes of it."""

from __future__ import annotations

import runpy
import subprocess
import sys
from typing import Any

from google.protobuf import descriptor_pb2
from tritonclient.grpc import service_pb2

from homeostat.web.doors.oip_grpc.messages import SERVICE
from tests.harness.running import ROOT

Fields = dict[str, tuple[int, int, int, str]]
OPTIONAL = {
    "ModelMetadataResponse.parameters",
    "ModelMetadataResponse.TensorMetadata.parameters",
    "ModelMetadataResponse.ParametersEntry",
    "ModelMetadataResponse.TensorMetadata.ParametersEntry",
}
"""What some servers have beside the interface: MLServer's metadata has these fields."""


def described(file: Any) -> descriptor_pb2.FileDescriptorProto:
    """A file's own description."""
    made = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(made)
    return made


def fields(messages: Any, within: str = "") -> dict[str, Fields]:
    """Every message, those within others too, with the number, kind, label and type of each field."""
    found: dict[str, Fields] = {}
    for one in messages:
        name = f"{within}{one.name}"
        found[name] = {field.name: (field.number, field.type, field.label, field.type_name) for field in one.field}
        found |= fields(one.nested_type, f"{name}.")
    return found


def test_every_field_has_the_name_the_number_and_the_type_that_clients_know() -> None:
    ours, theirs = (described(one) for one in (SERVICE.file, service_pb2.DESCRIPTOR))
    assert (ours.package, ours.service[0].name) == (theirs.package, theirs.service[0].name)
    known = fields(theirs.message_type)
    for message, has in fields(ours.message_type).items():
        if message not in OPTIONAL:
            kept = {name: told for name, told in has.items() if f"{message}.{name}" not in OPTIONAL}
            assert kept == known[message], message
    calls = {one.name: (one.input_type, one.output_type) for one in theirs.service[0].method}
    assert {one.name: (one.input_type, one.output_type) for one in ours.service[0].method}.items() <= calls.items()


def test_the_package_holds_what_protoc_makes_of_the_interface() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "descriptor.py"))
    assert script["TARGET"].read_text() == script["generated"](script["SOURCE"]), "run scripts/descriptor.py"


def test_a_loop_file_may_import_another_client_of_the_same_messages() -> None:
    ours, other = "homeostat.web.doors.oip_grpc.server", "tritonclient.grpc"
    for order in (f"{ours}, {other}", f"{other}, {ours}"):
        subprocess.run([sys.executable, "-W", "error", "-c", f"import {order}"], cwd=ROOT, check=True)


def test_doors_without_a_grpc_port_load_neither_grpc_nor_protobuf() -> None:
    script = """
import sys, homeostat.app.gateway.process, homeostat.web.doors.wiring
print(*sorted(name for name in ("grpc", "google.protobuf") if name in sys.modules))
"""
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert told.stdout.split() == []
