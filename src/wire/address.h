/* address: an IP address as peers write it in a dialogue. */
#ifndef ADDRESS_H
#define ADDRESS_H
#include "packet.h"

/* Reads text as an IPv4 or IPv6 address, all of it: dotted quad without leading zeros, or RFC 4291 2.2. An IPv4-mapped
 * IPv6 address (RFC 4291 2.5.5.2) is the IPv4 address it stands for. false: it is none; out is not touched. */
bool address_read(struct bytes text, struct addr *out);
/* The address in an RFC 5321 4.1.3 literal without its brackets, or in XCLIENT's form: "IPv6:" in any case may stand in
 * front of an IPv6 address, and only of one. */
bool address_read_tagged(struct bytes text, struct addr *out);
#endif
