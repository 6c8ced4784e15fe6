/* Events as JSON Lines. docs/man/kin-recording.5.scd says what each key means. */
#include "model/names.h"
#include "store/json.h"
#include "store/keys.h"
#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)64 * 1024)

static uint64_t number_at(const void *object, size_t offset)
{
	return *(const uint64_t *)((const char *)object + offset);
}

static void add_signal_name(struct text *out, const char *key, int signo)
{
	char buffer[24];
	json_put_string(out, key, signal_name(signo, buffer));
}

static void add_flags(struct text *out, uint64_t flags)
{
	text_add(out, ",\"flags\":[");
	const char *comma = "", *name;
	uint64_t value;
	for (unsigned i = 0; clone_flag_at(i, &name, &value); i++) {
		if (!(flags & value))
			continue;
		text_printf(out, "%s\"%s\"", comma, name);
		flags &= ~value;
		comma = ",";
	}
	if (flags)
		text_printf(out, "%s\"0x%llx\"", comma, (unsigned long long)flags);
	text_add_char(out, ']');
}

static void add_call(struct text *out, const struct clone_call *by)
{
	json_put_string(out, "call", call_name(by->call));
	if (by->flags_known)
		add_flags(out, by->flags);
	if (by->exit_signal)
		add_signal_name(out, "exit_signal", by->exit_signal);
	json_put_true_if(out, "compat", by->compat);
	for (size_t i = 0; i < n_call_fields; i++) {
		uint64_t value = number_at(by, call_fields[i].offset);
		if (call_fields[i].address)
			json_put_address_if(out, call_fields[i].key, value);
		else
			json_put_uint_if(out, call_fields[i].key, value);
	}
}

static void add_sender(struct text *out, const char *key, const struct sender *sender)
{
	if (!sender->known)
		return;
	text_printf(out, ",\"%s\":{\"kernel\":%s", key, sender->kernel ? "true" : "false");
	if (!sender->kernel || sender->pid)
		json_put_int(out, "pid", sender->pid);
	if (!sender->kernel || sender->uid)
		json_put_int(out, "uid", sender->uid);
	json_put_uint_if(out, "task", sender->task);
	text_add_char(out, '}');
}

static void add_start(struct text *out, const struct event_start *start)
{
	json_put_int(out, "version", start->version);
	json_put_string_if(out, "kin", start->kin);
	json_put_string_if(out, "command", start->command);
	json_put_strings(out, "argv", start->argc, start->argv);
	json_put_string_if(out, "cwd", start->cwd);
	json_put_string_if(out, "kernel", start->kernel);
	json_put_string_if(out, "machine", start->machine);
	json_put_uint(out, "realtime_ns", start->realtime_ns);
	json_put_int(out, "uid", start->uid);
	json_put_int(out, "cpus", start->cpus);
	json_put_int(out, "page_size", start->page_size);
	json_put_string_if(out, "follow", start->follow);
	json_put_strings(out, "sources", start->n_sources, start->sources);
	json_put_strings(out, "unseen", start->n_unseen, start->unseen);
}

static void add_birth(struct text *out, const struct event_birth *birth)
{
	json_put_int(out, "tid", birth->tid);
	json_put_int(out, "pid", birth->tgid);
	json_put_uint(out, "maker", birth->maker);
	json_put_uint(out, "parent", birth->parent);
	add_call(out, &birth->by);
	json_put_true_if(out, "untraced", birth->untraced);
	json_put_string_if(out, "name", birth->name);
}

static void add_failed(struct text *out, const struct event_failed *failed)
{
	char buffer[24];
	add_call(out, &failed->by);
	json_put_string(out, "error", error_name(failed->error, buffer));
	json_put_int(out, "errno", failed->error);
	json_put_string_if(out, "limit", failed->limit);
	json_put_string_if(out, "path", failed->path);
	if (failed->argc)
		json_put_strings(out, "argv", failed->argc, failed->argv);
}

static void add_exec(struct text *out, const struct event_exec *exec)
{
	json_put_string(out, "call", call_name(exec->call));
	json_put_string_if(out, "path", exec->path);
	json_put_string_if(out, "exe", exec->exe);
	json_put_string_if(out, "script", exec->script);
	if (exec->argv_known)
		json_put_strings(out, "argv", exec->argc, exec->argv);
	json_put_string_if(out, "cwd", exec->cwd);
	if (exec->env_known)
		json_put_strings(out, "env", exec->n_env, exec->env);
	json_put_int(out, "former_tid", exec->former_tid);
	json_put_true_if(out, "setid", exec->setid);
	json_put_true_if(out, "compat", exec->compat);
}

