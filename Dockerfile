# gameflow's images. `docker build .` makes `run`, with the compiler that operators need; `--target slim` has none, and the
# operators of the flagship built in. Both are a small Debian with gameflow's own package in it.
#
# PACKAGE says where that comes from: "build", the stage below that compiles everything (make image), or "prebuilt", the
# file build/deb/gameflow.deb, for where the program is built already.
ARG DEBIAN=bookworm
ARG PACKAGE=build

FROM debian:${DEBIAN}-slim AS build
WORKDIR /src
# First what changes rarely: packages, and the libraries of the pages.
COPY tools/setup.sh tools/
COPY web/package.json web/package-lock.json web/
RUN tools/setup.sh deb && rm -rf /var/lib/apt/lists/*
COPY . .
RUN --mount=type=cache,target=/root/.cache/ccache make deb && cp build/deb/gameflow_*.deb build/deb/gameflow.deb

FROM scratch AS prebuilt
COPY build/deb/gameflow.deb /src/build/deb/

FROM ${PACKAGE} AS package

FROM debian:${DEBIAN}-slim AS base
# curl is for the health check. Volumes that are new get the owner of these folders; what is in /secrets/… is of compose.yaml.
RUN --mount=type=bind,from=package,source=/src/build/deb,target=/deb \
    apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /deb/gameflow.deb curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --shell /usr/sbin/nologin --home-dir /var/lib/gameflow --no-create-home gameflow \
 && install -d -o gameflow -g gameflow /var/lib/gameflow /secrets/connector /secrets/prometheus
USER gameflow
WORKDIR /var/lib/gameflow
ENV GAMEFLOW_DATA=/var/lib/gameflow/data GAMEFLOW_CACHE=/var/lib/gameflow/cache GAMEFLOW_LISTEN=0.0.0.0:3001
VOLUME /var/lib/gameflow
EXPOSE 3001
HEALTHCHECK --interval=5s --timeout=3s --start-period=120s \
    CMD curl -fsS http://127.0.0.1:3001/readyz || curl -fsSk https://127.0.0.1:3001/readyz || exit 1
ENTRYPOINT ["gameflow"]
# Without tokens ($GAMEFLOW_AUTH), who may connect to a container is for the network to say that it is in.
CMD ["run", "--insecure-no-auth", "/usr/share/gameflow/games/gaming-analytics/dataflow.yaml"]

FROM base AS compiler
USER root
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends g++ \
 && rm -rf /var/lib/apt/lists/*
USER gameflow

FROM compiler AS operators
RUN gameflow build /usr/share/gameflow/games/gaming-analytics/dataflow.yaml --cache /tmp/operators

FROM base AS slim
COPY --from=operators --chown=gameflow /tmp/operators /usr/share/gameflow/operators
ENV GAMEFLOW_CACHE=/usr/share/gameflow/operators

FROM compiler AS run
