"""hadolint's real binary, asked about many texts in one call."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HADOLINT = Path(sys.executable).parent / "hadolint"
Found = tuple[str, int, str, str]
"""Code, line, level, message."""


def findings_of_hadolint(texts: Sequence[str], *flags: str) -> list[list[Found]]:
    """The DL findings in each text; of a text that it cannot read, only that, without a message."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number:05}" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text.encode())
        command: list[str | Path] = [HADOLINT, "--no-fail", "-f", "json", *flags, *paths]
        result = subprocess.run(command, capture_output=True, check=True)
    found: dict[str, list[Found]] = {str(path): [] for path in paths}
    for item in json.loads(result.stdout):
        if item["code"].startswith("DL"):
            message = "" if item["code"] == "DL1000" else item["message"]
            found[item["file"]].append((item["code"], item["line"], item["level"], message))
    return list(found.values())
