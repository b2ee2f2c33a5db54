/* proc_verifier: repeats the verdict of each evidence file that was written, for the output process, which may not start
 * processes of its own. One packet is a path, and one back what became of it. It parses nothing: those that it starts do,
 * each in its sandbox. Either may die in the middle and be followed by another on the same pair, so each answer says which
 * path it is about. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

/* ANSWER_MS: one takes a second, on a machine that is very busy; who waits longer would be taken for stuck himself */
enum { PATH_ROOM = 8192, ANSWER_MS = 20000 };

/* FNV-1a; never 0. */
static uint64_t number_of(const char *path)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (; *path; path++)
		h = (h ^ (uint8_t)*path) * UINT64_C(1099511628211);
	return h ? h : 1;
}

void verifier_hello(int fd)
{
	struct verify_result nobody;
	memset(&nobody, 0, sizeof(nobody));
	send(fd, &nobody, sizeof(nobody), MSG_NOSIGNAL | MSG_DONTWAIT);
}

int proc_verifier(const struct run *base, int fd)
{
	static struct run run;
	char path[PATH_ROOM];
	ssize_t n;
	run = *base; /* without what was closed when this process began */
	run.evidence = NULL;
	run.source = run.dns_source = NULL;
	run.spill = -1;
	run.inner[1] = fd;
	while ((n = recv(fd, path, sizeof(path) - 1, 0)) > 0) {
		struct verify_result result;
		memset(&result, 0, sizeof(result));
		path[n] = '\0';
		verify_file(&run, path, &result);
		result.path = number_of(path);
		if (send(fd, &result, sizeof(result), MSG_NOSIGNAL) != (ssize_t)sizeof(result))
			return 1;
	}
	return 0;
}

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool possible(const struct verify_result *r, ssize_t n)
{
	return n == (ssize_t)sizeof(*r) && memchr(r->text, '\0', sizeof(r->text)) && r->status <= VERIFY_UNREADABLE;
}

void verifier_ask(int fd, const char *path, struct verify_result *r)
{
	const int64_t until = ms_now() + ANSWER_MS;
	const uint64_t number = number_of(path);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (recv(fd, r, sizeof(*r), MSG_DONTWAIT) > 0) /* about paths that nobody waits for any more */
		;
	bool sent = send(fd, path, strlen(path), MSG_NOSIGNAL) > 0;
	for (int64_t left; sent && (left = until - ms_now()) > 0;) {
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		ssize_t n = recv(fd, r, sizeof(*r), MSG_DONTWAIT);
		if (!possible(r, n))
			break;
		if (r->path == number)
			return;
		if (r->path == 0) /* another verifier, which may not know what the one before was asked */
			sent = send(fd, path, strlen(path), MSG_NOSIGNAL) > 0;
	}
	memset(r, 0, sizeof(*r));
	r->status = VERIFY_UNREADABLE;
	strcpy(r->text, "the process that repeats verdicts gave no answer");
}
