/* What is said to others: which alerts were told already (alerted), the service manager's words (notify), log lines (log). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "alerted.h"
#include "log.h"
#include "notify.h"

/* What a judge does with an alert: looks, and tells it if it is to go out. */
static unsigned tell(struct alerted *a, const char *incident, unsigned level, uint64_t event)
{
	unsigned revision = alerted_look(a, bytes_of(incident), level, 1);
	if (revision)
		alerted_told(a, bytes_of(incident), level, revision, event);
	return revision;
}

/* A judge ends: what had arrived stays told, with the level that arrived; what had not is told again. */
static void handed_on(void **state)
{
	(void)state;
	struct alerted *a = alerted_new(64);
	assert_int_equal(tell(a, "arrived", 2, 10), 1);
	assert_int_equal(tell(a, "risen", 2, 11), 1);
	alerted_arrived(a, 11);
	assert_int_equal(tell(a, "risen", 3, 12), 2);
	assert_int_equal(tell(a, "risen", 4, 13), 3);
	assert_int_equal(tell(a, "lost", 3, 14), 1);
	alerted_begin(a);
	assert_int_equal(tell(a, "arrived", 2, 20), 0);
	assert_int_equal(tell(a, "risen", 2, 21), 0);
	assert_int_equal(tell(a, "risen", 4, 22), 2);   /* those that did not arrive do not count */
	assert_int_equal(tell(a, "lost", 3, 23), 1);
	alerted_arrived(a, 23);
	alerted_begin(a);
	assert_int_equal(tell(a, "risen", 4, 30), 0);
	assert_int_equal(tell(a, "lost", 3, 31), 0);
	alerted_free(a);
}

static void told_once(void **state)
{
	(void)state;
	static const struct {
		const char *incident;
		unsigned level;
		unsigned revision;
	} steps[] = {
		{ "a", 2, 1 }, { "a", 2, 0 }, { "a", 1, 0 }, { "b", 2, 1 },
		{ "a", 3, 2 }, { "a", 3, 0 }, { "a", 2, 0 }, { "b", 4, 2 },
		{ "", 1, 1 }, { "", 1, 0 },
	};
	struct alerted *a = alerted_new(64);
	assert_non_null(a);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_int_equal(tell(a, steps[i].incident, steps[i].level, i + 1), steps[i].revision);
	alerted_free(a);
}

/* What an incident says later is told once for each revision, also where a judge begins to count anew. */
static void revisions(void **state)
{
	(void)state;
	struct alerted *a = alerted_new(64);
	const struct bytes id = bytes_of("incident");
	for (unsigned r = 1; r <= 3; r++) {
		assert_int_equal(alerted_look(a, id, 2, r), r);
		alerted_told(a, id, 2, r, r);
		assert_int_equal(alerted_look(a, id, 2, r), 0);
	}
	alerted_arrived(a, 3);
	alerted_begin(a);
	assert_int_equal(alerted_look(a, id, 2, 1), 0);
	assert_int_equal(alerted_look(a, id, 3, 2), 4);   /* worse than all that went out */
	assert_int_equal(alerted_look(a, id, 2, 4), 4);
	alerted_free(a);
}

/* More than there are places: the latest is always known, and what was forgotten is told once more. */
static void bounded(void **state)
{
	(void)state;
	char id[16];
	unsigned again = 0;
	struct alerted *a = alerted_new(16);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "%u", i);
		assert_int_equal(tell(a, id, 2, i + 1), 1);
		assert_int_equal(tell(a, id, 2, i + 1), 0);
	}
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "%u", i);
		again += tell(a, id, 2, i + 1) == 1;
	}
	assert_true(again >= 980);
	alerted_free(a);
}

static void manager(const char *path, bool abstract)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char got[64];
	size_t n = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	memcpy(at.sun_path, path, n);
	if (abstract)
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	notify_open();
	assert_null(getenv("NOTIFY_SOCKET"));
	notify("READY=1");
	ssize_t size = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	assert_int_equal(size, 7);
	assert_memory_equal(got, "READY=1", 7);
	close(fd);
	notify("WATCHDOG=1"); /* nobody hears it any more: no matter */
}

static void notified(void **state)
{
	(void)state;
	char path[64];
	notify("READY=1"); /* there is no manager */
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_open();
	notify("READY=1");
	snprintf(path, sizeof(path), "/tmp/mxw-test-said-%d", (int)getpid());
	manager(path, false);
	unlink(path);
	path[0] = '@';
	setenv("WATCHDOG_USEC", "4000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	manager(path, true);
	assert_int_equal(notify_interval(), 0); /* meant for another process */
	setenv("WATCHDOG_USEC", "4000000", 1);
	path[1] = 'x';
	manager(path, true);
	assert_int_equal(notify_interval(), 2000);
}

/* One line each, whole, without control characters, and only what is asked for. */
static void logged(void **state)
{
	(void)state;
	char got[8192], stream[64];
	static char longer[4000];
	struct stat st;
	int fd[2], kept = dup(STDERR_FILENO);
	memset(longer, 'x', sizeof(longer) - 1);
	assert_int_equal(pipe(fd), 0);
	dup2(fd[1], STDERR_FILENO);
	log_open("test", SAY_NOTICE);
	log_line(SAY_NOTICE, "a %d", 7);
	log_line(SAY_INFO, "not this");
	log_line(SAY_ERROR, "two\nlines\x1b[0m\x7f");
	log_line(SAY_ERROR, "%s", longer);
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("test", SAY_NOTICE);
	log_line(SAY_WARNING, "to the journal");
	unsetenv("JOURNAL_STREAM");
	dup2(kept, STDERR_FILENO);
	close(fd[1]);
	ssize_t n = read(fd[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	static const char first[] = "test: a 7\ntest: two?lines?[0m?\ntest: xxx";
	assert_memory_equal(got, first, sizeof(first) - 1);
	char *last = strstr(got, "<4>test: to the journal\n");
	assert_non_null(last);
	assert_true(last[-1] == '\n' && strlen(last) == 24 && n <= 1024 + 64 + 24);
	close(fd[0]);
	close(kept);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(told_once), cmocka_unit_test(handed_on), cmocka_unit_test(bounded),
						   cmocka_unit_test(revisions),
						   cmocka_unit_test(notified), cmocka_unit_test(logged) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
