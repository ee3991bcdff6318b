# eclip for processors (no GPU). Serves /data/store with /data/model; any other command: docker run ... eclip COMMAND.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/eclip
ENV PATH=/opt/eclip/bin:$PATH
COPY constraints.txt ./
# Before the sources, so that a change of them fetches nothing anew. The default index gives torch with gigabytes of CUDA.
RUN pip install --no-deps -c constraints.txt torch torchvision --index-url https://download.pytorch.org/whl/cpu
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install -c constraints.txt '.[pretrained,search,fast,s3]'

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin eclip && install -d -o eclip /data
COPY --from=build /opt/eclip /opt/eclip
# Compiled loops and graphs of models are kept below the home, so that /data may be mounted read-only to serve.
ENV PATH=/opt/eclip/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/home/eclip/.cache/numba
USER 10001
WORKDIR /data
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/readyz', timeout=2)"]
ENTRYPOINT ["eclip"]
CMD ["serve", "store", "--model", "model", "--host", "0.0.0.0"]
