#include "store/keys.h"

#include <string.h>

static const char *const event_keys[] = {
	[EVENT_START] = "start",
	[EVENT_BIRTH] = "birth",
	[EVENT_FAILED] = "failed",
	[EVENT_EXEC] = "exec",
	[EVENT_NAME] = "name",
	[EVENT_SIGNAL] = "signal",
	[EVENT_STOP] = "stop",
	[EVENT_CONT] = "cont",
	[EVENT_ADOPT] = "adopt",
	[EVENT_FAULTS] = "faults",
	[EVENT_EXIT] = "exit",
	[EVENT_LOST] = "lost",
	[EVENT_NOTE] = "note",
	[EVENT_END] = "end",
};
#define N_EVENTS (sizeof event_keys / sizeof *event_keys)

const char *event_key(enum event_type type)
{
	return event_keys[type];
}

bool event_by_key(const char *key, enum event_type *type)
{
	for (size_t i = 0; i < N_EVENTS; i++) {
		if (strcmp(event_keys[i], key) == 0) {
			*type = (enum event_type)i;
			return true;
		}
	}
	return false;
}

#define CALL(name, is_address) \
	{ \
#name, offsetof(struct clone_call, name), is_address \
	}

const struct call_field call_fields[] = {
	CALL(stack, true),
	CALL(stack_size, false),
	CALL(parent_tid, true),
	CALL(child_tid, true),
	CALL(pidfd, true),
	CALL(tls, true),
	CALL(set_tid_size, false),
	CALL(cgroup, false),
};
const size_t n_call_fields = sizeof call_fields / sizeof *call_fields;

#define USAGE(name, known_bit) \
	{ \
#name, offsetof(struct usage, name), known_bit \
	}

const struct usage_field usage_fields[] = {
	USAGE(user_ns, USAGE_TIMES),
	USAGE(system_ns, USAGE_TIMES),
	USAGE(cpu_ns, USAGE_CPU),
	USAGE(minor, USAGE_FAULTS),
	USAGE(major, USAGE_FAULTS),
	USAGE(voluntary, USAGE_SWITCHES),
	USAGE(involuntary, USAGE_SWITCHES),
	USAGE(maxrss_kib, USAGE_MAXRSS),
};
const size_t n_usage_fields = sizeof usage_fields / sizeof *usage_fields;

#define END(name) \
	{ \
#name, offsetof(struct event_end, name) \
	}

const struct end_field end_fields[] = { END(wall_ns), END(stops), END(lost), END(self_user_ns),
	END(self_system_ns), END(fault_samples), END(perf_records), END(kernel_faults) };
const size_t n_end_fields = sizeof end_fields / sizeof *end_fields;
