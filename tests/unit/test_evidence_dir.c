/* evidence_dir: whole files or none, private, chained, and no more than the budget; also when somebody crashes. */
#include "evidence_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcde"
static char folder[64], path[96];

static int make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/evidence-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/new", folder);
	return 0;
}

static int clean(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static char *name(unsigned i, char buf[EVIDENCE_NAME])
{
	snprintf(buf, EVIDENCE_NAME, "20260301T000000Z_192.0.2.1_finding_" ID "%x.pcapng", i);
	return buf;
}

static struct evidence_dir *open_it(struct evidence_budget budget)
{
	struct error e = { "" };
	struct evidence_dir *d = evidence_dir_open(path, &budget, &e);
	if (!d)
		fail_msg("%s", e.text);
	return d;
}

static bool put(struct evidence_dir *d, unsigned i, const char *text)
{
	char buf[EVIDENCE_NAME], sha256[65];
	struct error e;
	return evidence_dir_put(d, name(i, buf), bytes_of(text), sha256, &e);
}

static bool there(const char *file, struct stat *st)
{
	char full[512];
	snprintf(full, sizeof(full), "%s/%s", path, file);
	return lstat(full, st) == 0;
}

static bool has(unsigned i)
{
	char buf[EVIDENCE_NAME];
	struct stat st;
	return there(name(i, buf), &st);
}

/* Files of any name but MANIFEST and those of ours. */
static unsigned strangers(void)
{
	unsigned n = 0;
	DIR *dir = opendir(path);
	const struct dirent *f;
	while ((f = readdir(dir)))
		n += strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0 && strcmp(f->d_name, "MANIFEST") != 0 && !strstr(f->d_name, ".pcapng");
	closedir(dir);
	return n;
}

static FILE *manifest(const char *mode)
{
	char full[512];
	snprintf(full, sizeof(full), "%s/MANIFEST", path);
	FILE *f = fopen(full, mode);
	assert_non_null(f);
	return f;
}

/* Lines of MANIFEST; each but those in a row of damaged ones must be chained. */
static unsigned lines(unsigned damaged)
{
	char line[1024], before[1024] = "", hex[65];
	unsigned n = 0, broken = 0;
	FILE *f = manifest("r");
	while (fgets(line, sizeof(line), f)) {
		uint8_t out[EVP_MAX_MD_SIZE];
		line[strcspn(line, "\n")] = '\0';
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
		EVP_DigestUpdate(ctx, before, strlen(before));
		EVP_DigestUpdate(ctx, line + 65, strlen(line) > 65 ? strlen(line + 65) : 0);
		EVP_DigestFinal_ex(ctx, out, NULL);
		EVP_MD_CTX_free(ctx);
		for (int i = 0; i < 32; i++)
			snprintf(hex + 2 * i, 3, "%02x", out[i]);
		broken += strncmp(line, hex, 64) != 0;
		strcpy(before, line);
		n++;
	}
	fclose(f);
	assert_int_equal(broken, damaged);
	return n;
}

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool good;
		const char *why;
	} rows[] = {
		{ "20260301T000000Z_192.0.2.1_finding_" ID "f.pcapng", true, "as we make them" },
		{ "x_" ID "0.pcapng", true, "the id is what counts" },
		{ "_" ID "0.pcapng", false, "nothing in front" },
		{ ID "0.pcapng", false, "no id of its own" },
		{ "x_" ID "0.pcap", false, "another end" },
		{ "x_" ID ".pcapng", false, "31 digits" },
		{ "x_" ID "G.pcapng", false, "no digit" },
		{ ".x_" ID "0.pcapng", false, "hidden" },
		{ "MANIFEST", false, "the manifest is not to be replaced" },
		{ "", false, "nothing" },
	};
	struct evidence_dir *d = open_it((struct evidence_budget){ 0 });
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error e = { "" };
		char sha256[65];
		if (evidence_dir_put(d, rows[i].name, bytes_of("x"), sha256, &e) != rows[i].good)
			fail_msg("%s (%s): %s", rows[i].name, rows[i].why, e.text);
	}
	assert_int_equal(lines(0), 2);
	assert_int_equal(strangers(), 0);
	evidence_dir_close(d);
}

