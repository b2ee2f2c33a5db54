/* nats_open: see nats_open.h. The thread and who waits for it share one struct, which the last of them frees; what the thread found it
 * writes before it says, under the lock, that it is over, and nobody reads it earlier. A stream that is there is left as it is,
 * whatever its limits: whoever made it had reasons. The connection does not mend itself: what was under way when it broke must be
 * sent again, and only the carrier knows what that is. */
#include "nats_open.h"

#ifdef HAVE_NATS
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conduit_tls.h"
#include "host_lookup.h"
#include "nats_subject.h"
#include "trust.h"

/* KNOWN_NS: so long a stream that is made knows an event.id: far longer than it takes to send again what was not acknowledged */
enum { SERVERS_MOST = 16, URL_SIZE = HOST_NAME_SIZE + HOST_PORT_SIZE + 12, CONNECT_MS = 5000, ANSWER_MS = 5000, PING_MS = 10000 };
enum { STREAM_SIZE = 65, ADDRESS_SIZE = 256 };
#define NS_PER_MS INT64_C(1000000)
#define KNOWN_NS (3600 * 1000 * NS_PER_MS)

/* options, name  one for each server: the name that its certificate must have differs, and the library asks for none by itself */
struct nats_opening {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned users;
	bool over, good, taken, tls;
	enum nats_use use;
	natsOptions *options[SERVERS_MOST];
	char name[SERVERS_MOST][HOST_NAME_SIZE];
	int servers;
	struct nats_open open;
	struct error trouble;
	uint32_t replicas, datasets;
	uint64_t keep_ms;
	char stream[STREAM_SIZE], begin[NATS_BEGIN_SIZE], where[ADDRESS_SIZE];
};

static atomic_int under_way;

