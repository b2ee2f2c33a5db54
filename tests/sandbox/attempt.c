/* attempt: from inside the sandbox of each process, tries what it must not be able to do, and what it must. The
 * sandbox is the sensor's own (sandbox.c), each attempt a process of its own, in one line of a table.
 *
 * usage: attempt [USER]   USER as which to run, when started as root
 * What this kernel or this user cannot show is skipped, and said. Ends in "sandbox: N passed, N failed[, N skipped]". */
#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

/* What was there before the sandbox: two folders, a listener outside, a channel. */
static struct {
	char inside[64], beside[64];
	struct sockaddr_in outside;
	int asked;                 /* a listening socket with nobody at it */
	int pair[2];
	pid_t parent;
} world;

/* ---- attempts: 0 when it could be done, else errno ---- */

static int result(long rc)
{
	return rc < 0 ? errno : 0;
}

static int try_open(void)
{
	return result(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int create_in(const char *folder)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/new", folder);
	return result(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int try_create(void)
{
	return create_in(world.beside);
}

static int try_state(void)
{
	char path[128], other[128];
	int rc = create_in(world.inside);
	snprintf(path, sizeof(path), "%s/new", world.inside);
	snprintf(other, sizeof(other), "%s/old", world.inside);
	return rc ? rc : rename(path, other) != 0 ? errno : result(unlink(other));
}

/* As sts_cache.c does. */
static int try_shown(void)
{
	DIR *d = opendir(world.inside);
	const struct dirent *e;
	int rc = d ? ENOENT : errno, fd;
	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, "there") != 0)
			continue;
		struct stat st;
		char c;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return errno;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		rc = fd < 0 ? errno : result(read(fd, &c, 1));
	}
	if (d)
		closedir(d);
	return rc;
}

static int try_tcp(void)
{
	return result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int try_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? errno : result(connect(fd, (const struct sockaddr *)&world.outside, sizeof(world.outside)));
}

static int try_loopback(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	char c;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return errno;
	if (sendto(fd, "x", 1, 0, (struct sockaddr *)&a, n) != 1)
		return errno;
	return recv(fd, &c, 1, 0) == 1 ? 0 : errno;
}