static void test_private(void **state)
{
	(void)state;
	char buf[EVIDENCE_NAME];
	struct stat st;
	umask(0);
	struct evidence_dir *d = open_it((struct evidence_budget){ 0 });
	assert_true(put(d, 1, "a"));
	assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
	assert_true(there(name(1, buf), &st) && (st.st_mode & 0777) == 0600);
	assert_true(there("MANIFEST", &st) && (st.st_mode & 0777) == 0600);
	evidence_dir_close(d);
}

static void test_same_again(void **state)
{
	(void)state;
	struct evidence_dir *d = open_it((struct evidence_budget){ 0 });
	assert_true(put(d, 1, "a") && put(d, 1, "a"));
	assert_int_equal(lines(0), 1);
	assert_true(put(d, 1, "b"));
	assert_int_equal(lines(0), 2);
	evidence_dir_close(d);
	d = open_it((struct evidence_budget){ 0 });
	assert_true(put(d, 1, "b") && put(d, 2, "c"));          /* the chain goes on */
	assert_int_equal(lines(0), 3);
	evidence_dir_close(d);
}

static void test_budget_files(void **state)
{
	(void)state;
	struct evidence_dir *d = open_it((struct evidence_budget){ .files = 2 });
	for (unsigned i = 0; i < 5; i++) {
		assert_true(put(d, i, "x"));
		assert_true(has(i));
		assert_int_equal(i >= 2 ? has(i - 2) : 0, 0);
	}
	assert_int_equal(evidence_dir_removed(d), 3);
	assert_int_equal(lines(0), 8);
	assert_true(put(d, 3, "of now"));                       /* written anew: the newest now */
	assert_true(put(d, 5, "x"));
	assert_true(has(3) && has(5) && !has(4));
	evidence_dir_close(d);
}

static void test_budget_size(void **state)
{
	(void)state;
	struct evidence_dir *d = open_it((struct evidence_budget){ .octets = 10 });
	assert_true(put(d, 0, "12345") && put(d, 1, "12345"));
	assert_true(has(0) && has(1));
	assert_true(put(d, 2, "1"));
	assert_true(!has(0) && has(1) && has(2));
	assert_true(put(d, 3, "more than all that there may be"));
	assert_true(!has(1) && !has(2) && has(3));              /* not reported yet: it stays */
	evidence_dir_close(d);
}

static void test_budget_age(void **state)
{
	(void)state;
	char buf[EVIDENCE_NAME], full[512];
	struct timespec then[2] = { { .tv_sec = time(NULL) - 3 * 86400 }, { .tv_sec = time(NULL) - 3 * 86400 } };
	struct evidence_dir *d = open_it((struct evidence_budget){ 0 });
	assert_true(put(d, 0, "x") && put(d, 1, "x"));
	evidence_dir_close(d);
	snprintf(full, sizeof(full), "%s/%s", path, name(1, buf));
	assert_int_equal(utimensat(AT_FDCWD, full, then, 0), 0);
	d = open_it((struct evidence_budget){ .age = 2 * 86400 });
	assert_true(has(1));                                    /* nothing is removed before something was reported */
	assert_true(put(d, 2, "x"));
	assert_true(has(0) && !has(1) && has(2));
	evidence_dir_close(d);
}

/* What is not ours is neither counted nor removed, nor followed. */
static void test_strangers(void **state)
{
	(void)state;
	char buf[EVIDENCE_NAME], full[512];
	struct evidence_dir *d = open_it((struct evidence_budget){ 0 });
	evidence_dir_close(d);
	snprintf(full, sizeof(full), "%s/notes.pcapng", path);
	fclose(fopen(full, "w"));
	snprintf(full, sizeof(full), "%s/%s", path, name(7, buf));
	assert_int_equal(symlink("/etc/passwd", full), 0);
	d = open_it((struct evidence_budget){ .files = 1 });
	assert_true(put(d, 1, "x") && put(d, 2, "x"));
	struct stat st;
	assert_true(there("notes.pcapng", &st) && has(7) && has(2) && !has(1));
	assert_true(put(d, 7, "x"));                            /* takes the link's place, not the place of its target */
	assert_true(there(name(7, buf), &st) && S_ISREG(st.st_mode) && access("/etc/passwd", R_OK) == 0);
	evidence_dir_close(d);
}

