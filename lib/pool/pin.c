#include "pool/pin.h"

#include "base/topology.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

/* More than cpu_set_t has: as many as a kernel can be built for. */
struct mask {
	cpu_set_t sets[8192 / CPU_SETSIZE];
};

void pins_init(struct pins *pins)
{
	memset(pins, 0, sizeof *pins);
	pins->count = topology_order(pins->order, KIN_MAX_WORKERS);
}

static bool mask_of(const struct pins *pins, unsigned number, struct mask *mask)
{
	if (pins->count == 0)
		return false;
	CPU_ZERO_S(sizeof *mask, mask->sets);
	CPU_SET_S((size_t)pins->order[number % pins->count], sizeof *mask, mask->sets);
	return true;
}

static void note(struct pins *pins, int error)
{
	if (pins->failed++ == 0)
		pins->error = error;
}

void pins_bind_thread(struct pins *pins, pthread_t thread, unsigned number)
{
	struct mask mask;
	int error = ENODATA;
	if (mask_of(pins, number, &mask))
		error = pthread_setaffinity_np(thread, sizeof mask, mask.sets);
	if (error)
		note(pins, -error);
}

void pins_bind_process(struct pins *pins, pid_t pid, unsigned number)
{
	struct mask mask;
	if (!mask_of(pins, number, &mask))
		note(pins, -ENODATA);
	else if (sched_setaffinity(pid, sizeof mask, mask.sets) < 0 &&
		 errno != ESRCH) // it may be dead already
		note(pins, -errno);
}

void pins_warn(const struct pins *pins, struct kin_error *warning)
{
	if (pins->failed && warning->code == 0)
		kin_error_set(warning, -pins->error, "pin", "%u worker%s not bound to a CPU", pins->failed,
			pins->failed == 1 ? " is" : "s are");
}
