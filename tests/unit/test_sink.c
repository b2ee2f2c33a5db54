/* sink: each output gets what it is for, whole lines of it, and all of it, whatever it takes at a time. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "judge/event.h"
#include "log.h"
#include "rotation.h"
#include "sink.h"

static char folder[] = "/tmp/mxw-test-sink-XXXXXX";
static char path[2][64];

static struct output_settings to(const char *p, enum level least, uint32_t datasets)
{
	return (struct output_settings){ .type = output_type_file, .path = p, .format = output_format_ecs,
					 .minimum_level = least, .datasets = datasets };
}

static struct sinks *open_sinks(struct output_settings *o, size_t n, bool good)
{
	static struct settings settings;
	static struct run run;
	struct error e = { "" };
	settings.output = (struct setting_outputs){ o, n };
	assert_int_equal(sinks_try(&settings, &e), good);
	struct sinks *s = sinks_new(&settings, &run, &e);
	assert_true(good ? s != NULL : s == NULL && e.text[0]);
	return s;
}

static void event(struct sinks *s, enum dataset d, enum level level, int64_t number)
{
	static struct record r;
	record_init(&r);
	record_num(&r, F_event_sequence, number);
	switch (d) {
	case dataset_session:
		event_session(&r);
		break;
	case dataset_alert:
		record_num(&r, F_alert_level, level);
		event_alert(&r);
		break;
	default:
		event_stats(&r, 0);
	}
	assert_true(sinks_event(s, &r));
}

static char *text_of(const char *p, size_t *n)
{
	static char buf[1 << 20];
	int fd = open(p, O_RDONLY);
	ssize_t got = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	assert_true(got >= 0);
	buf[got] = '\0';
	*n = 0;
	for (char *c = buf; (c = strchr(c, '\n')); c++)
		++*n;
	assert_true(got == 0 || buf[got - 1] == '\n');
	return buf;
}

static int clean(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%d", folder, i);
		unlink(path[i]);
	}
	return 0;
}

static void levels_and_datasets(void **state)
{
	(void)state;
	size_t n;
	struct output_settings o[] = { to(path[0], level_high, UINT32_MAX), to(path[1], level_informational, 1u << dataset_alert) };
	struct sinks *s = open_sinks(o, 2, true);
	event(s, dataset_session, 0, 1);
	event(s, dataset_alert, level_medium, 2);
	event(s, dataset_alert, level_high, 3);
	event(s, dataset_stats, 0, 4);
	assert_true(sinks_flush(s));
	text_of(path[0], &n);
	assert_int_equal(n, 3);                 /* all but the medium one: a level is for alerts */
	char *t = text_of(path[1], &n);
	assert_int_equal(n, 2);
	assert_null(strstr(t, "mxwitness.session\""));
	struct stat st;
	assert_int_equal(stat(path[0], &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640u, 0);
	sinks_free(s);
}

/* A reader that is slow gets everything in the end, and nobody waits for it meanwhile. */
static void slow_reader(void **state)
{
	(void)state;
	static char got[1 << 22];
	size_t n = 0, lines = 0;
	int64_t put = 0;
	assert_int_equal(mkfifo(path[0], 0600), 0);
	int fd = open(path[0], O_RDWR | O_NONBLOCK);
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	struct sinks *s = open_sinks(o, 1, true);
	assert_int_equal(sinks_slow(s), -1);
	while (sinks_room(s)) {
		event(s, dataset_alert, level_high, ++put);
		sinks_flush(s);
	}
	assert_false(sinks_flush(s));
	assert_true(sinks_slow(s) >= 0);
	for (int idle = 0; idle < 3;) {
		ssize_t more = read(fd, got + n, 3000);
		n += more > 0 ? (size_t)more : 0;
		idle = more > 0 ? 0 : idle + 1;
		sinks_flush(s);
	}
	assert_true(sinks_flush(s));
	assert_int_equal(sinks_slow(s), -1);
	for (size_t i = 0; i < n; i++)
		lines += got[i] == '\n';
	assert_int_equal(lines, put);
	sinks_free(s);
	close(fd);
}

static void no_reader(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path[0], 0600), 0);
	static struct settings settings;
	static struct run run;
	struct error e;
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	settings.output = (struct setting_outputs){ o, 1 };
	assert_true(sinks_try(&settings, &e));  /* it may come */
	assert_null(sinks_new(&settings, &run, &e));
}

