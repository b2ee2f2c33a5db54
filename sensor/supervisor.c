/* supervisor: see supervisor.h. A signal writes one octet into a pipe, and the loop reads it; lives are told in shared memory
 * that each process writes a time into. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 60000, HEALTHY_MS = 60000, TICK_MS = 1000 };

struct supervisor {
	void *context;
	struct supervisor_job job[SUPERVISOR_JOBS];
	unsigned jobs;
	struct {
		int fd;
		uint32_t users;
	} fd[SUPERVISOR_FDS];
	size_t fds;
	_Atomic int64_t *beat;          /* of each job, ms, shared */
	int64_t tick, patience;
	bool reload, stop, stopping;
};

static int wake[2] = { -1, -1 };
static volatile sig_atomic_t told;

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_signal(int number)
{
	int kept = errno;
	const char c = number == SIGHUP ? 'r' : number == SIGCHLD ? 'c' : 's';
	ssize_t n = write(wake[1], &c, 1);
	(void)n; /* full: it will wake anyway */
	errno = kept;
}

static void on_told(int number)
{
	(void)number;
	told = 1;
}

bool supervisor_told(void)
{
	return told;
}

struct supervisor *supervisor_new(void *context, int64_t patience)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->context = context;
	s->patience = patience;
	void *shared = mmap(NULL, SUPERVISOR_JOBS * sizeof(*s->beat), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0) {
		free(s);
		return NULL;
	}
	s->beat = shared;
	return s;
}

void supervisor_free(struct supervisor *s)
{
	if (!s)
		return;
	munmap(s->beat, SUPERVISOR_JOBS * sizeof(*s->beat));
	close(wake[0]);
	close(wake[1]);
	free(s);
}

int supervisor_job(struct supervisor *s, const char *name, supervisor_main *run)
{
	if (s->jobs == SUPERVISOR_JOBS)
		return -1;
	struct supervisor_job *j = &s->job[s->jobs];
	snprintf(j->name, sizeof(j->name), "%s", name);
	j->run = run;
	return (int)s->jobs++;
}

void supervisor_calm(struct supervisor *s, unsigned job)
{
	s->job[job].calm = true;
}

const struct supervisor_job *supervisor_look(const struct supervisor *s, unsigned job)
{
	return &s->job[job];
}

bool supervisor_fd(struct supervisor *s, int fd, uint32_t users)
{
	if (s->fds == SUPERVISOR_FDS)
		return false;
	s->fd[s->fds].fd = fd;
	s->fd[s->fds++].users = users;
	return true;
}

void supervisor_fd_change(struct supervisor *s, int fd, int now)
{
	for (size_t i = 0; i < s->fds; i++)
		if (s->fd[i].fd == fd)
			s->fd[i].fd = now;
}

static void handle(int number, void (*handler)(int))
{
	struct sigaction a = { .sa_handler = handler };
	sigaction(number, &a, NULL);
}

/* The child's half of fork(). */
static void become(struct supervisor *s, unsigned n, pid_t parent)
{
	char name[16];
	snprintf(name, sizeof(name), "mxw-%.11s", s->job[n].name);
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	handle(SIGTERM, on_told);
	handle(SIGINT, SIG_IGN); /* the terminal's is for the supervisor */
	handle(SIGHUP, SIG_IGN);
	handle(SIGCHLD, SIG_DFL);
	for (size_t i = 0; i < s->fds; i++)
		if (s->fd[i].fd >= 0 && !(s->fd[i].users >> n & 1))
			close(s->fd[i].fd);
	supervisor_beat(s, n);
	_exit(s->job[n].run(s->context, n));
}

