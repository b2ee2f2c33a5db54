/* tls: the clear part of a TLS handshake, both directions, and the lengths of what is encrypted after it
 * (TLS 1.0-1.3, SSL 3.0; an SSL 2.0 ClientHello is noticed).
 *
 *	switch (tls_next(t, dir, v.data, &ev, &used, &skip)) {
 *	case PARSE_OK:   observe_tls(...); used and skip as below; and again with what is left
 *	case PARSE_MORE: used and skip as below; wait for octets
 *	case PARSE_BAD:  not TLS; this direction is finished here, the caller reads it as text
 *	}
 *	always: stream_drop(ss, dir, used); if (skip) stream_skip(ss, dir, skip);
 *
 * Each direction is read for itself; what needs both is asked at the end. So the result does not depend on how the
 * directions interleave. */
#ifndef TLS_H
#define TLS_H
#include "packet.h"
#include "pool.h"
#include "record.h"
#include "wire/tls_hello.h"

/* TLS_RECORDS   application-data records of a direction whose lengths are kept; then octets are only counted
 * TLS_MESSAGE_SMALL, TLS_MESSAGE_MAX   block sizes for messages that must be kept or put together; a longer message
 *               is passed over, and limit set
 * TLS_SUITES, TLS_GROUPS    offered suites and groups that are kept */
enum { TLS_RECORDS = 8, TLS_MESSAGE_SMALL = 8 * 1024, TLS_MESSAGE_MAX = 128 * 1024, TLS_SUITES = 192, TLS_GROUPS = 64 };

/* Memory of all TLS parsers of one process. */
struct tls_memory {
	struct pool small, large;
};

/* Splits budget octets over the pools; false: no memory, or budget under 256 KiB. */
bool tls_memory_init(struct tls_memory *mem, size_t budget);
void tls_memory_free(struct tls_memory *mem);

enum tls_event_type {
	TLS_EV_CLIENT_HELLO, /* client: not for the second one, after a HelloRetryRequest */
	TLS_EV_SSL2_HELLO,   /* a ClientHello in the SSL 2.0 frame: nothing of it is read but the version */
	TLS_EV_HELLO_RETRY,  /* server */
	TLS_EV_SERVER_HELLO, /* server */
	TLS_EV_CERTIFICATE,  /* the server's certificate_list (TLS <= 1.2): tls_chain */
	TLS_EV_KEY_EXCHANGE, /* ServerKeyExchange with an ephemeral key */
	TLS_EV_ALERT         /* alert in clear */
};

/* dir     who sent it
 * client, server, exchange   the message; spans borrow from the octets given, or from a block that is free again and of which
 *         the first octets are gone (the random is in struct tls), until the next call
 * version  TLS_EV_SSL2_HELLO         level, code  TLS_EV_ALERT */
struct tls_event {
	enum tls_event_type type;
	enum dir dir;
	union {
		struct tls_client_hello client;
		struct tls_server_hello server;
		struct tls_key_exchange exchange;
	};
	uint16_t version;
	uint8_t level, code;
};

/* What a direction is at. */
enum tls_phase {
	TLS_CLEAR,     /* handshake messages in clear */
	TLS_ENCRYPTED, /* after ChangeCipherSpec, or the first application-data record */
	TLS_TAIL,      /* past TLS_RECORDS application-data records: octets are not looked at any more */
	TLS_LOST,      /* octets are missing, or a message could not be followed: nothing more is known */
	TLS_NOT        /* PARSE_BAD */
};

/* One direction. Fields below "phase" are for reading, those above are private to tls.c.
 * phase     see above              seen    a whole record header was read
 * messages  handshake messages that began in clear
 * records   application-data records, at most TLS_RECORDS; lengths of each, headers not counted
 * octets    taken, skips included  tail    what octets was where lengths stopped to be kept: after the last kept
 *           record (TLS_TAIL), or before the gap (TLS_LOST)
 * ccs       ChangeCipherSpec       finished  an encrypted handshake record came behind it (TLS <= 1.2: Finished)
 * closed    an encrypted alert came (TLS <= 1.2)                      gap     octets are missing
 * fatal     a fatal alert in clear came before this side's Finished, code is that of the first
 * went_on   and behind it a whole handshake message, or its Finished: the alert was not the last word */
