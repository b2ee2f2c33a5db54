/* outcome: what happened to the mail, from what was readable in clear, what the lengths of encrypted
 * records tell, and whether the peer was the right one.
 *
 * It knows no rule and no severity. Inside TLS nothing is read: "inferred" is as much as lengths can say, and whoever
 * has not seen both directions whole does not get "not delivered". */
#include "judge/outcome.h"

/* MAIL_OCTETS, MAIL_RECORDS  more than this from the client inside TLS is more than an envelope: EHLO, MAIL, RCPT and
 *                            QUIT fit below. A sender that pipelines (RFC 2920) needs three: EHLO; MAIL, RCPT and
 *                            DATA at once; the content, with QUIT behind it
 * FINISHED_*                 a TLS 1.3 client's Finished as application-data record; it comes within the first four,
 *                            behind its Certificate and CertificateVerify if it has any */
enum { MAIL_OCTETS = 1536, MAIL_RECORDS = 3, FINISHED_SHA256 = 53, FINISHED_SHA384 = 69, FINISHED_WITHIN = 4 };

/* An alert of TLS 1.3 as application-data record, close_notify as a rule (RFC 8446 5.2, 6.1). Nothing of SMTP is as short. */
enum { ALERT13 = 19 };

static bool yes(const struct record *r, enum fact f)
{
	return record_get_tri(r, f) == TRI_YES;
}

/* Something may have happened that is not in the record. */
static bool hidden(const struct record *s)
{
	int64_t end = record_get_num(s, F_cap_end, endhow_none);
	return yes(s, F_cap_gap_dialogue) || yes(s, F_cap_midstream) || yes(s, F_cap_one_direction) ||
	       yes(s, F_cap_limit) || record_get_num(s, F_cap_gap_c2s, 0) > 0 ||
	       (end != endhow_fin && end != endhow_rst);
}

static bool is_tls13(const struct record *s)
{
	return bytes_eq(record_get_str(s, F_tls_version), bytes_of("1.3"));
}

/* Records and octets of the client behind its Finished. */
static void client_mail(const struct record *s, int64_t *records, int64_t *octets)
{
	struct bytes item;
	int64_t skipped = 0, count = 0, skip = 0;
	bool tls13 = is_tls13(s);
	for (size_t pos = 0; record_next(s, F_tls_rec_c2s, &pos, &item);) {
		int64_t n = record_item_num(item);
		count++;
		skipped += n;
		if (tls13 && skip == 0 && count <= FINISHED_WITHIN && (n == FINISHED_SHA256 || n == FINISHED_SHA384)) {
			skip = count;
			*octets = skipped;
		}
	}
	*records = count - skip;
	*octets = record_get_num(s, F_tls_app_c2s, 0) - (skip ? *octets : 0);
	*octets = record_get_num(s, F_smtp_after_tls, *octets);
}

static enum delivery delivery_in_tls(const struct record *s)
{
	int64_t records, octets = 0;
	if (yes(s, F_tls_refusal))
		return delivery_no;
	client_mail(s, &records, &octets);
	if (octets > MAIL_OCTETS && records >= MAIL_RECORDS)
		return delivery_inferred;
	bool silent = octets <= 0 || (is_tls13(s) && records == 1 && octets == ALERT13);
	return silent && !hidden(s) ? delivery_no : delivery_unknown;
}

