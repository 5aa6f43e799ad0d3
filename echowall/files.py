"""Write a file whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def replace(file: Path, text: str, *, mode: int | None = None) -> None:
    """Replace the contents of the file by `text`. A reader sees either all of the old contents or all of the new.

    `mode` is that of the file; by default an existing file keeps its own, and a new one has 0644. Nobody else can read
    the text before the file has its mode. Raises OSError; the file is then unchanged.
    """
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        if mode is None:
            mode = 0o644
            with suppress(FileNotFoundError):
                mode = file.stat().st_mode & 0o7777
        fresh.chmod(mode)
        fresh.replace(file)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
