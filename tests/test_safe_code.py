"""Nothing that comes from a file is ever run: no evaluation, no pickles, no unsafe loading."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    file
    for room in ("model_zoo", "streamlit_app", "training")
    for file in (ROOT / room).rglob("*.py")
)
CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
MODULES = {"pickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}
# Keyword arguments that would let a file bring code of its own.
UNSAFE = {("allow_pickle", True), ("safe_mode", False), ("shell", True), ("verify", False)}
# Pages hold text, never markup that came with a photo.
MARKUP = {"unsafe_allow_html", "unsafe_allow_javascript"}


def faults(tree: ast.AST) -> list[str]:
    """What in a module could run what a file holds, by line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in CALLS:
                found.append(f"{node.lineno}: {node.func.id}()")
            for keyword in node.keywords:
                value = getattr(keyword.value, "value", None)
                if (keyword.arg, value) in UNSAFE or (keyword.arg in MARKUP and value):
                    found.append(f"{node.lineno}: {keyword.arg}={value}")
        elif isinstance(node, ast.Import):
            found += [f"{node.lineno}: {a.name}" for a in node.names if a.name in MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            found.append(f"{node.lineno}: {node.module}")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_module_runs_what_a_file_holds(file):
    assert not faults(ast.parse(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "code",
    [
        "eval(text)",
        "import pickle",
        "from joblib import load",
        "np.load(file, allow_pickle=True)",
        "load_model(file, safe_mode=False)",
        "st.markdown(x, unsafe_allow_html=True)",
    ],
)
def test_the_rule_can_fail(code):
    assert faults(ast.parse(code))
