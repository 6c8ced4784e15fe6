/* Recordings back into events, a line at a time. */
#include "model/names.h"
#include "store/fields.h"
#include "store/keys.h"
#include "store/store.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static uint64_t *number_at(void *object, size_t offset)
{
	return (uint64_t *)((char *)object + offset);
}

static void read_flags(struct fields *fields, struct clone_call *by)
{
	size_t count;
	const char *const *names;
	by->flags_known = fields_strings(fields, "flags", &count, &names);
	for (size_t i = 0; i < count; i++) {
		uint64_t bit = clone_flag_by_name(names[i]);
		if (!bit && strncmp(names[i], "0x", 2) == 0)
			bit = strtoull(names[i], NULL, 16);
		if (!bit)
			fields_reject(fields, "flags");
		by->flags |= bit;
	}
}

static void read_call(struct fields *fields, struct clone_call *by)
{
	by->call = call_by_name(fields_string_needed(fields, "call"));
	read_flags(fields, by);
	by->exit_signal = fields_signal(fields, "exit_signal");
	by->compat = fields_bool(fields, "compat");
	for (size_t i = 0; i < n_call_fields; i++)
		*number_at(by, call_fields[i].offset) = fields_uint(fields, call_fields[i].key);
}

static void read_sender(struct fields *fields, const char *key, struct sender *sender)
{
	json_t *object = json_object_get(fields->object, key);
	if (!object)
		return;
	if (!json_is_object(object)) {
		fields_reject(fields, key);
		return;
	}
	struct fields inner = { .object = object };
	sender->known = true;
	sender->kernel = fields_bool(&inner, "kernel");
	sender->pid = fields_int(&inner, "pid");
	sender->uid = fields_int(&inner, "uid");
	sender->task = fields_uint32(&inner, "task");
	if (inner.wrong)
		fields_reject(fields, key);
}

static void read_start(struct fields *fields, struct event_start *start)
{
	start->version = fields_int_needed(fields, "version");
	start->kin = fields_string(fields, "kin");
	start->command = fields_string(fields, "command");
	fields_strings(fields, "argv", &start->argc, &start->argv);
	start->cwd = fields_string(fields, "cwd");
	start->kernel = fields_string(fields, "kernel");
	start->machine = fields_string(fields, "machine");
	start->realtime_ns = fields_uint(fields, "realtime_ns");
	start->uid = fields_int(fields, "uid");
	start->cpus = fields_int(fields, "cpus");
	start->page_size = fields_int(fields, "page_size");
	start->follow = fields_string(fields, "follow");
	fields_strings(fields, "sources", &start->n_sources, &start->sources);
	fields_strings(fields, "unseen", &start->n_unseen, &start->unseen);
}

static void read_birth(struct fields *fields, struct event_birth *birth)
{
	birth->tid = fields_int_needed(fields, "tid");
	birth->tgid = fields_int_needed(fields, "pid");
	birth->maker = fields_uint32(fields, "maker");
	birth->parent = fields_uint32(fields, "parent");
	read_call(fields, &birth->by);
	birth->untraced = fields_bool(fields, "untraced");
	birth->name = fields_string(fields, "name");
}

static void read_failed(struct fields *fields, struct event_failed *failed)
{
	read_call(fields, &failed->by);
	failed->error = fields_int_needed(fields, "errno");
	failed->limit = fields_string(fields, "limit");
	failed->path = fields_string(fields, "path");
	fields_strings(fields, "argv", &failed->argc, &failed->argv);
}

static void read_exec(struct fields *fields, struct event_exec *exec)
{
	exec->call = call_by_name(fields_string_needed(fields, "call"));
	exec->path = fields_string(fields, "path");
	exec->exe = fields_string(fields, "exe");
	exec->script = fields_string(fields, "script");
	exec->argv_known = fields_strings(fields, "argv", &exec->argc, &exec->argv);
	exec->cwd = fields_string(fields, "cwd");
	exec->env_known = fields_strings(fields, "env", &exec->n_env, &exec->env);
	exec->former_tid = fields_int(fields, "former_tid");
	exec->setid = fields_bool(fields, "setid");
	exec->compat = fields_bool(fields, "compat");
}

static void read_faults(struct fields *fields, struct event_faults *faults)
{
	if (!cause_by_key(fields_string_needed(fields, "cause"), &faults->cause))
		fields_reject(fields, "cause");
	if (!mapping_by_key(fields_string_needed(fields, "mapping"), &faults->mapping))
		fields_reject(fields, "mapping");
	faults->major = fields_bool(fields, "major");
	faults->count = fields_uint(fields, "count");
	faults->object = fields_string(fields, "object");
	faults->place = fields_string(fields, "place");
	faults->source = fields_string(fields, "source");
}

static enum oom read_oom(struct fields *fields)
{
	const char *oom = fields_string(fields, "oom");
	if (!oom)
		return OOM_NO;
	if (strcmp(oom, "yes") == 0)
		return OOM_YES;
	if (strcmp(oom, "likely") != 0)
		fields_reject(fields, "oom");
	return OOM_LIKELY;
}

static void read_exit(struct fields *fields, struct event_exit *exit)
{
	exit->by_signal = fields_has(fields, "signal");
	exit->status_known = exit->by_signal || fields_has(fields, "status");
	exit->status = exit->by_signal ? fields_signal(fields, "signal") : fields_int(fields, "status");
	exit->core = fields_bool(fields, "core");
	read_sender(fields, "killer", &exit->killer);
	exit->oom = read_oom(fields);
	exit->exec_by_thread = fields_bool(fields, "exec_by_thread");
	for (size_t i = 0; i < n_usage_fields; i++) {
		if (!fields_has(fields, usage_fields[i].key))
			continue;
		*number_at(&exit->usage, usage_fields[i].offset) = fields_uint(fields, usage_fields[i].key);
		exit->usage.known |= usage_fields[i].bit;
	}
}

