/* test_carrier: carriers of syslog and of lines, against receivers in this process that read, do not read, end, reset, and
 * have certificates of all kinds. Real receivers: tests/receivers.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "carrier.h"
#include "conduit.h"
#include "host_lookup.h"
#include "in_doubt.h"

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- without sockets ---- */

static void addresses(void **state)
{
	static const struct {
		const char *text, *host, *port, *why;
	} rows[] = {
		{ "siem.example:6514", "siem.example", "6514", "a name" },
		{ "192.0.2.1:1", "192.0.2.1", "1", "an address" },
		{ "[2001:db8::1]:65535", "2001:db8::1", "65535", "an address with colons" },
		{ "siem.example", NULL, NULL, "no port" },
		{ "siem.example:", NULL, NULL, "an empty port" },
		{ "siem.example:0", NULL, NULL, "no port is 0" },
		{ "siem.example:65536", NULL, NULL, "none is so large" },
		{ "siem.example:514x", NULL, NULL, "a port is digits" },
		{ "siem.example:123456", NULL, NULL, "too many digits" },
		{ "2001:db8::1:514", NULL, NULL, "which of the colons?" },
		{ "[2001:db8::1]514", NULL, NULL, "no colon" },
		{ "[2001:db8::1", NULL, NULL, "no end" },
		{ "[]:514", NULL, NULL, "no address" },
		{ ":514", NULL, NULL, "no host" },
		{ "", NULL, NULL, "nothing" },
	};
	char host[HOST_NAME_SIZE], port[HOST_PORT_SIZE], most[300];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (host_split(rows[i].text, host, port) != !!rows[i].host)
			fail_msg("%s: %s", rows[i].text, rows[i].why);
		if (rows[i].host && (strcmp(host, rows[i].host) != 0 || strcmp(port, rows[i].port) != 0))
			fail_msg("%s: %s: %s and %s", rows[i].text, rows[i].why, host, port);
	}
	memset(most, 'a', sizeof(most));
	strcpy(most + HOST_NAME_SIZE, ":514");
	assert_false(host_split(most, host, port));
	assert_true(host_split(most + 1, host, port));
}

static void doubt(void **state)
{
	(void)state;
	struct in_doubt *d = calloc(1, sizeof(*d));
	assert_non_null(d);
	in_doubt_add(d, 5, 100);
	in_doubt_add(d, 9, 50);
	in_doubt_took(d, &(struct in_doubt_sight){ .taken = 1000, .read = 1000, .now = 1, .settle = 0, .patience = 0 });
	assert_int_equal(d->number, 0); /* not even written */
	in_doubt_wrote(d, 149, 200);
	in_doubt_took(d, &(struct in_doubt_sight){ .taken = 199, .read = 199, .now = 10, .settle = 0, .patience = 0 });
	assert_int_equal(d->number, 0); /* an octet is missing */
	assert_int_equal(in_doubt_due(d, 10, 20), -1);
	in_doubt_took(d, &(struct in_doubt_sight){ .taken = 200, .read = 200, .now = 10, .settle = 20, .patience = 90 });
	assert_int_equal(d->number, 0); /* too early */
	assert_int_equal(in_doubt_due(d, 15, 20), 15);
	in_doubt_took(d, &(struct in_doubt_sight){ .taken = 200, .read = 199, .now = 40, .settle = 20, .patience = 90 });
	assert_int_equal(d->number, 0); /* taken, but not read for sure */
	assert_int_equal(in_doubt_due(d, 40, 20), 0);
	in_doubt_took(d, &(struct in_doubt_sight){ .taken = 200, .read = 199, .now = 100, .settle = 20, .patience = 90 });
	assert_int_equal(d->number, 5); /* patience has an end */
	in_doubt_wrote(d, 150, 300);
	in_doubt_took(d, &(struct in_doubt_sight){ .taken = 300, .read = 300, .now = 101, .settle = 20, .patience = 90 });
	in_doubt_took(d, &(struct in_doubt_sight){ .taken = 300, .read = 300, .now = 121, .settle = 20, .patience = 90 });
	assert_int_equal(d->number, 9);
	assert_int_equal(d->n, 0);
	/* bounds: octets, items, and one that is larger than all */
	assert_true(in_doubt_room(d, IN_DOUBT_OCTETS + 1));
	in_doubt_add(d, 10, IN_DOUBT_OCTETS - 1);
	assert_true(in_doubt_room(d, 1));
	assert_false(in_doubt_room(d, 2));
	for (uint64_t i = 1; i < IN_DOUBT_ITEMS; i++)
		in_doubt_add(d, 10 + i, 0);
	assert_false(in_doubt_room(d, 0));
	in_doubt_wrote(d, d->put, 400);
	in_doubt_took(d, &(struct in_doubt_sight){ .taken = 400, .read = 400, .now = 200, .settle = 0, .patience = 0 });
	assert_int_equal(d->number, 10 + IN_DOUBT_ITEMS - 1);
	free(d);
}

