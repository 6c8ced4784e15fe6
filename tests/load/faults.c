/*
 * faults CAUSE N: N page faults of one cause, and what the kernel counted for them.
 *
 * Prints "asked N minor N major N" of the loop alone, then "total minor N major N" of the task that ran it, read as
 * late as possible. Causes:
 *   zero          first write to anonymous memory          read-zero    first read of it (the zero page)
 *   zero-write    write after such a read                  cow          write after fork, in the child
 *   cow-sole      write after the child has ended          file         read of a mapped file, in the cache
 *   file-cow      first write to a private file page       shared-file  first write to a shared file page
 *   shared        first write to shared anonymous memory   major        read of a file page that is on disk
 *   dontneed      zero-fill of memory given back before
 *   in-kernel     zero-fill inside read(2)                 heap, stack  zero-fill in [heap] and [stack]
 */
#include "load.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

static long page_size;
static struct rusage before, after;
static volatile char sink;

static void *anonymous(long count, int sharing)
{
	char *memory = mmap(NULL, count * page_size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		load_die("mmap");
	madvise(memory, count * page_size, MADV_NOHUGEPAGE);
	return memory;
}

/* a file without a name, of that many pages, all in the page cache */
static int temporary(long count)
{
	const char *directory = getenv("TMPDIR");
	char path[4096];
	snprintf(path, sizeof path, "%s/kin-load-XXXXXX", directory ? directory : "/tmp");
	int fd = mkstemp(path);
	if (fd < 0)
		load_die(path);
	unlink(path);
	char *page = calloc(1, page_size);
	memset(page, 1, page_size);
	for (long i = 0; i < count; i++)
		if (write(fd, page, page_size) != page_size)
			load_die("write");
	free(page);
	return fd;
}

static void *file(long count, int sharing, int drop)
{
	int fd = temporary(count);
	fsync(fd);
	if (drop)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	char *memory = mmap(NULL, count * page_size, PROT_READ | PROT_WRITE, sharing, fd, 0);
	if (memory == MAP_FAILED)
		load_die("mmap");
	/* no read-ahead: one fault a page that is not in the cache */
	madvise(memory, count * page_size, MADV_RANDOM);
	close(fd);
	return memory;
}

/* one page of each `stride` */
static __attribute__((noinline)) void touch_write(volatile char *memory, long count, long stride)
{
	for (long i = 0; i < count; i++)
		memory[i * stride * page_size] = 2;
}

static __attribute__((noinline)) void touch_read(volatile char *memory, long count, long stride)
{
	for (long i = 0; i < count; i++)
		sink += memory[i * stride * page_size];
}

static void measure_write(volatile char *memory, long count)
{
	getrusage(RUSAGE_SELF, &before);
	touch_write(memory, count, 1);
	getrusage(RUSAGE_SELF, &after);
}

static void measure_read(volatile char *memory, long count)
{
	getrusage(RUSAGE_SELF, &before);
	touch_read(memory, count, 1);
	getrusage(RUSAGE_SELF, &after);
}

static void report(long count)
{
	struct rusage end;
	char line[200];
	/* once without output, so that formatting makes no new faults between the reading and the end */
	for (int last = 0; last < 2; last++) {
		getrusage(RUSAGE_SELF, &end);
		int length = snprintf(line, sizeof line,
			"asked %ld minor %ld major %ld\ntotal minor %ld major %ld\n", count,
			after.ru_minflt - before.ru_minflt, after.ru_majflt - before.ru_majflt, end.ru_minflt,
			end.ru_majflt);
		if (last && write(STDOUT_FILENO, line, length) != length)
			_exit(1);
	}
	_exit(0);
}

static void zero(long count)
{
	measure_write(anonymous(count, MAP_PRIVATE), count);
}

static void read_zero(long count)
{
	measure_read(anonymous(count, MAP_PRIVATE), count);
}

static void zero_write(long count)
{
	char *memory = anonymous(count, MAP_PRIVATE);
	touch_read(memory, count, 1);
	measure_write(memory, count);
}

static void cow(long count)
{
	char *memory = anonymous(count, MAP_PRIVATE);
	touch_write(memory, count, 1);
	pid_t pid = fork();
	if (pid != 0)
		_exit(load_reap(pid) == 0 ? 0 : 1);
	measure_write(memory, count);
}

static void cow_sole(long count)
{
	char *memory = anonymous(count, MAP_PRIVATE);
	touch_write(memory, count, 1);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	load_reap(pid);
	measure_write(memory, count);
}

/* a fault on a mapped file brings its neighbours in with it, 64 KiB at most: of each 64 KiB, one is read */
static void file_read(long count)
{
	enum { WINDOW = 65536, WINDOWS = 1000 };
	long stride = WINDOW / page_size;
	int fd = temporary(stride * (count < WINDOWS ? count : WINDOWS));
	struct rusage now;
	for (long left = count; left > 0; left -= WINDOWS) {
		long windows = left < WINDOWS ? left : WINDOWS;
		/* begins at a multiple of 64 KiB, as the neighbourhoods do */
		char *room =
			mmap(NULL, (windows + 1) * WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char *start = room + (-(uintptr_t)room & (WINDOW - 1));
		char *memory = mmap(start, windows * WINDOW, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
		if (room == MAP_FAILED || memory == MAP_FAILED)
			load_die("mmap");
		getrusage(RUSAGE_SELF, &now);
		touch_read(memory, windows, stride);
		getrusage(RUSAGE_SELF, &after);
		before.ru_minflt += after.ru_minflt - now.ru_minflt;
		before.ru_majflt += after.ru_majflt - now.ru_majflt;
		munmap(room, (windows + 1) * WINDOW);
	}
	/* the sums of all rounds, as a difference */
	after = before;
	before = (struct rusage){ 0 };
}

/* memory given back and touched again: zero-fill once more, though the address is not new */
static void dontneed(long count)
{
	char *memory = anonymous(count, MAP_PRIVATE);
	touch_write(memory, count, 1);
	madvise(memory, count * page_size, MADV_DONTNEED);
	measure_write(memory, count);
}

static void file_cow(long count)
{
	measure_write(file(count, MAP_PRIVATE, 0), count);
}

static void shared_file(long count)
{
	measure_write(file(count, MAP_SHARED, 0), count);
}

static void shared(long count)
{
	measure_write(anonymous(count, MAP_SHARED), count);
}

static void major(long count)
{
	measure_read(file(count, MAP_PRIVATE, 1), count);
}

static void in_kernel(long count)
{
	char *memory = anonymous(count, MAP_PRIVATE);
	int fd = open("/dev/zero", O_RDONLY);
	getrusage(RUSAGE_SELF, &before);
	if (fd < 0 || read(fd, memory, count * page_size) != count * page_size)
		load_die("/dev/zero");
	getrusage(RUSAGE_SELF, &after);
}

static void heap(long count)
{
	char *memory = sbrk(0);
	memory += -(uintptr_t)memory & (page_size - 1);
	if (brk(memory + count * page_size) < 0)
		load_die("brk");
	measure_write(memory, count);
}

static __attribute__((noinline)) void stack(long count)
{
	/* the pages at both its ends may be in use already */
	volatile char *memory = __builtin_alloca((count + 4) * page_size);
	getrusage(RUSAGE_SELF, &before);
	/* downwards, as a stack grows */
	for (long i = count; i > 0; i--)
		memory[i * page_size] = 2;
	getrusage(RUSAGE_SELF, &after);
}

static const struct {
	const char *name;
	void (*make)(long count);
} causes[] = {
	{ "zero", zero },
	{ "read-zero", read_zero },
	{ "zero-write", zero_write },
	{ "cow", cow },
	{ "cow-sole", cow_sole },
	{ "file", file_read },
	{ "file-cow", file_cow },
	{ "shared-file", shared_file },
	{ "shared", shared },
	{ "dontneed", dontneed },
	{ "major", major },
	{ "in-kernel", in_kernel },
	{ "heap", heap },
	{ "stack", stack },
};

int main(int argc, char **argv)
{
	page_size = sysconf(_SC_PAGESIZE);
	for (size_t i = 0; argc == 3 && i < sizeof causes / sizeof *causes; i++) {
		if (strcmp(argv[1], causes[i].name) != 0)
			continue;
		long count = atol(argv[2]);
		causes[i].make(count);
		report(count);
	}
	fprintf(stderr, "usage: faults CAUSE N\n");
	return 2;
}
