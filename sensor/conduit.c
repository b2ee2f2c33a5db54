/* conduit: see conduit.h. A receiver of syslog says nothing, so that the end of a connection is all that tells of loss: it is
 * listened for all the time, and what was under way then is handed over again by whoever owns the messages. Owns its
 * socket, its SSL and a buffer of what is not written yet. RFC 5425, RFC 5426, RFC 6587. */
#include "conduit.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "conduit_tls.h"
#include "host_lookup.h"
#include "in_doubt.h"
#include "log.h"

enum { LOOKUP_MS = 20000, CONNECT_MS = 10000, SILENT_MS = 30000, LIVED_ON_MS = 2000, NOT_REFUSED_MS = 500, PATIENCE_MS = 60000 };
enum { ASK_MS = 250, GLANCE_MS = 50, EAGER = 32 * 1024, SEGMENT_MOST = 64 * 1024, READ_AHEAD = 1024 * 1024, WHERE_SIZE = HOST_NAME_SIZE + HOST_PORT_SIZE + 4 };

enum conduit_phase { LOOKING, CONNECTING, SHAKING, OPEN, BROKEN };

/* next   the address that is tried when this one fails       deadline  of looking, connecting, shaking, in ms
 * out    octets [0, out_n) wait to be written; written: of those handed over, wire: as octets on the wire
 * moved  when something was last taken, or nothing waited to be   wants  events of poll that TLS waits for
 * last   when a message was handed over
 * room   the most that the receiver's system ever offered */
struct conduit {
	enum conduit_kind kind;
	enum conduit_phase phase;
	struct host_lookup *lookup;
	const struct addrinfo *next;
	int fd;
	short wants;
	bool alive, asking;
	SSL_CTX *tls;
	SSL *ssl;
	int64_t deadline, moved, last;
	uint64_t written, wire, taken;
	uint32_t room;
	size_t out_n;
	struct in_doubt doubt;
	struct error trouble;
	struct sockaddr_un path;
	char where[WHERE_SIZE], name[HOST_NAME_SIZE];
	uint8_t out[CONDUIT_OUT];
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
}

static bool is_datagram(const struct conduit *c)
{
	return c->kind == CONDUIT_UDP || c->kind == CONDUIT_UNIX_DATAGRAM;
}

static bool is_local(const struct conduit *c)
{
	return c->kind == CONDUIT_UNIX_STREAM || c->kind == CONDUIT_UNIX_DATAGRAM;
}

static int64_t settle_of(const struct conduit *c)
{
	return is_datagram(c) ? NOT_REFUSED_MS : LIVED_ON_MS;
}

static void hang_up(struct conduit *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void broke(struct conduit *c, const char *what)
{
	hang_up(c);
	c->phase = BROKEN;
	error_set(&c->trouble, "%s: %s", c->where, what);
}

/* The same words whether it was a reset, an end, or both in a race: some receivers refuse a certificate so, without any word. */
static void broke_off(struct conduit *c)
{
	if (c->kind == CONDUIT_TLS && (c->phase != OPEN || !c->doubt.number))
		broke(c, "the receiver breaks off before it took anything by TLS: does it accept our certificate (cert, key)?");
	else
		broke(c, "the receiver closed the connection");
}

static void broke_by(struct conduit *c, int error)
{
	char text[160];
	switch (error) {
	case ECONNREFUSED:
		broke(c, is_datagram(c) ? "nobody takes the datagrams: does the receiver run there?"
		                        : "connection refused: does the receiver run there?");
		return;
	case ENOENT:
		broke(c, "no such socket: does the receiver run?");
		return;
	case EPROTOTYPE:
		broke(c, "the socket is of the other kind, stream or datagram");
		return;
	case ECONNRESET:
	case EPIPE:
		broke_off(c);
		return;
	case ETIMEDOUT:
		broke(c, "no answer: is it switched off, or does a firewall drop the packets?");
		return;
	default:
		snprintf(text, sizeof(text), "%s", strerror(error));
		broke(c, text);
	}
}

static void broke_in_tls(struct conduit *c)
{
	char text[256];
	conduit_tls_why(c->ssl, c->name, text, sizeof(text));
	broke(c, text);
}

/* Of an SSL call that did not succeed: is it merely to be tried again, when c->wants happens? */
static bool tls_waits(struct conduit *c, int result)
{
	int kind = SSL_get_error(c->ssl, result);
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
		c->wants = kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		return true;
	}
	bool end = kind == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
	if (kind == SSL_ERROR_ZERO_RETURN || end)
		broke_off(c);
	else if (kind == SSL_ERROR_SYSCALL && !ERR_peek_error())
		broke_by(c, errno ? errno : ECONNRESET);
	else
		broke_in_tls(c);
	return false;
}

