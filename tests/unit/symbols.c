/* Places in the code: in this very program, in its libraries, and where nothing can be known. */
#include "tap.h"

#include "config.h"
#include "record/symbols.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

struct where {
	char path[4096];
	struct symbols_file file;
	uint64_t offset;
};

/* noinline, and not static: its name and line stay in the program. */
__attribute__((noinline)) int symbols_test_landmark(int x);
__attribute__((noinline)) int symbols_test_landmark(int x)
{
	return x * 3 + 1;
}
enum { LANDMARK_END = __LINE__ - 1 };

static bool locate(uintptr_t address, struct where *where)
{
	char line[4200];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "re");
	while (maps && !found && fgets(line, sizeof line, maps)) {
		uint64_t start, end, offset;
		unsigned major, minor;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %x:%x %" SCNu64 " %4095s", &start,
			    &end, &offset, &major, &minor, &where->file.inode, where->path) != 7)
			continue;
		found = address >= start && address < end;
		where->offset = address - start + offset;
		where->file.path = where->path;
		where->file.major = major;
		where->file.minor = minor;
		where->file.pid = getpid();
	}
	if (maps)
		fclose(maps);
	return found;
}

static void test_this_program(struct symbols *symbols)
{
	struct where where;
	struct place place, again;
	tap_ok(locate((uintptr_t)symbols_test_landmark, &where), "this program is mapped");
	tap_is_int(symbols_find(symbols, &where.file, where.offset, &place), 0, "a place in it");
	if (!HAVE_LIBDW) {
		tap_has(place.name, "+0x", "without elfutils it is the object's name and an offset");
		return;
	}
	tap_is_string(place.name, "symbols_test_landmark", "has the function's name");
	int line = 0;
	if (place.source && sscanf(place.source, "symbols.c:%d", &line) != 1)
		line = 0;
	tap_ok(line >= LANDMARK_END - 4 && line <= LANDMARK_END, "and the line, by the debug information: %s",
		place.source ? place.source : "none");
	symbols_find(symbols, &where.file, where.offset, &again);
	tap_ok(again.name == place.name && again.source == place.source, "found again, it is the same");
	symbols_find(symbols, &where.file, where.offset + 1, &again);
	tap_ok(again.name == place.name, "and so is the name of another place in the function");
	symbols_trim(symbols);
	symbols_find(symbols, &where.file, where.offset, &again);
	tap_ok(again.name == place.name, "little is not forgotten");
}

static void test_library(struct symbols *symbols)
{
	struct where where;
	struct place place;
	if (!locate((uintptr_t)getpid, &where) || !HAVE_LIBDW) {
		tap_skip("a function of the C library", "it is not mapped, or elfutils is missing");
		return;
	}
	symbols_find(symbols, &where.file, where.offset, &place);
	tap_has(place.name, "getpid", "a function of the C library by its dynamic symbols");
}

static void test_unknown(struct symbols *symbols)
{
	struct place place;
	struct symbols_file nowhere = { .path = "/nowhere/at/all (deleted)", .inode = 5 };
	tap_is_int(symbols_find(symbols, &nowhere, 0x1234, &place), 0, "a file that is gone is no failure");
	tap_is_string(place.name, "all+0x1234", "its name and the offset are the place");
	tap_is_string(place.source, NULL, "without a source");
	struct symbols_file vdso = { .path = "[vdso]" };
	symbols_find(symbols, &vdso, 0xaf0, &place);
	tap_is_string(place.name, "[vdso]+0xaf0", "the vdso");
	struct symbols_file device = { .path = "/dev/null" };
	symbols_find(symbols, &device, 0x10, &place);
	tap_is_string(place.name, "null+0x10", "a device is not read");
}

static int copy_of_this_program(char *path)
{
	char bytes[65536];
	ssize_t count = 0;
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = mkstemp(path);
	while (from >= 0 && to >= 0 && (count = read(from, bytes, sizeof bytes)) > 0)
		if (write(to, bytes, (size_t)count) != count)
			break;
	if (from >= 0)
		close(from);
	if (count != 0 && to >= 0)
		close(to);
	return count == 0 ? to : -1;
}

/* A file that was replaced while the program ran: its symbols would be another's. */
static void test_replaced(struct symbols *symbols)
{
	char path[] = "/tmp/kin-symbols-XXXXXX";
	struct place place;
	struct stat status;
	struct where where;
	struct timespec later = { .tv_sec = 1, .tv_nsec = 100000000 };
	nanosleep(&later, NULL); /* ctime is compared in seconds */
	int fd = copy_of_this_program(path);
	if (fd < 0 || fstat(fd, &status) < 0 || !locate((uintptr_t)symbols_test_landmark, &where)) {
		tap_skip("a replaced file", "no temporary file can be made");
		return;
	}
	struct symbols_file file = { .path = path, .inode = status.st_ino + 1 };
	symbols_find(symbols, &file, where.offset, &place);
	tap_has(place.name, "kin-symbols-", "a file that was replaced has no symbols");
	file.inode = status.st_ino;
	symbols_find(symbols, &file, where.offset, &place);
	if (HAVE_LIBDW)
		tap_is_string(place.name, "symbols_test_landmark", "the one that was mapped has");
	tap_ok(ftruncate(fd, 0) == 0 && pwrite(fd, "text", 4, 0) == 4, "a file that is no program");
	file.major = 77; /* so that it is looked at anew */
	symbols_find(symbols, &file, 1, &place);
	tap_has(place.name, "+0x1", "has no symbols either");
	close(fd);
	unlink(path);
}

static void test_many(struct symbols *symbols)
{
	struct where where;
	struct place place;
	bool right = true;
	if (!locate((uintptr_t)symbols_test_landmark, &where))
		return;
	for (uint64_t i = 0; i < 5000; i++)
		right &= symbols_find(symbols, &where.file, where.offset + i, &place) == 0 && place.name[0];
	for (uint64_t i = 0; i < 5000; i++) {
		char name[64];
		snprintf(name, sizeof name, "/nowhere/lib%" PRIu64 ".so", i);
		struct symbols_file file = { .path = name, .inode = i };
		right &= symbols_find(symbols, &file, i, &place) == 0;
	}
	tap_ok(right, "5000 places and 5000 files");
}

int main(void)
{
	struct symbols *symbols;
	if (symbols_create(&symbols) < 0)
		abort();
	tap_is_int(symbols_test_landmark(1), 4, "the landmark is there");
	test_this_program(symbols);
	test_library(symbols);
	test_unknown(symbols);
	test_replaced(symbols);
	test_many(symbols);
	symbols_destroy(symbols);
	symbols_destroy(NULL);
	return tap_done();
}
