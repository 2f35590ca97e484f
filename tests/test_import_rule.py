"""The three rooms and who may enter which."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "model_zoo": {"streamlit", "streamlit_app", "training", "pandas", "matplotlib", "sklearn"},
    "training": {"streamlit", "streamlit_app"},
    "streamlit_app": {"keras", "tensorflow", "training"},
}


def imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", FORBIDDEN)
def test_no_forbidden_arrow(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    entered = {str(file): imported(file) & FORBIDDEN[room] for file in files}
    assert {name: found for name, found in entered.items() if found} == {}


@pytest.mark.parametrize(
    "module", ["model_zoo.classifier", "model_zoo.__main__", "streamlit_app.cache"]
)
def test_serving_starts_without_tensorflow(module):
    code = f"import {module}, sys; print({{'tensorflow', 'keras'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("room", FORBIDDEN)
def test_files_stay_small(room):
    long = {
        str(file.relative_to(ROOT)): count
        for file in (ROOT / room).rglob("*.py")
        if (count := len(file.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}
