#include "record/faults.h"

#include "record/classify.h"
#include "record/fault_rows.h"
#include "record/objects.h"
#include "record/symbols.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct fault_task {
	struct fault_task *next; // in its bucket
	int tid, tgid;
	struct space *space;
	struct fault_rows rows;
	uint64_t minor, major;
};

/* A FORK record that waits for the next record, which may be the NEWTASK that has its flags. */
struct fork_seen {
	int maker_tid, child_tid, child_tgid; // child_tid 0: none
};

struct faults {
	bool births_told;
	struct symbols *symbols;
	struct objects *objects;
	struct fault_task **buckets;
	size_t n_tasks, n_buckets; // a power of two
	struct fork_seen fork;
};

int faults_create(struct faults **ret_faults, const struct faults_options *options)
{
	struct faults *faults = calloc(1, sizeof *faults);
	if (!faults)
		return -ENOMEM;
	faults->births_told = options->births_told;
	faults->symbols = options->symbols;
	faults->n_buckets = 64;
	faults->buckets = calloc(faults->n_buckets, sizeof *faults->buckets);
	if (!faults->buckets || objects_create(&faults->objects) < 0) {
		faults_destroy(faults);
		return -ENOMEM;
	}
	*ret_faults = faults;
	return 0;
}

static void task_free(struct fault_task *task)
{
	space_release(task->space);
	fault_rows_finish(&task->rows);
	free(task);
}

void faults_destroy(struct faults *faults)
{
	if (!faults)
		return;
	for (size_t i = 0; faults->buckets && i < faults->n_buckets; i++) {
		for (struct fault_task *task = faults->buckets[i], *next; task; task = next) {
			next = task->next;
			task_free(task);
		}
	}
	free(faults->buckets);
	objects_destroy(faults->objects);
	free(faults);
}

static struct fault_task **link_to(const struct faults *faults, int tid)
{
	struct fault_task **link = &faults->buckets[(size_t)tid & (faults->n_buckets - 1)];
	while (*link && (*link)->tid != tid)
		link = &(*link)->next;
	return link;
}

static struct fault_task *find(const struct faults *faults, int tid)
{
	return *link_to(faults, tid);
}

/* Staying with few buckets is slower, but no failure. */
static void grow(struct faults *faults)
{
	struct fault_task **before = faults->buckets;
	size_t n_before = faults->n_buckets;
	struct fault_task **larger = calloc(n_before * 2, sizeof *larger);
	if (!larger)
		return;
	faults->buckets = larger;
	faults->n_buckets = n_before * 2;
	for (size_t i = 0; i < n_before; i++) {
		for (struct fault_task *task = before[i], *next; task; task = next) {
			next = task->next;
			struct fault_task **bucket = &larger[(size_t)task->tid & (faults->n_buckets - 1)];
			task->next = *bucket;
			*bucket = task;
		}
	}
	free(before);
}

/* Takes over the space. */
static int add(struct faults *faults, int tid, int tgid, struct space *space, struct fault_task **ret_task)
{
	struct fault_task *task = calloc(1, sizeof *task);
	if (!task) {
		space_release(space);
		return -ENOMEM;
	}
	if (faults->n_tasks >= faults->n_buckets)
		grow(faults);
	task->tid = tid;
	task->tgid = tgid;
	task->space = space;
	*link_to(faults, tid) = task;
	faults->n_tasks++;
	*ret_task = task;
	return 0;
}

static void set_space(struct fault_task *task, struct space *space)
{
	space_release(task->space);
	task->space = space;
}

/* A task nobody told of: its process's space if that is known, else one whose mappings are read when first asked. */
static int get(struct faults *faults, int tid, int tgid, struct fault_task **ret_task)
{
	struct fault_task *task = find(faults, tid);
	if (task) {
		*ret_task = task;
		return 0;
	}
	struct fault_task *leader = tid == tgid ? NULL : find(faults, tgid);
	struct space *space = NULL;
	if (leader) {
		space = space_hold(leader->space);
	} else {
		int result = space_create(&space, tgid);
		if (result < 0)
			return result;
		space->lineage_known = false;
	}
	return add(faults, tid, tgid, space, ret_task);
}

