/* verdict: what libunbound said, as an answer: the parts that live and captured DNS have in common. */
#ifndef VERDICT_H
#define VERDICT_H
#include <unbound.h>

#include "question.h"
#include "wire/dns_wire.h"

/* a is a new answer to q, without status. */
void verdict_begin(struct answer *a, const struct question *q);
/* A reason for people into a->why, cut to fit. */
void verdict_say(struct answer *a, const char *text);
/* libunbound's reason (may be NULL) into a->why, without the address of its upstream on loopback. */
void verdict_copy_reason(struct answer *a, const char *why);
/* The records of res, sorted by their octets: the order in which they came is nobody's. */
void verdict_copy_data(struct answer *a, const struct ub_result *res);
/* From libunbound's own packet: the dates of the signatures over the answer or the denial into a (after
 * verdict_copy_data), and a denial's SOA: its minimum and its zone, untouched when there is none. */
void verdict_read_packet(struct answer *a, const struct ub_result *res, uint32_t *minimum, struct dns_name *zone);
/* Where CNAMEs led from name, into *canon (name itself: nowhere) and a->canonname. */
void verdict_find_canon(struct answer *a, const struct ub_result *res, const struct dns_name *name,
			struct dns_name *canon);
/* Status and data of a result that is no failure and not bogus; the dates of its signatures and its TTL are not read. */
void verdict_copy(struct answer *a, const struct ub_result *res, const struct dns_name *name, struct dns_name *canon);
/* "TLSA", or "TYPE65280" written to buffer. */
const char *verdict_type_text(uint16_t type, char *buffer, size_t cap);
#endif
