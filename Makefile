# Everything that is done with this repository. `make` alone lists it.

TAGS := sqlite_fts5 osusergo netgo sqlite_omit_load_extension
LDFLAGS := -s -w
# Compression of the browser's program: 11 takes 20 s once and is what is shipped, 5 takes a moment.
QUALITY ?= 11
# What a page calls is not copied into it: a twentieth less to fetch, and nothing that a person could notice.
WASM_GCFLAGS := trivium/...=-l
ARGS ?=
# How long make soak goes on.
D ?= 10m

BIN := build/bin
RQLITE := github.com/rqlite/rqlite/v8@v8.43.4
WASM := assets/web/app.wasm
# What is taken of PDF.js, which draws PDF files in the browser.
PDFJS := assets/web/pdfjs/pdf.min.mjs.br
PDFJS_FILES := legacy/build/pdf.min.mjs legacy/build/pdf.worker.min.mjs wasm/openjpeg.wasm wasm/jbig2.wasm wasm/qcms_bg.wasm \
	standard_fonts/FoxitSymbol.pfb standard_fonts/FoxitDingbats.pfb LICENSE
BROWSER_SOURCES := $(shell find app wasm -name '*.go' -not -name '*_test.go') $(wildcard build/patch/*.go build/slim/*.go build/pack/*.go) go.mod

.DEFAULT_GOAL := help
.PHONY: help run build wasm test check golden cluster bench retrieval simulate fuzz soak release clean chromium npm

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, then three nodes on this machine with a demo site (ARGS="--nodes 5")
	$(BIN)/trivium demo $(ARGS)

build: $(WASM).br $(PDFJS) ## the program: build/bin/trivium
	go build -tags "$(TAGS)" -trimpath -ldflags "$(LDFLAGS)" -o $(BIN)/trivium ./server

wasm: $(WASM).br $(PDFJS) ## the browser's program and PDF.js, compressed, below assets/web

$(PDFJS): build/pdfjs/package-lock.json build/pack/main.go | npm
	cd build/pdfjs && npm ci --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error
	@mkdir -p assets/web/pdfjs
	go run ./build/pack -quality $(QUALITY) -out assets/web/pdfjs $(addprefix build/pdfjs/node_modules/pdfjs-dist/,$(PDFJS_FILES))

$(WASM).br: $(BROWSER_SOURCES)
	@mkdir -p $(BIN)
	go run ./build/patch
	GOOS=js GOARCH=wasm go build -modfile=build/goapp/trivium.mod -trimpath -ldflags "$(LDFLAGS)" -gcflags "$(WASM_GCFLAGS)" -o $(BIN)/app.wasm ./wasm
	go run ./build/slim $(BIN)/app.wasm
	go run ./build/pack -quality $(QUALITY) -out assets/web $(BIN)/app.wasm

test: build chromium ## every test: units, clusters of real processes, a real browser
	go test -tags "$(TAGS)" -timeout 20m ./...
	go test -tags "$(TAGS) e2e" -count=1 -timeout 30m ./build/e2e/...

check: ## gofmt, vet for both targets, staticcheck, tidy, tests with the race detector
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -d $$(git ls-files '*.go'); exit 1; }
	go vet -tags "$(TAGS)" ./...
	go vet -tags "$(TAGS) e2e" ./build/e2e/...
	GOOS=js GOARCH=wasm go vet ./app/... ./wasm/...
	go tool staticcheck -tags "$(TAGS)" ./...
	go mod tidy -diff
	go test -tags "$(TAGS)" -race -timeout 30m ./...

golden: ## write the golden files anew, after an intended change
	go test -tags "$(TAGS)" $$(grep -rl --include='*_test.go' '"update"' app consensus server build/deps | xargs -n1 dirname | sort -u | sed 's,^,./,') -update

cluster: build ## three nodes by hand, as on three machines, with the commands shown; Ctrl-C stops them
	@sh build/cluster.sh $(BIN)/trivium

bench: build ## Trivium beside rqlite on this disk: a table of ratios
	go mod download $(RQLITE) # in a module of its own: it needs another raft than ours
	cd "$$(go env GOMODCACHE)/$(RQLITE)" && go build -trimpath -ldflags "$(LDFLAGS)" -o "$(CURDIR)/$(BIN)/rqlited" ./cmd/rqlited
	go build -tags "$(TAGS)" -o $(BIN)/bench ./build/bench
	$(BIN)/bench -trivium $(BIN)/trivium -rqlited $(BIN)/rqlited $(ARGS)

retrieval: ## how well and how fast the tutor finds passages, beside plain BM25 (ARGS="-v -passages 0")
	go build -tags "$(TAGS)" -o $(BIN)/bench ./build/bench
	$(BIN)/bench -retrieval $(ARGS)

T ?= 30s
ONLY ?= .

fuzz: ## every fuzz target for a time of its own (T=30s ONLY=consensus)
	@sh build/fuzz.sh "$(TAGS)" $(T) "$(ONLY)"

SEEDS ?= 50
HOURS ?= 24
FIRST ?= 1

simulate: ## consensus in virtual time under faults (SEEDS=50 HOURS=24 FIRST=1); one hour takes about 10 s
	go test -tags "$(TAGS)" ./consensus/sim -run 'TestSimulation$$' -v -timeout 0 -seeds $(SEEDS) -first $(FIRST) -hours $(HOURS)

soak: $(WASM).br $(PDFJS) ## ten minutes of faults under load, everything checked (D=4h; ARGS="-faults all -seed 1")
	go build -tags "$(TAGS)" -o $(BIN)/soak ./build/soak
	$(BIN)/soak -d $(D) $(ARGS)

clean: ## remove what was built; a demo stays (trivium demo clean)
	rm -rf $(BIN) build/goapp build/pdfjs/node_modules assets/web/pdfjs $(WASM)*

# The browser tests need Chromium.
chromium:
	@if [ -n "$$TRIVIUM_CHROMIUM" ] || command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -y -q chromium; \
	else echo "The browser tests need Chromium: install the package chromium, or set TRIVIUM_CHROMIUM to its path."; exit 1; fi

# npm fetches PDF.js, once.
npm:
	@if command -v npm >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -y -q --no-install-recommends npm; \
	else echo "PDF.js, which shows PDF files in the browser, is fetched with npm: install the package npm (it brings node along)."; exit 1; fi

release: $(WASM).br $(PDFJS) ## archives for linux amd64 and arm64 with signed checksums (RELEASE_KEY=path of an ed25519 key)
	TAGS="$(TAGS)" sh build/package/release.sh
