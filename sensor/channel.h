/* channel: records between our processes, over one end of a pair of sequenced-packet sockets.
 *
 * A record is its kind, its length and its octets. Writing gathers records and sends several whole ones as one message, so
 * that who takes over the other end from a process that died reads on at a record. A full socket makes the writer wait
 * (a file can wait), or, in the live sensor, say so. Reading hands out spans into the channel's own buffer. Nothing here
 * looks into a record: who receives it checks it. */
#ifndef CHANNEL_H
#define CHANNEL_H
#include "packet.h"

enum channel_kind {
	CH_SESSION = 1, /* capture to judge: the record, which says how long it is, u32 length of the certificate_list, the
			 * list, and the proof of its key (key_proof.h), which may be empty, to the end */
	CH_DNS,         /* capture to resolver: a DNS message (dns_message.h) */
	CH_NOTE,        /* to output: one line for the user, "e" or "i" in front: an error that makes the run incomplete, or not */
	CH_PROGRESS,    /* capture by judge to output: struct progress */
	CH_STATS,       /* capture to judge: a record with the counters of the capture */
	CH_QUESTION,    /* judge to resolver: struct question */
	CH_ANSWER,      /* resolver to judge: struct answer */
	CH_EVENT,       /* judge to output: a record */
	CH_EXHIBIT,     /* capture to judge, in front of the session; judge to output, in front of its alerts: exhibit.h */
	CH_PROVE,       /* judge to resolver: questions that were asked for one session */
	CH_PROOF,       /* resolver to judge to output: u8 length of a text, what it is in words, a DNS message as CH_DNS has it:
			 * one that their answers rest on; without addresses: put together from what was seen */
	CH_PROVED,      /* resolver to judge to output: that was all of them; not empty: there were more */
	CH_POLICY,      /* judge to output, behind CH_EXHIBIT: the file of the MTA-STS policy that the session was judged by (sts_cache.h) */
	CH_ACK,         /* u64: records up to that number need not be kept any more. Of `mxwitness judge` the question too: has the
			 * output written all that came before? Its answer is empty if it cannot */
	CH_HELLO,       /* from who has begun anew: what was not acknowledged is needed again */
	CH_END,         /* nothing follows */
	CH_KINDS
};

enum { CHANNEL_RECORD_MAX = 256 * 1024 };

/* done, total  octets of input read and in all (0 unknown); sessions, alerts so far */
struct progress {
	uint64_t done, total, sessions, alerts;
};

struct channel;

/* The two ends of one channel, close-on-exec, with room for several messages. false: errno says why. */
bool channel_pair(int fd[2]);
/* Takes over fd. NULL: no memory. */
struct channel *channel_new(int fd);
/* Sends what is left and closes. */
void channel_free(struct channel *c);
int channel_fd(const struct channel *c);

/* Puts a record together from up to two parts. false: the other side is gone, or n over CHANNEL_RECORD_MAX. */
bool channel_send(struct channel *c, enum channel_kind kind, struct bytes head, struct bytes tail);
/* Sends what is gathered. false: the other side is gone. */
bool channel_flush(struct channel *c);

enum channel_room { CHANNEL_SENT, CHANNEL_FULL, CHANNEL_GONE };
/* The same two, but they never wait: FULL means that nothing was taken, or that not all was sent, because the other side
 * has not read what is there. */
enum channel_room channel_offer(struct channel *c, enum channel_kind kind, struct bytes head, struct bytes tail);
enum channel_room channel_push(struct channel *c);
/* Is something gathered that was not sent? */
bool channel_pending(const struct channel *c);

/* The next record; waits for it. record is a loan until the next call. false: the other side closed, or sent
 * what cannot be a record; the rest of that message is dropped, so that who goes on reading comes to the next one. */
bool channel_recv(struct channel *c, enum channel_kind *kind, struct bytes *record);
/* Is a whole record here already, so that channel_recv would not wait? */
bool channel_ready(const struct channel *c);
/* Reads one message when nothing is ready; waits for it, channel_look does not. false as channel_recv. */
bool channel_fill(struct channel *c);
bool channel_look(struct channel *c);
#endif
