/* supervisor: who ends is started anew, later each time; who hangs is killed; who is told ends, and in which order. */
#include "supervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 2000 };

/* What the processes tell the test: how often each began, and what it saw. */
struct board {
	struct supervisor *supervisor;
	volatile int begun[4], crash[4], own[2], other[2];
	int pair[2];
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	while (nanosleep(&t, &t) != 0) /* SIGCHLD */
		;
}

static bool is_open(int fd)
{
	return write(fd, "x", 1) == 1;
}

/* Lives until it is told; ends with the status in crash at once when there is one. */
static int worker(void *context, unsigned job)
{
	struct board *b = context;
	b->begun[job]++;
	if (job < 2) {
		b->own[job] = is_open(b->pair[job]);
		b->other[job] = is_open(b->pair[1 - job]);
	}
	while (!supervisor_told()) {
		if (b->crash[job])
			return b->crash[job];
		supervisor_beat(b->supervisor, job);
		sleep_ms(5);
	}
	return 0;
}

static struct board *board(unsigned jobs, supervisor_main *run)
{
	struct board *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(b != MAP_FAILED);
	memset(b, 0, sizeof(*b));
	b->supervisor = supervisor_new(b, PATIENCE_MS);
	assert_non_null(b->supervisor);
	for (unsigned i = 0; i < jobs; i++)
		assert_int_equal(supervisor_job(b->supervisor, "job", run), i);
	b->pair[0] = b->pair[1] = -1;
	return b;
}

static void board_free(struct board *b)
{
	supervisor_free(b->supervisor);
	munmap(b, sizeof(*b));
}

/* The next word that is not TICK, before so many ms. */
static enum supervise next(struct board *b, unsigned *job, int64_t within)
{
	const int64_t until = ms_now() + within;
	enum supervise what;
	do
		what = supervisor_wait(b->supervisor, job);
	while (what == SUPERVISE_TICK && ms_now() < until);
	return what;
}

static void wait_begun(const struct board *b, unsigned job, int times)
{
	for (int i = 0; i < 400 && b->begun[job] < times; i++)
		sleep_ms(10);
	assert_int_equal(b->begun[job], times);
}

/* Tells all to end, and sees them end well. */
static void end_all(struct board *b, unsigned jobs)
{
	unsigned job, over = 0;
	enum supervise what;
	for (unsigned i = 0; i < jobs; i++)
		supervisor_end(b->supervisor, i);
	while ((what = next(b, &job, 10000)) == SUPERVISE_OVER)
		over++;
	assert_int_equal(what, SUPERVISE_DONE);
	assert_int_equal(over, jobs);
}

static void starts_and_ends(void **state)
{
	(void)state;
	struct board *b = board(3, worker);
	assert_true(supervisor_start(b->supervisor));
	for (unsigned i = 0; i < 3; i++) {
		wait_begun(b, i, 1);
		assert_true(supervisor_look(b->supervisor, i)->pid > 0);
		assert_true(supervisor_quiet(b->supervisor, i) < 1000);
	}
	end_all(b, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(supervisor_look(b->supervisor, i)->ended, 0);
		assert_true(supervisor_look(b->supervisor, i)->finished);
		assert_int_equal(supervisor_quiet(b->supervisor, i), 0);
	}
	board_free(b);
}

/* Each process has the descriptors that are its own, and no others. */
static void descriptors(void **state)
{
	(void)state;
	int fd[2];
	struct board *b = board(2, worker);
	assert_int_equal(pipe(fd), 0);
	b->pair[0] = dup(fd[1]);
	b->pair[1] = dup(fd[1]);
	assert_true(supervisor_fd(b->supervisor, b->pair[0], 1));
	assert_true(supervisor_fd(b->supervisor, b->pair[1], 2));
	assert_true(supervisor_start(b->supervisor));
	for (unsigned i = 0; i < 2; i++)
		wait_begun(b, i, 1);
	end_all(b, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(b->own[i]);
		assert_false(b->other[i]);
	}
	for (int i = 0; i < 2; i++) {
		close(fd[i]);
		close(b->pair[i]);
	}
	board_free(b);
}

/* Each failure in a row doubles the wait; the status is kept. */
static void backs_off(void **state)
{
	(void)state;
	struct board *b = board(1, worker);
	unsigned job;
	int64_t wait[3];
	b->crash[0] = 7;
	assert_true(supervisor_start(b->supervisor));
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(next(b, &job, 10000), SUPERVISE_ENDED);
		int64_t ended = ms_now();
		const struct supervisor_job *j = supervisor_look(b->supervisor, job);
		assert_int_equal(WEXITSTATUS(j->status), 7);
		assert_int_equal(j->ended, i + 1);
		assert_int_equal(j->pid, 0);
		if (i == 2)
			b->crash[0] = 0;
		assert_int_equal(next(b, &job, 10000), SUPERVISE_STARTED);
		wait[i] = ms_now() - ended;
	}
	assert_true(wait[0] >= 450 && wait[1] >= 950 && wait[2] >= 1950);
	assert_true(wait[0] < wait[1] && wait[1] < wait[2]);
	end_all(b, 1);
	board_free(b);
}

static void killed(void **state)
{
	(void)state;
	struct board *b = board(2, worker);
	unsigned job = 9;
	assert_true(supervisor_start(b->supervisor));
	wait_begun(b, 1, 1);
	kill(supervisor_look(b->supervisor, 1)->pid, SIGKILL);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_ENDED);
	assert_int_equal(job, 1);
	assert_true(WIFSIGNALED(supervisor_look(b->supervisor, 1)->status));
	assert_int_equal(WTERMSIG(supervisor_look(b->supervisor, 1)->status), SIGKILL);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_STARTED);
	wait_begun(b, 1, 2);
	assert_int_equal(b->begun[0], 1);       /* the other goes on */
	end_all(b, 2);
	board_free(b);
}

