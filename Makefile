# The front door: each goal sets up what it needs and hands over to Meson.
#
#   make              build/kin
#   make run          build, and show the family of four programs that sum the same 100,000,000 numbers
#   make test         build, and run every test; the last line counts them
#   make bench        measure what watching costs, beside strace and perf
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
	@ninja -C $(BUILD)
	@ln -sf tool/kin $(BUILD)/kin

$(BUILD)/build.ninja: | $(BUILD)/.packages-build
	meson setup $(BUILD) --prefix=$(prefix)

$(BUILD)/.packages-%: scripts/setup
	@scripts/setup $*
	@mkdir -p $(BUILD) && touch $@
	@if [ -e $(BUILD)/build.ninja ]; then \
		echo 'what Meson did not find before may be there now'; \
		meson configure --clearcache $(BUILD) && meson setup --reconfigure $(BUILD); fi

run: build
	@labs/sum-array/show $(BUILD)

test: $(BUILD)/.packages-test build
	@scripts/test $(BUILD)

bench: $(BUILD)/.packages-bench build
	@bench/trace --build $(BUILD)

check-style: $(BUILD)/.packages-style build
	@scripts/check-style $(BUILD)

install: build
	meson configure $(BUILD) -Dprefix=$(prefix)
	DESTDIR='$(DESTDIR)' meson install -C $(BUILD)
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

clean:
	rm -rf $(BUILD)
