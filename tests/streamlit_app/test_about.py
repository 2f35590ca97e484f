"""The About page: what it says of privacy is so."""

import pytest
from streamlit import config

from streamlit_app.components.notice import COOKIE, COOKIE_SECONDS
from streamlit_app.content import LANGUAGES, in_language, text


@pytest.mark.parametrize("code", LANGUAGES)
def test_cookies_and_how_long_a_closed_page_is_kept_are_told_as_they_are(code):
    with in_language(code):
        told = text("about.privacy_body")
    assert f"`{COOKIE}`" in told
    assert f" {COOKIE_SECONDS // (24 * 3600)} " in told
    # Streamlit's own cookie, while its protection is on, and the two minutes of the sentence.
    assert "`_streamlit_xsrf`" in told
    assert config.get_option("server.enableXsrfProtection")
    assert config.get_option("server.disconnectedSessionTTL") == 120
