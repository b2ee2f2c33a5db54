/* host_lookup: see host_lookup.h. The thread and who waits for it share one struct, which the last of them frees. */
#include "host_lookup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct host_lookup {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned users;
	bool over;
	int problem;
	struct addrinfo hints, *found;
	char host[HOST_NAME_SIZE], port[HOST_PORT_SIZE];
};

static atomic_int under_way;

bool host_split(const char *address, char host[HOST_NAME_SIZE], char port[HOST_PORT_SIZE])
{
	bool bracket = address[0] == '[';
	const char *begin = address + bracket, *end = bracket ? strchr(begin, ']') : strrchr(begin, ':');
	const char *colon = end && bracket ? end + 1 : end;
	if (!end || *colon != ':' || end == begin || (size_t)(end - begin) >= HOST_NAME_SIZE)
		return false;
	if (!bracket && memchr(begin, ':', (size_t)(end - begin)))
		return false;
	size_t digits = strspn(colon + 1, "0123456789");
	if (!digits || digits > 5 || colon[1 + digits] || atol(colon + 1) < 1 || atol(colon + 1) > 65535)
		return false;
	snprintf(host, HOST_NAME_SIZE, "%.*s", (int)(end - begin), begin);
	snprintf(port, HOST_PORT_SIZE, "%.*s", (int)digits, colon + 1);
	return true;
}

static void lookup_leave(struct host_lookup *l)
{
	pthread_mutex_lock(&l->lock);
	bool last = --l->users == 0;
	pthread_mutex_unlock(&l->lock);
	if (!last)
		return;
	if (l->found)
		freeaddrinfo(l->found);
	pthread_cond_destroy(&l->ended);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void *lookup_thread(void *arg)
{
	struct host_lookup *l = arg;
	struct addrinfo *found = NULL;
	int problem = getaddrinfo(l->host, l->port, &l->hints, &found);
	pthread_mutex_lock(&l->lock);
	l->problem = problem;
	l->found = problem ? NULL : found;
	l->over = true;
	pthread_cond_signal(&l->ended);
	pthread_mutex_unlock(&l->lock);
	lookup_leave(l);
	atomic_fetch_sub(&under_way, 1);
	return NULL;
}

/* Signals are for the thread that has the loop. */
static bool lookup_start(struct host_lookup *l)
{
	sigset_t all, before;
	pthread_t thread;
	if (atomic_fetch_add(&under_way, 1) >= HOST_LOOKUPS) {
		atomic_fetch_sub(&under_way, 1);
		return false;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	l->users = 2;
	bool started = pthread_create(&thread, NULL, lookup_thread, l) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (started) {
		pthread_detach(thread);
		return true;
	}
	l->users = 1;
	atomic_fetch_sub(&under_way, 1);
	return false;
}

struct host_lookup *host_lookup_begin(const char *host, const char *port, int type, struct error *e)
{
	struct host_lookup *l = calloc(1, sizeof(*l));
	if (!l) {
		error_set(e, "no memory");
		return NULL;
	}
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->ended, &attr);
	pthread_condattr_destroy(&attr);
	l->users = 1;
	snprintf(l->host, sizeof(l->host), "%s", host);
	snprintf(l->port, sizeof(l->port), "%s", port);
	l->hints = (struct addrinfo){ .ai_socktype = type, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	l->problem = getaddrinfo(l->host, l->port, &l->hints, &l->found);
	l->over = l->problem != EAI_NONAME;
	l->hints.ai_flags = AI_NUMERICSERV;
	if (!l->over && !lookup_start(l)) {
		error_set(e, "%s: its address cannot be looked up: too many look-ups wait for the system's resolver", host);
		lookup_leave(l);
		return NULL;
	}
	return l;
}

bool host_lookup_wait(struct host_lookup *l, int wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&l->lock);
	while (!l->over && wait_ms > 0 && pthread_cond_timedwait(&l->ended, &l->lock, &until) != ETIMEDOUT)
		;
	bool over = l->over;
	pthread_mutex_unlock(&l->lock);
	return over;
}

const struct addrinfo *host_lookup_result(const struct host_lookup *l, int *problem)
{
	*problem = l->problem;
	return l->problem ? NULL : l->found;
}

void host_lookup_end(struct host_lookup *l)
{
	if (l)
		lookup_leave(l);
}
