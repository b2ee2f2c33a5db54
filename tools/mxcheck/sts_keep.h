/* sts_keep: what of an MTA-STS policy is kept, and when it is time to fetch it again; the file is that of sts_cache.h. No
 * clock, no files: time is given. */
#ifndef STS_KEEP_H
#define STS_KEEP_H
#include "sts_cache.h"
#include "text.h"

/* sts_keep_due: is the policy to be fetched?
 * old  what the folder has; NULL: nothing
 * id   of the TXT record; n 0: there is no record, or it could not be had
 * now  ns since 1970
 * A policy is fetched for an id that is not the one it was fetched for, and, whatever the TXT record says, when less than a day
 * or a quarter of its max_age is left: who can keep the record from us must not thereby end the promise (RFC 8461 10.2).
 * Without a policy that holds, no record is no reason to fetch. */
bool sts_keep_due(const struct sts_file *old, struct bytes id, int64_t now);

/* sts_keep_new: a policy was fetched at now.
 * old  what the folder had, or NULL
 * out  the header of the new file; its earlier policy is the strictest of those that still hold and are stricter than this
 *      one: that which it replaces, or the one that this had replaced. Its mode is as old as that of old, if that was the same */
void sts_keep_new(const struct sts_file *old, const char *domain, struct bytes id, const struct sts_policy *policy, int64_t now,
		  struct sts_file *out);
/* sts_keep_failed: the policy stays as it is, and the attempt is noted (RFC 8461 5.1). */
void sts_keep_failed(const struct sts_file *old, enum sts_refetch word, int64_t now, struct sts_file *out);
/* sts_keep_write: the file of f, with text as its policy, to out, which wants STS_CACHE_FILE octets. */
void sts_keep_write(const struct sts_file *f, struct bytes text, struct text *out);
/* sts_keep_policy: the policy's own text in the octets of a file that sts_file_read takes. */
struct bytes sts_keep_policy(struct bytes file);
/* sts_keep_word: RFC 8460 4.3.2; "ok" for REFETCH_OK. */
const char *sts_keep_word(enum sts_refetch word);
/* sts_keep_text: is it the media type text/plain, with or without parameters (RFC 8461 3.2)? */
bool sts_keep_text(const char *media);
#endif