static int try_unix(void)
{
	return result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* Is it let in? That nobody comes is another question. */
static int try_accept(void)
{
	int rc = result(accept4(world.asked, NULL, NULL, SOCK_CLOEXEC));
	return rc == EAGAIN ? 0 : rc;
}

static int try_netlink(void)
{
	return result(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int try_packet(void)
{
	return result(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int try_raw(void)
{
	return result(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

static int try_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int try_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	return result(pid);
}

static int try_ptrace(void)
{
	return result(ptrace(PTRACE_SEIZE, world.parent, NULL, NULL));
}

static int try_kill(void)
{
	return result(kill(world.parent, 0));
}

static int try_map(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int try_protect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? 0 : result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int try_root(void)
{
	return result(setuid(0));
}

static int try_mount(void)
{
	return result(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
}

static int try_namespace(void)
{
	return result(syscall(SYS_unshare, 0x10000000));
}

static int try_bpf(void)
{
	return result(syscall(SYS_bpf, 0, NULL, 0));    /* BPF_MAP_CREATE */
}

static int try_map_lookup(void)
{
	int rc = result(syscall(SYS_bpf, 1, NULL, 0));
	return rc == EINVAL || rc == EFAULT || rc == EPERM ? 0 : rc;    /* came through to the kernel */
}

static int try_uring(void)
{
	return result(syscall(SYS_io_uring_setup, 1, NULL));
}

static void *nothing(void *arg)
{
	return arg;
}

static int try_thread(void)
{
	pthread_t t;
	int rc = pthread_create(&t, NULL, nothing, NULL);
	return rc ? rc : pthread_join(t, NULL);
}

/* What all of them need: their channel, memory, time. */
static int try_work(void)
{
	struct timespec t;
	char c = 'x';
	struct pollfd p = { .fd = world.pair[1], .events = POLLIN };
	void *m = malloc(8 << 20);
	if (!m || clock_gettime(CLOCK_REALTIME, &t) != 0)
		return ENOMEM;
	memset(m, 1, 8 << 20);
	free(m);
	time_t when = t.tv_sec;
	struct tm tm;
	if (!gmtime_r(&when, &tm) || write(world.pair[0], &c, 1) != 1 || poll(&p, 1, 1000) != 1 || read(world.pair[1], &c, 1) != 1)
		return errno;
	return 0;
}

/* Our own bugs must look like bugs, and not like an intruder's call. */
static int try_assert(void)
{
	close(STDERR_FILENO);      /* it would look like a failure of the test */
	assert(world.parent == 0);
	return 0;
}

/* ---- processes ---- */

static struct sandbox_user who;

static bool enter_capture(struct error *e)
{
	return sandbox_capture(&who, SANDBOX_FILE, e);
}

static bool enter_live(struct error *e)
{
	return sandbox_capture(&who, SANDBOX_LIVE, e);
}

static bool enter_judge(struct error *e)
{
	return sandbox_judge(&who, NULL, NULL, e);
}

static bool enter_judge_state(struct error *e)
{
	return sandbox_judge(&who, world.inside, NULL, e);
}

static bool enter_judge_shown(struct error *e)
{
	return sandbox_judge(&who, NULL, world.inside, e);
}

static bool enter_judge_both(struct error *e)
{
	return sandbox_judge(&who, world.inside, world.beside, e);
}

static bool alone;

static bool enter_resolver(struct error *e)
{
	return sandbox_resolver(&who, &alone, e);
}

static bool enter_forwarder(struct error *e)
{
	return sandbox_forwarder(&who, e);
}

static bool enter_output(struct error *e)
{
	return sandbox_output(&who, NULL, 0, false, false, e);
}

static bool enter_output_all(struct error *e)
{
	const char *folder[] = { world.inside };
	return sandbox_output(&who, folder, 1, true, true, e);
}

static bool enter_supervisor(struct error *e)
{
	return sandbox_supervisor(e);
}

enum process { CAPTURE, LIVE, JUDGE, JUDGE_STATE, JUDGE_SHOWN, JUDGE_BOTH, RESOLVER, FORWARDER, OUTPUT, OUTPUT_ALL, SUPERVISOR, PROCESSES };

static const struct {
	const char *name;
	bool (*enter)(struct error *e);
} process[PROCESSES] = {
	{ "capture", enter_capture }, { "capture, live", enter_live }, { "judge", enter_judge },
	{ "judge with state", enter_judge_state },
	{ "judge with policies", enter_judge_shown }, { "judge with both", enter_judge_both }, { "resolver", enter_resolver }, { "forwarder", enter_forwarder },
	{ "output", enter_output }, { "output with all", enter_output_all }, { "supervisor", enter_supervisor },
};

/* K the process is killed by the filter, A it aborts, E an error, L an error where Landlock is, N an error where the network namespace is, Y it
 * can be done, - not asked. In the order of enum process. */
static const struct {
	const char *name;
	int (*attempt)(void);
	const char *expected;
} table[] = {
	/*                                     cap live judge state shown both resolver forwarder output all supervisor */
	{ "do its work", try_work,              "YYYYYYYYYYY" },
	{ "fail an assertion", try_assert,      "AAAAAAAAAAA" },
	{ "open a file", try_open,              "KKKLLLEKKL-" },
	{ "make a file", try_create,            "KKKLLLEKKL-" },
	{ "make a file in its folder", try_state, "KKKYLYEKKY-" },
	{ "read a file in its folder", try_shown, "KKKYYYEKKY-" },
	{ "make a TCP socket", try_tcp,         "KKKKKKYYKY-" },
	{ "connect to the machine", try_connect, "KKKKKKNYKY-" },
	{ "talk over loopback", try_loopback,   "KKKKKKYYKY-" },
	{ "make a unix socket", try_unix,       "KKKKKKKKKY-" },
	{ "accept a connection", try_accept,    "KKKKKKYKKY-" },
	{ "make a netlink socket", try_netlink, "KKKKKKKKKK-" },
	{ "make a packet socket", try_packet,   "KKKKKKKKKK-" },
	{ "make a raw IP socket", try_raw,      "KKKKKKKKKK-" },
	{ "run a program", try_exec,            "KKKKKKKKKKK" },
	{ "make a process", try_fork,           "KKKKKKKKKKY" },
	{ "make a thread", try_thread,          "KKKKKKYKKK-" },
	{ "trace its parent", try_ptrace,       "KKKKKKKKKKK" },
	{ "signal its parent", try_kill,        "KKKKKKKKKK-" },
	{ "map executable memory", try_map,     "KKKKKKKKKK-" },
	{ "make memory executable", try_protect, "KKKKKKKKKK-" },
	{ "become root", try_root,              "KKKKKKKKKK-" },
	{ "mount", try_mount,                   "KKKKKKKKKKK" },
	{ "make a user namespace", try_namespace, "KKKKKKKKKK-" },
	{ "make a BPF map", try_bpf,            "KKKKKKKKKK-" },
	{ "look into a BPF map", try_map_lookup, "KYKKKKKKKK-" },
	{ "use io_uring", try_uring,            "KKKKKKKKKKK" },
};

/* ---- running ---- */

enum outcome { ABORTED = -2, KILLED = -1, NOT_ALONE = 252, NO_FILTER = 253, NO_SANDBOX = 254 };

/* KILLED, ABORTED, 0 or errno; NOT_ALONE: there is no network namespace; NO_FILTER: a build with a sanitizer has none there. */
static int run(enum process p, int (*attempt)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct error e;
		struct rlimit no_core = { 0, 0 };
		setrlimit(RLIMIT_CORE, &no_core);
		alone = true;
		if (!process[p].enter(&e)) {
			dprintf(STDERR_FILENO, "%s: %s\n", process[p].name, e.text);
			_exit(NO_SANDBOX);
		}
		if (p == SUPERVISOR && prctl(PR_GET_SECCOMP) != 2)
			_exit(NO_FILTER);
		int rc = attempt();
		_exit(alone || attempt != try_connect ? rc : NOT_ALONE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return NO_SANDBOX;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : WTERMSIG(status) == SIGABRT ? ABORTED : NO_SANDBOX;
	return WEXITSTATUS(status);
}

static bool as_expected(char expected, int got)
{
	switch (expected) {
	case 'K':
		return got == KILLED;
	case 'A':
		return got == ABORTED;
	case 'E':
	case 'L':
	case 'N':
		return got > 0 && got < NOT_ALONE;
	}
	return got == 0;
}

static bool landlock(void)
{
	return syscall(444, NULL, 0, 1) >= 1;
}

static struct {
	unsigned passed, failed, skipped;
} count;

static void skip(enum process p, size_t i, const char *why)
{
	printf("skipped: %s, %s: %s\n", process[p].name, table[i].name, why);
	count.skipped++;
}

static void one(enum process p, size_t i)
{
	char expected = table[i].expected[p];
	if (expected == '-')
		return;
	if (expected == 'L' && !landlock()) {
		skip(p, i, "this kernel has no Landlock");
		return;
	}
	int got = run(p, table[i].attempt);
	if (got == NOT_ALONE) {
		skip(p, i, "no network namespace can be made here");
	} else if (got == NO_FILTER) {
		skip(p, i, "a build with a sanitizer has no filter there");
	} else if (as_expected(expected, got)) {
		count.passed++;
	} else {
		printf("FAILED: %s, %s: expected %c, got %d (%s)\n", process[p].name, table[i].name, expected, got,
		       got == KILLED ? "killed" : strerror(got));
		count.failed++;
	}
}

/* ---- what the kernel says of each ---- */

/* The line of /proc/PID/status that begins with name, without it. */
static bool status_line(pid_t pid, const char *name, char *to, size_t cap)
{
	char path[64], line[256];
	bool found = false;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		size_t n = strlen(name);
		found = strncmp(line, name, n) == 0 && line[n] == ':';
		if (found)
			snprintf(to, cap, "%.*s", (int)strcspn(line + n + 2, "\n"), line + n + 2);
	}
	if (f)
		fclose(f);
	return found;
}

static void expect_status(enum process p, pid_t pid, const char *name, const char *expected)
{
	char got[256] = "";
	bool good = status_line(pid, name, got, sizeof(got)) && strcmp(got, expected) == 0;
	count.passed += good;
	count.failed += !good;
	if (!good)
		printf("FAILED: %s: %s is \"%s\", not \"%s\"\n", process[p].name, name, got, expected);
}

static void expect_rights(enum process p, pid_t pid)
{
	char uid[64], gid[64];
	unsigned u = who.change ? who.uid : getuid(), g = who.change ? who.gid : getgid();
	snprintf(uid, sizeof(uid), "%u\t%u\t%u\t%u", u, u, u, u);
	snprintf(gid, sizeof(gid), "%u\t%u\t%u\t%u", g, g, g, g);
	expect_status(p, pid, "Uid", uid);
	expect_status(p, pid, "Gid", gid);
	expect_status(p, pid, "NoNewPrivs", "1");
	expect_status(p, pid, "Seccomp", "2");
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd" };
	for (size_t i = 0; i < (geteuid() == 0 ? 5 : 4); i++)   /* who is not root may not lower the bounding set */
		expect_status(p, pid, sets[i], "0000000000000000");
}

static void rights(enum process p)
{
	int pair[2];
	char c;
	if (p == SUPERVISOR || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		struct error e;
		close(pair[0]);
		if (!process[p].enter(&e) || write(pair[1], "x", 1) != 1)
			_exit(1);
		_exit(read(pair[1], &c, 1) != 0);
	}
	close(pair[1]);
	if (read(pair[0], &c, 1) == 1)
		expect_rights(p, pid);
	else
		count.failed++;
	close(pair[0]);
	waitpid(pid, NULL, 0);
}

/* Without the sandbox what is refused in it can be done: else its refusal would show nothing. */
static void control(void)
{
	static int (*const can[])(void) = { try_open, try_create, try_state, try_tcp, try_connect, try_unix, try_netlink, try_thread, try_map,
					    try_protect };
	for (size_t i = 0; i < sizeof(can) / sizeof(can[0]); i++) {
		int rc = can[i]();
		count.passed += rc == 0;
		count.failed += rc != 0;
		if (rc)
			printf("FAILED: control %zu: %s\n", i, strerror(rc));
	}
}

static bool build_world(void)
{
	socklen_t n = sizeof(world.outside);
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	world.asked = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (world.asked < 0 || bind(world.asked, (const struct sockaddr *)&any, sizeof(any)) != 0 || listen(world.asked, 1) != 0)
		return false;
	snprintf(world.inside, sizeof(world.inside), "/tmp/mxw-inside-XXXXXX");
	snprintf(world.beside, sizeof(world.beside), "/tmp/mxw-beside-XXXXXX");
	world.parent = getpid();
	world.outside = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (!mkdtemp(world.inside) || !mkdtemp(world.beside) || socketpair(AF_UNIX, SOCK_STREAM, 0, world.pair) != 0)
		return false;
	char there[128];
	snprintf(there, sizeof(there), "%s/there", world.inside);
	FILE *f = fopen(there, "we");
	if (!f || fputs("policy", f) < 0 || fclose(f) != 0)
		return false;
	if (who.change && (chown(world.inside, who.uid, who.gid) != 0 || chown(world.beside, who.uid, who.gid) != 0))
		return false;
	return fd >= 0 && bind(fd, (struct sockaddr *)&world.outside, n) == 0 && listen(fd, 64) == 0 &&
	       getsockname(fd, (struct sockaddr *)&world.outside, &n) == 0;
}

static void remove_world(void)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/new", world.beside);
	unlink(path);
	rmdir(world.beside);
	snprintf(path, sizeof(path), "%s/new", world.inside);
	unlink(path);
	snprintf(path, sizeof(path), "%s/there", world.inside);
	unlink(path);
	rmdir(world.inside);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		who = sandbox_user_find(argv[1], NULL);
	if (argc > 1 && !who.change) {
		printf("sandbox: 0 passed, 0 failed, 1 skipped (only root can become %s)\n", argv[1]);
		return 0;
	}
	if (!build_world()) {
		printf("no world: %s\nsandbox: 0 passed, 1 failed\n", strerror(errno));
		return 1;
	}
	control();
	for (int p = 0; p < PROCESSES; p++)
		rights((enum process)p);
	for (int p = 0; p < PROCESSES; p++)
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			one((enum process)p, i);
	remove_world();
	printf("sandbox: %u passed, %u failed", count.passed, count.failed);
	if (count.skipped)
		printf(", %u skipped", count.skipped);
	puts("");
	return count.failed > 0;
}
