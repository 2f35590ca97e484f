"""The Models page without a browser, and what stands on it."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"


def open_page(**query):
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    for name, value in query.items():
        test.query_params[name] = value
    return test.switch_page("app_pages/models.py").run()


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
