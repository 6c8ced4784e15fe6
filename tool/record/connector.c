#include "record/connector.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for the ends of some ten thousand tasks. */
#define BUFFER_BYTES (8 << 20)

/* Since Linux 6.6 a listener says which events it wants; before, the operation stands alone. */
struct wanted {
	uint32_t operation, events;
};

static int send_wanted(int fd, const struct wanted *wanted, size_t size)
{
	struct {
		struct nlmsghdr header;
		struct cn_msg message;
		struct wanted wanted;
	} request = {
		.header = { .nlmsg_type = NLMSG_DONE },
		.message = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = (uint16_t)size },
		.wanted = *wanted,
	};
	size_t length = offsetof(typeof(request), wanted) + size;
	request.header.nlmsg_len = (uint32_t)length;
	return send(fd, &request, length, 0) < 0 ? -errno : 0;
}

/* The event lies where its numbers are not aligned; what is missing at its end in older kernels is zero. */
static bool event_in(const char *bytes, ssize_t length, struct proc_event *event)
{
	struct cn_msg message;
	const size_t before = NLMSG_HDRLEN + sizeof message;
	const size_t least = offsetof(struct proc_event, event_data.exit.exit_signal);
	if (length < (ssize_t)(before + least))
		return false;
	memcpy(&message, bytes + NLMSG_HDRLEN, sizeof message);
	size_t size = (size_t)length - before;
	memset(event, 0, sizeof *event);
	memcpy(event, bytes + before, size < sizeof *event ? size : sizeof *event);
	return message.id.idx == CN_IDX_PROC && message.id.val == CN_VAL_PROC;
}

static ssize_t receive(int fd, char *bytes, size_t size)
{
	struct sockaddr_nl from;
	socklen_t from_length = sizeof from;
	ssize_t length = recvfrom(fd, bytes, size, MSG_DONTWAIT, (struct sockaddr *)&from, &from_length);
	if (length >= 0 && from.nl_pid != 0) {
		errno = EINTR; /* from another process, not from the kernel: read on */
		return -1;
	}
	return length;
}

/* The answer is in the socket when send() returns. No answer: the kernel did not understand. */
static int answer(int fd)
{
	char bytes[1024];
	ssize_t length;
	int result = -EPROTO;
	while ((length = receive(fd, bytes, sizeof bytes)) >= 0 || errno == EINTR) {
		struct proc_event event;
		if (event_in(bytes, length, &event) && event.what == PROC_EVENT_NONE)
			result = -(int)event.event_data.ack.err;
	}
	return result;
}

int connector_open(void)
{
	int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	if (fd < 0)
		return -errno;
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	int size = BUFFER_BYTES, result;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		result = -errno;
		goto fail;
	}
	const struct wanted wanted = { PROC_CN_MCAST_LISTEN, (uint32_t)PROC_EVENT_EXIT };
	result = send_wanted(fd, &wanted, sizeof wanted);
	if (result == 0)
		result = answer(fd);
	if (result == -EPROTO) {
		result = send_wanted(fd, &wanted, sizeof wanted.operation);
		if (result == 0)
			result = answer(fd);
	}
	if (result == 0)
		return fd;
fail:
	close(fd);
	return result;
}

void connector_read(int fd, connector_take *take, void *data, bool *ret_lost)
{
	char bytes[1024];
	for (;;) {
		ssize_t length = receive(fd, bytes, sizeof bytes);
		if (length < 0 && errno == ENOBUFS)
			*ret_lost = true;
		else if (length < 0 && errno != EINTR)
			return;
		struct proc_event event;
		if (!event_in(bytes, length, &event) || event.what != PROC_EVENT_EXIT)
			continue;
		take(data, &(struct connector_exit){
				   .time = event.timestamp_ns,
				   .pid = event.event_data.exit.process_tgid,
				   .tid = event.event_data.exit.process_pid,
				   .status = (int)event.event_data.exit.exit_code,
				   .parent = event.event_data.exit.parent_tgid,
			   });
	}
}

void connector_close(int fd)
{
	if (fd < 0)
		return;
	/* Old kernels go on telling everybody when a listener only goes away. */
	const struct wanted wanted = { PROC_CN_MCAST_IGNORE, 0 };
	send_wanted(fd, &wanted, sizeof wanted.operation);
	close(fd);
}
