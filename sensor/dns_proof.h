/* dns_proof: the DNS messages that answers rest on, gathered for the file that shows them to others. Knows nothing of how
 * they were found. */
#ifndef DNS_PROOF_H
#define DNS_PROOF_H
#include "dns_message.h"
#include "text.h"

/* DNS_PROOF_OCTETS  of all messages        DNS_PROOF_MESSAGES  most of them */
enum { DNS_PROOF_OCTETS = 2 << 20, DNS_PROOF_MESSAGES = 512, DNS_PROOF_TEXT = 300 };

struct dns_proof;

/* NULL: no memory. */
struct dns_proof *dns_proof_new(void);
void dns_proof_free(struct dns_proof *p);
/* Forgets all. */
void dns_proof_clear(struct dns_proof *p);
/* Copies m and its text, once: the same octets of the same time between the same addresses are one message. false: no room. */
bool dns_proof_add(struct dns_proof *p, const struct dns_message *m, struct bytes text);
/* Message i, in the order in which they were added; a loan until dns_proof_clear. false: there are only i. */
bool dns_proof_get(const struct dns_proof *p, size_t i, struct dns_message *m, struct bytes *text);
#endif
