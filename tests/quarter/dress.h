/* dress: one session's facts. What a session looks like comes from a real capture (tests/pcaps, read once by the
 * sensor): the facts of the wire of such a session, in which is put what differs: who, when, whose greeting, whose
 * certificate. What is promised is put in as the judge would know it (promise_judge, sts_judge), and the outcome is
 * the judge's own. */
#ifndef QUARTER_DRESS_H
#define QUARTER_DRESS_H
#include "judge/site.h"
#include "record.h"
#include "world.h"

/* Each is a capture, and the number of a session in it: shape_capture. */
enum shape {
	S_TLS13,
	S_TLS12,
	S_RESUMED,
	S_CLEAR,
	S_GREY,
	S_CLEAR_QUIT,
	S_REFUSED,
	S_REFUSED_QUIT,
	S_RESET,
	S_ALERT,
	S_UNUSED,
	S_MONITOR,
	S_PROBE,
	S_TLS12_REFUSED,
	S_TLS13_REFUSED,
	S_BANNER,
	S_ANSWERED,
	S_DANCE,
	S_WEAK,
	S_REWRITE,
	S_CONFLICT,
	S_RST,
	S_SENTINEL,
	S_ATTEMPT,
	SHAPES
};
const char *shape_capture(enum shape shape);

/* The session to be: shape, who and when.
 * masked     the offer is there, but not readable (XXXXXXXA)
 * forged     the certificate is an interceptor's; alike: with the names of the right one
 * elsewhere  redirected: not the server's own address
 * spoofed    a client that is none of ours, invented: its number
 * gap        octets are missing from the dialogue
 * one_side   only the client was seen
 * dns_fails  nothing is known from the DNS at this time
 * S_ATTEMPT is a connection that did not come about
 * rollover   the key is new, and its TLSA record is not yet published */
struct visit {
	enum shape shape;
	int server, client;
	int64_t at;
	uint32_t number, spoofed;
	bool masked, forged, alike, elsewhere, gap, one_side, dns_fails, rollover;
};

struct dresser {
	struct record shape[SHAPES];
	struct site site;
	const struct world *world;
};

/* templates: a file with a line for each shape, in their order: the session as an event. false: it says on stderr
 * why not. */
bool dresser_read(struct dresser *d, const char *templates);
void dress(const struct dresser *d, const struct visit *v, struct record *session);
#endif
