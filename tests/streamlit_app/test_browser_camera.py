"""A photo taken with the camera of a phone: Chromium's own, that is given a picture to see."""

import io

import pytest
from PIL import Image

from streamlit_app.content import text
from streamlit_app.demo.browser import find_chromium
from streamlit_app.local_server import SAMPLES

# Keeps what a page asks of the camera, and asks it.
LISTEN = """
    const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = wanted => { window.wanted = wanted.video; return ask(wanted); };
"""

# Only what says to be a phone is taken to have a camera at its back.
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(browser, address, tmp_path):
    """A tab as large as a phone's whose camera sees the sample `veil`."""
    film = tmp_path / "seen.mjpeg"
    frame = io.BytesIO()
    Image.open(SAMPLES / "veil.jpg").resize((640, 480)).save(frame, "JPEG", quality=95)
    film.write_bytes(frame.getvalue() * 3)
    camera = browser.browser_type.launch(
        executable_path=find_chromium(),
        timeout=120_000,
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",  # nobody is asked for leave
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ],
    )
    context = camera.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, user_agent=PHONE
    )
    context.add_cookies([{"name": "lesionlens_notice", "value": "agreed", "url": address}])
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.add_init_script(LISTEN)
    tab.goto(address)
    yield tab
    camera.close()


def test_what_the_camera_sees_is_analysed(phone, keep):
    example = phone.get_by_text(text("analyze.example").split("{")[0])
    example.wait_for()
    phone.get_by_role("radio", name=text("analyze.camera")).click()
    phone.wait_for_function("document.querySelector('video')?.currentTime > 0")
    phone.get_by_test_id("stStatusWidget").wait_for(state="detached")
    assert phone.evaluate("window.wanted.height.ideal") == 1080  # not as few as the page shows
    assert phone.evaluate("window.wanted.facingMode") == "user"  # as the words below it say
    phone.get_by_test_id("stCameraInputSwitchButton").locator("button").click()
    phone.wait_for_function("window.wanted.facingMode === 'environment'")
    phone.wait_for_function("document.querySelector('video')?.currentTime > 0")
    phone.get_by_role("button", name="Take Photo").click()
    phone.get_by_role("button", name="Clear photo").wait_for()
    example.wait_for(state="detached")
    # Folded away where something speaks against reading it.
    phone.get_by_alt_text("Grad-CAM heatmap of").first.wait_for(state="attached")
    keep(phone, "camera_phone")
