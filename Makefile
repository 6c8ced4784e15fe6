# The front door: each goal sets up what it needs and hands over to Meson.
#
#   make              build/kin
#   make run          build, and show the family of four programs that sum the same 100,000,000 numbers
#   make test         build, and run every test; the last line counts them
#   make bench        measure what watching costs, beside strace and perf, and the library beside its peers
#   make check-style  what the tests cannot see: layout, lengths, comments, documents
#   make install      tool, library, headers, man pages, completions (DESTDIR, prefix)
#   make clean        remove build/
#
# Packages that are missing are installed first (root or sudo); scripts/setup --groups lists them.

prefix ?= /usr/local
BUILD = build

# Ninja runs things side by side; here the order counts: packages, then Meson, then the build.
.NOTPARALLEL:
.PHONY: build run test bench check-style install clean

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD) product
	@ln -sf tool/kin $(BUILD)/kin

$(BUILD)/build.ninja: | $(BUILD)/.packages-build
	meson setup $(BUILD) --prefix=$(prefix)

# Meson remembers what it did not find: after an installation it has to look again.
$(BUILD)/.packages-%: scripts/setup
	@if [ -n "$$(scripts/setup --list $*)" ]; then \
		scripts/setup $* && rm -rf $(BUILD)/build.ninja $(BUILD)/meson-private; fi
	@mkdir -p $(BUILD) && touch $@

run: build
	@labs/sum-array/show $(BUILD)

test: $(BUILD)/.packages-test build
	@ninja -C $(BUILD)
	@scripts/test $(BUILD)

bench: $(BUILD)/.packages-bench build
	@ninja -C $(BUILD)
	@bench/trace --build $(BUILD)
	@bench/pool --build $(BUILD)
	@bench/list/run --build $(BUILD)

check-style: $(BUILD)/.packages-style build
	@scripts/check-style $(BUILD)

install: build
	@grep -qx 'prefix=$(prefix)' $(BUILD)/meson-private/kin.pc || meson setup --reconfigure $(BUILD) --prefix=$(prefix)
	@ninja -C $(BUILD) product
	DESTDIR='$(DESTDIR)' meson install -C $(BUILD) --no-rebuild
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

clean:
	rm -rf $(BUILD)
