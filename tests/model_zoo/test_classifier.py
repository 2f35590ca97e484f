"""Every bundled model, from bytes to an analysis, through Python and the command line."""

import io
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

import model_zoo
from model_zoo import NOTICE, registry
from model_zoo.__main__ import main
from model_zoo.classifier import Classifier
from model_zoo.errors import BadModel
from model_zoo.labels import CODES

pytestmark = pytest.mark.slow

SAMPLES = sorted((Path(__file__).parents[2] / "streamlit_app" / "samples").glob("*.jpg"))
SCHEMA = json.loads((Path(model_zoo.__file__).with_name("analysis.schema.json")).read_text())
BUNDLED = [
    card.name
    for card in registry.classifiers().values()
    if card.source is None and not card.members
]


@pytest.fixture(scope="module", params=BUNDLED)
def classifier(request):
    return Classifier.load(request.param)


def test_analysis_of_a_photo(classifier):
    data = SAMPLES[0].read_bytes()
    analysis = classifier.analyse(data)
    assert analysis.labels == classifier.card.labels
    assert analysis.probabilities.sum() == pytest.approx(1, abs=1e-9)
    assert analysis.size == (600, 450)
    assert analysis.box == (75, 0, 525, 450)
    grid = classifier.card.grid
    for code in CODES:
        heatmap = analysis.heatmap(code)
        assert heatmap.shape == (grid, grid)
        assert heatmap.min() >= 0
        assert heatmap.max() == pytest.approx(1) or not heatmap.any()


def test_photos_differ(classifier):
    answers = [classifier.analyse(file.read_bytes()).probabilities for file in SAMPLES]
    assert np.ptp(np.array(answers), axis=0).max() > 0.2


def test_pixels_are_not_changed(classifier):
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    before = rgb.copy()
    classifier.analyse(rgb)
    assert (rgb == before).all()


def test_served_file_agrees_with_its_keras_file(classifier):
    """Golden parity: the flatbuffer and best_final_model.keras are one model."""
    from model_zoo.compile import load_flat

    side = classifier.engine.side
    photos = np.stack([np.asarray(Image.open(f).resize((side, side))) for f in SAMPLES[:4]])
    flat = load_flat(classifier.card.file("keras"))
    expected = flat.predict(photos.astype("float32"), verbose=0)
    tolerance = {"float32": 1e-4, "float16": 2e-2, "int8": 8e-2}[classifier.card.precision]
    assert np.abs(classifier.engine.run(photos).probabilities - expected).max() < tolerance


