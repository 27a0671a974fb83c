# syntax=docker/dockerfile:1.12
# One image for every process of Cellcast; which one it is, its arguments say. Its steps are the Makefile's, and a test
# compares. `docker buildx build --sbom=true --provenance=mode=max --tag REGISTRY/cellcast:VERSION .` makes it with a
# list of all that is in it. Whoever publishes it may pin the base by digest: --build-arg BASE=python:...@sha256:...
ARG BASE=python:3.11.14-slim-bookworm

# The recorder and the player, bundled; nothing of Node goes further.
FROM node:24.11.1-bookworm-slim AS ui
WORKDIR /src/cell/ui
COPY cell/ui/package.json cell/ui/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund --silent
WORKDIR /src
COPY cell/ui cell/ui
COPY router router
COPY control_plane control_plane
WORKDIR /src/cell/ui
RUN node build.mjs

# What runs in production and for loads, of the versions that were tested, each compared with its hash.
FROM ${BASE} AS packages
ENV VIRTUAL_ENV=/opt/cellcast PATH=/opt/cellcast/bin:$PATH
RUN python -m pip install --no-cache-dir --disable-pip-version-check 'uv==0.9.11' && uv venv /opt/cellcast
WORKDIR /src
COPY image.lock pyproject.toml README.md ./
RUN uv pip sync --quiet --require-hashes --compile-bytecode image.lock
COPY kit kit
COPY contracts contracts
COPY router router
COPY cell cell
COPY control_plane control_plane
COPY loadtest loadtest
COPY --from=ui /src/cell/ui/static cell/ui/static
COPY --from=ui /src/router/static router/static
COPY --from=ui /src/control_plane/ui/static control_plane/ui/static
RUN uv pip install --quiet --no-deps --no-build-isolation .

FROM ${BASE}
LABEL org.opencontainers.image.title="Cellcast" \
      org.opencontainers.image.description="Customers record their screen for a support ticket"
# Nothing is written but where a pod mounts a folder.
ENV PATH=/opt/cellcast/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
COPY --from=packages /opt/cellcast /opt/cellcast
# Locust wants its file by a path; all else of loadtest is among the packages.
COPY loadtest/locustfile.py /opt/loadtest/locustfile.py
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["cellcast"]