/* Empty packets that the other end's system answers: a peer that went away without a word is found within a minute and a half.
 * asking: while something is in doubt one each second, as an answer says how much room there is. */
static void keep_alive_when(struct conduit *c, bool asking)
{
	int on = 1, idle = asking ? 1 : 30, every = 15, tries = 4;
	if (c->asking == asking && c->alive)
		return;
	c->asking = asking;
	c->alive = true;
	setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void connected(struct conduit *c)
{
	c->moved = now_ms();
	c->phase = OPEN;
	if (c->kind == CONDUIT_TCP || c->kind == CONDUIT_TLS)
		keep_alive_when(c, false);
	if (c->kind != CONDUIT_TLS)
		return;
	c->ssl = conduit_tls_client(c->tls, c->fd, c->name);
	if (!c->ssl) {
		broke(c, "TLS cannot be begun: no memory, or server_name is no name");
		return;
	}
	c->phase = SHAKING;
	c->wants = POLLOUT;
	c->deadline = c->moved + CONNECT_MS;
}

/* Tries one address; what fails at once fails like what fails later. Returns 0, or errno. */
static int dial(struct conduit *c, int family, const struct sockaddr *a, socklen_t n)
{
	hang_up(c);
	c->fd = socket(family, (is_datagram(c) ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return errno;
	c->deadline = now_ms() + CONNECT_MS;
	c->phase = CONNECTING;
	if (connect(c->fd, a, n) == 0) {
		connected(c);
		return 0;
	}
	/* EAGAIN: the queue of a socket of this machine is full; it is tried again. */
	return errno == EINPROGRESS || (errno == EAGAIN && is_local(c)) ? 0 : errno;
}

static void dial_next(struct conduit *c, int error)
{
	while (error && c->next) {
		const struct addrinfo *a = c->next;
		c->next = a->ai_next;
		error = dial(c, a->ai_family, a->ai_addr, a->ai_addrlen);
	}
	if (error)
		broke_by(c, error);
}

static void look(struct conduit *c, int wait_ms)
{
	int problem;
	char text[128];
	if (!host_lookup_wait(c->lookup, wait_ms)) {
		if (now_ms() > c->deadline)
			broke(c, "the system's resolver does not answer with its address");
		return;
	}
	c->next = host_lookup_result(c->lookup, &problem);
	if (c->next) {
		dial_next(c, ENOENT);
		return;
	}
	snprintf(text, sizeof(text), "its address is not known: %s", gai_strerror(problem));
	broke(c, text);
}

static short wait_for(struct conduit *c, short events, int64_t wait_ms)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	return poll(&p, 1, (int)wait_ms) > 0 ? p.revents : 0;
}

static void await_connection(struct conduit *c, int wait_ms)
{
	int error = 0;
	socklen_t n = sizeof(error);
	if (is_local(c)) {
		wait_for(c, 0, wait_ms < GLANCE_MS ? wait_ms : GLANCE_MS);
		error = dial(c, AF_UNIX, (const struct sockaddr *)&c->path, sizeof(c->path));
		if (error)
			broke_by(c, error);
		return;
	}
	if (!wait_for(c, POLLOUT, wait_ms)) {
		if (now_ms() > c->deadline)
			dial_next(c, ETIMEDOUT);
		return;
	}
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	if (error)
		dial_next(c, error);
	else
		connected(c);
}

static void shake(struct conduit *c, int wait_ms)
{
	wait_for(c, c->wants, wait_ms);
	ERR_clear_error();
	errno = 0;
	int result = SSL_do_handshake(c->ssl);
	if (result == 1) {
		c->wants = 0;
		c->moved = now_ms();
		c->phase = OPEN;
	} else if (tls_waits(c, result) && now_ms() > c->deadline) {
		broke(c, "it does not answer in TLS: is this the port for it?");
	}
}

/* Writes what it can; false: it is broken. */
static bool flush(struct conduit *c)
{
	size_t at = 0;
	while (at < c->out_n) {
		ERR_clear_error();
		errno = 0;
		ssize_t n = c->ssl ? SSL_write(c->ssl, c->out + at, (int)(c->out_n - at))
		                   : send(c->fd, c->out + at, c->out_n - at, MSG_NOSIGNAL);
		if (n <= 0 && (c->ssl ? tls_waits(c, (int)n) : errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			if (!c->ssl && c->phase != BROKEN)
				broke_by(c, errno);
			return false;
		}
		at += (size_t)n;
		c->wire = c->ssl ? BIO_number_written(SSL_get_wbio(c->ssl)) : c->wire + (uint64_t)n;
	}
	memmove(c->out, c->out + at, c->out_n - at);
	c->out_n -= at;
	c->written += at;
	in_doubt_wrote(&c->doubt, c->written, c->wire);
	return true;
}

/* Reads what the receiver says, to hear of its end; what it is, if anything, is of no interest. */
static void listen_to(struct conduit *c)
{
	char word[512];
	for (int i = 0; i < 64 && c->phase == OPEN; i++) {
		ERR_clear_error();
		errno = 0;
		ssize_t n = c->ssl ? SSL_read(c->ssl, word, sizeof(word)) : recv(c->fd, word, sizeof(word), MSG_DONTWAIT);
		if (n > 0)
			continue;
		if (c->ssl) {
			if (tls_waits(c, (int)n))
				return;
		} else if (n == 0 && !is_datagram(c)) {
			broke_off(c);
		} else if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				broke_by(c, errno);
			return;
		}
	}
}

/* Packets that nobody acknowledges, not even those that ask whether there is room again: the network or the machine is gone. */
static bool is_silent(const struct conduit *c, int64_t now)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);
	if (now - c->moved < SILENT_MS || is_local(c) || is_datagram(c))
		return false;
	return getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 && info.tcpi_last_ack_recv > SILENT_MS;
}

