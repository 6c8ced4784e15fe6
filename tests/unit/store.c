/* store/store.h: what is written is read back exactly; cut, broken and newer recordings. */
#include "store/store.h"
#include "events.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Compares what comes with what was written. */
struct comparer {
	struct event_sink sink;
	struct events_random random; // makes the same events again
	uint64_t count, different;
	int fail_at, error;
};

static int compare(struct event_sink *sink, const struct event *event)
{
	struct comparer *comparer = (struct comparer *)sink;
	struct event *want = events_next(&comparer->random);
	if (!events_equal(event, want)) {
		if (comparer->different++ == 0)
			tap_note("event %llu of type %d differs", (unsigned long long)comparer->count,
				(int)want->type);
	}
	comparer->count++;
	return 0;
}

/* A sink that counts, and fails at one event if asked to. */
static int count(struct event_sink *sink, const struct event *event)
{
	struct comparer *comparer = (struct comparer *)sink;
	comparer->count++;
	return comparer->fail_at && comparer->count == (uint64_t)comparer->fail_at ? comparer->error : 0;
}

static FILE *memory_file(void)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);
	return fd < 0 ? NULL : fdopen(fd, "w+");
}

static int write_events(int fd, uint64_t seed, int events, uint64_t *bytes)
{
	struct store_writer writer;
	struct events_random random;
	int error = 0;
	events_begin(&random, seed);
	store_writer_init(&writer, fd);
	for (int i = 0; i < events && !error; i++)
		error = writer.sink.take(&writer.sink, events_next(&random));
	if (!error)
		error = store_writer_flush(&writer);
	*bytes = writer.bytes;
	store_writer_finish(&writer);
	events_end(&random);
	return error;
}

static void round_trip(uint64_t seed, int events)
{
	FILE *file = memory_file();
	uint64_t bytes;
	struct store_reading reading;
	struct comparer comparer = { .sink.take = compare };
	tap_is_int(write_events(fileno(file), seed, events, &bytes), 0, "written");
	rewind(file);
	events_begin(&comparer.random, seed);
	int error = store_read(file, &comparer.sink, &reading);
	if (!tap_is_int(error, 0, "read"))
		tap_note("%s", reading.message);
	tap_is_int(comparer.count, events, "as many events as were written");
	tap_is_int(comparer.different, 0, "each the same");
	tap_is_int(reading.lines, events, "one a line");
	tap_ok(reading.cut, "without an end event it counts as cut");
	fseek(file, 0, SEEK_END);
	tap_is_int(ftell(file), bytes, "the writer knows how much it wrote");
	events_end(&comparer.random);
	fclose(file);
}

static int keep_end(struct event_sink *sink, const struct event *event)
{
	struct comparer *comparer = (struct comparer *)sink;
	const struct event_end *end = &event->end;
	if (event->type == EVENT_END)
		comparer->different =
			!(end->wall_ns == 1 && end->stops == 2 && end->lost == 3 && end->self_user_ns == 4 &&
				end->self_system_ns == 5 && end->fault_samples == 6 &&
				end->perf_records == 7 && end->kernel_faults == UINT64_MAX);
	return 0;
}

static void end_event(void)
{
	FILE *file = memory_file();
	struct store_writer writer;
	struct store_reading reading;
	struct comparer comparer = { .sink.take = keep_end, .different = 1 };
	store_writer_init(&writer, fileno(file));
	writer.sink.take(&writer.sink, &(struct event){ .type = EVENT_START, .start = { .version = 1 } });
	writer.sink.take(&writer.sink,
		&(struct event){ .type = EVENT_END, .end = { 1, 2, 3, 4, 5, 6, 7, UINT64_MAX } });
	store_writer_flush(&writer);
	store_writer_finish(&writer);
	rewind(file);
	tap_is_int(store_read(file, &comparer.sink, &reading), 0, "a whole recording");
	tap_ok(!reading.cut, "is not cut");
	tap_is_int(comparer.different, 0, "its end says what was written");
	fclose(file);
}

/* What store_read makes of a text. */
static int read_text(const char *text, size_t length, struct store_reading *reading, uint64_t *events)
{
	FILE *file = memory_file();
	struct comparer counter = { .sink.take = count };
	fwrite(text, 1, length, file);
	rewind(file);
	int error = store_read(file, &counter.sink, reading);
	*events = counter.count;
	fclose(file);
	return error;
}

#define START "{\"ev\":\"start\",\"t\":0,\"version\":1,\"kin\":\"0.1\"}\n"
#define BIRTH \
	"{\"ev\":\"birth\",\"t\":1,\"task\":1,\"tid\":5,\"pid\":5,\"maker\":0,\"parent\":0,\"call\":" \
	"\"kin\"}\n"
