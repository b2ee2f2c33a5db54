/* listener: see listener.h. */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8, HOST = 64 };

static int fail(int fd, struct error *e, const char *what)
{
	error_set(e, "%s: %s", what, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static void make_folder(const char *path, const struct sandbox_user *user)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (!slash || slash == path)
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	if (mkdir(folder, 0755) == 0 && user->change && chown(folder, user->uid, user->gid) != 0)
		return; /* the socket itself will say what is wrong */
}

/* Is there somebody? One who has no time for us now (EAGAIN: his backlog is full) is there. */
static bool in_use(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool yes = fd >= 0 && (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return yes;
}

static bool is_socket(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

int listener_unix(const char *path, const struct sandbox_user *user, struct error *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(a.sun_path)) {
		error_set(e, "%s: too long for a socket", path);
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path));
	make_folder(path, user);
	if (is_socket(path) && in_use(&a)) {
		error_set(e, "%s: somebody listens there already", path);
		return -1;
	}
	if (is_socket(path))
		unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0117);
	bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	umask(mask);
	if (!bound || listen(fd, BACKLOG) != 0)
		return fail(fd, e, path);
	if (user->change && lchown(path, user->uid, user->gid) != 0)
		return fail(fd, e, path);
	return fd;
}

static int listen_at(const struct sockaddr *a, socklen_t n, const char *address, struct error *e)
{
	const int on = 1;
	int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 || bind(fd, a, n) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return fail(fd, e, address);
	return fd;
}

/* The configuration has been checked: an address of loopback, and a port. */
int listener_open(const char *address, const struct sandbox_user *user, struct error *e)
{
	char host[HOST];
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const char *colon = strrchr(address, ':');
	if (strncmp(address, "unix:", 5) == 0)
		return listener_unix(address + 5, user, e);
	bool brackets = address[0] == '[' && colon && colon > address + 1;
	snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - address) - 2 * brackets : 0, address + brackets);
	v4.sin_port = v6.sin6_port = htons((uint16_t)(colon ? atoi(colon + 1) : 0));
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return listen_at((struct sockaddr *)&v4, sizeof(v4), address, e);
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		return listen_at((struct sockaddr *)&v6, sizeof(v6), address, e);
	error_set(e, "%s: no address", address);
	return -1;
}

void listener_remove(int fd)
{
	struct sockaddr_un a = { 0 };
	socklen_t n = sizeof(a) - 1; /* a path that fills its place has no end of its own */
	if (fd < 0)
		return;
	if (getsockname(fd, (struct sockaddr *)&a, &n) == 0 && a.sun_family == AF_UNIX && a.sun_path[0])
		unlink(a.sun_path);
	close(fd);
}
