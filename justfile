# What one can do here. `./just` without a name lists it; where `just` is installed,
# `just` and `./just` are the same.

set positional-arguments := true

# Packages of Debian and Ubuntu.
compiler-packages := "build-essential"
# wasm-opt and esbuild, without which the widget is not built. server/widget/build/tools.rs knows the oldest versions that do.
widget-packages := "binaryen esbuild"
# What every step of `test` builds with: one set of features, so that dependencies are built once.
everything := "--workspace --features partway-tests/bench --locked"
chromium-packages := "chromium chromium-driver"
firefox-packages := "firefox-esr"
# It has no headless mode, so it gets a display of its own.
webkit-packages := "webkit2gtk-driver xvfb"
# Debian has none.
geckodriver := "geckodriver@^0.37"
node-packages := "nodejs npm"
# What Vite asks for, and what is fetched where the system has an older one, as Debian 12 does.
node-oldest := "20.19"
node-fetched := "node@^22"
# What the routes' tests start beside the server; they run the examples of tickets in Node.js and Python too, and presigned requests by curl.
peer-packages := "redis-server nodejs python3 curl"
python-packages := "python3-venv"
# What the embedded store is tried with beside what PyPI has.
client-packages := "python3-venv s3cmd"
store-packages := "ceph-mon ceph-osd ceph-common radosgw nginx-light"
tools := justfile_directory() / "target/tools"
garage-version := "2.5.0"
schemathesis-version := "4.32.5"
fuzz-version := "0.13.2"
export PATH := tools / "node/node_modules/.bin:" + env("PATH")

# List the recipes
[private]
default:
    @"{{ just_executable() }}" --list --unsorted

# Run Partway with the embedded store at http://127.0.0.1:8080; arguments go to `partway serve`
run *ARGS: (install "rust")
    @[ -e partway.toml ] || export PARTWAY_CONFIG="${PARTWAY_CONFIG:-demo.toml}"; cargo run --package partway-cli -- serve "$@"

# Run everything that must pass: formatting, lints, docs, then every test, the quick ones first
test: (install "rust" "browser" "node") check docs test-unit test-browser test-package

# Formatting and lints, for the host and for wasm
check: (install "rust")
    cargo fmt --all --check
    cargo clippy {{ everything }} --all-targets -- --deny warnings
    cargo clippy --package partway-web --package partway-web-download --target wasm32-unknown-unknown --target-dir target/widget --profile widget --locked -- --deny warnings

# Format all Rust code
fmt: (install "rust")
    cargo fmt --all

# Build the documentation of the crates into target/doc
docs: (install "rust")
    RUSTDOCFLAGS="--deny warnings" cargo doc {{ everything }} --no-deps

# Build the book from docs/ into target/book, and open nothing
book: (install "rust")
    cargo test {{ everything }} --test docs -- the_book_is_built

# Unit, property, simulation, route and store tests, and the documents' links: all that need no browser
test-unit *ARGS: (install "rust" "peers" "s3-clients")
    cargo test {{ everything }} --lib --bins --test simulation --test download --test store --test routes --test commands --test docs --test modules "$@"
    cargo test {{ everything }} --doc "$@"

# The whole system in real browsers: all of it in Chromium, the core of it in Firefox and WebKit, too
test-browser *ARGS: (install "rust" "browser" "node")
    cargo build {{ everything }} --bins
    cargo test {{ everything }} --test browser "$@"

# The npm package: packed, installed, bundled by Vite, webpack and esbuild, and driven in Chromium
test-package *ARGS: (install "rust" "browser" "node")
    cargo build {{ everything }} --bins
    cargo test {{ everything }} --test package "$@"

# A file of 10 GiB in the browser, which takes as much disk and some minutes
test-large: (install "rust" "browser")
    cargo build {{ everything }} --bins
    cargo test {{ everything }} --test browser -- --ignored --nocapture large

# The API against its own description, with requests that schemathesis thinks of
test-api: (install "rust" "schemathesis")
    cargo build {{ everything }} --bins
    tests/api/run.sh {{ tools }}/schemathesis/bin/schemathesis

