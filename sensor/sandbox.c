/* sandbox: see sandbox.h. What a process may call is a few lists, each named for what it is good for; rights.c takes
 * away the rest. Measured with strace, libraries included: glibc 2.36, libunbound 1.17, OpenSSL 3.0.
 *
 * A filter sees numbers and no memory: it can tell a socket's family and not an address, that a path is asked for and
 * not which. The rest is for namespaces and Landlock. seccomp(2). */
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rights.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER 1
#endif
#endif
#ifndef SANITIZER
#define SANITIZER 0
#endif

enum { DESCRIPTORS = 4096, SOCKET_TYPE = 0xf, BPF_MAP_LOOKUP = 1, BPF_MAP_NEXT_KEY = 4 };

struct filter {
	scmp_filter_ctx ctx;
	int rc;                    /* of the first rule that failed */
};

/* ---- lists ---- */

/* Memory (mmap and mprotect have a rule of their own), time, and a clean or an unclean end. */
static const int basic[] = {
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex), SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(sysinfo), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(restart_syscall),
};

/* What can be done with descriptors that are open already. */
static const int descriptors[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(lseek),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(sendto), SCMP_SYS(recvfrom),
};

/* A packet socket: its counters, its filter, its end. */
static const int packet_socket[] = { SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg) };

/* Sockets of UDP and TCP (socket() itself has a rule of its own), and waiting on many of them. */
static const int network[] = {
	SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(fcntl), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
};

/* The responder on loopback, the timer of live.c, and libunbound's pipes, threads and seeds. */
static const int validator[] = {
	SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(pipe2),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
};

/* Files below a folder that Landlock allows, with what a database on disk needs: locks, positions, flushing. */
static const int folders[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(fcntl),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat), SCMP_SYS(fchmod), SCMP_SYS(fchown), SCMP_SYS(geteuid), SCMP_SYS(umask),
};

/* The same, to be read only. */
static const int reading[] = { SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(getdents64), SCMP_SYS(fcntl) };

/* Connections of those who ask, by libmicrohttpd too. */
static const int asked_for[] = {
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(fcntl), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
};

/* A sanitizer's own, when threads begin and end, and for its report. */
static const int sanitizer[] = { SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield), SCMP_SYS(prctl), SCMP_SYS(getrlimit) };

/* What no process of ours does, and an attacker in the supervisor would: other programs, other processes' memory, mounts,
 * the kernel itself. */
static const int never[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(move_mount), SCMP_SYS(open_tree),
	SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(userfaultfd), SCMP_SYS(perf_event_open),
	SCMP_SYS(io_uring_setup), SCMP_SYS(personality), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(sethostname),
};

#define EACH(f, action, list) each(f, action, list, sizeof(list) / sizeof(list[0]))

static void each(struct filter *f, uint32_t action, const int *list, size_t n)
{
	for (size_t i = 0; f->rc == 0 && i < n; i++)
		f->rc = seccomp_rule_add(f->ctx, action, list[i], 0);
}

/* ---- rules that look at arguments ---- */

static void one(struct filter *f, int call, struct scmp_arg_cmp a)
{
	if (f->rc == 0)
		f->rc = seccomp_rule_add(f->ctx, SCMP_ACT_ALLOW, call, 1, a);
}