static int put_in_space(struct faults *faults, int tid, int tgid, struct space *space)
{
	struct fault_task *task = find(faults, tid);
	if (!task)
		return add(faults, tid, tgid, space, &task);
	set_space(task, space);
	return 0;
}

static int birth(
	struct faults *faults, int maker_tid, int child_tid, int child_tgid, bool shares_memory, bool stopped)
{
	const struct fault_task *maker = find(faults, maker_tid);
	if (!maker)
		return 0; /* its records tell when it faults */
	struct space *space = NULL;
	if (shares_memory)
		return put_in_space(faults, child_tid, child_tgid, space_hold(maker->space));
	int result = space_fork(&space, maker->space, child_tgid);
	if (result == 0)
		result = space_inherit(space, maker->space, stopped);
	if (result < 0) {
		space_release(space);
		return result;
	}
	return put_in_space(faults, child_tid, child_tgid, space);
}

int faults_birth(
	struct faults *faults, int maker_tid, int child_tid, int child_tgid, const struct clone_call *by)
{
	int result = birth(faults, maker_tid, child_tid, child_tgid, by->flags & CLONE_VM, true);
	const struct fault_task *child = find(faults, child_tid);
	if (result < 0 || !child || !(by->flags & CLONE_VM) || by->flags & CLONE_VFORK)
		return result;
	return space_stack(child->space, faults->objects, by->stack, by->stack_size);
}

/* Births that are not told: a thread is known by its PID; else kcmp knows, if both still live. */
static bool shares_memory(const struct fork_seen *fork, const struct fault_task *maker)
{
	if (fork->child_tid != fork->child_tgid)
		return true;
	return maker && syscall(SYS_kcmp, maker->tgid, fork->child_tgid, KCMP_VM, 0, 0) == 0;
}

static int settle_fork(struct faults *faults, const struct perf_record *record)
{
	struct fork_seen fork = faults->fork;
	if (!fork.child_tid)
		return 0;
	faults->fork.child_tid = 0;
	bool shares;
	if (record->type == PERF_NEWTASK && record->tid == fork.maker_tid)
		shares = record->clone_flags & CLONE_VM;
	else
		shares = shares_memory(&fork, find(faults, fork.maker_tid));
	return birth(faults, fork.maker_tid, fork.child_tid, fork.child_tgid, shares, false);
}

static int take_fork(struct faults *faults, const struct perf_record *record)
{
	struct fault_task *maker;
	int result = get(faults, record->fork.maker_tid, record->fork.maker_pid, &maker);
	faults->fork = (struct fork_seen){ record->fork.maker_tid, record->tid, record->pid };
	return result;
}

static int take_exec(struct faults *faults, const struct perf_record *record)
{
	struct space *space;
	int result = space_create(&space, record->pid);
	return result < 0 ? result : put_in_space(faults, record->tid, record->pid, space);
}

static int take_mmap(struct faults *faults, const struct perf_record *record)
{
	struct fault_task *task;
	int result = get(faults, record->tid, record->pid, &task);
	return result < 0 ? result : space_map(task->space, faults->objects, record);
}

static int find_mapping(struct faults *faults, struct space *space, uint64_t address, uint64_t time,
	struct mapping **ret_mapping)
{
	*ret_mapping = mappings_find(&space->mappings, address);
	if (*ret_mapping)
		return 0;
	int result = space_read(space, faults->objects, time);
	*ret_mapping = mappings_find(&space->mappings, address);
	return result;
}

static void locate(struct fault_key *key, const struct mapping *mapping, uint64_t ip)
{
	if (!mapping)
		return;
	if (!mapping->object || mapping->kind == MAPPING_HEAP || mapping->kind == MAPPING_STACK ||
		mapping->kind == MAPPING_ANON) {
		key->generated = 1;
		return;
	}
	key->code = mapping->object;
	key->offset = ip - mapping->start + mapping->offset;
}

