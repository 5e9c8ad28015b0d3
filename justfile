# What one can do here. `./just` without a name lists it; where `just` is installed,
# `just` and `./just` are the same.

set positional-arguments := true

# Packages of Debian and Ubuntu. Without wasm-opt (binaryen) the widget is some kB larger.
build-packages := "build-essential binaryen"
# What every step of `test` builds with: one set of features, so that dependencies are built once.
everything := "--workspace --features partway-tests/bench --locked"
browser-packages := "chromium chromium-driver"
node-packages := "nodejs npm"
# What the routes' tests start beside the server; they run the examples of tickets in Node.js and Python too.
peer-packages := "redis-server nodejs python3"

# List the recipes
[private]
default:
    @"{{ just_executable() }}" --list --unsorted

# Run Partway with the embedded store at http://127.0.0.1:8080; arguments go to `partway serve`
run *ARGS: (install "rust")
    @cargo run --package partway-server -- serve "$@"

# Run everything that must pass: formatting, lints, docs, then every test, the quick ones first
test: (install "rust" "browser") check docs test-unit test-browser

# Formatting and lints, for the host and for wasm
check: (install "rust")
    cargo fmt --all --check
    cargo clippy {{ everything }} --all-targets -- --deny warnings
    cargo clippy --package partway-web --target wasm32-unknown-unknown --target-dir target/widget --profile widget --locked -- --deny warnings

# Format all Rust code
fmt: (install "rust")
    cargo fmt --all

# Build the documentation of the crates into target/doc
docs: (install "rust")
    RUSTDOCFLAGS="--deny warnings" cargo doc {{ everything }} --no-deps

# Unit, property, simulation, route and store tests: all that need no browser
test-unit *ARGS: (install "rust" "peers")
    cargo test {{ everything }} --lib --bins --test simulation --test store --test routes "$@"
    cargo test {{ everything }} --doc "$@"

# The whole system in a real browser
test-browser *ARGS: (install "rust" "browser")
    cargo build {{ everything }} --bins
    cargo test {{ everything }} --test browser "$@"

# A file of 10 GiB in the browser, which takes as much disk and some minutes
test-large: (install "rust" "browser")
    cargo build {{ everything }} --bins
    cargo test {{ everything }} --test browser -- --ignored --nocapture large

# Take the README's pictures anew
screenshots: (install "rust" "browser")
    cargo build {{ everything }} --bins
    cargo run {{ everything }} --example screenshots

# Print what a page has to load, in bytes
sizes: (install "rust")
    @cargo build --quiet {{ everything }} --bins
    @cat target/widget/sizes.txt

# All benchmarks that need nothing from npm, one after another: ratios against peers, side by side
bench: bench-signing bench-store bench-browser

# Signing, against aws-sdk-s3's presigner
bench-signing *ARGS: (install "rust")
    cargo bench --package partway-tests --features bench --bench signing --locked -- "$@"

# The embedded store, against s3s-fs
bench-store *ARGS: (install "rust")
    cargo bench --package partway-tests --features bench --bench store --locked -- "$@"

# The widget in Chromium, against a bare loop of PUTs
bench-browser *ARGS: (install "rust" "browser")
    cargo build --release --package partway-server --locked
    cargo bench --package partway-tests --features bench --bench browser --locked -- "$@"

# The widget in Chromium, against Uppy 5, better-upload and bare loops; `3 line small` is three rounds of two scenarios
bench-peers *ARGS: (install "rust" "browser" "node")
    cargo build --release --package partway-server --locked
    cargo bench --package partway-tests --features bench --bench peers --locked -- "$@"

# Install what is missing; as root from Debian's packages, else by telling what to install
install *WHAT:
    #!/bin/sh
    set -eu
    # Whether every program of a list is there.
    have() { for program in "$@"; do command -v "$program" >/dev/null 2>&1 || return 1; done; }
    # Gets packages, or says how to, and with what the lack ends.
    packages() {
      if have apt-get && [ "$(id -u)" = 0 ]; then
        echo "Installing $1." >&2
        # shellcheck disable=SC2086
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $1; } >/dev/null
      else
        echo "Partway $2: install $1, on Debian and Ubuntu by  sudo apt-get install $1" >&2
        return 1
      fi
    }
    for what in {{ WHAT }}; do
      case $what in
        rust)
          # rustup reads rust-toolchain.toml, which names the version and the wasm target.
          if have rustup; then
            rustup toolchain install --no-self-update >/dev/null 2>&1 || rustup toolchain install --no-self-update >&2
          fi
          have cc || packages "{{ build-packages }}" "needs a C compiler"
          have wasm-opt || packages binaryen "would be some kB lighter with wasm-opt" || true
          ;;
        browser)
          have chromium chromedriver || have google-chrome chromedriver || packages "{{ browser-packages }}" "is tested in Chromium"
          ;;
        node)
          have node npm || packages "{{ node-packages }}" "is measured against peers from npm"
          ;;
        peers)
          have redis-server node python3 || packages "{{ peer-packages }}" "is tested with Redis, Node.js and Python"
          ;;
        *)
          echo "There is nothing called $what to install; try rust, browser, node or peers." >&2
          exit 1
          ;;
      esac
    done
