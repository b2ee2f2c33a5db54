/* posture_store: what is known of watched domains, in the database of the state (store.h): its tables posture_domain,
 * posture_host, posture_tlsa and posture_standing. Times are ns since 1970. */
#ifndef POSTURE_STORE_H
#define POSTURE_STORE_H
#include <sqlite3.h>

#include "error.h"
#include "judge/posture.h"

/* posture_load: makes the tables where there are none, and reads what they say of p[0, n) (watch is set, the rest is
 * zero). What is read is checked like any input: a row that cannot be is passed over. false: e. */
bool posture_load(struct posture *p, size_t n, sqlite3 *db, struct error *e);
/* posture_save: writes one domain, in the transaction that is open. false: e says why. */
bool posture_save(const struct posture *p, sqlite3 *db, struct error *e);
/* posture_forget: removes the domains that are not among p[0, n) and were not looked at for POSTURE_KEPT before now. */
bool posture_forget(const struct posture *p, size_t n, int64_t now, sqlite3 *db, struct error *e);
#endif
