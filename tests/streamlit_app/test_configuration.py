"""Settings of Streamlit that something the app promises hangs on."""

import tomllib

import pytest
from streamlit import config

from streamlit_app.local_server import ROOT


@pytest.fixture(scope="module")
def settings() -> dict[str, object]:
    file = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    return {f"{part}.{name}": value for part in file for name, value in file[part].items()}


def test_no_table_writes_a_file_past_the_safe_csv(settings):
    # Its own would have names of files as they came, and no notice.
    assert settings["client.disableDataExport"] is True


def test_streamlit_knows_every_setting(settings):
    known = config.get_config_options()
    assert [n for n, v in settings.items() if not isinstance(v, dict) and n not in known] == []
