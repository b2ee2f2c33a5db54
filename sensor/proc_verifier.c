/* proc_verifier: repeats the verdict of each evidence file that was written, for the output process, which may not start
 * processes of its own. One packet is a path, and one back what became of it. It parses nothing: those that it starts do,
 * each in its sandbox. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run.h"

enum { PATH_ROOM = 8192 };

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
		if (send(fd, &result, sizeof(result), MSG_NOSIGNAL) != (ssize_t)sizeof(result))
			return 1;
	}
	return 0;
}

void verifier_ask(int fd, const char *path, struct verify_result *r)
{
	ssize_t n = send(fd, path, strlen(path), MSG_NOSIGNAL);
	n = n > 0 ? recv(fd, r, sizeof(*r), 0) : -1;
	if (n == (ssize_t)sizeof(*r) && memchr(r->text, '\0', sizeof(r->text)) && r->status <= VERIFY_UNREADABLE)
		return;
	r->status = VERIFY_UNREADABLE;
	strcpy(r->text, "the process that repeats verdicts has ended");
}