/* ---- a receiver and a carrier ---- */

struct scene {
	char folder[32], path[64], address[40];
	int listening, fd;
	const struct carrier_kind *kind;
	struct carrier *c;
	struct output_settings o;
	struct error e;
	enum carrier_state last;
};

static void path_of(struct scene *s)
{
	strcpy(s->folder, "/tmp/test-carrier-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/socket", s->folder);
	s->o.path = s->path;
}

/* Listens, or for datagrams is bound. */
static void receiver(struct scene *s, int family, int type)
{
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	s->fd = s->listening = -1;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (family == AF_UNIX) {
		path_of(s);
		memcpy(u.sun_path, s->path, sizeof(s->path));
		assert_int_equal(bind(fd, (struct sockaddr *)&u, sizeof(u)), 0);
	} else {
		assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
		snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", ntohs(a.sin_port));
		s->o.address = s->address;
	}
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	*(type == SOCK_STREAM ? &s->listening : &s->fd) = fd;
}

/* One turn: no call may wait longer than it was told to. */
static enum carrier_state turn(struct scene *s, int wait_ms)
{
	int64_t begin = now_ms();
	s->last = s->kind->state(s->c, wait_ms, &s->e);
	assert_true(now_ms() - begin < wait_ms + 500);
	if (s->fd < 0 && s->listening >= 0)
		s->fd = accept4(s->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return s->last;
}

static void begin(struct scene *s, const struct carrier_kind *kind)
{
	s->kind = kind;
	s->c = kind->new(&s->o, &s->e);
	if (!s->c)
		fail_msg("%s", s->e.text);
	for (int64_t end = now_ms() + 3000; now_ms() < end && turn(s, 10) == CARRIER_BUSY;)
		;
}

static enum carrier_state give(struct scene *s, uint64_t number, const char *text)
{
	size_t n = strlen(text);
	uint8_t *p = malloc(n + 1);
	assert_non_null(p);
	memcpy(p, text, n);
	struct spool_item item = { .number = number, .payload = { p, n } };
	enum carrier_state r = s->kind->put(s->c, &item, &s->e);
	free(p);
	return r;
}

static size_t take(struct scene *s, char *text, size_t size)
{
	size_t n = 0;
	for (int64_t end = now_ms() + 1000; now_ms() < end && n < size - 1;) {
		turn(s, 5);
		ssize_t got = s->fd < 0 ? -1 : recv(s->fd, text + n, size - 1 - n, MSG_DONTWAIT);
		if (got > 0)
			n += (size_t)got;
		else if (n)
			break;
	}
	text[n] = 0;
	return n;
}

/* The state that comes within ms, other than READY and BUSY, or the last. */
static enum carrier_state live(struct scene *s, int64_t ms)
{
	for (int64_t end = now_ms() + ms; now_ms() < end && turn(s, 50) != CARRIER_FAILED;)
		;
	return s->last;
}

static uint64_t done_within(struct scene *s, uint64_t number, int64_t ms)
{
	for (int64_t end = now_ms() + ms; now_ms() < end && s->kind->done(s->c) < number && turn(s, 100) != CARRIER_FAILED;)
		;
	return s->kind->done(s->c);
}

static void over(struct scene *s)
{
	if (s->c)
		s->kind->free(s->c);
	if (s->fd >= 0)
		close(s->fd);
	if (s->listening >= 0)
		close(s->listening);
	if (s->folder[0]) {
		unlink(s->path);
		rmdir(s->folder);
	}
}

static void says(const struct scene *s, const char *words)
{
	if (!strstr(s->e.text, words))
		fail_msg("not \"%s\": %s", words, s->e.text);
}

/* ---- what is sent ---- */

static void framed(void **state)
{
	char text[200];
	(void)state;
	struct scene s = { .o = { .transport = transport_tcp, .framing = framing_counted } };
	receiver(&s, AF_INET, SOCK_STREAM);
	begin(&s, &carrier_syslog);
	assert_int_equal(s.last, CARRIER_READY);
	assert_int_equal(give(&s, 1, "<170>1 - - - - - - a\nb"), CARRIER_READY);
	assert_int_equal(give(&s, 2, "c"), CARRIER_READY);
	take(&s, text, sizeof(text));
	assert_string_equal(text, "22 <170>1 - - - - - - a\nb1 c");
	over(&s);

	struct scene t = { .o = { .transport = transport_tcp, .framing = framing_newline } };
	receiver(&t, AF_INET, SOCK_STREAM);
	begin(&t, &carrier_syslog);
	give(&t, 1, "a\nb");
	give(&t, 2, "c");
	take(&t, text, sizeof(text));
	assert_string_equal(text, "a b\nc\n"); /* one message stays one */
	over(&t);

	struct scene u = { .o = { 0 } };
	receiver(&u, AF_UNIX, SOCK_STREAM);
	begin(&u, &carrier_unix);
	give(&u, 1, "{}\n");
	give(&u, 2, "{}");
	take(&u, text, sizeof(text));
	assert_string_equal(text, "{}\n{}\n");
	over(&u);
}

static void datagrams(void **state)
{
	char text[4096], sent[3000];
	(void)state;
	struct scene s = { .o = { .transport = transport_udp } };
	receiver(&s, AF_INET, SOCK_DGRAM);
	begin(&s, &carrier_syslog);
	assert_int_equal(s.last, CARRIER_READY);
	memset(sent, 'x', sizeof(sent) - 1);
	sent[sizeof(sent) - 1] = 0;
	memcpy(sent + 2046, "\xe2\x82\xac", 3); /* octet 2,048 stands within it */
	give(&s, 1, sent);
	assert_int_equal(take(&s, text, sizeof(text)), 2046);
	memcpy(sent + 2045, "\xe2\x82\xacx", 4); /* and here behind it */
	give(&s, 2, sent);
	assert_int_equal(take(&s, text, sizeof(text)), 2048);
	sent[2048] = 0;
	give(&s, 3, sent);
	assert_int_equal(take(&s, text, sizeof(text)), 2048);
	assert_int_equal(s.kind->done(s.c), 0);
	assert_int_equal(done_within(&s, 3, 2000), 3);
	/* nobody there any more: the kernel says so after the next, which is not done then */
	close(s.fd);
	s.fd = -1;
	give(&s, 4, "lost");
	assert_int_equal(live(&s, 1000), CARRIER_FAILED);
	assert_int_equal(s.kind->done(s.c), 3);
	says(&s, "nobody takes the datagrams");
	over(&s);

	struct scene u = { .o = { .transport = transport_unix } };
	receiver(&u, AF_UNIX, SOCK_DGRAM);
	begin(&u, &carrier_syslog);
	give(&u, 1, sent);
	assert_int_equal(take(&u, text, sizeof(text)), 2048);
	assert_int_equal(done_within(&u, 1, 2000), 1);
	enum carrier_state r = CARRIER_READY;
	for (uint64_t i = 2; i < 100000 && r == CARRIER_READY; i++)
		r = give(&u, i, sent);
	assert_int_equal(r, CARRIER_BUSY); /* one that does not read: no call waits for it */
	over(&u);
}

/* ---- what becomes of it ---- */

static void read_or_not(void **state)
{
	char text[100];
	(void)state;
	struct scene s = { .o = { 0 } };
	receiver(&s, AF_UNIX, SOCK_STREAM);
	begin(&s, &carrier_unix);
	give(&s, 7, "{}");
	live(&s, 2200);
	assert_int_equal(s.kind->done(s.c), 0); /* a program on this machine has it only when it read it */
	assert_int_equal(take(&s, text, sizeof(text)), 3);
	int64_t read = now_ms();
	assert_int_equal(done_within(&s, 7, 4000), 7);
	assert_true(now_ms() - read >= 1800);
	over(&s);
}

static void ended(void **state)
{
	char text[100];
	(void)state;
	struct scene s = { .o = { .transport = transport_tcp } };
	receiver(&s, AF_INET, SOCK_STREAM);
	begin(&s, &carrier_syslog);
	give(&s, 2, "two");
	take(&s, text, sizeof(text));
	turn(&s, 50);
	close(s.fd); /* an orderly end, everything read: still in doubt */
	s.fd = -1;
	int64_t begun = now_ms();
	assert_int_equal(live(&s, 3000), CARRIER_FAILED);
	assert_true(now_ms() - begun < 500);
	assert_int_equal(s.kind->done(s.c), 0);
	says(&s, "the receiver closed the connection");
	assert_int_equal(give(&s, 3, "three"), CARRIER_FAILED);
	over(&s);

	struct scene t = { .o = { .transport = transport_tcp } };
	receiver(&t, AF_INET, SOCK_STREAM);
	begin(&t, &carrier_syslog);
	give(&t, 1, "never read");
	live(&t, 500);
	assert_true(t.fd >= 0);
	close(t.fd); /* octets unread: a reset */
	t.fd = -1;
	assert_int_equal(live(&t, 2000), CARRIER_FAILED);
	assert_int_equal(t.kind->done(t.c), 0);
	over(&t);
}

/* Takes nothing for a while, then everything. */
static void slow(void **state)
{
	static char big[60001], in[1 << 16];
	(void)state;
	struct scene s = { .o = { .transport = transport_tcp } };
	receiver(&s, AF_INET, SOCK_STREAM);
	begin(&s, &carrier_syslog);
	memset(big, 'x', sizeof(big) - 1);
	uint64_t put = 0;
	for (int64_t end = now_ms() + 2500; now_ms() < end;) {
		int64_t call = now_ms();
		if (turn(&s, 20) == CARRIER_READY && give(&s, put + 1, big) == CARRIER_READY)
			put++;
		assert_true(now_ms() - call < 500);
	}
	assert_true(put > 3);
	assert_true(put * sizeof(big) < 2 * IN_DOUBT_OCTETS); /* what it holds is bounded */
	assert_int_equal(s.kind->done(s.c), 0); /* whatever the system took, the program read none */
	size_t all = 0;
	for (int64_t end = now_ms() + 8000; now_ms() < end && s.kind->done(s.c) < put;) {
		turn(&s, 5);
		for (ssize_t n; (n = recv(s.fd, in, sizeof(in), MSG_DONTWAIT)) > 0;)
			all += (size_t)n;
	}
	assert_int_equal(all, put * (sizeof(big) - 1 + 6));
	assert_int_equal(s.kind->done(s.c), put);
	over(&s);
}

static void nobody(void **state)
{
	(void)state;
	struct scene s = { .o = { .transport = transport_tcp } };
	receiver(&s, AF_INET, SOCK_STREAM);
	close(s.listening);
	s.listening = -1;
	begin(&s, &carrier_syslog);
	assert_int_equal(s.last, CARRIER_FAILED);
	says(&s, s.address);
	says(&s, "connection refused: does the receiver run there?");
	over(&s);

	struct scene u = { .o = { 0 }, .fd = -1, .listening = -1 };
	path_of(&u);
	begin(&u, &carrier_unix);
	assert_int_equal(u.last, CARRIER_FAILED);
	says(&u, "no such socket");
	over(&u);

	struct scene d = { .o = { .transport = transport_unix } };
	receiver(&d, AF_UNIX, SOCK_STREAM);
	begin(&d, &carrier_syslog);
	assert_int_equal(d.last, CARRIER_FAILED);
	says(&d, "the other kind");
	over(&d);
}

/* ---- TLS ---- */

struct owner {
	EVP_PKEY *key;
	X509 *cert;
};

/* days: until it ends; by: NULL signs itself. */
static struct owner certificate(const char *name, long days, const struct owner *by, bool authority)
{
	struct owner o = { EVP_EC_gen("P-256"), X509_new() };
	static long serial = 1;
	char alt[80];
	X509_set_version(o.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(o.cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(o.cert), -10 * 86400);
	X509_gmtime_adj(X509_getm_notAfter(o.cert), days * 86400);
	X509_set_pubkey(o.cert, o.key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(o.cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(o.cert, X509_get_subject_name(by ? by->cert : o.cert));
	snprintf(alt, sizeof(alt), authority ? "critical,CA:TRUE" : strchr(name, ':') || name[0] < 'A' ? "IP:%s" : "DNS:%s", name);
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, authority ? NID_basic_constraints : NID_subject_alt_name, alt);
	assert_non_null(x);
	X509_add_ext(o.cert, x, -1);
	X509_EXTENSION_free(x);
	assert_true(X509_sign(o.cert, by ? by->key : o.key, EVP_sha256()) > 0);
	return o;
}

static void owner_free(struct owner *o)
{
	EVP_PKEY_free(o->key);
	X509_free(o->cert);
}

static void write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(cert ? PEM_write_X509(f, cert) : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}

enum party { NONE, GOOD, OLD, FOREIGN, BY_ADDRESS };

static const struct tls_row {
	const char *server_name;
	enum party receiver, sensor;
	bool asks;
	int most;              /* version that the receiver has */
	const char *words, *why; /* words: of the failure; NULL: it arrives */
} tls_rows[] = {
	{ "siem.example", GOOD, NONE, false, TLS1_3_VERSION, NULL, "the name is right" },
	{ "siem.example", GOOD, GOOD, true, TLS1_3_VERSION, NULL, "and ours is right" },
	{ "siem.example", GOOD, GOOD, true, TLS1_2_VERSION, NULL, "likewise in TLS 1.2" },
	{ NULL, BY_ADDRESS, NONE, false, TLS1_3_VERSION, NULL, "a certificate for an address" },
	{ NULL, GOOD, NONE, false, TLS1_3_VERSION, "not for 127.0.0.1: see server_name", "a name is not that address" },
	{ "other.example", GOOD, NONE, false, TLS1_3_VERSION, "not for other.example: see server_name", "another name" },
	{ "siem.example", OLD, NONE, false, TLS1_3_VERSION, "has expired", "the receiver's has expired" },
	{ "siem.example", FOREIGN, NONE, false, TLS1_3_VERSION, "not trusted", "another authority" },
	{ "siem.example", GOOD, NONE, true, TLS1_3_VERSION, "it refuses us: tlsv13 alert certificate required: see cert and key", "it wants ours" },
	{ "siem.example", GOOD, NONE, true, TLS1_2_VERSION, "see cert and key", "likewise in TLS 1.2" },
	{ "siem.example", GOOD, FOREIGN, true, TLS1_3_VERSION, "see cert and key", "ours is of another authority" },
	{ "siem.example", GOOD, NONE, false, TLS1_1_VERSION, "TLS failed", "too old" },
};

struct tls_world {
	struct owner ca, other, receiver, old, by_address, foreign_receiver, sensor, foreign, expired;
	char ca_file[64], cert_file[64], key_file[64], folder[32];
};

static SSL_CTX *tls_receiver(struct tls_world *w, const struct tls_row *row)
{
	struct owner *const has[] = { NULL, &w->receiver, &w->old, &w->foreign_receiver, &w->by_address };
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	assert_non_null(ctx);
	SSL_CTX_use_certificate(ctx, has[row->receiver]->cert);
	SSL_CTX_use_PrivateKey(ctx, has[row->receiver]->key);
	SSL_CTX_set_security_level(ctx, row->most == TLS1_1_VERSION ? 0 : 1);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, row->most);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), w->ca.cert);
	if (row->asks)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}