/* Nothing that is or becomes executable; signals to this process alone. */
static void allow_basic(struct filter *f)
{
	EACH(f, SCMP_ACT_ALLOW, basic);
	EACH(f, SCMP_ACT_ALLOW, descriptors);
	one(f, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	one(f, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	one(f, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	if (SANITIZER)
		EACH(f, SCMP_ACT_ALLOW, sanitizer);
}

static void allow_sockets(struct filter *f, int family)
{
	static const scmp_datum_t types[] = { SOCK_DGRAM, SOCK_STREAM };
	EACH(f, SCMP_ACT_ALLOW, network);
	for (size_t i = 0; f->rc == 0 && i < sizeof(types) / sizeof(types[0]); i++)
		f->rc = seccomp_rule_add(f->ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0),
					 SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, types[i]));
}

/* Threads and no processes. The flags of clone3 stand in memory, where a filter cannot look: "no such call" makes
 * glibc take clone. */
static void allow_threads(struct filter *f)
{
	one(f, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (f->rc == 0)
		f->rc = seccomp_rule_add(f->ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* Lookups and changes in maps that are open: no program, no new map. */
static void allow_maps(struct filter *f)
{
	for (scmp_datum_t op = BPF_MAP_LOOKUP; op <= BPF_MAP_NEXT_KEY; op++)
		one(f, SCMP_SYS(bpf), SCMP_A0(SCMP_CMP_EQ, op, 0));
}

static void refuse(struct filter *f, int call, int error)
{
	if (f->rc == 0)
		f->rc = seccomp_rule_add(f->ctx, SCMP_ACT_ERRNO((uint16_t)error), call, 0);
}

/* ---- a filter's life ---- */

static struct filter filter_begin(uint32_t otherwise)
{
	struct filter f = { .ctx = seccomp_init(otherwise) };
	f.rc = f.ctx ? seccomp_attr_set(f.ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) : -ENOMEM;
	return f;
}

static bool filter_load(struct filter *f, struct error *e)
{
	if (f->rc == 0)
		f->rc = seccomp_load(f->ctx);
	seccomp_release(f->ctx);
	return f->rc == 0 || error_set(e, "sandbox: seccomp refused: %s; a kernel with seccomp filters is needed", strerror(-f->rc));
}

/* What every process but the supervisor gives away. The time zone is read now: gmtime_r wants it, and its file is out
 * of reach later. */
static bool leave(const struct sandbox_user *user, const char *const *folder, size_t n, const char *shown, bool no_tcp,
		  struct error *e)
{
	tzset();
	return rights_drop(user, e) && rights_seal(e) && rights_files(folder, n, shown, no_tcp, e);
}

/* Each open question has a socket in libunbound, and one outside: the usual 1024 descriptors may not do. */
static void more_descriptors(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur >= DESCRIPTORS)
		return;
	l.rlim_cur = l.rlim_max < DESCRIPTORS ? l.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &l);
}

/* ---- one function a process ---- */

struct sandbox_user sandbox_user_find(const char *name, const char *group)
{
	const struct passwd *p = geteuid() == 0 ? getpwnam(name) : NULL;
	const struct group *g = p && group ? getgrnam(group) : NULL;
	return p ? (struct sandbox_user){ true, p->pw_uid, g ? g->gr_gid : p->pw_gid } : (struct sandbox_user){ .change = false };
}

bool sandbox_capture(const struct sandbox_user *user, enum sandbox_source source, struct error *e)
{
	if (!leave(user, NULL, 0, NULL, true, e))
		return false;
	struct filter f = filter_begin(SCMP_ACT_KILL_PROCESS);
	allow_basic(&f);
	if (source == SANDBOX_LIVE)
		EACH(&f, SCMP_ACT_ALLOW, packet_socket);
	if (source == SANDBOX_LIVE)
		allow_maps(&f);
	return filter_load(&f, e);
}

bool sandbox_judge(const struct sandbox_user *user, const char *state, const char *shown, struct error *e)
{
	if (!leave(user, &state, state != NULL, shown, true, e))
		return false;
	struct filter f = filter_begin(SCMP_ACT_KILL_PROCESS);
	allow_basic(&f);
	if (state)
		EACH(&f, SCMP_ACT_ALLOW, folders);
	else if (shown)
		EACH(&f, SCMP_ACT_ALLOW, reading);
	return filter_load(&f, e);
}

bool sandbox_resolver(const struct sandbox_user *user, bool *alone, struct error *e)
{
	more_descriptors();
	*alone = rights_own_network();
	if (!leave(user, NULL, 0, NULL, false, e))
		return false;
	struct filter f = filter_begin(SCMP_ACT_KILL_PROCESS);
	allow_basic(&f);
	allow_sockets(&f, AF_INET);
	allow_threads(&f);
	EACH(&f, SCMP_ACT_ALLOW, validator);
	one(&f, SCMP_SYS(socketpair), SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));   /* libunbound: between its threads */
	refuse(&f, SCMP_SYS(openat), EACCES);     /* glibc: malloc of several threads looks into /proc and /sys when it shrinks */
	return filter_load(&f, e);
}

bool sandbox_forwarder(const struct sandbox_user *user, struct error *e)
{
	more_descriptors();
	if (!leave(user, NULL, 0, NULL, false, e))
		return false;
	struct filter f = filter_begin(SCMP_ACT_KILL_PROCESS);
	allow_basic(&f);
	allow_sockets(&f, AF_INET);
	allow_sockets(&f, AF_INET6);
	return filter_load(&f, e);
}

bool sandbox_output(const struct sandbox_user *user, const char *const *folder, size_t n, bool receivers, bool asked,
		    struct error *e)
{
	if (!leave(user, folder, n, NULL, !receivers, e))
		return false;
	struct filter f = filter_begin(SCMP_ACT_KILL_PROCESS);
	allow_basic(&f);
	if (n)
		EACH(&f, SCMP_ACT_ALLOW, folders);
	if (asked)
		EACH(&f, SCMP_ACT_ALLOW, asked_for);
	if (receivers) {
		allow_sockets(&f, AF_INET);
		allow_sockets(&f, AF_INET6);
		allow_sockets(&f, AF_UNIX);
	}
	return filter_load(&f, e);
}

bool sandbox_deliver(const struct sandbox_user *user, struct error *e)
{
	if (!leave(user, NULL, 0, "/", false, e))
		return false;
	if (SANITIZER)             /* as in sandbox_supervisor */
		return true;
	struct filter f = filter_begin(SCMP_ACT_ALLOW);
	EACH(&f, SCMP_ACT_KILL_PROCESS, never);
	return filter_load(&f, e);
}

bool sandbox_supervisor(struct error *e)
{
	if (SANITIZER)             /* a leak checker traces its own process at the end */
		return true;
	if (!rights_seal(e))
		return false;
	struct filter f = filter_begin(SCMP_ACT_ALLOW);
	EACH(&f, SCMP_ACT_KILL_PROCESS, never);
	return filter_load(&f, e);
}

bool sandbox_supervisor_live(const struct sandbox_user *user, struct error *e)
{
	static const unsigned kept[] = { CAP_NET_RAW, CAP_BPF };
	return rights_keep(user, kept, sizeof(kept) / sizeof(kept[0]), e) && rights_seal(e) && sandbox_supervisor(e);
}
