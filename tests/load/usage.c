/*
 * usage N: what the kernel counted for each task of a program, read by the program itself.
 *
 * N threads touch 100, 200, ... pages and switch 10, 20, ... times. When all are done, the leader reads
 * /proc/self/task/TID/{stat,status} of each and prints "TID minor major voluntary". The threads then end without
 * touching anything else.
 */
#include "load.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

struct worker {
	int index;
	pid_t tid;
	int gate;
};

static pthread_barrier_t done;

static void *work(void *argument)
{
	struct worker *worker = argument;
	long page = sysconf(_SC_PAGESIZE), count = 100 * (worker->index + 1);
	char *memory = mmap(NULL, count * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(memory, count * page, MADV_NOHUGEPAGE);
	for (long i = 0; i < count; i++)
		memory[i * page] = 1;
	for (int i = 0; i < 10 * (worker->index + 1); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000 }, NULL);
	worker->tid = gettid();
	pthread_barrier_wait(&done);
	char byte;
	if (read(worker->gate, &byte, 1) != 0)
		byte = 0;
	syscall(SYS_exit, 0);
	return NULL;
}

static void print_task(pid_t tid)
{
	char path[64], line[256];
	unsigned long minor, major, voluntary = 0;
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	FILE *file = fopen(path, "r");
	if (!file ||
		fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %lu %*u %lu", &minor, &major) != 2)
		load_die(path);
	fclose(file);
	snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &voluntary) == 1)
			break;
	if (file)
		fclose(file);
	printf("%d %lu %lu %lu\n", tid, minor, major, voluntary);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 4, gate[2];
	struct worker *workers = calloc(count, sizeof *workers);
	if (!workers || pipe(gate) < 0)
		load_die("start");
	pthread_barrier_init(&done, NULL, count + 1);
	for (int i = 0; i < count; i++) {
		pthread_t thread;
		workers[i] = (struct worker){ .index = i, .gate = gate[0] };
		if ((errno = pthread_create(&thread, NULL, work, &workers[i])))
			load_die("pthread_create");
	}
	pthread_barrier_wait(&done);
	/* a task that has left the barrier sleeps in read(2): wait for that, then its counters stand still */
	for (int i = 0; i < count; i++) {
		char path[64], text[32] = "";
		snprintf(path, sizeof path, "/proc/self/task/%d/stat", workers[i].tid);
		while (!strstr(text, ") S")) {
			FILE *file = fopen(path, "r");
			if (!file || !fgets(text, sizeof text, file))
				load_die(path);
			fclose(file);
		}
	}
	for (int i = 0; i < count; i++)
		print_task(workers[i].tid);
	fflush(stdout);
	close(gate[1]);
	for (int i = 0; i < count; i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/self/task/%d", workers[i].tid);
		while (access(path, F_OK) == 0)
			usleep(100);
	}
	return 0;
}