static bool begin(struct supervisor *s, unsigned n)
{
	struct supervisor_job *j = &s->job[n];
	pid_t self = getpid();
	sigset_t all, old;
	fflush(NULL);
	atomic_store(&s->beat[n], ms_now());
	/* no signal may be taken by the child before its own handlers stand */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	pid_t pid = fork();
	if (pid == 0) {
		told = 0;
		handle(SIGTERM, on_told);
		sigprocmask(SIG_SETMASK, &old, NULL);
		become(s, n, self);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return false;
	j->pid = pid;
	j->since = ms_now();
	j->again = j->retire = 0;
	j->stuck = false;
	return true;
}

bool supervisor_start(struct supervisor *s)
{
	handle(SIGTERM, on_signal);
	handle(SIGINT, on_signal);
	handle(SIGHUP, on_signal);
	handle(SIGCHLD, on_signal);
	handle(SIGPIPE, SIG_IGN);
	s->tick = ms_now() + TICK_MS;
	for (unsigned i = 0; i < s->jobs; i++)
		if (!begin(s, i))
			return false;
	return true;
}

void supervisor_beat(const struct supervisor *s, unsigned job)
{
	atomic_store_explicit(&s->beat[job], ms_now(), memory_order_relaxed);
}

int64_t supervisor_quiet(const struct supervisor *s, unsigned job)
{
	return s->job[job].pid > 0 ? ms_now() - atomic_load(&s->beat[job]) : 0;
}

void supervisor_renew(struct supervisor *s, unsigned job)
{
	struct supervisor_job *j = &s->job[job];
	j->failures = 0;
	if (j->pid > 0) {
		j->retire = ms_now() + SUPERVISOR_STOP_MS;
		kill(j->pid, SIGTERM);
	} else {
		j->again = ms_now();
	}
}

void supervisor_end(struct supervisor *s, unsigned job)
{
	struct supervisor_job *j = &s->job[job];
	j->finished = true;
	j->again = 0;
	if (j->pid > 0) {
		j->retire = ms_now() + SUPERVISOR_STOP_MS;
		kill(j->pid, SIGTERM);
	}
}

/* It is started anew after a while that doubles with each failure in a row. */
static enum supervise ended(struct supervisor *s, struct supervisor_job *j, int status)
{
	const int64_t now = ms_now();
	const bool meant = j->retire != 0, clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	j->pid = 0;
	j->status = status;
	if (j->finished)
		return SUPERVISE_OVER;
	if (meant) { /* by supervisor_renew; also when all end meanwhile: what it handed over is still to be done */
		j->again = now;
		return SUPERVISE_OVER;
	}
	if (s->stopping && clean) {
		j->finished = true;
		return SUPERVISE_OVER;
	}
	if (now - j->since >= HEALTHY_MS)
		j->failures = 0;
	int64_t wait = FIRST_WAIT_MS << (j->failures < 8 ? j->failures : 8);
	j->again = now + (wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS);
	j->failures++;
	j->ended++;
	return SUPERVISE_ENDED;
}

static bool reap(struct supervisor *s, unsigned *job, enum supervise *what)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < s->jobs; i++)
			if (s->job[i].pid == pid) {
				*job = i;
				*what = ended(s, &s->job[i], status);
				return true;
			}
	return false;
}

/* What time brings: a start that is due, one that is stuck, one that does not end. */
static bool due(struct supervisor *s, unsigned *job, enum supervise *what)
{
	const int64_t now = ms_now();
	for (unsigned i = 0; i < s->jobs; i++) {
		struct supervisor_job *j = &s->job[i];
		*job = i;
		if (j->pid == 0 && j->again && now >= j->again) {
			if (!begin(s, i)) {
				j->again = now + LONGEST_WAIT_MS;
				continue;
			}
			*what = SUPERVISE_STARTED;
			return true;
		}
		if (j->pid > 0 && j->retire && now >= j->retire) {
			j->retire = now + SUPERVISOR_STOP_MS;
			kill(j->pid, SIGKILL);
		}
		if (j->pid > 0 && !j->stuck && !j->calm && now - atomic_load(&s->beat[i]) > s->patience) {
			j->stuck = true;
			kill(j->pid, SIGKILL);
			*what = SUPERVISE_STUCK;
			return true;
		}
	}
	if (now < s->tick)
		return false;
	s->tick = now + TICK_MS;
	*what = SUPERVISE_TICK;
	return true;
}

static void take_signals(struct supervisor *s)
{
	char c;
	while (read(wake[0], &c, 1) == 1) {
		s->reload |= c == 'r';
		s->stop |= c == 's';
	}
}

static bool all_over(const struct supervisor *s)
{
	for (unsigned i = 0; i < s->jobs; i++)
		if (s->job[i].pid > 0 || !s->job[i].finished)
			return false;
	return true;
}

enum supervise supervisor_wait(struct supervisor *s, unsigned *job)
{
	struct pollfd p = { .fd = wake[0], .events = POLLIN };
	enum supervise what;
	for (;;) {
		take_signals(s);
		if (s->stop) {
			s->stop = false;
			s->stopping = true;
			return SUPERVISE_STOP;
		}
		if (s->reload) {
			s->reload = false;
			return SUPERVISE_RELOAD;
		}
		if (reap(s, job, &what))
			return what;
		if (all_over(s))
			return SUPERVISE_DONE;
		if (due(s, job, &what))
			return what;
		int64_t left = s->tick - ms_now();
		for (unsigned i = 0; i < s->jobs; i++)
			if (s->job[i].again && !s->job[i].pid && s->job[i].again - ms_now() < left)
				left = s->job[i].again - ms_now();
		poll(&p, 1, left > 0 ? (int)left : 0);
	}
}
