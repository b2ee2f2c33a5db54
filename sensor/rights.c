/* rights: see rights.h. Only system calls; knows nothing of who needs which right. The numbers of Landlock and of
 * newer prctl operations stand here, because the headers of Debian 12 end before them. landlock(7), capabilities(7),
 * user_namespaces(7). */
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SET_MDWE = 65, MDWE_REFUSE_EXEC_GAIN = 1 };

/* ---- what always goes ---- */

bool rights_seal(struct error *e)
{
	const struct rlimit no_core = { 0, 0 };
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0); /* EINVAL before 6.3: the seccomp filter says the same */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set(e, "sandbox: no_new_privs refused: %s", strerror(errno));
	return true;
}

static bool become(const struct sandbox_user *user, struct error *e)
{
	if (!user->change || geteuid() != 0)
		return true;
	if (setgroups(0, NULL) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
	    setresuid(user->uid, user->uid, user->uid) == 0)
		return true;
	return error_set(e, "sandbox: cannot become user %u: %s", (unsigned)user->uid, strerror(errno));
}

bool rights_keep(const struct sandbox_user *user, const unsigned *cap, size_t n, struct error *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };
	struct __user_cap_data_struct kept[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };
	/* who may not (EPERM) is no root, and a program with file capabilities is stopped by no_new_privs */
	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	syscall(SYS_capget, &head, has);
	for (size_t i = 0; i < n; i++)
		kept[cap[i] / 32].permitted |= has[cap[i] / 32].permitted & UINT32_C(1) << cap[i] % 32;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		kept[i].effective = kept[i].permitted;
	/* else the change of user takes them all */
	if (n && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return error_set(e, "sandbox: cannot keep capabilities: %s", strerror(errno));
	/* becoming somebody else takes back that the death of the parent ends this process (prctl(2)) */
	const pid_t parent = getppid();
	int wanted = 0;
	prctl(PR_GET_PDEATHSIG, &wanted, 0, 0, 0);
	if (!become(user, e))
		return false;
	prctl(PR_SET_PDEATHSIG, wanted, 0, 0, 0);
	if (wanted && getppid() != parent)
		return error_set(e, "sandbox: the process that started this one has ended");
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	if (syscall(SYS_capset, &head, kept) != 0)
		return error_set(e, "sandbox: cannot drop capabilities: %s", strerror(errno));
	return true;
}

bool rights_drop(const struct sandbox_user *user, struct error *e)
{
	return rights_keep(user, NULL, 0, e);
}

void rights_files_as(const struct sandbox_user *user, bool on)
{
	if (!user->change || geteuid() != 0)
		return;
	setfsgid(on ? user->gid : getegid());
	setfsuid(on ? user->uid : geteuid());
}

/* ---- Landlock ---- */

enum { LANDLOCK_CREATE = 444, LANDLOCK_ADD = 445, LANDLOCK_RESTRICT = 446, GIVE_VERSION = 1, RULE_BELOW = 1 };
enum { FS_EXECUTE = 1 << 0, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3, FS_MAKE_CHAR = 1 << 6, FS_MAKE_BLOCK = 1 << 11, FS_FIRST = (1 << 13) - 1, FS_REFER = 1 << 13,
       FS_TRUNCATE = 1 << 14, FS_IOCTL_DEV = 1 << 15 };
enum { NET_BIND_TCP = 1, NET_CONNECT_TCP = 2, SCOPE_ABSTRACT = 1, SCOPE_SIGNAL = 2 };

/* A kernel that does not know the later members takes them as long as they are 0. */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct below {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* What this kernel can deny; abi is at least 1. */
static struct ruleset ruleset_of(long abi, bool no_tcp)
{
	struct ruleset r = { .fs = FS_FIRST };
	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4 && no_tcp)
		r.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	return r;
}

static bool allow_below(int ruleset, const char *path, uint64_t fs)
{
	struct below rule = { .allowed = fs & ~(uint64_t)(FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_BLOCK | FS_IOCTL_DEV) };
	rule.fd = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);
	if (rule.fd < 0)
		return false;
	bool good = syscall(LANDLOCK_ADD, ruleset, RULE_BELOW, &rule, 0) == 0;
	int error = errno;
	close(rule.fd);
	errno = error;
	return good;
}

bool rights_files(const char *const *path, size_t n, const char *shown, bool no_tcp, struct error *e)
{
	long abi = syscall(LANDLOCK_CREATE, NULL, 0, GIVE_VERSION);
	if (abi < 1)
		return true;
	struct ruleset rules = ruleset_of(abi, no_tcp);
	int fd = (int)syscall(LANDLOCK_CREATE, &rules, sizeof(rules), 0);
	if (fd < 0)
		return error_set(e, "sandbox: Landlock (version %ld) refused: %s", abi, strerror(errno));
	bool good = true;
	for (size_t i = 0; good && i < n; i++)
		good = allow_below(fd, path[i], rules.fs) || error_set(e, "sandbox: %s: %s", path[i], strerror(errno));
	if (good && shown)
		good = allow_below(fd, shown, FS_READ_FILE | FS_READ_DIR) || error_set(e, "sandbox: %s: %s", shown, strerror(errno));
	if (good && syscall(LANDLOCK_RESTRICT, fd, 0) != 0)
		good = error_set(e, "sandbox: Landlock (version %ld) refused: %s", abi, strerror(errno));
	close(fd);
	return good;
}

/* ---- a network of one's own ---- */

static bool loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	if (fd >= 0)
		close(fd);
	return up;
}

/* In a child: who has moved cannot go back, and a security module may let one move and then not switch on the
 * interface. */
static bool can_move(int flags)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0)
		_exit(unshare(flags) != 0 || !loopback_up());
	if (child < 0)
		return false;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool has_capability(unsigned cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3];
	return syscall(SYS_capget, &head, set) == 0 && set[cap / 32].effective >> cap % 32 & 1;
}

/* With the capabilities the namespace alone, and no trial, which would cost as much again; everybody else needs a user
 * namespace around it, which gives rights nowhere but in it. */
bool rights_own_network(void)
{
	const int both = CLONE_NEWUSER | CLONE_NEWNET;
	if (has_capability(CAP_SYS_ADMIN) && has_capability(CAP_NET_ADMIN) && unshare(CLONE_NEWNET) == 0)
		return loopback_up();
	return can_move(both) && unshare(both) == 0 && loopback_up();
}
