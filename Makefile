# gameflow: everything is `make start`, `make stop`, `make test`. `make help` lists the rest.
SHELL := /bin/bash
PORT ?= 3001
BUILD := build
JOBS ?= $(shell nproc)

.DEFAULT_GOAL := help
.PHONY: help start stop logs build deb image test soak torture fuzz evaluate bench bench-peers lint clean setup

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "PORT=$(PORT) is where the pages and the API are."

start: build  ## set up, build, start gameflow and the generator, wait until the page is there
	@PORT=$(PORT) tools/start.sh

stop:  ## stop both; data stays in data/
	@tools/stop.sh

logs:  ## follow the logs
	@tail -n 50 -F .run/gameflow.log .run/generator.log

setup:
	@tools/setup.sh build

build: setup  ## build/gameflow
	@tools/configure.sh program
	@ninja -C $(BUILD) -j $(JOBS) gameflow

deb:  ## build/deb/gameflow_*.deb, for this release of Debian
	@tools/setup.sh deb
	@tools/configure.sh program
	@ninja -C $(BUILD) -j $(JOBS) gameflow
	@tools/deb.sh

image:  ## the Docker image gameflow:run, built from source, and gameflow:slim without a compiler
	@docker build -t gameflow:run .
	@docker build -t gameflow:slim --target slim .

test:  ## every test: unit, dataflow, system, browser, sanitizers
	@tools/setup.sh test
	@JOBS=$(JOBS) tools/test.sh

soak:  ## the flagship in use, for MINUTES=60: nothing may be lost, grow or get slow; SEED=7 RATE=1000
	@tools/soak.sh soak

torture:  ## kill -9, bad disks, wrong clocks and more at random, for MINUTES=10: each record once; SEED=7
	@MINUTES="$${MINUTES:-10}" tools/soak.sh test_torture

fuzz:  ## hours of random input to all that reads from outside, guided by coverage; FUZZ_SECONDS=60 FUZZ=json: less
	@tools/setup.sh fuzz
	@JOBS=$(JOBS) tools/fuzz.sh

evaluate:  ## how well the flagship finds what a simulated game does; writes docs/evaluation.md
	@tools/setup.sh build
	@tools/configure.sh program
	@ninja -C $(BUILD) -j $(JOBS) gameflow
	@GAMEFLOW_BIN=$(BUILD)/gameflow PYTHONDONTWRITEBYTECODE=1 python3 tests/evaluate/evaluate.py --write docs/evaluation.md

bench:  ## measure; also writes build/bench.json
	@tools/setup.sh test
	@JOBS=$(JOBS) tools/bench.sh

bench-peers:  ## the flagship's first service on Flink and Kafka Streams beside ours; needs a JDK and Maven
	@tools/setup.sh test
	@JOBS=$(JOBS) bench/peers/run.sh

lint:  ## layers, format, clang-tidy, shell and reference pages
	@tools/setup.sh test
	@JOBS=$(JOBS) tools/lint.sh

clean: stop  ## remove what was built; data/ stays
	@rm -rf build build-debug build-asan build-tsan build-fuzz .run
	@echo "removed the build folders; topics and state are still in data/ (rm -r data forgets them)"
