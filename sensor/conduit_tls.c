/* conduit_tls: see conduit_tls.h. Knows no message. RFC 5425 4.2 and 5, RFC 6125. */
#include "conduit_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "trust.h"

/* A key with a passphrase would ask for it on a terminal. */
static int no_passphrase(char *buf, int size, int rw, void *u)
{
	(void)buf, (void)size, (void)rw, (void)u;
	return 0;
}

static const char *why(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	return reason ? reason : "it cannot be read";
}

static void date_of(const ASN1_TIME *t, char text[11])
{
	struct tm tm;
	if (!t || !ASN1_TIME_to_tm(t, &tm) || !strftime(text, 11, "%Y-%m-%d", &tm))
		strcpy(text, "?");
}

static bool tls_anchors(SSL_CTX *tls, const char *ca, struct error *e)
{
	const char *file = ca ? ca : trust_system_file();
	if (!file)
		return error_set(e, "this system has no file of certificate authorities: name one by ca");
	if (SSL_CTX_load_verify_file(tls, file) == 1)
		return true;
	return error_set(e, "%s: no certificate authorities: %s", file, why());
}

static bool tls_identity(SSL_CTX *tls, const char *cert, const char *key, struct error *e)
{
	char date[11];
	if (!cert && !key)
		return true;
	if (!cert || !key)
		return error_set(e, "cert and key belong together: name both");
	if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1)
		return error_set(e, "%s: no certificate: %s", cert, why());
	if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
			return error_set(e, "%s is not the key of the certificate in %s", key, cert);
		return error_set(e, "%s: no key, or one with a passphrase: %s", key, why());
	}
	const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(tls));
	date_of(end, date);
	if (X509_cmp_current_time(end) < 0)
		return error_set(e, "%s: the certificate expired on %s: get a new one", cert, date);
	return true;
}

SSL_CTX *conduit_tls_new(const struct output_settings *o, struct error *e)
{
	ERR_clear_error();
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	if (!tls) {
		error_set(e, "TLS cannot be used: %s", why());
		return NULL;
	}
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_default_passwd_cb(tls, no_passphrase);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (tls_anchors(tls, o->ca, e) && tls_identity(tls, o->cert, o->key, e))
		return tls;
	SSL_CTX_free(tls);
	return NULL;
}

SSL *conduit_tls_client(SSL_CTX *tls, int fd, const char *name)
{
	struct in6_addr a;
	bool address = inet_pton(AF_INET, name, &a) == 1 || inet_pton(AF_INET6, name, &a) == 1;
	SSL *ssl = SSL_new(tls);
	if (!ssl)
		return NULL;
	bool good = SSL_set_fd(ssl, fd) == 1;
	SSL_set_connect_state(ssl);
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (address)
		good = good && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	else
		good = good && SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
	if (good)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

/* What the receiver says of our certificate comes as an alert: 1000 and its number (RFC 8446 6.2). */
static bool of_our_certificate(int reason)
{
	switch (reason - SSL_AD_REASON_OFFSET) {
	case SSL3_AD_BAD_CERTIFICATE:
	case SSL3_AD_UNSUPPORTED_CERTIFICATE:
	case SSL3_AD_CERTIFICATE_REVOKED:
	case SSL3_AD_CERTIFICATE_EXPIRED:
	case SSL3_AD_CERTIFICATE_UNKNOWN:
	case TLS1_AD_UNKNOWN_CA:
	case TLS1_AD_ACCESS_DENIED:
	case SSL3_AD_HANDSHAKE_FAILURE:
	case TLS13_AD_CERTIFICATE_REQUIRED:
		return true;
	default:
		return false;
	}
}

bool conduit_tls_verdict(long verdict, const char *name, char *text, size_t size)
{
	if (verdict == X509_V_OK)
		return false;
	if (verdict == X509_V_ERR_CERT_HAS_EXPIRED)
		snprintf(text, size, "its certificate, or one that it comes from, has expired: it needs a new one");
	else if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
		snprintf(text, size, "its certificate is not for %s: see server_name", name);
	else
		snprintf(text, size, "its certificate is not trusted: %s: see ca", X509_verify_cert_error_string(verdict));
	return true;
}

void conduit_tls_why(SSL *ssl, const char *name, char *text, size_t size)
{
	unsigned long error = ERR_peek_error();
	if (conduit_tls_verdict(SSL_get_verify_result(ssl), name, text, size))
		return;
	if (of_our_certificate(ERR_GET_REASON(error))) {
		snprintf(text, size, "it refuses us: %s: see cert and key", ERR_reason_error_string(error));
	} else {
		const char *reason = error ? ERR_reason_error_string(error) : NULL;
		snprintf(text, size, "TLS failed: %s", reason ? reason : "the connection was closed");
	}
}