/* How much of what the receiver's system took its program may not have read, and for how long that is in doubt. The system offers
 * the less room the more is unread, in whole segments. It says that there is more again only when it has something to say: keep_alive_when
 * makes it. Less room than there was may come of its own cares, so patience has an end; but less than half of it means that nothing is
 * read: the receiver is stopped, or blocked, as by a full disk, and all that would be lost with it, as would be what its program read ahead.
 * One that is always behind never shows how much room it has: while messages flow, the last of them are in doubt whatever it says. */
static void look_at_room(struct conduit *c, struct in_doubt_sight *s)
{
	struct tcp_info info = { .tcpi_snd_wnd = 0 };
	socklen_t n = sizeof(info);
	if (is_local(c) || is_datagram(c) || getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0)
		return;
	if (n < offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof(info.tcpi_snd_wnd))
		return; /* Linux before 5.4 */
	uint32_t room = info.tcpi_snd_wnd;
	c->room = room > c->room ? room : c->room;
	uint64_t unread = c->room - room;
	if (unread <= SEGMENT_MOST && unread <= c->room / 2)
		unread = 0;
	if (unread || s->now - c->last < LIVED_ON_MS)
		unread += READ_AHEAD;
	s->read = s->taken > unread ? s->taken - unread : 0;
	s->patience = room >= c->room / 2 ? PATIENCE_MS : INT64_MAX;
}

