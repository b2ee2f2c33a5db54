/* sts_keep: see sts_keep.h. RFC 8461 3.3, 5.1, 8.3, 10.2. */
#include "sts_keep.h"

#define NS INT64_C(1000000000)
#define DAY (86400 * NS)

static const char *const words[] = {
	[REFETCH_NONE] = "none", [REFETCH_OK] = "ok", [REFETCH_FETCH_ERROR] = "sts-policy-fetch-error",
	[REFETCH_INVALID] = "sts-policy-invalid", [REFETCH_WEBPKI] = "sts-webpki-invalid",
};

/* A file that says it was fetched in the future is of a clock that was wrong: it does not hold. */
static bool holds(const struct sts_file *f, int64_t now)
{
	return f && f->held.fetched <= now && now < sts_until(&f->held);
}

bool sts_keep_due(const struct sts_file *old, struct bytes id, int64_t now)
{
	if (!holds(old, now))
		return id.n > 0;
	int64_t quarter = old->held.policy.max_age * NS / 4;
	int64_t left = sts_until(&old->held) - now;
	return left < DAY || left < quarter || (id.n > 0 && !bytes_eq(id, old->held.id));
}

static void earlier(struct sts_held *out, uint8_t mode, int64_t until, int64_t now)
{
	if (mode <= out->policy.mode || mode <= out->earlier || until <= now)
		return;
	out->earlier = mode;
	out->earlier_until = until;
}

void sts_keep_new(const struct sts_file *old, const char *domain, struct bytes id, const struct sts_policy *policy, int64_t now,
		  struct sts_file *out)
{
	_Static_assert(stsmode_none == 0 && stsmode_none < stsmode_testing && stsmode_testing < stsmode_enforce, "stricter is more");
	*out = (struct sts_file){
		.held = { .domain = bytes_of(domain), .id = id, .fetched = now, .policy = *policy },
		.refetch = REFETCH_OK, .refetched = now,
	};
	if (id.n == 0 && old)
		out->held.id = old->held.id;
	out->held.mode_since = old && old->held.policy.mode == policy->mode ? old->held.mode_since : now;
	if (out->held.mode_since == 0) /* written before this was noted */
		out->held.mode_since = old->held.fetched;
	if (holds(old, now))
		earlier(&out->held, old->held.policy.mode, sts_until(&old->held), now);
	if (old)
		earlier(&out->held, old->held.earlier, old->held.earlier_until, now);
}

void sts_keep_failed(const struct sts_file *old, enum sts_refetch word, int64_t now, struct sts_file *out)
{
	*out = *old;
	out->refetch = (uint8_t)word;
	out->refetched = now;
}

static void put_line(struct text *out, const char *key, struct bytes value)
{
	text_put(out, key);
	text_put(out, ": ");
	text_bytes(out, value);
	text_char(out, '\n');
}

static void put_time(struct text *out, const char *key, int64_t ns)
{
	text_put(out, key);
	text_put(out, ": ");
	text_num(out, ns / NS);
	text_char(out, '\n');
}

void sts_keep_write(const struct sts_file *f, struct bytes text, struct text *out)
{
	text_put(out, "mxwitness-sts: 1\n");
	put_line(out, "domain", f->held.domain);
	put_time(out, "fetched", f->held.fetched);
	if (f->held.id.n)
		put_line(out, "id", f->held.id);
	if (f->refetch != REFETCH_NONE)
		put_line(out, "refetch", bytes_of(words[f->refetch]));
	if (f->refetched)
		put_time(out, "refetched", f->refetched);
	if (f->held.earlier != stsmode_none) {
		put_line(out, "earlier-mode", bytes_of(fact_table[F_sts_mode].words[f->held.earlier]));
		put_time(out, "earlier-until", f->held.earlier_until);
	}
	if (f->held.mode_since)
		put_time(out, "mode-since", f->held.mode_since);
	text_char(out, '\n');
	text_bytes(out, text);
}

struct bytes sts_keep_policy(struct bytes file)
{
	for (size_t i = 1; i < file.n; i++)
		if (file.p[i - 1] == '\n' && file.p[i] == '\n')
			return bytes_skip(file, i + 1);
	return (struct bytes){ file.p, 0 };
}

const char *sts_keep_word(enum sts_refetch word)
{
	return words[word];
}

bool sts_keep_text(const char *media)
{
	static const char plain[] = "text/plain";
	struct bytes b = bytes_of(media);
	size_t n = sizeof(plain) - 1;
	if (!bytes_eq_nocase(bytes_head(b, n), bytes_of(plain)))
		return false;
	return b.n == n || b.p[n] == ';' || b.p[n] == ' ' || b.p[n] == '\t';
}
