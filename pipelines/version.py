"""The version of this program, as written into infotexts."""

VERSION = "0.1.0"

PROGRAM = "overpaint"

VERSION_TAG = f"{PROGRAM}-{VERSION}"
"""The infotext's `Version`: a name in front, so that nobody takes it for a version of A1111."""
