/* tool/numbers: files that change while they are read, here, in threads and in children; files that are replaced. */
#include "numbers/numbers.h"
#include "numbers/format.h"
#include "numbers/replace.h"
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGES 64

static char directory[64], path[128];
static size_t page;
static struct sigaction first; // what SIGBUS does unless something is guarded

static void fill(size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *ones = malloc(bytes);
	memset(ones, '1', bytes);
	tap_ok(fd >= 0 && write(fd, ones, bytes) == (ssize_t)bytes, "a file of %zu bytes", bytes);
	free(ones);
	close(fd);
}

static const char *const names[] = { path };
static const struct numbers_source mapped = { names, 1, KIN_U8, false, false, NULL, NULL };

static void *sum(void *arg)
{
	const struct numbers *numbers = arg;
	const volatile uint8_t *items = numbers->array.items;
	uint64_t total = 0;
	for (size_t i = 0; i < numbers->array.count; i++)
		total += items[i];
	return (void *)(uintptr_t)total;
}

static void unchanged(void)
{
	fill(PAGES * page + 5);
	struct numbers numbers = { 0 };
	tap_is_int(numbers_read(&numbers, &mapped), 0, "read");
	tap_ok(numbers.mapped != NULL, "a single file is mapped");
	tap_is_int((uintptr_t)sum(&numbers), (PAGES * page + 5) * '1', "all its items are there");
	tap_is_int(numbers_verify(&numbers), 0, "and it has not changed");
	numbers_finish(&numbers);
	numbers_finish(&numbers);
	tap_ok(numbers.files == NULL, "finished");
}

static void cut_short(void)
{
	fill(PAGES * page);
	struct numbers numbers = { 0 };
	tap_is_int(numbers_read(&numbers, &mapped), 0, "read");
	tap_is_int(truncate(path, (off_t)page), 0, "cut short after its first page");
	tap_is_int((uintptr_t)sum(&numbers), page * '1', "what is missing reads as zeros");
	tap_is_int(numbers_verify(&numbers), -EBUSY, "which is told");
	tap_has(numbers.message, "was cut short while it was read", "in words");
	numbers_finish(&numbers);
}

/* As long as it was, and nobody touched it: only the missing pages can tell. */
static void mend(const struct stat *before)
{
	const struct timespec times[2] = { before->st_atim, before->st_mtim };
	truncate(path, before->st_size);
	utimensat(AT_FDCWD, path, times, 0);
}

static void cut_and_mended(void)
{
	fill(PAGES * page);
	struct stat before;
	stat(path, &before);
	struct numbers numbers = { 0 };
	tap_is_int(numbers_read(&numbers, &mapped), 0, "read");
	truncate(path, (off_t)page);
	sum(&numbers);
	mend(&before);
	tap_is_int(numbers_verify(&numbers), -EIO, "a file cut short, and mended before one looks, is told");
	numbers_finish(&numbers);
}

static void *sum_in_child(void *arg)
{
	pid_t child = fork();
	if (child == 0)
		_exit((uintptr_t)sum(arg) == page * '1' ? 0 : 1);
	int status = -1;
	waitpid(child, &status, 0);
	return (void *)(uintptr_t)status;
}

static void cut_short_elsewhere(void)
{
	for (int in_child = 0; in_child < 2; in_child++) {
		fill(PAGES * page);
		struct stat before;
		stat(path, &before);
		struct numbers numbers = { 0 };
		tap_is_int(numbers_read(&numbers, &mapped), 0, "read");
		truncate(path, (off_t)page);
		pthread_t threads[4];
		void *result;
		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, in_child ? sum_in_child : sum, &numbers);
		bool right = true;
		for (int i = 0; i < 4; i++) {
			pthread_join(threads[i], &result);
			right = right && (uintptr_t)result == (in_child ? 0 : page * '1');
		}
		tap_ok(right, "%s read zeros too", in_child ? "children" : "threads");
		mend(&before);
		tap_is_int(numbers_verify(&numbers), -EIO, "and what they missed is told here");
		numbers_finish(&numbers);
	}
}

static void no_help(void)
{
	fill(PAGES * page);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		struct numbers numbers = { 0 };
		numbers_read(&numbers, &mapped);
		int fd = open(path, O_RDONLY);
		char *other = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
		truncate(path, 0);
		char c = *(volatile char *)other;
		_exit(c);
	}
	int status = 0;
	waitpid(child, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "other mappings get no help");
	struct sigaction action;
	sigaction(SIGBUS, NULL, &action);
	tap_ok(action.sa_handler == first.sa_handler, "and nothing of it stays");
}

/* --- files that are read --- */

static void grow(uint64_t bytes, void *arg)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (write(fd, " 1", 2) != 2)
		tap_note("nothing appended");
	close(fd);
}

static void shrink(uint64_t bytes, void *arg)
{
	truncate(path, 1);
}

static void changed_while_read(void)
{
	void (*const changes[])(uint64_t, void *) = { grow, shrink };
	const char *const words[] = { "was growing while", "was cut short while" };
	for (int text = 0; text < 2; text++) {
		for (int i = 0; i < 2; i++) {
			fill(1000);
			struct numbers_source source = { names, 1, text ? KIN_F64 : KIN_U8, text, true,
				changes[i], NULL };
			struct numbers numbers = { 0 };
			tap_is_int(numbers_read(&numbers, &source), -EBUSY, "a file that changes is refused");
			tap_has(numbers.message, words[i], text ? "text" : "raw");
			numbers_finish(&numbers);
		}
	}
}