static bool holds(struct bytes text, const char *part)
{
	return text.n && memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* A suite that encrypts nothing (RFC 4492 6, RFC 5246 A.5, RFC 9150): who listens reads the mail, as we could. */
static bool null_cipher(const struct record *s)
{
	struct bytes suite = record_get_str(s, F_tls_cipher);
	return holds(suite, "_NULL_") || holds(suite, "TLS_SHA256_SHA256") || holds(suite, "TLS_SHA384_SHA384");
}

/* A peer that a sender with MTA-STS refuses (RFC 8461 4): the policy does not name it, or its certificate, seen, does not
 * stand by the web's rules. Where DANE passes, a sender need not ask for more. */
static bool refused_by_sts(const struct record *s)
{
	if (record_get_num(s, F_sts_mode, stsmode_none) == stsmode_none ||
	    record_get_num(s, F_dane_verdict, daneverdict_COUNT) == daneverdict_match)
		return false;
	return record_get_tri(s, F_sts_mx) == TRI_NO || record_get_num(s, F_pkix, pkix_not_checked) == pkix_invalid;
}

/* A peer that the site's own entries do not take: not the key, the authority or the name that they give; or, where only a good
 * certificate will do, one that is good by nothing. */
static bool refused_by_policy(const struct record *s)
{
	enum tri pin = record_get_tri(s, F_policy_pin);
	if (pin == TRI_NO || record_get_tri(s, F_policy_names) == TRI_NO)
		return true;
	bool good = pin == TRI_YES || record_get_num(s, F_dane_verdict, daneverdict_COUNT) == daneverdict_match;
	return yes(s, F_policy_requiretls) && !good && record_get_num(s, F_pkix, pkix_not_checked) == pkix_invalid;
}

static enum outcome outcome_in_tls(const struct record *s, enum delivery *delivery)
{
	*delivery = delivery_in_tls(s);
	if (*delivery == delivery_no)
		return outcome_not_delivered;
	if (null_cipher(s) && *delivery == delivery_inferred)
		return outcome_clear_content;
	/* A client that asked for another name, or for none, may well have been shown another certificate. */
	if (record_get_num(s, F_dane_verdict, daneverdict_COUNT) == daneverdict_mismatch &&
	    record_get_num(s, F_dane_variant, danevariant_none) != danevariant_wrong_sni)
		return outcome_tls_bad_peer;
	if (refused_by_sts(s) || refused_by_policy(s))
		return outcome_tls_bad_peer;
	return null_cipher(s) ? outcome_unknown : outcome_tls_ok;
}

/* Accepted and delivered are what the server said about clear content. A session may hold several messages: one that
 * was accepted makes it yes. */
static enum yesno accepted_in_clear(const struct record *s)
{
	if (record_get_num(s, F_smtp_messages, 0) > 0)
		return yesno_yes;
	return record_get_num(s, F_smtp_messages_refused, 0) > 0 ? yesno_no : yesno_unknown;
}

static enum delivery delivery_in_clear(enum yesno accepted)
{
	switch (accepted) {
	case yesno_yes:
		return delivery_seen;
	case yesno_no:
		return delivery_no;
	case yesno_unknown:
	case yesno_COUNT:
		break;
	}
	return delivery_unknown;
}

static bool secret_in_clear(const struct record *s)
{
	return record_get_num(s, F_smtp_auth_class, authclass_other) == authclass_secret && yes(s, F_smtp_auth_response);
}

/* What was exposed comes before what was protected later in the same session; mail to a wrong peer before an envelope. */
static enum outcome after_tls(const struct record *s, enum delivery *delivery)
{
	enum outcome in_tls = outcome_in_tls(s, delivery);
	if (in_tls == outcome_clear_content)
		return in_tls;
	if (secret_in_clear(s))
		return outcome_clear_auth;
	bool envelope = record_get_num(s, F_smtp_transactions, 0) > 0;
	return envelope && in_tls != outcome_tls_bad_peer ? outcome_clear_envelope : in_tls;
}

/* What follows the 220 in clear is what an inspecting device saw inside TLS, if the site says so: what the wire carries is
 * not known, what became of the mail is. */
static bool mirrored(const struct record *s)
{
	return yes(s, F_mirror) && yes(s, F_smtp_after_220);
}

static enum outcome outcome_of(const struct record *s, enum delivery *delivery)
{
	bool content = record_get_num(s, F_smtp_content, 0) > 0, over = !hidden(s) || yes(s, F_tls_rejected13);
	*delivery = content ? delivery_in_clear(accepted_in_clear(s)) : over ? delivery_no : delivery_unknown;
	if (mirrored(s))
		return outcome_unknown;
	if (content)
		return outcome_clear_content;
	if (yes(s, F_tls_established))
		return after_tls(s, delivery);
	if (secret_in_clear(s))
		return outcome_clear_auth;
	if (record_get_num(s, F_smtp_transactions, 0) > 0)
		return outcome_clear_envelope;
	return over ? outcome_not_delivered : outcome_unknown;
}

static void put_outcome(struct record *s)
{
	enum delivery delivery;
	enum outcome outcome = outcome_of(s, &delivery);
	record_num(s, F_outcome, outcome);
	record_num(s, F_delivery, delivery);
	record_unset(s, F_accepted); /* the record comes from another process, which has no say in it */
	if (outcome == outcome_clear_content)
		record_num(s, F_accepted, accepted_in_clear(s));
}

static void put_event_outcome(struct record *s)
{
	bool refused = record_get_num(s, F_smtp_stls_code, 0) >= 400 || (yes(s, F_smtp_after_220) && !mirrored(s));
	const char *text = "unknown";
	if (yes(s, F_tls_established))
		text = "success";
	else if (yes(s, F_tls_failed) || refused)
		text = "failure";
	record_cstr(s, F_event_outcome, text);
}

void outcome_judge(struct record *session)
{
	put_outcome(session);
	put_event_outcome(session);
}
