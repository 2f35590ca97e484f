"""What each way of asking gains and costs, side by side on the Models page."""

import dataclasses
from pathlib import Path

from streamlit.testing.v1 import AppTest

from model_zoo import registry
from streamlit_app.components.measured import command as measured_by
from streamlit_app.components.ways import megabytes

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"


def test_every_measured_way_has_a_row(own_cache):
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.session_state["notice_agreed"] = True
    app.switch_page("app_pages/models.py").run()
    assert not app.exception
    (drawn,) = (html.proto.body for html in app.get("html") if "Passes" in html.proto.body)
    (told,) = (part.value for part in app.caption if part.value.startswith("Measured by"))
    asked = "python -m training evaluate --model mobilenetv2.isic2019_v1 --data ISIC_2019 --unseen"
    assert f"`{asked} --out results/mobilenetv2.isic2019_v1 --write-card`" in told
    assert (
        f"`{asked} --out results/mobilenetv2.isic2019_v1_84 --write-card --resolution 84`" in told
    )
    tta = measured_by(registry.find("mobilenetv2"), "tta")
    assert tta == f"{asked} --out results/mobilenetv2.isic2019_v1_tta --write-card --tta"
    measured = [card for card in registry.classifiers().values() if "native" in card.metrics]
    assert drawn.count("<tr>") == 1 + 2 * len(measured)
    for card in measured:
        for name, views, passes in (
            ("native", "one view", 1),
            ("native_tta", "mean of eight views", 8),
        ):
            row = drawn.split(f"{card.title} · {views}")[1].split("</tr>")[0]
            assert f"{card.metrics[name]['accuracy']['value']:.2f} (" in row
            assert f"<bdi>{passes * max(1, len(card.members))}</bdi>" in row
            fitted = card.trust["single" if passes == 1 else "tta"]
            assert f"{fitted['ece'][0]:.3f} ({fitted['ece'][1]:.3f} to" in row
            assert f"{fitted['set_size'][0]:.2f} (" in row


def test_an_ensemble_is_as_large_as_its_members(own_cache):
    light, flagship = (registry.find(name) for name in ("mobilenetv2", "resnet50v2"))
    both = dataclasses.replace(light, files={}, members=(light.name, flagship.name))
    sizes = [card.files["served"].size_bytes for card in (light, flagship)]
    assert megabytes(both) == f"{sum(sizes) / 1e6:.0f}"
    assert megabytes(dataclasses.replace(both, members=(light.name, "gone.v1"))) == "–"


def test_a_card_without_files_has_a_dash(own_cache):
    assert megabytes(dataclasses.replace(registry.find("mobilenetv2"), files={})) == "–"
