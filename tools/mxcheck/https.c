/* https: see https.h. libcurl is told everything that it would else look up by itself: addresses, authorities, no proxy. It
 * does not know what a policy is. */
#include "https.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "version.h"

enum { URL_TEXT = 400, RESOLVE_TEXT = 300 + LOOKUP_ADDRESSES * (INET6_ADDRSTRLEN + 3) };

struct https {
	CURL *curl;
};

/* What the callbacks are given. */
struct get {
	const struct https_request *q;
	struct https_reply *reply;
	bool full;
};

bool https_begin(struct error *e)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == 0 || error_set(e, "libcurl does not start");
}

struct https *https_new(void)
{
	struct https *h = calloc(1, sizeof(*h));
	if (h && (h->curl = curl_easy_init()) != NULL)
		return h;
	free(h);
	return NULL;
}

void https_free(struct https *h)
{
	if (h)
		curl_easy_cleanup(h->curl);
	free(h);
}

static size_t take(char *p, size_t one, size_t n, void *mine)
{
	struct get *g = mine;
	struct https_reply *r = g->reply;
	(void)one;
	if (n > r->room - r->n) {
		g->full = true;
		return 0;
	}
	if (n)
		memcpy(r->body + r->n, p, n);
	r->n += n;
	return n;
}

/* OpenSSL compares the name itself: libcurl would let the subject's common name stand in for a missing DNS name. */
static CURLcode name_the_peer(CURL *curl, void *ssl_ctx, void *mine)
{
	const struct get *g = mine;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl_ctx);
	(void)curl;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, g->q->host, 0) == 1 ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* "host:port:addr,addr": where libcurl finds the host, instead of asking anybody. */
static struct curl_slist *places(const struct https_request *q)
{
	char text[RESOLVE_TEXT];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s:%u:", q->host, q->port);
	for (size_t i = 0; i < q->addresses->n && n < sizeof(text); i++) {
		const char *a = q->addresses->text[i];
		bool v6 = strchr(a, ':') != NULL;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", i ? "," : "", v6 ? "[" : "", a, v6 ? "]" : "");
	}
	return n < sizeof(text) ? curl_slist_append(NULL, text) : NULL;
}

static bool set_up(CURL *c, struct get *g, struct curl_slist *resolve)
{
	const struct https_request *q = g->q;
	char url[URL_TEXT];
	CURLcode bad = CURLE_OK;
	int n = q->port == 443 ? snprintf(url, sizeof(url), "https://%s%s", q->host, q->path)
			       : snprintf(url, sizeof(url), "https://%s:%u%s", q->host, q->port, q->path);
	if (n < 0 || (size_t)n >= sizeof(url) || !resolve)
		return false;
#define SET(option, value) (bad = bad ? bad : curl_easy_setopt(c, option, value))
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_RESOLVE, resolve);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSL_CTX_FUNCTION, name_the_peer);
	SET(CURLOPT_SSL_CTX_DATA, g);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)q->ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)q->ms);
	SET(CURLOPT_USERAGENT, "mxcheck/" MXWITNESS_VERSION);
	SET(CURLOPT_WRITEFUNCTION, take);
	SET(CURLOPT_WRITEDATA, g);
	SET(CURLOPT_ERRORBUFFER, g->reply->why);
	if (q->ca_file) {
		SET(CURLOPT_CAINFO, q->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
#undef SET
	return bad == CURLE_OK;
}

static enum https_result result_of(CURL *c, CURLcode code, struct get *g)
{
	const char *media = NULL;
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &g->reply->status);
	if (g->full)
		return HTTPS_LONG;
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return HTTPS_UNTRUSTED;
	if (code != CURLE_OK)
		return HTTPS_FAILED;
	curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &media);
	if (media && strlen(media) < HTTPS_MEDIA)
		memcpy(g->reply->media, media, strlen(media) + 1);
	return HTTPS_OK;
}

enum https_result https_get(struct https *h, const struct https_request *q, struct https_reply *reply)
{
	_Static_assert(HTTPS_WHY >= CURL_ERROR_SIZE, "libcurl writes its reason there");
	struct get g = { .q = q, .reply = reply };
	struct curl_slist *resolve = places(q);
	reply->n = 0;
	reply->status = 0;
	reply->media[0] = reply->why[0] = 0;
	curl_easy_reset(h->curl);
	CURLcode code = set_up(h->curl, &g, resolve) ? curl_easy_perform(h->curl) : CURLE_FAILED_INIT;
	enum https_result result = result_of(h->curl, code, &g);
	if (result != HTTPS_OK && !reply->why[0])
		snprintf(reply->why, sizeof(reply->why), "%s", curl_easy_strerror(code));
	curl_easy_reset(h->curl);
	curl_slist_free_all(resolve);
	return result;
}