#define END "{\"ev\":\"end\",\"t\":2}\n"

/* Wherever a recording is cut, all whole lines before the cut are read, and no error is made of it. */
static void cuts(void)
{
	static const char text[] = START BIRTH END;
	size_t first = strlen(START), second = first + strlen(BIRTH), all = sizeof text - 1;
	bool right = true;
	for (size_t length = 0; length <= all; length++) {
		struct store_reading reading;
		uint64_t events;
		int error = read_text(text, length, &reading, &events);
		/* The last character of each line is its newline: without it the line is still whole. */
		uint64_t want = (length + 1 >= first) + (length + 1 >= second) + (length + 1 >= all);
		if (want == 0)
			right = right && error == -EPROTO && *reading.message;
		else
			right = right && error == 0 && events == want && reading.cut == (want < 3);
		if (!right) {
			tap_note("at %zu bytes: error %d, %llu events", length, error,
				(unsigned long long)events);
			break;
		}
	}
	tap_ok(right, "cut at every byte: read up to the cut");
}

static void refused(void)
{
	static const struct {
		const char *text, *what;
		int error;
		uint64_t bad_line, events;
	} cases[] = {
		{ "", "nothing", -EPROTO, 0, 0 },
		{ "\n", "an empty line", -EPROTO, 0, 0 },
		{ "hello\n", "prose", -EPROTO, 0, 0 },
		{ "[1]\n", "a list", -EPROTO, 0, 0 },
		{ "{}\n", "an empty object", -EPROTO, 0, 0 },
		{ BIRTH START, "no start at the start", -EPROTO, 0, 0 },
		{ "{\"ev\":\"start\",\"version\":\"1\"}\n", "a version that is a string", -EPROTO, 0, 0 },
		{ "{\"ev\":\"start\",\"version\":0}\n", "version 0", -EPROTO, 0, 0 },
		{ "{\"ev\":\"start\",\"version\":2}\n", "version 2", -ENOTSUP, 0, 0 },
		{ "{\"ev\":\"start\",\"version\":99999999999}\n", "a version beyond int", -ENOTSUP, 0, 0 },
		{ START "{\n" END, "half a line", -EBADMSG, 2, 1 },
		{ START "{\"ev\":1,\"t\":1}\n", "an event whose name is a number", -EBADMSG, 2, 1 },
		{ START "{\"t\":1}\n", "an event without a name", -EBADMSG, 2, 1 },
		{ START "{\"ev\":\"note\",\"t\":-1,\"text\":\"\"}\n", "a time before the start", -EBADMSG, 2,
			1 },
		{ START "{\"ev\":\"note\",\"t\":1,\"task\":4294967296,\"text\":\"\"}\n",
			"a task beyond 32 bits", -EBADMSG, 2, 1 },
		{ START "{\"ev\":\"birth\",\"t\":1,\"task\":1,\"tid\":5,\"call\":\"kin\"}\n",
			"a birth without a PID", -EBADMSG, 2, 1 },
		{ START "{\"ev\":\"birth\",\"t\":1,\"task\":1,\"tid\":5,\"pid\":5,\"call\":\"kin\",\"flags\":"
			"[\"CLONE_X\"]}\n",
			"a flag of no name", -EBADMSG, 2, 1 },
		{ START BIRTH "{\"ev\":\"exec\",\"t\":1,\"task\":1,\"call\":\"execve\",\"argv\":[1]}\n",
			"argv of numbers", -EBADMSG, 3, 2 },
		{ START BIRTH "{\"ev\":\"exit\",\"t\":1,\"task\":1,\"signal\":\"SIGNOT\"}\n",
			"a signal of no name", -EBADMSG, 3, 2 },
		{ START BIRTH "{\"ev\":\"exit\",\"t\":1,\"task\":1,\"killer\":5}\n",
			"a killer that is a number", -EBADMSG, 3, 2 },
		{ START BIRTH
			"{\"ev\":\"faults\",\"t\":1,\"task\":1,\"cause\":\"whim\",\"mapping\":\"heap\"}\n",
			"a cause of no name", -EBADMSG, 3, 2 },
		{ START END "{\"ev\":\"note\",\"t\":1,\"text\":\"\"}\n", "a line after the end", -EBADMSG, 3,
			2 },
		{ START "{\"ev\":\"later\",\"t\":1}\n" END, "an event this version does not know", 0, 0, 2 },
		{ START "{\"ev\":\"note\",\"t\":1,\"text\":\"x\",\"new\":{\"a\":[]}}\n" END,
			"a member it does not know", 0, 0, 3 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct store_reading reading;
		uint64_t events;
		int error = read_text(cases[i].text, strlen(cases[i].text), &reading, &events);
		bool right = error == cases[i].error && reading.bad_line == cases[i].bad_line &&
			     events == cases[i].events && !*reading.message == !error;
		if (!tap_ok(right, "%s: %s", cases[i].what, error ? reading.message : "read"))
			tap_note("error %d, bad line %llu, %llu events", error,
				(unsigned long long)reading.bad_line, (unsigned long long)events);
	}
	struct store_reading reading;
	uint64_t events;
	static const char nul[] = START "{\"ev\":\"note\",\"t\":1,\"text\":\"a\0b\"}\n";
	tap_is_int(read_text(nul, sizeof nul - 1, &reading, &events), -EBADMSG, "a NUL in a line");
}

static void sink_fails(void)
{
	static const char text[] = START BIRTH END;
	struct store_reading reading;
	struct comparer counter = { .sink.take = count, .fail_at = 2, .error = -ENOMEM };
	FILE *file = memory_file();
	fwrite(text, 1, sizeof text - 1, file);
	rewind(file);
	tap_is_int(store_read(file, &counter.sink, &reading), -ENOMEM, "the sink's error comes back");
	tap_is_int(counter.count, 2, "and nothing is fed after it");
	rewind(file);
	counter = (struct comparer){ .sink.take = count, .fail_at = 2, .error = -EPROTO };
	tap_is_int(store_read(file, &counter.sink, &reading), -EBADMSG, "an event that makes no sense");
	tap_is_int(reading.bad_line, 2, "is named by its line");
	fclose(file);
	FILE *directory = fopen("/", "re");
	tap_is_int(store_read(directory, &counter.sink, &reading), -EISDIR, "a directory cannot be read");
	fclose(directory);
}

static void write_fails(void)
{
	struct store_writer writer;
	struct events_random random;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		tap_skip("a full disk", "no /dev/full");
		return;
	}
	events_begin(&random, 1);
	store_writer_init(&writer, fd);
	int first = 0, events = 0;
	while (first == 0 && events++ < 10000)
		first = writer.sink.take(&writer.sink, events_next(&random));
	tap_is_int(first, -ENOSPC, "a full disk is told by the event that met it");
	tap_ok(events > 1, "not before the buffer is full");
	tap_is_int(writer.sink.take(&writer.sink, events_next(&random)), -ENOSPC, "and by each after it");
	tap_is_int(store_writer_flush(&writer), -ENOSPC, "and by the flush");
	tap_is_int(writer.bytes, 0, "nothing was written");
	store_writer_finish(&writer);
	store_writer_finish(&writer);
	events_end(&random);
	close(fd);
}