/* The number of output i in a list of sinks_fill. */
static int64_t count_of(const struct sinks *s, enum fact list, size_t i)
{
	static struct record stats;
	struct bytes item = { 0 };
	size_t pos = 0;
	record_init(&stats);
	sinks_fill(s, &stats);
	for (size_t k = 0; k <= i; k++)
		assert_true(record_next(&stats, list, &pos, &item));
	return record_item_num(item);
}

/* /dev/full: what cannot be written is kept, and there is no room for more in the end. */
static void full_disk(void **state)
{
	(void)state;
	struct output_settings o[] = { to("/dev/full", level_informational, UINT32_MAX), to(path[1], level_informational, UINT32_MAX) };
	struct sinks *s = open_sinks(o, 2, true);
	size_t n;
	int64_t put = 0;
	while (sinks_room(s)) {
		event(s, dataset_session, 0, ++put);
		assert_false(sinks_flush(s));
	}
	assert_int_equal(count_of(s, F_st_output_sent, 1), put);
	assert_int_equal(count_of(s, F_st_output_failed, 0), put);
	assert_int_equal(count_of(s, F_st_output_failed, 1), 0);
	text_of(path[1], &n);
	assert_int_equal(n, put);               /* the other one has them all */
	sinks_free(s);
}

static void removed(void **state)
{
	(void)state;
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	struct sinks *s = open_sinks(o, 1, true);
	assert_null(sinks_removed(s));
	assert_int_equal(rename(path[0], path[1]), 0);
	assert_null(sinks_removed(s));          /* moved is not removed: logrotate(8) */
	assert_int_equal(unlink(path[1]), 0);
	assert_string_equal(sinks_removed(s), path[0]);
	sinks_free(s);
}

/* What a process that was killed left within a line does not spoil the next one. */
static void torn_line(void **state)
{
	(void)state;
	size_t n;
	FILE *f = fopen(path[0], "w");
	fputs("{\"whole\":1}\n{\"torn", f);
	fclose(f);
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	struct sinks *s = open_sinks(o, 1, true);
	event(s, dataset_session, 0, 1);
	assert_true(sinks_flush(s));
	sinks_free(s);
	char *t = text_of(path[0], &n);
	assert_int_equal(n, 3);
	assert_non_null(strstr(t, "{\"torn\n{"));
	s = open_sinks(o, 1, true);             /* and a whole one is followed by no empty one */
	event(s, dataset_session, 0, 2);
	assert_true(sinks_flush(s));
	sinks_free(s);
	text_of(path[0], &n);
	assert_int_equal(n, 4);
}

/* ---- files that are renamed ---- */

/* The names in the folder that begin with that of path 0 and a dot, in order; how many. */
static size_t asides(char name[16][300])
{
	struct dirent **all;
	size_t n = 0;
	int found = scandir(folder, &all, NULL, alphasort);
	for (int i = 0; i < found; i++) {
		if (strncmp(all[i]->d_name, "0.", 2) == 0 && n < 16)
			snprintf(name[n++], 300, "%s/%s", folder, all[i]->d_name);
		free(all[i]);
	}
	free(all);
	return n;
}

static int clean_all(void **state)
{
	char name[16][300];
	for (size_t n; (n = asides(name)); )
		while (n--)
			unlink(name[n]);
	return clean(state);
}

static size_t size_of(const char *p)
{
	struct stat st;
	return stat(p, &st) == 0 ? (size_t)st.st_size : 0;
}

/* No file is larger than it may be, and all lines are there, in order, each in one of them. */
static void rotated_by_size(void **state)
{
	(void)state;
	char name[16][300];
	int64_t put = 0, next = 0;
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	o[0].rotate_size = 4000;
	struct sinks *s = open_sinks(o, 1, true);
	for (int flush = 0; flush < 4; flush++) {
		for (int i = 0; i < 10; i++)
			event(s, dataset_stats, 0, ++put);
		assert_true(sinks_flush(s));            /* several files by one call */
	}
	sinks_free(s);
	size_t files = asides(name);
	assert_true(files >= 2 && files < 16);
	snprintf(name[files++], 300, "%s", path[0]);
	for (size_t i = 0; i < files; i++) {
		size_t lines;
		assert_true(size_of(name[i]) > 0 && size_of(name[i]) <= 4000);
		for (char *t = text_of(name[i], &lines); lines--; t = strchr(t, '\n') + 1) {
			const char *number = strstr(t, "\"sequence\":");
			assert_non_null(number);
			assert_int_equal(strtol(number + 11, NULL, 10), ++next);
		}
	}
	assert_int_equal(next, put);
}

