# The front door. Each target is a short script that can be run by hand.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := build
.PHONY: help setup build demo test test-fuzz drill bench format check clean

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## installs what the build needs (tools/setup test, bench, spark, fuzz: more)
	@tools/setup build

build: setup ## the program: build/catchwater
	@tools/build release catchwater
	@ln -sfn release/catchwater build/catchwater

demo: build ## a first pipeline, from simulated sensors to a query
	@tools/demo

test: ## everything that must hold: layers, headers, unit, integration and fault tests
	@tools/test

test-fuzz: ## every fuzz target for FUZZ_SECONDS (60)
	@tools/test fuzz

drill: build ## kills a running program over and over and counts the rows
	@tools/drill

bench: build ## measures throughput beside other programs
	@tools/setup bench
	@.deps/venv/bin/python bench/run
	@.deps/venv/bin/python bench/postgres
	@.deps/venv/bin/python bench/live
	@.deps/venv/bin/python bench/kafka
	@.deps/venv/bin/python bench/freshness
	@.deps/venv/bin/python bench/apps
	@.deps/venv/bin/python bench/flink
	@.deps/venv/bin/python bench/flink --latency
	@tools/build release nab_bench
	@.deps/venv/bin/python bench/nab
	@tools/build release stations_bench
	@build/release/stations_bench

check: ## the quick checks: layers, sizes, names, format
	@tools/check_layers
	@tools/setup format
	@tools/format --check

format: ## rewrites the sources with clang-format
	@tools/setup format
	@tools/format

clean: ## removes build/ (not .deps/)
	@rm -rf build
