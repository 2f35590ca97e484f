"""The Models page without a browser, and what stands on it."""

import shutil
import tomllib
from pathlib import Path

import tomlkit
from streamlit.testing.v1 import AppTest

from model_zoo import registry

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"


def open_page(**query):
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    for name, value in query.items():
        test.query_params[name] = value
    return test.switch_page("app_pages/models.py").run()


def choose(test, name):
    return test.selectbox(key="analyze_model").set_value(name).run()


def copy_bundled(name, change=lambda table: None, folder=None) -> Path:
    """The flatbuffer of a copy of the bundled network under another name.

    change: what is changed in the table of its card. folder: where it is put, the folder of
    installed models unless given.
    """
    bundled = registry.default_card()
    table = tomllib.loads(bundled.path.read_text(encoding="utf-8"))
    del table["seal"]  # which is of the bundled card's own text
    table |= {"name": name, "title": f"Title of {name}", "default": False}
    ids = {"file": bundled.file("training_ids").name}
    table["files"] = {"served": {"file": f"{name}.tflite"}, "training_ids": ids}
    change(table)
    folder = folder or registry.installed_folder() / name
    folder.mkdir(parents=True)
    shutil.copy(bundled.file("served"), folder / f"{name}.tflite")
    shutil.copy(bundled.file("training_ids"), folder)
    (folder / f"{name}.toml").write_text(tomlkit.dumps(table), encoding="utf-8")
    return folder / f"{name}.tflite"


def install_ensemble(name, members, **more) -> None:
    """Nothing; installs the card of an ensemble of these models. more: what else it says."""
    labels = list(registry.default_card().labels)
    table = {"name": name, "labels": labels, "scaling": "inside", "members": list(members)}
    folder = registry.installed_folder() / name
    folder.mkdir(parents=True)
    (folder / f"{name}.toml").write_text(tomlkit.dumps(table | more), encoding="utf-8")


def words(test) -> str:
    kinds = (test.markdown, test.caption, test.subheader, test.header, test.error, test.warning)
    parts = [part for kind in (*kinds, test.info, test.success, test.code) for part in kind]
    return "\n".join([*(str(part.value) for part in parts), *tables(test)])


def charts(test) -> list:
    """The charts of the model's own card."""
    return [chart for chart in test.get("plotly_chart") if chart.key != "leak_pair"]


def tables(test) -> list[str]:
    return [part.proto.body for part in test.get("html") if "lens-table" in part.proto.body]


def shown(entry) -> str:
    return f"{entry['value']:.2f} ({entry['low']:.2f} to {entry['high']:.2f})"
