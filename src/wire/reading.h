/* reading: a clear dialogue read once more, from its text. Where two writers sent different octets for the same place,
 * the first reading took what came first; this one is given the text with what came later. */
#ifndef READING_H
#define READING_H
#include "packet.h"
#include "record.h"
#include "wire/smtp.h"

/* What a reading needs beside its text; nothing of it lasts from one call to the next. */
struct reading {
	struct smtp smtp;
	struct record record;
};

/* Reads text[C2S] and text[S2C] in the order in which command and reply follow each other, up to the first content or
 * TLS, and sets mxwitness.alternative.* of out.
 * late  [C2S], [S2C]: the text is not from the start of its direction: what needs that stays unseen */
void reading_alternative(struct reading *again, const struct bytes text[2], const bool late[2], struct record *out);
#endif