struct tls_side {
	uint8_t *buffer;
	uint32_t want, have, pass, left;
	uint8_t header[4], nheader;
	bool large;

	enum tls_phase phase;
	bool seen, ccs, finished, closed, gap, fatal, went_on;
	uint8_t records, code;
	uint16_t lengths[TLS_RECORDS], messages;
	uint64_t octets, tail;
};

/* Both directions. Fields are for reading.
 * version, suite, group   negotiated; 0 unseen. group: key_share or the curve of ServerKeyExchange
 * versions      offered, TLS_V_ bits         suites_cut, groups_cut  more were offered than are kept
 * scsv          TLS_FALLBACK_SCSV among the suites            random  of [C2S] ClientHello and [S2C] ServerHello
 * session_id    of [C2S] ClientHello and [S2C] ServerHello
 * retry         HelloRetryRequest seen       sentinel, psk, etm   as in tls_server_hello
 * certificate   tls_chain has the server's certificate_list
 * full          a message that only a full handshake has came from the server (Certificate, KeyExchange, Done)
 * hello_done    ServerHelloDone came: the server's part of TLS <= 1.2 is whole up to there
 * limit         a bound or a dry pool cost a message */
struct tls {
	struct tls_memory *mem;
	struct tls_side side[2];
	uint8_t *chain, *proof;
	uint32_t nchain, nproof;
	bool chain_large, proof_block;
	uint16_t version, suite, group, sentinel, nsuites, ngroups;
	uint16_t suites[TLS_SUITES], groups[TLS_GROUPS];
	uint8_t versions, random[2][32], session_id[2][32], nsession_id[2];
	bool scsv, groups_cut, suites_cut, key_exchange;
	bool client_hello, server_hello, certificate, retry, psk, etm, early_data, ech, full, hello_done, alert, ssl2, limit;
};

void tls_init(struct tls *t, struct tls_memory *mem);

/* The next event of direction dir in the octets in, which are contiguous.
 * used   out, always set: octets of in to drop
 * skip   out, always set: further octets of this direction, behind those, that are of no interest and not to be given
 * PARSE_OK: ev is set; call again. PARSE_MORE: nothing more in these octets. PARSE_BAD: text or anything else where a
 * record was due: it begins at used, and the direction gives nothing any more. Never PARSE_LONG. */
enum parse tls_next(struct tls *t, enum dir dir, struct bytes in, struct tls_event *ev, size_t *used, uint64_t *skip);

/* n octets of dir are missing, those not counted that fell to a skip. The record frame is lost with the first one.
 * n 0 is allowed and says nothing. */
void tls_gap(struct tls *t, enum dir dir, uint64_t n);

/* tls_side_done: nothing more is to be learnt from dir: only count it. tls_done: from both. */
bool tls_side_done(const struct tls *t, enum dir dir);
bool tls_done(const struct tls *t);

/* The server's certificate_list (TLS <= 1.2), each certificate with its 3-octet length in front, as sent; kept until
 * tls_release. Empty when it was not seen. */
struct bytes tls_chain(const struct tls *t);

/* What shows that the server holds the key of the first certificate of that list: a value of key_proof.h, kept as
 * long. Empty: no such exchange, or something of it was not seen, or there was no room. */
struct bytes tls_proof(const struct tls *t);

/* Answers about both directions, from what was seen so far.
 * tls_complete  the handshake completed. TRI_NO: all octets are there, and it has not. TRI_UNSEEN: octets or a
 *               direction are missing. TLS <= 1.2: an encrypted Finished of each side; of one that has sent application
 *               data when the other is not seen. TLS 1.3: ServerHello, and an encrypted client record as long as Finished
 * tls_resumed   an earlier session was resumed
 * tls_finished  TLS 1.3: index in side[C2S].lengths of the client's Finished; -1: none, or TLS <= 1.2 */
enum tri tls_complete(const struct tls *t);
enum tri tls_resumed(const struct tls *t);
int tls_finished(const struct tls *t);

/* tls_is13: the version is TLS 1.3 or one of its drafts. */
bool tls_is13(uint16_t version);

/* Gives all blocks back; the rest stays readable. */
void tls_release(struct tls *t);
#endif
