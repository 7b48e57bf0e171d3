"""Checks the server with schemathesis, which makes valid and invalid requests from the OpenAPI document."""

import subprocess
import sys
import tempfile
from pathlib import Path

#: To the document, pictures are arbitrary bytes; refusing such bytes is not a fault.
EXCLUDED = "positive_data_acceptance"
#: The number of requests for each operation.
EXAMPLES = 100


def responses_match_the_document(url, *args):
    """All responses are as the document describes them."""
    command = [
        Path(sys.executable).absolute().parent / "schemathesis",
        "run",
        f"{url}/openapi.json",
        "--checks=all",
        f"--exclude-checks={EXCLUDED}",
        f"--max-examples={EXAMPLES}",
        "--workers=1",
        "--seed=1",
        "--request-timeout=60",
        "--generation-database=none",
        "--no-color",
        *args,
    ]
    # schemathesis writes its findings to the working folder.
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]


CHECKS = [responses_match_the_document]