static void read_body(struct fields *fields, struct event *event)
{
	switch (event->type) {
	case EVENT_START:
		read_start(fields, &event->start);
		break;
	case EVENT_BIRTH:
		read_birth(fields, &event->birth);
		break;
	case EVENT_FAILED:
		read_failed(fields, &event->failed);
		break;
	case EVENT_EXEC:
		read_exec(fields, &event->exec);
		break;
	case EVENT_NAME:
		event->name = fields_string_needed(fields, "name");
		break;
	case EVENT_SIGNAL:
		event->signal.signo = fields_signal(fields, "signal");
		event->signal.code = fields_int(fields, "code");
		read_sender(fields, "sender", &event->signal.sender);
		break;
	case EVENT_STOP:
		event->stop_signal = fields_signal(fields, "signal");
		break;
	case EVENT_CONT:
		break;
	case EVENT_ADOPT:
		event->adopt.ppid = fields_int_needed(fields, "ppid");
		event->adopt.parent = fields_uint32(fields, "parent");
		break;
	case EVENT_FAULTS:
		read_faults(fields, &event->faults);
		break;
	case EVENT_EXIT:
		read_exit(fields, &event->exit);
		break;
	case EVENT_LOST:
		event->text = fields_string(fields, "why");
		break;
	case EVENT_NOTE:
		event->text = fields_string_needed(fields, "text");
		break;
	case EVENT_END:
		for (size_t i = 0; i < n_end_fields; i++)
			*number_at(&event->end, end_fields[i].offset) =
				fields_uint(fields, end_fields[i].key);
		break;
	}
}

__attribute__((format(printf, 3, 4))) static int refuse(
	struct store_reading *reading, int error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reading->message, sizeof reading->message, format, arguments);
	va_end(arguments);
	if (error == -EBADMSG)
		reading->bad_line = reading->lines;
	return error;
}

/* The first line decides whether there is a recording at all, and one of ours. */
static int check_start(struct fields *fields, struct store_reading *reading)
{
	const char *ev = json_string_value(json_object_get(fields->object, "ev"));
	json_t *version = json_object_get(fields->object, "version");
	if (!ev || strcmp(ev, "start") != 0 || !json_is_integer(version) || json_integer_value(version) < 1)
		return refuse(reading, -EPROTO, "not a recording made by kin");
	if (json_integer_value(version) <= RECORDING_VERSION)
		return 0;
	const char *kin = fields_string(fields, "kin");
	return refuse(reading, -ENOTSUP,
		"recording of version %lld, made by kin %s; this kin reads version %d: use a newer kin",
		(long long)json_integer_value(version), kin ? kin : "?", RECORDING_VERSION);
}

static int feed(struct event_sink *sink, struct event *event, struct store_reading *reading)
{
	int error = sink->take(sink, event);
	if (error == -EPROTO)
		return refuse(reading, -EBADMSG, "line %llu makes no sense here: \"%s\" of task %u",
			(unsigned long long)reading->lines, event_key(event->type), event->task);
	if (error < 0)
		return refuse(reading, error, "%s", strerror(-error));
	return 0;
}

static int take_fields(
	struct fields *fields, struct event_sink *sink, struct store_reading *reading, enum event_type *type)
{
	struct event event = { 0 };
	const char *ev = fields_string_needed(fields, "ev");
	event.time = fields_uint(fields, "t");
	event.task = fields_uint32(fields, "task");
	if (!fields->wrong) {
		if (!event_by_key(ev, &event.type))
			return 0;
		*type = event.type;
		read_body(fields, &event);
	}
	if (fields->no_memory)
		return refuse(reading, -ENOMEM, "%s", strerror(ENOMEM));
	if (fields->wrong)
		return refuse(reading, -EBADMSG, "line %llu is no event: \"%s\" is missing or wrong",
			(unsigned long long)reading->lines, fields->wrong);
	return feed(sink, &event, reading);
}

static int take_line(const char *line, size_t length, struct event_sink *sink, struct store_reading *reading,
	enum event_type *type)
{
	struct fields fields;
	if (!fields_init(&fields, line, length)) {
		if (reading->lines == 1)
			return refuse(reading, -EPROTO, "not a recording made by kin");
		if (line[length - 1] == '\n')
			return refuse(reading, -EBADMSG, "line %llu is no event",
				(unsigned long long)reading->lines);
		return 0;
	}
	int error = reading->lines == 1 ? check_start(&fields, reading) : 0;
	if (error == 0)
		error = take_fields(&fields, sink, reading, type);
	fields_finish(&fields);
	return error;
}

int store_read(FILE *file, struct event_sink *sink, struct store_reading *reading)
{
	*reading = (struct store_reading){ .cut = true };
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;
	int error = 0;
	errno = 0;
	while (error == 0 && (length = getline(&line, &capacity, file)) > 0) {
		reading->lines++;
		enum event_type type = EVENT_NOTE;
		if (!reading->cut)
			error = refuse(reading, -EBADMSG, "line %llu comes after the recording's end",
				(unsigned long long)reading->lines);
		else
			error = take_line(line, (size_t)length, sink, reading, &type);
		if (error == 0 && type == EVENT_END)
			reading->cut = false;
	}
	if (error == 0 && !feof(file))
		error = refuse(reading, -(errno ? errno : EIO), "%s", strerror(errno ? errno : EIO));
	else if (error == 0 && reading->lines == 0)
		error = refuse(reading, -EPROTO, "empty, not a recording made by kin");
	free(line);
	return error;
}
