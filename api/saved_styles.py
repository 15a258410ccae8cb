"""The saved prompt styles as the API sees them: read anew at each call, damage told."""

from __future__ import annotations

from pathlib import Path

from api.errors import crash
from pipelines.styles import Style, StylesError, read_styles


def saved_styles(path: Path | None) -> tuple[Style, ...]:
    """All styles of the styles.csv, none without one. Raises WireError when it is damaged."""
    if path is None:
        return ()
    try:
        return read_styles(path)
    except (StylesError, OSError) as error:
        raise crash("StylesError", f"styles.csv cannot be used: {error}") from error
