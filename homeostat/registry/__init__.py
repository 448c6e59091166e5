"""What a version is made of, where it came from, and whether its files are still what was written.

Owns the manifest of a version folder and the fingerprint of a training run; declares the port ``Registry``.
Reads and writes only version folders. May import kernel, stats, data and features; importing it is cheap,
so a serving process can read a manifest.
"""

from __future__ import annotations

from homeostat.registry.manifest import read_manifest, verify_files, write_manifest
from homeostat.registry.models import Fingerprint, Kind, Registry, TrainingPin, Version

__all__ = [
    "Fingerprint",
    "Kind",
    "Registry",
    "TrainingPin",
    "Version",
    "read_manifest",
    "verify_files",
    "write_manifest",
]
