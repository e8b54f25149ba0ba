"""The scorer of the Numenta benchmark, on cases computed by hand (`bench/nab --test`)."""

import subprocess
import sys

from conftest import ROOT


def test_the_scorer_is_right():
    done = subprocess.run(
        [sys.executable, ROOT / "bench/nab", "--test"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "every case" in done.stdout
