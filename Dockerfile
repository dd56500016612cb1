# maxsight serve on a CPU, or with CUDA:  docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .
# It runs as a user without rights on a read-only root; see deploy/compose.yaml.
FROM python:3.12-slim
ARG TORCH_INDEX=""
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends tesseract-ocr \
    && rm -rf /var/lib/apt/lists/* && useradd --uid 10001 --create-home maxsight && install -d -o maxsight /data
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
# hadolint ignore=DL3013
RUN if [ -n "$TORCH_INDEX" ]; then pip install torch --index-url "$TORCH_INDEX"; fi \
    && pip install ".[server,ask,milvus${TORCH_INDEX:+,colpali}]"
USER 10001
WORKDIR /data
VOLUME /data
ENV MAXSIGHT_LIBRARY=/data/maxsight.library NUMBA_CACHE_DIR=/tmp/numba
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/v1/health', timeout=4)"]
# It needs MAXSIGHT_API_TOKEN: any address but 127.0.0.1 does.
CMD ["maxsight", "serve", "--host", "0.0.0.0"]