def test_many_users_at_once_get_their_own_answers(classifier):
    photos = [file.read_bytes() for file in SAMPLES]
    alone = [classifier.analyse(photo).probabilities for photo in photos]
    wrong = []

    def user(number: int) -> None:
        for turn in range(8):
            which = (number + turn) % len(photos)
            answer = classifier.analyse(photos[which]).probabilities
            if np.abs(answer - alone[which]).max() > 1e-5:
                wrong.append(which)

    threads = [threading.Thread(target=user, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("shape", [(1, 10, 10, 3), (3, 3)])
def test_wrong_shape_is_refused(classifier, shape):
    with pytest.raises(BadModel, match="Expected uint8 RGB"):
        classifier.engine.run(np.zeros(shape, np.uint8))


def test_float_pixels_are_refused(classifier):
    side = classifier.engine.side
    with pytest.raises(BadModel, match="float32"):
        classifier.engine.run(np.zeros((1, side, side, 3), np.float32))


def test_a_flatbuffer_beside_its_card(classifier, tmp_path):
    shutil.copy(classifier.card.file("served"), tmp_path / "own.tflite")
    shutil.copy(classifier.card.path, tmp_path / "own.toml")
    shutil.copy(classifier.card.file("novelty"), tmp_path)
    again = Classifier.load(tmp_path / "own.tflite")
    photo = SAMPLES[0].read_bytes()
    expected = classifier.analyse(photo).probabilities
    assert np.abs(again.analyse(photo).probabilities - expected).max() < 1e-6


def test_a_card_without_a_file_it_names_is_refused(classifier, tmp_path):
    shutil.copy(classifier.card.file("served"), tmp_path / "own.tflite")
    shutil.copy(classifier.card.path, tmp_path / "own.toml")
    with pytest.raises(BadModel) as caught:
        Classifier.load(tmp_path / "own.tflite")
    assert caught.value.code == "missing_model_file"


def test_a_tampered_flatbuffer_is_refused(classifier, tmp_path, monkeypatch):
    folder = tmp_path / classifier.card.name
    shutil.copytree(classifier.card.folder, folder)
    served = folder / classifier.card.files["served"].file
    content = bytearray(served.read_bytes())
    content[len(content) // 2] ^= 1
    served.write_bytes(content)
    monkeypatch.setattr(registry, "BUNDLED_WEIGHTS", tmp_path)
    with pytest.raises(BadModel) as caught:
        Classifier.load(classifier.card.name)
    assert caught.value.code == "wrong_hash"


def test_garbage_is_no_model(tmp_path):
    (tmp_path / "x.tflite").write_bytes(b"TFL3" * 100)
    (tmp_path / "x.toml").write_text('name = "x"\nlabels = ["AK"]\nscaling = "inside"\n')
    with pytest.raises(BadModel) as caught:
        Classifier.load(tmp_path / "x.tflite")
    assert caught.value.code == "not_tflite"


@pytest.fixture
def folder(tmp_path):
    for file in SAMPLES[:3]:
        shutil.copy(file, tmp_path / file.name)
    (tmp_path / "zz_text.jpg").write_text("no photo at all\n" * 10)
    return tmp_path


def test_json_lines_follow_the_schema_and_go_on_after_a_bad_photo(folder, capsys):
    status = main(["predict", str(folder), "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 1
    assert [Path(line["file"]).name for line in lines][-1] == "zz_text.jpg"
    for line in lines:
        jsonschema.validate(line, SCHEMA)
        assert line["notice"] == NOTICE
    assert lines[-1]["error"]["code"] == "text_as_image"
    assert len(lines) == 4
    assert sum(lines[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_command_line_and_python_agree(folder, capsys):
    file = folder / SAMPLES[1].name
    assert main(["predict", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    analysis = Classifier.load().analyse(file.read_bytes())
    for code in CODES:
        assert told["probabilities"][code] == pytest.approx(analysis.probability(code), abs=1e-5)


def test_eight_views_tell_how_far_they_are_apart(folder, capsys):
    file = folder / SAMPLES[0].name
    assert main(["predict", str(file)]) == 0
    assert "answers" not in capsys.readouterr().out
    assert main(["predict", str(file), "--tta"]) == 0
    analysis = Classifier.load(tta=True).analyse(file.read_bytes())
    given = analysis.calibrated_answers[:, CODES.index(analysis.label)]
    told = f"give {analysis.label} {given.min():.3f} to {given.max():.3f}; it leads in"
    assert f"8 answers, of views and members, {told}" in capsys.readouterr().out


def test_heatmap_is_written(folder, tmp_path, capsys):
    out = tmp_path / "map.png"
    file = str(folder / SAMPLES[0].name)
    assert main(["predict", file, "--heatmap", str(out), "--label", "MEL"]) == 0
    with Image.open(out) as picture:
        assert picture.size == (600, 450)
        assert "Research and teaching only" in picture.info["Description"]


def test_a_heatmap_for_a_missing_folder_is_refused_before_anything_is_read(tmp_path, capsys):
    out = str(tmp_path / "gone" / "map.png")
    assert main(["predict", str(SAMPLES[0]), "--heatmap", out]) == 1
    told = capsys.readouterr()
    assert f"There is no folder {tmp_path / 'gone'}." in told.err
    assert told.out == ""


def test_missing_photo_has_its_sentence(capsys):
    assert main(["predict", "nowhere.jpg", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "missing_file"


def test_list_and_verify(capsys):
    assert main(["list"]) == 0
    assert registry.default_card().name in capsys.readouterr().out
    assert main(["verify"]) == 0
    assert "FAULTY" not in capsys.readouterr().out


def test_unknown_model_is_one_sentence(capsys):
    assert main(["predict", str(SAMPLES[0]), "--model", "nothing"]) == 1
    assert "There is no model named nothing" in capsys.readouterr().err


def test_predict_from_process_start_does_not_load_tensorflow():
    code = (
        "import sys; from model_zoo.__main__ import main; "
        f"main(['predict', {str(SAMPLES[0])!r}, '--json']); "
        "print({'tensorflow', 'keras', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.photos
def test_a_real_photo_gives_a_sensible_answer(photos_folder):
    """On native-size photos the true class is far more often in front than by chance."""
    import csv

    with (photos_folder / "native" / "labels.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    classifier = Classifier.load()
    hits = 0
    for row in rows:
        photo = (photos_folder / "native" / f"{row['image']}.jpg").read_bytes()
        hits += classifier.analyse(photo).label == row["label"]
    assert hits / len(rows) > 0.5


def test_orientation_of_the_photo_reaches_the_model(classifier):
    """A photo with an EXIF turn gives what the upright one gives."""
    with Image.open(SAMPLES[2]) as upright:
        turned = upright.transpose(Image.Transpose.ROTATE_90)
    buffer, plain = io.BytesIO(), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn me by 90 degrees clockwise"
    turned.save(buffer, "PNG", exif=exif)
    upright.save(plain, "PNG")
    expected = classifier.analyse(plain.getvalue()).probabilities
    assert np.abs(classifier.analyse(buffer.getvalue()).probabilities - expected).max() < 1e-5
