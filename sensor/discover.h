/* discover: what a site looks like from its traffic: counts of who spoke to whom, and a configuration proposed from them, each
 * entry with the counts that led to it. A proposal is to be read by a person: it rests on packets that anybody may send.
 * Does no input or output; bounded. */
#ifndef DISCOVER_H
#define DISCOVER_H
#include "dns_message.h"
#include "record.h"
#include "text.h"
#include "wire/pipeline.h"

struct discover;

/* port, n: the mail ports that are looked at. NULL: no memory. */
struct discover *discover_new(const struct mail_port *port, size_t n);
void discover_free(struct discover *d);
/* A session that is over, and a DNS message of the link. */
void discover_session(struct discover *d, const struct record *session);
void discover_dns(struct discover *d, const struct dns_message *m);
/* The proposal, a YAML file; at most DISCOVER_TEXT octets. whole: everything given was read. */
void discover_write(struct discover *d, bool whole, struct text *out);

enum { DISCOVER_TEXT = 512 * 1024 };
#endif
