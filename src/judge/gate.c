/* gate: what each verdict needs, and what was missing for it. Silence of a sensor must not be mistaken for health, so
 * a session that could not be judged says so, judgement by judgement.
 *
 * The facts themselves are unseen where something was missing; here stands only why, and whether anybody should
 * have expected an answer. It knows no rule, and changes no other fact. */
#include "judge/gate.h"

enum { FEW_PACKETS = 3 };

static bool yes(const struct record *r, enum fact f)
{
	return record_get_tri(r, f) == TRI_YES;
}

static int64_t num(const struct record *r, enum fact f)
{
	return record_get_num(r, f, 0);
}

/* What may have hidden octets of the session; lack_COUNT: nothing did. The one that hides most comes first. */
static enum lack hidden_by(const struct record *s)
{
	if (yes(s, F_cap_midstream))
		return lack_midstream;
	if (yes(s, F_cap_one_direction))
		return lack_one_direction;
	if (yes(s, F_cap_gap_dialogue) || num(s, F_cap_gap_c2s) > 0 || num(s, F_cap_gap_s2c) > 0)
		return lack_gap;
	return yes(s, F_cap_limit) ? lack_limit : lack_COUNT;
}

/* The same; where nothing was hidden, the session itself did not come that far. */
static enum lack lack_of(const struct record *s)
{
	enum lack why = hidden_by(s);
	return why == lack_COUNT ? lack_not_complete : why;
}

/* TLS, or the way into it, was seen: what would have been said in clear is no question any more. */
static bool tls_began(const struct record *s)
{
	return yes(s, F_tls_seen) || num(s, F_smtp_stls_code) == 220 ||
	       record_get_num(s, F_service, service_mx) == service_submissions;
}

static enum lack offer(const struct record *s)
{
	bool refused = num(s, F_smtp_ehlo_code) >= 300;
	bool said = record_has(s, F_smtp_ehlo) || record_has(s, F_smtp_ehlo_code);
	if (tls_began(s) || refused || record_has(s, F_smtp_offered))
		return lack_COUNT;
	return said ? lack_of(s) : hidden_by(s);
}

static enum lack use(const struct record *s)
{
	bool offered = record_get_tri(s, F_smtp_offered) != TRI_NO;
	if (tls_began(s) || !offered || record_has(s, F_smtp_requested))
		return lack_COUNT;
	return hidden_by(s);
}

static enum lack refusal(const struct record *s)
{
	bool due = yes(s, F_smtp_requested) && !yes(s, F_tls_seen) && !record_has(s, F_smtp_stls_code);
	return due ? lack_of(s) : lack_COUNT;
}

static bool ended(const struct record *s)
{
	int64_t end = record_get_num(s, F_cap_end, endhow_none);
	return end == endhow_fin || end == endhow_rst;
}

/* One octet of a message is enough to say yes, whatever else is missing; TLS that stands is enough to say no. */
static enum lack content(const struct record *s)
{
	if (yes(s, F_mirror) && yes(s, F_smtp_after_220))
		return lack_hidden;
	if (num(s, F_smtp_content) > 0 || yes(s, F_tls_established))
		return lack_COUNT;
	enum lack why = hidden_by(s);
	return why == lack_COUNT && !ended(s) ? lack_not_complete : why;
}

static enum lack negotiation(const struct record *s)
{
	bool both = yes(s, F_tls_hello_c) && yes(s, F_tls_hello_s);
	return yes(s, F_tls_seen) && !both ? lack_of(s) : lack_COUNT;
}

/* A chain that was seen counts when the client took it, or refused it: until then it is only what somebody sent. */
static enum lack shown(const struct record *s)
{
	bool decided = yes(s, F_tls_established) || record_get_num(s, F_tls_alert_side, side_COUNT) == side_client;
	return decided ? lack_COUNT : lack_of(s);
}

static enum lack certificate(const struct record *s)
{
	if (!yes(s, F_tls_seen) || yes(s, F_tls_anonymous))
		return lack_COUNT;
	if (record_get_num(s, F_tls_cert_vis, visibility_hidden) == visibility_visible)
		return shown(s);
	switch ((enum hiddenby)record_get_num(s, F_tls_cert_hidden, hiddenby_none)) {
	case hiddenby_tls13:
	case hiddenby_resumed:
	case hiddenby_ech:
		return lack_hidden;
	case hiddenby_anonymous:
		return lack_COUNT;
	case hiddenby_none:
	case hiddenby_gap:
	case hiddenby_one_direction:
	case hiddenby_midstream:
	case hiddenby_handshake_incomplete:
	case hiddenby_COUNT:
		break;
	}
	return lack_of(s);
}

/* Who wrote a packet is told by comparing it with the others of its side. */
static enum lack interference(const struct record *s)
{
	bool due = record_get_num(s, F_cap_end, endhow_none) == endhow_rst || record_has(s, F_tcp_rst_at) ||
		   num(s, F_cap_conflicts) > 0 || yes(s, F_tls_stalled);
	if (!due)
		return lack_COUNT;
	if (yes(s, F_cap_midstream) || yes(s, F_cap_one_direction) || yes(s, F_cap_limit))
		return lack_of(s);
	if (yes(s, F_cap_lossy))
		return lack_lossy;
	bool few = num(s, F_src_packets) < FEW_PACKETS || num(s, F_dst_packets) < FEW_PACKETS;
	return few ? lack_few_packets : lack_COUNT;
}

static enum lack missing_for(enum judgement what, const struct record *s)
{
	switch (what) {
	case judgement_offer:
		return offer(s);
	case judgement_use:
		return use(s);
	case judgement_refusal:
		return refusal(s);
	case judgement_content:
		return content(s);
	case judgement_negotiation:
		return negotiation(s);
	case judgement_certificate:
		return certificate(s);
	case judgement_interference:
		return interference(s);
	case judgement_COUNT:
		break;
	}
	return lack_COUNT;
}

void gate_judge(struct record *session)
{
	enum lack why[judgement_COUNT];
	record_unset(session, F_unknown_what); /* the record comes from another process, which has no say in these */
	record_unset(session, F_unknown_why);
	for (int i = 0; i < judgement_COUNT; i++)
		why[i] = missing_for((enum judgement)i, session);
	for (int i = 0; i < judgement_COUNT; i++)
		if (why[i] != lack_COUNT)
			record_add_num(session, F_unknown_what, i);
	for (int i = 0; i < judgement_COUNT; i++)
		if (why[i] != lack_COUNT)
			record_add_num(session, F_unknown_why, why[i]);
}
