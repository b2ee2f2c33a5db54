/* dns_stream: see dns_stream.h. A state for where the connection stands, two buffers, and no waiting. Does not know
 * what a DNS message says. Owns its socket and its SSL; the SSL_CTX is the caller's. */
#include "dns_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { OUT_MAX = 96 * 1024, IN_MAX = 2 + 65535 };
enum state { CLOSED, CONNECTING, SHAKING, OPEN };

struct dns_stream {
	struct dns_peer peer;
	enum state state;
	int fd;
	SSL *ssl;
	bool want_out;             /* TLS waits for room, whatever we have to send */
	const char *why;
	size_t out_n, in_n, in_used;
	uint8_t out[OUT_MAX], in[IN_MAX];
};

struct dns_stream *dns_stream_new(const struct dns_peer *peer)
{
	struct dns_stream *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->peer = *peer;
	s->fd = -1;
	s->why = "";
	return s;
}

void dns_stream_close(struct dns_stream *s)
{
	SSL_free(s->ssl);
	s->ssl = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->state = CLOSED;
	s->want_out = false;
	s->out_n = s->in_n = s->in_used = 0;
}

void dns_stream_free(struct dns_stream *s)
{
	if (!s)
		return;
	dns_stream_close(s);
	free(s);
}

static bool over(struct dns_stream *s, const char *why)
{
	dns_stream_close(s);
	s->why = why;
	return false;
}

static bool open_tls(struct dns_stream *s)
{
	s->ssl = SSL_new(s->peer.tls);
	if (!s->ssl || !SSL_set_fd(s->ssl, s->fd))
		return false;
	SSL_set_connect_state(s->ssl);
	SSL_set_mode(s->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (s->peer.name[0] && !SSL_set_tlsext_host_name(s->ssl, s->peer.name))
		return false;
	if (s->peer.pinned) { /* the key is compared when the handshake is done, before a question is sent */
		SSL_set_verify(s->ssl, SSL_VERIFY_NONE, NULL);
		return true;
	}
	SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	SSL_set_verify(s->ssl, SSL_VERIFY_PEER, NULL);
	return SSL_set1_host(s->ssl, s->peer.name) == 1;
}

static bool begin(struct dns_stream *s)
{
	int one = 1;
	s->why = "";
	s->fd = socket(s->peer.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return over(s, "no socket");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(s->fd, (const struct sockaddr *)&s->peer.address, s->peer.address_n) != 0 && errno != EINPROGRESS)
		return over(s, "cannot connect");
	s->state = CONNECTING;
	return !s->peer.tls || open_tls(s) || over(s, "TLS refuses its settings");
}

bool dns_stream_send(struct dns_stream *s, struct bytes message)
{
	if (s->state == CLOSED && !begin(s))
		return false;
	if (message.n > UINT16_MAX || message.n + 2 > OUT_MAX - s->out_n)
		return false;
	uint8_t *p = s->out + s->out_n;
	p[0] = (uint8_t)(message.n >> 8);
	p[1] = (uint8_t)message.n;
	memcpy(p + 2, message.p, message.n);
	s->out_n += message.n + 2;
	return true;
}

int dns_stream_fd(const struct dns_stream *s)
{
	return s->fd;
}

uint32_t dns_stream_events(const struct dns_stream *s)
{
	bool out = s->state == CONNECTING || s->want_out || (s->state == OPEN && s->out_n);
	return EPOLLIN | (out ? EPOLLOUT : 0u);
}

const char *dns_stream_why(const struct dns_stream *s)
{
	return s->why;
}

static bool pin_fits(const struct dns_stream *s)
{
	uint8_t digest[STREAM_PIN], *der = NULL;
	X509 *cert = SSL_get0_peer_certificate(s->ssl);
	int n = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der) : 0;
	bool fits = n > 0 && EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(), NULL) == 1 &&
		    memcmp(digest, s->peer.pin, sizeof(digest)) == 0;
	OPENSSL_free(der);
	return fits;
}

/* An SSL call that did not succeed: does it only wait? */
static bool tls_waits(struct dns_stream *s, int result)
{
	int error = SSL_get_error(s->ssl, result);
	if (error == SSL_ERROR_WANT_WRITE)
		s->want_out = true;
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static bool shake(struct dns_stream *s)
{
	ERR_clear_error();
	s->want_out = false;
	int result = SSL_do_handshake(s->ssl);
	if (result != 1) {
		if (tls_waits(s, result))
			return true;
		bool refused = SSL_get_verify_result(s->ssl) != X509_V_OK && !s->peer.pinned;
		return over(s, refused ? "its certificate does not verify" : "no TLS handshake");
	}
	if (s->peer.pinned && !pin_fits(s))
		return over(s, "its key is not the pinned one");
	s->state = OPEN;
	return true;
}

static bool connected(struct dns_stream *s)
{
	int error = 0;
	socklen_t n = sizeof(error);
	struct sockaddr_storage peer;
	socklen_t peer_n = sizeof(peer);
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error)
		return over(s, "cannot connect");
	if (getpeername(s->fd, (struct sockaddr *)&peer, &peer_n) == 0)
		s->state = s->peer.tls ? SHAKING : OPEN;
	return true;
}

/* One read or write: octets moved, 0 wait, -1 the end. */
static ssize_t move(struct dns_stream *s, bool out, size_t cap)
{
	uint8_t *in = s->in + s->in_n;
	if (!s->ssl) {
		ssize_t n = out ? send(s->fd, s->out, s->out_n, MSG_NOSIGNAL) : recv(s->fd, in, cap, 0);
		return n > 0 ? n : n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	}
	ERR_clear_error();
	int n = out ? SSL_write(s->ssl, s->out, (int)s->out_n) : SSL_read(s->ssl, in, (int)cap);
	return n > 0 ? n : tls_waits(s, n) ? 0 : -1;
}

static void drop_used(struct dns_stream *s)
{
	memmove(s->in, s->in + s->in_used, s->in_n - s->in_used);
	s->in_n -= s->in_used;
	s->in_used = 0;
}

static bool whole(const struct dns_stream *s, struct bytes *message)
{
	struct bytes have = { s->in + s->in_used, s->in_n - s->in_used };
	struct cur c = cur_of(have);
	*message = cur_take(&c, cur_u16(&c));
	return !c.bad;
}

static bool transfer(struct dns_stream *s)
{
	ssize_t n = 0;
	s->want_out = false;
	while (s->out_n && (n = move(s, true, 0)) > 0) {
		s->out_n -= (size_t)n;
		memmove(s->out, s->out + n, s->out_n);
	}
	if (n < 0)
		return over(s, "the connection ended");
	drop_used(s);
	while (s->in_n < IN_MAX && (n = move(s, false, IN_MAX - s->in_n)) > 0)
		s->in_n += (size_t)n;
	struct bytes message;      /* what came before the end is still read; the end comes again */
	return n >= 0 || whole(s, &message) || over(s, "the connection ended");
}

bool dns_stream_work(struct dns_stream *s)
{
	if (s->state == CONNECTING && !connected(s))
		return false;
	if (s->state == SHAKING && !shake(s))
		return false;
	return s->state != OPEN || transfer(s);
}

bool dns_stream_next(struct dns_stream *s, struct bytes *message)
{
	bool is = whole(s, message);
	if (!is && s->state == OPEN && s->ssl && SSL_pending(s->ssl) > 0) /* the buffer was full; no event tells of this */
		is = transfer(s) && whole(s, message);
	if (is)
		s->in_used += message->n + 2;
	return is;
}
