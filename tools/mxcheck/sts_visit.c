/* sts_visit: see sts_visit.h. First the TXT record, then, when it is time, the address of the policy host and the page at
 * it; nobody else is asked. What makes a text a policy is sts.h's to say, what is kept of it sts_keep's. */
#include "sts_visit.h"

#include <stdio.h>
#include <stdlib.h>

#include "sts_keep.h"

enum { HTTP_OK = 200 };

struct visitor {
	struct lookup *lookup;
	struct https *https;
	struct lookup_txt txt;
	struct lookup_addresses addresses;
	struct https_reply reply;
	struct sts_file old, new;
	struct bytes old_text;
	bool have;
	uint8_t body[STS_OCTETS], old_room[STS_CACHE_FILE], new_room[STS_CACHE_FILE];
};

static const char *const faults[] = {
	[STS_OK] = "", [STS_LONG] = "longer than is read", [STS_SYNTAX] = "a line, or field, that RFC 8461 does not have",
	[STS_VERSION] = "no version STSv1", [STS_MODE] = "no known mode", [STS_AGE] = "no max_age of at most ten digits",
	[STS_NO_MX] = "no mx", [STS_NO_ID] = "no id of 1 to 32 letters and digits", [STS_NOT_ONE] = "more than one record",
};

struct visitor *visitor_new(const char *servers, struct error *e)
{
	struct visitor *w = calloc(1, sizeof(*w));
	if (w && (w->https = https_new()) != NULL) {
		w->lookup = lookup_new(servers, e);
		if (w->lookup)
			return w;
	} else {
		error_set(e, "no memory");
	}
	visitor_free(w);
	return NULL;
}

void visitor_free(struct visitor *w)
{
	if (!w)
		return;
	lookup_free(w->lookup);
	https_free(w->https);
	free(w);
}

static void fail(struct visit *v, enum sts_refetch word, const char *what, const char *why)
{
	v->result = VISIT_FAILED;
	v->refetch = word;
	snprintf(v->why, sizeof(v->why), "%s%s%s", what, *why ? ": " : "", why);
}

static void note(struct visit *v, const char *text)
{
	size_t n = strlen(v->trail);
	snprintf(v->trail + n, sizeof(v->trail) - n, "%s%s", n ? "; " : "", text);
}

/* The policy that is in the folder, for the one who prints it. */
static void show(struct visit *v, const struct sts_file *f, int64_t now)
{
	if (sts_until(&f->held) <= now)
		return;
	v->mode = f->held.policy.mode;
	v->max_age = f->held.policy.max_age;
	v->until = sts_until(&f->held);
	memcpy(v->id, f->held.id.p, f->held.id.n);
	v->id[f->held.id.n] = 0;
}

/* true: id is what the record says, without octets when there is none. false: the DNS does not say. */
static bool ask_id(struct visitor *w, const struct visit_means *m, struct visit *v, struct bytes *id)
{
	char name[HOST_MAX + 1], why[LOOKUP_WHY];
	snprintf(name, sizeof(name), "_mta-sts.%s", v->domain);
	*id = (struct bytes){ 0 };
	enum lookup_result r = lookup_sts(w->lookup, name, m->ms, &w->txt, why);
	if (r == LOOKUP_FAILED) {
		fail(v, REFETCH_NONE, "TXT record", why);
		return false;
	}
	enum sts_fault fault = r == LOOKUP_FOUND ? sts_txt_read(w->txt.record, w->txt.n, id) : STS_OK;
	note(v, r == LOOKUP_NONE ? "no TXT record" : "TXT record");
	if (r == LOOKUP_FOUND && fault)
		snprintf(v->why, sizeof(v->why), "the TXT record is none: %s", faults[fault]);
	return true;
}

static bool ask_host(struct visitor *w, const struct visit_means *m, struct visit *v, const char *host)
{
	char why[LOOKUP_WHY];
	switch (lookup_host(w->lookup, host, m->ms, m->inside, &w->addresses, why)) {
	case LOOKUP_NONE:
		fail(v, REFETCH_FETCH_ERROR, host, "has no address");
		return false;
	case LOOKUP_FAILED:
		fail(v, REFETCH_FETCH_ERROR, host, why);
		return false;
	case LOOKUP_FOUND:
		break;
	}
	for (size_t i = 0; i < w->addresses.n; i++)
		note(v, w->addresses.text[i]);
	if (w->addresses.n)
		return true;
	fail(v, REFETCH_FETCH_ERROR, host, "has addresses of private networks only (--inside asks there too)");
	return false;
}

