"""Options of `fit` that say how a recipe is trained."""

import subprocess
import sys

import keras
import pytest

from training import checkpoint
from training.__main__ import main
from training.recipe_file import read_recipes

TINY = """backbone = "Tiny"
weights = "none"
precision = "float32"
batch = 16
phases = [{ side = 24, epochs = 1 }]
"""


@pytest.fixture
def asked(data, tiny_backbone, tmp_path, monkeypatch):
    """The command that fits a tiny recipe, whose precision is float32."""
    (tmp_path / "tiny.toml").write_text(TINY)
    yield [
        *("fit", "--recipe", str(tmp_path / "tiny.toml"), "--images", str(data.images)),
        *("--data", str(data.folder), "--out", str(tmp_path / "run")),
    ]
    keras.config.set_dtype_policy("float32")


def test_a_precision_is_recorded_and_a_run_not_resumed_with_another(asked, tmp_path, capsys):
    bfloat16 = ["--precision", "mixed_bfloat16"]
    assert main([*asked, *bfloat16]) == 0
    recorded = checkpoint.read_json(tmp_path / "run" / checkpoint.RECIPE)
    assert recorded["precision"] == "mixed_bfloat16"
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    assert main([*asked, *bfloat16, "--resume"]) == 0
    capsys.readouterr()
    for other in ([], ["--precision", "float32"]):
        assert main([*asked, *other, "--resume"]) == 1
        told = capsys.readouterr().err
        assert "precision" in told
        assert "mixed_bfloat16" in told


def test_a_precision_is_that_of_every_stage():
    stages = read_recipes("resnet50_reference", precision="mixed_float16", epochs=2)
    assert {stage.precision for stage in stages} == {"mixed_float16"}
    assert {stage.precision for stage in read_recipes("mobilenetv2_reference")} == {"float32"}


@pytest.mark.parametrize(
    "given",
    [("--limit", "0"), ("--limit", "-3"), ("--epochs", "0"), ("--precision", "float17")],
    ids=" ".join,
)
def test_what_cannot_be_trained_with_is_refused(asked, given, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([*asked, *given])
    assert given[0] in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("package", ["keras", "matplotlib"])
def test_without_a_package_evaluate_says_what_to_install(package, tmp_path):
    code = f"""if True:
        import sys
        sys.modules[{package!r}] = None  # as if it were not installed
        from training.__main__ import main
        sys.exit(main())
    """
    given = ("evaluate", "--model", "mobilenetv2", "--data", tmp_path, "--out", tmp_path / "out")
    command = [sys.executable, "-c", code, *map(str, given)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    told = f"needs the package {package}, which serving does without"
    assert told in done.stderr
    assert "Traceback" not in done.stderr
