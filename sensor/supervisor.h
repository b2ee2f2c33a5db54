/* supervisor: starts a process for each job, starts those anew that end, and tells its caller what happened. It keeps the
 * descriptors that join the processes, so that one that begins anew finds its neighbours where they were. It parses nothing.
 *
 *	supervisor_new, supervisor_job ..., supervisor_fd ..., supervisor_start
 *	while ((what = supervisor_wait(s, &job)) != SUPERVISE_DONE) ... */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SUPERVISOR_JOBS = 24, SUPERVISOR_FDS = 160, SUPERVISOR_NAME = 16 };
_Static_assert(SUPERVISOR_JOBS <= 32, "a descriptor's users are bits of 32");

/* What a process runs: its exit status. job is its own number; it may use the descriptors that were given to it, and calls
 * supervisor_beat at least every second. */
typedef int supervisor_main(void *context, unsigned job);

/* The names of jobs are those of processes, and stand in messages.
 * ended      times that it ended and should not have     pid  0: not running
 * status     of the last end (waitpid)                   since  ms, monotonic, of its start */
struct supervisor_job {
	char name[SUPERVISOR_NAME];
	supervisor_main *run;
	pid_t pid;
	unsigned ended;
	int status;
	int64_t since, again, retire;
	unsigned failures;
	bool finished, stuck, calm;
};

struct supervisor;

/* patience: ms that a job may show no life; SUPERVISOR_BEAT_MS but in tests. NULL: no memory. */
struct supervisor *supervisor_new(void *context, int64_t patience);
void supervisor_free(struct supervisor *s);
/* A new job; its number, -1: too many. */
int supervisor_job(struct supervisor *s, const char *name, supervisor_main *run);
/* The job shows no life: it sleeps until it is needed. */
void supervisor_calm(struct supervisor *s, unsigned job);
const struct supervisor_job *supervisor_look(const struct supervisor *s, unsigned job);
/* Those of users (bit n: job n) have fd; the others close it first of all. false: too many. */
bool supervisor_fd(struct supervisor *s, int fd, uint32_t users);
/* fd is another one now, or -1. */
void supervisor_fd_change(struct supervisor *s, int fd, int now);

/* TICK     a second has passed                ENDED   job ended and should not have; it is started again in a while
 * STUCK    job did not show life in time; it was killed, and ENDED will follow
 * STARTED  job was started anew               RELOAD  SIGHUP        STOP  SIGTERM or SIGINT
 * OVER     job ended because it was at its end, or was told to      DONE  nothing runs any more */
enum supervise { SUPERVISE_TICK, SUPERVISE_ENDED, SUPERVISE_STUCK, SUPERVISE_STARTED, SUPERVISE_RELOAD, SUPERVISE_STOP,
		 SUPERVISE_OVER, SUPERVISE_DONE };
enum { SUPERVISOR_BEAT_MS = 30000, SUPERVISOR_STOP_MS = 30000 };

/* Starts all jobs. false: errno of the fork that failed. */
bool supervisor_start(struct supervisor *s);
enum supervise supervisor_wait(struct supervisor *s, unsigned *job);
/* For how long job has shown no life, ms; 0 while it does not run. */
int64_t supervisor_quiet(const struct supervisor *s, unsigned job);
/* Ends job at its next clean point (SIGTERM) and starts it anew at once: it has other settings now. */
void supervisor_renew(struct supervisor *s, unsigned job);
/* Ends job for good (SIGTERM); after SUPERVISOR_STOP_MS by force. Its neighbours tell each other what ends next. */
void supervisor_end(struct supervisor *s, unsigned job);

/* In a process: it lives. */
void supervisor_beat(const struct supervisor *s, unsigned job);
/* In a process: was it told to end (SIGTERM)? */
bool supervisor_told(void);
#endif