static struct access_seen access_of(const struct perf_record *record)
{
	struct access_seen seen = { .access = ACCESS_UNKNOWN, .major = record->fault.major };
	if (record->fault.address == record->fault.ip)
		seen.access = ACCESS_READ;
	if (record->fault.code_known) {
		seen.present_known = true;
		seen.present = record->fault.code & PERF_CODE_PRESENT;
	}
	if (seen.present)
		seen.access = record->fault.code & PERF_CODE_WRITE ? ACCESS_WRITE : ACCESS_READ;
	return seen;
}

/*
 * Whether a private file's page is read or written at its first touch decides what the next touch is: a read maps it,
 * and others around it, write-protected. Where the hardware does not tell, the instruction does.
 */
static int ask_instruction(struct faults *faults, const struct fault_task *task,
	const struct mapping *mapping, const struct mapping *code, uint64_t ip, struct access_seen *seen)
{
	if (seen->access != ACCESS_UNKNOWN || seen->present_known || !mapping ||
		mapping->kind != MAPPING_FILE || !(mapping->prot & PROT_WRITE) || !code || !code->object)
		return 0;
	struct symbols_file file = { .path = code->object->path,
		.major = code->object->major,
		.minor = code->object->minor,
		.inode = code->object->inode,
		.pid = task->tgid };
	return symbols_access(faults->symbols, &file, ip - code->start + code->offset, &seen->access);
}

static int take_fault(struct faults *faults, const struct perf_record *record)
{
	struct fault_task *task;
	struct mapping *mapping = NULL, *code = NULL;
	uint64_t address = record->fault.address;
	int result = get(faults, record->tid, record->pid, &task);
	if (result == 0)
		result = find_mapping(faults, task->space, address, record->time, &mapping);
	if (result < 0)
		return result;
	if (record->fault.major)
		task->major++;
	else
		task->minor++;
	/* The second search may read the mappings anew, so the first is made again. */
	result = find_mapping(faults, task->space, record->fault.ip, record->time, &code);
	mapping = mappings_find(&task->space->mappings, address);
	struct access_seen seen = access_of(record);
	if (result == 0)
		result = ask_instruction(faults, task, mapping, code, record->fault.ip, &seen);
	enum cause cause;
	if (result == 0)
		result = classify(task->space, mapping, address, &seen, &cause);
	if (result < 0)
		return result;
	struct fault_key key = { .object = mapping ? mapping->object : NULL,
		.cause = (uint8_t)cause,
		.major = record->fault.major,
		.mapping = mapping ? mapping->kind : MAPPING_UNKNOWN };
	locate(&key, code, record->fault.ip);
	return fault_rows_add(&task->rows, &key, 1);
}

int faults_record(struct faults *faults, const struct perf_record *record)
{
	int result = settle_fork(faults, record);
	if (result < 0)
		return result;
	switch (record->type) {
	case PERF_FORK:
		return faults->births_told ? 0 : take_fork(faults, record);
	case PERF_COMM:
		return record->comm.exec ? take_exec(faults, record) : 0;
	case PERF_MMAP:
		return take_mmap(faults, record);
	case PERF_FAULT:
		return take_fault(faults, record);
	default:
		return 0;
	}
}

int faults_exec(struct faults *faults, int tid, int former_tid)
{
	struct fault_task **link = link_to(faults, former_tid), *former = *link, *task;
	if (!former || tid == former_tid)
		return 0;
	int result = get(faults, tid, tid, &task);
	if (result == 0)
		result = fault_rows_move(&task->rows, &former->rows);
	if (result < 0)
		return result;
	task->minor += former->minor;
	task->major += former->major;
	link = link_to(faults, former_tid); /* the table may have grown */
	*link = former->next;
	faults->n_tasks--;
	task_free(former);
	return 0;
}

int faults_exit(struct faults *faults, int tid, faults_take *take, void *data)
{
	struct fault_task **link = link_to(faults, tid), *task = *link;
	if (!task)
		return 0;
	*link = task->next;
	faults->n_tasks--;
	int result = fault_rows_emit(&task->rows, faults->symbols, task->tgid, take, data);
	task_free(task);
	return result;
}

void faults_located(const struct faults *faults, int tid, uint64_t *ret_minor, uint64_t *ret_major)
{
	const struct fault_task *task = find(faults, tid);
	*ret_minor = task ? task->minor : 0;
	*ret_major = task ? task->major : 0;
}
