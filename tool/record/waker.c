#include "record/waker.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REPEAT_NS 3000000
#define LOOK_MS 1000
#define STACK_SIZE (256 * 1024)

struct waker {
	pthread_t thread;
	int process, listener; // PID and TID of the thread to wake
	int signo;
	int quit; // eventfd
	int every_ms;
	waker_look *look;
	void *data;
	atomic_int pending; // a futex: 1 while the listener has not heard
	atomic_bool stop;
	size_t count; // of polled, the last one is quit
	struct pollfd polled[];
};

static void wait_until_heard(struct waker *waker)
{
	const struct timespec repeat = { .tv_nsec = REPEAT_NS };
	atomic_store(&waker->pending, 1);
	while (atomic_load(&waker->pending) && !atomic_load(&waker->stop)) {
		syscall(SYS_tgkill, waker->process, waker->listener, waker->signo);
		syscall(SYS_futex, &waker->pending, FUTEX_WAIT_PRIVATE, 1, &repeat, NULL, 0);
	}
}

static void *waker_run(void *argument)
{
	struct waker *waker = argument;
	while (!atomic_load(&waker->stop)) {
		int ready = poll(waker->polled, waker->count, waker->every_ms ? waker->every_ms : LOOK_MS);
		if (ready < 0 && errno != EINTR)
			break;
		bool readable = ready == 0 && waker->every_ms && waker->look(waker->data);
		for (size_t i = 0; i < waker->count - 1; i++) {
			readable |= waker->polled[i].revents & POLLIN;
			/* The last task has ended: poll would return at once for ever. */
			if (waker->polled[i].revents & (POLLHUP | POLLERR | POLLNVAL))
				waker->polled[i].fd = -1;
		}
		if (readable)
			wait_until_heard(waker);
	}
	return NULL;
}

static int start_thread(struct waker *waker)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int error = pthread_attr_init(&attributes);
	if (error)
		return -error;
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&waker->thread, &attributes, waker_run, waker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

int waker_create(struct waker **ret_waker, const int *fds, size_t count, int signo, int every_ms,
	waker_look *look, void *data)
{
	struct waker *waker = calloc(1, sizeof *waker + (count + 1) * sizeof *waker->polled);
	if (!waker)
		return -ENOMEM;
	int result;
	waker->process = getpid();
	waker->listener = (int)syscall(SYS_gettid);
	waker->signo = signo;
	waker->every_ms = every_ms;
	waker->look = look;
	waker->data = data;
	waker->quit = eventfd(0, EFD_CLOEXEC);
	if (waker->quit < 0) {
		result = -errno;
		goto out_free;
	}
	for (size_t i = 0; i < count; i++)
		waker->polled[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	waker->polled[count] = (struct pollfd){ .fd = waker->quit, .events = POLLIN };
	waker->count = count + 1;
	result = start_thread(waker);
	if (result < 0)
		goto out_quit;
	*ret_waker = waker;
	return 0;
out_quit:
	close(waker->quit);
out_free:
	free(waker);
	return result;
}

void waker_heard(struct waker *waker)
{
	if (waker && atomic_load(&waker->pending)) {
		atomic_store(&waker->pending, 0);
		syscall(SYS_futex, &waker->pending, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

void waker_destroy(struct waker *waker)
{
	if (!waker)
		return;
	const uint64_t one = 1;
	atomic_store(&waker->stop, true);
	waker_heard(waker);
	/* An eventfd that was never written takes one; should it not, the thread looks by itself before long. */
	ssize_t written = write(waker->quit, &one, sizeof one);
	(void)written;
	pthread_join(waker->thread, NULL);
	close(waker->quit);
	free(waker);
}