/* The disk is full, or the process is killed, in the middle of a file. */
static void test_cut(void **state)
{
	(void)state;
	char buf[EVIDENCE_NAME], sha256[65];
	uint8_t *large = calloc(1, 1 << 20);
	struct stat st;
	struct evidence_dir *d = open_it((struct evidence_budget){ 0 });
	assert_true(put(d, 1, "as it was"));
	for (int killed = 0; killed < 2; killed++) {
		pid_t child = fork();
		if (child == 0) {
			struct rlimit limit = { 4096, 4096 };
			struct error e;
			signal(SIGXFSZ, killed ? SIG_DFL : SIG_IGN);
			setrlimit(RLIMIT_FSIZE, &limit);
			setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
			_exit(evidence_dir_put(d, name(1, buf), (struct bytes){ large, 1 << 20 }, sha256, &e) ||
			      evidence_dir_put(d, name(2, buf), (struct bytes){ large, 1 << 20 }, sha256, &e));
		}
		int status;
		waitpid(child, &status, 0);
		assert_true(killed ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0);
		assert_true(there(name(1, buf), &st) && st.st_size == 9 && !has(2));
		assert_int_equal(strangers(), killed);          /* what was being written, under no name of ours */
	}
	assert_int_equal(lines(0), 1);
	assert_true(put(d, 2, "now"));
	assert_true(has(2) && strangers() == 0);
	evidence_dir_close(d);
	free(large);
}

/* A crash in the middle of a line, and one between a file and its line. */
static void test_manifest_cut(void **state)
{
	(void)state;
	char buf[EVIDENCE_NAME], full[512], line[1024];
	struct evidence_dir *d = open_it((struct evidence_budget){ 0 });
	assert_true(put(d, 1, "a") && put(d, 2, "b"));
	evidence_dir_close(d);
	FILE *f = manifest("a");
	fputs("0123 writ", f);
	fclose(f);
	d = open_it((struct evidence_budget){ 0 });
	assert_true(put(d, 3, "c"));
	evidence_dir_close(d);
	assert_int_equal(lines(1), 4);
	snprintf(full, sizeof(full), "%s/%s", path, name(4, buf));
	f = fopen(full, "w");
	fputs("d", f);
	fclose(f);
	d = open_it((struct evidence_budget){ 0 });
	assert_int_equal(lines(1), 5);
	assert_true(put(d, 4, "d"));
	assert_int_equal(lines(1), 5);
	evidence_dir_close(d);
	f = manifest("r");
	while (fgets(line, sizeof(line), f))
		;
	fclose(f);
	/* SHA-256 of "d" */
	assert_non_null(strstr(line, " written 18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4 1 "));
	d = open_it((struct evidence_budget){ 0 });
	evidence_dir_close(d);
	assert_int_equal(lines(1), 5);
}

/* A crash between the line that says "removed" and the removal: the file is listed again. */
static void test_removal_cut(void **state)
{
	(void)state;
	char buf[EVIDENCE_NAME];
	struct evidence_dir *d = open_it((struct evidence_budget){ 0 });
	assert_true(put(d, 1, "a"));
	evidence_dir_close(d);
	FILE *f = manifest("a");
	fprintf(f, "0123 removed - 1 %s\n", name(1, buf));
	fclose(f);
	evidence_dir_close(open_it((struct evidence_budget){ 0 }));
	assert_int_equal(lines(1), 3);
	evidence_dir_close(open_it((struct evidence_budget){ 0 }));
	assert_int_equal(lines(1), 3);
}

