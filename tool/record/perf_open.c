#include "record/perf_set.h"

#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
#include <asm/perf_regs.h>
#endif
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What a ring is worth: some 80,000 faults a CPU, and on large machines a share of what all may take together. */
#define RING_BYTES_FAULTS (4u << 20)
#define RING_BYTES_SIDE (512u << 10)
#define RINGS_BYTES_ALL (64u << 20)
#define RING_PAGES_LEAST 8

static const struct tracepoint tracepoints[RING_STREAMS] = {
	[RING_CODE] = { "exceptions", "page_fault_user", { { "address" }, { "ip" }, { "error_code" } } },
	[RING_NEWTASK] = { "task", "task_newtask", { { "clone_flags" } } },
	[RING_DELIVER] = { "signal", "signal_deliver", { { "sig" }, { "code" } } },
	[RING_KILL] = { "signal", "signal_generate",
		{ { "sig" }, { "code" }, { "pid" }, { "group" }, { "result" } } },
	[RING_EXEC] = { "sched", "sched_process_exec", { { "pid" } } },
	[RING_OOM] = { "oom", "mark_victim", { { "pid" } } },
};

/* The bit of the stack pointer among the user's registers. */
#if defined(__x86_64__) || defined(__i386__)
#define STACK_POINTER ((uint64_t)1 << PERF_REG_X86_SP)
#elif defined(__aarch64__)
#define STACK_POINTER ((uint64_t)1 << PERF_REG_ARM64_SP)
#else
#define STACK_POINTER 0
#endif

#define NUMBER_TEXT(number) #number
#define SIGNAL_FILTER(operator, signo) "sig " operator" " NUMBER_TEXT(signo)

static const char *const filters[RING_STREAMS] = {
	[RING_CODE] = "error_code & 1", /* the page was there: PERF_CODE_PRESENT */
	[RING_DELIVER] = SIGNAL_FILTER("!=", SIGCHLD) " && " SIGNAL_FILTER("!=", SIGKILL),
	[RING_KILL] = SIGNAL_FILTER("==", SIGKILL),
};