/* What the socket still holds is not taken. Over a socket of this machine that number has the kernel's own structures in it, and
 * so says rather that less is taken than is. */
static void count_taken(struct conduit *c)
{
	int held = 0;
	int64_t now = now_ms();
	if (ioctl(c->fd, SIOCOUTQ, &held) < 0 || held < 0)
		return;
	uint64_t taken = c->wire > (uint64_t)held ? c->wire - (uint64_t)held : 0;
	if (taken > c->taken || !held) {
		c->moved = now;
		c->taken = taken > c->taken ? taken : c->taken;
	}
	struct in_doubt_sight seen = { .taken = c->taken, .read = c->taken, .now = now, .settle = settle_of(c), .patience = PATIENCE_MS };
	look_at_room(c, &seen);
	in_doubt_took(&c->doubt, &seen);
	if (!is_local(c) && !is_datagram(c))
		keep_alive_when(c, c->doubt.taken && seen.read < seen.taken);
	if (is_silent(c, now))
		broke(c, "it acknowledges nothing any more: is it switched off, or the network?");
}

/* How long there is nothing to be seen without an event. */
static int64_t patience(const struct conduit *c, int64_t wait_ms)
{
	int64_t due = in_doubt_due(&c->doubt, now_ms(), settle_of(c));
	if (due >= 0 && due < wait_ms)
		wait_ms = due > 0 ? due : wait_ms < GLANCE_MS ? wait_ms : GLANCE_MS;
	return c->doubt.taken < c->doubt.written && wait_ms > GLANCE_MS ? GLANCE_MS : wait_ms;
}

/* First the end, then the count: what a receiver that broke off had taken is not known to have arrived. */
static void carry(struct conduit *c, int wait_ms)
{
	if (!flush(c))
		return;
	short events = (short)(POLLIN | (c->out_n ? (c->ssl && c->wants ? c->wants : POLLOUT) : 0));
	wait_for(c, events, patience(c, wait_ms));
	listen_to(c);
	if (c->phase == OPEN && flush(c))
		count_taken(c);
}

/* When all that may be in doubt is, a message now and then goes out all the same: the answer to it says how much room there is by now. */
static bool has_room(const struct conduit *c, size_t octets)
{
	return in_doubt_room(&c->doubt, octets) || (c->doubt.n < IN_DOUBT_ITEMS && now_ms() - c->last >= ASK_MS);
}

static enum carrier_state state_of(const struct conduit *c, struct error *e)
{
	switch (c->phase) {
	case LOOKING:
	case CONNECTING:
	case SHAKING:
		return CARRIER_BUSY;
	case OPEN:
		return c->out_n < CONDUIT_OUT / 2 && has_room(c, EAGER) ? CARRIER_READY : CARRIER_BUSY;
	case BROKEN:
		*e = c->trouble;
		return CARRIER_FAILED;
	}
	return CARRIER_FAILED;
}

enum carrier_state conduit_state(struct conduit *c, int wait_ms, struct error *e)
{
	if (wait_ms > CARRIER_WAIT_MS)
		wait_ms = CARRIER_WAIT_MS;
	switch (c->phase) {
	case LOOKING:
		look(c, wait_ms);
		break;
	case CONNECTING:
		await_connection(c, wait_ms);
		break;
	case SHAKING:
		shake(c, wait_ms);
		break;
	case OPEN:
		carry(c, wait_ms);
		break;
	case BROKEN:
		break;
	}
	return state_of(c, e);
}

