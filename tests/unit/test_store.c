/* store: what is there after a commit, after none, after damage; who may open it; what an operator orders. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store.h"

static char dir[64], db[96];

static int fresh(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_store.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(db, sizeof(db), "%s/mxwitness.db", dir);
	return 0;
}

static int remove_all(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static struct store *opened(struct error *said)
{
	struct error e;
	struct store *s = store_open(dir, said, &e);
	if (!s)
		print_message("%s\n", e.text);
	assert_non_null(s);
	return s;
}

static void what_was_committed_is_there(void **state)
{
	struct error e;
	struct store *s = opened(NULL);
	(void)state;
	assert_true(store_kept(s));
	assert_false(store_applied(s, bytes_of("a1")));
	store_take(s, bytes_of("a1"));
	assert_true(store_applied(s, bytes_of("a1")));
	assert_true(store_begin(s, &e));
	assert_true(store_run(store_db(s), "CREATE TABLE t(x); INSERT INTO t VALUES(1)", &e));
	assert_true(store_commit(s, &e));
	store_take(s, bytes_of("b2"));
	assert_true(store_begin(s, &e));
	assert_true(store_run(store_db(s), "INSERT INTO t VALUES(2)", &e));
	store_close(s);                            /* without a commit */
	s = opened(NULL);
	assert_true(store_applied(s, bytes_of("a1")));
	assert_false(store_applied(s, bytes_of("b2")));
	assert_true(store_run(store_db(s), "CREATE TEMP TABLE one AS SELECT 1/(count(*)=1) AS is_one FROM t", &e));
	store_close(s);
}

/* The ring keeps the last ids, and those alone, over a restart. */
static void the_ring_goes_round(void **state)
{
	struct error e;
	char id[32];
	struct store *s = opened(NULL);
	(void)state;
	for (int i = 0; i < STORE_RING + 100; i++) {
		snprintf(id, sizeof(id), "%d", i);
		store_take(s, bytes_of(id));
		if (i % 50000 == 0)
			assert_true(store_begin(s, &e) && store_commit(s, &e));
	}
	assert_true(store_begin(s, &e) && store_commit(s, &e));
	for (int again = 0; again < 2; again++) {
		assert_false(store_applied(s, bytes_of("99")));
		assert_true(store_applied(s, bytes_of("100")));
		snprintf(id, sizeof(id), "%d", STORE_RING + 99);
		assert_true(store_applied(s, bytes_of(id)));
		store_close(s);
		s = opened(NULL);
	}
	store_close(s);
}

static void one_owner(void **state)
{
	struct error e;
	struct store *s = opened(NULL);
	(void)state;
	pid_t child = fork();                      /* locks are a process's */
	if (child == 0)
		_exit(store_open(dir, NULL, &e) ? 1 : strstr(e.text, "another mxwitness") ? 0 : 2);
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	store_close(s);
}

static void an_order_reaches_the_owner_once(void **state)
{
	struct error e;
	bool none;
	struct store_order o = { .at = 5, .kind = "incident.ack", .target = "abc", .owner = "me", .body = "{}" }, got;
	(void)state;
	assert_null(store_look(dir, true, &none, &e));
	assert_true(none);
	struct store *s = opened(NULL);
	struct store *command = store_look(dir, true, &none, &e);
	assert_non_null(command);
	assert_true(store_orders_due(s));          /* the first look */
	assert_false(store_order_next(s, &got));
	assert_false(store_orders_due(s));
	assert_true(store_order_put(command, &o, &e));
	assert_true(store_orders_due(s));
	assert_true(store_order_next(s, &got));
	assert_string_equal(got.target, "abc");
	assert_string_equal(got.kind, "incident.ack");
	assert_int_equal(got.at, 5);
	assert_false(store_order_next(s, &got));
	store_close(s);                            /* before a commit: it is given again */
	s = opened(NULL);
	assert_true(store_order_next(s, &got));
	assert_true(store_begin(s, &e) && store_commit(s, &e));
	store_close(s);
	s = opened(NULL);
	assert_false(store_order_next(s, &got));   /* and then no more */
	store_close(s);
	store_close(command);
}

