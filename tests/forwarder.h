/* forwarder.h: a forwarder process for tests that ask live, as `mxwitness read` starts one. */
#ifndef TESTS_FORWARDER_H
#define TESTS_FORWARDER_H
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run.h"

/* 1 + our end of the pair, for config.outside; the process ends when that is closed. */
static int start_forwarder(const struct resolver_config *config)
{
	static struct run run;
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		abort();
	pid_t pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		close(fd[0]);
		run.resolver = *config;
		_exit(proc_forwarder(&run, fd[1], NULL, 0));
	}
	close(fd[1]);
	return 1 + fd[0];
}
#endif
