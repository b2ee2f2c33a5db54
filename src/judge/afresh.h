/* afresh: a session event, taken back to what it was before it was judged (sensor/desk.h). What was seen on the wire, who the server
 * was, what the DNS and the site promised and what became of the mail stays: that was found out where the packets were. What the desk
 * makes of it is gone: history, everyday traffic, what could not be judged, findings, verdict, the event's own words. So judging an
 * event again gives the same as judging it once, and what a line claims to have found is never believed. */
#ifndef JUDGE_AFRESH_H
#define JUDGE_AFRESH_H
#include "record.h"

/* Is that a fact which afresh takes away: made by the desk, an event's own, or none of a session's? mxwitness.expectation.* is not
 * among them: of it afresh only takes away the promise that rests on the history. */
bool afresh_takes(enum fact f);
/* session  as event_read gave it, or any other possible record */
void afresh(struct record *session);
#endif
