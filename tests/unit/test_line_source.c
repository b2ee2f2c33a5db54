/* line_source: lines of files and pipes, however they come; the long ones passed over, the end when it is asked for. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "line_source.h"

enum { MAX = LINE_SOURCE_LINE };

/* What comes out, as text: lines between bars, "LONG|" for one that was passed over. */
static void all(struct line_source *s, char *out, size_t cap)
{
	struct bytes line;
	for (;;) {
		switch (line_source_next(s, &line)) {
		case LINE_SOURCE_READ:
			snprintf(out + strlen(out), cap - strlen(out), "%.*s|", (int)line.n, (const char *)line.p);
			break;
		case LINE_SOURCE_LONG:
			snprintf(out + strlen(out), cap - strlen(out), "LONG|");
			break;
		case LINE_SOURCE_WAIT:
			break;
		case LINE_SOURCE_FAILED:
			snprintf(out + strlen(out), cap - strlen(out), "FAILED|");
			break;
		case LINE_SOURCE_END:
			return;
		}
	}
}

static char *file_of(const char *text, size_t n)
{
	static char names[8][32];
	static int at;
	char *name = names[at++ % 8];
	snprintf(name, sizeof(names[0]), "/tmp/mxw-lines-XXXXXX");
	const int fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	close(fd);
	return name;
}

static const struct {
	const char *in, *out, *why;
} cases[] = {
	{ "", "", "nothing" },
	{ "\n", "|", "an empty line" },
	{ "a\nb\n", "a|b|", "two" },
	{ "a\nb", "a|b|", "the last without its end" },
	{ "a\r\nb", "a\r|b|", "another line end is part of the line" },
};

static void test_files(void **state)
{
	(void)state;
	struct error e;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[64] = "", *path[] = { file_of(cases[i].in, strlen(cases[i].in)) };
		struct line_source *s = line_source_files(path, 1, -1, &e);
		assert_non_null(s);
		all(s, out, sizeof(out));
		if (strcmp(out, cases[i].out) != 0)
			fail_msg("%s: %s", cases[i].why, out);
		line_source_close(s);
		unlink(path[0]);
	}
}

/* Lines around the bound, and behind one that is far beyond it. */
static void test_long(void **state)
{
	(void)state;
	struct error e;
	static const struct {
		size_t n;
		bool good;
	} lengths[] = { { MAX - 1, true }, { MAX, true }, { MAX + 1, false }, { 2 * MAX + 2, false }, { 5 * MAX, false }, { 1, true } };
	for (int end = 0; end < 2; end++)
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			struct bytes line;
			char *text = malloc(lengths[i].n + 4), *path[1];
			assert_non_null(text);
			memset(text, 'x', lengths[i].n);
			memcpy(text + lengths[i].n, "\nb\n", 4);
			path[0] = file_of(text, lengths[i].n + (end ? 0 : 3));
			struct line_source *s = line_source_files(path, 1, -1, &e);
			assert_non_null(s);
			assert_int_equal(line_source_next(s, &line), lengths[i].good ? LINE_SOURCE_READ : LINE_SOURCE_LONG);
			assert_true(!lengths[i].good || line.n == lengths[i].n);
			if (!end) {
				assert_int_equal(line_source_next(s, &line), LINE_SOURCE_READ);
				assert_true(bytes_eq(line, bytes_of("b")));
			}
			assert_int_equal(line_source_next(s, &line), LINE_SOURCE_END);
			line_source_close(s);
			unlink(path[0]);
			free(text);
		}
}

/* Lines come octet by octet through a pipe; the reader is told once that there is none, and not asked to turn round and round. */
static void test_pipe(void **state)
{
	(void)state;
	int in[2], stop[2], saved = dup(STDIN_FILENO);
	struct error e;
	struct bytes line;
	char *path[] = { "-" };
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(dup2(in[0], STDIN_FILENO), STDIN_FILENO);
	struct line_source *s = line_source_files(path, 1, stop[0], &e);
	dup2(saved, STDIN_FILENO);
	assert_non_null(s);
	for (const char *p = "one\ntwo\nthr"; *p; p++) {
		assert_int_equal(write(in[1], p, 1), 1);
		if (*p == '\n') {
			assert_int_equal(line_source_next(s, &line), LINE_SOURCE_READ);
			assert_int_equal(line.n, 3);
			assert_int_equal(line_source_next(s, &line), LINE_SOURCE_WAIT);
		}
	}
	assert_string_equal(line_source_place(s), "standard input:2");
	assert_int_equal(write(stop[1], "", 1), 1);
	assert_int_equal(line_source_next(s, &line), LINE_SOURCE_END); /* it would wait for the rest of the third */
	assert_int_equal(line_source_next(s, &line), LINE_SOURCE_END);
	line_source_close(s);
	close(in[0]);
	close(in[1]);
	close(stop[0]);
	close(stop[1]);
	close(saved);
}

/* What is open already has a name, and is told from one that is ended. */
static void test_open(void **state)
{
	(void)state;
	struct error e;
	struct bytes line;
	int fd[2], stop[2];
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(write(fd[1], "one\nt", 5), 5);
	struct line_source *s = line_source_open(fd[0], "nats://h/S\n", stop[0], &e);
	assert_non_null(s);
	assert_int_equal(line_source_next(s, &line), LINE_SOURCE_READ);
	assert_true(bytes_eq(line, bytes_of("one")));
	assert_string_equal(line_source_place(s), "nats://h/S?:1");
	assert_int_equal(line_source_next(s, &line), LINE_SOURCE_WAIT);
	assert_false(line_source_stopped(s));
	assert_int_equal(write(stop[1], "", 1), 1);
	assert_int_equal(line_source_next(s, &line), LINE_SOURCE_END);
	assert_true(line_source_stopped(s));
	line_source_close(s);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(write(fd[1], "x", 1), -1); /* it was the source's, and is closed */
	close(fd[1]);
	close(stop[0]);
	close(stop[1]);
}

static void test_places(void **state)
{
	(void)state;
	struct error e;
	struct bytes line;
	char *path[] = { file_of("a\nb", 3), file_of("c\n", 2), NULL }, want[64];
	struct line_source *s = line_source_files(path, 2, -1, &e);
	assert_non_null(s);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(line_source_next(s, &line), LINE_SOURCE_READ);
		assert_int_equal(line.p[0], 'a' + i);
		snprintf(want, sizeof(want), "%s:%d", path[i / 2], i % 2 + 1);
		assert_string_equal(line_source_place(s), want);
	}
	assert_int_equal(line_source_next(s, &line), LINE_SOURCE_END);
	line_source_close(s);
	for (int i = 0; i < 2; i++)
		unlink(path[i]);
}

static void test_refused(void **state)
{
	(void)state;
	struct error e;
	char *none[] = { "/no/such/file" }, *folder[] = { "/tmp" };
	assert_null(line_source_files(none, 1, -1, &e));
	assert_non_null(strstr(e.text, "/no/such/file: cannot be read: No such file"));
	assert_null(line_source_files(folder, 1, -1, &e));
	assert_non_null(strstr(e.text, "/tmp: a directory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files), cmocka_unit_test(test_long), cmocka_unit_test(test_pipe),
					    cmocka_unit_test(test_places), cmocka_unit_test(test_open), cmocka_unit_test(test_refused) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
