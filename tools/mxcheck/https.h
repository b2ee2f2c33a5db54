/* https: one page over HTTPS, from addresses that the caller names, through libcurl. */
#ifndef HTTPS_H
#define HTTPS_H
#include "bytes.h"
#include "error.h"
#include "lookup.h"

enum { HTTPS_WHY = 300, HTTPS_MEDIA = 80 };

/* What came of it. */
enum https_result {
	HTTPS_OK,         /* status, media and body are set */
	HTTPS_FAILED,     /* no whole reply: no connection, no TLS, no HTTP, too late */
	HTTPS_UNTRUSTED,  /* the certificate is not for this host, not valid now, or from no authority that is trusted */
	HTTPS_LONG        /* the body is larger than the room for it */
};

/* host       a name, also for SNI and the certificate
 * port       of TCP
 * path       with its slash
 * addresses  to connect to; no other is
 * ca_file    PEM: the authorities to trust; NULL: those of the system
 * ms         for all of it */
struct https_request {
	const char *host, *path, *ca_file;
	uint16_t port;
	const struct lookup_addresses *addresses;
	int ms;
};

/* body, room  of the caller; n octets came. status: of HTTP; 0: there was no reply. A media type too long is none. why: text for people, of foreign octets too */
struct https_reply {
	uint8_t *body;
	size_t room, n;
	long status;
	char media[HTTPS_MEDIA], why[HTTPS_WHY];
};

/* https_begin: once, before threads. false: e. */
bool https_begin(struct error *e);

struct https;
/* https_new: one for each thread. NULL: no memory. */
struct https *https_new(void);
void https_free(struct https *h);
/* https_get: GET, by TLS 1.2 or later; follows no redirect, asks no proxy, sends no cookie and keeps none, reuses no connection.
 * The certificate must have host among its DNS names (RFC 8461 3.3); its subject does not count. */
enum https_result https_get(struct https *h, const struct https_request *q, struct https_reply *reply);
#endif