static enum carrier_state send_datagram(struct conduit *c, const struct bytes part[3], struct error *e)
{
	struct iovec at[3];
	for (int i = 0; i < 3; i++)
		at[i] = (struct iovec){ .iov_base = (void *)(uintptr_t)part[i].p, .iov_len = part[i].n };
	struct msghdr m = { .msg_iov = at, .msg_iovlen = 3 };
	ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	if (n >= 0) {
		c->wire += (uint64_t)n;
		return CARRIER_READY;
	}
	if (errno == EMSGSIZE) {
		log_line(SAY_WARNING, "%s: left out: a message too long for a datagram", c->where);
		return CARRIER_READY;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
		return CARRIER_BUSY;
	broke_by(c, errno);
	return state_of(c, e);
}

enum carrier_state conduit_put(struct conduit *c, uint64_t number, const struct bytes part[3], struct error *e)
{
	size_t octets = part[0].n + part[1].n + part[2].n;
	if (c->phase != OPEN)
		return state_of(c, e);
	if (!has_room(c, octets))
		return CARRIER_BUSY;
	c->last = now_ms();
	if (is_datagram(c)) {
		enum carrier_state sent = send_datagram(c, part, e);
		if (sent != CARRIER_READY)
			return sent;
		c->written += octets;
		in_doubt_add(&c->doubt, number, octets);
		in_doubt_wrote(&c->doubt, c->written, c->wire);
		return CARRIER_READY;
	}
	if (octets > CONDUIT_OUT) {
		log_line(SAY_WARNING, "%s: left out: a message of %zu octets", c->where, octets);
		in_doubt_add(&c->doubt, number, 0);
		return CARRIER_READY;
	}
	if (c->out_n + octets > CONDUIT_OUT)
		return CARRIER_BUSY;
	for (int i = 0; i < 3; i++) {
		if (part[i].n)
			memcpy(c->out + c->out_n, part[i].p, part[i].n);
		c->out_n += part[i].n;
	}
	in_doubt_add(&c->doubt, number, octets);
	if (c->out_n >= EAGER && !flush(c))
		return state_of(c, e);
	return CARRIER_READY;
}

uint64_t conduit_done(const struct conduit *c)
{
	return c->doubt.number;
}

static bool begin_path(struct conduit *c, const char *path, struct error *e)
{
	c->path.sun_family = AF_UNIX;
	snprintf(c->where, sizeof(c->where), "%s", path ? path : "");
	if (!path || strlen(path) >= sizeof(c->path.sun_path))
		return error_set(e, "%s: path must be that of a socket, of at most %zu letters", c->where, sizeof(c->path.sun_path) - 1);
	memcpy(c->path.sun_path, path, strlen(path) + 1);
	int error = dial(c, AF_UNIX, (const struct sockaddr *)&c->path, sizeof(c->path));
	if (error)
		broke_by(c, error);
	return true;
}

static bool begin_host(struct conduit *c, const struct output_settings *o, struct error *e)
{
	char host[HOST_NAME_SIZE], port[HOST_PORT_SIZE];
	snprintf(c->where, sizeof(c->where), "%s", o->address ? o->address : "");
	if (!o->address || !host_split(o->address, host, port))
		return error_set(e, "address: \"%s\" is not host:port, as in siem.example:6514 or [2001:db8::1]:6514", c->where);
	snprintf(c->name, sizeof(c->name), "%s", o->server_name ? o->server_name : host);
	if (c->kind == CONDUIT_TLS) {
		c->tls = conduit_tls_new(o, e);
		if (!c->tls)
			return false;
	}
	c->phase = LOOKING;
	c->deadline = now_ms() + LOOKUP_MS;
	c->lookup = host_lookup_begin(host, port, is_datagram(c) ? SOCK_DGRAM : SOCK_STREAM, e);
	return c->lookup != NULL;
}

struct conduit *conduit_new(enum conduit_kind kind, const struct output_settings *o, struct error *e)
{
	struct conduit *c = calloc(1, sizeof(*c));
	if (!c) {
		error_set(e, "no memory");
		return NULL;
	}
	c->kind = kind;
	c->fd = -1;
	if (is_local(c) ? begin_path(c, o->path, e) : begin_host(c, o, e))
		return c;
	conduit_free(c);
	return NULL;
}

void conduit_free(struct conduit *c)
{
	if (!c)
		return;
	if (c->ssl && c->phase == OPEN)
		SSL_shutdown(c->ssl);
	hang_up(c);
	SSL_CTX_free(c->tls);
	host_lookup_end(c->lookup);
	free(c);
}
