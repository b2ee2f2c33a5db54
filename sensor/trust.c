/* trust: see trust.h. The files are read by the supervisor, before anything that came from a network. */
#include "trust.h"

#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUNDLE_MAX = 8 << 20 };

/* Where systems keep them, when the library's own place has none. */
static const char *const bundles[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
				       "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem" };

const char *trust_system_file(void)
{
	const char *file = getenv(X509_get_default_cert_file_env());
	if (file && *file)
		return access(file, R_OK) == 0 ? file : NULL;
	if (access(X509_get_default_cert_file(), R_OK) == 0)
		return X509_get_default_cert_file();
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return NULL;
}

/* Certificates that became trusted; -1: e says why. */
static int load(struct peer *p, const char *path, struct error *e)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		error_set(e, "%s: cannot read the trusted certificates: %s", path, strerror(errno));
		return -1;
	}
	uint8_t *buf = malloc(BUNDLE_MAX);
	size_t n = buf ? fread(buf, 1, BUNDLE_MAX, f) : 0;
	bool whole = buf && !ferror(f) && n < BUNDLE_MAX;
	fclose(f);
	int certs = whole ? peer_trust(p, (struct bytes){ buf, n }) : -1;
	free(buf);
	if (certs < 0)
		error_set(e, "%s: ca_file: not a file of PEM certificates, or one of them cannot be read; it is at most %d MiB "
			  "of them", path, BUNDLE_MAX >> 20);
	return certs;
}

struct peer *trust_open(const struct site *site, struct error *e)
{
	struct peer *p = peer_new();
	struct error ignored;
	if (!p) {
		error_set(e, "no memory for the trusted certificates");
		return NULL;
	}
	if (strcmp(site->ca_file, "none") == 0)
		return p;
	if (site->ca_file[0]) {
		if (load(p, site->ca_file, e) >= 0)
			return p;
		peer_free(p);
		return NULL;
	}
	if (load(p, X509_get_default_cert_file(), &ignored) >= 0)
		return p;
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (load(p, bundles[i], &ignored) >= 0)
			break;
	return p;
}
