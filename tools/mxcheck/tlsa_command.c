/* tlsa_command: see tlsa_command.h. One record for each certificate of a file: 3 1 1 for a server's, 2 1 1 for an authority's
 * (RFC 7671 5, RFC 7672 3.1). Nothing is printed unless all files could be read. */
#include "tlsa_command.h"

#include <getopt.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mail_domain.h"

/* CERTIFICATES of one file; RDATA: octets of the longest TLSA record (RFC 1035 3.2.1); ANY: --usage was not given */
enum { CERTIFICATES = 64, RDATA = 65535, ANY = -1, USAGE_TA = 2, USAGE_EE = 3 };

static const char usage[] =
	"usage: mxcheck tlsa [options] CERT.pem...\n"
	"\n"
	"Prints the TLSA records to publish for a mail server's certificate (3 1 1) or a certificate authority's (2 1 1).\n"
	"\n"
	"  --host NAME      the MX host: owner of the records; without it they have none\n"
	"  --port N         of the owner (default 25)\n"
	"  --usage N        3: the first certificate of each file; 2: the authorities' (default: by what each certificate is)\n"
	"  --selector N     1: public key (default); 0: whole certificate\n"
	"  --type N         1: SHA-256 (default); 2: SHA-512; 0: all of it\n";

struct tlsa_options {
	char host[MAIL_DOMAIN_MAX + 1];
	int port, usage, selector, type;
	bool help;
};

static bool number(const char *name, const char *text, long low, long high, int *out, struct error *e)
{
	char *end;
	long n = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n < low || n > high)
		return error_set(e, "--%s %s: give a number from %ld to %ld", name, text, low, high);
	*out = (int)n;
	return true;
}

static bool set_host(const char *text, struct tlsa_options *o, struct error *e)
{
	struct error why = { "" };
	return mail_domain_read((struct bytes){ (const uint8_t *)text, strlen(text) }, o->host, &why) ||
	       error_set(e, "--host: %.200s", why.text);
}

static bool set_usage(const char *text, struct tlsa_options *o, struct error *e)
{
	if (strcmp(text, "0") == 0 || strcmp(text, "1") == 0)
		return error_set(e, "--usage %s: mail servers do not use it (RFC 7672 3.1.3); give 2 or 3", text);
	return number("usage", text, USAGE_TA, USAGE_EE, &o->usage, e);
}

