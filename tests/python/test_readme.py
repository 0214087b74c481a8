"""The scripts of README.md print what stands below them."""
import os
import re
import subprocess
import sys

import pytest

with open("README.md", encoding="utf-8") as f:
    EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", f.read(), re.DOTALL)


def words(text):
    """The numbers of a text, and the text without them."""
    number = r"-?\d+(?:\.\d+)?"
    return [float(x) for x in re.findall(number, text)], re.sub(number, "#", text).split()


def test_there_are_some():
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize("script, output", EXAMPLES)
def test_prints_what_stands_there(script, output, tmp_path):
    os.symlink(os.path.abspath("spec"), tmp_path / "spec")
    path = os.pathsep.join([os.path.abspath("src/python"), os.environ["PYTHONPATH"]])
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, text=True,
                          env={**os.environ, "PYTHONPATH": path, "MPLBACKEND": "Agg"},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if "needs matplotlib" not in done.stderr:
        assert done.returncode == 0, done.stderr
    numbers, rest = words(done.stdout)
    want_numbers, want_rest = words(output)
    assert rest == want_rest
    # Another processor's kernels may round otherwise in the last digit that is shown.
    assert numbers == pytest.approx(want_numbers, rel=0.02, abs=0.011)
