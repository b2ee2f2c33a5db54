/* evidence_file: one alert and what proves it as the octets of one pcapng file, and what such a file says of itself.
 *
 * Interface 0 has the packets of the session as captured, secrets covered; interface 1, of the same link type, the DNS
 * messages that the verdict rests on, each as a UDP datagram of its own. The section header has three options: a comment for
 * people, and as custom options (Private Enterprise Number 32473, which RFC 5612 leaves to everybody, hence the word in
 * front) the alert as JSON, what it was made with, and, where the session was judged by one, the MTA-STS policy (sts_cache.h). Each packet has a comment that leads through the case, and a custom
 * option of 40 octets: "mxw1", how many octets were captured before secrets at the end were cut (32 bits, big-endian), and
 * the SHA-256 of its octets in this file, zeros where they decide nothing. */
#ifndef EVIDENCE_FILE_H
#define EVIDENCE_FILE_H
#include "dns_message.h"
#include "exhibit.h"
#include "record.h"

enum { EVIDENCE_FILE_MAX = 8 << 20, EVIDENCE_PROOFS = 512, EVIDENCE_PROOF_OCTETS = 2 << 20, EVIDENCE_PEN = 32473 };
/* EVIDENCE_POLICY_MAX  octets of the policy of a mail domain that one option holds; more of it is left out */
enum { EVIDENCE_MARK = 40, EVIDENCE_POLICY_MAX = 65000 };
#define EVIDENCE_ALERT "mxwitness alert\n"
#define EVIDENCE_CONTEXT "mxwitness context\n"
#define EVIDENCE_POLICY "mxwitness policy\n"
#define EVIDENCE_MAGIC "mxw1"

/* What an alert was made with: SHA-256 of rules and trust anchors in hex, and the mail ports
 * and others as on the command line. */
struct evidence_context {
	char rules[65], anchor[65], other_ports[8];
	const char *ports, *dns;
};

/* A DNS message, and what it is, in words. Without addresses it was put together from what was seen. */
struct evidence_proof {
	struct dns_message m;
	struct bytes text;
};

/* exhibit  as exhibit_check let it pass; empty: there is none        policy   of the mail domain, as its file has it, or empty
 * lost     something is not in the file: a proof that
 * found no room, a packet of another link type than the first */
struct evidence_case {
	struct bytes exhibit, policy;
	struct evidence_proof proof[EVIDENCE_PROOFS];
	size_t proofs;
	bool lost;
};

/* Writes the file to out, EVIDENCE_FILE_MAX octets. alert: without what exists only afterwards. frames: out, the numbers of
 * the packets that decide, at most RECORD_ITEMS; nframes: how many. Returns its size; 0: it does not fit. */
size_t evidence_compose(struct evidence_case *c, const struct record *alert, const struct evidence_context *context,
			uint8_t *out, uint32_t *frames, size_t *nframes);
/* Where in the file's first octets alert and context stand. false: this is no evidence file, or it is damaged there. */
bool evidence_parts(struct bytes head, struct bytes *alert, struct bytes *context);
/* The policy in the same octets; empty: there is none. */
struct bytes evidence_policy_part(struct bytes head);
/* Reads a mark: was and digest (32 octets, or NULL: it decides nothing). false: it is none. */
bool evidence_mark(struct bytes option, uint32_t *was, const uint8_t **digest);
#endif