static bool check_reply(struct visit *v, enum https_result r, const struct https_reply *reply)
{
	char text[32];
	snprintf(text, sizeof(text), "HTTP %ld", reply->status);
	if (reply->status)
		note(v, text);
	if (r == HTTPS_UNTRUSTED)
		fail(v, REFETCH_WEBPKI, "certificate of the policy host", reply->why);
	else if (r == HTTPS_FAILED)
		fail(v, REFETCH_FETCH_ERROR, "policy host", reply->why);
	else if (reply->status >= 300 && reply->status < 400)
		fail(v, REFETCH_FETCH_ERROR, text, "redirects are not followed (RFC 8461 3.3)");
	else if (reply->status != HTTP_OK)
		fail(v, REFETCH_FETCH_ERROR, text, "");
	else if (r == HTTPS_LONG)
		fail(v, REFETCH_INVALID, "the policy", faults[STS_LONG]);
	else if (!sts_keep_text(reply->media))
		fail(v, REFETCH_FETCH_ERROR, "media type is not text/plain", reply->media);
	else
		return true;
	return false;
}

/* true: policy borrows from w->body. */
static bool fetch(struct visitor *w, const struct visit_means *m, struct visit *v, struct sts_policy *policy)
{
	char host[HOST_MAX + 1];
	snprintf(host, sizeof(host), "mta-sts.%s", v->domain);
	if (!ask_host(w, m, v, host))
		return false;
	struct https_request q = { .host = host, .path = "/.well-known/mta-sts.txt", .ca_file = m->ca_file, .port = m->port,
				   .addresses = &w->addresses, .ms = m->ms };
	w->reply.body = w->body;
	w->reply.room = sizeof(w->body);
	enum https_result r = https_get(w->https, &q, &w->reply);
	if (!check_reply(v, r, &w->reply))
		return false;
	enum sts_fault fault = sts_policy_read((struct bytes){ w->body, w->reply.n }, policy);
	if (fault)
		fail(v, REFETCH_INVALID, "the policy", faults[fault]);
	return fault == STS_OK;
}

static bool write_file(struct visitor *w, const struct visit_means *m, struct visit *v, struct bytes policy)
{
	struct text out = { .p = (char *)w->new_room, .cap = sizeof(w->new_room) };
	struct error e;
	sts_keep_write(&w->new, policy, &out);
	if (sts_folder_write(m->folder, v->domain, (struct bytes){ w->new_room, out.n }, &e))
		return true;
	fail(v, v->refetch, e.text, "");
	return false;
}

static void refresh(struct visitor *w, const struct visit_means *m, int64_t now, struct bytes id, struct visit *v)
{
	const struct sts_file *old = w->have ? &w->old : NULL;
	struct sts_policy policy;
	if (fetch(w, m, v, &policy)) {
		sts_keep_new(old, v->domain, id, &policy, now, &w->new);
		v->result = VISIT_FETCHED;
		v->refetch = REFETCH_OK;
		if (write_file(w, m, v, (struct bytes){ w->body, w->reply.n }))
			show(v, &w->new, now);
	} else if (old) {
		sts_keep_failed(old, v->refetch, now, &w->new);
		write_file(w, m, v, sts_keep_policy(w->old_text));
	}
}

/* How it stands when there is no reason to fetch. */
static void rest(struct visitor *w, struct bytes id, struct visit *v)
{
	v->result = !v->until ? VISIT_NONE : id.n ? VISIT_UNCHANGED : VISIT_KEPT;
	v->refetch = w->have && v->until ? (enum sts_refetch)w->old.refetch : REFETCH_NONE;
}

void sts_visit(struct visitor *w, const struct visit_means *m, int64_t now, struct visit *v)
{
	const char *why;
	struct bytes id;
	memset(v->id, 0, sizeof(*v) - offsetof(struct visit, id));
	w->have = sts_folder_read(m->folder, v->domain, w->old_room, &w->old_text, &w->old, &why);
	if (w->have)
		show(v, &w->old, now);
	else if (why)
		note(v, why);
	bool told = ask_id(w, m, v, &id);
	bool due = sts_keep_due(w->have ? &w->old : NULL, id, now);
	if (due)
		refresh(w, m, now, id, v);
	else if (told)
		rest(w, id, v);
}