# Fuzz what is parsed (the configuration, key templates, tokens), each for so many seconds; crashes land in server/http/fuzz/artifacts
fuzz SECONDS="60": (install "rust" "fuzz")
    #!/bin/sh
    set -eu
    # Without a sanitizer a stable compiler will do; there is no unsafe code for one to watch.
    for target in settings template token; do
      mkdir -p target/fuzz/corpus/$target
      "{{ tools }}/bin/cargo-fuzz" run --fuzz-dir server/http/fuzz --target-dir target/fuzz --sanitizer none $target \
        target/fuzz/corpus/$target server/http/fuzz/seeds/$target -- -max_total_time={{ SECONDS }} -max_len=4096
    done

# The conformance suite over the embedded store, Garage and Ceph's gateway, and two replicas behind nginx
test-stores *ARGS: (install "rust" "stores")
    cargo build {{ everything }} --bins
    cargo test {{ everything }} --test conformance -- --test-threads=1 --nocapture "$@"

# The unit for systemd, and the container where there is an engine
check-deploy: (install "rust")
    #!/bin/sh
    set -eu
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' server/deploy/partway.service > "$folder/partway.service"
    if command -v systemd-analyze >/dev/null; then
      systemd-analyze verify --man=no "$folder/partway.service"
      # From 0, locked up, to 100, unconfined.
      systemd-analyze security --offline=yes --threshold=20 --no-pager "$folder/partway.service" > "$folder/security" ||
        { cat "$folder/security"; exit 1; }
    fi
    for engine in podman docker; do
      if command -v $engine >/dev/null && $engine info >/dev/null 2>&1; then
        exec $engine build --file server/deploy/Containerfile --tag partway .
      fi
    done
    echo "There is no engine for containers here, so none was built." >&2

# What is left out unless asked for, traces for OpenTelemetry, and what can be left out, the widget
check-otel: (install "rust")
    cargo clippy --package partway-server --package partway-cli --no-default-features --all-targets --locked -- --deny warnings
    cargo clippy --package partway-server --package partway-cli --features partway-cli/otel --all-targets --locked -- --deny warnings
    cargo test --package partway-server --features otel --test traces --locked

# Take pictures of the element in every state and look into target/debug/screenshots, and the README's anew
screenshots: (install "rust" "browser")
    cargo build {{ everything }} --bins
    cargo build {{ everything }} --example screenshots
    "${CARGO_TARGET_DIR:-target}/debug/examples/screenshots"

# Print what a page has to load, in bytes, beside what Uppy's pages load
sizes: (install "rust" "node")
    @cargo build --quiet {{ everything }} --bins
    @cat target/widget/sizes.txt
    @node tests/benches/peers/sizes.js

# Build the npm package, and pack it into target/npm
package: (install "rust" "node")
    cargo build --package partway-widget --locked
    node web/npm/build.js

# All benchmarks that need nothing from npm, one after another: ratios against peers, side by side
bench: bench-signing bench-store bench-browser

# Signing, against aws-sdk-s3's presigner
bench-signing *ARGS: (install "rust")
    cargo bench --package partway-tests --features bench --bench signing --locked -- "$@"

# The server over HTTP, against Companion and FastAPI with boto3; `5 alone` is five rounds without them
bench-server *ARGS: (install "rust" "node" "python")
    cargo build --release --package partway-cli --locked
    cargo bench --package partway-tests --features bench --bench server --locked -- "$@"

# The embedded store, against s3s-fs
bench-store *ARGS: (install "rust")
    cargo bench --package partway-tests --features bench --bench store --locked -- "$@"

# The widget in Chromium, against a bare loop of PUTs
bench-browser *ARGS: (install "rust" "browser")
    cargo build --release --package partway-cli --locked
    cargo bench --package partway-tests --features bench --bench browser --locked -- "$@"

# Downloads in Chromium, against fetch, StreamSaver and the browser's own; `5 256` is five rounds of 256 MiB
bench-browser-download *ARGS: (install "rust" "browser" "node")
    cargo build --release --package partway-cli --locked
    cargo bench --package partway-tests --features bench --bench browser_download --locked -- "$@"

# Copies within the embedded store, against boto3; `3 1024` is three rounds of 1 GiB in the place of 10
bench-copies *ARGS: (install "rust" "browser" "python")
    cargo build --release --package partway-cli --locked
    cargo bench --package partway-tests --features bench --bench copies --locked -- "$@"