static bool options_read(int argc, char **argv, struct tlsa_options *o, struct error *e)
{
	static const struct option names[] = {
		{ "host", 1, NULL, 'n' }, { "port", 1, NULL, 'p' }, { "usage", 1, NULL, 'u' }, { "selector", 1, NULL, 's' },
		{ "type", 1, NULL, 't' }, { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	*o = (struct tlsa_options){ .port = 25, .usage = ANY, .selector = 1, .type = 1 };
	int c;
	bool ok = true;
	opterr = 0;
	while (ok && (c = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (c) {
		case 'n': ok = set_host(optarg, o, e); break;
		case 'p': ok = number("port", optarg, 1, 65535, &o->port, e); break;
		case 'u': ok = set_usage(optarg, o, e); break;
		case 's': ok = number("selector", optarg, 0, 1, &o->selector, e); break;
		case 't': ok = number("type", optarg, 0, 2, &o->type, e); break;
		case 'h': o->help = true; break;
		default: ok = error_set(e, "%s: no such option, or its value is missing; see mxcheck tlsa --help", argv[optind - 1]);
		}
	}
	if (ok && !o->help && optind == argc)
		return error_set(e, "tlsa: name a file with a certificate in PEM");
	return ok;
}

/* An authority's. A server's own that is self-signed often says CA too, but has DNS names. */
static bool is_authority(X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool dns = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		dns = dns || sk_GENERAL_NAME_value(names, i)->type == GEN_DNS;
	GENERAL_NAMES_free(names);
	return X509_check_ca(x) == 1 && !dns;
}

/* The usage of the record for the certificate at this place of its file; ANY: it gets none. */
static int usage_of(X509 *x, size_t place, int wanted)
{
	if (wanted == USAGE_EE)
		return place == 0 ? USAGE_EE : ANY;
	if (wanted == USAGE_TA)
		return X509_check_ca(x) == 1 ? USAGE_TA : ANY;
	return is_authority(x) ? USAGE_TA : USAGE_EE;
}

/* Two comment lines: the subject, with what is no printable ASCII escaped, and the last day. */
static void print_comment(X509 *x, BIO *out)
{
	BIO_puts(out, "; ");
	X509_NAME_print_ex(out, X509_get_subject_name(x), 0, XN_FLAG_RFC2253);
	BIO_puts(out, "\n; not after ");
	ASN1_TIME_print(out, X509_get0_notAfter(x));
	BIO_puts(out, "\n");
}

static bool print_data(const uint8_t *data, size_t n, int type, BIO *out)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned size;
	if (type != 0) {
		if (EVP_Digest(data, n, digest, &size, type == 1 ? EVP_sha256() : EVP_sha512(), NULL) != 1)
			return false;
		data = digest;
		n = size;
	}
	for (size_t i = 0; i < n; i++)
		BIO_printf(out, "%02x", data[i]);
	BIO_puts(out, "\n");
	return true;
}

static bool print_record(X509 *x, int use, const struct tlsa_options *o, BIO *out)
{
	uint8_t *der = NULL;
	int n = o->selector == 1 ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der) : i2d_X509(x, &der);
	bool ok = n > 0 && (o->type != 0 || n <= RDATA - 3);
	if (ok) {
		print_comment(x, out);
		if (o->host[0])
			BIO_printf(out, "_%d._tcp.%s. IN ", o->port, o->host);
		BIO_printf(out, "TLSA %d %d %d ", use, o->selector, o->type);
		ok = print_data(der, (size_t)n, o->type, out);
	}
	OPENSSL_free(der);
	return ok;
}

static bool read_one(const char *file, X509 *x, size_t place, const struct tlsa_options *o, BIO *out, size_t *records, struct error *e)
{
	int use = usage_of(x, place, o->usage);
	if (use == ANY)
		return true;
	++*records;
	return print_record(x, use, o, out) || error_set(e, "%s: certificate %zu: no record can be made of it", file, place + 1);
}

static bool read_all(const char *file, BIO *in, const struct tlsa_options *o, BIO *out, struct error *e)
{
	size_t place = 0, records = 0;
	X509 *x;
	bool ok = true;
	while (ok && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		ok = place < CERTIFICATES ? read_one(file, x, place, o, out, &records, e)
					  : error_set(e, "%s: more than %d certificates", file, CERTIFICATES);
		place++;
		X509_free(x);
	}
	if (!ok)
		return false;
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return error_set(e, "%s: certificate %zu cannot be read", file, place + 1);
	if (place == 0)
		return error_set(e, "%s: no certificate in PEM is in it", file);
	return records || error_set(e, "%s: no certificate in it is an authority's, as --usage 2 needs", file);
}

static bool read_file(const char *file, const struct tlsa_options *o, BIO *out, struct error *e)
{
	ERR_clear_error();
	BIO *in = BIO_new_file(file, "r");
	if (!in)
		return error_set(e, "%s: cannot be opened", file);
	bool ok = read_all(file, in, o, out, e);
	BIO_free(in);
	return ok;
}

static bool print_files(char *const *file, const struct tlsa_options *o, struct error *e)
{
	BIO *out = BIO_new(BIO_s_mem());
	bool ok = out || error_set(e, "no memory");
	for (; ok && *file; file++)
		ok = read_file(*file, o, out, e);
	char *text = NULL;
	long n = ok ? BIO_get_mem_data(out, &text) : 0;
	if (ok && (fwrite(text, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout) != 0))
		ok = error_set(e, "standard output: cannot be written");
	BIO_free(out);
	return ok;
}

int tlsa_command(int argc, char **argv)
{
	struct tlsa_options o;
	struct error e = { "" };
	bool ok = options_read(argc, argv, &o, &e);
	if (ok && o.help)
		fputs(usage, stdout);
	else if (ok)
		ok = print_files(argv + optind, &o, &e);
	if (!ok)
		fprintf(stderr, "mxcheck: %s\n", e.text);
	return ok ? 0 : 2;
}