/* The ones that stay are the newest; what is not ours stays too. */
static void rotated_and_kept(void **state)
{
	(void)state;
	static const char *const there[] = { "0.20200101T000000Z", "0.20200101T000000Z-2.gz", "0.20200101T000000Z-10", "0.20200102T000000Z.zst" };
	static const char *const others[] = { "0.old", "0.20200101T000000", "0.20200101T000000Z-x", "0.20200101T000000Z.gz.part", "00.20200101T000000Z" };
	char name[16][300], p[300];
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]) + sizeof(others) / sizeof(others[0]); i++) {
		snprintf(p, sizeof(p), "%s/%s", folder, i < 4 ? there[i] : others[i - 4]);
		fclose(fopen(p, "w"));
	}
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	o[0].rotate_size = 10;
	o[0].rotate_keep = 3;
	struct sinks *s = open_sinks(o, 1, true);
	event(s, dataset_stats, 0, 1);
	event(s, dataset_stats, 0, 2);
	assert_true(sinks_flush(s));
	sinks_free(s);
	size_t n = asides(name), ours = 0, kept = 0;
	for (size_t i = 0; i < n; i++) {
		ours += strstr(name[i], "0.202001") == NULL && strcmp(name[i] + strlen(folder), "/0.old") != 0;
		kept += strcmp(strrchr(name[i], '/') + 1, there[2]) == 0 || strcmp(strrchr(name[i], '/') + 1, there[3]) == 0;
	}
	assert_int_equal(ours, 1);
	assert_int_equal(kept, 2);              /* -10 is newer than -2 */
	assert_int_equal(n, 3 + 4);
	snprintf(p, sizeof(p), "%s/%s", folder, others[4]);
	assert_int_equal(unlink(p), 0);
}

/* Within one second too, and where a clock went wrong: what stays is what was written last. */
static void newest_are_kept(void **state)
{
	(void)state;
	char name[16][300], p[300];
	size_t lines, n, last = 0;
	snprintf(p, sizeof(p), "%s.21000101T000000Z", path[0]);
	fclose(fopen(p, "w"));
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	o[0].rotate_size = 10;
	o[0].rotate_keep = 2;
	struct sinks *s = open_sinks(o, 1, true);
	for (int64_t i = 1; i <= 6; i++)
		event(s, dataset_stats, 0, i);
	assert_true(sinks_flush(s));
	sinks_free(s);
	n = asides(name);
	assert_int_equal(n, 2);
	snprintf(name[n++], 300, "%s", path[0]);
	for (size_t i = 0; i < n; i++) {
		const char *number = strstr(text_of(name[i], &lines), "\"sequence\":");
		assert_non_null(number);
		assert_true(strtoul(number + 11, NULL, 10) == 4 + i);
		last = i;
	}
	assert_int_equal(last, 2);
}

static void same_mode(void **state)
{
	(void)state;
	char name[16][300];
	struct stat st;
	close(open(path[0], O_CREAT | O_WRONLY, 0600));
	assert_int_equal(chmod(path[0], 0664), 0);
	const bool root = geteuid() == 0 && chown(path[0], 4711, 4712) == 0;
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	o[0].rotate_size = 10;
	struct sinks *s = open_sinks(o, 1, true);
	event(s, dataset_stats, 0, 1);
	event(s, dataset_stats, 0, 2);
	assert_true(sinks_flush(s));
	sinks_free(s);
	assert_int_equal(asides(name), 1);
	assert_int_equal(stat(path[0], &st), 0);
	assert_int_equal(st.st_mode & 07777, 0664);
	assert_true(!root || (st.st_uid == 4711 && st.st_gid == 4712));
}

/* The folder takes no new file: everything goes where it went before, and nothing lies about. */
static void cannot_rotate(void **state)
{
	(void)state;
	char name[16][300], p[300];
	size_t n;
	snprintf(p, sizeof(p), "%s.mxwitness-new", path[0]);
	assert_int_equal(mkdir(p, 0700), 0);    /* as good as a disk without room for a file, also for root */
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	o[0].rotate_size = 10;
	struct sinks *s = open_sinks(o, 1, true);
	for (int i = 1; i <= 5; i++) {
		event(s, dataset_stats, 0, i);
		assert_true(sinks_flush(s));
	}
	text_of(path[0], &n);
	assert_int_equal(n, 5);
	assert_int_equal(asides(name), 1);
	sinks_free(s);
	assert_int_equal(rmdir(p), 0);
}