static void tls_case(struct tls_world *w, const struct tls_row *row)
{
	struct owner *const ours[] = { NULL, &w->sensor, &w->expired, &w->foreign, NULL };
	struct scene s = { .o = { .transport = transport_tls, .ca = w->ca_file, .server_name = row->server_name } };
	char text[64] = "";
	if (row->sensor != NONE) {
		write_pem(w->cert_file, ours[row->sensor]->cert, NULL);
		write_pem(w->key_file, NULL, ours[row->sensor]->key);
		s.o.cert = w->cert_file;
		s.o.key = w->key_file;
	}
	receiver(&s, AF_INET, SOCK_STREAM);
	SSL_CTX *ctx = tls_receiver(w, row);
	SSL *ssl = NULL;
	s.kind = &carrier_syslog;
	s.c = carrier_syslog.new(&s.o, &s.e);
	assert_non_null(s.c);
	bool given = false;
	for (int64_t end = now_ms() + 5000; now_ms() < end && !text[0] && turn(&s, 5) != CARRIER_FAILED;) {
		if (s.last == CARRIER_READY && !given)
			given = give(&s, 1, "hello") == CARRIER_READY;
		if (!ssl && s.fd >= 0) {
			ssl = SSL_new(ctx);
			SSL_set_fd(ssl, s.fd);
			SSL_set_accept_state(ssl);
		}
		if (ssl)
			SSL_read(ssl, text, sizeof(text) - 1);
	}
	if (row->words ? s.last != CARRIER_FAILED || text[0] || !strstr(s.e.text, row->words) : strcmp(text, "5 hello") != 0)
		fail_msg("%s: \"%s\" arrived; %s", row->why, text, s.e.text);
	assert_int_equal(s.kind->done(s.c), 0);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	over(&s);
}

