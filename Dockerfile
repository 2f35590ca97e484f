# The app as an image, for a laptop and for Hugging Face Spaces:
#
#   docker build -t lesionlens .                  `serve`: reads photos with compiled models
#   docker build -t lesionlens:full --target full .    also compiles `.keras` files (TensorFlow)
#   docker run --rm --read-only --tmpfs /tmp -v lesionlens:/cache -p 7860:7860 lesionlens
#
# Another base with Python 3.11 to 3.13 is given with --build-arg PYTHON_IMAGE=...
ARG PYTHON_IMAGE=docker.io/library/python:3.12-slim-bookworm

# --- What is built, and left behind ---------------------------------------------------------
FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements-build.lock ./
RUN python -m venv /build/tools \
    && /build/tools/bin/pip install --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY model_zoo model_zoo
COPY streamlit_app streamlit_app
# `training` is not here, so the wheel holds the other two packages alone.
RUN /build/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /build/wheel .

# pip stays outside of the environment that is served.
FROM build AS packages-serve
COPY requirements-serve.lock ./
RUN python -m venv --without-pip /opt/venv \
    && /build/tools/bin/pip --python /opt/venv install --require-hashes -r requirements-serve.lock \
    && /build/tools/bin/pip --python /opt/venv install --no-deps /build/wheel/*.whl

FROM build AS packages-full
COPY requirements.lock ./
RUN python -m venv --without-pip /opt/venv \
    && /build/tools/bin/pip --python /opt/venv install --require-hashes -r requirements.lock \
    && /build/tools/bin/pip --python /opt/venv install --no-deps /build/wheel/*.whl \
    # Headers, for building extensions of TensorFlow.
    && rm -rf /opt/venv/lib/python3*/site-packages/tensorflow/include

# --- What runs ------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS app
# Spaces run an image as user 1000, whatever it says.
RUN useradd --uid 1000 --create-home lesionlens \
    && install -d -o 1000 -g 1000 /cache
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LESIONLENS_CACHE=/cache \
    MALLOC_ARENA_MAX=2 \
    STREAMLIT_SERVER_PORT=7860 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0
WORKDIR /app
COPY .streamlit/config.toml .streamlit/config.toml
USER 1000
VOLUME /cache
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os; from urllib.request import urlopen; urlopen(f\"http://127.0.0.1:{os.environ['STREAMLIT_SERVER_PORT']}/_stcore/health\", timeout=4)"]
CMD ["python", "-m", "streamlit_app.server"]

FROM app AS full
COPY --from=packages-full /opt/venv /opt/venv

FROM app AS serve
ENV LESIONLENS_SERVES_ONLY=1
COPY --from=packages-serve /opt/venv /opt/venv