/* Somebody has renamed it: what comes next goes where it went, until he says so. */
static void renamed_by_others(void **state)
{
	(void)state;
	size_t n;
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	struct sinks *s = open_sinks(o, 1, true);
	event(s, dataset_stats, 0, 1);
	assert_true(sinks_flush(s));
	assert_int_equal(rename(path[0], path[1]), 0);
	event(s, dataset_stats, 0, 2);
	assert_true(sinks_flush(s));
	text_of(path[1], &n);
	assert_int_equal(n, 2);
	sinks_again(s);
	event(s, dataset_stats, 0, 3);
	assert_true(sinks_flush(s));
	text_of(path[1], &n);
	assert_int_equal(n, 2);
	text_of(path[0], &n);
	assert_int_equal(n, 1);
	sinks_free(s);
}

/* Both at once: the name is a new file's already, which is not ours to rename. */
static void renamed_twice(void **state)
{
	(void)state;
	char name[16][300];
	size_t n;
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	o[0].rotate_size = 10;
	struct sinks *s = open_sinks(o, 1, true);
	event(s, dataset_stats, 0, 1);
	assert_true(sinks_flush(s));
	assert_int_equal(rename(path[0], path[1]), 0);
	close(open(path[0], O_CREAT | O_WRONLY, 0600));
	event(s, dataset_stats, 0, 2);
	assert_true(sinks_flush(s));
	assert_int_equal(asides(name), 0);
	text_of(path[0], &n);
	assert_int_equal(n, 1);
	sinks_free(s);
}

/* copytruncate: what comes next stands at the beginning, and no hole before it. */
static void truncated(void **state)
{
	(void)state;
	size_t n;
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	struct sinks *s = open_sinks(o, 1, true);
	event(s, dataset_stats, 0, 1);
	assert_true(sinks_flush(s));
	assert_int_equal(truncate(path[0], 0), 0);
	event(s, dataset_stats, 0, 2);
	assert_true(sinks_flush(s));
	assert_int_equal(text_of(path[0], &n)[0], '{');
	assert_int_equal(n, 1);
	sinks_free(s);
}

/* A line of which only the beginning could be written: it goes on where it was, or, where that was truncated, anew; and the file
 * is not renamed meanwhile. A limit on the size of files takes the place of a full disk. */
static void half_a_line(void **state)
{
	(void)state;
	struct rlimit was, small;
	size_t n;
	char name[16][300];
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (int cut = 0; cut < 2; cut++) {
		clean_all(NULL);
		struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
		o[0].rotate_size = 1;
		struct sinks *s = open_sinks(o, 1, true);
		small = was;
		small.rlim_cur = 100;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		event(s, dataset_stats, 0, 1);
		assert_false(sinks_flush(s));
		assert_false(sinks_flush(s));
		assert_int_equal(size_of(path[0]), 100);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		if (cut)
			assert_int_equal(truncate(path[0], 0), 0);
		assert_true(sinks_flush(s));
		char *t = text_of(path[0], &n);
		assert_true(n == 1 && t[0] == '{' && t[strlen(t) - 2] == '}');
		assert_int_equal(asides(name), 0);
		sinks_free(s);
	}
}

/* ---- when ---- */

static const int64_t day = 86400000;