/* What cannot be removed is said to be removed once, and before anybody tries. */
static void test_not_removed(void **state)
{
	(void)state;
	char buf[EVIDENCE_NAME], full[512];
	struct evidence_dir *d = open_it((struct evidence_budget){ .files = 1 });
	assert_true(put(d, 1, "a"));
	snprintf(full, sizeof(full), "%s/%s", path, name(1, buf));
	assert_int_equal(unlink(full), 0);
	assert_int_equal(mkdir(full, 0700), 0);
	assert_false(put(d, 2, "b"));
	assert_int_equal(lines(0), 3);
	assert_false(put(d, 3, "c"));
	assert_int_equal(lines(0), 4);
	assert_int_equal(evidence_dir_removed(d), 0);
	assert_int_equal(rmdir(full), 0);
	assert_true(put(d, 4, "d"));
	assert_int_equal(evidence_dir_removed(d), 3);
	assert_int_equal(lines(0), 7);
	evidence_dir_close(d);
}

/* The process that wrote is gone, and another one has what was known before it began. */
static void test_again(void **state)
{
	(void)state;
	struct error e = { "" };
	struct evidence_dir *d = open_it((struct evidence_budget){ .files = 2 });
	assert_true(put(d, 1, "a"));
	pid_t pid = fork();
	int status;
	if (pid == 0)
		_exit(!put(d, 2, "b"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(evidence_dir_again(d, &e));
	assert_true(put(d, 2, "b") && put(d, 3, "c"));
	assert_int_equal(lines(0), 4);
	assert_false(has(1));
	assert_true(has(2) && has(3));
	evidence_dir_close(d);
}

/* The disk is full in the middle of a line; later there is room again. */
static void test_line_cut(void **state)
{
	(void)state;
	struct stat st;
	struct rlimit was, limit;
	struct evidence_dir *d = open_it((struct evidence_budget){ 0 });
	assert_true(put(d, 1, "a"));
	assert_true(there("MANIFEST", &st));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_IGN);
	limit = (struct rlimit){ (rlim_t)st.st_size + 20, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	bool good = put(d, 2, "b");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_false(good);
	assert_true(put(d, 2, "b"));
	assert_int_equal(lines(1), 3);
	assert_true(put(d, 2, "b") && put(d, 3, "c"));
	assert_int_equal(lines(1), 4);
	evidence_dir_close(d);
}

static void test_bad_places(void **state)
{
	(void)state;
	struct error e = { "" };
	struct evidence_budget none = { 0 };
	assert_null(evidence_dir_open("/dev/null", &none, &e));
	assert_non_null(strstr(e.text, "/dev/null"));
	assert_null(evidence_dir_open("/nowhere/at/all", &none, &e));
	evidence_dir_close(open_it(none));
	FILE *f = manifest("w");
	for (int i = 0; i < 3000; i++)
		fputc('x', f);
	fputc('\n', f);
	fclose(f);
	assert_null(evidence_dir_open(path, &none, &e));
	assert_non_null(strstr(e.text, "no manifest of ours"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, make, clean), cmocka_unit_test_setup_teardown(test_private, make, clean),
		cmocka_unit_test_setup_teardown(test_same_again, make, clean), cmocka_unit_test_setup_teardown(test_budget_files, make, clean),
		cmocka_unit_test_setup_teardown(test_budget_size, make, clean), cmocka_unit_test_setup_teardown(test_budget_age, make, clean),
		cmocka_unit_test_setup_teardown(test_strangers, make, clean), cmocka_unit_test_setup_teardown(test_cut, make, clean),
		cmocka_unit_test_setup_teardown(test_manifest_cut, make, clean), cmocka_unit_test_setup_teardown(test_removal_cut, make, clean), cmocka_unit_test_setup_teardown(test_not_removed, make, clean),
		cmocka_unit_test_setup_teardown(test_again, make, clean), cmocka_unit_test_setup_teardown(test_line_cut, make, clean),
		cmocka_unit_test_setup_teardown(test_bad_places, make, clean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