/* --- what is written --- */

static const char *formatted(enum kin_type type, union kin_number number)
{
	static char text[NUMBERS_FORMATTED];
	size_t length = numbers_format(text, type, number);
	return length == strlen(text) ? text : "another length";
}

static void formats(void)
{
	tap_is_string(formatted(KIN_I64, (union kin_number){ .i = INT64_MIN }), "-9223372036854775808",
		"lowest i64");
	tap_is_string(formatted(KIN_U64, (union kin_number){ .u = UINT64_MAX }), "18446744073709551615",
		"highest u64");
	tap_is_string(formatted(KIN_F32, (union kin_number){ .f = 0.1f }), "0.1", "f32");
	tap_is_string(formatted(KIN_F32, (union kin_number){ .f = 16777216 }), "16777216", "f32, whole");
	tap_is_string(formatted(KIN_F64, (union kin_number){ .f = 0.1f }), "0.10000000149011612", "f64");
	tap_is_string(formatted(KIN_F64, (union kin_number){ .f = -2.2250738585072011e-308 }),
		"-2.225073858507201e-308", "a subnormal");
	tap_is_string(
		formatted(KIN_F64, (union kin_number){ .u = UINT64_MAX }), "nan", "a NaN, whatever its sign");
	bool same = true;
	uint64_t bits = 1;
	for (int i = 0; i < 20000 && same; i++) {
		bits = bits * 6364136223846793005u + 1442695040888963407u;
		union kin_number number = { .u = bits };
		if (number.f != number.f)
			continue;
		double back = strtod(formatted(KIN_F64, number), NULL);
		same = memcmp(&back, &number, sizeof back) == 0;
	}
	tap_ok(same, "floats of any bits read back");
}

static void loads_and_stores(void)
{
	bool same = true;
	for (int type = KIN_I8; type <= KIN_F64; type++) {
		const struct numbers_type *known = numbers_type((enum kin_type)type);
		union kin_number numbers[3] = { { .u = 0 }, { .u = known->above },
			{ .u = 0 - known->below } };
		if (known->class == NUMBERS_FLOAT)
			numbers[1].f = -0.5;
		for (int i = 0; i < 3; i++) {
			char item[9];
			numbers_store((enum kin_type)type, item + 1, numbers[i]);
			union kin_number loaded = numbers_load((enum kin_type)type, item + 1);
			same = same && loaded.u == numbers[i].u;
		}
	}
	tap_ok(same, "what is stored is loaded, the extremes of each type too");
}

static int files(void)
{
	DIR *open_directory = opendir(directory);
	int count = -2; // "." and ".."
	while (readdir(open_directory))
		count++;
	closedir(open_directory);
	return count;
}

static void replaced(void)
{
	fill(10);
	struct sigaction before, after;
	sigaction(SIGINT, NULL, &before);
	struct numbers_replacement replacement = { 0 };
	tap_is_int(numbers_replace_begin(&replacement, path), 0, "begun");
	tap_is_int(files(), 2, "what is written lies beside it");
	tap_is_int(write(replacement.fd, "new", 3), 3, "written");
	numbers_replace_finish(&replacement);
	tap_is_int(files(), 1, "given up: nothing is left");
	struct stat now;
	stat(path, &now);
	tap_is_int(now.st_size, 10, "and the file is as it was");
	tap_is_int(numbers_replace_begin(&replacement, path), 0, "begun again");
	tap_is_int(write(replacement.fd, "new", 3), 3, "written");
	tap_is_int(numbers_replace_commit(&replacement), 0, "committed");
	stat(path, &now);
	tap_ok(now.st_size == 3 && (now.st_mode & 0777) == 0600 && files() == 1,
		"the new file has its place");
	numbers_replace_finish(&replacement);
	sigaction(SIGINT, NULL, &after);
	tap_ok(after.sa_handler == before.sa_handler, "signals are as they were");
}

/* A forked worker that is killed is not the end of what its parent writes. */
static void killed_worker(void)
{
	signal(SIGTERM, SIG_DFL); // whoever started us may have ignored it
	struct numbers_replacement replacement = { 0 };
	tap_is_int(numbers_replace_begin(&replacement, path), 0, "begun");
	pid_t child = fork();
	if (child == 0) {
		raise(SIGTERM);
		_exit(0);
	}
	int status = 0;
	waitpid(child, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "a child is killed");
	tap_is_int(files(), 2, "and removes nothing");
	numbers_replace_finish(&replacement);
}

int main(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	strcpy(directory, "/tmp/kin-numbers-XXXXXX");
	if (!mkdtemp(directory))
		return tap_skip_all("no directory to work in");
	snprintf(path, sizeof path, "%s/numbers", directory);
	sigaction(SIGBUS, NULL, &first);
	unchanged();
	cut_short();
	cut_and_mended();
	cut_short_elsewhere();
	no_help();
	changed_while_read();
	formats();
	loads_and_stores();
	replaced();
	killed_worker();
	unlink(path);
	rmdir(directory);
	return tap_done();
}
