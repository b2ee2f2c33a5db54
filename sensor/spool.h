/* spool: events that wait on disk for one receiver, as they will be sent. One process writes (the output), another reads and
 * sends (deliver.h); what they share is the folder. Two series of files, one of alerts and one of all else, so that the
 * oldest of the latter can go when there is no more room, and alerts only when nothing else is left. Together they are read in the
 * order in which they were written.
 *
 * A record in a file has its length and a checksum: a torn end, after a loss of power, is cut off. Where the reader is stands in a
 * file of its own, mapped by both: a reader that begins again begins behind what was acknowledged. */
#ifndef SPOOL_H
#define SPOOL_H
#include "bytes.h"
#include "error.h"
#include "settings.h"

/* number   counts the events of this output, over all runs; the first is 1
 * dataset  enum dataset                 level  of an alert
 * at       the time of the event, ns since 1970
 * id       event.id, by which who gets it twice knows it
 * key      what it is about, for those who spread messages: the address of the server as text; may be empty
 * payload  what is sent */
struct spool_item {
	uint64_t number;
	uint8_t dataset, level;
	int64_t at;
	struct bytes id, key, payload;
};

/* Since the folder was made, but for waiting and octets, which are of now. lost: given up for want of room. */
struct spool_numbers {
	uint64_t put, acknowledged, waiting, octets, lost_alerts, lost_others;
	/* what the reader says: messages sent; sent once more; failures of the receiver; is it taken? */
	uint64_t sent, again, failures;
	bool taken;
};

struct spool;

/* The writer's end. The folder is made (mode 0700), with those above it; records of earlier runs are kept. budget: octets on disk.
 * NULL: e says why. */
struct spool *spool_open(const char *folder, uint64_t budget, struct error *e);
void spool_close(struct spool *s);
/* The number that the next item will get. */
uint64_t spool_next_number(const struct spool *s);
/* Copies the item, with the number that it gets, to the files' end. What must go for it goes. false: it could not be written (errno), as
 * on a full disk: try again later. */
bool spool_put(struct spool *s, struct spool_item *item);
/* From here on what was put survives the process; with alerts among it, a loss of power too. false: errno. */
bool spool_sync(struct spool *s);
struct spool_numbers spool_numbers(const struct spool *s);

struct spool_reader;

/* The reader's end, of which there is one at a time; begins behind what was acknowledged. NULL: e says why. */
struct spool_reader *spool_read(const char *folder, struct error *e);
void spool_read_close(struct spool_reader *r);
/* The next item, valid until the next call for the reader. false: there is none yet. */
bool spool_take(struct spool_reader *r, struct spool_item *item);
/* Everything up to number is acknowledged, and is never read again. */
void spool_done(struct spool_reader *r, uint64_t number);
/* What is not acknowledged is read again. */
void spool_again(struct spool_reader *r);
/* Items that were put and are not acknowledged. */
uint64_t spool_left(const struct spool_reader *r);
/* For spool_numbers: the item of this number was sent; the receiver failed; it takes what there is, or does not. */
void spool_sent(struct spool_reader *r, uint64_t number);
void spool_failed(struct spool_reader *r);
void spool_taken(struct spool_reader *r, bool taken);
#endif
