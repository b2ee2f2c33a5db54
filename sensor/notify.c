/* notify: see notify.h. One datagram a word. */
#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
	int fd;
	int64_t interval;
	socklen_t size;
	struct sockaddr_un to;
} manager = { .fd = -1 };

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	size_t n = path ? strlen(path) : 0;
	if (n < 2 || n >= sizeof(manager.to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	manager.to.sun_family = AF_UNIX;
	memcpy(manager.to.sun_path, path, n);
	if (path[0] == '@')
		manager.to.sun_path[0] = '\0';
	manager.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (usec && (!pid || strtoll(pid, NULL, 10) == getpid()))
		manager.interval = strtoll(usec, NULL, 10) / 2000;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify(const char *state)
{
	if (manager.fd >= 0)
		sendto(manager.fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&manager.to, manager.size);
}

int64_t notify_interval(void)
{
	return manager.interval;
}
