# Mondegreen. `make help` lists what there is. GNU make and bash.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# rustup puts cargo here; a shell that was open before does not know it yet.
export PATH := $(PATH):$(HOME)/.cargo/bin
# A clip to open: make run CLIP=file
export CLIP
PYTHON ?= python3

##@ Use
.PHONY: run
run: ## Open the window; with a clip: make run CLIP=file
	@scripts/display.sh
	@scripts/setup.sh build window
	cargo run --release -- $${CLIP:+"$$CLIP"}

.PHONY: demo
demo: ## The main job without a window: attack the bundled Glockenspiel, write WAVs and figure to out/
	@scripts/setup.sh build
	@mkdir -p out
	cargo run --release -- attack assets/clips/glockenspiel.flac \
		--original out/glockenspiel_nat.wav -o out/glockenspiel_adv.wav \
		--figure out/glockenspiel_figure.png
	@printf '%s\n' '' 'Listen to and look at:' \
		"  $(CURDIR)/out/glockenspiel_nat.wav     the recording as it came" \
		"  $(CURDIR)/out/glockenspiel_adv.wav     what the model mishears" \
		"  $(CURDIR)/out/glockenspiel_figure.png  both spectrograms"

.PHONY: setup
setup: ## Install the missing system packages of all targets, and look for Rust
	@scripts/setup.sh build window test

##@ Work
.PHONY: test
test: ## Run all tests, those of sound output and of the real window among them
	@scripts/setup.sh build window test
	cargo test --release --no-fail-fast

.PHONY: check
check: ## Formatting, lints, docs, licences of dependencies
	@scripts/setup.sh build
	cargo fmt --check
	cargo clippy --release --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --document-private-items
	@if cargo deny --version >/dev/null 2>&1; then \
		echo 'cargo deny check licenses bans sources'; cargo deny check licenses bans sources; \
	else \
		echo 'Licences were not checked: cargo-deny is missing (cargo install --locked cargo-deny)'; \
	fi

.PHONY: cuda-toolkit
cuda-toolkit: ## Bring NVIDIA's compiler and libraries (1.2 GB), without a GPU
	@scripts/setup.sh cuda
	@scripts/cuda-toolkit.sh

# Other flags for the compiler and other features than the CPU's build: in a folder of its own.
.PHONY: cuda
cuda: ## Build for NVIDIA GPUs (target/cuda/release/mondegreen); with cuDNN: make cuda CUDNN=1
	@scripts/setup.sh build cuda
	@environment=$$(WITH_CUDNN=$(CUDNN) scripts/cuda-toolkit.sh); source "$$environment"; \
	export CARGO_TARGET_DIR="$${CARGO_TARGET_DIR:-target}/cuda"; \
	cargo build --release --features $(if $(CUDNN),cudnn,cuda); \
	echo "Built $$CARGO_TARGET_DIR/release/mondegreen"

.PHONY: bench
bench: ## Time models, every layer beside stock Candle, and the spectrogram (ten minutes)
	@scripts/setup.sh build
	cargo run --release -- bench
	cargo bench --bench layers
	cargo bench --bench spectrogram
	@printf '%s\n' '' 'Beside PyTorch, in turn on the same weights (benches/pytorch/README.md):' \
		'  cargo build --release --bin mondegreen --example network_gradients' \
		'  python benches/pytorch/speed.py --build target/release'

.PHONY: frame-times
frame-times: ## Time frames of the real window, idle and attacking, and count audio dropouts
	@scripts/setup.sh build window test
	scripts/frame-times.sh

.PHONY: endurance
endurance: ## Time the window's first frame, look whether it rests, and watch its memory over 200 attacks
	@scripts/setup.sh build window test
	scripts/endurance.sh

.PHONY: screenshots
screenshots: ## Make screenshots/ afresh from the real window, on a virtual display
	@scripts/setup.sh build window test
	scripts/screenshots.sh

.PHONY: clips
clips: ## Make the bundled clips afresh (assets/clips/)
	@scripts/setup.sh clips
	$(PYTHON) assets/clips/make_clips.py

.PHONY: models
models: ## Print the commands that trained the weights in models-safetensors/
	@scripts/train-models.sh
	@printf '%s\n' '' 'scripts/train-models.sh DATA FOLDER runs them (about four hours on two cores).' \
		'The recordings may not be redistributed; models-safetensors/README.md says what they are.'

.PHONY: clean
clean: ## Remove out/ and everything that cargo built
	cargo clean
	rm -rf out

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