# The widget in Chromium, against Uppy 5, better-upload and bare loops; `3 line small` is three rounds of two scenarios
bench-peers *ARGS: (install "rust" "browser" "node")
    cargo build --release --package partway-cli --locked
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
          have cc || packages "{{ compiler-packages }}" "needs a C compiler"
          have wasm-opt esbuild || packages "{{ widget-packages }}" "builds its widget with wasm-opt and esbuild"
          ;;
        browser)
          have chromium chromedriver || have google-chrome chromedriver || packages "{{ chromium-packages }}" "is tested in Chromium"
          have firefox || packages "{{ firefox-packages }}" "is tested in Firefox"
          have WebKitWebDriver Xvfb || packages "{{ webkit-packages }}" "is tested in WebKit"
          # Not optimised, which makes no difference to a test and halves its build.
          have geckodriver || [ -x target/tools/bin/geckodriver ] ||
            cargo install --quiet --debug --locked --root target/tools "{{ geckodriver }}"
          ;;
        node)
          have node npm || packages "{{ node-packages }}" "is tested and measured with packages from npm"
          if ! printf '%s\n' "v{{ node-oldest }}" "$(node --version)" | sort --version-sort --check=quiet; then
            echo "Fetching {{ node-fetched }} into target/tools, as $(node --version) is too old for Vite." >&2
            npm install --silent --no-save --no-audit --no-fund --prefix "{{ tools }}/node" "{{ node-fetched }}"
          fi
          ;;
        python)
          python3 -c 'import ensurepip' 2>/dev/null || packages "{{ python-packages }}" "is measured against a peer from PyPI"
          ;;
        schemathesis)
          python3 -c 'import ensurepip' 2>/dev/null || packages "{{ python-packages }}" "tests its API with schemathesis"
          if ! "{{ tools }}/schemathesis/bin/schemathesis" --version 2>/dev/null | grep -q "{{ schemathesis-version }}"; then
            python3 -m venv "{{ tools }}/schemathesis"
            "{{ tools }}/schemathesis/bin/pip" install --quiet "schemathesis=={{ schemathesis-version }}"
          fi
          ;;
        s3-clients)
          python3 -c 'import ensurepip' 2>/dev/null && have s3cmd || packages "{{ client-packages }}" "tries its store with s3cmd and more"
          wanted=server/embedded/tests/store/clients/requirements.txt
          if ! cmp -s $wanted "{{ tools }}/s3-clients/installed.txt"; then
            python3 -m venv --clear "{{ tools }}/s3-clients"
            "{{ tools }}/s3-clients/bin/pip" install --quiet --disable-pip-version-check --requirement $wanted
            cp $wanted "{{ tools }}/s3-clients/installed.txt"
          fi
          ;;
        stores)
          have ceph-mon ceph-osd ceph radosgw nginx || packages "{{ store-packages }}" "is tested on Ceph, and behind nginx"
          if ! "{{ tools }}/bin/garage" --version 2>/dev/null | grep -q "{{ garage-version }}"; then
            echo "Building Garage {{ garage-version }} into target/tools (once, some twenty minutes)." >&2
            cargo install garage --quiet --locked --version "{{ garage-version }}" --root "{{ tools }}" --target-dir "{{ tools }}/garage-build"
            rm -rf "{{ tools }}/garage-build"
          fi
          ;;
        fuzz)
          have c++ || packages "{{ compiler-packages }}" "needs a C++ compiler to be fuzzed"
          "{{ tools }}/bin/cargo-fuzz" --version 2>/dev/null | grep -q "{{ fuzz-version }}" ||
            cargo install --quiet --locked --root "{{ tools }}" --version "{{ fuzz-version }}" cargo-fuzz
          ;;
        peers)
          have redis-server node python3 curl || packages "{{ peer-packages }}" "is tested with Redis, Node.js, Python and curl"
          ;;
        *)
          echo "There is nothing called $what to install; try rust, browser, node, peers, python, fuzz, s3-clients, schemathesis or stores." >&2
          exit 1
          ;;
      esac
    done
