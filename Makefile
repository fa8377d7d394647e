# What can be done here; `make` alone lists it.
#
# make demo KEEP=1                  leaves the demonstration running until Ctrl-C
# make demo SPARK_VERSION=4.3.0     runs it on another Spark (3.3.4, ...)
# make demo ARGS='--seconds 120'    more for the program itself; ARGS=--help tells what
# make node-test ARGS='--quick --spark 3.5.6 --only success,exception'
#                                   some of it, from programs in target/debug
# make bench ARGS='--rate 300' SIDECAR_ARGS='process --scrapes 200'
#                                   the same for the programs load and scrapes

SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Patch a pod, run a real Spark job with it, show what arrives in Prometheus 
	@tests/setup.sh demo
	cargo build --workspace --bins --locked
	@$${CARGO_TARGET_DIR:-target}/debug/demo $(ARGS)

.PHONY: test
test: ## Run every test, from nothing; the demonstration is one of them
	@tests/setup.sh test
	@tests/run.sh

.PHONY: node-test
node-test: ## Run Spark jobs on a real Kubernetes node, without and with Emberscope (needs root)
	@tests/setup.sh node
	@tests/node/run.sh $(ARGS)

.PHONY: check
check: ## Check format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: build
build: ## Build the programs, as they are released
	cargo build --package emberscope --package emberscope-sidecar --bins --locked --profile dist

.PHONY: images
images: ## Build the container image with podman, from programs built here
	manifests/images/build.sh

.PHONY: release-dry-run
release-dry-run: ## Make everything that a release consists of, in target/release-files; publish nothing
	release/build.sh $${CARGO_TARGET_DIR:-target}/release-files $(ARGS)

.PHONY: test-arm64
test-arm64: ## Run the unit tests as arm64 programs, in QEMU
	tests/arm64.sh $(ARGS)

.PHONY: golden
golden: ## Write the golden files anew; read the difference before you commit it
	UPDATE_GOLDEN=1 cargo test --workspace --locked

.PHONY: bench
bench: bench-webhook bench-sidecar ## Measure what both programs take and cost, as they are in the images

.PHONY: bench-webhook
bench-webhook: ## Measure admission under load; ARGS=--attack while it is attacked
	manifests/images/compile.sh emberscope
	cargo build --package emberscope-tests --bin load --locked --release
	@$${CARGO_TARGET_DIR:-target}/release/load $(ARGS)

.PHONY: bench-sidecar
bench-sidecar: ## Measure the sidecar alone and beside other exporters
	@tests/setup.sh bench
	manifests/images/compile.sh emberscope-sidecar
	cargo build --package emberscope-tests --bin scrapes --bin allocations --locked --release
	@$${CARGO_TARGET_DIR:-target}/release/scrapes $(SIDECAR_ARGS)

.PHONY: bench-why
bench-why: ## Run Spark jobs with one fault each and with none, and count what emberscope why says of them
	@tests/setup.sh test
	cargo build --workspace --bins --locked
	@$${CARGO_TARGET_DIR:-target}/debug/faults $(ARGS)

.PHONY: instructions
instructions: ## Compare the instructions of the sidecar's functions with those kept (needs valgrind)
	cargo build --package emberscope-tests --bin instructions --locked --profile dist
	@$${CARGO_TARGET_DIR:-target}/dist/instructions $(ARGS)

.PHONY: fuzz
fuzz: ## Fuzz what reads other people's bytes, a minute each (needs cargo-fuzz and a nightly compiler)
	@cargo fuzz --version >/dev/null 2>&1 || { echo "make fuzz needs cargo-fuzz: cargo install cargo-fuzz"; exit 1; }
	cd tests && for target in admission cgroup_files driver_page executors_page process_files push status_api; do cargo +nightly fuzz run $$target -- -max_total_time=60 || exit 1; done

.PHONY: clean
clean: ## Remove what was built and what the demonstration left; Spark stays in .cache
	cargo clean
	rm -rf .cache/demo
