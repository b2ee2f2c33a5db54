/* metrics_http: the metrics for Prometheus to fetch: GET /metrics on a socket that is open already, and as a file for the
 * textfile collector. Speaks HTTP by libmicrohttpd, without a thread of its own; a few connections at a time. */
#ifndef METRICS_HTTP_H
#define METRICS_HTTP_H
#include "error.h"
#include "record.h"

struct metrics_http;

/* fd: a listening socket that does not block. stats: what is told, whenever it is asked for; outlives the result. To be
 * called before the rights go. NULL: e says why. */
struct metrics_http *metrics_http_new(int fd, const struct record *stats, struct error *e);
void metrics_http_free(struct metrics_http *m);
/* Readable when there is work. */
int metrics_http_fd(const struct metrics_http *m);
void metrics_http_work(struct metrics_http *m);

/* metrics_file: writes them to path, in whose place they come whole or not at all: by way of a file beside it.
 * false: errno says why */
bool metrics_file(const char *path, const struct record *stats);
#endif
