/* metrics_http: see metrics_http.h. Every request is answered from the numbers of its moment. */
#include "metrics_http.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics.h"

enum { CONNECTIONS = 8, PATIENCE_S = 10, REQUEST = 16 * 1024 };

struct metrics_http {
	struct MHD_Daemon *daemon;
	const struct record *stats;
	int epoll;
	char text[METRICS_TEXT];
};

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type, const char *text, size_t n)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(n, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	if (!r)
		return MHD_NO;
	bool good = MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES;
	enum MHD_Result queued = good ? MHD_queue_response(c, status, r) : MHD_NO;
	MHD_destroy_response(r);
	return queued;
}

static enum MHD_Result say(struct MHD_Connection *c, unsigned status, const char *text)
{
	return answer(c, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* A body that comes with a request is passed over. */
static enum MHD_Result handle(void *context, struct MHD_Connection *c, const char *url, const char *method, const char *version,
			      const char *body, size_t *body_n, void **own)
{
	struct metrics_http *m = context;
	struct text out = { m->text, 0, sizeof(m->text), false };
	(void)version;
	(void)body;
	if (!*own) {
		*own = m; /* the head is here, and the body not yet */
		return MHD_YES;
	}
	if (*body_n) {
		*body_n = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return say(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET, please\n");
	if (strcmp(url, "/metrics") != 0)
		return say(c, MHD_HTTP_NOT_FOUND, "/metrics is here, and nothing else\n");
	metrics_render(m->stats, &out);
	return answer(c, MHD_HTTP_OK, METRICS_CONTENT_TYPE, m->text, out.n);
}

/* What it has to complain of is others' requests. */
static void no_log(void *context, const char *format, va_list args)
{
	(void)context;
	(void)format;
	(void)args;
}

struct metrics_http *metrics_http_new(int fd, const struct record *stats, struct error *e)
{
	struct metrics_http *m = calloc(1, sizeof(*m));
	if (!m) {
		error_set(e, "no memory for metrics");
		return NULL;
	}
	m->stats = stats;
	m->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, m,
				     MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PATIENCE_S,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST, MHD_OPTION_END);
	const union MHD_DaemonInfo *info = m->daemon ? MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		error_set(e, "metrics.listen: libmicrohttpd does not start: %s", strerror(errno));
		metrics_http_free(m);
		return NULL;
	}
	m->epoll = info->epoll_fd;
	return m;
}

void metrics_http_free(struct metrics_http *m)
{
	if (m && m->daemon) {
		MHD_quiesce_daemon(m->daemon); /* the next process listens on: the socket must not be shut down */
		MHD_stop_daemon(m->daemon);
	}
	free(m);
}

int metrics_http_fd(const struct metrics_http *m)
{
	return m->epoll;
}

void metrics_http_work(struct metrics_http *m)
{
	MHD_run(m->daemon);
}

static bool put(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

bool metrics_file(const char *path, const struct record *stats)
{
	static char text[METRICS_TEXT];
	char beside[PATH_MAX];
	struct text out = { text, 0, sizeof(text), false };
	int len = snprintf(beside, sizeof(beside), "%s.new", path);
	if (len < 0 || (size_t)len >= sizeof(beside)) {
		errno = ENAMETOOLONG;
		return false;
	}
	metrics_render(stats, &out);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	bool good = fd >= 0 && fchmod(fd, 0644) == 0 && put(fd, text, out.n); /* whatever the umask: others collect it */
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return good && rename(beside, path) == 0;
}
