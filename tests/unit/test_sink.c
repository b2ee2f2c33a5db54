/* sink: each output gets what it is for, whole lines of it, and all of it, whatever it takes at a time. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "judge/event.h"
#include "log.h"
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
		cmocka_unit_test_setup(nowhere, clean)
	};
	log_open("test", SAY_ERROR - 1);
	if (!mkdtemp(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	clean(NULL);
	rmdir(folder);
	return failed;
}