static void opening_leave(struct nats_opening *p)
{
	pthread_mutex_lock(&p->lock);
	bool last = --p->users == 0;
	pthread_mutex_unlock(&p->lock);
	if (!last)
		return;
	if (!p->taken)
		natsConnection_Destroy(p->open.nc);
	for (int i = 0; i < p->servers; i++)
		natsOptions_Destroy(p->options[i]);
	pthread_cond_destroy(&p->ended);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* ---- in the thread ---- */

bool nats_silent(const char *where, const char *stream, struct error *e)
{
	return error_set(e, "%s: stream %s does not answer: has it a leader, do most of its servers run, and may we write to it?", where, stream);
}

/* "SSL Error: (conn.c:733): SSL handshake error: 62:hostname mismatch:expected=..." */
static bool certificate_failed(const char *said, const char *name, char *text, size_t size)
{
	const char *at = strstr(said, "handshake error: ");
	return at && conduit_tls_verdict(strtol(at + 17, NULL, 10), name, text, size);
}

static bool connect_failed(struct nats_opening *p, natsStatus s, const char *name)
{
	natsStatus of;
	const char *said = nats_GetLastError(&of), *what;
	char text[320];
	if (s == NATS_NO_SERVER)
		what = "no server of NATS can be reached: does one run there?";
	else if (s == NATS_TIMEOUT)
		what = "no answer: is the server switched off, or does a firewall drop the packets?";
	else if (s == NATS_CONNECTION_AUTH_FAILED || s == NATS_NOT_PERMITTED)
		what = "the server does not let us in: see credentials, cert and key";
	else if (s == NATS_SECURE_CONNECTION_WANTED)
		what = "the server has no TLS: set tls: false, or give it a certificate";
	else if (s == NATS_SECURE_CONNECTION_REQUIRED || (s == NATS_SSL_ERROR && !p->tls))
		what = "the server wants TLS: set tls: true";
	else if (s == NATS_SSL_ERROR && certificate_failed(said ? said : "", name, text, sizeof(text)))
		what = text;
	else if (p->tls && (s == NATS_PROTOCOL_ERROR || s == NATS_IO_ERROR || s == NATS_CONNECTION_CLOSED))
		what = "the server breaks off: does it accept our certificate (cert, key)?";
	else
		snprintf(text, sizeof(text), "no connection: %s: %s", natsStatus_GetText(s), said ? said : "the server breaks off"), what = text;
	return error_set(&p->trouble, "%s: %s", p->where, what);
}

static bool stream_failed(struct nats_opening *p, const char *doing, natsStatus s, jsErrCode code)
{
	natsStatus of;
	const char *more = nats_GetLastError(&of);
	if (s == NATS_NO_RESPONDERS || code == JSNotEnabledErr || code == JSNotEnabledForAccountErr || code == JSNoAccountErr)
		return error_set(&p->trouble, "%s: the server has no JetStream, or not for our account", p->where);
	if (s == NATS_CONNECTION_CLOSED || s == NATS_CONNECTION_DISCONNECTED)
		return error_set(&p->trouble, "%s: the server closed the connection", p->where);
	if (s == NATS_TIMEOUT || code == JSClusterNotAvailErr || code == JSStreamOfflineErr)
		return nats_silent(p->where, p->stream, &p->trouble);
	if (code == JSStreamSubjectOverlapErr)
		return error_set(&p->trouble, "%s: stream %s cannot be made: another has the subjects that begin with %s", p->where, p->stream, p->begin);
	if (code == JSStreamReplicasNotSupportedErr || code == JSClusterNoPeersErr)
		return error_set(&p->trouble, "%s: stream %s cannot be made on so many servers as replicas says, %u: fewer are there, or have room",
		                 p->where, p->stream, (unsigned)p->replicas);
	return error_set(&p->trouble, "%s: stream %s cannot be %s: %s", p->where, p->stream, doing, more ? more : natsStatus_GetText(s));
}

static bool stream_fits(const struct nats_opening *p, const jsStreamConfig *stream)
{
	char subject[NATS_SUBJECT_ROOM];
	for (unsigned d = 0; d < dataset_COUNT; d++) {
		bool fits = !(p->datasets & 1u << d);
		nats_subject(p->begin, d, 0, subject);
		for (int i = 0; i < stream->SubjectsLen && !fits; i++)
			fits = nats_subject_fits(stream->Subjects[i], subject);
		if (!fits)
			return false;
	}
	return true;
}

static bool stream_missing(struct nats_opening *p)
{
	return error_set(&p->trouble, "%s: there is no stream %s: sensors make it, when they bring their first event", p->where, p->stream);
}

static natsStatus stream_make(struct nats_opening *p, jsCtx *js, jsErrCode *code)
{
	char pattern[NATS_BEGIN_SIZE + 4];
	const char *subjects[1] = { pattern };
	jsStreamConfig c;
	jsStreamInfo *made = NULL;
	snprintf(pattern, sizeof(pattern), "%s.*.*", p->begin);
	jsStreamConfig_Init(&c);
	c.Name = p->stream;
	c.Subjects = subjects;
	c.SubjectsLen = 1;
	c.Replicas = p->replicas;
	c.MaxAge = (int64_t)p->keep_ms * NS_PER_MS;
	c.Duplicates = c.MaxAge && c.MaxAge < KNOWN_NS ? c.MaxAge : KNOWN_NS;
	natsStatus s = js_AddStream(&made, js, &c, NULL, code);
	jsStreamInfo_Destroy(made);
	return s;
}

/* Another sensor may make the stream between the two questions. */
static bool stream_ready(struct nats_opening *p, jsCtx *js)
{
	jsErrCode code = 0;
	jsStreamInfo *info = NULL;
	natsStatus s = js_GetStreamInfo(&info, js, p->stream, NULL, &code);
	if (s == NATS_NOT_FOUND || code == JSStreamNotFoundErr) {
		if (p->use == NATS_READ)
			return stream_missing(p);
		code = 0;
		s = stream_make(p, js, &code);
		if (s != NATS_OK && code != JSStreamNameExistErr)
			return stream_failed(p, "made", s, code);
		p->open.made = s == NATS_OK;
		code = 0;
		s = js_GetStreamInfo(&info, js, p->stream, NULL, &code);
	}
	if (s != NATS_OK)
		return stream_failed(p, "used", s, code);
	p->open.fits = info->Config && stream_fits(p, info->Config);
	p->open.created = info->Created;
	p->open.last = info->State.LastSeq;
	p->open.replicas = info->Config ? info->Config->Replicas : 1;
	jsStreamInfo_Destroy(info);
	return true;
}

/* In their order, so that the same trouble has the same sentence: that of the first server which does more than not being there. */
static bool connected(struct nats_opening *p)
{
	bool telling = false;
	for (int i = 0; i < p->servers; i++) {
		natsStatus s = natsConnection_Connect(&p->open.nc, p->options[i]);
		if (s == NATS_OK)
			return true;
		if (!telling)
			connect_failed(p, s, p->name[i]);
		telling = telling || (s != NATS_NO_SERVER && s != NATS_TIMEOUT);
	}
	return false;
}

static bool opened(struct nats_opening *p)
{
	jsOptions o;
	jsCtx *js = NULL;
	if (!connected(p))
		return false;
	jsOptions_Init(&o);
	o.Wait = ANSWER_MS;
	natsStatus s = natsConnection_JetStream(&js, p->open.nc, &o);
	if (s != NATS_OK)
		return stream_failed(p, "used", s, 0);
	bool good = stream_ready(p, js);
	jsCtx_Destroy(js);
	return good;
}

static void *opening_thread(void *arg)
{
	struct nats_opening *p = arg;
	bool good = opened(p);
	nats_ReleaseThreadMemory();
	pthread_mutex_lock(&p->lock);
	p->good = good;
	p->over = true;
	pthread_cond_signal(&p->ended);
	pthread_mutex_unlock(&p->lock);
	opening_leave(p);
	atomic_fetch_sub(&under_way, 1);
	return NULL;
}

/* ---- who waits for it ---- */

static bool option_failed(const char *key, natsStatus s, struct error *e)
{
	natsStatus of;
	const char *more = nats_GetLastError(&of);
	return error_set(e, "%s cannot be used: %s", key, more ? more : natsStatus_GetText(s));
}

static bool is_address(const char *host)
{
	struct in6_addr a;
	return inet_pton(AF_INET, host, &a) == 1 || inet_pton(AF_INET6, host, &a) == 1;
}

static bool set_tls(struct nats_opening *p, natsOptions *n, const struct output_settings *o, const char *name, struct error *e)
{
	if (is_address(name))
		return error_set(e, "server_name: must be set, as %s is an address, and only names can be found in a server's certificate", name);
	natsStatus s = natsOptions_SetSecure(n, true);
	if (s == NATS_OK)
		s = natsOptions_LoadCATrustedCertificates(n, o->ca ? o->ca : trust_system_file());
	if (s == NATS_OK && o->cert)
		s = natsOptions_LoadCertificatesChain(n, o->cert, o->key);
	if (s == NATS_OK)
		s = natsOptions_SetExpectedHostname(n, name);
	p->tls = true;
	return s == NATS_OK || option_failed("tls", s, e);
}

static natsStatus set_common(natsOptions *n, const char *url, const char *credentials)
{
	natsStatus s = natsOptions_SetURL(n, url);
	if (s == NATS_OK)
		s = natsOptions_SetName(n, "mxwitness");
	if (s == NATS_OK)
		s = natsOptions_SetAllowReconnect(n, false);
	if (s == NATS_OK)
		s = natsOptions_SetTimeout(n, CONNECT_MS);
	if (s == NATS_OK)
		s = natsOptions_SetPingInterval(n, PING_MS);
	if (s == NATS_OK)
		s = natsOptions_SetWriteDeadline(n, NATS_WRITE_MS);
	if (s == NATS_OK && credentials)
		s = natsOptions_SetUserCredentialsFromFiles(n, credentials, NULL);
	return s;
}

static bool add_server(struct nats_opening *p, const struct output_settings *o, const char *text, struct error *e)
{
	char url[URL_SIZE], host[HOST_NAME_SIZE], port[HOST_PORT_SIZE];
	if (!host_split(text, host, port))
		return error_set(e, "address: %s is not host:port or [2001:db8::1]:port", text);
	if (p->servers == SERVERS_MOST)
		return error_set(e, "address: more than %d servers", SERVERS_MOST);
	natsStatus s = natsOptions_Create(&p->options[p->servers]);
	if (s != NATS_OK)
		return option_failed("nats", s, e);
	natsOptions *n = p->options[p->servers];
	char *name = p->name[p->servers++];
	snprintf(name, HOST_NAME_SIZE, "%s", o->server_name ? o->server_name : host);
	snprintf(url, sizeof(url), strchr(host, ':') ? "nats://[%s]:%s" : "nats://%s:%s", host, port);
	s = set_common(n, url, o->credentials);
	if (s != NATS_OK)
		return option_failed("address or credentials", s, e);
	return !o->tls || set_tls(p, n, o, name, e);
}

/* "host:port, host:port" */
static bool set_servers(struct nats_opening *p, const struct output_settings *o, struct error *e)
{
	char one[URL_SIZE];
	for (const char *at = o->address ? o->address : ""; *(at += strspn(at, ", "));) {
		size_t n = strcspn(at, ", ");
		snprintf(one, sizeof(one), "%.*s", (int)(n < sizeof(one) ? n : sizeof(one) - 1), at);
		if (!add_server(p, o, one, e))
			return false;
		at += n;
	}
	return p->servers || error_set(e, "address: no server: write host:port, host:port");
}

/* What is wrong with the files is told by conduit_tls, in the words that other receivers have. */
static bool files_good(const struct output_settings *o, struct error *e)
{
	if (o->credentials && access(o->credentials, R_OK) != 0)
		return error_set(e, "%s: %s", o->credentials, strerror(errno));
	SSL_CTX *tls = o->tls ? conduit_tls_new(o, e) : NULL;
	SSL_CTX_free(tls);
	return tls || !o->tls;
}

static bool set_stream(struct nats_opening *p, const struct output_settings *o, struct error *e)
{
	const char *stream = o->stream ? o->stream : "", *begin = o->subject ? o->subject : "";
	if (!*stream || strlen(stream) >= sizeof(p->stream) || strpbrk(stream, ".*>/\\ \t"))
		return error_set(e, "stream: \"%s\" is no name for a stream: letters, digits, dashes and underscores", stream);
	if (!nats_subject_begins(begin))
		return error_set(e, "subject: \"%s\" is nothing that subjects can begin with: words with dots between them", begin);
	snprintf(p->stream, sizeof(p->stream), "%s", stream);
	snprintf(p->begin, sizeof(p->begin), "%s", begin);
	p->replicas = o->replicas ? o->replicas : 1;
	p->keep_ms = o->keep;
	p->datasets = o->datasets;
	return true;
}

static bool thread_start(struct nats_opening *p, struct error *e)
{
	pthread_t thread;
	if (atomic_fetch_add(&under_way, 1) < NATS_OPENINGS) {
		p->users = 2;
		if (pthread_create(&thread, NULL, opening_thread, p) == 0) {
			pthread_detach(thread);
			return true;
		}
		p->users = 1;
	}
	atomic_fetch_sub(&under_way, 1);
	return error_set(e, "%s: too many attempts to connect have not ended yet", p->where);
}

/* Signals are for the thread that has the loop: those that the library starts have the mask of who makes them. */
struct nats_opening *nats_open_begin(const struct output_settings *o, enum nats_use use, struct error *e)
{
	struct nats_opening *p = calloc(1, sizeof(*p));
	if (!p) {
		error_set(e, "no memory");
		return NULL;
	}
	sigset_t all, before;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->ended, &attr);
	pthread_condattr_destroy(&attr);
	p->users = 1;
	p->use = use;
	snprintf(p->where, sizeof(p->where), "%s", o->address ? o->address : "nats");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool good = files_good(o, e) && set_stream(p, o, e) && set_servers(p, o, e) && thread_start(p, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (good)
		return p;
	opening_leave(p);
	return NULL;
}

bool nats_open_wait(struct nats_opening *p, int wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&p->lock);
	while (!p->over && wait_ms > 0 && pthread_cond_timedwait(&p->ended, &p->lock, &until) != ETIMEDOUT)
		;
	bool over = p->over;
	pthread_mutex_unlock(&p->lock);
	return over;
}

bool nats_open_result(struct nats_opening *p, struct nats_open *open, struct error *e)
{
	if (!p->good) {
		*e = p->trouble;
		return false;
	}
	*open = p->open;
	p->taken = true;
	return true;
}

void nats_open_end(struct nats_opening *p)
{
	if (p)
		opening_leave(p);
}
#endif
