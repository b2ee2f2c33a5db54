/* status_command: see status_command.h. On a terminal once a second until somebody presses q; elsewhere once. What comes is
 * read as hostile: bounded, and shown only through status_table. */
#include "status_command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "event_read.h"
#include "status_table.h"

enum { LINE = 64 * 1024, SCREEN = 64 * 1024, WAIT_S = 5, REDRAW_MS = 1000 };

struct asking {
	const char *path;
	bool table, colour;
	unsigned width;
	struct record now, before;
	bool have;
	size_t n;
	char line[LINE];
};

static volatile sig_atomic_t told;

static void on_signal(int number)
{
	(void)number;
	told = 1;
}

/* ---- asking ---- */

static int join(const char *path, struct error *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const struct timeval wait = { .tv_sec = WAIT_S };
	int fd = -1;
	if (strlen(path) >= sizeof(a.sun_path)) {
		error_set(e, "status: %s: too long for a socket", path);
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	error_set(e, "status: nobody listens at %s: %s; does mxwitness watch run, and are you allowed to ask it?", path,
		  strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The whole answer, to the end of the connection. */
static bool ask(struct asking *a, struct error *e)
{
	int fd = join(a->path, e);
	ssize_t n = 0;
	if (fd < 0)
		return false;
	for (a->n = 0; a->n < sizeof(a->line); a->n += (size_t)n) {
		n = read(fd, a->line + a->n, sizeof(a->line) - a->n);
		if (n <= 0)
			break;
	}
	int error = errno;
	close(fd);
	if (n < 0)
		return error_set(e, "status: %s: no whole answer: %s", a->path, strerror(error));
	if (a->n == 0 || a->line[a->n - 1] != '\n')
		return error_set(e, "status: %s: no whole answer", a->path);
	a->before = a->now;
	if (!event_read((struct bytes){ (const uint8_t *)a->line, a->n }, &a->now))
		return error_set(e, "status: %s: what answers is no sensor", a->path);
	return true;
}

/* ---- showing ---- */

static bool put(const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(STDOUT_FILENO, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static void show(struct asking *a, const struct error *trouble)
{
	static char screen[SCREEN];
	struct text t = { screen, 0, sizeof(screen), false };
	if (a->colour)
		text_put(&t, "\033[H\033[2J");
	status_table(&a->now, a->have ? &a->before : NULL, a->colour, a->width, &t);
	if (trouble) {
		text_put(&t, trouble->text);
		text_char(&t, '\n');
	}
	put(screen, t.n);
	a->have = true;
}

static bool once(struct asking *a, struct error *e)
{
	if (!ask(a, e))
		return false;
	if (a->table)
		show(a, NULL);
	else
		put(a->line, a->n);
	return true;
}

/* ---- a terminal ---- */

static unsigned columns(void)
{
	struct winsize w;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : STATUS_NARROW;
}

/* Keys as they are pressed, and not shown. false: there is no keyboard. */
static bool keys(struct termios *was)
{
	struct termios now;
	if (tcgetattr(STDIN_FILENO, was) != 0)
		return false;
	now = *was;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	return tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0;
}

/* For a second, or until somebody presses q. */
static bool go_on(bool keyboard)
{
	struct pollfd p = { .fd = keyboard ? STDIN_FILENO : -1, .events = POLLIN };
	char c;
	if (poll(&p, 1, REDRAW_MS) <= 0)
		return !told;
	return read(STDIN_FILENO, &c, 1) == 1 && c != 'q' && c != 'Q' && !told;
}

/* Who began with an answer goes on through the restarts of whom it asks. */
static bool live(struct asking *a, struct error *e)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct termios was;
	if (!ask(a, e))
		return false;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	bool keyboard = keys(&was);
	show(a, NULL);
	while (go_on(keyboard)) {
		struct error trouble;
		a->width = columns();
		bool answered = ask(a, &trouble);
		show(a, answered ? NULL : &trouble);
	}
	if (keyboard)
		tcsetattr(STDIN_FILENO, TCSANOW, &was);
	return true;
}

/* ---- the command ---- */

static bool run(const struct options *o, struct error *e)
{
	static struct asking a;
	struct settings s = { .folder = NULL };
	const bool terminal = isatty(STDOUT_FILENO) == 1;
	const char *config = o->config || access(CONFIG_PATH, R_OK) != 0 ? o->config : CONFIG_PATH;
	if (!o->socket && !config_read(config, &s, e)) {
		settings_free(&s);
		return false;
	}
	a.path = o->socket ? o->socket : s.status_socket;
	a.table = o->format ? strcmp(o->format, "table") == 0 : terminal;
	bool loop = a.table && terminal && !o->once;
	a.colour = loop;
	a.width = terminal ? columns() : STATUS_WIDE;
	bool good = a.path ? (loop ? live(&a, e) : once(&a, e)) :
			     error_set(e, "status: the configuration says status.socket: none; so nobody can be asked");
	settings_free(&s);
	return good;
}

int status_command(const struct options *o)
{
	struct error e;
	if (run(o, &e))
		return 0;
	fprintf(stderr, "mxwitness: %s\n", e.text);
	return 2;
}