static int keep_argument(struct event_sink *sink, const struct event *event)
{
	struct comparer *comparer = (struct comparer *)sink;
	if (event->type == EVENT_EXEC)
		comparer->count = strlen(event->exec.argv[0]);
	return 0;
}

/* No line is too long. */
static void huge(void)
{
	enum { SIZE = 3 << 20 };
	FILE *file = memory_file();
	char *argument = malloc(SIZE + 1);
	const char *argv[] = { argument };
	struct store_writer writer;
	struct store_reading reading;
	struct comparer comparer = { .sink.take = keep_argument };
	memset(argument, '\xfe', SIZE);
	argument[SIZE] = '\0';
	store_writer_init(&writer, fileno(file));
	writer.sink.take(&writer.sink, &(struct event){ .type = EVENT_START, .start = { .version = 1 } });
	writer.sink.take(&writer.sink, &(struct event){
					       .type = EVENT_EXEC,
					       .task = 1,
					       .exec = { .path = "x",
						       .call = CALL_EXECVE,
						       .argc = 1,
						       .argv = argv,
						       .argv_known = true },
				       });
	tap_is_int(store_writer_flush(&writer), 0, "an argument of 3 MiB is written");
	rewind(file);
	tap_is_int(store_read(file, &comparer.sink, &reading), 0, "and read");
	tap_is_int(comparer.count, SIZE, "whole");
	store_writer_finish(&writer);
	free(argument);
	fclose(file);
}

int main(void)
{
	round_trip(1, 0 + 1);
	round_trip(2, 5000);
	round_trip(3, 5000);
	end_event();
	cuts();
	refused();
	sink_fails();
	write_fails();
	huge();
	return tap_done();
}
