/* evidence: from an alert and what came with it to a file, and the check that the file proves it. Lives in the output
 * process. */
#ifndef EVIDENCE_H
#define EVIDENCE_H
#include "error.h"
#include "evidence_dir.h"
#include "evidence_file.h"
#include "rule_site.h"

struct run;
struct evidence;

/* What --evidence-budget says. false: e says which word is wrong. */
bool evidence_budget_read(const char *text, struct evidence_budget *budget, struct error *e);
/* The digests of the rules in that directory and the site's own, and of the trust anchors (NULL: the root's own). */
bool evidence_digests(struct evidence_context *c, const char *rules, struct rule_site *site, const char *anchors,
		      struct error *e);

/* NULL: no memory. */
struct evidence *evidence_new(const struct run *run);
void evidence_free(struct evidence *e);
/* What comes in front of the alerts of one session: its packets (which ends what was there; no octets: they were not
 * kept), and each proof. false: it is not possible, or there is no room. */
bool evidence_exhibit(struct evidence *e, struct bytes record);
bool evidence_proof(struct evidence *e, struct bytes record);
/* The MTA-STS policy that the session was judged by. */
void evidence_policy(struct evidence *e, struct bytes record);
/* That was each proof; record not empty: there were more. */
void evidence_proved(struct evidence *e, struct bytes record);
/* The session is another: what was kept is not its. */
void evidence_forget(struct evidence *e);
/* Writes the file of this alert, repeats the verdict from it, and sets mxwitness.evidence.* of the alert. false: there is no
 * file, and the alert says why. All alerts before this one have been written out. */
bool evidence_alert(struct evidence *e, struct record *alert);
#endif
