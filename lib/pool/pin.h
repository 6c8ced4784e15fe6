/**
 * pin.h: binding workers to CPUs. Who makes a worker binds it, so that a pool knows before its first call whether that
 * worked.
 */
#ifndef KIN_LIB_POOL_PIN_H
#define KIN_LIB_POOL_PIN_H

#include <kin/pool.h>

#include <pthread.h>
#include <stddef.h>
#include <sys/types.h>

/** The CPUs for workers, the best first. Zero bytes: none is known. */
struct pins {
	size_t count;
	int order[KIN_MAX_WORKERS];
	/* What became of binding. */
	unsigned failed; // workers that are not bound
	int error; // the first one's, a negative errno value
};

/** In a thread whose CPUs the workers are to have. */
void pins_init(struct pins *pins);

/** Bind worker `number`, a thread or a process of this one's; a failure is noted in pins. */
void pins_bind_thread(struct pins *pins, pthread_t thread, unsigned number);
void pins_bind_process(struct pins *pins, pid_t pid, unsigned number);

/** Put failures into a pool's warning, unless that says something else already. */
void pins_warn(const struct pins *pins, struct kin_error *warning);

#endif
