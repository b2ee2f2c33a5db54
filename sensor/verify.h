/* verify: the verdict of an evidence file once more, from the file alone: the same line of processes as `read`, in capture
 * mode, without any network; and how it compares with the alert in the file. */
#ifndef VERIFY_H
#define VERIFY_H
#include "bytes.h"
#include "judge/known.h"
#include "options.h"

struct record;
struct run;
struct channel;

enum verify_status { VERIFY_SAME, VERIFY_DIFFERS, VERIFY_UNREADABLE };

/* text: in one line, what was reproduced, what differs, or what is wrong with the file. path: which file, as a number, between
 * proc_verifier and who asks it; 0: nobody has asked yet. */
struct verify_result {
	uint64_t path;
	enum verify_status status;
	char text[1024];
};

/* What an evidence file says of itself, for the processes that repeat its verdict: alert and context as JSON; policy: the file of
 * the MTA-STS policy (sts_cache.h), or empty. */
struct claim {
	struct bytes alert, context, policy;
};

/* What the claim says of the place, which no packet can show: network.direction, mxwitness.vantage, own.*, decrypted_mirror,
 * greeted_as_other and policy.*, put into the session for site_judge's and policy_judge's. */
void claim_site(const struct claim *claim, struct record *session);
/* Is this among what the claim says that the identity rests on? */
bool claim_source(const struct claim *claim, const char *source);
/* Whom the claim says that the configuration, the watch list or the history knew for this server. */
void claim_known(const struct claim *claim, const struct record *session, struct known *known);

/* Until when (ns) a promise that was withdrawn was kept, 0: none was. */
int64_t claim_kept(const struct claim *claim);
/* Which authorities the site trusted is in no packet either: of a chain that was checked, the claim says whether it led to one of
 * them (pkix: untrusted, self-signed, incomplete-chain), and all else is found anew. */
void claim_trust(const struct claim *claim, struct record *session);
/* What the claim says of earlier sessions (history.*) and of whose sensor it was, which this one cannot show either, and the
 * promise that rests on the former. */
void claim_history(const struct claim *claim, struct record *session);

/* run: rules, trust anchors and certificates that are used. */
void verify_file(const struct run *run, const char *path, struct verify_result *result);
/* `mxwitness verify`; the exit status. */
int verify_command(const struct options *o);
/* The last process of that line: compares the alerts of the judge with the claim, and writes the result to run->out. Its
 * exit status is the enum verify_status. */
int proc_compare(const struct run *run, struct channel *judge);
#endif