static long open_event(struct perf_event_attr *attr, int pid, int cpu)
{
	long fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * An event on a tracepoint that each new task inherits costs it several times what making a thread does. Those for
 * root watch the whole system instead; the caller knows its own tasks. Page faults are too many for that.
 */
static bool system_wide(const struct perf *perf, enum ring_stream stream)
{
	return stream == perf->carrier ? perf->wide : stream > RING_CODE;
}

static void fill_attr(const struct perf *perf, const struct perf_options *options, enum ring_stream stream,
	struct perf_event_attr *attr)
{
	memset(attr, 0, sizeof *attr);
	attr->size = sizeof *attr;
	attr->type = PERF_TYPE_SOFTWARE;
	attr->sample_type = RING_FAULT_SAMPLE;
	attr->sample_period = 1;
	attr->sample_id_all = 1;
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
	attr->exclude_kernel = 1;
	attr->exclude_hv = 1;
	attr->inherit = attr->disabled = attr->enable_on_exec = !system_wide(perf, stream);
	switch (stream) {
	case RING_SIDE:
		attr->config = PERF_COUNT_SW_DUMMY;
		attr->sample_period = 0;
		break;
	case RING_MINOR:
		attr->config = PERF_COUNT_SW_PAGE_FAULTS_MIN;
		break;
	case RING_MAJOR:
		attr->config = PERF_COUNT_SW_PAGE_FAULTS_MAJ;
		break;
	default:
		attr->type = PERF_TYPE_TRACEPOINT;
		attr->config = perf->points[stream].id;
		attr->sample_type = RING_TRACE_SAMPLE;
		attr->exclude_kernel = 0; /* a tracepoint's registers are the kernel's */
	}
	if (stream == RING_EXEC) {
		attr->sample_type = RING_EXEC_SAMPLE;
		attr->sample_regs_user = STACK_POINTER;
		attr->sample_stack_user = RING_STACK_BYTES;
	}
	if (stream == perf->carrier) {
		attr->task = attr->comm = attr->comm_exec = 1;
		attr->mmap_data = options->maps || options->faults;
		attr->mmap = attr->mmap2 = attr->mmap_data || options->programs;
		attr->context_switch = options->switches;
	}
}

static int open_on_cpu(struct perf *perf, const struct perf_options *options, enum ring_stream stream,
	struct perf_cpu *cpu, uint32_t watermark)
{
	struct perf_event_attr attr;
	fill_attr(perf, options, stream, &attr);
	attr.watermark = 1;
	attr.wakeup_watermark = watermark;
	long fd = open_event(&attr, system_wide(perf, stream) ? -1 : options->target, cpu->cpu);
	if (fd < 0)
		return (int)fd;
	cpu->fds[stream] = (int)fd;
	if (ioctl((int)fd, PERF_EVENT_IOC_ID, &cpu->ring.ids[stream]) < 0)
		return -errno;
	if (stream == perf->carrier)
		return 0;
	if (filters[stream] && ioctl((int)fd, PERF_EVENT_IOC_SET_FILTER, filters[stream]) < 0)
		return -errno;
	return ioctl((int)fd, PERF_EVENT_IOC_SET_OUTPUT, cpu->fds[perf->carrier]) < 0 ? -errno : 0;
}

static void close_stream(struct perf *perf, enum ring_stream stream)
{
	for (size_t i = 0; i < perf->n_cpus; i++) {
		struct perf_cpu *cpu = &perf->cpus[i];
		if (cpu->fds[stream] >= 0)
			close(cpu->fds[stream]);
		cpu->fds[stream] = -1;
		cpu->ring.ids[stream] = 0;
	}
	perf->streams &= ~(1u << stream);
}

/* Every CPU needs several descriptors; a shell's usual limit of 1024 is not made for large machines. */
static bool raise_limit(struct perf *perf)
{
	struct rlimit limit;
	if (perf->limit_raised || getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return false;
	perf->limit = limit;
	limit.rlim_cur = limit.rlim_max;
	perf->limit_raised = setrlimit(RLIMIT_NOFILE, &limit) == 0;
	return perf->limit_raised;
}

/* A CPU that goes offline between the look at the list and the opening is left out. */
static int open_stream(
	struct perf *perf, const struct perf_options *options, enum ring_stream stream, uint32_t watermark)
{
	size_t kept = 0;
	for (size_t i = 0; i < perf->n_cpus; i++) {
		struct perf_cpu *cpu = &perf->cpus[i];
		int result = open_on_cpu(perf, options, stream, cpu, watermark);
		if (result == -EMFILE && raise_limit(perf))
			result = open_on_cpu(perf, options, stream, cpu, watermark);
		bool absent = stream == perf->carrier && (result == -ENODEV || result == -EINVAL) &&
			      cpu->fds[stream] < 0 && (kept > 0 || i + 1 < perf->n_cpus);
		if (absent)
			continue;
		if (result < 0) {
			close_stream(perf, stream);
			return result;
		}
		if (kept != i) {
			perf->cpus[kept] = *cpu;
			cpu->fds[stream] = -1;
		}
		kept++;
	}
	perf->n_cpus = kept;
	perf->streams |= 1u << stream;
	return 0;
}

static void unmap_rings(struct perf *perf)
{
	for (size_t i = 0; i < perf->n_cpus; i++) {
		struct ring *ring = &perf->cpus[i].ring;
		if (ring->page)
			munmap(ring->page, ring->size + perf->page_size);
		ring->page = NULL;
	}
}

static int map_rings(struct perf *perf, size_t pages)
{
	for (size_t i = 0; i < perf->n_cpus; i++) {
		struct perf_cpu *cpu = &perf->cpus[i];
		size_t size = pages * perf->page_size;
		void *base = mmap(NULL, size + perf->page_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			cpu->fds[perf->carrier], 0);
		if (base == MAP_FAILED) {
			int error = errno;
			unmap_rings(perf);
			return -error;
		}
		cpu->ring.page = base;
		cpu->ring.data = (const char *)base + perf->page_size;
		cpu->ring.size = size;
	}
	return 0;
}

static size_t useful_pages(const struct perf *perf, const struct perf_options *options)
{
	size_t bytes = options->faults || options->arguments ? RING_BYTES_FAULTS : RING_BYTES_SIDE;
	while (bytes > perf->page_size && bytes * perf->n_cpus > RINGS_BYTES_ALL)
		bytes /= 2;
	size_t pages = bytes / perf->page_size;
	return pages < RING_PAGES_LEAST ? RING_PAGES_LEAST : pages;
}

/* The watermark belongs to the event, so a smaller ring needs the carrier opened anew. */
static int open_rings(struct perf *perf, const struct perf_options *options)
{
	size_t pages = options->ring_pages ? options->ring_pages : useful_pages(perf, options);
	for (;; pages /= 2) {
		int result =
			open_stream(perf, options, perf->carrier, (uint32_t)(pages * perf->page_size / 4));
		if (result < 0)
			return result;
		result = map_rings(perf, pages);
		if (result == 0)
			return 0;
		close_stream(perf, perf->carrier);
		if ((result != -EPERM && result != -ENOMEM) || pages / 2 < RING_PAGES_LEAST)
			return result;
	}
}

static bool wanted(const struct perf_options *options, enum ring_stream stream)
{
	switch (stream) {
	case RING_CODE:
#if defined(__x86_64__) || defined(__i386__)
		return options->faults && options->exact;
#else
		return false; /* other architectures' codes mean other things */
#endif
	case RING_NEWTASK:
		return options->newtask;
	case RING_EXEC:
		return options->arguments && STACK_POINTER != 0;
	case RING_DELIVER:
		return options->signals;
	case RING_KILL:
	case RING_OOM:
		return options->kills;
	default:
		return false;
	}
}

static void open_tracepoints(struct perf *perf, const struct perf_options *options)
{
	memcpy(perf->points, tracepoints, sizeof tracepoints);
	bool any = false;
	for (int i = RING_CODE; i < RING_STREAMS; i++)
		any |= wanted(options, (enum ring_stream)i);
	if (!any || tracepoints_find(&perf->points[RING_CODE], RING_STREAMS - RING_CODE) < 0)
		return;
	for (int i = RING_CODE; i < RING_STREAMS; i++)
		if (wanted(options, (enum ring_stream)i) && perf->points[i].id)
			open_stream(perf, options, (enum ring_stream)i, 0);
	if (!(perf->streams & 1u << RING_CODE))
		return;
	perf->codes = calloc(PERF_CODES, sizeof *perf->codes);
	if (!perf->codes)
		close_stream(perf, RING_CODE);
}

/* Read "0-3,6" into cpus, at most size of them; returns how many there are. */
static size_t parse_cpus(const char *list, struct perf_cpu *cpus, size_t size)
{
	size_t count = 0;
	while (isdigit((unsigned char)*list)) {
		char *end;
		long first = strtol(list, &end, 10), last = first;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		for (long cpu = first; cpu <= last; cpu++, count++)
			if (count < size)
				cpus[count].cpu = (int)cpu;
		if (*end != ',')
			break;
		list = end + 1;
	}
	return count;
}

static size_t online_cpus(struct perf_cpu *cpus, size_t size)
{
	char list[4096];
	size_t length = 0;
	FILE *file = fopen("/sys/devices/system/cpu/online", "re");
	if (file) {
		length = fread(list, 1, sizeof list - 1, file);
		fclose(file);
	}
	list[length] = '\0';
	size_t count = parse_cpus(list, cpus, size);
	if (count > 0)
		return count;
	long configured = sysconf(_SC_NPROCESSORS_CONF);
	for (count = 0; count < (size_t)(configured > 0 ? configured : 1); count++)
		if (count < size)
			cpus[count].cpu = (int)count;
	return count;
}

static int init_cpus(struct perf *perf)
{
	size_t count = online_cpus(NULL, 0);
	perf->cpus = calloc(count, sizeof *perf->cpus);
	perf->heap = calloc(count, sizeof *perf->heap);
	if (!perf->cpus || !perf->heap)
		return -ENOMEM;
	size_t found = online_cpus(perf->cpus, count);
	perf->n_cpus = found < count ? found : count;
	for (size_t i = 0; i < perf->n_cpus; i++) {
		for (int stream = 0; stream < RING_STREAMS; stream++)
			perf->cpus[i].fds[stream] = -1;
	}
	return 0;
}

static int init_bounces(struct perf *perf)
{
	for (size_t i = 0; i < perf->n_cpus; i++) {
		perf->cpus[i].ring.bounce = malloc(RING_BOUNCE);
		if (!perf->cpus[i].ring.bounce)
			return -ENOMEM;
	}
	return 0;
}

static int paranoid_level(void)
{
	int level = 2;
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	if (file) {
		if (fscanf(file, "%d", &level) != 1)
			level = 2;
		fclose(file);
	}
	return level;
}

static void explain(int error, char message[PERF_MESSAGE_SIZE])
{
	int level = paranoid_level();
	if ((error == EACCES || error == EPERM) && level > 2 && geteuid() != 0)
		snprintf(message, PERF_MESSAGE_SIZE,
			"the kernel refuses perf events to ordinary users (kernel.perf_event_paranoid is "
			"%d); "
			"root can allow them: sysctl kernel.perf_event_paranoid=2",
			level);
	else if (error == EACCES || error == EPERM)
		snprintf(message, PERF_MESSAGE_SIZE,
			"perf events are refused here, perhaps by a container's seccomp profile; "
			"start the container with --cap-add PERFMON");
	else if (error == ENOSYS)
		snprintf(message, PERF_MESSAGE_SIZE,
			"this kernel has no perf events, or a sandbox hides them");
	else if (error == EMFILE)
		snprintf(message, PERF_MESSAGE_SIZE,
			"too few file descriptors for the perf events of every CPU; raise the limit: ulimit "
			"-n 8192");
	else
		snprintf(message, PERF_MESSAGE_SIZE, "perf events cannot be opened: %s", strerror(error));
}

int perf_create(struct perf **ret_perf, const struct perf_options *options, char message[PERF_MESSAGE_SIZE])
{
	struct perf *perf = calloc(1, sizeof *perf);
	int result = -ENOMEM;
	if (!perf)
		goto out;
	perf->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	perf->carrier = options->faults ? RING_MINOR : RING_SIDE;
	perf->wide = options->wide && !options->faults;
	result = init_cpus(perf);
	if (result == 0)
		result = open_rings(perf, options);
	if (perf->wide && (result == -EACCES || result == -EPERM)) {
		perf->wide = false;
		result = open_rings(perf, options);
	}
	if (result == 0)
		result = init_bounces(perf);
	if (result == 0 && options->faults)
		result = open_stream(perf, options, RING_MAJOR, 0);
	if (result < 0)
		goto out;
	open_tracepoints(perf, options);
	*ret_perf = perf;
	return 0;
out:
	perf_destroy(perf);
	explain(-result, message);
	return result;
}

/* The lowest and the highest descriptor of an event. */
static void descriptor_range(const struct perf *perf, unsigned *ret_first, unsigned *ret_last)
{
	*ret_first = ~0u;
	*ret_last = 0;
	for (size_t i = 0; i < perf->n_cpus; i++) {
		for (int stream = 0; stream < RING_STREAMS; stream++) {
			if (perf->cpus[i].fds[stream] < 0)
				continue;
			unsigned fd = (unsigned)perf->cpus[i].fds[stream];
			*ret_first = fd < *ret_first ? fd : *ret_first;
			*ret_last = fd > *ret_last ? fd : *ret_last;
		}
	}
}

/* Whatever else is open (a pipe whose reader waits for its end) is let go at once. */
static _Noreturn void close_last(unsigned first, unsigned last, const int until[2])
{
	char byte;
	dup2(until[0], 0);
	close(until[0]);
	close(until[1]);
	syscall(SYS_close_range, 1, first - 1, 0);
	syscall(SYS_close_range, last + 1, ~0u, 0);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/*
 * Closing the last event on a tracepoint waits some ten milliseconds until no CPU can be in it any more. A child does
 * that waiting: it has the descriptors too, and exits once they are closed here, at the end of file of the pipe
 * whose write end is returned (-1: no child). Without an exit signal nobody is told of it, and nobody has to wait.
 */
static int close_behind(const struct perf *perf)
{
	unsigned first, last;
	int until[2];
	descriptor_range(perf, &first, &last);
	if (!(perf->streams >> RING_CODE) || first < 2 || pipe2(until, O_CLOEXEC) < 0)
		return -1;
	long child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (child == 0)
		close_last(first, last, until);
	close(until[0]);
	if (child > 0)
		return until[1];
	close(until[1]);
	return -1;
}

void perf_destroy(struct perf *perf)
{
	if (!perf)
		return;
	waker_destroy(perf->waker);
	unmap_rings(perf);
	int behind = perf->cpus ? close_behind(perf) : -1;
	for (int stream = 0; stream < RING_STREAMS && perf->cpus; stream++)
		close_stream(perf, (enum ring_stream)stream);
	if (behind >= 0)
		close(behind);
	for (size_t i = 0; i < perf->n_cpus; i++)
		free(perf->cpus[i].ring.bounce);
	if (perf->limit_raised)
		setrlimit(RLIMIT_NOFILE, &perf->limit);
	free(perf->cpus);
	free(perf->heap);
	free(perf->codes);
	free(perf);
}

int perf_cpus_missed(const struct perf *perf)
{
	struct perf_cpu *now = calloc(perf->n_cpus + 64, sizeof *now);
	int missed = 0;
	size_t count = now ? online_cpus(now, perf->n_cpus + 64) : 0;
	for (size_t i = 0; i < count && i < perf->n_cpus + 64; i++) {
		bool open = false;
		for (size_t j = 0; j < perf->n_cpus; j++)
			open |= perf->cpus[j].cpu == now[i].cpu;
		missed += !open;
	}
	free(now);
	return missed;
}