static void add_faults(struct text *out, const struct event_faults *faults)
{
	json_put_string(out, "cause", cause_key(faults->cause));
	json_put_true_if(out, "major", faults->major);
	json_put_uint(out, "count", faults->count);
	json_put_string(out, "mapping", mapping_key(faults->mapping));
	json_put_string_if(out, "object", faults->object);
	json_put_string_if(out, "place", faults->place);
	json_put_string_if(out, "source", faults->source);
}

static void add_exit(struct text *out, const struct event_exit *exit)
{
	if (exit->status_known && exit->by_signal)
		add_signal_name(out, "signal", exit->status);
	else if (exit->status_known)
		json_put_int(out, "status", exit->status);
	json_put_true_if(out, "core", exit->core);
	add_sender(out, "killer", &exit->killer);
	if (exit->oom != OOM_NO)
		json_put_string(out, "oom", exit->oom == OOM_YES ? "yes" : "likely");
	json_put_true_if(out, "exec_by_thread", exit->exec_by_thread);
	for (size_t i = 0; i < n_usage_fields; i++)
		if (exit->usage.known & usage_fields[i].bit)
			json_put_uint(
				out, usage_fields[i].key, number_at(&exit->usage, usage_fields[i].offset));
}

static void add_end(struct text *out, const struct event_end *end)
{
	for (size_t i = 0; i < n_end_fields; i++)
		json_put_uint(out, end_fields[i].key, number_at(end, end_fields[i].offset));
}

static void add_body(struct text *out, const struct event *event)
{
	switch (event->type) {
	case EVENT_START:
		add_start(out, &event->start);
		break;
	case EVENT_BIRTH:
		add_birth(out, &event->birth);
		break;
	case EVENT_FAILED:
		add_failed(out, &event->failed);
		break;
	case EVENT_EXEC:
		add_exec(out, &event->exec);
		break;
	case EVENT_NAME:
		json_put_string(out, "name", event->name);
		break;
	case EVENT_SIGNAL:
		add_signal_name(out, "signal", event->signal.signo);
		json_put_int(out, "code", event->signal.code);
		add_sender(out, "sender", &event->signal.sender);
		break;
	case EVENT_STOP:
		add_signal_name(out, "signal", event->stop_signal);
		break;
	case EVENT_CONT:
		break;
	case EVENT_ADOPT:
		json_put_int(out, "ppid", event->adopt.ppid);
		json_put_uint_if(out, "parent", event->adopt.parent);
		break;
	case EVENT_FAULTS:
		add_faults(out, &event->faults);
		break;
	case EVENT_EXIT:
		add_exit(out, &event->exit);
		break;
	case EVENT_LOST:
		json_put_string_if(out, "why", event->text);
		break;
	case EVENT_NOTE:
		json_put_string(out, "text", event->text);
		break;
	case EVENT_END:
		add_end(out, &event->end);
		break;
	}
}

static int take(struct event_sink *sink, const struct event *event)
{
	struct store_writer *writer = (struct store_writer *)sink;
	if (writer->error)
		return writer->error;
	struct text *line = &writer->line;
	size_t begin = line->length;
	text_printf(
		line, "{\"ev\":\"%s\",\"t\":%llu", event_key(event->type), (unsigned long long)event->time);
	json_put_uint_if(line, "task", event->task);
	add_body(line, event);
	text_add(line, "}\n");
	if (text_failed(line)) {
		*line = (struct text){ line->bytes, begin, line->capacity, false };
		store_writer_flush(writer);
		return writer->error = -ENOMEM;
	}
	return line->length >= BUFFER_SIZE ? store_writer_flush(writer) : 0;
}

/* A descriptor that somebody made non-blocking is waited for. */
static int write_all(int fd, const char *bytes, size_t count)
{
	while (count) {
		ssize_t written = write(fd, bytes, count);
		if (written >= 0) {
			bytes += written;
			count -= (size_t)written;
		} else if (errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };
			poll(&ready, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

void store_writer_init(struct store_writer *writer, int fd)
{
	*writer = (struct store_writer){ .sink.take = take, .fd = fd };
}

int store_writer_flush(struct store_writer *writer)
{
	if (writer->error)
		return writer->error;
	writer->error = write_all(writer->fd, text_string(&writer->line), writer->line.length);
	if (writer->error == 0)
		writer->bytes += writer->line.length;
	text_clear(&writer->line);
	return writer->error;
}

void store_writer_finish(struct store_writer *writer)
{
	text_finish(&writer->line);
}
