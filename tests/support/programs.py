"""Programs that import TensorFlow, each in a process of its own."""

import json
import os
import subprocess
import sys


def printed(program, given, **variables):
    """The JSON in the last line that a program prints, which reads `given` as JSON.

    `variables` are added to its environment.
    """
    ended = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(given),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])
