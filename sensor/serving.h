/* serving: the resolver process at work for a judge: questions in, answers and proofs out, many at a time. What `read` and
 * `watch` have in common. */
#ifndef SERVING_H
#define SERVING_H
#include <poll.h>

#include "run.h"

/* open     questions whose answer was not sent yet; held: answer is one of them that found no room
 * proving  proof is being sent, up to message proved; whole: it has all */
struct serving {
	struct resolver *resolver;
	struct channel *judge;
	struct dns_proof *proof;
	unsigned open;
	bool held, proving, whole;
	size_t proved;
	enum resolverfault fault;
	struct question question;
	struct answer answer;
};

/* Closes the sandbox of this process and opens the resolver in it. judge: its channel; forwarder: our end of the pair with the
 * forwarder process, or -1. false: e says why. */
bool serving_begin(struct serving *s, const struct run *run, struct channel *judge, int forwarder, struct error *e);
void serving_end(struct serving *s);
/* A message of the link (CH_DNS). false: it was not kept. */
bool serving_store(struct serving *s, struct bytes record);
/* Messages of the link were lost. */
void serving_gap(struct serving *s);
/* May more questions come? */
bool serving_room(const struct serving *s);
/* Does what can be done now: takes the questions that are here already (channel_fill), sends the answers that are known. A
 * CH_HELLO among them is from a new judge: what was asked before it is dropped. Never waits for the judge: what it does not take
 * stays here, and no more questions are taken meanwhile.
 * false: the judge is gone, or sent what it must not. */
bool serving_work(struct serving *s);
/* Would serving_work do something at once? */
bool serving_ready(const struct serving *s);
/* What to wait for on the judge's channel otherwise: its room, or its questions, or (fd -1) nothing. */
struct pollfd serving_poll(const struct serving *s);
#endif