/* Renewed: told, and begun anew at once; that is no failure. */
static void renewed(void **state)
{
	(void)state;
	struct board *b = board(1, worker);
	unsigned job;
	assert_true(supervisor_start(b->supervisor));
	wait_begun(b, 0, 1);
	for (int i = 2; i < 5; i++) {
		int64_t begin = ms_now();
		supervisor_renew(b->supervisor, 0);
		assert_int_equal(next(b, &job, 5000), SUPERVISE_OVER);
		assert_int_equal(next(b, &job, 5000), SUPERVISE_STARTED);
		assert_true(ms_now() - begin < 450);
		wait_begun(b, 0, i);
	}
	assert_int_equal(supervisor_look(b->supervisor, 0)->ended, 0);
	end_all(b, 1);
	board_free(b);
}

/* One that waits for its next start after a crash begins at once when its settings are other ones. */
static void renewed_while_waiting(void **state)
{
	(void)state;
	struct board *b = board(1, worker);
	unsigned job;
	b->crash[0] = 1;
	assert_true(supervisor_start(b->supervisor));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(b, &job, 5000), SUPERVISE_ENDED);
		if (i == 0)
			assert_int_equal(next(b, &job, 5000), SUPERVISE_STARTED);
	}
	b->crash[0] = 0;
	int64_t begin = ms_now();
	supervisor_renew(b->supervisor, 0);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_STARTED);
	assert_true(ms_now() - begin < 450);
	end_all(b, 1);
	board_free(b);
}

/* SIGTERM while a job is being renewed: it begins anew all the same, for what it handed over is still to be done. Afterwards
 * a clean end is the end. */
static void renewed_and_stopped(void **state)
{
	(void)state;
	struct board *b = board(2, worker);
	unsigned job;
	assert_true(supervisor_start(b->supervisor));
	wait_begun(b, 0, 1);
	wait_begun(b, 1, 1);
	supervisor_renew(b->supervisor, 0);
	kill(getpid(), SIGTERM);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_STOP);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_OVER);
	assert_false(supervisor_look(b->supervisor, 0)->finished);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_STARTED);
	wait_begun(b, 0, 2);
	kill(supervisor_look(b->supervisor, 0)->pid, SIGTERM); /* its neighbour told it, as it were */
	assert_int_equal(next(b, &job, 5000), SUPERVISE_OVER);
	assert_true(supervisor_look(b->supervisor, 0)->finished);
	supervisor_end(b->supervisor, 1);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_OVER);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_DONE);
	board_free(b);
}

static void signals(void **state)
{
	(void)state;
	struct board *b = board(1, worker);
	unsigned job;
	assert_true(supervisor_start(b->supervisor));
	wait_begun(b, 0, 1);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGHUP);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_RELOAD);
	kill(getpid(), SIGTERM);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_STOP);
	assert_true(supervisor_look(b->supervisor, 0)->pid > 0); /* who ends what, and when, is the caller's */
	end_all(b, 1);
	board_free(b);
}

/* One that hangs shows no life meanwhile, is killed in the end, and begins anew; one that sleeps until it is needed is not. */
static void hangs(void **state)
{
	(void)state;
	struct board *b = board(3, worker);
	unsigned job;
	supervisor_calm(b->supervisor, 2);
	assert_true(supervisor_start(b->supervisor));
	for (unsigned i = 0; i < 3; i++)
		wait_begun(b, i, 1);
	kill(supervisor_look(b->supervisor, 0)->pid, SIGSTOP);
	kill(supervisor_look(b->supervisor, 2)->pid, SIGSTOP);
	sleep_ms(1200);
	assert_true(supervisor_quiet(b->supervisor, 0) >= 1000);
	assert_true(supervisor_quiet(b->supervisor, 1) < 1000);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_STUCK);
	assert_int_equal(job, 0);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_ENDED);
	assert_int_equal(job, 0);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_STARTED);
	wait_begun(b, 0, 2);
	assert_int_equal(b->begun[2], 1);
	kill(supervisor_look(b->supervisor, 2)->pid, SIGCONT);
	end_all(b, 3);
	board_free(b);
}

/* A crash while all end is none of the ends that were wanted: it begins anew, to end well. */
static void crash_while_stopping(void **state)
{
	(void)state;
	struct board *b = board(1, worker);
	unsigned job;
	assert_true(supervisor_start(b->supervisor));
	wait_begun(b, 0, 1);
	kill(getpid(), SIGTERM);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_STOP);
	kill(supervisor_look(b->supervisor, 0)->pid, SIGKILL);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_ENDED);
	assert_int_equal(next(b, &job, 5000), SUPERVISE_STARTED);
	wait_begun(b, 0, 2);
	end_all(b, 1);
	board_free(b);
}

static void too_many(void **state)
{
	(void)state;
	struct board *b = board(SUPERVISOR_JOBS, worker);
	assert_int_equal(supervisor_job(b->supervisor, "one more", worker), -1);
	for (int i = 0; i < SUPERVISOR_FDS; i++)
		assert_true(supervisor_fd(b->supervisor, -1, 0));
	assert_false(supervisor_fd(b->supervisor, -1, 0));
	board_free(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(starts_and_ends), cmocka_unit_test(descriptors),
						   cmocka_unit_test(backs_off), cmocka_unit_test(killed),
						   cmocka_unit_test(renewed), cmocka_unit_test(renewed_while_waiting),
						   cmocka_unit_test(renewed_and_stopped), cmocka_unit_test(signals),
						   cmocka_unit_test(hangs), cmocka_unit_test(crash_while_stopping),
						   cmocka_unit_test(too_many) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