static void never(struct tls_world *w, const char *words)
{
	struct error e = { "" };
	struct output_settings o = { .transport = transport_tls, .address = "127.0.0.1:9", .ca = w->ca_file, .cert = w->cert_file, .key = w->key_file };
	assert_null(carrier_syslog.new(&o, &e));
	if (!strstr(e.text, words))
		fail_msg("not \"%s\": %s", words, e.text);
}

static void tls(void **state)
{
	(void)state;
	struct tls_world w = { .folder = "/tmp/test-carrier-XXXXXX" };
	assert_non_null(mkdtemp(w.folder));
	snprintf(w.ca_file, sizeof(w.ca_file), "%s/ca.pem", w.folder);
	snprintf(w.cert_file, sizeof(w.cert_file), "%s/cert.pem", w.folder);
	snprintf(w.key_file, sizeof(w.key_file), "%s/key.pem", w.folder);
	w.ca = certificate("authority", 30, NULL, true);
	w.other = certificate("another", 30, NULL, true);
	w.receiver = certificate("siem.example", 30, &w.ca, false);
	w.old = certificate("siem.example", -1, &w.ca, false);
	w.by_address = certificate("127.0.0.1", 30, &w.ca, false);
	w.foreign_receiver = certificate("siem.example", 30, &w.other, false);
	w.sensor = certificate("egress-1.example", 30, &w.ca, false);
	w.foreign = certificate("egress-1.example", 30, &w.other, false);
	w.expired = certificate("egress-1.example", -1, &w.ca, false);
	write_pem(w.ca_file, w.ca.cert, NULL);
	for (size_t i = 0; i < sizeof(tls_rows) / sizeof(tls_rows[0]); i++)
		tls_case(&w, &tls_rows[i]);
	write_pem(w.cert_file, w.expired.cert, NULL);
	write_pem(w.key_file, NULL, w.expired.key);
	never(&w, "the certificate expired on ");
	write_pem(w.cert_file, w.sensor.cert, NULL);
	never(&w, "is not the key of the certificate");
	unlink(w.key_file);
	never(&w, "no key");
	unlink(w.cert_file);
	never(&w, "no certificate");
	unlink(w.ca_file);
	never(&w, "no certificate authorities");
	rmdir(w.folder);
	struct owner *all[] = { &w.ca, &w.other, &w.receiver, &w.old, &w.by_address, &w.foreign_receiver, &w.sensor, &w.foreign, &w.expired };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		owner_free(all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(doubt), cmocka_unit_test(framed), cmocka_unit_test(datagrams), cmocka_unit_test(read_or_not),
		cmocka_unit_test(ended), cmocka_unit_test(slow), cmocka_unit_test(nobody), cmocka_unit_test(tls),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
