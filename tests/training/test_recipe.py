import pytest

from model_zoo.errors import BadData
from training.readme import README
from training.recipe_file import FOLDER, read_recipe, read_recipes

GOOD = 'backbone = "MobileNetV2"\n[[phases]]\nside = 32\nepochs = 1\n'


def write(tmp_path, text):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda f: f.stem)
def test_every_recipe_reads(file):
    recipes = read_recipes(file.stem)
    assert len(recipes) == {"reference": 3, "light": 2, "flagship": 3, "root": 2}.get(
        file.stem.split("_")[-1], 1
    )
    for recipe in recipes:
        assert recipe.epochs == sum(phase.epochs for phase in recipe.phases) > 0
        assert (FOLDER / f"{recipe.name}.toml").is_file()


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
        (GOOD.replace("MobileNetV2", "MobilNet"), "backbone must be one of ResNet50, "),
        ('criterion = "f1"\n' + GOOD, "criterion must be one of balanced_accuracy"),
        ('precision = "float17"\n' + GOOD, "precision must be one of"),
        ("batch = -3\n" + GOOD, "batch must be above 0"),
        ('loss = "hinge"\n' + GOOD, "loss must be one of cross_entropy"),
        ("class_weights = [1.0]\n" + GOOD, "class_weights needs 8 values"),
        ('oversample = ["XX"]\n' + GOOD, "oversample must be one of AK"),
        ('oversample = ["AK"]\nsampling_power = 0.5\n' + GOOD, "sampling_power = 1"),
        (GOOD + "[optimizer]\nplateau = { factor = 0.5 }\n", r"missing key optimizer\.plateau\."),
        ('base = "nothing"\n' + GOOD, "no base nothing"),
        ('base = "mine"\n' + GOOD, "bases, one upon the other"),
        ("stages = []\n", "expected nothing but stages"),
        ("stages = 3\n", "expected nothing but stages"),
        ('stages = ["mine"]\n', "the stage mine has stages itself"),
        ("class_weights = 1.0\n" + GOOD, "class_weights must be a list"),
        ('oversample = "DF"\n' + GOOD, "oversample must be a list"),
        ("seed = -1\n" + GOOD, "seed must not be negative"),
        ("unfrozen = -2\n" + GOOD, "unfrozen must be -1"),
        ('loss = "binary_focal_over_softmax"\n' + GOOD, "set label_smoothing = 0.0"),
        ("mixup = -0.2\n" + GOOD, "must not be negative"),
        ("dropout = 1.0\n" + GOOD, "below 1"),
        ("mixup = 0.2\nclass_weight_power = 1.0\n" + GOOD, "do not go with mixup"),
        ("logit_adjustment = 1.0\nsampling_power = 0.5\n" + GOOD, "goes with sampling_power"),
        ("early_stop = 3\n" + GOOD + "[[phases]]\nside = 64\nepochs = 1\n", "single phase"),
        ('stages = ["a"]\nbatch = 3\n', "expected nothing but stages"),
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


def test_a_base_is_changed_key_by_key(tmp_path):
    write(tmp_path, "batch = 4\n" + GOOD + "[optimizer]\npeak = 0.5\nema = 0.0\n")
    other = tmp_path / "other.toml"
    other.write_text('base = "mine"\nbatch = 5\n[optimizer]\nema = 0.9\n')
    recipe = read_recipe(str(other))
    assert (recipe.name, recipe.batch, recipe.backbone) == ("other", 5, "MobileNetV2")
    assert (recipe.optimizer.peak, recipe.optimizer.ema) == (0.5, 0.9)


def test_two_lines_are_enough_for_another_backbone(tmp_path):
    """The example of the README, in a folder of one's own."""
    text = README.read_text(encoding="utf-8")
    example = next(part for part in text.split("```toml\n") if part.startswith("base = "))
    (tmp_path / "mine.toml").write_text(example.split("```")[0])
    recipe = read_recipe(str(tmp_path / "mine.toml"))
    assert recipe.backbone == "EfficientNetB3"
    assert recipe.phases == read_recipe("mobilenetv2").phases


def test_stages_are_read_in_order_and_the_first_takes_the_weights(tmp_path):
    write(tmp_path, GOOD)
    (tmp_path / "then.toml").write_text('base = "mine"\nunfrozen = 20\n')
    (tmp_path / "all.toml").write_text('stages = ["mine", "then"]\n')
    first, second = read_recipes(str(tmp_path / "all.toml"), weights="none")
    assert (first.weights, second.weights) == ("none", "imagenet")
    assert second.unfrozen == 20
    with pytest.raises(BadData, match="single recipe"):
        read_recipe(str(tmp_path / "all.toml"))


def test_fewer_epochs_of_each_phase():
    whole, short = read_recipes("efficientnetb3"), read_recipes("efficientnetb3", epochs=2)
    assert [phase.epochs for phase in short[0].phases] == [2, 2]
    assert [phase.side for phase in short[0].phases] == [phase.side for phase in whole[0].phases]
    assert [stage.epochs for stage in read_recipes("resnet50_reference", epochs=3)] == [3, 3, 3]
    assert read_recipes("efficientnetb3", epochs=100) == whole
    with pytest.raises(BadData, match="at least 1 epoch"):
        read_recipes("efficientnetb3", epochs=0)
