/* sts_cache: the folder of MTA-STS policies that the operator, or a companion of the sensor, fetched over HTTPS
 * (RFC 8461 3.3). The sensor only reads it.
 *
 * One file a domain, DOMAIN.sts: the domain in lower case, A-labels, no trailing dot. Whoever writes it writes another
 * file in the folder, whose name does not end in .sts, and renames it: a reader sees the old one or the new one whole.
 * A header, one line a key, each ended by LF, then an empty line, then the policy as the server gave it:
 *
 *	mxwitness-sts: 1                 always the first line
 *	domain: example.org              must be that of the name of the file
 *	fetched: 1795593600              seconds since 1970: when the server last gave this policy
 *	id: 20261125T080000              optional: of the TXT record at that time (RFC 8461 3.1)
 *	refetch: ok                      optional: what the last attempt came to: ok, or an RFC 8460 4.3.2 word:
 *	                                 sts-policy-fetch-error sts-policy-invalid sts-webpki-invalid
 *	refetched: 1795680000            optional: when that was
 *	earlier-mode: enforce            optional: mode of a policy that this one replaced while it still held
 *	earlier-until: 1798272000        and when it would have ended; both or none
 *	mode-since: 1795000000           optional: since when the policies that it gave had this mode, without another between
 *	                                 an empty line
 *	version: STSv1
 *	mode: testing
 *	...
 *
 * An unknown key, one that comes twice, or anything else that is not as above: the file says nothing, and is counted.
 * A failed refetch does not end a policy (RFC 8461 5.1), so it is no reason to change fetched or the policy. */
#ifndef STS_CACHE_H
#define STS_CACHE_H
#include "error.h"
#include "judge/sts.h"

/* STS_CACHE_FILE   octets of one file: a policy and its header
 * STS_CACHE_FILES  policies that are read; the rest is counted */
enum { STS_CACHE_FILE = STS_OCTETS + 2048, STS_CACHE_FILES = 65536 };

/* What the last attempt to fetch a policy came to, by the words of the fact. */
enum sts_refetch {
	REFETCH_NONE = stsfetch_none, REFETCH_OK = stsfetch_ok, REFETCH_FETCH_ERROR = stsfetch_error, REFETCH_INVALID = stsfetch_invalid,
	REFETCH_WEBPKI = stsfetch_webpki
};

/* held       spans borrow from text, which is all of the file
 * refetch    enum sts_refetch
 * refetched  ns since 1970; 0: not known */
struct sts_file {
	struct sts_held held;
	struct bytes text;
	uint8_t refetch;
	int64_t refetched;
};

/* sts_file_read: one file of the folder. name: DOMAIN.sts, without a folder. why: constant text when it answers false. */
bool sts_file_read(const char *name, struct bytes text, struct sts_file *out, const char **why);

struct sts_cache;

/* sts_cache_load: all policies of dir. Memory is taken here and nowhere else. A file that cannot be read is passed over
 * and counted in sts_cache_bad. NULL: no such folder, or no memory; e says why. sts_cache_free takes NULL. */
struct sts_cache *sts_cache_load(const char *dir, struct error *e);
void sts_cache_free(struct sts_cache *c);
/* sts_cache_one: a cache of the one file of which this is the text (copied), named by its domain line. NULL: it is none, or no
 * memory. */
struct sts_cache *sts_cache_one(struct bytes text);
/* sts_cache_stamp: a number that is another when a file of dir was renamed, removed or written. false: dir cannot be read. */
bool sts_cache_stamp(const char *dir, uint64_t *stamp);
/* sts_cache_find: the policy of exactly this domain (ASCII case and one trailing dot do not count), or NULL. On loan until
 * sts_cache_free. */
const struct sts_file *sts_cache_find(const struct sts_cache *c, struct bytes domain);
/* sts_cache_count: policies; sts_cache_bad: files passed over; bad_name, bad_why: the first of them, "" when there is
 * none. */
size_t sts_cache_count(const struct sts_cache *c);
size_t sts_cache_bad(const struct sts_cache *c, const char **bad_name, const char **bad_why);
#endif
