import pytest

from model_zoo.errors import BadData
from training.recipe import FOLDER, read_recipe

GOOD = 'backbone = "MobileNetV2"\n[[phases]]\nside = 32\nepochs = 1\n'


def write(tmp_path, text):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda f: f.stem)
def test_every_recipe_reads(file):
    recipe = read_recipe(file.stem)
    assert recipe.name == file.stem
    assert recipe.epochs == sum(phase.epochs for phase in recipe.phases) > 0


def test_defaults_and_name(tmp_path):
    recipe = read_recipe(write(tmp_path, GOOD))
    assert recipe.name == "mine"
    assert recipe.augment.rotation == 180.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bakbone = 1\n" + GOOD, "unknown key bakbone"),
        (GOOD + "[augment]\nspin = 3\n", r"unknown key augment\.spin"),
        ("batch = 'many'\n" + GOOD, "batch must be int"),
        ("batch = true\n" + GOOD, "batch must be int"),
        (GOOD.replace("side = 32\n", ""), r"missing key phases\.side"),
        (GOOD + "[augment]\narea = [0.5]\n", "needs 2 values"),
        ("batch = \n" + GOOD, "mine.toml"),
        ('criterion = "f1"\n' + GOOD, "criterion must be one of balanced_accuracy"),
        ('precision = "float17"\n' + GOOD, "precision must be one of"),
        ("batch = -3\n" + GOOD, "batch must be above 0"),
    ],
)
def test_faults_are_named(tmp_path, text, says):
    with pytest.raises(BadData, match=says):
        read_recipe(write(tmp_path, text))


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(BadData, match="mobilenetv2"):
        read_recipe("nothing")


def test_weights_may_be_given(tmp_path):
    assert read_recipe(write(tmp_path, GOOD), weights="none").weights == "none"