static void write_at(long at, const char *octets, size_t n)
{
	int fd = open(db, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, octets, n, at), (ssize_t)n);
	close(fd);
}

static void damage_is_moved_aside(void **state)
{
	struct error e, said;
	struct stat st;
	char aside[128];
	static char noise[3000];
	struct store *s = opened(&said);
	(void)state;
	assert_string_equal(said.text, "");
	store_take(s, bytes_of("a1"));
	assert_true(store_begin(s, &e) && store_run(store_db(s), "CREATE TABLE t(x); INSERT INTO t SELECT zeroblob(20000)", &e) &&
		    store_commit(s, &e));
	store_close(s);
	memset(noise, 0x5a, sizeof(noise));
	write_at(4096, noise, sizeof(noise)); /* a page of a table */
	s = opened(&said);
	assert_non_null(strstr(said.text, ".damaged-1"));
	assert_false(store_applied(s, bytes_of("a1")));
	store_close(s);
	snprintf(aside, sizeof(aside), "%s.damaged-1", db);
	assert_int_equal(stat(aside, &st), 0);
	write_at(0, noise, 100);                   /* no database at all */
	s = opened(&said);
	assert_non_null(strstr(said.text, ".damaged-2"));
	store_close(s);
}

static void others_are_refused(void **state)
{
	struct error e;
	sqlite3 *other;
	(void)state;
	struct store *s = opened(NULL);
	assert_true(store_run(store_db(s), "PRAGMA user_version=99", &e));
	store_close(s);
	assert_null(store_open(dir, NULL, &e));
	assert_non_null(strstr(e.text, "version 99"));
	assert_int_equal(unlink(db), 0);
	assert_int_equal(sqlite3_open(db, &other), SQLITE_OK);
	assert_true(store_run(other, "CREATE TABLE shopping(x)", &e));
	sqlite3_close(other);
	assert_null(store_open(dir, NULL, &e));
	assert_non_null(strstr(e.text, "another program"));
	assert_null(store_open("/nonexistent/folder", NULL, &e));
	assert_non_null(strstr(e.text, "No such file"));
}

/* A disk without room: the run goes on, and says it once. */
static void a_failed_commit_breaks_the_state_and_not_the_run(void **state)
{
	struct error e;
	(void)state;
	struct store *s = opened(NULL);
	store_take(s, bytes_of("a1"));
	assert_true(store_begin(s, &e) && store_commit(s, &e));
	assert_true(store_run(store_db(s), "CREATE TABLE big(x)", &e));
	assert_true(store_run(store_db(s), "PRAGMA max_page_count=8", &e));
	store_take(s, bytes_of("b2"));
	assert_true(store_begin(s, &e));
	assert_false(store_run(store_db(s), "INSERT INTO big SELECT zeroblob(200000)", &e));
	store_abandon(s);
	assert_true(store_broken(s));
	assert_true(store_begin(s, &e) && store_commit(s, &e));
	assert_true(store_applied(s, bytes_of("b2")));
	assert_int_equal(store_numbers(s).failed, 1);
	store_close(s);
	s = opened(NULL);
	assert_true(store_applied(s, bytes_of("a1")));
	assert_false(store_applied(s, bytes_of("b2")));
	store_close(s);
}

static void in_memory(void **state)
{
	struct error e;
	(void)state;
	struct store *s = store_open(NULL, NULL, &e);
	assert_non_null(s);
	assert_false(store_kept(s));
	store_take(s, bytes_of("a1"));
	assert_true(store_begin(s, &e) && store_commit(s, &e));
	assert_true(store_applied(s, bytes_of("a1")));
	store_close(s);
}

#define IN_A_FOLDER(f) cmocka_unit_test_setup_teardown(f, fresh, remove_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(what_was_committed_is_there),
		IN_A_FOLDER(the_ring_goes_round),
		IN_A_FOLDER(one_owner),
		IN_A_FOLDER(an_order_reaches_the_owner_once),
		IN_A_FOLDER(damage_is_moved_aside),
		IN_A_FOLDER(others_are_refused),
		IN_A_FOLDER(a_failed_commit_breaks_the_state_and_not_the_run),
		cmocka_unit_test(in_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
