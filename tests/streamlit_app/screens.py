"""The screens that walks are made on: a laptop and a phone, one in each theme."""

SCREENS = {
    "laptop": {"viewport": {"width": 1366, "height": 768}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