static void periods(void **state)
{
	(void)state;
	static const struct { uint64_t every; int64_t now, begins; const char *why; } t[] = {
		{ 3600000, 20000 * INT64_C(86400000) + 7199999, 20000 * INT64_C(86400000) + 3600000, "an hour" },
		{ 25200000, 20000 * INT64_C(86400000) + 86399999, 20000 * INT64_C(86400000) + 75600000, "seven hours: the last is short" },
		{ 25200000, 20001 * INT64_C(86400000), 20001 * INT64_C(86400000), "and begins anew at midnight" },
		{ 86400000, 20001 * INT64_C(86400000) - 1, 20000 * INT64_C(86400000), "a day" },
		{ 172800000, 20001 * INT64_C(86400000) + 5, 20000 * INT64_C(86400000), "two days" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (rotation_period(t[i].every, t[i].now) != t[i].begins)
			fail_msg("%s", t[i].why);
}

static void due(void **state)
{
	(void)state;
	struct rotation r = { .every = (uint64_t)day, .size = 100 };
	const int64_t noon = 20000 * day + day / 2;
	assert_false(rotation_due(&r, 0, 1000, noon));          /* an empty file is not renamed */
	assert_false(rotation_due(&r, 50, 50, noon));
	assert_true(rotation_due(&r, 50, 51, noon));
	assert_false(rotation_due(&r, 50, 50, noon + day / 2 - 1));
	assert_true(rotation_due(&r, 50, 50, noon + day / 2));
	assert_false(rotation_due(&r, 0, 50, noon + day));      /* a day without a line */
	assert_false(rotation_due(&r, 50, 50, noon + day));
	assert_false(rotation_due(&r, 50, 50, noon));           /* the clock was set back: a day begins, and none ends */
	assert_true(rotation_due(&r, 50, 50, noon + day));
	r.until = noon + day + 1000;
	assert_false(rotation_due(&r, 50, 50, noon + day));     /* it has just failed */
	assert_true(rotation_due(&r, 50, 50, noon + day + 1000));
	r.until = noon + 10 * day;                              /* by a clock that was wrong */
	assert_true(rotation_due(&r, 50, 50, noon + day + 1000));
}

/* What a run of yesterday left is renamed by today's, before anything is written to it, even if nothing comes. */
static void of_yesterday(void **state)
{
	(void)state;
	char name[16][300];
	FILE *f = fopen(path[0], "w");
	fputs("{}\n", f);
	fclose(f);
	const struct timespec times[2] = { { time(NULL) - 86400, 0 }, { time(NULL) - 86400, 0 } };
	assert_int_equal(utimensat(AT_FDCWD, path[0], times, 0), 0);
	struct output_settings o[] = { to(path[0], level_informational, UINT32_MAX) };
	o[0].rotate_every = (uint64_t)day;
	struct sinks *s = open_sinks(o, 1, true);
	sinks_tick(s);
	assert_int_equal(asides(name), 1);
	assert_int_equal(size_of(name[0]), 3);
	assert_int_equal(size_of(path[0]), 0);
	sinks_tick(s);
	assert_int_equal(asides(name), 1);
	sinks_free(s);
}

/* By a link: the file is renamed, and not the link; and its own folder is the one that a sandbox must leave. */
static void by_a_link(void **state)
{
	(void)state;
	char name[16][300], link[64], in[SINKS][PATH_MAX];
	struct stat st;
	char elsewhere[] = "/tmp/mxw-test-link-XXXXXX";
	assert_non_null(mkdtemp(elsewhere));
	snprintf(link, sizeof(link), "%s/l", elsewhere);
	assert_int_equal(symlink(path[0], link), 0);
	struct output_settings o[] = { to(link, level_informational, UINT32_MAX), to(path[1], level_informational, UINT32_MAX) };
	struct settings settings = { .output = { o, 2 } };
	o[0].rotate_size = 10;
	struct sinks *s = open_sinks(o, 2, true);
	assert_int_equal(sinks_folders(&settings, false, in), 1);
	assert_string_equal(in[0], folder);
	assert_int_equal(sinks_folders(&settings, true, in), 2);
	event(s, dataset_stats, 0, 1);
	event(s, dataset_stats, 0, 2);
	assert_true(sinks_flush(s));
	sinks_free(s);
	assert_int_equal(asides(name), 1);
	assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode) && lstat(path[0], &st) == 0 && S_ISREG(st.st_mode));
	unlink(link);
	rmdir(elsewhere);
}

static void nowhere(void **state)
{
	(void)state;
	struct output_settings o[] = { to("/nonexistent/out", level_informational, UINT32_MAX) };
	open_sinks(o, 1, false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(levels_and_datasets, clean), cmocka_unit_test_setup(slow_reader, clean),
		cmocka_unit_test_setup(no_reader, clean), cmocka_unit_test_setup(full_disk, clean),
		cmocka_unit_test_setup(removed, clean), cmocka_unit_test_setup(torn_line, clean),
		cmocka_unit_test_setup(nowhere, clean), cmocka_unit_test_setup(rotated_by_size, clean_all),
		cmocka_unit_test_setup(rotated_and_kept, clean_all), cmocka_unit_test_setup(same_mode, clean_all), cmocka_unit_test_setup(newest_are_kept, clean_all),
		cmocka_unit_test_setup(cannot_rotate, clean_all), cmocka_unit_test_setup(renamed_by_others, clean_all),
		cmocka_unit_test_setup(renamed_twice, clean_all), cmocka_unit_test_setup(truncated, clean_all),
		cmocka_unit_test_setup(half_a_line, clean_all), cmocka_unit_test(periods), cmocka_unit_test(due),
		cmocka_unit_test_setup(of_yesterday, clean_all), cmocka_unit_test_setup(by_a_link, clean_all)
	};
	log_open("test", SAY_ERROR - 1);
	if (!mkdtemp(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	clean_all(NULL);
	rmdir(folder);
	return failed;
}
